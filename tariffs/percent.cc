#include "tariffs/percent.h"

#include "tariffs/money.h"

#include <fmt/format.h>

namespace farthing::tariffs {
namespace {

constexpr std::int64_t micros_per_millionth = 100;  // of "1": one percent

}  // namespace

std::optional<Percent> Percent::parse(std::string_view text) {
  if (text.ends_with('%')) {
    text.remove_suffix(1);
    if (text.ends_with(' ')) text.remove_suffix(1);
  }
  const std::optional<Money> number = Money::parse(text);
  if (!number || text.starts_with('-') || number->micros % micros_per_millionth != 0) {
    return std::nullopt;
  }
  const std::int64_t millionths = number->micros / micros_per_millionth;
  if (millionths > whole) return std::nullopt;
  return Percent{static_cast<std::uint32_t>(millionths)};
}

std::string Percent::to_string() const {
  constexpr std::uint32_t percent = whole / 100;
  std::string text = fmt::format("{}.{:04}", millionths / percent, millionths % percent);
  text.resize(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace farthing::tariffs
