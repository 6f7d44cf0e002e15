// The price of a number of units, exactly: amount * units / block, with a step, a minimum and a
// set-up charge; or in bands, and capped.
//
// A charge never depends on how usage was cut into requests: what a session owes for a price
// segment is price(all units so far), and each request is charged the difference to what it was
// charged so far. Pure functions of their arguments; no allocation.
#pragma once

#include "tariffs/money.h"
#include "tariffs/percent.h"
#include "tariffs/units.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

// The numbers stand in the ledger: never change one, only add.
enum class Rounding : std::uint8_t { half_away_from_zero = 0, up = 1, down = 2 };

// Which side of an account pays: the balance above zero, then the credit limit; or that alone. The
// numbers stand in the ledger.
enum class PaidFrom : std::uint8_t { either = 0, prepaid = 1 };

// Units up to `upto` of a segment, at `amount` for each block of the terms.
struct PriceBand {
  std::uint64_t upto = 0;
  Money amount;  // not negative

  friend bool operator==(const PriceBand&, const PriceBand&) = default;
};

// How a price departs from the straight line. Bands and caps act at the very unit that reaches
// them.
struct PriceShape {
  static constexpr std::size_t bands_max = 32;

  // Ascending; behind the last one the amount of the terms holds. At most bands_max.
  std::vector<PriceBand> bands = {};
  // The amount of the band that all units together reach holds for all of them (where it is lower
  // than the one before, more usage may cost less); else each band's for its own units.
  bool is_slab = false;
  // No more than `cap` for each `cap_every` units in succession; 0: no cap. Less than the whole
  // range only without bands.
  std::uint64_t cap_every = 0;
  Money cap = {};                        // not negative
  std::optional<Money> cap_in_all = {};  // beside a cap for less than the whole range

  friend bool operator==(const PriceShape&, const PriceShape&) = default;
};

// Whether this is such a shape.
bool is_sound(const PriceShape& shape);

// Everything that prices a segment. An open segment keeps its own copy (and the ledger entry that
// opened it too), so that a session goes on unchanged when the tariff it began under is replaced.
struct PriceTerms {
  Unit unit = Unit::octets;
  Rounding rounding = Rounding::half_away_from_zero;
  Money amount;               // for each `block` units; not negative
  std::uint64_t block = 1;    // not zero
  std::uint64_t step = 1;     // usage is rounded up to whole steps; not zero
  std::uint64_t minimum = 0;  // any usage at all counts as at least so many units (before steps)
  Money setup;                // once a segment, with its first unit; not negative
  std::shared_ptr<const PriceShape> shape = {};  // nullptr: a straight line
  std::optional<Percent> tax = {};               // what amounts include of it; nullopt: not said
  PaidFrom paid_from = PaidFrom::either;

  friend bool operator==(const PriceTerms& a, const PriceTerms& b);
};

// Whether any number of units costs nothing, set-up aside.
bool is_free(const PriceTerms& terms);

// Units as they are charged: at least the minimum, rounded up to whole steps; 0 stays 0.
// Saturates at the largest whole number of steps that 64 bits hold.
std::uint64_t chargeable_units(const PriceTerms& terms, std::uint64_t units);

// The price of `chargeable` units (whole steps, allowances already taken off), rounded once by the
// terms' rule; without the set-up charge. nullopt: the result leaves the range of Money.
std::optional<Money> price_of(const PriceTerms& terms, std::uint64_t chargeable);

// The highest price of any number of units from `from` to `to`, both whole steps and to >= from:
// that of `to`, but where a lower slab begins in between. Saturates at the end of Money.
Money dearest_price(const PriceTerms& terms, std::uint64_t from, std::uint64_t to);

// The most units, in whole steps, whose price is at most `budget` (0 where not even one step is),
// and that of every smaller number above `passed`, too: a lower slab behind what nobody can pay is
// out of reach.
// A free price gives `limit` rounded down to steps; never more than that.
// A negative budget buys nothing, except what is free.
std::uint64_t affordable_units(const PriceTerms& terms, Money budget, std::uint64_t limit,
                               std::uint64_t passed = 0);

// The smallest number of units above `priced` behind which a unit has another price than the one
// before it: the end of a band, where a cap is reached, where one begins anew. The highest number
// that there is where the price stays what it is.
std::uint64_t next_border(const PriceTerms& terms, std::uint64_t priced);

// The part of a total that is tax where the total includes it: total * rate / (1 + rate), rounded
// once; of a negative total the same, negative.
Money tax_in(Money total, Percent rate, Rounding rounding);

// The share of an amount, which is not negative, rounded once. It rises with the amount by at most
// as much as that does.
Money share_of(Money amount, Percent share, Rounding rounding);

std::string_view rounding_name(Rounding rounding);  // "half_away_from_zero", "up", "down"
std::optional<Rounding> rounding_named(std::string_view name);

}  // namespace farthing::tariffs
