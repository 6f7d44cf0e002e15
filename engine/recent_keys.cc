#include "engine/recent_keys.h"

#include <algorithm>
#include <bit>

namespace farthing::engine {

namespace {

constexpr std::size_t slots_least = 16;

}  // namespace

RecentKeys::RecentKeys(std::size_t expected)
    : slots_(std::bit_ceil(std::max(2 * expected, slots_least))) {
  items_.reserve(expected);
}

void RecentKeys::insert(const SessionId128& key, std::uint64_t sequence, std::uint32_t bucket) {
  if (items_.size() == slots_.size()) grow();
  items_.push_back({key, sequence, bucket, none, none});
  link(static_cast<std::uint32_t>(items_.size() - 1));
}

void RecentKeys::clear() {
  items_.clear();
  if (++round_ == 0) {  // rounds are numbered from 1 again
    std::ranges::fill(slots_, Slot());
    round_ = 1;
  }
}

std::uint32_t RecentKeys::first_of(std::size_t slot) const {
  return slots_[slot].round == round_ ? slots_[slot].newest : none;
}

// Puts an item at the head of its key's chain, in the place that the chain has among those of its
// slot.
void RecentKeys::link(std::uint32_t position) {
  Item& item = items_[position];
  const std::size_t slot = slot_of(item.key);
  const std::uint32_t first = first_of(slot);
  std::uint32_t before = none;
  std::uint32_t at = first;
  while (at != none && items_[at].key != item.key) {
    before = at;
    at = items_[at].next;
  }
  item.older = at;
  if (at == none) {
    item.next = first;
  } else {
    item.next = items_[at].next;
    if (before != none) {
      items_[before].next = position;
      return;
    }
  }
  slots_[slot] = {round_, position};
}

void RecentKeys::grow() {
  slots_.assign(slots_.size() * 2, Slot());
  for (std::uint32_t i = 0; i < items_.size(); ++i) link(i);
}

}  // namespace farthing::engine
