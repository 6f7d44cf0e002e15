#include "tariffs/situation_file.h"

#include "tariffs/tariff_values.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <string_view>
#include <utility>

namespace farthing::tariffs {
namespace {

constexpr std::size_t situations_max = 64;

}  // namespace

std::vector<PlacedSituation> read_situations(const YamlNode& node, const TariffTables& tables,
                                             FileErrors& errors) {
  std::vector<PlacedSituation> situations;
  if (!check_kind(node, YamlNode::Kind::map, errors, "situations by name") ||
      !check_count(node, errors, "situations", 0, situations_max)) {
    return situations;
  }
  for (const YamlEntry& entry : node.entries) {
    if (!is_name(entry.key)) {
      errors.add(entry.key_position, fmt::format("{} is no name", in_quotes(entry.key)), name_form);
    }
    PlacedSituation placed;
    placed.position = entry.key_position;
    Situation& made = placed.situation;
    made.name = entry.key;
    made.key = situation_key(entry.key);
    made.line = entry.key_position.line;
    YamlMap map(entry.value, fmt::format("situation {}", in_quotes(entry.key)), errors);
    const std::size_t errors_before = errors.count();
    made.conditions = tables.read_conditions(map, made.conditions_text);
    map.finish();
    if (made.conditions.are_none() && errors.count() == errors_before) {
      errors.add(entry.key_position, fmt::format("situation {} holds always", in_quotes(entry.key)),
                 "conditions such as time: night");
    }
    for (const PlacedSituation& other : situations) {
      if (other.situation.key != made.key) continue;
      errors.add(entry.key_position,
                 fmt::format("the situation names {} and {} have the same key in the ledger",
                             in_quotes(entry.key), in_quotes(other.situation.name)),
                 "another name");
    }
    situations.push_back(std::move(placed));
  }
  return situations;
}

std::optional<SituationKey> read_situation(const YamlNode& node,
                                           std::span<const PlacedSituation> situations,
                                           FileErrors& errors) {
  const std::optional<std::string> name = read_text(node, errors, "the name of a situation");
  if (!name) return std::nullopt;
  std::vector<std::string_view> names;
  for (const PlacedSituation& placed : situations) {
    if (placed.situation.name == *name) return placed.situation.key;
    names.push_back(placed.situation.name);
  }
  errors.add(node.position,
             fmt::format("unknown situation {}{}", in_quotes(*name), did_you_mean(*name, names)),
             names.empty() ? std::string("situations: at the top of the tariff")
                           : fmt::format("one of {}", fmt::join(names, ", ")));
  return std::nullopt;
}

}  // namespace farthing::tariffs
