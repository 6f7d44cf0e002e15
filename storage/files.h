// Small files of the store's own, beside the database and through the same file system.
//
// Threads: any. Errors: values that name the file.
#pragma once

#include "storage/ledger_store.h"

#include <filesystem>
#include <optional>
#include <string_view>

namespace rocksdb {
class FileSystem;
class IOStatus;
}  // namespace rocksdb

namespace farthing::storage {

// Makes the file or replaces it: as it was or complete, whenever a crash comes; durable when it
// returns. Goes by way of a file `.new` beside it.
std::optional<StoreError> replace_file(rocksdb::FileSystem& files,
                                       const std::filesystem::path& path, std::string_view bytes);

// What was made, renamed or removed in the folder is durable then.
std::optional<StoreError> sync_folder(rocksdb::FileSystem& files,
                                      const std::filesystem::path& folder);

StoreError file_error(const std::filesystem::path& path, const rocksdb::IOStatus& status);

}  // namespace farthing::storage
