// Prices as worksheets add them up: in micros that stay within the range of an account, whatever is
// asked for or reported.
//
// Threads: no shared state.
#pragma once

#include "engine/account.h"
#include "tariffs/price.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

namespace farthing::engine {

inline std::int64_t clamp_signed(std::uint64_t value) {
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(value, std::numeric_limits<std::int64_t>::max()));
}

// The price of so many whole steps; what would leave the range of an account is the end of the
// range.
inline std::int64_t price_micros(const tariffs::PriceTerms& terms, std::int64_t units) {
  const std::optional<Money> price = tariffs::price_of(terms, static_cast<std::uint64_t>(units));
  return price ? std::min(price->micros, account_money_max.micros) : account_money_max.micros;
}

// The most that any number of steps from one to another costs.
inline std::int64_t dearest_micros(const tariffs::PriceTerms& terms, std::int64_t from,
                                   std::int64_t to) {
  const Money dearest = tariffs::dearest_price(terms, static_cast<std::uint64_t>(from),
                                               static_cast<std::uint64_t>(to));
  return std::min(dearest.micros, account_money_max.micros);
}

inline std::int64_t setup_micros(const tariffs::PriceTerms& terms) {
  return std::min(terms.setup.micros, account_money_max.micros);
}

}  // namespace farthing::engine
