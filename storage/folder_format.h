// The data folder around the database: which format it has, and whether it is one of ours at all.
//
// The format stands in a text file beside the database, so that it can be told without opening
// what another version wrote.
//
// Threads: one at a time. Errors: values that name the folder and the remedy.
#pragma once

#include "storage/ledger_store.h"

#include <filesystem>
#include <optional>

namespace rocksdb {
class FileSystem;
}

namespace farthing::storage {

// What this program writes. It reads every format from 1 on; docs/formats.md tells them apart.
inline constexpr unsigned folder_format = 2;

struct FolderState {
  bool has_ledger = false;
  unsigned format = folder_format;
};

// Finds the folder or, where `create` allows it, makes it with `format` and an empty ledger/ in it.
// A folder that holds other things than ours is left alone and refused.
base::Result<FolderState, StoreError> prepare_folder(rocksdb::FileSystem& files,
                                                     const std::filesystem::path& folder,
                                                     bool create);

// States the format that this program writes: complete or as it was, whenever a crash comes.
std::optional<StoreError> write_folder_format(rocksdb::FileSystem& files,
                                              const std::filesystem::path& folder);

}  // namespace farthing::storage
