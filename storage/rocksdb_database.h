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
#include <vector>

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Iterator;
class Slice;
class Status;
}  // namespace rocksdb

namespace farthing::storage {

class Database {
 public:
  static base::Result<Database, StoreError> open(const std::filesystem::path& folder,
                                                 bool read_only);

  Database(Database&& other) noexcept;
  Database& operator=(Database&&) = delete;
  ~Database();

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

 private:
  static constexpr std::size_t first_table = 3;

  Database() = default;

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

rocksdb::Slice slice(std::string_view text);
std::string_view view(const rocksdb::Slice& text);

// What RocksDB said about the folder, in terms of what a person can do.
StoreError error_of(const rocksdb::Status& status, const std::filesystem::path& folder);

// Whether some process holds the database's lock: opening read-only does not ask.
bool is_locked(const std::filesystem::path& folder);

}  // namespace farthing::storage
