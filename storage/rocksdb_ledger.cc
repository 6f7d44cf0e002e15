#include "storage/rocksdb_ledger.h"

#include "storage/bytes.h"
#include "storage/record.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>

namespace farthing::storage {
namespace {

constexpr std::string_view position_key = "position";
constexpr std::string_view begin_key = "begin";
constexpr std::size_t begin_size_bytes = 48;  // number, time, hash; docs/formats.md

// The number that a record is stored under.
std::optional<Sequence> stored_under(const rocksdb::Slice& key) {
  RecordKey bytes;
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

// Where a ledger was cut, its first record must be the one that followed.
std::optional<StoreError> check_first_record(const Database& database, const LedgerEnd& begin) {
  const auto records = database.records();
  records->Seek(slice(record_key(Sequence(begin.last.value + 1))));
  if (!records->status().ok()) return database.error_of(records->status());
  if (!records->Valid()) return std::nullopt;
  ChainReader chain(begin);
  const auto first = chain.next(view(records->value()));
  if (!first.has_value()) return first.error();
  return std::nullopt;
}

}  // namespace

RecordKey record_key(Sequence first) {
  static_assert(std::endian::native == std::endian::little);
  return std::bit_cast<RecordKey>(__builtin_bswap64(first.value));
}

rocksdb::Slice slice(const RecordKey& key) { return {key.data(), key.size()}; }

base::Result<LedgerEnd, StoreError> find_begin(const Database& database) {
  std::string value;
  const auto status =
      database.db().Get({}, database.db().DefaultColumnFamily(), slice(begin_key), &value);
  if (status.IsNotFound()) return LedgerEnd{};
  if (!status.ok()) return database.error_of(status);
  if (value.size() != begin_size_bytes) {
    return corrupt_record(Sequence(1), "where the ledger begins cannot be read");
  }
  LedgerEnd begin;
  begin.last = Sequence(get_little<std::uint64_t>(value.data()));
  begin.now = base::Time(base::Duration(get_little<std::int64_t>(value.data() + 8)));
  std::memcpy(begin.hash.data(), value.data() + 16, begin.hash.size());
  return begin;
}

rocksdb::Status write_begin(const Database& database, const LedgerEnd& begin) {
  std::array<char, begin_size_bytes> value{};
  put_little<std::uint64_t>(value.data(), begin.last.value);
  put_little<std::int64_t>(value.data() + 8, begin.now.time_since_epoch().count());
  std::memcpy(value.data() + 16, begin.hash.data(), begin.hash.size());
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return database.db().Put(synced, database.db().DefaultColumnFamily(), slice(begin_key),
                           slice(std::string_view(value.data(), value.size())));
}

rocksdb::Status delete_files_before(const Database& database, const LedgerEnd& begin) {
  const RecordKey end = record_key(Sequence(begin.last.value + 1));
  const rocksdb::Slice limit = slice(end);
  constexpr bool include_limit = false;
  return rocksdb::DeleteFilesInRange(&database.db(), database.ledger(), nullptr, &limit,
                                     include_limit);
}

base::Result<LedgerEnd, StoreError> find_end(const Database& database, const LedgerEnd& begin) {
  if (begin.last.value > 0) {
    if (const auto error = check_first_record(database, begin)) return *error;
  }
  const auto records = database.records();
  records->SeekToLast();
  if (!records->status().ok()) return database.error_of(records->status());
  if (!records->Valid()) return begin;
  const auto end = end_after(*records);
  // What was cut may still be there.
  if (end.has_value() && end->last <= begin.last) return begin;
  return end;
}

base::Result<LedgerEnd, StoreError> end_of_record(const Database& database, Sequence sequence) {
  const auto records = database.records();
  records->SeekForPrev(slice(record_key(sequence)));
  if (!records->status().ok()) return database.error_of(records->status());
  if (!records->Valid()) return corrupt_record(sequence, "its record is missing");
  return end_after(*records);
}

base::Result<Sequence, StoreError> find_position(const Database& database) {
  auto* const meta = database.table(Table::meta);
  if (meta == nullptr) return Sequence(0);
  std::string value;
  const auto status = database.db().Get({}, meta, slice(position_key), &value);
  if (status.IsNotFound()) return Sequence(0);
  if (!status.ok()) return database.error_of(status, Table::meta);
  if (value.size() != sizeof(std::uint64_t)) {
    return database.error_of(rocksdb::Status::Corruption("its position has the wrong size"),
                             Table::meta);
  }
  return Sequence(get_little<std::uint64_t>(value.data()));
}

std::optional<StoreError> check_position(const Database& database, const LedgerEnd& begin,
                                         const LedgerEnd& end, Sequence position) {
  const std::string folder = database.folder().string();
  if (position > end.last) {
    return StoreError{StoreError::Code::cut_short, end.last,
                      fmt::format("the ledger in {} ends with entry {}, but its checkpoint has "
                                  "folded entries up to {}: records were lost; restore the folder "
                                  "from a copy, or repair it: a ledger without the checkpoint "
                                  "(farthing ledger repair)",
                                  folder, end.last.value, position.value)};
  }
  if (position <= begin.last) return std::nullopt;
  const auto there = end_of_record(database, position);
  if (!there.has_value()) return there.error();
  if (there->last >= position) return std::nullopt;
  return corrupt_record(position, fmt::format("its record is missing in {}", folder));
}

std::optional<StoreError> check_documents(const Database& database) {
  const std::unique_ptr<rocksdb::Iterator> documents(
      database.db().NewIterator({}, database.documents()));
  documents->SeekToFirst();
  while (documents->Valid()) documents->Next();
  if (documents->status().ok()) return std::nullopt;
  return database.error_of(documents->status());
}

StoreError cut_short(const std::filesystem::path& folder, Sequence end,
                     const HighWater& high_water) {
  return {StoreError::Code::cut_short, end,
          fmt::format("the ledger in {} ends with entry {}, but entry {} was durable: records were "
                      "lost; restore the folder from a copy, or repair it: a ledger that ends "
                      "there (farthing ledger repair)",
                      folder.string(), end.value, high_water.last.value)};
}

std::optional<StoreError> check_high_water(const Database& database, const LedgerEnd& begin,
                                           const LedgerEnd& end, const HighWater& high_water) {
  const std::string folder = database.folder().string();
  if (end.last < high_water.last) return cut_short(database.folder(), end.last, high_water);
  if (high_water.last <= begin.last) return std::nullopt;
  const auto there = end_of_record(database, high_water.last);
  if (!there.has_value()) return there.error();
  if (there->last != high_water.last || there->hash != high_water.hash) {
    return corrupt_record(
        high_water.last,
        fmt::format("its record in {} is not the one that the high-water file saw", folder));
  }
  return std::nullopt;
}

base::Result<void, StoreError> scan_records(const Database& database, rocksdb::Iterator& records,
                                            const LedgerEnd& begin, Sequence from,
                                            const LedgerStore::Visitor& visitor) {
  const Sequence first(begin.last.value + 1);
  if (from.value == 0) from = first;
  if (from < first) return archived_entry(from, begin.last);
  // Each record must follow the one before it, so the first to be visited needs that one too.
  LedgerEnd before = begin;
  records.SeekForPrev(slice(record_key(from)));
  if (records.Valid() && from > first) {
    records.Prev();
    if (records.Valid()) {
      const auto end = end_after(records);
      if (!end.has_value()) return end.error();
      if (end->last > begin.last) before = *end;
    }
  }
  if (!records.status().ok()) return database.error_of(records.status());
  ChainReader chain(before);
  for (records.Seek(slice(record_key(Sequence(before.last.value + 1)))); records.Valid();
       records.Next()) {
    const auto record = chain.next(view(records.value()));
    if (!record.has_value()) return record.error();
    if (stored_under(records.key()) != record->header.first) return wrong_key();
    if (chain.end().last >= from && !visitor(*record)) return {};
  }
  if (!records.status().ok()) return database.error_of(records.status());
  return {};
}

base::Result<Record, StoreError> read_record(const Database& database, rocksdb::Iterator& records,
                                             const LedgerEnd& begin, const LedgerEnd& end,
                                             Sequence sequence, std::string& buffer) {
  if (sequence.value > 0 && sequence <= begin.last) return archived_entry(sequence, begin.last);
  records.SeekForPrev(slice(record_key(sequence)));
  if (!records.status().ok()) return database.error_of(records.status());
  if (!records.Valid()) return no_such_entry(sequence, end.last);
  buffer.assign(records.value().data(), records.value().size());
  const auto record = decode_record(buffer);
  if (!record.has_value()) return corrupt_record(sequence, describe(record.error()));
  if (stored_under(records.key()) != record->header.first) return wrong_key();
  if (sequence.value - record->header.first.value >= record->header.count) {
    return no_such_entry(sequence, end.last);
  }
  return *record;
}

}  // namespace farthing::storage
