#include "tariffs/grant_file.h"

#include "tariffs/tariff_values.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace farthing::tariffs {
namespace {

using std::chrono::seconds;

constexpr seconds grant_validity_max{7 * 86400};

void check_grant(const YamlMap& grant, const QuotaRule& quota, const PlacedService& placed,
                 FileErrors& errors) {
  if (quota.standard > quota.maximum) {
    errors.add(grant.key_position("standard"), "the standard grant is above the maximum",
               "minimum <= standard <= maximum");
  }
  if (quota.minimum > quota.standard) {
    errors.add(grant.key_position("minimum"), "the minimum grant is above the standard one",
               "minimum <= standard <= maximum");
  }
  for (const PlacedRule& rule : placed.rules) {
    if (!rule.rule.terms) continue;
    const PriceTerms& terms = *rule.rule.terms;
    if (terms.step > quota.minimum) {
      errors.add(
          grant.key_position("minimum"),
          fmt::format("the minimum grant is smaller than a step of {}", in_quotes(rule.rule.name)),
          "a grant of at least one step, since a whole one is charged");
    }
  }
}

}  // namespace

void read_grant(YamlMap& service, PlacedService& placed, FileErrors& errors) {
  const YamlNode* node = service.require("grant", "the sizes of grants");
  if (node == nullptr) return;
  const Unit unit = placed.service.unit;
  const std::size_t errors_before = errors.count();
  YamlMap grant(*node, fmt::format("the grant of service {}", in_quotes(placed.service.name)),
                errors);
  QuotaRule quota;
  const auto read = [&](const YamlNode* size, std::uint64_t otherwise) {
    if (size == nullptr) return otherwise;
    return read_units(*size, errors, unit, 1).value_or(otherwise);
  };
  for (const PlacedRule& rule : placed.rules) {
    if (rule.rule.terms) quota.minimum = std::max(quota.minimum, rule.rule.terms->step);
  }
  quota.maximum = read(grant.require("maximum", "the most that is granted at once"), 0);
  quota.standard = read(grant.find("standard"), quota.maximum);
  quota.minimum = read(grant.find("minimum"), quota.minimum);
  if (const YamlNode* validity = grant.find("validity")) {
    quota.validity =
        read_duration(*validity, errors, seconds(1), grant_validity_max).value_or(quota.validity);
  }
  grant.finish();
  if (errors.count() != errors_before) return;
  check_grant(grant, quota, placed, errors);
  for (PlacedRule& rule : placed.rules) {
    rule.rule.quota = quota;
    check_largest_grant(rule.rule, rule.position, errors);
  }
}

void check_largest_grant(const Rule& rule, FilePosition position, FileErrors& errors) {
  if (!rule.terms) return;
  const PriceTerms& terms = *rule.terms;
  const std::optional<Money> price = price_of(terms, chargeable_units(terms, rule.quota.maximum));
  Money total;
  if (price && add(*price, terms.setup, total)) return;
  errors.add(position,
             fmt::format("the price of the largest grant of {} is beyond what can be counted",
                         in_quotes(rule.name)),
             "a lower amount or a smaller maximum");
}

}  // namespace farthing::tariffs
