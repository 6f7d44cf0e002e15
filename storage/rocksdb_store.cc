#include "storage/rocksdb_store.h"

#include "engine/base/assert.h"
#include "storage/high_water.h"
#include "storage/record.h"

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view format_version = "1";
constexpr int exit_code_io = 74;  // EX_IOERR of sysexits.h

enum Family : std::size_t { family_default, family_ledger, family_documents };
constexpr std::array<const char*, 3> family_names = {"default", "ledger", "documents"};

using Key = std::array<char, 8>;

// Big-endian, so that RocksDB's order of bytes is the order of numbers.
Key key_of(Sequence sequence) {
  static_assert(std::endian::native == std::endian::little);
  return std::bit_cast<Key>(__builtin_bswap64(sequence.value));
}

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
rocksdb::Slice slice(const Key& key) { return {key.data(), key.size()}; }
std::string_view view(const rocksdb::Slice& text) { return {text.data(), text.size()}; }

StoreError error_of(StoreError::Code code, std::string message) {
  return {code, Sequence(0), std::move(message)};
}

// What RocksDB said about the folder, in terms of what a person can do.
StoreError error_of(const rocksdb::Status& status, const fs::path& folder) {
  const std::string text = status.ToString();
  if (text.find("While lock file") != std::string::npos ||
      text.find("lock hold by current process") != std::string::npos) {
    return error_of(StoreError::Code::in_use,
                    fmt::format("{} is in use by another process; stop it, or choose another "
                                "data folder",
                                folder.string()));
  }
  if (status.IsCorruption()) {
    return error_of(StoreError::Code::corrupt,
                    fmt::format("the ledger in {} is damaged ({}); restore the data folder from a "
                                "copy",
                                folder.string(), text));
  }
  return error_of(StoreError::Code::io,
                  fmt::format("the ledger in {} cannot be used: {}", folder.string(), text));
}

[[noreturn]] void stop_for_failed_write(const fs::path& folder, std::string_view what) {
  // One write call and no exit handlers: whatever is not durable yet was promised to nobody.
  const std::string line = fmt::format(
      "farthing: writing the ledger in {} failed ({}); stopped, nothing unsaved was answered\n",
      folder.string(), what);
  (void)!::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(exit_code_io);
}

class SilentLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// A ledger only grows at its end and its records are large: few, big, uncompressed files that are
// moved down the levels without being written again (they never overlap).
rocksdb::ColumnFamilyOptions ledger_family_options() {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = std::size_t{64} << 20;
  options.max_write_buffer_number = 6;
  options.compression = rocksdb::kNoCompression;
  options.bottommost_compression = rocksdb::kDisableCompressionOption;
  options.target_file_size_base = std::uint64_t{64} << 20;
  options.max_bytes_for_level_base = std::uint64_t{512} << 20;
  options.level_compaction_dynamic_level_bytes = false;
  // Files of L0 do not overlap either; their number slows no reader down and need stop no writer.
  options.level0_slowdown_writes_trigger = 1000;
  options.level0_stop_writes_trigger = 2000;
  options.soft_pending_compaction_bytes_limit = 0;
  options.hard_pending_compaction_bytes_limit = 0;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = std::size_t{16} << 10;
  table.no_block_cache = true;  // records are read once, in order
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::ColumnFamilyOptions small_family_options() {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = std::size_t{4} << 20;
  options.compression = rocksdb::kNoCompression;
  return options;
}

rocksdb::DBOptions database_options(bool read_only) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // The default mode silently drops synced records after a flipped byte. This one forgives a record
  // that a crash cut off at the very end, and rules out recycled log files, whose ends cannot be
  // told.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  options.max_total_wal_size = std::uint64_t{512} << 20;
  options.bytes_per_sync = std::uint64_t{1} << 20;  // so that no sync meets a flush's whole file
  options.max_background_jobs = 2;
  options.max_open_files = 512;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.max_log_file_size = std::size_t{1} << 20;
  options.keep_log_file_num = 2;
  if (read_only) options.info_log = std::make_shared<SilentLogger>();
  return options;
}

// An open database with its families; closes in the right order.
struct Database {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> families;

  Database() = default;
  Database(Database&& other) noexcept
      : db(std::move(other.db)), families(std::exchange(other.families, {})) {}
  Database& operator=(Database&&) = delete;
  ~Database() {
    if (db == nullptr) return;
    for (auto* family : families) (void)db->DestroyColumnFamilyHandle(family);
    (void)db->Close();
  }

  std::unique_ptr<rocksdb::Iterator> records() const {
    rocksdb::ReadOptions options;
    options.readahead_size = std::size_t{2} << 20;
    return std::unique_ptr<rocksdb::Iterator>(db->NewIterator(options, families[family_ledger]));
  }
};

rocksdb::Status open_database(const fs::path& ledger, bool read_only, Database& database) {
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  descriptors.emplace_back(family_names[family_default], small_family_options());
  descriptors.emplace_back(family_names[family_ledger], ledger_family_options());
  descriptors.emplace_back(family_names[family_documents], small_family_options());
  rocksdb::DB* db = nullptr;
  const auto options = database_options(read_only);
  const auto status =
      read_only ? rocksdb::DB::OpenForReadOnly(options, ledger.string(), descriptors,
                                               &database.families, &db)
                : rocksdb::DB::Open(options, ledger.string(), descriptors, &database.families, &db);
  database.db.reset(db);
  return status;
}

// The format of a data folder stands in a text file beside the database, so that it can be told
// without opening what another version wrote.
constexpr std::string_view format_line_start = "farthing data folder, format ";

StoreError wrong_version(const fs::path& folder, std::string_view found) {
  return error_of(StoreError::Code::wrong_version,
                  fmt::format("{} is a data folder of {}, and this program reads format {}; use "
                              "the version of Farthing that wrote it, or another data folder",
                              folder.string(), found, format_version));
}

std::optional<StoreError> check_format(const fs::path& folder) {
  std::ifstream file(folder / "format");
  std::string line;
  if (!std::getline(file, line) || !line.starts_with(format_line_start)) {
    return wrong_version(folder, "an unknown format");
  }
  const std::string found = line.substr(format_line_start.size());
  if (found != format_version) return wrong_version(folder, fmt::format("format {}", found));
  return std::nullopt;
}

void sync_folder(const fs::path& folder) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return;
  (void)::fsync(file);
  ::close(file);
}

// Complete or not there at all, whenever a crash comes.
std::optional<StoreError> write_format(const fs::path& folder) {
  const fs::path path = folder / "format";
  const fs::path unfinished = folder / "format.new";
  const std::string line = fmt::format("{}{}\n", format_line_start, format_version);
  const int file = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool done = file >= 0;
  done = done && ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  done = done && ::fsync(file) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (!done || ::rename(unfinished.c_str(), path.c_str()) != 0) {
    return error_of(StoreError::Code::io, fmt::format("{}: {}", unfinished.string(),
                                                      std::strerror(done ? errno : error)));
  }
  sync_folder(folder);
  return std::nullopt;
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
  records->SeekForPrev(slice(key_of(high_water.last)));
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

// Whether some process holds RocksDB's lock: opening read-only does not ask.
bool is_locked(const fs::path& ledger) {
  const int file = ::open((ledger / "LOCK").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool locked = ::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(file);
  return locked;
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
  std::uint64_t free_disk_bytes() const override { return free_disk_bytes_; }

 private:
  void commit_until_stopped();
  LedgerEnd write_record();
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

  mutable std::mutex mutex_;  // guards the next three
  std::condition_variable wake_commit_;
  bool pending_ = false;
  bool stop_ = false;
  LedgerEnd end_;

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
  if (!read_only_) commit_thread_ = std::thread([this] { commit_until_stopped(); });
  witness_thread_ = std::thread([this] { witness_until_stopped(); });
}

RocksdbStore::~RocksdbStore() {
  const auto tell = [this](bool& stop, std::condition_variable& wake) {
    {
      const std::lock_guard lock(mutex_);
      stop = true;
    }
    wake.notify_one();
  };
  tell(stop_, wake_commit_);
  if (commit_thread_.joinable()) commit_thread_.join();
  tell(witness_stop_, wake_witness_);  // after the last commit, to witness it
  witness_thread_.join();
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
  const std::array<rocksdb::Slice, 1> key_parts = {slice(key)};
  const std::array<rocksdb::Slice, 2> value_parts = {slice(header_bytes), slice(body_)};
  auto status =
      batch_.Put(database_.families[family_ledger], rocksdb::SliceParts(key_parts.data(), 1),
                 rocksdb::SliceParts(value_parts.data(), 2));
  for (const Document& document : documents_) {
    if (!status.ok()) break;
    status = batch_.Put(database_.families[family_documents], slice(document.key),
                        slice(document.value));
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  if (status.ok()) status = database_.db->Write(synced, &batch_);
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
  records->SeekForPrev(slice(key_of(from)));
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
  records->SeekForPrev(slice(key_of(sequence)));
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
  const auto status =
      database_.db->Get({}, database_.families[family_documents], slice(key), &value);
  if (!status.ok()) return std::nullopt;
  return value;
}

std::vector<Document> RocksdbStore::documents(std::string_view prefix) const {
  std::vector<Document> found;
  const std::unique_ptr<rocksdb::Iterator> it(
      database_.db->NewIterator({}, database_.families[family_documents]));
  for (it->Seek(slice(prefix)); it->Valid() && it->key().starts_with(slice(prefix)); it->Next()) {
    found.push_back({it->key().ToString(), it->value().ToString()});
  }
  return found;
}

// Makes or finds the folder; whether it holds a ledger.
base::Result<bool, StoreError> prepare_folder(const StoreOptions& options, const fs::path& ledger) {
  std::error_code error;
  const bool exists = fs::exists(ledger / "CURRENT", error);
  if (exists) return true;
  if (error) {
    return error_of(StoreError::Code::io,
                    fmt::format("{}: {}", options.folder.string(), error.message()));
  }
  if (options.read_only || !options.create_if_missing) {
    return error_of(StoreError::Code::io,
                    fmt::format("{} holds no ledger; name a data folder", options.folder.string()));
  }
  fs::create_directories(ledger, error);
  if (error) {
    return error_of(StoreError::Code::io,
                    fmt::format("the data folder {} cannot be made: {}; choose another, or allow "
                                "this user to write there",
                                options.folder.string(), error.message()));
  }
  return false;
}

}  // namespace

base::Result<std::unique_ptr<LedgerStore>, StoreError> open_rocksdb_store(
    const StoreOptions& options) {
  const fs::path& folder = options.folder;
  const fs::path ledger = folder / "ledger";
  const auto exists = prepare_folder(options, ledger);
  if (!exists.has_value()) return exists.error();
  if (options.read_only && is_locked(ledger)) {
    return error_of(
        StoreError::Code::in_use,
        fmt::format("{} is in use by another process; stop it, or read a copy", folder.string()));
  }
  if (const auto error = *exists ? check_format(folder) : write_format(folder)) return *error;
  Database database;
  const auto status = open_database(ledger, options.read_only, database);
  if (!status.ok()) return error_of(status, folder);
  const auto end = find_end(folder, database);
  if (!end.has_value()) return end.error();

  // Missing beside an empty ledger it is made; beside records its absence is a finding.
  const auto mode = options.read_only      ? HighWaterFile::Mode::read_only
                    : end->last.value == 0 ? HighWaterFile::Mode::create
                                           : HighWaterFile::Mode::read_write;
  auto high_water = HighWaterFile::open(folder / "high-water", mode);
  if (!high_water.has_value()) return high_water.error();
  if (high_water->found().has_value()) {
    const auto error = check_high_water(folder, database, *end, *high_water->found());
    if (error.has_value()) return *error;
  }
  if (!options.read_only) {
    sync_folder(folder);
    auto* const env = rocksdb::Env::Default();
    (void)env->LowerThreadPoolCPUPriority(rocksdb::Env::LOW, rocksdb::CpuPriority::kLow);
  }
  return std::unique_ptr<LedgerStore>(
      std::make_unique<RocksdbStore>(options, std::move(database), std::move(*high_water), *end));
}

}  // namespace farthing::storage
