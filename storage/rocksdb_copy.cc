#include "storage/rocksdb_copy.h"

#include "storage/files.h"
#include "storage/folder_format.h"
#include "storage/high_water.h"
#include "storage/rocksdb_ledger.h"
#include "storage/rocksdb_store.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/file_system.h>
#include <rocksdb/utilities/checkpoint.h>
#include <sys/resource.h>
#include <unistd.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;

constexpr int copy_nice = 19;
// A longer log is written out into files first: shared files cost nothing, a log is copied, and
// read when the copy is opened.
constexpr std::uint64_t log_copied_bytes_max = std::uint64_t{64} << 20;

StoreError io_error(const fs::path& folder, std::string_view what) {
  return {StoreError::Code::io, Sequence(0),
          fmt::format("the ledger cannot be copied to {}: {}", folder.string(), what)};
}

// Makes the folder, or finds it empty.
std::optional<StoreError> take_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return io_error(folder, error.message());
  const bool is_empty = fs::is_empty(folder, error);
  if (error) return io_error(folder, error.message());
  if (!is_empty) return io_error(folder, "it is not empty; name an empty folder or a new one");
  return std::nullopt;
}

base::Result<LedgerEnd, StoreError> copy_into(const Database& database,
                                              const std::shared_ptr<rocksdb::FileSystem>& files,
                                              const fs::path& folder) {
  rocksdb::Checkpoint* opened = nullptr;
  auto status = rocksdb::Checkpoint::Create(&database.db(), &opened);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(opened);
  if (status.ok()) {
    status = checkpoint->CreateCheckpoint((folder / "ledger").string(), log_copied_bytes_max);
  }
  if (!status.ok()) return io_error(folder, status.ToString());

  // What the copy has is what it says itself, not what this database has by now.
  const auto copy =
      Database::open(folder, Database::Mode::read_only, files, ledger_file_bytes_default);
  if (!copy.has_value()) return copy.error();
  const auto begin = find_begin(*copy);
  if (!begin.has_value()) return begin.error();
  const auto end = find_end(*copy, *begin);
  if (!end.has_value()) return end.error();

  auto high_water = HighWaterFile::open(*files, folder / "high-water", HighWaterFile::Mode::create);
  if (!high_water.has_value()) return high_water.error();
  if (end->last.value > 0) {
    if (const auto error = high_water->write({end->last, end->hash})) return *error;
  }
  // Last: without it nothing takes the folder for a data folder.
  if (const auto error = write_folder_format(*files, folder)) return *error;
  if (const auto error = sync_folder(*files, fs::absolute(folder).parent_path())) return *error;
  return *end;
}

}  // namespace

base::Result<LedgerEnd, StoreError> copy_database(const Database& database,
                                                  const std::shared_ptr<rocksdb::FileSystem>& files,
                                                  const fs::path& folder) {
  if (const auto error = take_folder(folder)) return *error;
  std::optional<base::Result<LedgerEnd, StoreError>> end;
  std::thread copier([&] {
    (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), copy_nice);
    end = copy_into(database, files, folder);
  });
  copier.join();
  if (!end->has_value()) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      fs::remove_all(entry.path(), ignored);
    }
  }
  return *end;
}

}  // namespace farthing::storage
