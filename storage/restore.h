// A data folder made anew from a backup (LedgerStore::copy_to), or from any whole copy of one.
//
// The backup is only read and shares nothing with the new folder. A restoring that a crash cut off
// leaves a folder that opens nowhere.
#pragma once

#include "storage/ledger_store.h"

#include <filesystem>

namespace farthing::storage {

// `folder` does not exist or is empty. Returns the end that the ledger has.
base::Result<LedgerEnd, StoreError> restore(const std::filesystem::path& backup,
                                            const std::filesystem::path& folder);

}  // namespace farthing::storage
