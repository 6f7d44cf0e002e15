#include "storage/rocksdb_store.h"

#include "engine/base/assert.h"
#include "storage/files.h"
#include "storage/folder_format.h"
#include "storage/high_water.h"
#include "storage/log_watch.h"
#include "storage/record.h"
#include "storage/rocksdb_copy.h"
#include "storage/rocksdb_database.h"
#include "storage/rocksdb_ledger.h"
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
#include <rocksdb/file_system.h>
#include <rocksdb/write_batch.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;

constexpr int exit_code_io = 74;     // EX_IOERR of sysexits.h
constexpr int checkpoint_nice = 19;  // the checkpoint has time, those who wait for answers have not
constexpr std::int64_t round_bytes_per_second = std::int64_t{16} << 20;
constexpr std::chrono::milliseconds merging_poll_interval{50};

[[noreturn]] void stop_process(std::string_view line) {
  // One write call and no exit handlers: whatever is not durable yet was promised to nobody.
  (void)!::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(exit_code_io);
}

void name_this_thread(const char* name) { (void)::pthread_setname_np(::pthread_self(), name); }

class RocksdbStore final : public LedgerStore {
 public:
  RocksdbStore(const StoreOptions& options, std::shared_ptr<rocksdb::FileSystem> files,
               LogWatch log_watch, Database database, HighWaterFile high_water,
               const LedgerEnd& begin, const LedgerEnd& end);
  ~RocksdbStore() override;

  void set_durable(Durable durable) override;
  void append(std::string& body, std::uint32_t count, base::Time now,
              std::vector<Document>& documents) override;
  LedgerEnd end() const override;
  base::Result<void, StoreError> scan(Sequence from, const Visitor& visitor) const override;
  base::Result<Record, StoreError> read(Sequence sequence, std::string& buffer) const override;
  std::optional<std::string> document(std::string_view key) const override;
  std::vector<Document> documents(std::string_view prefix) const override;
  base::Result<LedgerEnd, StoreError> copy_to(const fs::path& folder) const override;
  LedgerEnd begin() const override;
  base::Result<void, StoreError> cut(const LedgerEnd& end) override;
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
  std::optional<LedgerEnd> write_record();
  void write_rounds_until_stopped();
  void wait_for_merging();
  void read_until_stopped();
  void witness_until_stopped();
  bool write_high_water(const LedgerEnd& end);
  void write_failed(std::string_view what);
  void measure_free_disk();

  const fs::path folder_;
  const StoreOptions::FailedWrite on_failed_write_;
  std::atomic<bool> failed_ = false;
  const std::shared_ptr<rocksdb::FileSystem> files_;
  LogWatch log_watch_;
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

  mutable std::mutex mutex_;  // guards the next four, and what its threads are told
  std::condition_variable wake_commit_;
  bool pending_ = false;
  bool stop_ = false;
  LedgerEnd begin_;
  LedgerEnd end_;

  // The round under way: the engine's from write_round() on, the checkpoint thread's until
  // `round_pending_` falls.
  RoundWritten round_written_;
  std::optional<RoundWriter> round_writer_;  // the thread's own
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

RocksdbStore::RocksdbStore(const StoreOptions& options, std::shared_ptr<rocksdb::FileSystem> files,
                           LogWatch log_watch, Database database, HighWaterFile high_water,
                           const LedgerEnd& begin, const LedgerEnd& end)
    : folder_(options.folder),
      on_failed_write_(options.on_failed_write),
      files_(std::move(files)),
      log_watch_(std::move(log_watch)),
      high_water_interval_(options.high_water_interval),
      read_only_(options.read_only),
      database_(std::move(database)),
      begin_(begin),
      end_(end),
      high_water_(std::move(high_water)),
      witnessed_(high_water_.found().value_or(HighWater{}).last) {
  measure_free_disk();
  if (!read_only_) {
    log_watch_.set_failed([this](std::string_view what) { write_failed(what); });
    round_writer_.emplace(database_, round_bytes_per_second);
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
  log_watch_.set_failed({});
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
    const auto end = write_record();
    if (!end.has_value()) return;
    {
      const std::lock_guard lock(mutex_);
      end_ = *end;
      pending_ = false;
    }
    if (durable_) durable_(end->last);
  }
}

// Nothing where the write failed. Only this thread changes end_, so it may read it here without the
// lock.
std::optional<LedgerEnd> RocksdbStore::write_record() {
  const Sequence first(end_.last.value + 1);
  const auto header = encode_record_header({first, count_, now_, end_.hash}, body_);
  const std::string_view header_bytes(header.data(), header.size());

  const RecordKey key = record_key(first);
  const std::array<rocksdb::Slice, 1> key_parts = {slice(key)};
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
  if (!status.ok()) {
    write_failed(status.ToString());
    return std::nullopt;
  }

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
    if (!read_only_ && end.last != witnessed_ && !write_high_water(end)) return;
    measure_free_disk();
  }
}

bool RocksdbStore::write_high_water(const LedgerEnd& end) {
  if (const auto error = high_water_.write({end.last, end.hash})) {
    write_failed(error->message);
    return false;
  }
  witnessed_ = end.last;
  return true;
}

// The thread that calls does nothing more, unless it comes from within the database.
void RocksdbStore::write_failed(std::string_view what) {
  if (failed_.exchange(true)) return;  // the log has told
  const std::string line = fmt::format(
      "farthing: writing the ledger in {} failed ({}); stopped, nothing unsaved was answered\n",
      folder_.string(), what);
  if (!on_failed_write_) stop_process(line);
  on_failed_write_(line);
}

void RocksdbStore::measure_free_disk() {
  struct statvfs figures {};
  if (::statvfs(folder_.c_str(), &figures) != 0) return;
  free_disk_bytes_ = std::uint64_t{figures.f_bavail} * figures.f_frsize;
}

base::Result<void, StoreError> RocksdbStore::scan(Sequence from, const Visitor& visitor) const {
  const auto records = database_.records();
  return scan_records(database_, *records, begin(), from, visitor);
}

base::Result<Record, StoreError> RocksdbStore::read(Sequence sequence, std::string& buffer) const {
  const auto records = database_.records();
  return read_record(database_, *records, begin(), end(), sequence, buffer);
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

// --- Copies and retention ------------------------------------------------------------------------

base::Result<LedgerEnd, StoreError> RocksdbStore::copy_to(const fs::path& folder) const {
  return copy_database(database_, files_, folder);
}

LedgerEnd RocksdbStore::begin() const {
  const std::lock_guard lock(mutex_);
  return begin_;
}

base::Result<void, StoreError> RocksdbStore::cut(const LedgerEnd& end) {
  FARTHING_ASSERT(!read_only_);
  if (end.last <= begin().last) return {};
  if (end.last > this->end().last) return no_such_entry(end.last, this->end().last);
  const auto there = end_of_record(database_, end.last);
  if (!there.has_value()) return there.error();
  if (there->last != end.last || there->hash != end.hash) return no_record_ends_with(end.last);
  const auto position = find_position(database_);
  if (!position.has_value()) return position.error();
  if (position->value > 0 && *position < end.last) {
    return cut_beyond_checkpoint(end.last, *position);
  }
  auto status = write_begin(database_, *there);
  if (status.ok()) {
    {
      const std::lock_guard lock(mutex_);
      begin_ = *there;
    }
    status = delete_files_before(database_, *there);
  }
  if (status.ok()) return {};
  write_failed(status.ToString());
  return database_.error_of(status);
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
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_checkpoint_.wait(lock, [this] { return round_pending_ || checkpoint_stop_; });
      if (!round_pending_) return;
    }
    wait_for_merging();
    const auto status = round_writer_->write(round_);
    if (!status.ok()) return write_failed("checkpoint: " + status.ToString());
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
  if (!status.ok()) return database_.error_of(status, table);
  return std::optional(std::move(value));
}

base::Result<void, StoreError> RocksdbStore::visit(Table table, std::string_view from,
                                                   const RowVisitor& visitor) const {
  auto* const family = database_.table(table);
  if (family == nullptr) return {};
  rocksdb::ReadOptions options;
  // No read-ahead of a size of ours: RocksDB begins one by itself where many rows are visited, and
  // whoever asks for a few must not pay for megabytes.
  options.fill_cache = false;
  // An iterator sees the table as it was when it was made.
  const std::unique_ptr<rocksdb::Iterator> rows(database_.db().NewIterator(options, family));
  for (rows->Seek(slice(from)); rows->Valid(); rows->Next()) {
    if (!visitor(view(rows->key()), view(rows->value()))) return {};
  }
  if (!rows->status().ok()) return database_.error_of(rows->status(), table);
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

// Before a new ledger is made: that there was none.
std::optional<StoreError> check_nothing_was_there(rocksdb::FileSystem& files,
                                                  const fs::path& folder) {
  const fs::path path = folder / "high-water";
  if (!files.FileExists(path, {}, nullptr).ok()) return std::nullopt;
  const auto high_water = HighWaterFile::open(files, path, HighWaterFile::Mode::read_only);
  if (!high_water.has_value()) return high_water.error();
  if (!high_water->found().has_value()) return std::nullopt;
  return cut_short(folder, Sequence(0), *high_water->found());
}

}  // namespace

base::Result<std::unique_ptr<LedgerStore>, StoreError> open_rocksdb_store(
    const StoreOptions& options) {
  const fs::path& folder = options.folder;
  auto files =
      options.file_system != nullptr ? options.file_system : rocksdb::FileSystem::Default();
  const auto found =
      prepare_folder(*files, folder, options.create_if_missing && !options.read_only);
  if (!found.has_value()) return found.error();
  if (!found->has_ledger) {
    if (const auto error = check_nothing_was_there(*files, folder)) return *error;
  }
  if (options.read_only && is_locked(folder)) {
    return StoreError{
        StoreError::Code::in_use, Sequence(0),
        fmt::format("{} is in use by another process; stop it, or read a copy", folder.string())};
  }
  LogWatch log_watch(files, folder / "ledger");
  auto database = Database::open(
      folder, options.read_only ? Database::Mode::read_only : Database::Mode::read_write,
      log_watch.files(), options.ledger_file_bytes);
  if (!database.has_value()) return database.error();
  const auto begin = find_begin(*database);
  if (!begin.has_value()) return begin.error();
  const auto end = find_end(*database, *begin);
  if (!end.has_value()) return end.error();

  if (const auto error = check_documents(*database)) return *error;
  const auto position = find_position(*database);
  if (!position.has_value()) return position.error();
  if (const auto error = check_position(*database, *begin, *end, *position)) return *error;

  // Missing beside an empty ledger it is made; beside records its absence is a finding.
  const auto mode = options.read_only      ? HighWaterFile::Mode::read_only
                    : end->last.value == 0 ? HighWaterFile::Mode::create
                                           : HighWaterFile::Mode::read_write;
  auto high_water = HighWaterFile::open(*files, folder / "high-water", mode);
  if (!high_water.has_value()) return high_water.error();
  if (high_water->found().has_value()) {
    const auto error = check_high_water(*database, *begin, *end, *high_water->found());
    if (error.has_value()) return *error;
  }
  if (!options.read_only) {
    // The families of a later format were made by the opening; only now is the folder known good.
    if (found->format != folder_format) {
      if (const auto error = write_folder_format(*files, folder)) return *error;
    }
    if (const auto error = sync_folder(*files, folder)) return *error;
    // Of a cut that a crash cut off.
    const auto status = delete_files_before(*database, *begin);
    if (!status.ok()) return database->error_of(status);
  }
  return std::unique_ptr<LedgerStore>(
      std::make_unique<RocksdbStore>(options, std::move(files), std::move(log_watch),
                                     std::move(*database), std::move(*high_water), *begin, *end));
}

}  // namespace farthing::storage
