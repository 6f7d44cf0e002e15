#include "storage/restore.h"

#include "storage/files.h"
#include "storage/folder_format.h"
#include "storage/rocksdb_store.h"

#include <optional>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/file_system.h>
#include <unistd.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;

StoreError io_error(const fs::path& path, const std::error_code& error) {
  return {StoreError::Code::io, Sequence(0),
          fmt::format("{}: {}; the folder is not restored", path.string(), error.message())};
}

std::optional<StoreError> copy_synced(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::copy_file(from, to, error);
  if (error) return io_error(to, error);
  const int file = ::open(to.c_str(), O_RDONLY | O_CLOEXEC);
  const bool is_synced = file >= 0 && ::fsync(file) == 0;
  if (!is_synced) error = {errno, std::generic_category()};
  if (file >= 0) ::close(file);
  if (!is_synced) return io_error(to, error);
  return std::nullopt;
}

std::optional<StoreError> copy_database_files(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to, error);
  if (error) return io_error(to, error);
  for (const auto& entry : fs::directory_iterator(from, error)) {
    const std::string name = entry.path().filename();
    if (!entry.is_regular_file() || name == "LOCK" || name.starts_with("LOG")) continue;
    if (auto wrong = copy_synced(entry.path(), to / name)) return wrong;
  }
  if (error) return io_error(from, error);
  return std::nullopt;
}

}  // namespace

base::Result<LedgerEnd, StoreError> restore(const fs::path& backup, const fs::path& folder) {
  LedgerEnd end;
  {
    StoreOptions options;
    options.folder = backup;
    options.create_if_missing = false;
    options.read_only = true;
    const auto store = open_rocksdb_store(options);
    if (!store.has_value()) return store.error();
    end = (*store)->end();
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return io_error(folder, error);
  if (!fs::is_empty(folder, error) || error) {
    return StoreError{StoreError::Code::io, Sequence(0),
                      fmt::format("{} is not empty; name an empty folder or a new one to restore "
                                  "into, and keep what is there until you are sure",
                                  folder.string())};
  }
  if (auto wrong = copy_database_files(backup / "ledger", folder / "ledger")) return *wrong;
  if (auto wrong = copy_synced(backup / "high-water", folder / "high-water")) return *wrong;
  rocksdb::FileSystem& files = *rocksdb::FileSystem::Default();
  if (auto wrong = sync_folder(files, folder / "ledger")) return *wrong;
  // Last: without it nothing takes the folder for a data folder.
  if (auto wrong = write_folder_format(files, folder)) return *wrong;
  return end;
}

}  // namespace farthing::storage
