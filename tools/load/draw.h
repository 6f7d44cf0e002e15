// Which subscriber has the next session.
//
// In turn: each after the other. Uniform: any, with equal chances. Zipf: the k-th most active has
// 1/k^0.99 of the first one's chances (the exponent of the usual benchmarks of stores), and those
// that are active are spread over all numbers.
//
// Threads: one. The same seed draws the same.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string_view>

namespace farthing::load {

enum class DrawRule : std::uint8_t { in_turn, uniform, zipf };

std::optional<DrawRule> draw_rule_named(std::string_view name);  // turn, uniform, zipf

class SubscriberDraw {
 public:
  // REQUIRES: subscribers > 0. Zipf takes a moment for millions.
  SubscriberDraw(DrawRule rule, std::uint32_t subscribers, std::uint64_t seed = 1);

  std::uint32_t next();

 private:
  std::uint32_t next_rank();

  DrawRule rule_;
  std::uint32_t subscribers_;
  std::uint32_t turn_ = 0;
  std::uint32_t stride_ = 1;  // from one rank's subscriber to the next one's
  double harmonic_ = 0;       // the sum of all chances, the first one's being 1
  double eta_ = 0;
  std::mt19937_64 random_;
};

}  // namespace farthing::load
