#include "storage/files.h"

#include <memory>
#include <string>

#include <fmt/format.h>
#include <rocksdb/file_system.h>

namespace farthing::storage {

namespace fs = std::filesystem;

std::optional<StoreError> replace_file(rocksdb::FileSystem& files, const fs::path& path,
                                       std::string_view bytes) {
  const std::string unfinished = path.string() + ".new";
  constexpr bool sync = true;
  auto status = rocksdb::WriteStringToFile(&files, rocksdb::Slice(bytes.data(), bytes.size()),
                                           unfinished, sync);
  if (status.ok()) status = files.RenameFile(unfinished, path, {}, nullptr);
  if (!status.ok()) return file_error(unfinished, status);
  return sync_folder(files, path.parent_path());
}

std::optional<StoreError> sync_folder(rocksdb::FileSystem& files, const fs::path& folder) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  auto status = files.NewDirectory(folder, {}, &directory, nullptr);
  if (status.ok()) status = directory->Fsync({}, nullptr);
  if (status.ok()) return std::nullopt;
  return file_error(folder, status);
}

StoreError file_error(const fs::path& path, const rocksdb::IOStatus& status) {
  return {StoreError::Code::io, Sequence(0),
          fmt::format("{}: {}", path.string(), status.ToString())};
}

}  // namespace farthing::storage
