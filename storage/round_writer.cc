#include "storage/round_writer.h"

#include <cstdint>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/rate_limiter.h>
#include <rocksdb/sst_file_writer.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t bytes_per_second = std::int64_t{16} << 20;
constexpr std::int64_t rate_refill_us = 10'000;  // small bursts: an append's sync waits for each

}  // namespace

RoundWriter::RoundWriter(const Database& database, fs::path folder)
    : database_(database),
      files_(std::move(folder) / "ledger" / "round"),
      rate_(rocksdb::NewGenericRateLimiter(bytes_per_second, rate_refill_us)) {
  std::error_code ignored;  // what cannot be done here fails the first round, by name
  fs::remove_all(files_, ignored);
  fs::create_directory(files_, ignored);
}

RoundWriter::~RoundWriter() = default;

rocksdb::Status RoundWriter::write(const Round& round) {
  std::vector<rocksdb::IngestExternalFileArg> files;
  for (std::size_t i = 0; i < table_count; ++i) {
    const auto table = static_cast<Table>(i);
    if (round.empty(table)) continue;
    const std::string path = (files_ / table_name(table)).string() + ".sst";
    const auto status = write_file(round, table, path);
    if (!status.ok()) return status;
    rocksdb::IngestExternalFileArg& file = files.emplace_back();
    file.column_family = database_.table(table);
    file.external_files = {path};
    file.options.move_files = true;
    file.options.allow_blocking_flush = false;  // there is nothing to flush in these families
    file.options.write_global_seqno = false;
  }
  return files.empty() ? rocksdb::Status::OK() : database_.db().IngestExternalFiles(files);
}

rocksdb::Status RoundWriter::write_file(const Round& round, Table table,
                                        const std::string& path) const {
  const rocksdb::Options options = database_.db().GetOptions(database_.table(table));
  rocksdb::EnvOptions file_options(options);
  file_options.rate_limiter = rate_.get();
  file_options.bytes_per_sync = options.bytes_per_sync;
  constexpr bool drop_from_page_cache = false;  // merging and fetches read it soon
  rocksdb::SstFileWriter file(file_options, options, database_.table(table), drop_from_page_cache,
                              rocksdb::Env::IO_LOW);
  auto status = file.Open(path);
  // All of a file has one place in the order of writes, and a range erases what is older than it:
  // the keys of earlier rounds, not those of its own.
  for (const auto& [from, to] : round.erased_ranges(table)) {
    if (status.ok()) status = file.DeleteRange(slice(from), slice(to));
  }
  for (const Round::Change& change : round.changes(table)) {
    if (!status.ok()) break;
    status = change.erased ? file.Delete(slice(change.key))
                           : file.Put(slice(change.key), slice(change.value));
  }
  return status.ok() ? file.Finish() : status;
}

}  // namespace farthing::storage
