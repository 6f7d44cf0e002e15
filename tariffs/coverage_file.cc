#include "tariffs/coverage_file.h"

#include "tariffs/situation_file.h"
#include "tariffs/tariff_values.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::tariffs {
namespace {

bool overlaps(const Coverage& a, const Coverage& b) {
  return a.service == b.service &&
         (!a.rating_group || !b.rating_group || a.rating_group == b.rating_group) &&
         (a.situation.value == 0 || b.situation.value == 0 || a.situation == b.situation);
}

void check_coverage(const Coverage& coverage, FilePosition position, const PlacedService& placed,
                    const std::vector<PlacedCoverage>& others, FileErrors& errors) {
  if (std::ranges::any_of(others, [&](const PlacedCoverage& other) {
        return overlaps(other.coverage, coverage);
      })) {
    errors.add(position, "this is covered already", "each service and rating group once");
    return;
  }
  if (!coverage.rating_group) return;
  const Rule* unpriced = nullptr;
  for (const PlacedRule& rule : placed.rules) {
    if (rule.rule.rating_group != coverage.rating_group) continue;
    if (rule.rule.terms) return;
    unpriced = &rule.rule;
  }
  if (unpriced == nullptr || !unpriced->conditions.are_none() || !placed.is_complete) return;
  errors.add(position,
             fmt::format("{} is never served (\"price: none\")", in_quotes(unpriced->name)),
             "a rating group that has a price");
}

}  // namespace

const PlacedService* read_coverage(const YamlNode& node, const Coverable& known,
                                   std::optional<Coverage>& coverage, FileErrors& errors) {
  YamlMap map(node, "what is covered", errors);
  const YamlNode* service_node = map.require("service", "the name of a service");
  const YamlNode* group_node = map.find("rating_group");
  const YamlNode* when_node = map.find("when");
  map.finish();
  if (service_node == nullptr) return nullptr;
  const std::optional<std::string> name = read_text(*service_node, errors, "the name of a service");
  if (!name) return nullptr;

  std::vector<std::string_view> names;
  for (const PlacedService& placed : known.services) {
    names.push_back(placed.service.name);
    if (placed.service.name != *name) continue;
    Coverage read{placed.service.key, {}, {}};
    if (group_node != nullptr) {
      read.rating_group = read_group(*group_node, errors, placed.service);
      if (!read.rating_group) return &placed;
    }
    if (when_node != nullptr) {
      const auto situation = read_situation(*when_node, known.situations, errors);
      if (!situation) return &placed;
      read.situation = *situation;
    }
    coverage = read;
    return &placed;
  }
  errors.add(service_node->position,
             fmt::format("unknown service {}{}", in_quotes(*name), did_you_mean(*name, names)),
             fmt::format("one of {}", fmt::join(names, ", ")));
  return nullptr;
}

const PlacedService* read_covers(const YamlNode& node, const Coverable& known, bool one_unit,
                                 std::vector<PlacedCoverage>& coverage, FileErrors& errors) {
  const PlacedService* first = nullptr;
  if (!check_kind(node, YamlNode::Kind::sequence, errors, "a list of what it covers") ||
      !check_count(node, errors, "things covered", 1, covers_max)) {
    return nullptr;
  }
  for (const YamlNode& item : node.items) {
    std::optional<Coverage> read;
    const PlacedService* const service = read_coverage(item, known, read, errors);
    if (read) {
      check_coverage(*read, item.position, *service, coverage, errors);
      coverage.push_back({*read, item.position});
    }
    if (service == nullptr || !service->has_unit) continue;
    if (first == nullptr) first = service;
    if (!one_unit || service->service.unit == first->service.unit) continue;
    errors.add(item.position,
               fmt::format("service {} is counted in {}", in_quotes(service->service.name),
                           unit_name(service->service.unit)),
               fmt::format("services counted in {}", unit_name(first->service.unit)));
  }
  return first;
}

}  // namespace farthing::tariffs
