// What tests of whole programs stand on: a temporary folder, a program that a test runs, and
// farthingd among them. Everything a test starts is gone when the test is, however it ends.
//
// Threads: one. Errors: what cannot be set up, or does not come in time, throws (the test fails).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temp_folder.h"

namespace farthing::test {

// No wait of a test is longer; far more than a loaded machine needs.
constexpr std::chrono::seconds patience{60};

struct Exit {
  int code = -1;   // when it ended by itself
  int signal = 0;  // when a signal ended it
  std::string out;
  std::string err;
};

class Process {
 public:
  // `arguments`: the program's path first. Its standard error goes to a file in `folder`. A file
  // that it writes beyond `file_size_bytes_max` fails as on a full disk; 0: no such limit.
  Process(const std::vector<std::string>& arguments, const TempFolder& folder,
          std::uint64_t file_size_bytes_max = 0);
  ~Process();  // Kills it if it still runs.
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The next whole line on standard output without its end, or nothing when output has ended.
  std::optional<std::string> read_line();
  // Waits for its end.
  Exit wait(std::chrono::seconds timeout = patience);
  void signal(int number) const;
  std::string error_output() const;

 private:
  bool read_more(std::chrono::steady_clock::time_point until);

  pid_t pid_ = -1;
  int out_ = -1;
  bool ended_ = false;
  std::string unread_;
  std::string error_file_;
};

// Runs a program to its end.
Exit run(const std::vector<std::string>& arguments, const TempFolder& folder,
         std::chrono::seconds timeout = patience);

// A program of this build, by its name.
std::string program(const std::string& name);

// A farthingd that serves.
class Farthingd {
 public:
  // The demo, on a free port if no other is given, its data in `folder`.
  static Farthingd demo(const TempFolder& folder, std::uint16_t port = 0,
                        std::uint64_t file_size_bytes_max = 0);
  // REQUIRES: arguments with which it comes up.
  Farthingd(const std::vector<std::string>& arguments, const TempFolder& folder,
            std::uint64_t file_size_bytes_max = 0);

  std::uint16_t port() const { return port_; }
  std::string endpoint() const { return "127.0.0.1:" + std::to_string(port_); }
  const std::string& api() const { return api_; }
  const std::string& data() const { return data_; }
  Process& process() { return *process_; }

  // SIGTERM, and its end.
  Exit stop();
  // SIGKILL, and its end.
  void kill();
  // Runs `farthing --api ...` against it.
  Exit farthing(std::vector<std::string> arguments) const;
  // The balance of an account, as printed ("99.967500"), and what is reserved of it.
  std::string balance(const std::string& account) const;
  std::string reserved(const std::string& account) const;

 private:
  std::string balance_field(const std::string& account, const char* field) const;

  const TempFolder* folder_;
  std::unique_ptr<Process> process_;
  std::uint16_t port_ = 0;
  std::string api_;
  std::string data_;
};

}  // namespace farthing::test
