// Opening balances: the book as it stood after an entry, in one file beside the archived records,
// so that the ledger may begin behind that entry and still be proved. docs/formats.md has the
// layout; rows are the checkpoint's. The same balances give the same content, and a ledger entry
// (LedgerCut) holds its hash.
//
// Threads: none of its own. Errors: values that name the file and the remedy.
#pragma once

#include "engine/base/result.h"
#include "engine/book.h"
#include "engine/entry.h"
#include "storage/ledger_store.h"

#include <filesystem>
#include <string>

namespace farthing::engine {

std::string opening_file_name(Sequence last);
// The document (storage/ledger_store.h) that holds the cut, written in one with its entry.
std::string cut_document_key(Sequence last);
std::string encode_cut(const LedgerCut& cut);

// Writes the balances after `end`, durably; gives the hash of the content. REQUIRES: all accounts
// are in the book, and it has folded up to that end.
base::Result<storage::Hash, storage::StoreError> write_opening(const std::filesystem::path& folder,
                                                               const Book& book,
                                                               const storage::LedgerEnd& end,
                                                               const SideSums& sums);

// Deletes those after entries before `last`, as far as that is possible.
void remove_openings_before(const std::filesystem::path& folder, storage::Sequence last);

// Reads them into an empty book. What comes back is what a ledger entry has to say of the file.
base::Result<LedgerCut, storage::StoreError> read_opening(const std::filesystem::path& folder,
                                                          Sequence last, Book& book);

}  // namespace farthing::engine
