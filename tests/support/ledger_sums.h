// What a ledger charged, added up entry by entry without the engine: what records of it are
// compared with.
#pragma once

#include "storage/ledger_store.h"

#include <cstdint>
#include <map>
#include <set>

namespace farthing::test {

// What an account was charged, by the legs of all its entries.
struct Charged {
  std::int64_t charged_micros = 0;
  std::int64_t overage_micros = 0;

  friend bool operator==(const Charged&, const Charged&) = default;
};

struct LedgerSums {
  std::map<std::uint64_t, Charged> accounts;
  std::set<std::uint64_t> closings;  // entries that must have a record: closed sessions and events
  std::map<std::uint64_t, Charged> open;  // by account: of sessions that are still open
};

LedgerSums ledger_sums(const storage::LedgerStore& store);

}  // namespace farthing::test
