// Single entries of the ledger, archived or not, by their numbers: for who follows the links from
// one to the one before.
//
// Threads: one, not the shard's. Errors: the store's.
#pragma once

#include "engine/archive.h"
#include "engine/entry.h"
#include "storage/ledger_store.h"

#include <filesystem>
#include <string>

namespace farthing::engine {

class EntryReader {
 public:
  // `store` outlives it. `archive`: as archive_folder() says.
  EntryReader(const storage::LedgerStore& store, const std::filesystem::path& archive)
      : ledger_(store, archive) {}

  // The entry's texts are views that hold until the next call. A record is fetched once for those
  // of it that are read one after the other.
  base::Result<const Entry*, storage::StoreError> read(Sequence sequence);
  Time time() const { return record_.header.now; }  // of the last one read

 private:
  LedgerReader ledger_;
  std::string buffer_;
  storage::Record record_;
  Entry entry_;
};

}  // namespace farthing::engine
