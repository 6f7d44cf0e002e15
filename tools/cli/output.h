// Where a long answer goes: standard output, or a file.
//
// A file that cannot be written is said on stderr, with the remedy. Threads: one.
#pragma once

#include "tools/cli/context.h"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace farthing::tools {

// Standard output, or a file that has its name only when it is complete.
class Output {
 public:
  Output(const Context& context, std::string file) : context_(context), file_(std::move(file)) {
    if (!file_.empty()) part_.open(part_name(), std::ios::binary | std::ios::trunc);
  }
  ~Output() {
    std::error_code ignored;
    if (!file_.empty() && !complete_) std::filesystem::remove(part_name(), ignored);
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  bool write(std::string_view text) {
    std::ostream& out = file_.empty() ? context_.out() : part_;
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    bytes_ += text.size();
    if (!file_.empty()) context_.progress(fmt::format("written: {:.1f} MB", megabytes()));
    return out.good();
  }
  // The exit code.
  int finish() {
    context_.progress("");
    if (file_.empty()) return exit_done;
    part_.close();
    std::error_code error;
    if (part_) std::filesystem::rename(part_name(), file_, error);
    complete_ = part_ && !error;
    return complete_ ? exit_done : fail();
  }
  int fail() const {
    return context_.fail(exit_refused, fmt::format("{} cannot be written; is there room, and may "
                                                   "you write there?",
                                                   file_));
  }
  bool is_good() const { return file_.empty() || part_.good(); }

 private:
  std::string part_name() const { return file_ + ".part"; }
  double megabytes() const { return static_cast<double>(bytes_) / 1e6; }

  const Context& context_;
  std::string file_;
  std::ofstream part_;
  std::uint64_t bytes_ = 0;
  bool complete_ = false;
};

}  // namespace farthing::tools
