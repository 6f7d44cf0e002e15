// The accounts that are in memory, with the indexes that find them by number, name and identity.
//
// Not all accounts need to be: those that nothing happens to are evicted when memory is short, once
// their rows are in the checkpoint, and are loaded again when they are needed (shard.h). A clock
// hand goes round and passes over those that were touched since it came by last.
//
// Ownership: the table owns its accounts; an address holds until its account is evicted. Threads:
// one, the shard's. Memory is estimated: account, texts, lists and its places in the indexes.
#pragma once

#include "engine/account.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

namespace farthing::engine {

struct SubscriberRef {
  const Account* account = nullptr;
  SubscriberNumber subscriber;
};

class AccountTable {
 public:
  // Room in the indexes from the start for what `memory_bytes` hold (0: none): growing a full index
  // under traffic would stall it.
  explicit AccountTable(std::uint64_t memory_bytes);
  AccountTable(const AccountTable&) = delete;
  AccountTable& operator=(const AccountTable&) = delete;

  // An empty account, not in the indexes yet: fill it and index it.
  Account& add(AccountNumber number);
  // Its name and all its subscribers. REQUIRES: neither is in the table.
  void index(Account& account);
  // But for one that is terminated.
  void index_subscriber(Account& account, SubscriberNumber subscriber);
  // Its identities are nobody's from now on.
  void forget_subscriber(const Account& account, SubscriberNumber subscriber);
  // Its lists or texts have grown or shrunk.
  void resized(Account& account);

  Account* find(AccountNumber number);
  Account* find(std::string_view name);
  std::optional<SubscriberRef> find(Identity identity);
  // Identities that are no account's, in memory or not: so that requests for them need not be
  // looked up again and again. Bounded.
  void note_nobody(Identity identity);
  bool is_nobody(Identity identity) const { return nobody_.contains(identity); }

  std::uint64_t size() const { return by_number_.size(); }
  std::uint64_t memory_bytes() const { return memory_bytes_; }

  // Looks at up to `steps` accounts and evicts those that may go: not changed, without sessions,
  // their rows written in a round up to `round_written`, not touched lately, and not stamped since
  // `stamp_before` (a reading under way may hold an older row of what was). Returns how many.
  std::size_t evict(std::size_t steps, std::uint64_t round_written, std::uint64_t stamp_before);

  // Every account, in no order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& [number, account] : by_number_) visit(*account);
  }

 private:
  void drop(Account& account);

  std::deque<Account> memory_;
  std::vector<Account*> free_;
  std::size_t hand_ = 0;  // in memory_
  boost::unordered_flat_map<std::uint64_t, Account*> by_number_;
  boost::unordered_flat_map<std::string_view, Account*> by_name_;  // views into the accounts
  boost::unordered_flat_map<Identity, SubscriberRef> by_identity_;
  boost::unordered_flat_set<Identity> nobody_;
  std::uint64_t memory_bytes_ = 0;
};

}  // namespace farthing::engine
