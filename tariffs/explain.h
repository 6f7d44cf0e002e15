// Tariffs in words, for people: what a tariff holds, and what so many units would cost and why.
// Not for the path of requests: these allocate as they like. Threads: no shared state.
#pragma once

#include "tariffs/tariff.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farthing::tariffs {

// A number of units with their unit: "100 MiB", "1 h", "3 events", "0.500000".
std::string units_text(Unit unit, std::uint64_t units);

// The bands of a price, with what is behind them: "0.300000 up to 1 GiB, then 0.100000"; and its
// cap: "60.000000 for each 1 GiB". "" where it has none.
std::string bands_text(const PriceTerms& terms);
std::string cap_text(const PriceTerms& terms);

// What bands and caps make of the units from one place of a price to another, one a line: "in
// bands: 1 GiB at 0.300000, 5 MiB at 0.100000"; "" for a straight line.
std::string shape_text(const PriceTerms& terms, std::uint64_t from, std::uint64_t to);

// What a price says in all: "0.100000 CNY per 1 MiB, in steps of 1 KiB, rounded up".
std::string terms_text(const PriceTerms& terms, std::string_view currency);

// "rule voice/* of tariff demo (line 31): ..." with what the terms say.
std::string rule_text(const Tariff& tariff, const Rule& rule, const PriceTerms& terms);

// Why a rule won: "4930 is in zone eu, and 2026-06-01T21:00:00 is night in calendar week". Of what
// does not hold by these facts, as units are of the rule under which they were granted, the
// condition is said.
std::string reasons_text(const Tariff& tariff, const Rule& rule, const Facts& facts);

// "used 100 MiB", and for how much of it is charged.
std::string usage_text(Unit unit, std::uint64_t units, std::uint64_t chargeable);
// What those cost that were priced, from one place of the price to another; set-up aside.
std::string amount_text(const PriceTerms& terms, std::uint64_t from, std::uint64_t to, Money price,
                        Money setup);

// What one rule prices of some usage.
struct PricePiece {
  const Rule* rule = nullptr;                                     // of the tariff
  std::vector<std::pair<base::Time, base::Time>> stretches = {};  // of usage of time: when it won
  std::uint64_t units = 0;                                        // as asked
  std::uint64_t chargeable = 0;  // at least the minimum, in whole steps
  Money price = {};              // of the chargeable units
  Money setup = {};              // with the first unit of all
  Money total = {};
  std::uint64_t counted_before = 0;  // of a price that goes by a counter: where it began there
};

// What units of one service and rating group cost on their own: no allowance, nothing used before
// but what facts.counted says. Usage of time begins at facts.time; usage is split where another
// rule wins, as a session's is.
struct PriceBreakdown {
  Unit unit = Unit::octets;
  std::uint64_t units = 0;
  std::uint64_t chargeable = 0;         // all pieces together
  std::vector<PricePiece> pieces = {};  // by rule, in the order in which they won; at least one
  Facts facts = {};
  Money total = {};
};

struct PriceFailure {
  enum class Reason : std::uint8_t {
    unknown_service,  // no service for the context, or neither a rule for the group nor a default
    no_price,         // the rule says "price: none"
    too_large,        // the price leaves the range of money
  };

  Reason reason;
  const Rule* rule = nullptr;  // that won, where one did
  Facts facts = {};            // for which it did
};

// The texts that the facts view must outlive the breakdown.
base::Result<PriceBreakdown, PriceFailure> price_units(const Tariff& tariff,
                                                       std::string_view service_context,
                                                       std::optional<RatingGroup> rating_group,
                                                       std::uint64_t units, const Facts& facts);

// "rule voice/*/eu (line 31) says that there is none, because 4930 is in zone eu".
std::string price_failure_text(const Tariff& tariff, const PriceFailure& failure);

// Step by step, one a line; `tariff` is the one that the breakdown was made from.
std::string describe_price(const Tariff& tariff, const PriceBreakdown& breakdown);

}  // namespace farthing::tariffs
