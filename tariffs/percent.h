// A share of an amount, exactly: discounts and rates of tax. Values; threads: no shared state.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace farthing::tariffs {

struct Percent {
  static constexpr std::uint32_t whole = 1'000'000;

  std::uint32_t millionths = 0;  // of the whole: 20 % are 200,000; at most `whole`

  // "20", "12.5 %": 0 to 100, with at most four decimal places; anything else is nullopt.
  static std::optional<Percent> parse(std::string_view text);
  std::string to_string() const;  // "12.5"

  friend constexpr auto operator<=>(const Percent&, const Percent&) = default;
};

}  // namespace farthing::tariffs
