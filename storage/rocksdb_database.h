// RocksDB as the store uses it: one database, its families and their options, how it is opened,
// and what its errors mean to people.
//
// Families: `ledger` and `documents`, which only the ledger's synced writes change, and one for
// each table of the checkpoint, which only ingested rounds change: those have no memtable and need
// no flush.
//
// Ownership: a Database owns the open database and closes it when destroyed; iterators must be gone
// by then. Threads: as RocksDB's, any. Errors: rocksdb::Status inside this folder, StoreError for
// those above.
#pragma once

#include "storage/ledger_store.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class FileSystem;
class Iterator;
class Slice;
class Status;
}  // namespace rocksdb

namespace farthing::storage {

class Database {
 public:
  enum class Mode {
    read_write,
    read_only,  // changes nothing
    salvage,    // read-only; where the write-ahead log is damaged it ends there
  };
  static base::Result<Database, StoreError> open(const std::filesystem::path& folder, Mode mode,
                                                 const std::shared_ptr<rocksdb::FileSystem>& files,
                                                 std::uint64_t ledger_file_bytes);

  Database(Database&& other) noexcept;
  Database& operator=(Database&&) = delete;
  ~Database();

  const std::filesystem::path& folder() const { return folder_; }
  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* ledger() const { return families_[1]; }
  rocksdb::ColumnFamilyHandle* documents() const { return families_[2]; }
  // Null in a folder of format 1 that is opened read-only: the table is empty there.
  rocksdb::ColumnFamilyHandle* table(Table table) const {
    return families_[first_table + static_cast<std::size_t>(table)];
  }

  // The ledger's records in order of their numbers, for reading many.
  std::unique_ptr<rocksdb::Iterator> records() const;
  // Whether rounds came faster than the background can merge them: fetches look into every file
  // that is not merged yet.
  bool merging_lags() const;

  // What RocksDB said of the ledger or of a table of the checkpoint, in terms of what a person can
  // do.
  StoreError error_of(const rocksdb::Status& status) const;
  StoreError error_of(const rocksdb::Status& status, Table table) const;

 private:
  static constexpr std::size_t first_table = 3;

  explicit Database(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path folder_;
  std::shared_ptr<rocksdb::Env> env_;  // what the database's files are reached through
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

rocksdb::Slice slice(std::string_view text);
std::string_view view(const rocksdb::Slice& text);

// Whether some process holds the database's lock: opening read-only does not ask.
bool is_locked(const std::filesystem::path& folder);

}  // namespace farthing::storage
