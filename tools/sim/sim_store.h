// The ledger store of the simulation: the same bytes as on disk, and a disk that does what disks do
// when the simulation says so. An append stays unsynced until sync(); a crash keeps as many of its
// bytes as chance has it, and the next start drops a record that was torn; a round of write-back is
// there whole after a crash, or not at all; jobs of the reading thread run when they are told to.
//
// Threads: one.
#pragma once

#include "storage/ledger_store.h"
#include "storage/record.h"
#include "tools/sim/stepped_store.h"

#include <array>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::sim {

class SimStore final : public SteppedStore {
 public:
  explicit SimStore(Break broken = Break::none) : break_(broken) {}

  // --- SteppedStore ------------------------------------------------------------------------------
  bool sync() override;
  bool finish_round() override;
  bool read_next() override;
  std::optional<std::string> crash(Random random) override;
  std::optional<std::string> restart() override { return std::nullopt; }
  base::Result<std::unique_ptr<storage::LedgerStore>, std::string> copy() override;
  storage::Sequence synced() const override { return end_.last; }
  void set_free_disk_bytes(std::uint64_t free) override { free_disk_bytes_ = free; }

  // --- storage::LedgerStore ----------------------------------------------------------------------
  void set_durable(Durable durable) override { durable_ = std::move(durable); }
  void append(std::string& body, std::uint32_t count, base::Time now,
              std::vector<storage::Document>& documents) override;
  storage::LedgerEnd end() const override { return end_; }
  base::Result<void, storage::StoreError> scan(storage::Sequence from,
                                               const Visitor& visitor) const override;
  base::Result<storage::Record, storage::StoreError> read(storage::Sequence sequence,
                                                          std::string& buffer) const override;
  std::optional<std::string> document(std::string_view key) const override;
  std::vector<storage::Document> documents(std::string_view prefix) const override;
  void set_round_written(RoundWritten written) override { round_written_ = std::move(written); }
  void write_round(storage::Round& round) override;
  base::Result<std::optional<std::string>, storage::StoreError> fetch(
      storage::Table table, std::string_view key) const override;
  base::Result<void, storage::StoreError> visit(storage::Table table, std::string_view from,
                                                const RowVisitor& visitor) const override;
  void read_later(std::function<void()> job) override { jobs_.push_back(std::move(job)); }
  base::Result<storage::LedgerEnd, storage::StoreError> copy_to(
      const std::filesystem::path& folder) const override;
  storage::LedgerEnd begin() const override { return begin_; }
  base::Result<void, storage::StoreError> cut(const storage::LedgerEnd& end) override;
  std::uint64_t free_disk_bytes() const override { return free_disk_bytes_; }

 private:
  bool append_under_way() const { return !unsynced_.empty(); }
  struct Stored {
    storage::Sequence first;
    std::string bytes;
  };
  std::size_t place_of(storage::Sequence sequence) const;
  void keep_record(std::string bytes);
  void apply_round();

  Break break_;
  storage::RecordHasher hasher_;
  storage::LedgerEnd begin_;
  storage::LedgerEnd end_;
  std::vector<Stored> records_;
  std::map<std::string, std::string, std::less<>> documents_;
  std::uint64_t free_disk_bytes_ = std::uint64_t{1} << 40;
  Durable durable_;

  std::string unsynced_;  // the bytes of the record under way
  std::vector<storage::Document> unsynced_documents_;
  std::string spare_body_;

  std::array<std::map<std::string, std::string, std::less<>>, storage::table_count> tables_;
  RoundWritten round_written_;
  bool round_under_way_ = false;
  storage::Round round_;
  std::deque<std::function<void()>> jobs_;
};

}  // namespace farthing::sim
