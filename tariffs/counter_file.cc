#include "tariffs/counter_file.h"

#include "tariffs/explain.h"
#include "tariffs/tariff_values.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace farthing::tariffs {
namespace {

constexpr std::size_t counters_max = 64;  // an account may have two of each
constexpr std::size_t thresholds_max = 16;
constexpr std::string_view covers_form = "a list of what it counts";

std::vector<std::string_view> names_of(std::span<const PlacedCounter> counters) {
  std::vector<std::string_view> names;
  for (const PlacedCounter& counter : counters) names.push_back(counter.rule.name);
  return names;
}

std::optional<std::uint16_t> find_counter(std::string_view name, FilePosition position,
                                          std::span<const PlacedCounter> counters,
                                          FileErrors& errors) {
  const auto found = std::ranges::find(
      counters, name, [](const PlacedCounter& counter) { return counter.rule.name; });
  if (found != counters.end()) return static_cast<std::uint16_t>(found - counters.begin());
  const std::vector<std::string_view> names = names_of(counters);
  errors.add(position,
             fmt::format("unknown counter {}{}", in_quotes(name), did_you_mean(name, names)),
             names.empty() ? std::string("counters: at the top of the tariff")
                           : fmt::format("one of {}", fmt::join(names, ", ")));
  return std::nullopt;
}

void read_thresholds(const YamlNode& node, CounterRule& rule, FileErrors& errors) {
  if (!check_kind(node, YamlNode::Kind::sequence, errors, "a list of values") ||
      !check_count(node, errors, "thresholds", 1, thresholds_max)) {
    return;
  }
  for (const YamlNode& item : node.items) {
    const std::optional<std::uint64_t> value = read_units(item, errors, rule.unit, 1);
    if (!value) continue;
    if (!rule.thresholds.empty() && *value <= rule.thresholds.back()) {
      errors.add(item.position, "it is not above the one before", "rising thresholds");
    }
    rule.thresholds.push_back(*value);
  }
}

PlacedCounter read_counter(const YamlEntry& entry, FileErrors& errors) {
  PlacedCounter placed;
  placed.position = entry.key_position;
  CounterRule& rule = placed.rule;
  rule.name = entry.key;
  if (!is_name(entry.key)) {
    errors.add(entry.key_position, fmt::format("{} is no name", in_quotes(entry.key)), name_form);
  }
  YamlMap map(entry.value, fmt::format("counter {}", in_quotes(entry.key)), errors);
  constexpr Unit units[] = {Unit::octets, Unit::seconds, Unit::events, Unit::money};
  std::vector<std::string_view> unit_names;
  for (Unit unit : units) unit_names.push_back(unit_name(unit));
  std::optional<std::size_t> unit;
  if (const YamlNode* node = map.require("unit", "octets, seconds, events or money")) {
    unit = read_choice(*node, errors, unit_names);
  }
  rule.unit = units[unit.value_or(0)];
  if (const YamlNode* node = map.require("period", "day, week, month or billing_month")) {
    constexpr Period periods[] = {Period::day, Period::week, Period::month, Period::billing_month};
    std::vector<std::string_view> names;
    for (Period period : periods) names.push_back(period_name(period));
    rule.period = periods[read_choice(*node, errors, names).value_or(0)];
  }
  if (const YamlNode* node = map.find("paid")) {
    rule.is_paid = read_boolean(*node, errors).value_or(false);
    if (unit && rule.unit == Unit::money) {
      errors.add(map.key_position("paid"), "money is always paid", "a counter of units");
    }
  }
  if (const YamlNode* node = map.find("shared")) {
    rule.is_shared = read_boolean(*node, errors).value_or(false);
  }
  if (const YamlNode* node = map.find("thresholds"); node != nullptr && unit) {
    read_thresholds(*node, rule, errors);
  }
  placed.covers = map.find("covers");
  if (placed.covers == nullptr && unit && rule.unit != Unit::money) {
    map.require("covers", covers_form);
  }
  if (placed.covers != nullptr &&
      !check_kind(*placed.covers, YamlNode::Kind::sequence, errors, covers_form)) {
    placed.covers = nullptr;
  }
  map.finish();
  rule.key = counter_key(rule);
  return placed;
}

void read_range(const YamlEntry& entry, const std::vector<PlacedCounter>& counters,
                Conditions& conditions, std::string& name, FileErrors& errors) {
  YamlMap map(entry.value, fmt::format("the range of counter {}", in_quotes(entry.key)), errors);
  const YamlNode* const from = map.find("from");
  const YamlNode* const below = map.find("below");
  map.finish();
  const auto counter = find_counter(entry.key, entry.key_position, counters, errors);
  if (!counter) return;
  const Unit unit = counters[*counter].rule.unit;
  Counted counted{.counter = *counter};
  if (from == nullptr && below == nullptr) {
    errors.add(entry.key_position, "the range has no end", "from, below, or both");
  }
  name += "/" + entry.key;
  if (from != nullptr) {
    counted.from = read_units(*from, errors, unit, 1).value_or(0);
    name += fmt::format(">={}", units_text(unit, counted.from));
  }
  if (below != nullptr) {
    counted.below = read_units(*below, errors, unit, 1).value_or(counted.below);
    name += fmt::format("<{}", units_text(unit, counted.below));
  }
  if (counted.below <= counted.from) {
    errors.add(below != nullptr ? below->position : entry.key_position,
               "the range ends before it begins", "more than its \"from\"");
  }
  conditions.counted.push_back(counted);
}

}  // namespace

std::vector<PlacedCounter> read_counters(const YamlNode& node, FileErrors& errors) {
  std::vector<PlacedCounter> counters;
  if (!check_kind(node, YamlNode::Kind::map, errors, "counters by name") ||
      !check_count(node, errors, "counters", 0, counters_max)) {
    return counters;
  }
  for (const YamlEntry& entry : node.entries) counters.push_back(read_counter(entry, errors));
  return counters;
}

std::optional<std::uint16_t> read_counter_name(const YamlNode& node,
                                               std::span<const PlacedCounter> counters,
                                               FileErrors& errors) {
  const std::optional<std::string> name = read_text(node, errors, "the name of a counter");
  if (!name) return std::nullopt;
  return find_counter(*name, node.position, counters, errors);
}

void read_counted(YamlMap& price, const std::vector<PlacedCounter>& counters,
                  Conditions& conditions, std::string& name, FileErrors& errors) {
  const YamlNode* const node = price.find("counted");
  if (node == nullptr ||
      !check_kind(*node, YamlNode::Kind::map, errors, "ranges by the names of counters") ||
      !check_count(*node, errors, "counters", 1, counters_max)) {
    return;
  }
  for (const YamlEntry& entry : node->entries) {
    read_range(entry, counters, conditions, name, errors);
  }
}

}  // namespace farthing::tariffs
