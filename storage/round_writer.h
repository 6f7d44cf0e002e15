// Brings rounds of the checkpoint into the database: one sorted file a table, written beside the
// database at a bounded rate, then taken into all families at once.
//
// The files take no space in the write-ahead log or a memtable, which the ledger's appends have to
// themselves. Taking them in is one entry of RocksDB's manifest, synced: after a crash a round is
// there whole or not at all.
//
// Threads: one at a time. Ownership: the database must outlive it. Errors: as RocksDB's; after one
// the store must stop.
#pragma once

#include "storage/rocksdb_database.h"
#include "storage/round.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace rocksdb {
class RateLimiter;
class SstFileWriter;
}  // namespace rocksdb

namespace farthing::storage {

class RoundWriter {
 public:
  RoundWriter(const Database& database, std::int64_t bytes_per_second);
  ~RoundWriter();

  // Durable and visible when it returns.
  rocksdb::Status write(const Round& round);

 private:
  using Filler = std::function<rocksdb::Status(rocksdb::SstFileWriter&)>;
  rocksdb::Status write_files(const Round& round, Table table,
                              std::vector<std::string>& paths) const;
  rocksdb::Status write_file(Table table, const std::string& path, const Filler& fill) const;
  rocksdb::Status free_erased_ranges(const Round& round) const;

  const Database& database_;
  const std::filesystem::path files_;  // where the files of an unfinished round lie
  std::shared_ptr<rocksdb::RateLimiter> rate_;
};

}  // namespace farthing::storage
