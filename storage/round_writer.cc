#include "storage/round_writer.h"

#include <cstdint>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/experimental.h>
#include <rocksdb/rate_limiter.h>
#include <rocksdb/sst_file_writer.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t rate_refill_us = 10'000;  // small bursts: an append's sync waits for each

}  // namespace

RoundWriter::RoundWriter(const Database& database, std::int64_t bytes_per_second)
    : database_(database),
      files_(database.folder() / "ledger" / "round"),
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
    rocksdb::IngestExternalFileArg& arg = files.emplace_back();
    arg.column_family = database_.table(table);
    arg.options.move_files = true;
    arg.options.allow_blocking_flush = false;  // there is nothing to flush in these families
    arg.options.write_global_seqno = false;
    const auto status = write_files(round, table, arg.external_files);
    if (!status.ok()) return status;
  }
  if (files.empty()) return rocksdb::Status::OK();
  const auto status = database_.db().IngestExternalFiles(files);
  return status.ok() ? free_erased_ranges(round) : status;
}

// Of files that overlap the later one holds. The ranges have a file of their own, so that a range
// of old keys does not make a file of new ones span, and be merged with, all between them.
rocksdb::Status RoundWriter::write_files(const Round& round, Table table,
                                         std::vector<std::string>& paths) const {
  const std::string path = (files_ / table_name(table)).string();
  const auto& ranges = round.erased_ranges(table);
  if (!ranges.empty()) {
    const auto status = write_file(table, path + "-ranges.sst", [&](rocksdb::SstFileWriter& file) {
      rocksdb::Status added;
      for (const auto& [from, to] : ranges) {
        if (added.ok()) added = file.DeleteRange(slice(from), slice(to));
      }
      return added;
    });
    if (!status.ok()) return status;
    paths.push_back(path + "-ranges.sst");
  }
  const auto changes = round.changes(table);
  if (changes.empty()) return rocksdb::Status::OK();
  paths.push_back(path + ".sst");
  return write_file(table, paths.back(), [&](rocksdb::SstFileWriter& file) {
    rocksdb::Status added;
    for (const Round::Change& change : changes) {
      if (!added.ok()) break;
      added = change.erased ? file.Delete(slice(change.key))
                            : file.Put(slice(change.key), slice(change.value));
    }
    return added;
  });
}

rocksdb::Status RoundWriter::write_file(Table table, const std::string& path,
                                        const Filler& fill) const {
  const rocksdb::Options options = database_.db().GetOptions(database_.table(table));
  rocksdb::EnvOptions file_options(options);
  file_options.rate_limiter = rate_.get();
  file_options.bytes_per_sync = options.bytes_per_sync;
  constexpr bool drop_from_page_cache = false;  // merging and fetches read it soon
  rocksdb::SstFileWriter file(file_options, options, database_.table(table), drop_from_page_cache,
                              rocksdb::Env::IO_LOW);
  auto status = file.Open(path);
  if (status.ok()) status = fill(file);
  return status.ok() ? file.Finish() : status;
}

// Left to itself RocksDB would keep what a range erased until something else is merged there.
rocksdb::Status RoundWriter::free_erased_ranges(const Round& round) const {
  for (std::size_t i = 0; i < table_count; ++i) {
    const auto table = static_cast<Table>(i);
    for (const auto& [from, to] : round.erased_ranges(table)) {
      const rocksdb::Slice first = slice(from);
      const rocksdb::Slice last = slice(to);
      const auto status = rocksdb::experimental::SuggestCompactRange(
          &database_.db(), database_.table(table), &first, &last);
      if (!status.ok()) return status;
    }
  }
  return rocksdb::Status::OK();
}

}  // namespace farthing::storage
