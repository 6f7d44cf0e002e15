#include "tariffs/adjustment_file.h"

#include "tariffs/tariff_values.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace farthing::tariffs {
namespace {

constexpr std::size_t adjustments_max = 256;  // of each kind
constexpr std::string_view per_session = "session";

class Reader {
 public:
  Reader(const TariffTables& tables, const std::vector<PlacedCounter>& counters,
         std::span<const CeilingRule> ceilings, FileErrors& errors)
      : tables_(tables), counters_(counters), ceilings_(ceilings), errors_(errors) {}

  PlacedAdjustment read(const YamlEntry& entry, bool is_discount) {
    PlacedAdjustment placed;
    placed.position = entry.key_position;
    Adjustment& made = placed.adjustment;
    made.is_discount = is_discount;
    made.name = entry.key;
    made.line = entry.key_position.line;
    if (!is_name(entry.key)) {
      errors_.add(entry.key_position, fmt::format("{} is no name", in_quotes(entry.key)),
                  name_form);
    }
    YamlMap map(entry.value,
                fmt::format("{} {}", is_discount ? "discount" : "surcharge", in_quotes(entry.key)),
                errors_);
    if (is_discount) read_percent(map, made);
    if (!made.percent) read_amount(map, placed);
    made.conditions = tables_.read_conditions(map, made.conditions_text);
    read_counted(map, counters_, made.conditions, made.conditions_text, errors_);
    read_beyond(map, counters_.size(), ceilings_, made.conditions, made.conditions_text, errors_);
    placed.covers = map.find("covers");
    if (placed.covers != nullptr && !check_kind(*placed.covers, YamlNode::Kind::sequence, errors_,
                                                "a list of what it covers")) {
      placed.covers = nullptr;
    }
    map.finish();
    return placed;
  }

 private:
  void read_percent(YamlMap& map, Adjustment& made) {
    const YamlNode* const setup = map.find("setup");
    const YamlNode* const percent = map.find("percent");
    if (percent == nullptr) {
      if (setup != nullptr) {
        errors_.add(map.key_position("setup"), "a set-up charge is taken off by percent only",
                    "percent, or no such key");
      }
      return;
    }
    const std::optional<Percent> read = tariffs::read_percent(*percent, errors_);
    if (read == Percent{}) refuse_nothing(*percent);
    made.percent = read.value_or(Percent{});
    if (setup != nullptr) made.is_of_setup = read_boolean(*setup, errors_).value_or(false);
    for (const std::string_view key : {"amount", "per"}) {
      if (map.find(key) == nullptr) continue;
      errors_.add(map.key_position(key), fmt::format("the key {} beside percent", in_quotes(key)),
                  "either percent, or amount and per");
    }
  }

  void read_amount(YamlMap& map, PlacedAdjustment& placed) {
    const std::string_view expected =
        placed.adjustment.is_discount ? "percent, or an amount and per" : money_form;
    if (const YamlNode* amount = map.require("amount", expected)) {
      const std::optional<Money> read = read_money(*amount, errors_);
      if (read == Money()) refuse_nothing(*amount);
      placed.adjustment.amount = read.value_or(Money());
    }
    placed.per = map.find("per");
    if (placed.per == nullptr && map.find("amount") != nullptr) {
      map.require("per", placed.adjustment.is_discount
                             ? "the number of units that the amount is for"
                             : "the number of units that the amount is for, or session");
    }
  }

  void refuse_nothing(const YamlNode& node) {
    errors_.add(node.position, "it changes nothing", "more than 0");
  }

  const TariffTables& tables_;
  const std::vector<PlacedCounter>& counters_;
  const std::span<const CeilingRule> ceilings_;
  FileErrors& errors_;
};

}  // namespace

std::vector<PlacedAdjustment> read_adjustments(YamlMap& file, const TariffTables& tables,
                                               const std::vector<PlacedCounter>& counters,
                                               std::span<const CeilingRule> ceilings,
                                               FileErrors& errors) {
  std::vector<PlacedAdjustment> adjustments;
  Reader reader(tables, counters, ceilings, errors);
  for (const std::string_view key : {"discounts", "surcharges"}) {
    const YamlNode* const node = file.find(key);
    if (node == nullptr ||
        !check_kind(*node, YamlNode::Kind::map, errors, fmt::format("{} by name", key)) ||
        !check_count(*node, errors, key, 0, adjustments_max)) {
      continue;
    }
    for (const YamlEntry& entry : node->entries) {
      adjustments.push_back(reader.read(entry, key == "discounts"));
    }
  }
  return adjustments;
}

Combine read_combine(YamlMap& file, std::span<const PlacedAdjustment> adjustments,
                     FileErrors& errors) {
  constexpr Combine choices[] = {Combine::stack, Combine::best};
  const YamlNode* node = file.find("combine");
  const auto discounts = std::ranges::count_if(
      adjustments, [](const PlacedAdjustment& placed) { return placed.adjustment.is_discount; });
  if (node == nullptr && discounts > 1) {
    node = file.require("combine",
                        "best (of several discounts the one that takes most off) or stack (each "
                        "off what those before it have left)");
  }
  if (node == nullptr) return Combine::stack;
  return choices[read_choice(*node, errors, {combine_name(choices[0]), combine_name(choices[1])})
                     .value_or(0)];
}

void read_block(PlacedAdjustment& placed, std::span<const PlacedService> services,
                FileErrors& errors) {
  Adjustment& made = placed.adjustment;
  if (placed.per == nullptr || (placed.covers != nullptr && made.coverage.empty())) return;
  if (!made.is_discount && placed.per->text == per_session) return;
  const PlacedService* first = nullptr;
  for (const PlacedService& service : services) {
    const auto is_of_it = [&service](const Coverage& coverage) {
      return coverage.service == service.service.key;
    };
    if (!service.has_unit ||
        (!made.coverage.empty() && std::ranges::none_of(made.coverage, is_of_it))) {
      continue;
    }
    if (first == nullptr) first = &service;
    if (service.service.unit == first->service.unit) continue;
    errors.add(placed.per->position,
               fmt::format("it covers service {}, counted in {}, and service {}, counted in {}",
                           in_quotes(first->service.name), unit_name(first->service.unit),
                           in_quotes(service.service.name), unit_name(service.service.unit)),
               "covers: services that are counted in one unit");
    return;
  }
  if (first == nullptr) return;  // what it covers has errors of its own
  made.unit = first->service.unit;
  made.block = read_units(*placed.per, errors, made.unit, 1).value_or(1);
}

}  // namespace farthing::tariffs
