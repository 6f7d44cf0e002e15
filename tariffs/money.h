// Money: an exact amount in millionths of the account's currency unit ("micros").
//
// Range: the whole of int64. Arithmetic that could leave it does not wrap: add and subtract return
// false instead, and callers say what that means to them. There is no floating point and no
// implicit conversion from or to integers; money is no octet count. Thread: a value, copy it
// freely.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace farthing::tariffs {

struct Money {
  std::int64_t micros = 0;

  static constexpr std::int64_t micros_per_unit = 1'000'000;

  constexpr Money() = default;
  constexpr explicit Money(std::int64_t micros_value) : micros(micros_value) {}

  // What a person writes: -?[0-9]+(\.[0-9]{1,6})? and within range; anything else is nullopt.
  static std::optional<Money> parse(std::string_view text);

  // Always with six places: "-12.345600".
  std::string to_string() const;

  friend constexpr auto operator<=>(const Money&, const Money&) = default;
};

// a + b and a - b; false, and the result untouched, where it would leave the range.
[[nodiscard]] constexpr bool add(Money a, Money b, Money& sum) {
  std::int64_t micros = 0;
  if (__builtin_add_overflow(a.micros, b.micros, &micros)) return false;
  sum = Money(micros);
  return true;
}
[[nodiscard]] constexpr bool subtract(Money a, Money b, Money& difference) {
  std::int64_t micros = 0;
  if (__builtin_sub_overflow(a.micros, b.micros, &micros)) return false;
  difference = Money(micros);
  return true;
}

}  // namespace farthing::tariffs
