// The table of ported numbers as the ledger keeps it: the file that was loaded last, as a document
// written with the entry that says so.
//
// Threads: any. Errors: sentences with the remedy.
#pragma once

#include "engine/base/result.h"
#include "storage/ledger_store.h"
#include "tariffs/ported_numbers.h"

#include <memory>
#include <string>
#include <string_view>

namespace farthing::engine {

inline constexpr std::string_view numbers_document_key = "numbers/ported";

// nullptr: none was loaded.
base::Result<std::shared_ptr<const tariffs::PortedNumbers>, std::string> recall_numbers(
    const storage::LedgerStore& store);

}  // namespace farthing::engine
