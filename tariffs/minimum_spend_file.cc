#include "tariffs/minimum_spend_file.h"

#include "tariffs/tariff_values.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

namespace farthing::tariffs {
namespace {

constexpr Money amount_max{1'000'000'000'000'000};

// Whether the counter begins anew with each of the offer's periods. Days are no such periods: a
// counter is there until the second day after its own, and usage may come late that long.
bool goes_with(const CounterRule& counter, const Renewal& renewal) {
  if (!renewal.is_calendar || renewal.period.count != 1) return false;
  return (counter.period == Period::month && renewal.period.unit == PeriodUnit::month) ||
         (counter.period == Period::week && renewal.period.unit == PeriodUnit::week);
}

}  // namespace

std::optional<MinimumSpend> read_minimum_spend(YamlMap& offer,
                                               const std::optional<Renewal>& renewal,
                                               std::span<const PlacedCounter> counters,
                                               FileErrors& errors) {
  const YamlNode* const node = offer.find("minimum_spend");
  if (node == nullptr) return std::nullopt;
  YamlMap map(*node, "the minimum spend", errors);
  const YamlNode* const amount = map.require("amount", "what is spent at least");
  const YamlNode* const by = map.require("counter", "the name of a counter of money");
  map.finish();
  if (amount == nullptr || by == nullptr) return std::nullopt;
  const std::optional<Money> read = read_money(*amount, errors);
  const std::optional<std::uint16_t> counter = read_counter_name(*by, counters, errors);
  if (read && read->micros == 0) {
    errors.add(amount->position, "nothing is no minimum", "more than 0");
  } else if (read && *read > amount_max) {
    errors.add(amount->position, fmt::format("{} is too much", in_quotes(amount->text)),
               "at most 1000000000");
  }
  if (!read || !counter) return std::nullopt;
  const CounterRule& rule = counters[*counter].rule;
  if (rule.unit != Unit::money) {
    errors.add(by->position, fmt::format("counter {} counts no money", in_quotes(rule.name)),
               "a counter with unit: money");
  } else if (!renewal) {
    errors.add(offer.key_position("minimum_spend"), "it is of each period, and there is none",
               "a period beside it");
  } else if (!goes_with(rule, *renewal)) {
    errors.add(by->position,
               fmt::format("counter {} does not begin anew with each period of the offer",
                           in_quotes(rule.name)),
               "period: month (or week) and begins: calendar, and a counter of the same period");
  }
  return MinimumSpend{*read, *counter};
}

}  // namespace farthing::tariffs
