#include "tariffs/ceiling_file.h"

#include "tariffs/tariff_values.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string_view>

namespace farthing::tariffs {
namespace {

constexpr std::size_t ceilings_max = 64;
constexpr std::size_t notes_max = 16;

void read_notes(const YamlNode& node, CeilingRule& rule, FileErrors& errors) {
  if (!check_kind(node, YamlNode::Kind::sequence, errors, "a list of percentages") ||
      !check_count(node, errors, "percentages", 1, notes_max)) {
    return;
  }
  for (const YamlNode& item : node.items) {
    const std::optional<Percent> read = read_percent(item, errors);
    if (!read) continue;
    constexpr std::uint32_t one = Percent::whole / 100;
    const std::uint32_t percent = read->millionths / one;
    if (read->millionths % one != 0 || percent == 0 || percent >= 100) {
      errors.add(item.position, "it is no whole percentage below the ceiling itself",
                 "a value such as 80 %");
    } else if (!rule.notes.empty() && percent <= rule.notes.back()) {
      errors.add(item.position, "it is not above the one before", "rising percentages");
    } else {
      rule.notes.push_back(static_cast<std::uint8_t>(percent));
    }
  }
}

CeilingRule read_ceiling(const YamlEntry& entry, std::span<const PlacedCounter> counters,
                         FileErrors& errors) {
  CeilingRule rule;
  rule.name = entry.key;
  if (!is_name(entry.key)) {
    errors.add(entry.key_position, fmt::format("{} is no name", in_quotes(entry.key)), name_form);
  }
  YamlMap map(entry.value, fmt::format("ceiling {}", in_quotes(entry.key)), errors);
  std::optional<std::uint16_t> counter;
  if (const YamlNode* node = map.require("counter", "the name of a counter")) {
    counter = read_counter_name(*node, counters, errors);
  }
  if (counter) {
    rule.counter = *counter;
    rule.unit = counters[*counter].rule.unit;
  }
  if (const YamlNode* node = map.require("at", "the value at which it is reached");
      node != nullptr && counter) {
    rule.at = read_units(*node, errors, rule.unit, 1).value_or(1);
  }
  if (const YamlNode* node = map.find("lift")) {
    rule.may_be_lifted = read_boolean(*node, errors).value_or(false);
  }
  if (const YamlNode* node = map.find("lower")) {
    rule.may_be_lowered = read_boolean(*node, errors).value_or(false);
  }
  if (const YamlNode* node = map.find("notes")) read_notes(*node, rule, errors);
  map.finish();
  return rule;
}

const CeilingRule* find_ceiling(std::string_view name, FilePosition position,
                                std::span<const CeilingRule> ceilings, FileErrors& errors) {
  const auto found = std::ranges::find(ceilings, name, &CeilingRule::name);
  if (found != ceilings.end()) return &*found;
  std::vector<std::string_view> names;
  for (const CeilingRule& ceiling : ceilings) names.push_back(ceiling.name);
  errors.add(position,
             fmt::format("unknown ceiling {}{}", in_quotes(name), did_you_mean(name, names)),
             names.empty() ? std::string("ceilings: at the top of the tariff")
                           : fmt::format("one of {}", fmt::join(names, ", ")));
  return nullptr;
}

}  // namespace

std::vector<CeilingRule> read_ceilings(const YamlNode& node,
                                       std::span<const PlacedCounter> counters,
                                       FileErrors& errors) {
  std::vector<CeilingRule> ceilings;
  if (!check_kind(node, YamlNode::Kind::map, errors, "ceilings by name") ||
      !check_count(node, errors, "ceilings", 0, ceilings_max)) {
    return ceilings;
  }
  for (const YamlEntry& entry : node.entries) {
    ceilings.push_back(read_ceiling(entry, counters, errors));
  }
  return ceilings;
}

void read_beyond(YamlMap& price, std::size_t counters, std::span<const CeilingRule> ceilings,
                 Conditions& conditions, std::string& name, FileErrors& errors) {
  const YamlNode* const node = price.find("beyond");
  if (node == nullptr) return;
  const std::optional<std::string> read = read_text(*node, errors, "the name of a ceiling");
  if (!read) return;
  const CeilingRule* const ceiling = find_ceiling(*read, node->position, ceilings, errors);
  if (ceiling == nullptr) return;
  const auto index = static_cast<std::size_t>(ceiling - ceilings.data());
  conditions.counted.push_back(
      {.counter = static_cast<std::uint16_t>(counters + index), .from = 1});
  name += "/beyond " + ceiling->name;
}

std::vector<Raise> read_raises(YamlMap& offer, std::span<const CeilingRule> ceilings,
                               FileErrors& errors) {
  std::vector<Raise> raises;
  const YamlNode* const node = offer.find("raises");
  if (node == nullptr ||
      !check_kind(*node, YamlNode::Kind::map, errors, "amounts by the names of ceilings") ||
      !check_count(*node, errors, "ceilings", 1, ceilings_max)) {
    return raises;
  }
  for (const YamlEntry& entry : node->entries) {
    const CeilingRule* const ceiling =
        find_ceiling(entry.key, entry.key_position, ceilings, errors);
    if (ceiling == nullptr) continue;
    const std::optional<std::uint64_t> by = read_units(entry.value, errors, ceiling->unit, 1);
    if (by) raises.push_back({ceiling->name, *by});
  }
  return raises;
}

}  // namespace farthing::tariffs
