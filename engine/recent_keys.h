// The keys of the table of duplicates (duplicates.h) that one round of write-back brings to disk:
// in the order inserted, and found by key.
//
// A hash table whose emptying costs nothing, however much was in it: it lies between two requests.
// It has room for `expected` keys from the start; beyond, it grows by doubling.
//
// Threads: one.
#pragma once

#include "engine/account.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace farthing::engine {

class RecentKeys {
 public:
  struct Item {
    SessionId128 key;
    std::uint64_t sequence = 0;
    std::uint32_t bucket = 0;
    // Positions of items; none where there is no such item.
    std::uint32_t older = none;  // the one before of the same key
    std::uint32_t next = none;   // of the newest of a key: that of another key in the same slot
  };

  explicit RecentKeys(std::size_t expected = 0);

  void insert(const SessionId128& key, std::uint64_t sequence, std::uint32_t bucket);
  // Calls `visit` with the entries of a key, newest first; at most `most` of them.
  template <class Visit>
  void find(const SessionId128& key, int most, Visit visit) const;
  const std::vector<Item>& items() const { return items_; }
  void clear();

 private:
  static constexpr std::uint32_t none = UINT32_MAX;
  struct Slot {
    std::uint32_t round = 0;  // a slot of an earlier round is empty
    std::uint32_t newest = none;
  };

  std::size_t slot_of(const SessionId128& key) const { return key.high & (slots_.size() - 1); }
  std::uint32_t first_of(std::size_t slot) const;
  void link(std::uint32_t position);
  void grow();

  std::vector<Item> items_;
  std::vector<Slot> slots_;  // a power of two
  std::uint32_t round_ = 1;
};

template <class Visit>
void RecentKeys::find(const SessionId128& key, int most, Visit visit) const {
  std::uint32_t at = first_of(slot_of(key));
  while (at != none && items_[at].key != key) at = items_[at].next;
  for (; at != none && most > 0; --most, at = items_[at].older) visit(items_[at].sequence);
}

}  // namespace farthing::engine
