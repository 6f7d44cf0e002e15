// What farthing trace makes of the messages that it is told: text for people, a capture file, a
// golden transcript for the tests.
//
// Each is fed the messages in order and writes at once, so that a trace may be ended at any moment.
// Threads: one.
#pragma once

#include "diameter/message.h"
#include "diameter/pcap.h"
#include "engine/base/time.h"

#include <cstdint>
#include <fstream>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farthing::tools {

// One message that a server told of.
struct ToldMessage {
  base::Time at;
  std::uint64_t connection = 0;
  std::string peer;
  std::string address;
  bool is_received = false;
  std::vector<std::uint8_t> frame;
  std::uint64_t entry = 0;  // of an answer: the ledger's; 0: none

  // A line of GET /v1/trace; nullopt: it tells of no message.
  static std::optional<ToldMessage> parse(std::string_view line);
};

class TextTrace {
 public:
  TextTrace(std::ostream& out, bool is_brief) : out_(out), is_brief_(is_brief) {}
  void add(const ToldMessage& message);

 private:
  std::string answer_time(const ToldMessage& message, const diameter::Header& header);

  std::ostream& out_;
  bool is_brief_;
  diameter::Message message_;
  // When requests came or left that have no answer yet, by connection and Hop-by-Hop-Id.
  std::map<std::pair<std::uint64_t, std::uint32_t>, base::Time> asked_;
};

class CaptureTrace {
 public:
  // "": it can be written; else why not. A file that is there is not overwritten.
  std::string open(const std::string& file);
  void add(const ToldMessage& message);

 private:
  std::ofstream out_;
  diameter::PcapWriter writer_;
};

// Credit control alone; requests of the server's own and base protocol have no place in it.
class TranscriptTrace {
 public:
  std::string open(const std::string& file);
  void add(const ToldMessage& message);

 private:
  std::ofstream out_;
  diameter::Message message_;
  struct Asked {
    base::Time at;
    std::string lines;
  };
  std::map<std::pair<std::uint64_t, std::uint32_t>, Asked> asked_;
  std::optional<base::Time> written_;  // when the last exchange that stands there began
};

}  // namespace farthing::tools
