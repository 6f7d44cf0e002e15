#include "tariffs/counter.h"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::tariffs {

bool CounterRule::may_count(ServiceKey service, const std::optional<RatingGroup>& group) const {
  return coverage.empty() || std::ranges::any_of(coverage, [&](const Coverage& covered) {
           return covered.is_of(service, group);
         });
}

bool CounterRule::counts(ServiceKey service, const std::optional<RatingGroup>& group,
                         const Situations& holding) const {
  return coverage.empty() || std::ranges::any_of(coverage, [&](const Coverage& covered) {
           return covered.covers(service, group, holding);
         });
}

CounterKey counter_key(const CounterRule& rule) {
  const std::string text =
      fmt::format("{}|{}|{}|{}|{}", rule.name, static_cast<unsigned>(rule.unit),
                  static_cast<unsigned>(rule.period), rule.is_paid, rule.is_shared);
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return CounterKey(hash);
}

}  // namespace farthing::tariffs
