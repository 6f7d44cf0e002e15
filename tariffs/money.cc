#include "tariffs/money.h"

#include <fmt/format.h>

namespace farthing::tariffs {

std::optional<Money> Money::parse(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty()) return std::nullopt;
  if (point != std::string_view::npos && (fraction.empty() || fraction.size() > 6)) {
    return std::nullopt;
  }

  // Counted down from zero, because int64 reaches one further below it than above.
  std::int64_t micros = 0;
  auto append_digit = [&micros](char digit) {
    return digit >= '0' && digit <= '9' && !__builtin_mul_overflow(micros, 10, &micros) &&
           !__builtin_sub_overflow(micros, digit - '0', &micros);
  };
  for (char digit : whole) {
    if (!append_digit(digit)) return std::nullopt;
  }
  for (std::size_t i = 0; i < 6; ++i) {
    if (!append_digit(i < fraction.size() ? fraction[i] : '0')) return std::nullopt;
  }
  if (!negative && __builtin_mul_overflow(micros, -1, &micros)) return std::nullopt;
  return Money(micros);
}

std::string Money::to_string() const {
  const bool negative = micros < 0;
  const std::uint64_t magnitude =
      negative ? 0 - static_cast<std::uint64_t>(micros) : static_cast<std::uint64_t>(micros);
  return fmt::format("{}{}.{:06}", negative ? "-" : "", magnitude / micros_per_unit,
                     magnitude % micros_per_unit);
}

}  // namespace farthing::tariffs
