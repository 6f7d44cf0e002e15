// Tariffs in words, for people: what a tariff holds, and what so many units would cost and why.
// Not for the path of requests: these allocate as they like. Threads: no shared state.
#pragma once

#include "tariffs/tariff.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace farthing::tariffs {

// A number of units with their unit: "100 MiB", "1 h", "3 events", "0.500000".
std::string units_text(Unit unit, std::uint64_t units);

// The bands of a price, with what is behind them: "0.300000 up to 1 GiB, then 0.100000"; and its
// cap: "60.000000 for each 1 GiB". "" where it has none.
std::string bands_text(const PriceTerms& terms);
std::string cap_text(const PriceTerms& terms);

// The whole tariff, one fact a line.
std::string describe_tariff(const Tariff& tariff);

// What units of one service and rating group cost on their own: no allowance, nothing used before.
struct PriceBreakdown {
  const Rule* rule = nullptr;  // of the tariff
  Unit unit = Unit::octets;
  std::uint64_t units = 0;       // as asked
  std::uint64_t chargeable = 0;  // at least the minimum, in whole steps
  Money price;                   // of the chargeable units
  Money setup;                   // with the first unit
  Money total;
};

enum class PriceError : std::uint8_t {
  unknown_service,  // no service for the context, or neither a rule for the group nor a default
  no_price,         // the rule says "price: none"
  too_large,        // the price leaves the range of money
};

base::Result<PriceBreakdown, PriceError> price_units(const Tariff& tariff,
                                                     std::string_view service_context,
                                                     std::optional<RatingGroup> rating_group,
                                                     std::uint64_t units);

std::string_view price_error_text(PriceError error);

// Step by step, one a line; `tariff` is the one that the breakdown was made from.
std::string describe_price(const Tariff& tariff, const PriceBreakdown& breakdown);

}  // namespace farthing::tariffs
