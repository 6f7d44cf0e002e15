// Situations: what a tariff gives a name to ("night", "eu") because allowances and counters are
// for usage in it only. Which of them hold goes with each price, as the compiler made it, and from
// there with each price segment: nothing is left to reckon when a request is rated.
//
// Plain values.
#pragma once

#include "engine/base/named.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace farthing::tariffs {

// A situation's name, hashed (FNV-1a, 32 bits) so that ledger entries, buckets and price segments
// can name it across tariff versions; never 0. A tariff with two situations of one key is refused.
using SituationKey = base::Named<struct SituationKeyTag, std::uint32_t>;
constexpr SituationKey situation_key(std::string_view name) {
  std::uint32_t hash = 2166136261u;
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return SituationKey(hash == 0 ? 1 : hash);
}

// Those that hold at once, in the order in which they were added.
struct Situations {
  static constexpr std::size_t most = 4;

  std::array<SituationKey, most> keys{};  // 0 behind the last

  std::size_t count() const {
    return static_cast<std::size_t>(std::ranges::find(keys, SituationKey()) - keys.begin());
  }
  bool contain(SituationKey key) const { return std::ranges::find(keys, key) != keys.end(); }
  // REQUIRES: fewer than `most`.
  void add(SituationKey key) { keys[count()] = key; }
  friend bool operator==(const Situations&, const Situations&) = default;
};

}  // namespace farthing::tariffs
