// Random numbers from a seed: splitmix64, so that a seed gives the same run on every machine (the
// distributions of <random> differ from library to library).
//
// Threads: one at a time.
#pragma once

#include "engine/base/wide.h"

#include <cstddef>
#include <cstdint>

namespace farthing::sim {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t x = state_;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }
  // From 0 to limit - 1. REQUIRES: limit > 0.
  std::uint64_t below(std::uint64_t limit) {
    return static_cast<std::uint64_t>((static_cast<base::Uint128>(next()) * limit) >> 64);
  }
  std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return least + below(most - least + 1);
  }
  bool chance(unsigned percent) { return below(100) < percent; }

  // One of a list that is not empty.
  template <class List>
  auto& pick(List& list) {
    return list[static_cast<std::size_t>(below(list.size()))];
  }

 private:
  std::uint64_t state_;
};

}  // namespace farthing::sim
