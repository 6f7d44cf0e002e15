// A ledger store in memory, for tests (those of tariffs included) and simulation: records are the
// same bytes as on disk, but nothing becomes durable by itself. The test decides: sync() makes the
// append under way durable and calls the engine back, crash() loses it as a power cut would.
//
// Threads: one.
#pragma once

#include "storage/ledger_store.h"
#include "storage/record.h"

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace farthing::storage {

class MemoryStore : public LedgerStore {
 public:
  // Makes the append under way durable and calls Durable (which may append again at once).
  // False when there was none.
  bool sync();
  // Drops the append under way and the callback, which belonged to the process that died.
  void crash();
  bool append_under_way() const { return under_way_; }
  // Makes the round under way durable and calls RoundWritten. False when there was none.
  bool finish_round();
  bool round_under_way() const { return round_under_way_; }
  // Runs the oldest job given to read_later. False when there is none.
  bool read_next();

  void set_durable(Durable durable) override;
  void append(std::string& body, std::uint32_t count, base::Time now,
              std::vector<Document>& documents) override;
  LedgerEnd end() const override { return end_; }
  base::Result<void, StoreError> scan(Sequence from, const Visitor& visitor) const override;
  base::Result<Record, StoreError> read(Sequence sequence, std::string& buffer) const override;
  std::optional<std::string> document(std::string_view key) const override;
  std::vector<Document> documents(std::string_view prefix) const override;
  base::Result<LedgerEnd, StoreError> copy_to(const std::filesystem::path& folder) const override;
  LedgerEnd begin() const override { return begin_; }
  base::Result<void, StoreError> cut(const LedgerEnd& end) override;
  void set_round_written(RoundWritten written) override { round_written_ = std::move(written); }
  void write_round(Round& round) override;
  base::Result<std::optional<std::string>, StoreError> fetch(Table table,
                                                             std::string_view key) const override;
  base::Result<void, StoreError> visit(Table table, std::string_view from,
                                       const RowVisitor& visitor) const override;
  void read_later(std::function<void()> job) override { jobs_.push_back(std::move(job)); }
  std::uint64_t free_disk_bytes() const override { return free_disk_bytes_; }

  void set_free_disk_bytes(std::uint64_t free) { free_disk_bytes_ = free; }

 private:
  using Records = std::map<Sequence, std::string>;
  Sequence position() const;  // of the checkpoint
  Records::const_iterator record_of(Sequence sequence) const;

  Durable durable_;
  RecordHasher hasher_;
  LedgerEnd begin_;
  LedgerEnd end_;
  Records records_;  // by the number of the first entry
  std::map<std::string, std::string, std::less<>> documents_;
  std::uint64_t free_disk_bytes_ = std::uint64_t{1} << 40;

  bool under_way_ = false;
  std::string body_;
  std::uint32_t count_ = 0;
  base::Time now_;
  std::vector<Document> documents_under_way_;

  std::array<std::map<std::string, std::string, std::less<>>, table_count> tables_;
  RoundWritten round_written_;
  bool round_under_way_ = false;
  Round round_;
  std::deque<std::function<void()>> jobs_;
};

}  // namespace farthing::storage
