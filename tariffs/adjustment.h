// Discounts and surcharges: what is taken off prices, or put on top of them, where their conditions
// hold.
//
// An adjusted price is a price of its own, with terms that are as exact as those it was made from:
// where an amount would be no whole number of millionths, it is for more units instead. Plain
// values and pure functions; threads: no shared state.
#pragma once

#include "engine/base/result.h"
#include "tariffs/conditions.h"
#include "tariffs/counter.h"
#include "tariffs/percent.h"
#include "tariffs/price.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

struct Adjustment {
  bool is_discount = true;  // else a surcharge
  std::string name;
  std::uint32_t line = 0;          // in the tariff file
  std::optional<Percent> percent;  // of the price; else:
  Money amount;                    // for each `block` units; a discount takes no more than there is
  std::uint64_t block = 0;         // 0: the amount is once a session
  Unit unit = Unit::octets;        // of the block
  bool is_of_setup = false;        // the percentage is of the set-up charge, too
  Conditions conditions;
  std::string conditions_text;     // "/night/gold"; "": none
  std::vector<Coverage> coverage;  // empty: everything that has a price
};

// "less night-owl 20 %", "plus roaming 0.500000 per 1 MiB", "plus abroad 1.000000 a session".
std::string adjustment_text(const Adjustment& adjustment);

// What the terms are with it. Step, minimum, cap, rounding and tax stay. The error completes "the
// price with it ...".
base::Result<PriceTerms, std::string_view> adjusted(const PriceTerms& terms,
                                                    const Adjustment& adjustment);

// Whether no number of units costs less by `other` than by `terms`, caps aside. REQUIRES: both are
// the same price, each with a discount.
bool is_at_most(const PriceTerms& terms, const PriceTerms& other);

// Several discounts on one price: each off what those before have left, or only the one that takes
// most off.
enum class Combine : std::uint8_t { stack = 0, best = 1 };
std::string_view combine_name(Combine combine);  // "stack", "best"

}  // namespace farthing::tariffs
