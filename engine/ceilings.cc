#include "engine/ceilings.h"

#include "engine/base/saturating.h"

#include <algorithm>

namespace farthing::engine {

namespace {

const OwnCeiling* find(std::span<const OwnCeiling> ceilings, SubscriberNumber owner,
                       std::string_view name) {
  const auto found = std::ranges::find_if(
      ceilings, [&](const OwnCeiling& one) { return one.owner == owner && one.name == name; });
  return found == ceilings.end() ? nullptr : &*found;
}

}  // namespace

std::optional<std::uint64_t> ceiling_of(const Account& account, SubscriberNumber owner,
                                        const tariffs::CeilingRule& rule, Time time) {
  const OwnCeiling* const own = find(account.ceilings, owner, rule.name);
  if (own == nullptr) return rule.at;
  const std::uint64_t at = std::min(rule.at, own->lowered.value_or(rule.at));
  if (time >= own->until) return at;
  if (own->is_lifted) return std::nullopt;
  return base::saturating_add(at, own->raised);
}

SubscriberNumber owner_of(const tariffs::Tariff& tariff, const tariffs::CeilingRule& rule,
                          SubscriberNumber subscriber) {
  return tariff.counters()[rule.counter].is_shared ? SubscriberNumber() : subscriber;
}

OwnCeiling own_ceiling(const Account& account, SubscriberNumber owner, std::string_view name,
                       Time now) {
  OwnCeiling own{.owner = owner, .name = std::string(name), .lowered = {}, .until = {}};
  const OwnCeiling* const known = find(account.ceilings, owner, name);
  if (known == nullptr) return own;
  own.lowered = known->lowered;
  if (now >= known->until) return own;
  own.raised = known->raised;
  own.is_lifted = known->is_lifted;
  own.until = known->until;
  return own;
}

void raise_ceilings(const Account& account, SubscriberNumber subscriber,
                    const tariffs::Tariff& tariff, std::span<const tariffs::Raise> raises, Time now,
                    Entry& entry) {
  for (const tariffs::Raise& raise : raises) {
    const auto rule =
        std::ranges::find(tariff.ceilings(), raise.ceiling, &tariffs::CeilingRule::name);
    if (rule == tariff.ceilings().end()) continue;
    OwnCeiling own = own_ceiling(account, owner_of(tariff, *rule, subscriber), raise.ceiling, now);
    own.raised = base::saturating_add(own.raised, raise.by);
    const Time period_end =
        tariff.span_of(tariff.counters()[rule->counter], now, account.terms.billing_day).to;
    // What is bought for usage of an earlier period takes nothing from what holds in this one.
    own.until = std::max(own.until, period_end);
    entry.ceilings.push_back(std::move(own));
  }
}

}  // namespace farthing::engine
