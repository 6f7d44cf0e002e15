#include "tools/sim/stepped_rocksdb.h"

#include "engine/base/assert.h"
#include "engine/checkpoint.h"
#include "storage/rocksdb_store.h"
#include "tools/sim/lossy_file_system.h"
#include "tools/sim/temporary_folder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace farthing::sim {
namespace {

namespace fs = std::filesystem;
using storage::Document;
using storage::LedgerEnd;
using storage::LedgerStore;
using storage::Record;
using storage::Round;
using storage::Sequence;
using storage::StoreError;
using storage::Table;

// Small, so that there are flushes and files to merge in a short run.
constexpr std::uint64_t ledger_file_bytes = std::uint64_t{64} << 10;
// What a crash waits for may never come: a round waits for merging, which a full disk has stopped.
constexpr std::chrono::seconds crash_patience{2};

class SteppedRocksdb final : public SteppedStore {
 public:
  SteppedRocksdb(std::uint64_t seed, Break broken);

  std::optional<std::string> open();

  // --- SteppedStore ------------------------------------------------------------------------------
  bool sync() override;
  bool finish_round() override;
  bool read_next() override;
  std::optional<std::string> crash(Random random) override;
  std::optional<std::string> restart() override;
  base::Result<std::unique_ptr<LedgerStore>, std::string> copy() override;
  Sequence synced() const override { return end_.last; }
  void set_free_disk_bytes(std::uint64_t free) override { free_disk_bytes_ = free; }

  // --- storage::LedgerStore ----------------------------------------------------------------------
  void set_durable(Durable durable) override { durable_ = std::move(durable); }
  void append(std::string& body, std::uint32_t count, base::Time now,
              std::vector<Document>& documents) override;
  LedgerEnd end() const override { return end_; }
  base::Result<void, StoreError> scan(Sequence from, const Visitor& visitor) const override;
  base::Result<Record, StoreError> read(Sequence sequence, std::string& buffer) const override {
    return real_->read(sequence, buffer);
  }
  std::optional<std::string> document(std::string_view key) const override {
    return real_->document(key);
  }
  std::vector<Document> documents(std::string_view prefix) const override {
    return real_->documents(prefix);
  }
  void set_round_written(RoundWritten written) override { round_written_ = std::move(written); }
  void write_round(Round& round) override;
  base::Result<std::optional<std::string>, StoreError> fetch(Table table,
                                                             std::string_view key) const override {
    return real_->fetch(table, key);
  }
  base::Result<void, StoreError> visit(Table table, std::string_view from,
                                       const RowVisitor& visitor) const override {
    return real_->visit(table, from, visitor);
  }
  void read_later(std::function<void()> job) override { jobs_.push_back(std::move(job)); }
  base::Result<LedgerEnd, StoreError> copy_to(const fs::path& folder) const override {
    return real_->copy_to(folder);
  }
  LedgerEnd begin() const override { return real_->begin(); }
  base::Result<void, StoreError> cut(const LedgerEnd& end) override { return real_->cut(end); }
  std::uint64_t free_disk_bytes() const override { return free_disk_bytes_; }

 private:
  enum class Stage { none, held, begun };

  base::Result<Sequence, std::string> position() const;
  void begin_append();
  void begin_round();
  void meet_the_end(Random& random);
  void end_process(Random& random);
  void write_failed(std::string_view line);

  const TemporaryFolder folder_;
  LossyFileSystem disk_;
  const bool overlaps_;
  const Break break_;
  std::uint64_t free_disk_bytes_ = std::uint64_t{1} << 40;

  LedgerEnd end_;      // as far as it was said to be durable
  Sequence position_;  // of the last round that was said to be durable
  Durable durable_;
  RoundWritten round_written_;
  std::deque<std::function<void()>> jobs_;

  Stage append_ = Stage::none;
  std::string body_;
  std::uint32_t count_ = 0;
  base::Time now_;
  std::vector<Document> documents_;
  Stage round_stage_ = Stage::none;
  Round round_;

  std::mutex mutex_;  // guards the rest but one, which the real store's threads set
  std::condition_variable changed_;
  bool appended_ = false;
  bool round_written_down_ = false;
  bool failed_ = false;
  bool may_fail_ = false;

  std::unique_ptr<LedgerStore> real_;
};

SteppedRocksdb::SteppedRocksdb(std::uint64_t seed, Break broken)
    : disk_(folder_.path() / "disk", folder_.path() / "attic", seed),
      overlaps_(seed % 2 == 0),
      break_(broken) {}

// --- Opening and ending --------------------------------------------------------------------------

std::optional<std::string> SteppedRocksdb::open() {
  storage::StoreOptions options;
  options.folder = folder_.path() / "disk" / "data";
  options.file_system = disk_.get();
  options.ledger_file_bytes = ledger_file_bytes;
  // Otherwise only at the end, so that nothing but the simulation says when there is a change.
  options.high_water_interval = overlaps_ ? std::chrono::milliseconds(1) : std::chrono::hours(1);
  options.on_failed_write = [this](std::string_view line) { write_failed(line); };
  auto opened = storage::open_rocksdb_store(options);
  if (!opened.has_value()) return opened.error().message;
  real_ = std::move(*opened);
  real_->set_durable([this](Sequence) {
    const std::lock_guard lock(mutex_);
    appended_ = true;
    changed_.notify_all();
  });
  real_->set_round_written([this] {
    const std::lock_guard lock(mutex_);
    round_written_down_ = true;
    changed_.notify_all();
  });
  end_ = real_->end();
  const auto found = position();
  if (!found.has_value()) return found.error();
  if (*found < position_) {
    return fmt::format("the checkpoint was written up to entry {} and has {}", position_.value,
                       found->value);
  }
  position_ = *found;
  return std::nullopt;
}

base::Result<Sequence, std::string> SteppedRocksdb::position() const {
  const auto row = real_->fetch(Table::meta, engine::meta_position_key);
  if (!row.has_value()) return row.error().message;
  if (!row->has_value()) return Sequence(0);
  std::array<char, sizeof(Sequence)> bytes{};
  if ((*row)->size() != bytes.size()) return std::string("the checkpoint's position is not whole");
  std::ranges::copy(**row, bytes.data());
  return std::bit_cast<Sequence>(bytes);
}

// A write that fails although nothing was done to the disk is a fault like a failed assertion: it
// must not be taken for one that was ordered.
void SteppedRocksdb::write_failed(std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (!may_fail_) std::fwrite(line.data(), 1, line.size(), stderr);
  FARTHING_ASSERT(may_fail_);
  failed_ = true;
  changed_.notify_all();
}

std::optional<std::string> SteppedRocksdb::restart() {
  real_.reset();
  return open();
}

std::optional<std::string> SteppedRocksdb::crash(Random random) {
  durable_ = nullptr;
  round_written_ = nullptr;
  jobs_.clear();
  {
    const std::lock_guard lock(mutex_);
    may_fail_ = true;
  }
  meet_the_end(random);
  end_process(random);
  while (random.chance(25)) {
    disk_.cut_power_after(random.between(1, 80));
    (void)open();  // which may or may not come to its end
    end_process(random);
  }
  append_ = round_stage_ = Stage::none;
  body_.clear();
  documents_.clear();
  round_.clear();
  {
    const std::lock_guard lock(mutex_);
    may_fail_ = failed_ = appended_ = round_written_down_ = false;
  }
  return open();
}

// Lets what is under way go on into whatever is wrong with the disk.
void SteppedRocksdb::meet_the_end(Random& random) {
  const std::uint64_t luck = random.below(10);
  const std::uint64_t nth = random.chance(50) ? random.between(1, 4) : random.between(1, 60);
  if (luck == 0) disk_.set_full(true);
  if (luck == 1) disk_.fail_write_after(nth);
  if (luck == 2) disk_.fail_sync_after(nth);
  if (luck >= 3 && luck <= 7) disk_.cut_power_after(nth);
  if (luck >= 8) return;
  if (append_ == Stage::held) begin_append();
  if (round_stage_ == Stage::held) begin_round();
  std::unique_lock lock(mutex_);
  (void)changed_.wait_for(lock, crash_patience, [this] {
    return failed_ || ((append_ == Stage::none || appended_) &&
                       (round_stage_ == Stage::none || round_written_down_));
  });
}

// As kill -9 does, or as a power cut does.
void SteppedRocksdb::end_process(Random& random) {
  disk_.cut_power();
  real_.reset();
  if (random.chance(50)) {
    disk_.restart();
  } else {
    disk_.restart_process();
  }
}

base::Result<std::unique_ptr<LedgerStore>, std::string> SteppedRocksdb::copy() {
  storage::StoreOptions options;
  options.folder = folder_.path() / "copy";
  options.read_only = true;
  fs::remove_all(options.folder);
  const auto copied = real_->copy_to(options.folder);
  if (!copied.has_value()) return copied.error().message;
  auto opened = storage::open_rocksdb_store(options);
  if (!opened.has_value()) return opened.error().message;
  return std::move(*opened);
}

// --- Appends, rounds, readings -------------------------------------------------------------------

void SteppedRocksdb::append(std::string& body, std::uint32_t count, base::Time now,
                            std::vector<Document>& documents) {
  if (break_ == Break::ack_before_sync) sync();
  FARTHING_ASSERT(append_ == Stage::none);
  body_.clear();
  body_.swap(body);
  documents_.clear();
  documents_.swap(documents);
  count_ = count;
  now_ = now;
  append_ = Stage::held;
  if (overlaps_) begin_append();
  if (break_ == Break::ack_before_sync && durable_) durable_(Sequence(end_.last.value + count));
}

void SteppedRocksdb::begin_append() {
  append_ = Stage::begun;
  disk_.pretend_syncs(break_ == Break::lose_synced);
  real_->append(body_, count_, now_, documents_);
}

bool SteppedRocksdb::sync() {
  if (append_ == Stage::none) return false;
  if (append_ == Stage::held) begin_append();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return appended_; });
    appended_ = false;
  }
  disk_.pretend_syncs(false);
  append_ = Stage::none;
  end_ = real_->end();
  // Only now: the callback may append again at once.
  if (durable_ && break_ != Break::ack_before_sync) durable_(end_.last);
  return true;
}

void SteppedRocksdb::write_round(Round& round) {
  FARTHING_ASSERT(round_stage_ == Stage::none);
  std::swap(round_, round);
  round.clear();
  round_stage_ = Stage::held;
  if (overlaps_) begin_round();
}

void SteppedRocksdb::begin_round() {
  round_stage_ = Stage::begun;
  real_->write_round(round_);
}

bool SteppedRocksdb::finish_round() {
  if (round_stage_ == Stage::none) return false;
  if (round_stage_ == Stage::held) begin_round();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return round_written_down_; });
    round_written_down_ = false;
  }
  round_stage_ = Stage::none;
  const auto found = position();
  FARTHING_ASSERT(found.has_value());
  position_ = *found;
  if (round_written_) round_written_();
  return true;
}

bool SteppedRocksdb::read_next() {
  if (jobs_.empty()) return false;
  bool is_done = false;
  real_->read_later([&, job = std::move(jobs_.front())] {
    job();
    const std::lock_guard lock(mutex_);
    is_done = true;
    changed_.notify_all();
  });
  jobs_.pop_front();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return is_done; });
  return true;
}

// What was not said to be durable may still be lost, so nobody reads it.
base::Result<void, StoreError> SteppedRocksdb::scan(Sequence from, const Visitor& visitor) const {
  if (from > end_.last) return {};
  return real_->scan(from, [&](const Record& record) {
    return record.header.first <= end_.last && visitor(record);
  });
}

}  // namespace

std::unique_ptr<SteppedStore> make_stepped_rocksdb(std::uint64_t seed, Break broken) {
  auto store = std::make_unique<SteppedRocksdb>(seed, broken);
  if (const auto why = store->open()) throw std::runtime_error(*why);
  return store;
}

}  // namespace farthing::sim
