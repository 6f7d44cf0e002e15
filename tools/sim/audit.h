// The audit of the simulation: reads what the ledger says, entry by entry, and adds its legs up.
// Checks that each entry's legs come to zero, in money and in each bucket; that a session ends at
// most once and nothing follows its end; and that no request is entered twice. What an account's
// legs come to is then compared with the model.
//
// It decodes entries with the engine's format and folds them with code of its own. Threads: one.
#pragma once

#include "engine/entry.h"
#include "storage/ledger_store.h"
#include "tools/sim/findings.h"
#include "tools/sim/model.h"

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace farthing::sim {

class Audit {
 public:
  explicit Audit(Findings& findings) : findings_(findings) {}

  // Reads on to the end of what is durable.
  void read_on(const storage::LedgerStore& store);
  // Compares what was read with the model. REQUIRES: the model holds nothing that is not durable.
  void compare(const Model& model);

 private:
  struct Account {
    std::string name;
    AccountSight sight;
    std::map<std::uint32_t, AccountSight::Bucket> buckets;
  };

  void read_entry(const engine::Entry& entry, engine::Sequence own);
  void follow_session(const engine::Entry& entry, engine::Sequence own, Account& account);
  void add_legs(const engine::Entry& entry, engine::Sequence own, Account& account);

  Findings& findings_;
  std::uint64_t next_ = 1;  // the entry to be read next
  std::vector<Account> accounts_;
  std::unordered_map<std::uint64_t, std::string> open_;  // sessions by number, with their id
  std::set<std::tuple<std::string, std::uint8_t, std::uint32_t, std::uint64_t, std::uint64_t>>
      requests_;
  engine::Entry entry_;
};

}  // namespace farthing::sim
