#include "tariffs/price.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace farthing::tariffs {
namespace {

__extension__ using Uint128 = unsigned __int128;

constexpr std::uint64_t units_max = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t micros_max = std::numeric_limits<std::int64_t>::max();

// What only our own compiler of tariffs could have got wrong.
void check(const PriceTerms& terms) {
  FARTHING_ASSERT(terms.amount.micros >= 0);
  FARTHING_ASSERT(terms.setup.micros >= 0);
  FARTHING_ASSERT(terms.block > 0);
  FARTHING_ASSERT(terms.step > 0);
}

// Steps and blocks are mostly powers of two (octets) or fit a machine word: no long division then.
constexpr bool is_power_of_two(std::uint64_t value) { return (value & (value - 1)) == 0; }

std::uint64_t remainder(std::uint64_t units, std::uint64_t step) {
  return is_power_of_two(step) ? units & (step - 1) : units % step;
}

Uint128 quotient(Uint128 value, Uint128 divisor) {
  if ((value | divisor) >> 64 == 0) {
    return static_cast<std::uint64_t>(value) / static_cast<std::uint64_t>(divisor);
  }
  return value / divisor;
}

Uint128 quotient(Uint128 value, std::uint64_t divisor) {
  if (is_power_of_two(divisor)) return value >> std::countr_zero(divisor);
  return quotient(value, Uint128{divisor});
}

// The most units u with round(amount * u / block) <= budget, by each rule's own inequality. The
// products stay below 2^128: the budget is below 2^63 and the block below 2^64.
Uint128 units_within(const PriceTerms& terms, std::uint64_t budget) {
  const Uint128 amount = static_cast<std::uint64_t>(terms.amount.micros);
  const Uint128 wide = budget;
  switch (terms.rounding) {
    case Rounding::half_away_from_zero:  // amount * u / block < budget + 1/2
      return quotient((2 * wide + 1) * terms.block - 1, 2 * amount);
    case Rounding::up:  // amount * u / block <= budget
      return quotient(wide * terms.block, amount);
    case Rounding::down:  // amount * u / block < budget + 1
      return quotient((wide + 1) * terms.block - 1, amount);
  }
  FARTHING_ASSERT(false);
  return 0;
}

}  // namespace

std::uint64_t chargeable_units(const PriceTerms& terms, std::uint64_t units) {
  check(terms);
  if (units == 0) return 0;
  const std::uint64_t counted = std::max(units, terms.minimum);
  const std::uint64_t below = counted - remainder(counted, terms.step);
  if (below == counted) return counted;
  std::uint64_t above = 0;
  return __builtin_add_overflow(below, terms.step, &above) ? below : above;
}

std::optional<Money> price_of(const PriceTerms& terms, std::uint64_t chargeable) {
  check(terms);
  const Uint128 product =
      static_cast<Uint128>(static_cast<std::uint64_t>(terms.amount.micros)) * chargeable;
  Uint128 price = quotient(product, terms.block);
  const std::uint64_t rest = static_cast<std::uint64_t>(product - price * terms.block);
  switch (terms.rounding) {
    case Rounding::half_away_from_zero:
      if (rest >= terms.block - rest) ++price;
      break;
    case Rounding::up:
      if (rest > 0) ++price;
      break;
    case Rounding::down:
      break;
  }
  if (price > micros_max) return std::nullopt;
  return Money(static_cast<std::int64_t>(price));
}

std::uint64_t affordable_units(const PriceTerms& terms, Money budget, std::uint64_t limit) {
  check(terms);
  const std::uint64_t limit_in_steps = limit - remainder(limit, terms.step);
  if (terms.amount.micros == 0) return limit_in_steps;
  if (budget.micros < 0) return 0;
  const Uint128 within = units_within(terms, static_cast<std::uint64_t>(budget.micros));
  const std::uint64_t units = within > units_max ? units_max : static_cast<std::uint64_t>(within);
  return std::min(units - remainder(units, terms.step), limit_in_steps);
}

std::string_view rounding_name(Rounding rounding) {
  switch (rounding) {
    case Rounding::half_away_from_zero:
      return "half_away_from_zero";
    case Rounding::up:
      return "up";
    case Rounding::down:
      return "down";
  }
  FARTHING_ASSERT(false);
  return "";
}

std::optional<Rounding> rounding_named(std::string_view name) {
  for (Rounding rounding : {Rounding::half_away_from_zero, Rounding::up, Rounding::down}) {
    if (rounding_name(rounding) == name) return rounding;
  }
  return std::nullopt;
}

}  // namespace farthing::tariffs
