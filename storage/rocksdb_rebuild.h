// A new database of what a repair keeps of another (storage/repair.h).
//
// Threads: one. Errors: values; what was made until then is left to the caller.
#pragma once

#include "storage/repair.h"
#include "storage/rocksdb_database.h"

#include <filesystem>
#include <memory>
#include <optional>

namespace farthing::storage {

// In `folder`/ledger, durably: the records up to drop.end, the documents, and the checkpoint unless
// it goes. REQUIRES: `folder` does not exist; all that stays was read and is in order.
std::optional<StoreError> rebuild_database(const Database& source,
                                           const std::shared_ptr<rocksdb::FileSystem>& files,
                                           const Drop& drop, const std::filesystem::path& folder);

}  // namespace farthing::storage
