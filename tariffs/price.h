// The price of a number of units, exactly: amount * units / block, with a step, a minimum and a
// set-up charge.
//
// A charge never depends on how usage was cut into requests: what a session owes for a price
// segment is price(all units so far), and each request is charged the difference to what it was
// charged so far. Pure functions of their arguments; no allocation.
#pragma once

#include "tariffs/money.h"
#include "tariffs/units.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace farthing::tariffs {

// The numbers stand in the ledger: never change one, only add.
enum class Rounding : std::uint8_t { half_away_from_zero = 0, up = 1, down = 2 };

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

  friend bool operator==(const PriceTerms&, const PriceTerms&) = default;
};

// Units as they are charged: at least the minimum, rounded up to whole steps; 0 stays 0.
// Saturates at the largest whole number of steps that 64 bits hold.
std::uint64_t chargeable_units(const PriceTerms& terms, std::uint64_t units);

// The price of `chargeable` units (whole steps, allowances already taken off), rounded once by the
// terms' rule; without the set-up charge. nullopt: the result leaves the range of Money.
std::optional<Money> price_of(const PriceTerms& terms, std::uint64_t chargeable);

// The most units, in whole steps, whose price is at most `budget` (0 where not even one step is).
// A free price gives `limit` rounded down to steps; never more than that.
// A negative budget buys nothing, except what is free.
std::uint64_t affordable_units(const PriceTerms& terms, Money budget, std::uint64_t limit);

std::string_view rounding_name(Rounding rounding);  // "half_away_from_zero", "up", "down"
std::optional<Rounding> rounding_named(std::string_view name);

}  // namespace farthing::tariffs
