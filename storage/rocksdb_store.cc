#include "storage/rocksdb_store.h"

#include "engine/base/assert.h"
#include "storage/folder_format.h"
#include "storage/high_water.h"
#include "storage/record.h"
#include "storage/rocksdb_database.h"
#include "storage/round_writer.h"

#include <array>
#include <atomic>
#include <bit>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <pthread.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;

constexpr int exit_code_io = 74;     // EX_IOERR of sysexits.h
constexpr int checkpoint_nice = 19;  // the checkpoint has time, those who wait for answers have not
constexpr std::chrono::milliseconds merging_poll_interval{50};

using Key = std::array<char, 8>;

// Big-endian, so that RocksDB's order of bytes is the order of numbers.
Key key_of(Sequence sequence) {
  static_assert(std::endian::native == std::endian::little);
  return std::bit_cast<Key>(__builtin_bswap64(sequence.value));
}

rocksdb::Slice key_slice(const Key& key) { return {key.data(), key.size()}; }

[[noreturn]] void stop_for_failed_write(const fs::path& folder, std::string_view what) {
  // One write call and no exit handlers: whatever is not durable yet was promised to nobody.
  const std::string line = fmt::format(
      "farthing: writing the ledger in {} failed ({}); stopped, nothing unsaved was answered\n",
      folder.string(), what);
  (void)!::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(exit_code_io);
}

// The number that a record is stored under.
std::optional<Sequence> stored_under(const rocksdb::Slice& key) {
  Key bytes;
  if (key.size() != bytes.size()) return std::nullopt;
  std::memcpy(bytes.data(), key.data(), bytes.size());
  return Sequence(__builtin_bswap64(std::bit_cast<std::uint64_t>(bytes)));
}

StoreError wrong_key() { return corrupt_record(Sequence(0), "a record has no number"); }

// The end that the record under the iterator makes.
base::Result<LedgerEnd, StoreError> end_after(const rocksdb::Iterator& records) {
  const auto first = stored_under(records.key());
  if (!first.has_value()) return wrong_key();
  return storage::end_after(view(records.value()), *first);
}

// The last record by its key: nothing before it is read.
base::Result<LedgerEnd, StoreError> find_end(const fs::path& folder, const Database& database) {
  const auto records = database.records();
  records->SeekToLast();
  if (records->Valid()) return end_after(*records);
  if (!records->status().ok()) return error_of(records->status(), folder);
  return LedgerEnd{};
}

std::optional<StoreError> check_high_water(const fs::path& folder, const Database& database,
                                           const LedgerEnd& end, const HighWater& high_water) {
  if (end.last < high_water.last) {
    return StoreError{StoreError::Code::cut_short, end.last,
                      fmt::format("the ledger in {} ends with entry {}, but entry {} was durable: "
                                  "records were lost; restore the folder from a copy, or put an "
                                  "empty file in place of high-water to accept the loss",
                                  folder.string(), end.last.value, high_water.last.value)};
  }
  const auto records = database.records();
  records->SeekForPrev(key_slice(key_of(high_water.last)));
  if (!records->status().ok()) return error_of(records->status(), folder);
  if (!records->Valid()) return corrupt_record(high_water.last, "its record is missing");
  const auto there = end_after(*records);
  if (!there.has_value()) return there.error();
  if (there->last != high_water.last || there->hash != high_water.hash) {
    return corrupt_record(high_water.last,
                          fmt::format("its record in {} is not the one that the high-water file "
                                      "saw",
                                      folder.string()));
  }
  return std::nullopt;
}

void name_this_thread(const char* name) { (void)::pthread_setname_np(::pthread_self(), name); }

class RocksdbStore final : public LedgerStore {
 public:
  RocksdbStore(const StoreOptions& options, Database database, HighWaterFile high_water,
               const LedgerEnd& end);
  ~RocksdbStore() override;

  void set_durable(Durable durable) override;
  void append(std::string& body, std::uint32_t count, base::Time now,
              std::vector<Document>& documents) override;
  LedgerEnd end() const override;
  base::Result<void, StoreError> scan(Sequence from, const Visitor& visitor) const override;
  base::Result<Record, StoreError> read(Sequence sequence, std::string& buffer) const override;
  std::optional<std::string> document(std::string_view key) const override;
  std::vector<Document> documents(std::string_view prefix) const override;
  void set_round_written(RoundWritten written) override;
  void write_round(Round& round) override;
  base::Result<std::optional<std::string>, StoreError> fetch(Table table,
                                                             std::string_view key) const override;
  base::Result<void, StoreError> visit(Table table, std::string_view from,
                                       const RowVisitor& visitor) const override;
  void read_later(std::function<void()> job) override;
  std::uint64_t free_disk_bytes() const override { return free_disk_bytes_; }

 private:
  void commit_until_stopped();
  LedgerEnd write_record();
  void write_rounds_until_stopped();
  void wait_for_merging();
  void read_until_stopped();
  void witness_until_stopped();
  void write_high_water(const LedgerEnd& end);
  void measure_free_disk();

  const fs::path folder_;
  const std::chrono::milliseconds high_water_interval_;
  const bool read_only_;
  Database database_;

  // The append under way: the engine's from append() on, the commit thread's until `pending_`
  // falls.
  Durable durable_;
  std::string body_;
  std::uint32_t count_ = 0;
  base::Time now_;
  std::vector<Document> documents_;

  mutable std::mutex mutex_;  // guards the next three, and what its threads are told
  std::condition_variable wake_commit_;
  bool pending_ = false;
  bool stop_ = false;
  LedgerEnd end_;

  // The round under way: the engine's from write_round() on, the checkpoint thread's until
  // `round_pending_` falls.
  RoundWritten round_written_;
  Round round_;
  bool round_pending_ = false;
  bool checkpoint_stop_ = false;
  std::condition_variable wake_checkpoint_;

  std::deque<std::function<void()>> jobs_;
  bool read_stop_ = false;
  std::condition_variable wake_read_;

  // The commit thread's own.
  RecordHasher hasher_;
  rocksdb::WriteBatch batch_;

  // The witness thread's own, but for `witness_stop_`, which `mutex_` guards too.
  HighWaterFile high_water_;
  Sequence witnessed_;
  std::condition_variable wake_witness_;
  bool witness_stop_ = false;
  std::atomic<std::uint64_t> free_disk_bytes_{0};

  std::thread commit_thread_;
  std::thread checkpoint_thread_;
  std::thread read_thread_;
  std::thread witness_thread_;
};

RocksdbStore::RocksdbStore(const StoreOptions& options, Database database, HighWaterFile high_water,
                           const LedgerEnd& end)
    : folder_(options.folder),
      high_water_interval_(options.high_water_interval),
      read_only_(options.read_only),
      database_(std::move(database)),
      end_(end),
      high_water_(std::move(high_water)),
      witnessed_(high_water_.found().value_or(HighWater{}).last) {
  measure_free_disk();
  if (!read_only_) {
    commit_thread_ = std::thread([this] { commit_until_stopped(); });
    checkpoint_thread_ = std::thread([this] { write_rounds_until_stopped(); });
  }
  read_thread_ = std::thread([this] { read_until_stopped(); });
  witness_thread_ = std::thread([this] { witness_until_stopped(); });
}

RocksdbStore::~RocksdbStore() {
  const auto end = [this](bool& stop, std::condition_variable& wake, std::thread& thread) {
    {
      const std::lock_guard lock(mutex_);
      stop = true;
    }
    wake.notify_one();
    if (thread.joinable()) thread.join();
  };
  end(read_stop_, wake_read_, read_thread_);
  end(checkpoint_stop_, wake_checkpoint_, checkpoint_thread_);
  end(stop_, wake_commit_, commit_thread_);
  end(witness_stop_, wake_witness_, witness_thread_);  // after the last commit, to witness it
}

void RocksdbStore::set_durable(Durable durable) {
  const std::lock_guard lock(mutex_);
  FARTHING_ASSERT(!pending_);
  durable_ = std::move(durable);
}

void RocksdbStore::append(std::string& body, std::uint32_t count, base::Time now,
                          std::vector<Document>& documents) {
  {
    const std::lock_guard lock(mutex_);
    FARTHING_ASSERT(!read_only_ && !pending_ && count > 0);
    FARTHING_ASSERT(end_.last.value == 0 || now >= end_.now);
    body_.swap(body);
    documents_.swap(documents);
    count_ = count;
    now_ = now;
    pending_ = true;
  }
  wake_commit_.notify_one();
}

LedgerEnd RocksdbStore::end() const {
  const std::lock_guard lock(mutex_);
  return end_;
}

void RocksdbStore::commit_until_stopped() {
  name_this_thread("ledger-commit");
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_commit_.wait(lock, [this] { return pending_ || stop_; });
      if (!pending_) return;
    }
    const LedgerEnd end = write_record();
    {
      const std::lock_guard lock(mutex_);
      end_ = end;
      pending_ = false;
    }
    if (durable_) durable_(end.last);
  }
}

// Only this thread changes end_, so it may read it here without the lock.
LedgerEnd RocksdbStore::write_record() {
  const Sequence first(end_.last.value + 1);
  const auto header = encode_record_header({first, count_, now_, end_.hash}, body_);
  const std::string_view header_bytes(header.data(), header.size());

  const Key key = key_of(first);
  const std::array<rocksdb::Slice, 1> key_parts = {key_slice(key)};
  const std::array<rocksdb::Slice, 2> value_parts = {slice(header_bytes), slice(body_)};
  auto status = batch_.Put(database_.ledger(), rocksdb::SliceParts(key_parts.data(), 1),
                           rocksdb::SliceParts(value_parts.data(), 2));
  for (const Document& document : documents_) {
    if (!status.ok()) break;
    status = batch_.Put(database_.documents(), slice(document.key), slice(document.value));
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  if (status.ok()) status = database_.db().Write(synced, &batch_);
  if (!status.ok()) stop_for_failed_write(folder_, status.ToString());

  const LedgerEnd end{Sequence(end_.last.value + count_), now_, hasher_.hash(header_bytes, body_)};
  batch_.Clear();
  body_.clear();
  documents_.clear();
  return end;
}

void RocksdbStore::witness_until_stopped() {
  name_this_thread("ledger-witness");
  for (bool stopping = false; !stopping;) {
    LedgerEnd end;
    {
      std::unique_lock lock(mutex_);
      wake_witness_.wait_for(lock, high_water_interval_, [this] { return witness_stop_; });
      stopping = witness_stop_;
      end = end_;
    }
    if (!read_only_ && end.last != witnessed_) write_high_water(end);
    measure_free_disk();
  }
}

void RocksdbStore::write_high_water(const LedgerEnd& end) {
  const int error = high_water_.write({end.last, end.hash});
  if (error != 0) {
    stop_for_failed_write(folder_, fmt::format("high-water: {}", std::strerror(error)));
  }
  witnessed_ = end.last;
}

void RocksdbStore::measure_free_disk() {
  struct statvfs figures {};
  if (::statvfs(folder_.c_str(), &figures) != 0) return;
  free_disk_bytes_ = std::uint64_t{figures.f_bavail} * figures.f_frsize;
}

base::Result<void, StoreError> RocksdbStore::scan(Sequence from, const Visitor& visitor) const {
  const auto records = database_.records();
  records->SeekForPrev(key_slice(key_of(from)));
  if (!records->Valid() && records->status().ok()) records->SeekToFirst();
  // Each record must follow the one before it, so the first to be visited needs that one too.
  LedgerEnd before;
  if (records->Valid() && from.value > 1) {
    records->Prev();
    if (records->Valid()) {
      const auto end = end_after(*records);
      if (!end.has_value()) return end.error();
      before = *end;
      records->Next();
    } else if (records->status().ok()) {
      records->SeekToFirst();
    }
  }
  ChainReader chain(before);
  for (; records->Valid(); records->Next()) {
    const auto record = chain.next(view(records->value()));
    if (!record.has_value()) return record.error();
    if (stored_under(records->key()) != record->header.first) return wrong_key();
    if (chain.end().last >= from && !visitor(*record)) return {};
  }
  if (!records->status().ok()) return error_of(records->status(), folder_);
  return {};
}

base::Result<Record, StoreError> RocksdbStore::read(Sequence sequence, std::string& buffer) const {
  const auto records = database_.records();
  records->SeekForPrev(key_slice(key_of(sequence)));
  if (!records->status().ok()) return error_of(records->status(), folder_);
  if (!records->Valid()) return no_such_entry(sequence, end().last);
  buffer.assign(records->value().data(), records->value().size());
  const auto record = decode_record(buffer);
  if (!record.has_value()) return corrupt_record(sequence, describe(record.error()));
  if (stored_under(records->key()) != record->header.first) return wrong_key();
  if (sequence.value - record->header.first.value >= record->header.count) {
    return no_such_entry(sequence, end().last);
  }
  return *record;
}

std::optional<std::string> RocksdbStore::document(std::string_view key) const {
  std::string value;
  const auto status = database_.db().Get({}, database_.documents(), slice(key), &value);
  if (!status.ok()) return std::nullopt;
  return value;
}

std::vector<Document> RocksdbStore::documents(std::string_view prefix) const {
  std::vector<Document> found;
  const std::unique_ptr<rocksdb::Iterator> it(
      database_.db().NewIterator({}, database_.documents()));
  for (it->Seek(slice(prefix)); it->Valid() && it->key().starts_with(slice(prefix)); it->Next()) {
    found.push_back({it->key().ToString(), it->value().ToString()});
  }
  return found;
}

// --- The checkpoint ------------------------------------------------------------------------------

void RocksdbStore::set_round_written(RoundWritten written) {
  const std::lock_guard lock(mutex_);
  FARTHING_ASSERT(!round_pending_);
  round_written_ = std::move(written);
}

void RocksdbStore::write_round(Round& round) {
  {
    const std::lock_guard lock(mutex_);
    FARTHING_ASSERT(!read_only_ && !round_pending_);
    std::swap(round_, round);
    round_pending_ = true;
  }
  wake_checkpoint_.notify_one();
}

void RocksdbStore::write_rounds_until_stopped() {
  name_this_thread("ledger-chkpt");
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), checkpoint_nice);
  RoundWriter writer(database_, folder_);
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_checkpoint_.wait(lock, [this] { return round_pending_ || checkpoint_stop_; });
      if (!round_pending_) return;
    }
    wait_for_merging();
    const auto status = writer.write(round_);
    if (!status.ok()) stop_for_failed_write(folder_, "checkpoint: " + status.ToString());
    round_.clear();
    {
      const std::lock_guard lock(mutex_);
      round_pending_ = false;
    }
    if (round_written_) round_written_();
  }
}

// Not when the store is about to end: who ends it waits for the round.
void RocksdbStore::wait_for_merging() {
  while (database_.merging_lags()) {
    std::unique_lock lock(mutex_);
    if (wake_checkpoint_.wait_for(lock, merging_poll_interval, [this] { return checkpoint_stop_; }))
      return;
  }
}

base::Result<std::optional<std::string>, StoreError> RocksdbStore::fetch(
    Table table, std::string_view key) const {
  auto* const family = database_.table(table);
  if (family == nullptr) return std::optional<std::string>();
  std::string value;
  const auto status = database_.db().Get({}, family, slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return error_of(status, folder_);
  return std::optional(std::move(value));
}

base::Result<void, StoreError> RocksdbStore::visit(Table table, std::string_view from,
                                                   const RowVisitor& visitor) const {
  auto* const family = database_.table(table);
  if (family == nullptr) return {};
  rocksdb::ReadOptions options;
  options.readahead_size = std::size_t{2} << 20;
  options.fill_cache = false;
  // An iterator sees the table as it was when it was made.
  const std::unique_ptr<rocksdb::Iterator> rows(database_.db().NewIterator(options, family));
  for (rows->Seek(slice(from)); rows->Valid(); rows->Next()) {
    if (!visitor(view(rows->key()), view(rows->value()))) return {};
  }
  if (!rows->status().ok()) return error_of(rows->status(), folder_);
  return {};
}

void RocksdbStore::read_later(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_read_.notify_one();
}

void RocksdbStore::read_until_stopped() {
  name_this_thread("ledger-read");
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      wake_read_.wait(lock, [this] { return !jobs_.empty() || read_stop_; });
      if (read_stop_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace

base::Result<std::unique_ptr<LedgerStore>, StoreError> open_rocksdb_store(
    const StoreOptions& options) {
  const fs::path& folder = options.folder;
  const auto found = prepare_folder(folder, options.create_if_missing && !options.read_only);
  if (!found.has_value()) return found.error();
  if (options.read_only && is_locked(folder)) {
    return StoreError{
        StoreError::Code::in_use, Sequence(0),
        fmt::format("{} is in use by another process; stop it, or read a copy", folder.string())};
  }
  auto database = Database::open(folder, options.read_only);
  if (!database.has_value()) return database.error();
  const auto end = find_end(folder, *database);
  if (!end.has_value()) return end.error();

  // Missing beside an empty ledger it is made; beside records its absence is a finding.
  const auto mode = options.read_only      ? HighWaterFile::Mode::read_only
                    : end->last.value == 0 ? HighWaterFile::Mode::create
                                           : HighWaterFile::Mode::read_write;
  auto high_water = HighWaterFile::open(folder / "high-water", mode);
  if (!high_water.has_value()) return high_water.error();
  if (high_water->found().has_value()) {
    const auto error = check_high_water(folder, *database, *end, *high_water->found());
    if (error.has_value()) return *error;
  }
  if (!options.read_only) {
    // The families of a later format were made by the opening; only now is the folder known good.
    if (found->format != folder_format) {
      if (const auto error = write_folder_format(folder)) return *error;
    }
    sync_folder(folder);
  }
  return std::unique_ptr<LedgerStore>(
      std::make_unique<RocksdbStore>(options, std::move(*database), std::move(*high_water), *end));
}

}  // namespace farthing::storage
