#include "tariffs/tariff_values.h"

#include "engine/base/assert.h"
#include "tariffs/local_time.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <limits>
#include <string>
#include <vector>

namespace farthing::tariffs {
namespace {

using std::chrono::seconds;

constexpr std::uint64_t octets_max = std::uint64_t{1} << 50;  // 1024 TiB
constexpr std::uint64_t events_max = 1'000'000'000;
constexpr seconds time_max{std::numeric_limits<std::uint32_t>::max() / 86400 * 86400};  // CC-Time

}  // namespace

const std::string_view money_form = "an amount such as 0.10, with at most 6 decimal places";

std::optional<Money> read_money(const YamlNode& node, FileErrors& errors) {
  const std::optional<std::string> text = read_text(node, errors, money_form);
  if (!text) return std::nullopt;
  const std::optional<Money> money = Money::parse(*text);
  if (!money) {
    errors.add(node.position, fmt::format("{} is no amount", in_quotes(*text)), money_form);
    return std::nullopt;
  }
  if (money->micros < 0) {
    errors.add(node.position, fmt::format("{} is negative", in_quotes(*text)), "0 or more");
    return std::nullopt;
  }
  return money;
}

std::optional<Percent> read_percent(const YamlNode& node, FileErrors& errors) {
  constexpr std::string_view form = "a percentage from 0 to 100, with at most 4 decimal places";
  const std::optional<std::string> text = read_text(node, errors, form);
  if (!text) return std::nullopt;
  const std::optional<Percent> percent = Percent::parse(*text);
  if (!percent) {
    errors.add(node.position, fmt::format("{} is no percentage", in_quotes(*text)), form);
  }
  return percent;
}

bool check_count(const YamlNode& node, FileErrors& errors, std::string_view what,
                 std::size_t lowest, std::size_t highest) {
  const std::size_t count = node.items.size() + node.entries.size();
  if (count >= lowest && count <= highest) return true;
  errors.add(node.position, fmt::format("there are {} {}", count, what),
             fmt::format("{} to {}", lowest, highest));
  return false;
}

std::optional<std::uint64_t> read_units(const YamlNode& node, FileErrors& errors, Unit unit,
                                        std::uint64_t lowest) {
  switch (unit) {
    case Unit::octets:
      return read_octets(node, errors, lowest, octets_max);
    case Unit::events:
      return read_integer(node, errors, lowest, events_max);
    case Unit::seconds: {
      const std::optional<seconds> time =
          read_duration(node, errors, seconds(static_cast<std::int64_t>(lowest)), time_max);
      if (!time) return std::nullopt;
      return static_cast<std::uint64_t>(time->count());
    }
    case Unit::money: {
      const std::optional<Money> money = read_money(node, errors);
      if (!money) return std::nullopt;
      const auto micros = static_cast<std::uint64_t>(money->micros);
      if (micros < lowest) {
        errors.add(node.position, fmt::format("{} is too little", in_quotes(node.text)),
                   "more than 0");
        return std::nullopt;
      }
      return micros;
    }
  }
  FARTHING_ASSERT(false);
  return std::nullopt;
}

std::optional<std::uint64_t> parse_units(std::string_view text, Unit unit, std::uint64_t lowest) {
  YamlNode node;
  node.kind = YamlNode::Kind::scalar;
  node.text = text;
  FileErrors errors("");
  const std::optional<std::uint64_t> read = read_units(node, errors, unit, lowest);
  return errors.empty() ? read : std::nullopt;
}

std::optional<base::Time> read_time(const YamlNode& node, FileErrors& errors,
                                    std::string_view zone) {
  constexpr std::string_view form =
      "YYYY-MM-DDTHH:MM:SS, a local time of the tariff's time zone from 2000 to 2199";
  const std::optional<std::string> text = read_text(node, errors, form);
  if (!text) return std::nullopt;
  const auto time = parse_local_time(zone, *text);
  if (time) return *time;
  const auto refuse = [&](std::string_view what, std::string_view expected) {
    errors.add(node.position, fmt::format("{} {}", in_quotes(*text), what), expected);
  };
  switch (time.error()) {
    case LocalTimeError::malformed:
      refuse("is no time", form);
      break;
    case LocalTimeError::skipped:
      refuse("does not exist, clocks are put forward over it", "a time before or after that hour");
      break;
    case LocalTimeError::repeated:
      refuse("comes twice, clocks are put back over it", "a time before or after that hour");
      break;
    case LocalTimeError::unknown_zone:
      break;  // The zone has its own error.
  }
  return std::nullopt;
}

std::optional<RatingGroup> read_group(const YamlNode& node, FileErrors& errors,
                                      const Service& service) {
  constexpr std::string_view form = "the number or the name of a rating group";
  const std::optional<std::string> text = read_text(node, errors, form);
  if (!text) return std::nullopt;
  const std::optional<Quantity> number = parse_quantity(*text);
  const auto& groups = service.rating_groups;
  for (const auto& [group, name] : groups) {
    const bool is_number = number && number->unit.empty() && number->number == group.value;
    if (is_number || *text == name) return group;
  }
  constexpr std::size_t shown_max = 10;
  std::vector<std::string_view> names;
  std::string declared;
  for (const auto& [group, name] : groups) {
    names.push_back(name);
    if (names.size() > shown_max) continue;
    declared += fmt::format("{} {} ({})", names.size() == 1 ? "" : ",", group.value, name);
  }
  if (names.size() > shown_max) declared += ", ...";
  if (names.empty()) declared = " none";
  errors.add(node.position,
             fmt::format("unknown rating group {}{}", in_quotes(*text), did_you_mean(*text, names)),
             fmt::format("one that service {} declares in rating_groups:{}",
                         in_quotes(service.name), declared));
  return std::nullopt;
}

}  // namespace farthing::tariffs
