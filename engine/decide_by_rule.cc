#include "engine/base/assert.h"
#include "engine/decider.h"

#include <algorithm>

namespace farthing::engine {

namespace {

using tariffs::CeilingRule;
using tariffs::CounterRule;
using tariffs::Rule;
using tariffs::Tariff;
using tariffs::VersionedTariff;
using Seconds = std::chrono::seconds;

constexpr Duration just_before{1};

// What the service of a rule is counted in.
Unit unit_of(const Tariff& tariff, const Rule& rule) {
  if (rule.terms) return rule.terms->unit;
  const auto service = std::ranges::find(tariff.services(), rule.service, &tariffs::Service::key);
  FARTHING_ASSERT(service != tariff.services().end());
  return service->unit;
}

}  // namespace

// What is known of the request at a moment, with what the counters say then that prices of the
// group go by; `with_held`: as if all that is granted were used.
tariffs::Facts Decider::facts_at(const RatedGroup& group, const RatingFacts& known, Time time,
                                 bool with_held) {
  tariffs::Facts facts = known.at(time);
  sheet_.count_at(time);
  if (!group.goes_by_counters()) return facts;
  d_.counted.clear();
  for (const CounterRule& rule : group.tariff.tariff->counters()) {
    d_.counted.push_back(sheet_.counted(rule, with_held));
  }
  reach_ceilings(*group.tariff.tariff);
  facts.counted = d_.counted;
  return facts;
}

// Says behind the values of counters, as they stand in d_.counted, which ceilings they reach.
void Decider::reach_ceilings(const Tariff& tariff) {
  d_.counted.resize(tariff.counters().size());
  for (const CeilingRule& rule : tariff.ceilings()) {
    const std::optional<std::uint64_t> at = sheet_.ceiling(tariff, rule);
    d_.counted.push_back(at && d_.counted[rule.counter] >= *at ? 1 : 0);
  }
}

// Segments that the session has from before are counted by the version that they began under.
void Decider::count_known_segments() {
  for (std::size_t i = 0; i < sheet_.segment_count(); ++i) {
    const auto index = static_cast<std::uint16_t>(i);
    const Segment& segment = sheet_.segment(index);
    const VersionedTariff* const version = tariffs_->find(segment.version);
    if (version == nullptr || !version->tariff->has_counters()) continue;
    count_segment(index, *version->tariff, version->tariff->rules()[segment.rule.value],
                  session_->service_context);
  }
}

void Decider::count_segment(std::uint16_t index, const Tariff& tariff, const Rule& rule,
                            std::string_view service_context) {
  const tariffs::PriceList* const prices =
      tariff.prices(service_context, sheet_.segment(index).rating_group);
  if (prices != nullptr) sheet_.count_by(index, tariff, rule, *prices);
}

// Charges a report by the rules that held while it was used. `known`: a segment of its group.
void Decider::report_by_rule(const Request& request, const ServiceRequest& service,
                             const std::optional<std::uint16_t>& known, ServiceAnswer& answer) {
  const RatedGroup group{*tariff_of(known), context(request),
                         known ? sheet_.segment(*known).rating_group : service.rating_group};
  const Tariff& tariff = *group.tariff.tariff;
  const RatingFacts& facts = facts_before(request);
  // What is reported at the very moment at which it was granted is of that moment.
  const Time heard_at = session_ != nullptr ? session_->heard_at : Time();
  const Time end = heard_at >= rated_at_ ? rated_at_ : rated_at_ - just_before;
  const Rule* const last = group.find(facts_at(group, facts, end, false));
  if (last == nullptr) return cannot_rate(request, group.tariff, answer);
  const Unit unit = unit_of(tariff, *last);
  const std::uint64_t used = service.used->in(unit).value_or(0);
  if (unit == Unit::seconds) return charge_time(group, facts, used, answer);

  const std::uint64_t after =
      service.used_after ? std::min(used, service.used_after->in(unit).value_or(0)) : 0;
  const std::uint32_t services = service_identifiers_key(service.service_identifiers);
  const bool is_named = group.group == service.rating_group;
  const auto was_granted = [&](std::uint16_t segment) {
    return is_named ? sheet_.granted_before(segment, services) > 0 : segment == *known;
  };
  std::optional<std::uint16_t> granted = sheet_.visit(group.group, false, was_granted);
  const auto second = sheet_.visit(group.group, false, [&](std::uint16_t segment) {
    return segment != granted && was_granted(segment);
  });
  if (second) {  // one is for after a change of the tariff: not that which held first
    const Rule* const first = group.find(facts_at(group, facts, std::min(heard_at, end), false));
    if (&tariff.rules()[sheet_.segment(*second).rule.value] == first) granted = second;
  }
  // What was granted is of the period in which it was, as it is of the rule.
  const Time begin = granted ? std::min(heard_at, end) : end;
  if (group.goes_by_counters()) {
    charge_counted(group, facts, begin, used - after, answer);
    return charge_counted(group, facts, end, after, answer);
  }
  const Rule* const before = granted ? &tariff.rules()[sheet_.segment(*granted).rule.value] : last;
  if (before == last && !tariff.has_counters()) return charge_units(group, last, used, answer);
  sheet_.count_at(begin);
  charge_units(group, before, used - after, answer);
  sheet_.count_at(end);
  charge_units(group, last, after, answer);
}

// The time that ends with the report, each second by the rule that won when it began.
void Decider::charge_time(const RatedGroup& group, const RatingFacts& facts, std::uint64_t used,
                          ServiceAnswer& answer) {
  constexpr std::uint64_t span_max = Seconds(std::chrono::years(1)).count();
  if (used == 0) return;
  const bool is_counted = group.goes_by_counters();
  const auto end = std::chrono::floor<Seconds>(rated_at_);
  const auto from = end - Seconds(std::min(used, span_max));
  std::uint64_t left = used;
  const std::size_t borders_left = borders_max - borders_;
  const std::size_t borders = group.prices->split(
      facts.at(from), from, end, borders_left, [&](const Rule* rule, Time begin, Time to) {
        // What goes beyond the span is of the first stretch.
        const auto later = static_cast<std::uint64_t>(std::chrono::ceil<Seconds>(end - to).count());
        if (is_counted) {
          charge_counted(group, facts, begin, left - later, answer);
        } else {
          sheet_.count_at(begin);
          charge_units(group, rule, left - later, answer);
        }
        left = later;
      });
  borders_ = std::min(borders_ + borders, borders_max);
}

// Charges units one after the other, each by the rule that wins at what the counters say then.
void Decider::charge_counted(const RatedGroup& group, const RatingFacts& facts, Time time,
                             std::uint64_t units, ServiceAnswer& answer) {
  while (units > 0) {
    const Rule* const rule = group.find(facts_at(group, facts, time, false));
    FARTHING_ASSERT(rule != nullptr);
    const std::optional<std::uint16_t> segment = segment_of(group, *rule, answer);
    if (!segment) return;
    std::uint64_t part = units;
    if (borders_ < borders_max) part = until_threshold(group, *segment, units, false);
    if (part < units) ++borders_;
    charge(*segment, part);
    units -= part;
  }
}

// How many units of the segment are left until another rule may win, at most `most`; d_.reached
// says by what. `with_held`: if what others hold were used first.
std::uint64_t Decider::until_threshold(const RatedGroup& group, std::uint16_t segment,
                                       std::uint64_t most, bool with_held) {
  const Tariff& tariff = *group.tariff.tariff;
  std::uint64_t soonest = most;
  d_.reached.clear();
  const auto consider = [&](const CounterRule& rule, std::uint64_t distance, std::uint16_t which,
                            std::uint64_t value) {
    // What lies at the same unit as what was found before is reached with it.
    const std::uint64_t end = d_.reached.empty() ? soonest : soonest + 1;
    const std::uint64_t units = sheet_.units_until(segment, rule, distance, end);
    if (units >= end) return;
    if (units < soonest) d_.reached.clear();
    soonest = units;
    d_.reached.emplace_back(which, value);
  };
  for (const std::uint16_t i : group.prices->counting()) {
    const CounterRule& rule = tariff.counters()[i];
    if (!tariff.goes_by(i) || !sheet_.is_counted_by(segment, rule)) continue;
    const std::uint64_t value = sheet_.counted(rule, with_held);
    const auto threshold = group.prices->next_threshold(i, value);
    if (threshold) consider(rule, *threshold - value, i, *threshold);
  }
  for (std::size_t i = 0; i < tariff.ceilings().size(); ++i) {
    const CeilingRule& ceiling = tariff.ceilings()[i];
    const CounterRule& rule = tariff.counters()[ceiling.counter];
    const std::uint16_t index = tariff.ceiling_index(i);
    if (!sheet_.is_counted_by(segment, rule)) continue;
    if (!group.prices->next_threshold(index, 0)) continue;
    const std::optional<std::uint64_t> at = sheet_.ceiling(tariff, ceiling);
    const std::uint64_t value = sheet_.counted(rule, with_held);
    if (at && value < *at) consider(rule, *at - value, index, 1);
  }
  return soonest;
}

void Decider::charge_units(const RatedGroup& group, const Rule* rule, std::uint64_t units,
                           ServiceAnswer& answer) {
  if (units == 0) return;
  FARTHING_ASSERT(rule != nullptr);  // every list of rules ends in one that holds
  const std::optional<std::uint16_t> segment = segment_of(group, *rule, answer);
  if (segment) charge(*segment, units);
}

// The segment that what a rule prices is added to. Set-up charge, minimum and first block are once
// a rating group: a segment that has them and was not used before another one was, is not used any
// more.
std::optional<std::uint16_t> Decider::segment_of(const RatedGroup& group, const Rule& rule,
                                                 ServiceAnswer& answer) {
  const tariffs::RuleNumber number = group.tariff.tariff->number_of(rule);
  const bool is_in_use =
      sheet_.visit(group.group, false, [&](std::uint16_t i) { return sheet_.segment(i).used > 0; })
          .has_value();
  const std::optional<std::uint16_t> known = sheet_.visit(group.group, false, [&](std::uint16_t i) {
    const Segment& segment = sheet_.segment(i);
    const bool begins = segment.terms.setup.micros > 0 || segment.terms.minimum > 0;
    return segment.rule == number && (segment.used > 0 || !is_in_use || !begins);
  });
  if (known) return known;
  Segment segment;
  segment.rating_group = group.group;
  segment.service = rule.service;
  segment.version = group.tariff.version;
  segment.rule = number;
  segment.quota = rule.quota;
  segment.situations = rule.holding;
  if (rule.terms) {
    segment.terms = is_in_use || is_late_ ? rule.continued : *rule.terms;
  } else {
    segment.terms.unit = unit_of(*group.tariff.tariff, rule);
  }
  return open(segment, *group.tariff.tariff, rule, group.context, answer);
}

// The segment of the rule that holds now, and how long none other can win.
std::optional<std::uint16_t> Decider::segment_to_grant(const Request& request,
                                                       const ServiceRequest& service,
                                                       const VersionedTariff& tariff,
                                                       GrantLimits& limits, ServiceAnswer& answer) {
  const RatedGroup group{tariff, context(request), service.rating_group};
  const RatingFacts& facts = facts_now(request);
  const Time from = granted_from();
  const Rule* const rule = group.find(facts_at(group, facts, from, true));
  if (!permit(request, rule, service.rating_group, limits, answer)) {
    if (answer.outcome == Outcome::credit_limit_reached) {
      refuse_credit(request, service, std::nullopt, rule, answer);
    }
    return std::nullopt;
  }
  if (rule == nullptr || !rule->terms) {
    cannot_rate(request, tariff, answer);
    return std::nullopt;
  }
  if (rule->stop) {
    refuse_credit(request, service, std::nullopt, rule, answer);
    return std::nullopt;
  }
  if (const std::optional<Time> change = group.prices->next_change(facts.at(from))) {
    const auto until = std::chrono::ceil<Seconds>(*change - from);
    if (!limits.until_change || until < *limits.until_change) {
      limits.until_change = until;
      limits.price_change = change;
    }
  }
  return segment_of(group, *rule, answer);
}

// A client that counts what it uses before and after a change of the price by itself (RFC 8506
// 5.1.1) is granted as much for afterwards, and both are held: whichever is dearer is paid for. One
// that can tell them apart gets two quotas (5.1.2). Where there is not that much, or the price
// changes by more than the clock, the grant stays good until the change only.
void Decider::grant_past_change(const Request& request, std::uint16_t segment,
                                const ServiceRequest& service, GrantLimits& limits,
                                ServiceAnswer& answer) {
  const Unit unit = sheet_.segment(segment).terms.unit;
  const TariffChange mode = request.client.tariff_change;
  if (mode == TariffChange::validity || !limits.price_change || !answer.grant ||
      answer.final_unit || unit == Unit::seconds || unit == Unit::money) {
    return;
  }
  const VersionedTariff& version = *tariff_of(segment);
  const RatedGroup group{version, context(request), service.rating_group};
  if (group.goes_by_counters()) return;
  const RatingFacts& facts = facts_now(request);
  const Time change = *limits.price_change;
  const Rule* const next = group.find(facts_at(group, facts, change, true));
  const Rule* const now = rule_of(segment);
  if (next == nullptr || next == now || !next->terms || next->stop) return;
  const Permission permission =
      permission_of(account_, subscriber_, next, service.rating_group, change, false);
  if (!permission.is_given) return;
  ServiceAnswer none;
  const std::optional<std::uint16_t> after = segment_of(group, *next, none);
  const std::uint32_t services = service_identifiers_key(service.service_identifiers);
  if (!after || *after == segment) return;
  sheet_.drop_grant(*after, services);
  sheet_.release(*after);
  const std::uint64_t amount = answer.grant->amount;
  if (sheet_.payable_units(*after, amount) < amount || !sheet_.give(*after, services, amount)) {
    sheet_.reserve(*after);
    return;
  }
  sheet_.reserve(*after);
  answer.tariff_change = change;
  answer.has_second = mode == TariffChange::two_quotas;
  std::optional<Time> until = permission.until;
  if (const std::optional<Time> second = group.prices->next_change(facts.at(change))) {
    until = until ? std::min(*until, *second) : *second;
  }
  limits.until_change = sheet_.validity(*after);
  if (!until) return;
  const auto left = std::chrono::ceil<Seconds>(*until - granted_from());
  limits.until_change = std::min(*limits.until_change, left);
}

// How much of a grant is used before counters make another rule win, and whether that one stops.
// REQUIRES: the segment released.
void Decider::limit_by_counters(const Request& request, std::uint16_t segment, std::uint64_t most,
                                GrantLimits& limits) {
  const Segment& now = sheet_.segment(segment);
  const VersionedTariff& version = *tariffs_->find(now.version);
  if (!version.tariff->has_counters()) return;  // the session's context lies far off
  const RatedGroup group{version, context(request), now.rating_group};
  if (!group.goes_by_counters()) return;
  // Other sets of service identifiers hold some of the segment, too.
  const std::uint64_t others = sheet_.granted(segment);
  const std::uint64_t reach = until_threshold(group, segment, others + most, true);
  if (d_.reached.empty()) return;
  limits.until_threshold = reach > others ? reach - others : 0;
  const RatingFacts& facts = facts_now(request);
  tariffs::Facts then = facts_at(group, facts, granted_from(), true);
  for (const auto& [which, value] : d_.reached) d_.counted[which] = value;
  const Rule* const next = group.find(then);
  if (next != nullptr && next->stop) limits.stop = next;
}

// --- What is bought by first use -----------------------------------------------------------------

// Whether a service asks for units that the rule prices.
bool Decider::asks_for(const ServiceRequest& service, bool is_event, const Rule& rule) {
  if (!rule.terms) return false;
  if (service.requested && service.requested->money) return true;
  const Unit unit = rule.terms->unit;
  return (is_event ? event_units(unit, rule.quota, service)
                   : wanted_units(unit, rule.quota, *service.requested)) > 0;
}

std::optional<Pass> Decider::find_pass(const Request& request,
                                       const tariffs::TariffHistory& tariffs) {
  choose_time_and_tariff(request, tariffs);
  const bool is_event = request.key.type == RequestType::event;
  if (is_event ? request.action != RequestedAction::direct_debiting
               : request.key.type == RequestType::termination) {
    return std::nullopt;
  }
  const Time from = is_event ? rated_at_ : granted_from();
  for (std::size_t i = 0; i < request.service_count; ++i) {
    const ServiceRequest& service = request.services[i];
    if (!is_event && !service.requested) continue;
    const VersionedTariff* const tariff = tariff_of(known_segment(service, false));
    if (tariff == nullptr || !tariff->tariff->has_passes()) continue;
    const RatedGroup group{*tariff, context(request), service.rating_group};
    const Rule* const rule = group.find(facts_at(group, facts_now(request), from, true));
    if (rule == nullptr || rule->restrictions.pass.empty()) continue;
    if (!permission_of(account_, subscriber_, rule, service.rating_group, from,
                       comes_to_subscriber(request, from))
             .lacks_subscription) {
      continue;
    }
    if (rule->stop || !asks_for(service, is_event, *rule)) continue;  // refused with it as well
    const tariffs::Offer* const offer = tariff->tariff->find_offer(rule->restrictions.pass);
    // One for other situations would be bought with each request, and never help.
    const bool helps = offer != nullptr &&
                       std::ranges::any_of(offer->coverage, [&](const tariffs::Coverage& coverage) {
                         return coverage.covers(rule->service, service.rating_group, rule->holding);
                       });
    if (helps) return Pass{tariff, offer, from};
  }
  return std::nullopt;
}

}  // namespace farthing::engine
