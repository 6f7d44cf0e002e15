#include "storage/rocksdb_rebuild.h"

#include "storage/files.h"
#include "storage/record.h"
#include "storage/rocksdb_ledger.h"
#include "storage/rocksdb_store.h"
#include "storage/round_writer.h"

#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <rocksdb/comparator.h>
#include <rocksdb/db.h>
#include <rocksdb/file_system.h>
#include <rocksdb/metadata.h>
#include <rocksdb/write_batch.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t batch_bytes = std::size_t{8} << 20;
constexpr std::size_t round_bytes = std::size_t{64} << 20;

class Rebuild {
 public:
  Rebuild(const Database& source, std::shared_ptr<rocksdb::FileSystem> files, const Drop& drop,
          const fs::path& folder)
      : source_(source), files_(std::move(files)), drop_(drop), folder_(folder) {}

  std::optional<StoreError> run();

 private:
  rocksdb::Status share_files();
  rocksdb::Status copy_records(const Database& target) const;
  rocksdb::Status copy_documents(const Database& target) const;
  rocksdb::Status copy_checkpoint(const Database& target) const;

  const Database& source_;
  const std::shared_ptr<rocksdb::FileSystem> files_;
  const Drop& drop_;
  const fs::path folder_;
  std::map<std::string, std::string> shared_;  // first to last key of each file that is kept whole
};

std::optional<StoreError> Rebuild::run() {
  std::error_code error;
  fs::create_directories(folder_ / "ledger", error);
  if (error) return file_error(folder_, rocksdb::IOStatus::IOError(error.message()));
  auto status = share_files();
  if (!status.ok()) return source_.error_of(status);
  const auto target =
      Database::open(folder_, Database::Mode::read_write, files_, ledger_file_bytes_default);
  if (!target.has_value()) return target.error();
  if (drop_.begin.last.value > 0) status = write_begin(*target, drop_.begin);
  if (status.ok()) status = copy_records(*target);
  if (status.ok()) status = copy_documents(*target);
  if (status.ok() && drop_.checkpoint.empty()) status = copy_checkpoint(*target);
  if (status.ok()) status = target->db().SyncWAL();
  if (!status.ok()) return target->error_of(status);
  return std::nullopt;
}

// Makes the family of the ledger out of the files that hold nothing to be dropped. They come by
// links of their own, since the database takes those for itself.
rocksdb::Status Rebuild::share_files() {
  const RecordKey limit = record_key(Sequence(drop_.end.last.value + 1));
  const fs::path links = folder_ / "links";
  std::error_code error;
  fs::create_directory(links, error);
  std::vector<rocksdb::LiveFileMetaData> live;
  source_.db().GetLiveFilesMetaData(&live);
  rocksdb::ExportImportFilesMetaData kept;
  kept.db_comparator_name = rocksdb::BytewiseComparator()->Name();
  for (rocksdb::LiveFileMetaData& file : live) {
    if (file.column_family_name != source_.ledger()->GetName()) continue;
    if (rocksdb::Slice(file.largestkey).compare(slice(limit)) >= 0) continue;
    const auto status = files_->LinkFile(source_.folder() / "ledger" / file.relative_filename,
                                         links / file.relative_filename, {}, nullptr);
    if (!status.ok()) return status;
    shared_.emplace(file.smallestkey, file.largestkey);
    file.db_path = links.string();
    kept.files.push_back(std::move(file));
  }
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  auto status = rocksdb::DB::Open(options, (folder_ / "ledger").string(), &opened);
  const std::unique_ptr<rocksdb::DB> db(opened);
  if (!status.ok() || kept.files.empty()) return status;  // the family is made when it is opened
  // Not with the source's options: they name its folder, and the files there would be taken over.
  const rocksdb::ColumnFamilyOptions family_options;
  rocksdb::ImportColumnFamilyOptions taking;
  taking.move_files = true;
  rocksdb::ColumnFamilyHandle* family = nullptr;
  status = db->CreateColumnFamilyWithImport(family_options, source_.ledger()->GetName(), taking,
                                            kept, &family);
  if (status.ok()) status = db->DestroyColumnFamilyHandle(family);
  fs::remove_all(links, error);
  return status;
}

// Never looks behind the last record that is kept: what comes there may be what cannot be read.
rocksdb::Status Rebuild::copy_records(const Database& target) const {
  if (drop_.end.last == drop_.begin.last) return rocksdb::Status::OK();
  rocksdb::WriteBatch batch;
  rocksdb::Status status;
  const auto records = source_.records();
  for (records->Seek(slice(record_key(Sequence(drop_.begin.last.value + 1))));
       status.ok() && records->Valid(); records->Next()) {
    const auto after = shared_.upper_bound(records->key().ToString());
    if (after != shared_.begin() && records->key().compare(std::prev(after)->second) <= 0) {
      records->Seek(std::prev(after)->second);  // the last of a file that is there already
      if (!records->Valid()) break;
    } else {
      status = batch.Put(target.ledger(), records->key(), records->value());
    }
    if (status.ok() && batch.GetDataSize() > batch_bytes) {
      status = target.db().Write({}, &batch);
      batch.Clear();
    }
    const auto record = decode_record(view(records->value()));
    if (!record.has_value()) return rocksdb::Status::Corruption(slice(describe(record.error())));
    const std::uint64_t last = record->header.first.value + record->header.count - 1;
    if (last == drop_.end.last.value) return status.ok() ? target.db().Write({}, &batch) : status;
  }
  if (status.ok()) status = records->status();
  return status.ok() ? rocksdb::Status::Corruption("the last record to be kept is gone") : status;
}

// All of them: which came with the records that go cannot be told, and nothing names those.
rocksdb::Status Rebuild::copy_documents(const Database& target) const {
  const std::unique_ptr<rocksdb::Iterator> documents(
      source_.db().NewIterator({}, source_.documents()));
  rocksdb::Status status;
  for (documents->SeekToFirst(); status.ok() && documents->Valid(); documents->Next()) {
    status = target.db().Put({}, target.documents(), documents->key(), documents->value());
  }
  return status.ok() ? documents->status() : status;
}

rocksdb::Status Rebuild::copy_checkpoint(const Database& target) const {
  RoundWriter writer(target, std::numeric_limits<std::int64_t>::max());
  Round round;
  rocksdb::Status status;
  for (std::size_t i = 0; i < table_count; ++i) {
    const auto table = static_cast<Table>(i);
    if (source_.table(table) == nullptr) continue;
    const std::unique_ptr<rocksdb::Iterator> rows(
        source_.db().NewIterator({}, source_.table(table)));
    for (rows->SeekToFirst(); status.ok() && rows->Valid(); rows->Next()) {
      round.put(table, view(rows->key()), view(rows->value()));
      if (round.size_bytes() < round_bytes) continue;
      status = writer.write(round);
      round.clear();
    }
    if (status.ok()) status = rows->status();
  }
  return status.ok() ? writer.write(round) : status;
}

}  // namespace

std::optional<StoreError> rebuild_database(const Database& source,
                                           const std::shared_ptr<rocksdb::FileSystem>& files,
                                           const Drop& drop, const fs::path& folder) {
  return Rebuild(source, files, drop, folder).run();
}

}  // namespace farthing::storage
