// The whole ledger, whatever of it was archived: records come from the store where it has them,
// else from the archive's segments (storage/segment.h), and the joint between the two is checked.
//
// The archive is a folder that retention (retention.h) writes: segments of records, and files of
// opening balances (opening.h). A ledger says itself where its archive is; who starts a program may
// say otherwise.
//
// Threads: any, one at a time for each object. Records may be cut off while one reads on.
#pragma once

#include "engine/base/result.h"
#include "storage/ledger_store.h"
#include "storage/segment.h"

#include <filesystem>
#include <optional>
#include <string>

namespace farthing::engine {

// The document that names the archive's folder, written with each cut.
inline constexpr std::string_view archive_document_key = "retention/archive";

// The folder given, else the one that the ledger names; "": it knows of none.
std::filesystem::path archive_folder(const storage::LedgerStore& store,
                                     const std::filesystem::path& given);

class LedgerReader {
 public:
  // `store` outlives it. `archive` as of archive_folder(); "": there is none.
  LedgerReader(const storage::LedgerStore& store, std::filesystem::path archive)
      : store_(store), archive_(std::move(archive)) {}

  const storage::LedgerStore& store() const { return store_; }
  const std::filesystem::path& archive() const { return archive_; }

  // The first entry from which on all can be read: 1, unless what was archived is not at hand; then
  // `missing` says which entries are not there, why, and what to do about it. An error: there is an
  // archive, and it cannot be read.
  struct Beginning {
    storage::Sequence first{1};
    std::string missing;
  };
  base::Result<Beginning, storage::StoreError> beginning() const;

  // As in LedgerStore. Entries that nobody has any more: StoreError::Code::archived.
  base::Result<void, storage::StoreError> scan(storage::Sequence from,
                                               const storage::LedgerStore::Visitor& visitor) const;
  base::Result<storage::Record, storage::StoreError> read(storage::Sequence sequence,
                                                          std::string& buffer);
  // The first entry, from one on, that was made at this time or later (times never go back); one
  // behind the last where there is none.
  base::Result<storage::Sequence, storage::StoreError> first_at(base::Time time,
                                                                storage::Sequence from);

 private:
  // Visits the archived records from `from` to the cut; false: the visitor wants no more.
  base::Result<bool, storage::StoreError> scan_archive(
      storage::Sequence from, const storage::LedgerEnd& begin,
      const storage::LedgerStore::Visitor& visitor) const;
  storage::StoreError not_archived(storage::Sequence sequence) const;

  const storage::LedgerStore& store_;
  std::filesystem::path archive_;
  std::optional<storage::SegmentFolder> segments_;  // as last looked at
};

}  // namespace farthing::engine
