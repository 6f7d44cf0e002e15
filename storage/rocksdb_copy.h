// A copy of the whole store while it runs: LedgerStore::copy_to.
//
// Threads: any; the work is done at low priority on a thread of its own, which is waited for.
#pragma once

#include "storage/ledger_store.h"
#include "storage/rocksdb_database.h"

#include <filesystem>

namespace farthing::storage {

base::Result<LedgerEnd, StoreError> copy_database(const Database& database,
                                                  const std::shared_ptr<rocksdb::FileSystem>& files,
                                                  const std::filesystem::path& folder);

}  // namespace farthing::storage
