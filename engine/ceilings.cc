#include "engine/ceilings.h"

#include "engine/base/saturating.h"

#include <algorithm>
#include <utility>

namespace farthing::engine {

namespace {

const OwnCeiling* find(std::span<const OwnCeiling> ceilings, SubscriberNumber owner,
                       const tariffs::CeilingRule& rule) {
  const auto found = std::ranges::find_if(ceilings, [&](const OwnCeiling& one) {
    return one.owner == owner && one.unit == rule.unit && one.name == rule.name;
  });
  return found == ceilings.end() ? nullptr : &*found;
}

bool holds_at(const CeilingPeriod& period, Time time) {
  return period.span.from <= time && time < period.span.to;
}

}  // namespace

CeilingPeriod period_at(const OwnCeiling& own, Time time) {
  for (const CeilingPeriod& period : own.periods) {
    if (holds_at(period, time)) return period;
  }
  return {};
}

std::optional<std::uint64_t> ceiling_of(const Account& account, SubscriberNumber owner,
                                        const tariffs::CeilingRule& rule, Time time) {
  const OwnCeiling* const own = find(account.ceilings, owner, rule);
  if (own == nullptr) return rule.at;
  const CeilingPeriod period = period_at(*own, time);
  if (period.is_lifted) return std::nullopt;
  return base::saturating_add(std::min(rule.at, own->lowered.value_or(rule.at)), period.raised);
}

SubscriberNumber owner_of(const tariffs::Tariff& tariff, const tariffs::CeilingRule& rule,
                          SubscriberNumber subscriber) {
  return tariff.counters()[rule.counter].is_shared ? SubscriberNumber() : subscriber;
}

OwnCeiling own_ceiling(const Account& account, SubscriberNumber owner,
                       const tariffs::CeilingRule& rule) {
  const OwnCeiling* const known = find(account.ceilings, owner, rule);
  if (known != nullptr) return *known;
  return {.owner = owner, .name = rule.name, .unit = rule.unit, .lowered = {}, .periods = {}};
}

CeilingPeriod* change_period(OwnCeiling& own, Time time, const tariffs::TimeSpan& span) {
  auto& [latest, before] = own.periods;
  if (holds_at(latest, time)) return &latest;
  if (holds_at(before, time)) return &before;
  const auto ended = [time](const CeilingPeriod& period) { return period.span.to <= time; };
  if (ended(latest)) {
    before = std::exchange(latest, {span, 0, false});
    return &latest;
  }
  if (!ended(before)) return nullptr;
  before = {span, 0, false};
  return &before;
}

void raise_ceilings(const Account& account, SubscriberNumber subscriber,
                    const tariffs::Tariff& tariff, std::span<const tariffs::Raise> raises,
                    Time time, Entry& entry) {
  for (const tariffs::Raise& raise : raises) {
    const auto rule =
        std::ranges::find(tariff.ceilings(), raise.ceiling, &tariffs::CeilingRule::name);
    if (rule == tariff.ceilings().end()) continue;
    OwnCeiling own = own_ceiling(account, owner_of(tariff, *rule, subscriber), *rule);
    CeilingPeriod* const period = change_period(
        own, time,
        tariff.span_of(tariff.counters()[rule->counter], time, account.terms.billing_day));
    if (period == nullptr) continue;
    period->raised = base::saturating_add(period->raised, raise.by);
    entry.ceilings.push_back(std::move(own));
  }
}

}  // namespace farthing::engine
