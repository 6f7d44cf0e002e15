#include "engine/base/saturating.h"
#include "engine/base/wide.h"
#include "engine/decider.h"

#include <algorithm>

namespace farthing::engine {

namespace {

using base::saturating_add;
using tariffs::FinalUnitRule;
using tariffs::GrantRules;
using tariffs::QuotaRule;
using tariffs::Rule;

}  // namespace

// Octets asked for by direction are granted by direction, in the same proportion.
void Decider::split_by_direction(const RequestedUnits& requested, Grant& granted) {
  if (granted.unit != Unit::octets || requested.total_octets || requested.empty()) return;
  granted.by_direction = true;
  const std::uint64_t input = requested.input_octets.value_or(0);
  const std::uint64_t both = saturating_add(input, requested.output_octets.value_or(0));
  const auto share = static_cast<base::Uint128>(granted.amount) * input;
  granted.input = both == 0 ? 0 : static_cast<std::uint64_t>(share / both);
}

// As many units as asked for, within the quota's bounds; 0: none in the unit that is priced.
std::uint64_t Decider::wanted_units(Unit unit, const QuotaRule& quota,
                                    const RequestedUnits& requested) {
  const std::optional<std::uint64_t> asked = requested.in(unit);
  std::uint64_t wanted = asked.value_or(0);
  if (wanted == 0 && (asked || requested.empty())) wanted = quota.standard;
  wanted = std::min(wanted, quota.maximum);
  return unit == Unit::seconds ? std::min<std::uint64_t>(wanted, UINT32_MAX) : wanted;
}

// What the tariff says of the sizes of a segment's grants; nullptr: nothing but the usual ones.
const GrantRules* Decider::grant_rules(std::uint16_t segment) const {
  if (sheet_.segment(segment).terms.unit == Unit::money) return nullptr;
  const Rule* const rule = rule_of(segment);
  return rule == nullptr ? nullptr : rule->grants.get();
}

// The size for a client that asks again soon: twice the former grant where that was used up in less
// than the time that the tariff wants, the same again where half of it would be used up in less. 0:
// nothing is said. It goes by the session alone, so that it needs no state of its own.
std::uint64_t Decider::size_by_reports(std::uint16_t segment, const ServiceRequest& service,
                                       const GrantRules& rules, const QuotaRule& quota) const {
  if (rules.reports_every.count() == 0 || session_ == nullptr) return 0;
  const Duration since = now_ - session_->heard_at;
  if (since >= 2 * rules.reports_every) return 0;
  const Segment& now = sheet_.segment(segment);
  const std::uint32_t services = service_identifiers_key(service.service_identifiers);
  std::uint64_t former = 0;
  sheet_.visit(now.rating_group, false, [&](std::uint16_t index) {
    former = std::max(former, sheet_.granted_before(index, services));
    return false;
  });
  // A report for another reason than that the grant was used up says nothing of its size.
  const std::uint64_t used = service.used ? service.used->in(now.terms.unit).value_or(0) : 0;
  const std::uint64_t left = former - std::min(former, used);
  if (former == 0 || left > std::max(former / 2, rules.threshold_of(former))) return 0;
  const std::uint64_t size = since < rules.reports_every ? 2 * former : former;
  return std::min({size, quota.standard * rules.reports_times, quota.maximum});
}

// How much of what is wanted is granted by the state of the account: by its balance, but for what
// allowances pay; up to the next border; and no more than a share of it.
std::uint64_t Decider::size_by_state(std::uint16_t segment, const ServiceRequest& service,
                                     const GrantRules& rules, std::uint64_t wanted,
                                     GrantReason& reason) const {
  const auto cut = [&](std::uint64_t units, GrantReason why) {
    if (units < wanted) reason = why;
    wanted = std::min(wanted, units);
  };
  const Segment& now = sheet_.segment(segment);
  if (!rules.by_balance.empty()) {
    const QuotaRule sizes = rules.sizes_at(Money(sheet_.available_micros(segment)), now.quota);
    const std::uint64_t by_balance = std::max(
        {wanted_units(now.terms.unit, sizes, *service.requested),
         size_by_reports(segment, service, rules, sizes), sheet_.allowance_units(segment)});
    cut(by_balance, GrantReason::balance_size);
  }
  const std::uint64_t minimum = std::min(now.quota.minimum, wanted);
  if (rules.until_border) {
    cut(std::max(sheet_.units_to_border(segment), minimum), GrantReason::border);
  }
  if (rules.sharing > 0) {
    cut(std::max(fair_share(segment, rules.sharing, wanted), minimum), GrantReason::shared);
  }
  return wanted;
}

// One part of what can be paid, in as many as sessions are open; in whole steps.
std::uint64_t Decider::fair_share(std::uint16_t segment, std::uint32_t sessions_least,
                                  std::uint64_t wanted) const {
  const std::uint32_t open = account_.session_count + (session_ == nullptr ? 1 : 0);
  const std::uint32_t sessions =
      std::clamp(open, sessions_least, std::max(sessions_least, GrantRules::sessions_max));
  const std::uint64_t share = sheet_.payable_units(segment, wanted * sessions) / sessions;
  return share - share % sheet_.segment(segment).terms.step;
}

// After the last grant there is nothing to ask for before it is used up.
void Decider::tell_when_to_report(const GrantRules& rules, bool is_first, ServiceAnswer& answer) {
  answer.grant_terms = is_first ? rules.first_terms : rules.terms;
  if (rules.holding_time) {
    answer.holding_seconds = static_cast<std::uint32_t>(rules.holding_time->count());
  }
  if (answer.final_unit) return;
  const std::uint64_t threshold = rules.threshold_of(answer.grant->amount);
  answer.threshold = static_cast<std::uint32_t>(std::min<std::uint64_t>(threshold, UINT32_MAX));
}

// Decides the size of a grant. REQUIRES: the segment released.
void Decider::grant(const Request& request, std::uint16_t segment, const ServiceRequest& service,
                    GrantLimits& limits, ServiceAnswer& answer) {
  const RequestedUnits& requested = *service.requested;
  const Unit unit = sheet_.segment(segment).terms.unit;
  const QuotaRule quota = sheet_.segment(segment).quota;
  const GrantRules* const rules = grant_rules(segment);
  std::uint64_t wanted = wanted_units(unit, quota, requested);
  if (wanted == 0) {
    answer.outcome = Outcome::rating_failed;
    answer.fault = Fault::units;
    return;
  }
  GrantReason& reason = answer.grant_reason;
  reason = requested.in(unit).value_or(0) == 0   ? GrantReason::usual
           : *requested.in(unit) > quota.maximum ? GrantReason::maximum
                                                 : GrantReason::asked;
  if (rules != nullptr) {
    const std::uint64_t more = size_by_reports(segment, service, *rules, quota);
    if (more > wanted) reason = GrantReason::often;
    wanted = std::max(wanted, more);
  }
  // Units are granted until their price changes; what can be paid after that, the next request
  // asks. Of a smaller price change than a minimum grant nothing is made: usage is split at it all
  // the same.
  bool is_until_change = false;
  bool is_last = false;  // before a stop
  const auto cut = [&](std::uint64_t units, GrantReason why) {
    is_until_change = is_until_change || units <= wanted;
    if (units < wanted) reason = why;
    wanted = std::min(wanted, units);
  };
  if (unit == Unit::seconds && limits.until_change) {
    cut(static_cast<std::uint64_t>(limits.until_change->count()), GrantReason::price_change);
  }
  if (unit != Unit::money) limit_by_counters(request, segment, wanted + quota.minimum, limits);
  if (limits.until_threshold) {
    is_last = limits.stop != nullptr && *limits.until_threshold <= wanted;
    cut(limits.stop != nullptr ? *limits.until_threshold
                               : std::max(*limits.until_threshold, std::min(quota.minimum, wanted)),
        GrantReason::threshold);
  }
  if (wanted == 0) return refuse_credit(request, service, segment, limits.stop, answer);
  const std::uint64_t whole = wanted;
  if (rules != nullptr) wanted = size_by_state(segment, service, *rules, wanted, reason);
  // Looked at a minimum grant further than granted: a grant after which not even that is left is
  // the last one, and then it is all that is left.
  const std::uint64_t minimum = std::min(quota.minimum, wanted);
  std::uint64_t most = saturating_add(wanted, minimum);
  if (is_until_change) most = std::min(most, whole);
  const std::uint64_t payable = sheet_.payable_units(segment, most);
  const Rule* const rule = rule_of(segment);
  if (payable < minimum) return refuse_credit(request, service, segment, rule, answer);
  if (payable < most) reason = GrantReason::balance;
  const std::uint64_t amount = payable < most ? std::min(payable, whole) : wanted;
  const FinalUnitRule* end = nullptr;
  FinalUnit final_unit = FinalUnit::none;
  const Rule* const last = is_last && wanted == whole ? limits.stop : rule;
  if (last != rule || payable < most) final_unit = find_end(request, last, service, end);
  const std::uint32_t services = service_identifiers_key(service.service_identifiers);
  if (!sheet_.give(segment, services, amount, final_unit)) {
    answer.outcome = Outcome::unable_to_comply;
    return;
  }
  answer.final_unit = final_unit != FinalUnit::none;
  if (end != nullptr) answer.final_action = end->encoded;
  split_by_direction(requested, answer.grant.emplace(Grant{unit, amount, std::nullopt, false}));
  if (rules != nullptr) tell_when_to_report(*rules, session_ == nullptr, answer);
}

}  // namespace farthing::engine
