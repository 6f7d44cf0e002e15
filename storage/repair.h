// Making a data folder end earlier: what a person does about a ledger that lost records, or has
// damaged ones, and that has no whole copy.
//
// Nothing is changed in place. A new database is made of what is kept (files that are kept whole
// are shared, not copied) and takes the place of the old one, which stays in a folder beside it,
// `before-repair-N`, until somebody deletes that: it is a data folder, as damaged as it was.
//
// Of a stopped server's folder only. Threads: one. Errors: values; what fails changes nothing.
#pragma once

#include "storage/ledger_store.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace farthing::storage {

// What goes and what stays.
struct Drop {
  LedgerEnd begin;  // as LedgerStore::begin()
  LedgerEnd end;    // the end that is left
  // Of the records that go, those that can be read: the rest cannot be told.
  Sequence first;  // 0: none
  Sequence last;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  base::Time from;
  base::Time to;
  // Why the whole checkpoint goes, too; empty: it stays. If something was cut off before (begin),
  // nothing is left then that says what those records added up to.
  std::string checkpoint;
  std::string damage;   // what a normal opening or a reader would say; empty: nothing
  Sequence high_water;  // the last entry that is known to have been durable; 0: not known
};

// What drop_after would do. `until` is the last entry to be kept: the end of a record, or 0.
base::Result<Drop, StoreError> plan_drop(const std::filesystem::path& folder, Sequence until);

// Does it. `saved`, if given, gets the folder in which the old database stays; empty where the
// database did not change (only the high-water file did).
base::Result<Drop, StoreError> drop_after(const std::filesystem::path& folder, Sequence until,
                                          std::filesystem::path* saved = nullptr);

}  // namespace farthing::storage
