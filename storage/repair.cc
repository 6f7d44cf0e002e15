#include "storage/repair.h"

#include "storage/files.h"
#include "storage/folder_format.h"
#include "storage/high_water.h"
#include "storage/record.h"
#include "storage/rocksdb_database.h"
#include "storage/rocksdb_ledger.h"
#include "storage/rocksdb_rebuild.h"
#include "storage/rocksdb_store.h"

#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/file_system.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;

StoreError refused(StoreError::Code code, Sequence sequence, std::string message) {
  return {code, sequence, std::move(message)};
}

// The damaged database, opened as far as it can be read, and held against others.
struct Patient {
  FolderState state;
  std::shared_ptr<rocksdb::FileSystem> files;
  rocksdb::FileLock* lock = nullptr;
  std::optional<Database> database;

  Patient() = default;
  Patient(Patient&& other) noexcept
      : state(other.state),
        files(std::move(other.files)),
        lock(std::exchange(other.lock, nullptr)),
        database(std::move(other.database)) {}
  Patient& operator=(Patient&&) = delete;
  ~Patient() {
    if (lock != nullptr) (void)files->UnlockFile(lock, {}, nullptr);
  }
};

base::Result<Patient, StoreError> take(const fs::path& folder) {
  Patient patient;
  patient.files = rocksdb::FileSystem::Default();
  const auto state = prepare_folder(*patient.files, folder, false);
  if (!state.has_value()) return state.error();
  patient.state = *state;
  const auto status =
      patient.files->LockFile(folder / "ledger" / "LOCK", {}, &patient.lock, nullptr);
  if (!status.ok()) {
    return refused(StoreError::Code::in_use, Sequence(0),
                   fmt::format("{} is in use by another process; stop it first ({})",
                               folder.string(), status.ToString()));
  }
  auto database =
      Database::open(folder, Database::Mode::salvage, patient.files, ledger_file_bytes_default);
  if (!database.has_value()) return database.error();
  patient.database.emplace(std::move(*database));
  return patient;
}

// Why the checkpoint cannot stay with a ledger that ends so.
std::string fault_of_checkpoint(const Database& database, Sequence end) {
  for (std::size_t i = 0; i < table_count; ++i) {
    auto* const table = database.table(static_cast<Table>(i));
    if (table == nullptr) return {};  // format 1 had none
    const std::unique_ptr<rocksdb::Iterator> rows(database.db().NewIterator({}, table));
    rows->SeekToFirst();
    while (rows->Valid()) rows->Next();
    if (!rows->status().ok()) return "it cannot be read: " + rows->status().ToString();
  }
  const auto position = find_position(database);
  if (!position.has_value()) return position.error().message;
  if (*position <= end) return {};
  return fmt::format("it has folded entries up to {}", position->value);
}

// Counts what stays and what goes.
base::Result<Drop, StoreError> survey(const Database& database, Sequence until) {
  Drop drop;
  const auto begin = find_begin(database);
  if (!begin.has_value()) return begin.error();
  drop.begin = drop.end = *begin;
  if (until < begin->last) return archived_entry(Sequence(until.value + 1), begin->last);

  ChainReader chain(*begin);
  LedgerEnd read = *begin;  // the end of what can be read
  const auto records = database.records();
  const auto scanned =
      scan_records(database, *records, *begin, Sequence(0), [&](const Record& record) {
        const Sequence last(record.header.first.value + record.header.count - 1);
        read.last = last;
        if (last <= until) return true;
        if (drop.records++ == 0) {
          drop.first = record.header.first;
          drop.from = record.header.now;
        }
        drop.last = last;
        drop.to = record.header.now;
        drop.bytes += record_header_size_bytes + record.body.size();
        return true;
      });
  if (!scanned.has_value()) drop.damage = scanned.error().message;
  if (read.last < until) {
    return refused(StoreError::Code::not_found, until,
                   fmt::format("the ledger can be read up to entry {} only{}{}; name that one or "
                               "the last of an earlier record",
                               read.last.value, drop.damage.empty() ? "" : ": ", drop.damage));
  }
  if (until > begin->last) {
    const auto end = end_of_record(database, until);
    if (!end.has_value()) return end.error();
    if (end->last != until) {
      return refused(StoreError::Code::not_found, until,
                     fmt::format("entry {} is not the last of its record; name {} to keep the "
                                 "record, or {} to drop it",
                                 until.value, end->last.value, drop.first.value - 1));
    }
    drop.end = *end;
  }
  return drop;
}

base::Result<Drop, StoreError> plan(const fs::path& folder, const Patient& patient,
                                    Sequence until) {
  auto drop = survey(*patient.database, until);
  if (!drop.has_value()) return drop;
  drop->checkpoint = fault_of_checkpoint(*patient.database, drop->end.last);
  if (drop->damage.empty()) {
    const auto normal =
        Database::open(folder, Database::Mode::read_only, patient.files, ledger_file_bytes_default);
    if (!normal.has_value()) drop->damage = normal.error().message;
  }
  const auto high_water =
      HighWaterFile::open(*patient.files, folder / "high-water", HighWaterFile::Mode::read_only);
  if (high_water.has_value() && high_water->found().has_value()) {
    drop->high_water = high_water->found()->last;
  }
  return drop;
}

// The first name of its kind that is free.
fs::path name_for_old(const fs::path& folder) {
  for (int n = 1;; ++n) {
    fs::path name = folder / fmt::format("before-repair-{}", n);
    std::error_code error;
    if (!fs::exists(name, error)) return name;
  }
}

std::optional<StoreError> write_high_water(rocksdb::FileSystem& files, const fs::path& folder,
                                           const LedgerEnd& end) {
  const fs::path path = folder / "high-water";
  if (auto error = replace_file(files, path, "")) return error;
  auto high_water = HighWaterFile::open(files, path, HighWaterFile::Mode::read_write);
  if (!high_water.has_value()) return high_water.error();
  if (end.last.value == 0) return std::nullopt;
  return high_water->write({end.last, end.hash});
}

// Makes the new database in `old`, a folder of its own, and has the two change places.
std::optional<StoreError> replace_database(const fs::path& folder, const fs::path& old,
                                           Patient& patient, const Drop& drop) {
  rocksdb::FileSystem& files = *patient.files;
  if (auto error = rebuild_database(*patient.database, patient.files, drop, old)) return error;
  patient.database.reset();
  auto status = files.RenameFile(folder / "ledger", old / "ledger.old", {}, nullptr);
  if (status.ok()) status = files.RenameFile(old / "ledger", folder / "ledger", {}, nullptr);
  if (status.ok()) status = files.RenameFile(old / "ledger.old", old / "ledger", {}, nullptr);
  if (!status.ok()) return file_error(old, status);
  if (auto error = sync_folder(files, folder)) return error;
  // So that the old one is a data folder again, with the format and the mark that it had.
  std::error_code error;
  for (const char* name : {"high-water", "format"}) {
    fs::copy_file(folder / name, old / name, error);
  }
  return sync_folder(files, old);
}

}  // namespace

base::Result<Drop, StoreError> plan_drop(const fs::path& folder, Sequence until) {
  const auto patient = take(folder);
  if (!patient.has_value()) return patient.error();
  return plan(folder, *patient, until);
}

base::Result<Drop, StoreError> drop_after(const fs::path& folder, Sequence until, fs::path* saved) {
  auto patient = take(folder);
  if (!patient.has_value()) return patient.error();
  auto drop = plan(folder, *patient, until);
  if (!drop.has_value()) return drop;
  fs::path old;
  if (drop->records > 0 || !drop->damage.empty() || !drop->checkpoint.empty()) {
    old = name_for_old(folder);
    if (const auto error = replace_database(folder, old, *patient, *drop)) {
      std::error_code ignored;
      if (fs::exists(folder / "ledger" / "CURRENT", ignored)) fs::remove_all(old, ignored);
      return *error;
    }
    if (const auto error = write_folder_format(*patient->files, folder)) return *error;
  }
  if (const auto error = write_high_water(*patient->files, folder, drop->end)) return *error;
  if (saved != nullptr) *saved = old;
  return drop;
}

}  // namespace farthing::storage
