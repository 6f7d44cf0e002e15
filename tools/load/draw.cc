#include "tools/load/draw.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

namespace farthing::load {

namespace {
constexpr double exponent = 0.99;
}

std::optional<DrawRule> draw_rule_named(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, DrawRule>, 3> rules = {
      {{"turn", DrawRule::in_turn}, {"uniform", DrawRule::uniform}, {"zipf", DrawRule::zipf}}};
  for (const auto& [known, rule] : rules) {
    if (known == name) return rule;
  }
  return std::nullopt;
}

SubscriberDraw::SubscriberDraw(DrawRule rule, std::uint32_t subscribers, std::uint64_t seed)
    : rule_(rule), subscribers_(subscribers), random_(seed) {
  FARTHING_ASSERT(subscribers > 0);
  if (rule != DrawRule::zipf) return;
  for (std::uint32_t k = subscribers; k > 0; --k) harmonic_ += std::pow(k, -exponent);
  const double two = 1 + std::pow(2.0, -exponent);
  eta_ = (1 - std::pow(2.0 / subscribers, 1 - exponent)) / (1 - two / harmonic_);
  // The golden section spreads best; without a common factor it meets every subscriber once.
  stride_ = std::max(1u, static_cast<std::uint32_t>(0.618033988 * subscribers));
  while (std::gcd(stride_, subscribers) != 1) ++stride_;
}

std::uint32_t SubscriberDraw::next() {
  switch (rule_) {
    case DrawRule::in_turn:
      return std::exchange(turn_, turn_ + 1 == subscribers_ ? 0 : turn_ + 1);
    case DrawRule::uniform:
      return static_cast<std::uint32_t>(random_() % subscribers_);
    case DrawRule::zipf:
      return static_cast<std::uint32_t>(std::uint64_t{next_rank()} * stride_ % subscribers_);
  }
  FARTHING_ASSERT(false);
  return 0;
}

// Gray and others, "Quickly Generating Billion-Record Synthetic Databases" (1994), 3.2.
std::uint32_t SubscriberDraw::next_rank() {
  const double u = static_cast<double>(random_() >> 11) * 0x1p-53;
  if (u * harmonic_ < 1) return 0;
  if (u * harmonic_ < 1 + std::pow(2.0, -exponent)) return std::min(1u, subscribers_ - 1);
  const double rank = subscribers_ * std::pow(eta_ * (u - 1) + 1, 1 / (1 - exponent));
  return std::min(static_cast<std::uint32_t>(rank), subscribers_ - 1);
}

}  // namespace farthing::load
