// The tariff versions of a ledger: the entries that name them, and the documents that hold their
// sources.
//
// Threads: any. Errors: sentences with the remedy.
#pragma once

#include "engine/archive.h"
#include "engine/base/result.h"
#include "engine/checkpoint.h"
#include "storage/ledger_store.h"
#include "tariffs/tariff.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine {

// The document (storage/ledger_store.h) that holds the source of a tariff version.
std::string tariff_document_key(tariffs::TariffVersion version);

// "3"; nullopt: it is no number of a version.
std::optional<tariffs::TariffVersion> parse_version(std::string_view text);

// A version that was loaded, from its document, which must be the one that was loaded.
base::Result<std::shared_ptr<const tariffs::Tariff>, std::string> recall_tariff(
    const storage::LedgerStore& store, const TariffLoaded& loaded);
// All of them, in the order in which they were loaded.
base::Result<std::shared_ptr<const tariffs::TariffHistory>, std::string> recall_tariffs(
    const storage::LedgerStore& store, std::span<const TariffLoaded> loaded);

// The entry by which a version was loaded, and what it says of who did it and why; "": nothing.
// nullopt: there is none at that time.
struct TariffLoadingNote {
  Sequence entry;
  std::string operator_name;
  std::string reason;
};
base::Result<std::optional<TariffLoadingNote>, storage::StoreError> find_loading(
    LedgerReader& ledger, const TariffLoaded& loaded);

// Those that a ledger tells of, for who has no book at hand: from the checkpoint, and what the
// ledger has behind it.
base::Result<std::vector<TariffLoaded>, std::string> find_loaded_tariffs(
    const storage::LedgerStore& store);

}  // namespace farthing::engine
