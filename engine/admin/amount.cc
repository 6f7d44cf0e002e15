#include "engine/admin/amount.h"

#include "tariffs/file_error.h"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::engine::admin {

namespace {

constexpr std::size_t places_max = 6;

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

base::Result<tariffs::Money, std::string> parse_amount(std::string_view text) {
  if (const auto amount = tariffs::Money::parse(text)) return *amount;
  const std::string quoted = tariffs::in_quotes(text);
  std::string_view digits = text;
  if (digits.starts_with('-')) digits.remove_prefix(1);
  const std::size_t point = digits.find('.');
  const std::string_view whole = digits.substr(0, point);
  const std::string_view places =
      point == std::string_view::npos ? std::string_view() : digits.substr(point + 1);
  if (is_digits(whole) && is_digits(places) && places.size() > places_max) {
    return fmt::format("{} has too many digits after the point: at most {}", quoted, places_max);
  }
  if (is_digits(whole) && (point == std::string_view::npos || is_digits(places))) {
    return fmt::format("{} is too large an amount", quoted);
  }
  return fmt::format("{} is no amount: digits, and at most {} more after a point, such as 12.50",
                     quoted, places_max);
}

std::string amount_text(base::Int128 micros) {
  const base::Int128 size = micros < 0 ? -micros : micros;
  return fmt::format("{}{}.{:06}", micros < 0 ? "-" : "",
                     static_cast<base::Uint128>(size / tariffs::Money::micros_per_unit),
                     static_cast<std::uint32_t>(size % tariffs::Money::micros_per_unit));
}

}  // namespace farthing::engine::admin
