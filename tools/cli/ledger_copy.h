// A copy of a ledger's records in a folder of segments (storage/segment.h), filled from the answers
// of GET /v1/ledger-records.
//
// Every record is checked before it is written: its checksum, and that it follows the one before. A
// copy belongs to one process at a time. Threads: one. Errors: sentences with the remedy.
#pragma once

#include "engine/base/result.h"
#include "storage/segment.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace farthing::tools {

class LedgerCopy {
 public:
  // Makes the folder where it is missing, looks at what is there, and cuts off what a crash left
  // half written. A segment that has reached `segment_bytes` is compressed.
  static base::Result<LedgerCopy, std::string> open(const std::filesystem::path& folder,
                                                    std::uint64_t segment_bytes);

  bool is_empty() const { return end_.hash == storage::Hash{}; }
  // Makes an empty copy begin with this entry, the first of a record: those before it are not to be
  // had.
  void begin_with(storage::Sequence first) { end_.last = storage::Sequence(first.value - 1); }

  storage::Sequence next() const { return storage::Sequence(end_.last.value + 1); }
  storage::Sequence ledger_end() const { return ledger_end_; }  // as the last answer said
  std::uint64_t torn_bytes() const { return torn_bytes_; }      // that were cut off at the start
  std::uint64_t taken_bytes() const { return taken_bytes_; }    // since then

  // Writes the records of an answer, durably.
  base::Result<void, std::string> take(std::string_view answer);

 private:
  LedgerCopy(std::filesystem::path folder, std::uint64_t segment_bytes)
      : folder_(std::move(folder)), segment_bytes_(segment_bytes) {}

  base::Result<void, std::string> lock();
  base::Result<void, std::string> append(std::string_view record);
  void follow_own_word_of(std::string_view record);
  base::Result<void, std::string> sync();

  std::filesystem::path folder_;
  std::uint64_t segment_bytes_;
  storage::File lock_;
  storage::LedgerEnd end_;
  std::optional<storage::SegmentWriter> writer_;
  storage::Sequence ledger_end_;
  std::uint64_t torn_bytes_ = 0;
  std::uint64_t taken_bytes_ = 0;
};

}  // namespace farthing::tools
