#include "tariffs/price.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <tuple>

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

constexpr bool has_whole_cap(const PriceShape& shape) { return shape.cap_every == units_max; }

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

constexpr Uint128 wide(Money amount) { return static_cast<std::uint64_t>(amount.micros); }

// The exact price times the block. All of these stay below 2^127: amounts are below 2^63.
Uint128 banded(const PriceTerms& terms, const PriceShape& shape, std::uint64_t units) {
  Uint128 sum = 0;
  std::uint64_t from = 0;
  for (const PriceBand& band : shape.bands) {
    if (units <= band.upto) {
      return shape.is_slab ? wide(band.amount) * units : sum + wide(band.amount) * (units - from);
    }
    sum += wide(band.amount) * (band.upto - from);
    from = band.upto;
  }
  return shape.is_slab ? wide(terms.amount) * units : sum + wide(terms.amount) * (units - from);
}

Uint128 exact_price(const PriceTerms& terms, std::uint64_t units) {
  if (terms.shape == nullptr) return wide(terms.amount) * units;
  const PriceShape& shape = *terms.shape;
  if (shape.cap_every == 0) return banded(terms, shape, units);
  const Uint128 cap = wide(shape.cap) * terms.block;
  if (has_whole_cap(shape)) return std::min(banded(terms, shape, units), cap);
  const Uint128 rest = wide(terms.amount) * (units % shape.cap_every);
  const Uint128 whole = wide(terms.amount) * shape.cap_every;
  const Uint128 sum = units / shape.cap_every * std::min(whole, cap) + std::min(rest, cap);
  return shape.cap_in_all ? std::min(sum, wide(*shape.cap_in_all) * terms.block) : sum;
}

// The most units whose exact price, and that of all smaller numbers above `passed`, is at most
// `budget`; at most units_max.
std::uint64_t line_within(Uint128 amount, Uint128 budget) {
  if (amount == 0) return units_max;
  const Uint128 within = quotient(budget, amount);
  return within > units_max ? units_max : static_cast<std::uint64_t>(within);
}

std::uint64_t banded_within(const PriceTerms& terms, const PriceShape& shape, Uint128 budget,
                            std::uint64_t passed) {
  std::uint64_t from = 0;
  auto reach = [&](Money amount) {
    const std::uint64_t units = line_within(wide(amount), budget);
    if (shape.is_slab) return std::max({units, from, passed});
    std::uint64_t sum = 0;
    return __builtin_add_overflow(from, units, &sum) ? units_max : sum;
  };
  for (const PriceBand& band : shape.bands) {
    const std::uint64_t reached = reach(band.amount);
    if (reached < band.upto) return reached;
    if (!shape.is_slab) budget -= wide(band.amount) * (band.upto - from);
    from = band.upto;
  }
  return reach(terms.amount);
}

std::uint64_t exact_within(const PriceTerms& terms, Uint128 budget, std::uint64_t passed) {
  if (terms.shape == nullptr) return line_within(wide(terms.amount), budget);
  const PriceShape& shape = *terms.shape;
  if (shape.cap_every == 0) return banded_within(terms, shape, budget, passed);
  const Uint128 cap = wide(shape.cap) * terms.block;
  if (has_whole_cap(shape)) {
    return cap <= budget ? units_max : banded_within(terms, shape, budget, passed);
  }
  if (shape.cap_in_all && wide(*shape.cap_in_all) * terms.block <= budget) return units_max;
  const Uint128 whole = std::min(wide(terms.amount) * shape.cap_every, cap);
  if (whole == 0) return units_max;
  // What is left buys no whole stretch, so it does not reach the cap.
  const Uint128 stretches = budget / whole;
  const Uint128 units =
      stretches * shape.cap_every + line_within(wide(terms.amount), budget - stretches * whole);
  return stretches > units_max || units > units_max ? units_max : static_cast<std::uint64_t>(units);
}

// The highest exact price that is rounded to no more than `budget`, by each rule's own inequality.
// It stays below 2^127: the budget is below 2^63 and the block below 2^64.
Uint128 highest_within(const PriceTerms& terms, std::uint64_t budget) {
  const Uint128 of_budget = static_cast<Uint128>(budget) * terms.block;
  switch (terms.rounding) {
    case Rounding::half_away_from_zero:  // exact < (budget + 1/2) * block
      return of_budget + (terms.block - 1) / 2;
    case Rounding::up:  // exact <= budget * block
      return of_budget;
    case Rounding::down:  // exact < (budget + 1) * block
      return of_budget + (terms.block - 1);
  }
  FARTHING_ASSERT(false);
  return 0;
}

}  // namespace

bool is_sound(const PriceShape& shape) {
  std::uint64_t from = 0;
  for (const PriceBand& band : shape.bands) {
    if (band.upto <= from || band.amount.micros < 0) return false;
    from = band.upto;
  }
  if (shape.cap_in_all &&
      (shape.cap_in_all->micros < 0 || shape.cap_every == 0 || has_whole_cap(shape))) {
    return false;
  }
  return shape.bands.size() <= PriceShape::bands_max && shape.cap.micros >= 0 &&
         (shape.bands.empty() || shape.cap_every == 0 || has_whole_cap(shape));
}

bool operator==(const PriceTerms& a, const PriceTerms& b) {
  const auto fields = [](const PriceTerms& terms) {
    return std::tie(terms.unit, terms.rounding, terms.amount, terms.block, terms.step,
                    terms.minimum, terms.setup, terms.tax, terms.paid_from);
  };
  const bool same_shape =
      a.shape == b.shape || (a.shape != nullptr && b.shape != nullptr && *a.shape == *b.shape);
  return same_shape && fields(a) == fields(b);
}

bool is_free(const PriceTerms& terms) {
  const auto costs = [](const PriceBand& band) { return band.amount.micros > 0; };
  if (terms.shape == nullptr) return terms.amount.micros == 0;
  const PriceShape& shape = *terms.shape;
  if (shape.cap_every != 0 && shape.cap.micros == 0) return true;
  if (shape.cap_in_all && shape.cap_in_all->micros == 0) return true;
  return terms.amount.micros == 0 && std::ranges::none_of(shape.bands, costs);
}

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
  const Uint128 product = exact_price(terms, chargeable);
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

Money dearest_price(const PriceTerms& terms, std::uint64_t from, std::uint64_t to) {
  constexpr Money most = Money(std::numeric_limits<std::int64_t>::max());
  Money dearest = price_of(terms, to).value_or(most);
  if (terms.shape == nullptr || !terms.shape->is_slab) return dearest;
  for (const PriceBand& band : terms.shape->bands) {
    const std::uint64_t last = band.upto - remainder(band.upto, terms.step);
    if (last < from || last > to) continue;
    dearest = std::max(dearest, price_of(terms, last).value_or(most));
  }
  return dearest;
}

std::uint64_t affordable_units(const PriceTerms& terms, Money budget, std::uint64_t limit,
                               std::uint64_t passed) {
  check(terms);
  const std::uint64_t limit_in_steps = limit - remainder(limit, terms.step);
  if (terms.shape == nullptr && terms.amount.micros == 0) return limit_in_steps;
  // In debt only what is free can be bought, which costs nothing exactly.
  const Uint128 highest =
      budget.micros < 0 ? 0 : highest_within(terms, static_cast<std::uint64_t>(budget.micros));
  const std::uint64_t units = exact_within(terms, highest, passed);
  return std::min(units - remainder(units, terms.step), limit_in_steps);
}

std::uint64_t next_border(const PriceTerms& terms, std::uint64_t priced) {
  check(terms);
  if (terms.shape == nullptr) return units_max;
  const PriceShape& shape = *terms.shape;
  std::uint64_t border = units_max;
  const auto consider = [&](Uint128 units) {
    if (units > priced && units < border) border = static_cast<std::uint64_t>(units);
  };
  for (const PriceBand& band : shape.bands) consider(band.upto);
  // The unit with which a price reaches a cap is the one behind those that stay below it.
  const auto below = [&](Money cap) { return wide(cap) * terms.block - 1; };
  const bool is_whole = shape.cap_every != 0 && has_whole_cap(shape);
  const Money in_all = is_whole ? shape.cap : shape.cap_in_all.value_or(Money());
  if (in_all.micros > 0) {
    const Uint128 reached = Uint128{is_whole ? banded_within(terms, shape, below(in_all), 0)
                                             : exact_within(terms, below(in_all), 0)} +
                            1;
    if (reached <= priced) return units_max;  // all that follows is free
    consider(reached);
  }
  if (shape.cap_every != 0 && !is_whole && shape.cap.micros > 0) {
    const std::uint64_t begun = priced - priced % shape.cap_every;
    const bool is_reached = wide(terms.amount) * shape.cap_every > wide(shape.cap) * terms.block;
    if (is_reached) {
      const std::uint64_t within = line_within(wide(terms.amount), below(shape.cap));
      consider(Uint128{begun} + within + 1);
      consider(Uint128{begun} + shape.cap_every);
    }
  }
  return border;
}

Money tax_in(Money total, Percent rate, Rounding rounding) {
  const std::uint64_t divisor = std::uint64_t{Percent::whole} + rate.millionths;
  const auto micros = static_cast<std::uint64_t>(total.micros);
  const std::uint64_t magnitude = total.micros < 0 ? 0 - micros : micros;
  const Uint128 product = static_cast<Uint128>(magnitude) * rate.millionths;
  auto tax = static_cast<std::int64_t>(product / divisor);  // at most half of the total
  const auto rest = static_cast<std::uint64_t>(product % divisor);
  const bool is_up = rounding == Rounding::up
                         ? rest > 0
                         : rounding == Rounding::half_away_from_zero && rest >= divisor - rest;
  if (is_up) ++tax;
  return Money(total.micros < 0 ? -tax : tax);
}

Money share_of(Money amount, Percent share, Rounding rounding) {
  FARTHING_ASSERT(amount.micros >= 0);
  const Uint128 product = static_cast<Uint128>(amount.micros) * share.millionths;
  const auto rest = static_cast<std::uint64_t>(product % Percent::whole);
  const bool is_up = rounding == Rounding::up
                         ? rest > 0
                         : rounding == Rounding::half_away_from_zero && rest >= Percent::whole / 2;
  return Money(static_cast<std::int64_t>(product / Percent::whole) + (is_up ? 1 : 0));
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
