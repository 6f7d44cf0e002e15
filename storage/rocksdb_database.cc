#include "storage/rocksdb_database.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/rate_limiter.h>
#include <rocksdb/table.h>
#include <unistd.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t table_cache_bytes = std::size_t{32} << 20;
constexpr std::int64_t background_bytes_per_second = std::int64_t{96} << 20;
constexpr std::int64_t rate_refill_us = 10'000;  // small bursts: an append's sync waits for each
constexpr int unmerged_files_max = 24;

class SilentLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// A family that lags in merging must not stop the ledger's writes, as RocksDB would have it.
void never_stop_writers(rocksdb::ColumnFamilyOptions& options) {
  options.level0_slowdown_writes_trigger = 1000;
  options.level0_stop_writes_trigger = 2000;
  options.soft_pending_compaction_bytes_limit = 0;
  options.hard_pending_compaction_bytes_limit = 0;
}

// A ledger only grows at its end and its records are large: few, big, uncompressed files that are
// moved down the levels without being written again (they never overlap).
rocksdb::ColumnFamilyOptions ledger_family_options(std::uint64_t file_bytes) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = file_bytes;
  options.max_write_buffer_number = 6;
  options.compression = rocksdb::kNoCompression;
  options.bottommost_compression = rocksdb::kDisableCompressionOption;
  options.target_file_size_base = file_bytes;
  options.max_bytes_for_level_base = 8 * file_bytes;
  options.level_compaction_dynamic_level_bytes = false;
  // Files of L0 do not overlap either; their number slows no reader down.
  never_stop_writers(options);
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

// A table of the checkpoint, mostly read one row at a time: small blocks. Index and filter blocks
// stay in memory, outside the cache: ten million accounts cost some 40 MB of filters and 10 MB of
// index.
rocksdb::ColumnFamilyOptions table_family_options(Table name,
                                                  const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  options.compression = rocksdb::kNoCompression;
  options.target_file_size_base = std::uint64_t{64} << 20;
  options.max_bytes_for_level_base = std::uint64_t{256} << 20;
  options.level_compaction_dynamic_level_bytes = true;
  never_stop_writers(options);
  rocksdb::BlockBasedTableOptions table;
  table.block_size = std::size_t{4} << 10;
  table.block_cache = cache;
  table.format_version = 5;
  if (name == Table::accounts || name == Table::index) {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.whole_key_filtering = true;
  }
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::DBOptions database_options(Database::Mode mode, rocksdb::Env* env) {
  rocksdb::DBOptions options;
  options.env = env;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // The default mode silently drops synced records after a flipped byte. This one forgives a record
  // that a crash cut off at the very end, and rules out recycled log files, whose ends cannot be
  // told.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  if (mode == Database::Mode::salvage) {
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    options.track_and_verify_wals_in_manifest = false;
  }
  options.max_total_wal_size = std::uint64_t{512} << 20;
  options.bytes_per_sync = std::uint64_t{1} << 20;  // so that no sync meets a flush's whole file
  options.rate_limiter.reset(
      rocksdb::NewGenericRateLimiter(background_bytes_per_second, rate_refill_us));
  options.max_bgerror_resume_count = 0;  // what failed is never tried again: the process stops
  options.max_background_jobs = 2;
  options.max_open_files = 512;
  options.max_file_opening_threads =
      1;  // 16 for each family would take longer to start than to run
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.max_log_file_size = std::size_t{1} << 20;
  options.keep_log_file_num = 2;
  if (mode != Database::Mode::read_write) options.info_log = std::make_shared<SilentLogger>();
  return options;
}

StoreError error_with(StoreError::Code code, std::string message) {
  return {code, Sequence(0), std::move(message)};
}

std::vector<rocksdb::ColumnFamilyDescriptor> all_families(std::uint64_t ledger_file_bytes) {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, small_family_options());
  families.emplace_back("ledger", ledger_family_options(ledger_file_bytes));
  families.emplace_back("documents", small_family_options());
  const auto cache = rocksdb::NewLRUCache(table_cache_bytes);
  for (std::size_t i = 0; i < table_count; ++i) {
    const auto table = static_cast<Table>(i);
    families.emplace_back(std::string(table_name(table)), table_family_options(table, cache));
  }
  return families;
}

// Opens what families there are, and puts a null where one is missing.
rocksdb::Status open_read_only(const rocksdb::DBOptions& options, const std::string& path,
                               const std::vector<rocksdb::ColumnFamilyDescriptor>& wanted,
                               std::vector<rocksdb::ColumnFamilyHandle*>& families,
                               rocksdb::DB*& db) {
  std::vector<std::string> names;
  auto status = rocksdb::DB::ListColumnFamilies(options, path, &names);
  if (!status.ok()) return status;
  const auto is_there = [&](const rocksdb::ColumnFamilyDescriptor& family) {
    return std::ranges::find(names, family.name) != names.end();
  };
  std::vector<rocksdb::ColumnFamilyDescriptor> there;
  std::ranges::copy_if(wanted, std::back_inserter(there), is_there);
  std::vector<rocksdb::ColumnFamilyHandle*> opened;
  status = rocksdb::DB::OpenForReadOnly(options, path, there, &opened, &db);
  if (!status.ok()) return status;
  auto next = opened.begin();
  for (const auto& family : wanted) families.push_back(is_there(family) ? *next++ : nullptr);
  return status;
}

// What RocksDB said about the folder, in terms of what a person can do.
StoreError translated(const rocksdb::Status& status, const fs::path& folder, std::string_view what,
                      std::string_view remedy) {
  const std::string text = status.ToString();
  if (text.find("While lock file") != std::string::npos ||
      text.find("lock hold by current process") != std::string::npos) {
    return error_with(StoreError::Code::in_use,
                      fmt::format("{} is in use by another process; stop it, or choose another "
                                  "data folder",
                                  folder.string()));
  }
  if (text.find("No such file") != std::string::npos) {
    return error_with(StoreError::Code::corrupt,
                      fmt::format("a file of the database in {} is missing ({}); restore the data "
                                  "folder from a copy",
                                  folder.string(), text));
  }
  if (status.IsCorruption()) {
    return error_with(StoreError::Code::corrupt,
                      fmt::format("{} in {} is damaged ({}); restore the data folder from a copy, "
                                  "or repair it: {}",
                                  what, folder.string(), text, remedy));
  }
  return error_with(StoreError::Code::io,
                    fmt::format("{} in {} cannot be used: {}", what, folder.string(), text));
}

constexpr std::string_view ledger_remedy =
    "a ledger that ends before the damage (farthing ledger repair)";
constexpr std::string_view checkpoint_remedy =
    "a repair at the ledger's end drops the checkpoint (farthing ledger repair)";

}  // namespace

base::Result<Database, StoreError> Database::open(const fs::path& folder, Mode mode,
                                                  const std::shared_ptr<rocksdb::FileSystem>& files,
                                                  std::uint64_t ledger_file_bytes) {
  const std::string path = (folder / "ledger").string();
  const auto wanted = all_families(ledger_file_bytes);
  Database database(folder);
  database.env_ = rocksdb::NewCompositeEnv(files);
  const auto options = database_options(mode, database.env_.get());
  rocksdb::DB* db = nullptr;
  const auto status = mode == Mode::read_write
                          ? rocksdb::DB::Open(options, path, wanted, &database.families_, &db)
                          : open_read_only(options, path, wanted, database.families_, db);
  database.db_.reset(db);
  if (!status.ok()) return translated(status, folder, "the ledger", ledger_remedy);
  if (database.ledger() == nullptr || database.documents() == nullptr) {
    return error_with(StoreError::Code::corrupt,
                      fmt::format("the database in {} has no ledger in it; restore the data folder "
                                  "from a copy",
                                  folder.string()));
  }
  // RocksDB 7.8 frees a table's erased ranges twice when an iterator meets a table behind it that
  // it cannot open: such a table is found here, before anything iterates.
  for (std::size_t i = 0; mode != Mode::salvage && i < table_count; ++i) {
    const auto table = static_cast<Table>(i);
    rocksdb::TablePropertiesCollection properties;
    if (database.table(table) == nullptr) continue;
    const auto readable = db->GetPropertiesOfAllTables(database.table(table), &properties);
    if (readable.ok()) continue;
    return translated(readable, folder, fmt::format("the checkpoint's table {}", table_name(table)),
                      checkpoint_remedy);
  }
  if (mode == Mode::read_write) {
    (void)database.env_->LowerThreadPoolCPUPriority(rocksdb::Env::LOW, rocksdb::CpuPriority::kLow);
  }
  return database;
}

Database::Database(Database&& other) noexcept
    : folder_(std::move(other.folder_)),
      env_(std::move(other.env_)),
      db_(std::move(other.db_)),
      families_(std::exchange(other.families_, {})) {}

Database::~Database() {
  if (db_ == nullptr) return;
  for (auto* family : families_) {
    if (family != nullptr) (void)db_->DestroyColumnFamilyHandle(family);
  }
  (void)db_->Close();
}

StoreError Database::error_of(const rocksdb::Status& status) const {
  return translated(status, folder_, "the ledger", ledger_remedy);
}

StoreError Database::error_of(const rocksdb::Status& status, Table table) const {
  return translated(status, folder_, fmt::format("the checkpoint (table {})", table_name(table)),
                    checkpoint_remedy);
}

std::unique_ptr<rocksdb::Iterator> Database::records() const {
  rocksdb::ReadOptions options;
  options.readahead_size = std::size_t{2} << 20;
  return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(options, ledger()));
}

bool Database::merging_lags() const {
  for (std::size_t i = 0; i < table_count; ++i) {
    std::string files;
    if (db_->GetProperty(table(static_cast<Table>(i)), "rocksdb.num-files-at-level0", &files) &&
        std::stoi(files) >= unmerged_files_max) {
      return true;
    }
  }
  return false;
}

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const rocksdb::Slice& text) { return {text.data(), text.size()}; }

bool is_locked(const fs::path& folder) {
  const int file = ::open((folder / "ledger" / "LOCK").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool locked = ::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(file);
  return locked;
}

}  // namespace farthing::storage
