#include "engine/decider.h"

#include "engine/attributes.h"
#include "engine/base/assert.h"
#include "engine/base/saturating.h"
#include "engine/outcome.h"
#include "engine/permission.h"

#include <algorithm>
#include <limits>

namespace farthing::engine {

namespace {

using tariffs::PriceTerms;
using tariffs::QuotaRule;
using tariffs::Rule;
using tariffs::VersionedTariff;
using Seconds = std::chrono::seconds;

// Money asked for or reported as money is its own price.
const PriceTerms money_terms = [] {
  PriceTerms terms;
  terms.unit = Unit::money;
  terms.amount = Money(1);
  return terms;
}();
constexpr QuotaRule money_quota{static_cast<std::uint64_t>(account_money_max.micros), 0, 1,
                                std::chrono::seconds(validity_without_grant_seconds)};

bool asks_money(const ServiceRequest& service) {
  return service.requested && service.requested->money.has_value();
}

// Reports money (or, without `money`, units).
bool reports(const ServiceRequest& service, bool money) {
  if (!service.used) return false;
  const UsedUnits& used = *service.used;
  return money ? used.money.has_value() : used.seconds || used.octets || used.events;
}

}  // namespace

void Decider::choose_time_and_tariff(const Request& request,
                                     const tariffs::TariffHistory& tariffs) {
  server_time_used_ = true;
  if (request.event_time && *request.event_time >= now_ - event_time_past_max &&
      *request.event_time <= now_ + event_time_future_max &&
      (session_ == nullptr || *request.event_time >= session_->rated_at)) {
    rated_at_ = *request.event_time;
    server_time_used_ = false;
  }
  sheet_.rate_at(rated_at_);
  tariffs_ = &tariffs;
  tariff_ = version_for(tariffs, account_, subscriber_, rated_at_);
  if (tariff_ == nullptr) {  // used just before the first one was loaded
    tariff_ = version_for(tariffs, account_, subscriber_, now_);
  }
  sheet_.count_at(rated_at_);
  count_known_segments();
}

// The version that prices what is of a segment; without one, what begins now.
const VersionedTariff* Decider::tariff_of(const std::optional<std::uint16_t>& segment) const {
  return segment ? tariffs_->find(sheet_.segment(*segment).version) : tariff_;
}

// What was known of the session before the request.
const RatingFacts& Decider::facts_before(const Request& request) {
  if (facts_before_) return *facts_before_;
  RatingFacts& facts = facts_before_.emplace();
  if (session_ == nullptr) {
    facts.learn(request.attributes);
  } else if (decode_attributes(session_->attributes, d_.session_attributes)) {
    facts.learn(d_.session_attributes);
  }
  facts.bill_from(account_.terms.billing_day);
  if (const Subscriber* const who = account_.subscriber(subscriber_)) {
    facts.know(who->msisdn, who->attributes());
  }
  return facts;
}

const RatingFacts& Decider::facts_now(const Request& request) {
  if (facts_now_) return *facts_now_;
  RatingFacts& facts = facts_now_.emplace(facts_before(request));
  if (session_ != nullptr && request.attributes_hash != session_->attributes_hash) {
    facts.learn(request.attributes);
  }
  return facts;
}

// The rule that a segment is of; nullptr where its tariff is not known any more.
const Rule* Decider::rule_of(std::uint16_t segment) const {
  const VersionedTariff* const tariff = tariff_of(segment);
  return tariff == nullptr ? nullptr : &tariff->tariff->rules()[sheet_.segment(segment).rule.value];
}

// Where it makes a difference.
bool Decider::comes_to_subscriber(const Request& request, Time at) {
  const bool matters =
      state() == LifeState::suspended_outgoing || account_.terms.validity(at) == Validity::grace;
  return matters && facts_now(request).is_terminating();
}

// What is refused for want of a pass nobody could pay for, or no more than so many a day.
Outcome Decider::refusal_of(const Rule* rule, const Permission& permission) {
  const bool wants_pass =
      permission.lacks_subscription && rule != nullptr && !rule->restrictions.pass.empty();
  return wants_pass || permission.is_expired ? Outcome::credit_limit_reached
                                             : Outcome::service_denied;
}

// Why the subscriber may not use what begins at that time; nullopt: it may.
std::optional<Outcome> Decider::refused_use(const Request& request,
                                            const std::optional<RatingGroup>& group, Time at) {
  const bool may_be_refused = is_suspended(state(), false) ||
                              account_.terms.validity(at) != Validity::valid ||
                              !account_.subscriptions.empty() ||
                              (tariff_ != nullptr && tariff_->tariff->has_restrictions());
  if (!may_be_refused) return std::nullopt;
  if (tariff_ == nullptr) return Outcome::service_denied;
  const RatingFacts& facts = facts_now(request);
  const RatedGroup rated{*tariff_, context(request), group};
  const Rule* const rule = rated.find(facts_at(rated, facts, at, true));
  const Permission permission =
      permission_of(account_, subscriber_, rule, group, at, comes_to_subscriber(request, at));
  if (permission.is_given) return std::nullopt;
  const Outcome refusal = refusal_of(rule, permission);
  if (refusal == Outcome::credit_limit_reached && request.key.type != RequestType::event) {
    const tariffs::FinalUnitRule* const end = end_of(request, rule, group);
    if (end != nullptr && end->action != tariffs::FinalAction::terminate) return std::nullopt;
  }
  return refusal;
}

// Why nothing of the request may be used; nullopt: something may.
std::optional<Outcome> Decider::denied(const Request& request, Time at) {
  std::optional<Outcome> why;
  if (is_suspended(state(), comes_to_subscriber(request, at)) ||
      account_.terms.validity(at) == Validity::over) {
    why = Outcome::service_denied;
  }
  for (std::size_t i = 0; i < request.service_count; ++i) {
    const auto refused = refused_use(request, request.services[i].rating_group, at);
    if (!refused) return std::nullopt;
    if (!why) why = refused;
  }
  return why;
}

// Whether the subscriber may be granted what a rule prices (see permission.h), and until when.
bool Decider::permit(const Request& request, const Rule* rule,
                     const std::optional<RatingGroup>& group, GrantLimits& limits,
                     ServiceAnswer& answer) {
  const Time from = granted_from();
  const Permission permission =
      permission_of(account_, subscriber_, rule, group, from, comes_to_subscriber(request, from));
  if (!permission.is_given) {
    answer.outcome = refusal_of(rule, permission);
    return false;
  }
  if (permission.until) {
    const auto until = std::chrono::ceil<Seconds>(*permission.until - from);
    limits.until_change = std::min(limits.until_change.value_or(until), until);
  }
  return true;
}

void Decider::cannot_rate(const Request& request, const VersionedTariff& tariff,
                          ServiceAnswer& answer) const {
  const bool known_context = std::ranges::any_of(
      tariff.tariff->services(), [name = context(request)](const tariffs::Service& known) {
        return name.ends_with(known.context);
      });
  answer.outcome = Outcome::rating_failed;
  answer.fault = known_context ? Fault::rating_group : Fault::service_context;
}

// Begins a price segment by the rule that wins now. nullopt: the answer says why not.
std::optional<std::uint16_t> Decider::open_segment(const Request& request,
                                                   const ServiceRequest& service, bool money,
                                                   ServiceAnswer& answer) {
  if (tariff_ == nullptr) {
    answer.outcome = Outcome::unable_to_comply;
    return std::nullopt;
  }
  const std::optional<RatingGroup>& group = service.rating_group;
  const tariffs::Tariff& tariff = *tariff_->tariff;
  const Rule* rule = nullptr;
  if (tariff.has_conditions()) {
    const RatingFacts& facts = facts_now(request);
    const RatedGroup rated{*tariff_, context(request), group};
    const tariffs::Facts now = facts_at(rated, facts, rated_at_, true);
    if (request.key.type == RequestType::event &&
        request.action == RequestedAction::refund_account) {
      // What is given back is of the rule that priced the last unit that was counted.
      for (std::uint64_t& value : d_.counted) value -= std::min<std::uint64_t>(value, 1);
      reach_ceilings(tariff);
    }
    rule = rated.find(now);
  } else {
    rule = tariff.find(context(request), group);
  }
  if (rule == nullptr || !rule->terms) {
    cannot_rate(request, *tariff_, answer);
    return std::nullopt;
  }
  Segment segment;
  segment.rating_group = group;
  segment.service = rule->service;
  segment.version = tariff_->version;
  segment.rule = tariff.number_of(*rule);
  segment.terms = money ? money_terms : is_late_ ? rule->continued : *rule->terms;
  segment.terms.tax = rule->terms->tax;
  segment.quota = money ? money_quota : rule->quota;
  segment.situations = rule->holding;
  return open(segment, tariff, *rule, context(request), answer);
}

std::optional<std::uint16_t> Decider::open(const Segment& segment, const tariffs::Tariff& tariff,
                                           const Rule& rule, std::string_view service_context,
                                           ServiceAnswer& answer) {
  if (sheet_.segment_count() >= segments_max) {
    answer.outcome = Outcome::unable_to_comply;
    return std::nullopt;
  }
  const std::uint16_t index = sheet_.open(segment);
  d_.entry.openings.push_back({index, segment.rating_group, segment.service, segment.version,
                               segment.rule, segment.terms, segment.quota, segment.situations});
  if (tariff.has_counters()) count_segment(index, tariff, rule, service_context);
  return index;
}

// --- Sessions ------------------------------------------------------------------------------------

// The segment that a service is of. The last report of some clients, after the final units, names
// no rating group: where nothing is known without one, it is of the only segment that holds units.
std::optional<std::uint16_t> Decider::known_segment(const ServiceRequest& service,
                                                    bool money) const {
  const std::optional<std::uint16_t> named = sheet_.find(service.rating_group, money);
  if (named || money || service.rating_group || service.requested || !service.used) return named;
  return sheet_.only_granted();
}

// First, what every service held is given up: what one of them held may pay for another's usage.
// Units and money are two segments, and a client may report the one and ask for the other.
void Decider::give_up(const ServiceRequest& service) {
  for (bool money : {false, true}) {
    const std::optional<std::uint16_t> known = known_segment(service, money);
    if (!known) continue;
    const std::optional<RatingGroup> group = sheet_.segment(*known).rating_group;
    sheet_.visit(group, money, [&](std::uint16_t segment) {
      if (group == service.rating_group) {
        sheet_.drop_grant(segment, service_identifiers_key(service.service_identifiers));
      } else {
        sheet_.drop_grants(segment);
      }
      sheet_.release(segment);
      return false;
    });
  }
}

// Second, what was used is charged.
void Decider::report(const Request& request, const ServiceRequest& service, ServiceAnswer& answer) {
  answer.rating_group = service.rating_group;
  answer.service_identifiers = service.service_identifiers;
  for (bool money : {false, true}) {
    const bool asks = service.requested && asks_money(service) == money;
    const bool used = reports(service, money);
    std::optional<std::uint16_t> segment = known_segment(service, money);
    if (!asks && !used) continue;
    const VersionedTariff* const tariff = tariff_of(segment);
    if (!money && tariff != nullptr && tariff->tariff->has_conditions()) {
      if (used) report_by_rule(request, service, segment, answer);
      continue;  // what it is granted of, serve() finds
    }
    if (!segment) segment = open_segment(request, service, money, answer);
    if (segment && used) {
      sheet_.count_at(rated_at_);
      charge(*segment, service.used->in(sheet_.segment(*segment).terms.unit).value_or(0));
    }
  }
}

void Decider::charge(std::uint16_t segment, std::uint64_t units) {
  if (units == 0) return;
  d_.entry.uses.push_back({segment, units});
  sheet_.use(segment, units);
}

// Last, a new grant, if one was asked for.
void Decider::serve(const Request& request, const ServiceRequest& service, ServiceAnswer& answer) {
  if (!service.requested || service.is_given_back) return stay_at_end(request, service, answer);
  if (answer.outcome != Outcome::success) return;
  if (request.client.names_rating_groups && !request.command_level && !service.rating_group) {
    answer.outcome = Outcome::rating_failed;
    answer.fault = Fault::rating_group;
    return;
  }
  const bool money = asks_money(service);
  std::optional<std::uint16_t> segment = sheet_.find(service.rating_group, money);
  GrantLimits limits;
  const VersionedTariff* const tariff = tariff_of(segment);
  if (!money && tariff != nullptr && tariff->tariff->has_conditions()) {
    segment = segment_to_grant(request, service, *tariff, limits, answer);
    if (!segment) return;
  } else {
    FARTHING_ASSERT(segment.has_value());  // report() has opened it, or said why not
    if (money && stops(request, *segment)) {
      answer.outcome = Outcome::credit_limit_reached;
      return;
    }
    if (!permit(request, rule_of(*segment), service.rating_group, limits, answer)) {
      if (answer.outcome != Outcome::credit_limit_reached) return;
      return refuse_credit(request, service, segment, rule_of(*segment), answer);
    }
  }
  // Named twice in one request, a service is left with its last grant.
  sheet_.drop_grant(*segment, service_identifiers_key(service.service_identifiers));
  sheet_.release(*segment);
  if (!money && is_not_applicable(request, *segment)) {
    answer.outcome = Outcome::not_applicable;
    return;
  }
  grant(request, *segment, service, limits, answer);
  sheet_.reserve(*segment);
  if (!answer.grant) return;
  grant_past_change(request, *segment, service, limits, answer);
  sheet_.count_at(granted_from());
  constexpr std::int64_t validity_max = UINT32_MAX / 4;
  const std::int64_t validity =
      std::clamp<std::int64_t>(sheet_.validity(*segment).count(), 1, validity_max);
  // A price change near is no reason to give a session up that is not heard of soon after it.
  validity_seconds_ = std::max(validity_seconds_, static_cast<std::uint32_t>(validity));
  const std::int64_t until = limits.until_change ? limits.until_change->count() : validity;
  answer.validity_seconds = static_cast<std::uint32_t>(std::min(validity, until));
}

// Whether what a segment of money is of has come to a stop since it began.
bool Decider::stops(const Request& request, std::uint16_t segment) {
  const VersionedTariff* const tariff = tariff_of(segment);
  if (tariff == nullptr || !tariff->tariff->has_counters()) return false;
  const RatedGroup group{*tariff, context(request), sheet_.segment(segment).rating_group};
  const Rule* const rule = group.find(facts_at(group, facts_now(request), granted_from(), true));
  return rule != nullptr && rule->stop;
}

void Decider::session_request(const Request& request, const tariffs::TariffHistory& tariffs) {
  Answer& answer = d_.answer;
  answer.command_level = request.command_level;
  choose_time_and_tariff(request, tariffs);
  if (session_ == nullptr) {
    if (const auto why = denied(request, granted_from())) answer.outcome = *why;
    if (tariff_ == nullptr) answer.outcome = Outcome::unable_to_comply;
    if (answer.outcome != Outcome::success) return finish_refused(request);
  }
  const bool terminates = request.key.type == RequestType::termination;
  if (terminates) sheet_.release_everything();
  for (std::size_t i = 0; i < request.service_count; ++i) give_up(request.services[i]);
  for (std::size_t i = 0; i < request.service_count; ++i) {
    report(request, request.services[i], answer.add_service());
  }
  if (!terminates) {
    sheet_.count_at(granted_from());
    sheet_.reserve_released();
    for (std::size_t i = 0; i < request.service_count; ++i) {
      serve(request, request.services[i], answer.services[i]);
    }
  }
  copy_outcome_of_command(request);
  const std::span<const ServiceAnswer> answers(answer.services.data(), answer.service_count);
  if (session_ == nullptr && !answers.empty() &&
      std::ranges::all_of(answers, [](const ServiceAnswer& service) {
        return service.outcome == Outcome::not_applicable;
      })) {
    answer.outcome = Outcome::not_applicable;  // and the session ends (RFC 8506 5.2)
  }
  if (session_ == nullptr && answer.outcome != Outcome::success) return finish_refused(request);
  tell_cost(request);
  tell_low_balance();
  if (terminates) return finish_session(request, EntryKind::session_terminated);
  finish_session(request,
                 session_ == nullptr ? EntryKind::session_opened : EntryKind::session_updated);
}

// Free whatever is counted: nothing to control for a client that says it wants none then (4011).
bool Decider::is_not_applicable(const Request& request, std::uint16_t segment) const {
  if (!request.client.knows_not_applicable) return false;
  const Rule* const rule = rule_of(segment);
  const VersionedTariff* const tariff = tariff_of(segment);
  return rule != nullptr && rule->terms && tariffs::is_free(*rule->terms) &&
         (rule->always || !tariff->tariff->has_counters());
}

void Decider::tell_cost(const Request& request) {
  if (!request.asks_cost) return;
  std::int64_t micros = 0;
  for (std::size_t i = 0; i < sheet_.segment_count(); ++i) {
    micros =
        base::saturating_add(micros, sheet_.segment(static_cast<std::uint16_t>(i)).charged_micros);
  }
  d_.answer.cost = Money(micros);
}

void Decider::tell_low_balance() {
  if (tariff_ == nullptr || !tariff_->tariff->low_balance()) return;
  const Money balance(sheet_.balance_micros());
  if (balance < *tariff_->tariff->low_balance()) d_.answer.low_balance = balance;
}

// Where the units stood in the command itself, so does what became of them.
void Decider::copy_outcome_of_command(const Request& request) {
  if (!request.command_level || d_.answer.service_count == 0) return;
  d_.answer.outcome = d_.answer.services[0].outcome;
  d_.answer.fault = d_.answer.services[0].fault;
}

// Nobody had used it: what has a price and is served makes it active.
void Decider::activate() {
  if (state() != LifeState::idle) return;
  const auto has_price = [this](std::uint16_t segment) {
    return !tariffs::is_free(sheet_.segment(segment).terms);
  };
  const bool is_served =
      std::ranges::any_of(d_.entry.uses, has_price, &SegmentUse::index) ||
      std::ranges::any_of(d_.entry.grants, [&has_price](const GrantChange& grant) {
        return grant.units > 0 && has_price(grant.segment);
      });
  if (is_served) d_.entry.state_change = StateChange{subscriber_, LifeState::active};
}

void Decider::finish_session(const Request& request, EntryKind kind) {
  Entry& entry = d_.entry;
  entry.kind = kind;
  if (session_ == nullptr) {
    entry.session = SessionLink{};
    entry.session_id = request.session_id;
    entry.service_context = request.service_context;
    changed_attributes({}, request.attributes, d_.attributes);
  } else {
    entry.session = SessionLink{session_->number, session_->last};
    if (request.attributes_hash != session_->attributes_hash) {
      changed_attributes(session_->attributes, request.attributes, d_.attributes);
    }
  }
  entry.attributes = d_.attributes;
  choose_validity();
  sheet_.write(entry);
  activate();
  describe_request(request);
}

// A session is supervised by the longest validity that a client was given and holds units for.
void Decider::choose_validity() {
  if (session_ == nullptr) {
    d_.entry.validity_seconds =
        validity_seconds_ > 0 ? validity_seconds_ : validity_without_grant_seconds;
    return;
  }
  if (validity_seconds_ == 0) return;
  std::uint32_t seconds = validity_seconds_;
  if (sheet_.holds_older_grants()) seconds = std::max(seconds, session_->validity_seconds);
  if (seconds != session_->validity_seconds) d_.entry.validity_seconds = seconds;
}

void Decider::finish_refused(const Request& request) {
  d_.entry.clear();
  d_.entry.kind = EntryKind::request_refused;
  d_.entry.session_id = request.session_id;
  d_.entry.service_context = request.service_context;
  changed_attributes({}, request.attributes, d_.attributes);
  d_.entry.attributes = d_.attributes;
  describe_request(request);
}

void Decider::describe_request(const Request& request) {
  Entry& entry = d_.entry;
  entry.account = account_.number;
  entry.subscriber = subscriber_;
  entry.previous = account_.last;
  entry.request = RequestSection{request.key, rated_at_, server_time_used_};
  encode_outcome(d_.answer, d_.outcome);
  entry.outcome = d_.outcome;
  d_.has_entry = true;
}

void Decider::end_session(EntryKind kind) {
  sheet_.release_everything();
  Entry& entry = d_.entry;
  entry.kind = kind;
  entry.account = account_.number;
  entry.subscriber = subscriber_;
  entry.previous = account_.last;
  entry.session = SessionLink{session_->number, session_->last};
  sheet_.write(entry);
  d_.has_entry = true;
}

// --- Reports that come when their session is over ------------------------------------------------

void Decider::late_report(const Request& request, const tariffs::TariffHistory& tariffs) {
  Answer& answer = d_.answer;
  answer.command_level = request.command_level;
  is_late_ = true;
  choose_time_and_tariff(request, tariffs);
  if (tariff_ == nullptr) {
    answer.outcome = Outcome::unable_to_comply;
    return finish_refused(request);
  }
  charge_late(request);
  copy_outcome_of_command(request);
  if (d_.entry.uses.empty()) {
    const auto services = std::span(request.services).first(request.service_count);
    if (std::ranges::any_of(services,
                            [](const ServiceRequest& of) { return of.used.has_value(); })) {
      return finish_refused(request);
    }
    d_.entry.clear();  // nothing was reported, nothing to remember
    return;
  }
  Entry& entry = d_.entry;
  entry.kind = EntryKind::event_debited;
  entry.note = Note{"farthing", "reported after its session had ended", ""};
  entry.session_id = request.session_id;
  entry.service_context = request.service_context;
  changed_attributes({}, request.attributes, d_.attributes);
  entry.attributes = d_.attributes;
  sheet_.write(entry);
  describe_request(request);
}

void Decider::charge_late(const Request& request) {
  for (std::size_t i = 0; i < request.service_count; ++i) {
    ServiceRequest reported = request.services[i];
    reported.requested.reset();
    report(request, reported, d_.answer.add_service());
  }
}

// --- Events (RFC 8506 6) -------------------------------------------------------------------------

void Decider::event_request(const Request& request, const tariffs::TariffHistory& tariffs) {
  Answer& answer = d_.answer;
  answer.command_level = request.command_level;
  choose_time_and_tariff(request, tariffs);
  if (const auto why = denied(request, rated_at_)) answer.outcome = *why;
  if (tariff_ == nullptr) answer.outcome = Outcome::unable_to_comply;
  if (answer.outcome == Outcome::success) {
    for (std::size_t i = 0; i < request.service_count; ++i) {
      event_service(request, request.services[i], answer.add_service());
    }
    copy_outcome_of_command(request);
  }
  if (request.action == RequestedAction::check_balance ||
      request.action == RequestedAction::price_enquiry) {
    d_.entry.clear();  // nothing moved, nothing to remember: asked again it is answered anew
    return;
  }
  if (d_.entry.uses.empty()) return finish_refused(request);
  Entry& entry = d_.entry;
  entry.kind = request.action == RequestedAction::refund_account ? EntryKind::event_refunded
                                                                 : EntryKind::event_debited;
  entry.session_id = request.session_id;
  entry.service_context = request.service_context;
  changed_attributes({}, request.attributes, d_.attributes);
  entry.attributes = d_.attributes;
  sheet_.write(entry);
  if (request.action == RequestedAction::direct_debiting) {
    activate();
    tell_low_balance();
  }
  describe_request(request);
}

void Decider::event_service(const Request& request, const ServiceRequest& service,
                            ServiceAnswer& answer) {
  answer.rating_group = service.rating_group;
  answer.service_identifiers = service.service_identifiers;
  if (const auto why = refused_use(request, service.rating_group, rated_at_)) {
    answer.outcome = *why;
    return;
  }
  const bool money = asks_money(service) || (!service.requested && reports(service, true));
  // A segment of its own: services of an event are priced one by one.
  const std::optional<std::uint16_t> segment = open_segment(request, service, money, answer);
  if (!segment) return;
  const bool uses = request.action == RequestedAction::direct_debiting ||
                    request.action == RequestedAction::check_balance;
  const Rule* const rule = rule_of(*segment);
  if (uses && rule != nullptr && rule->stop) {
    answer.outcome = Outcome::credit_limit_reached;
    return;
  }
  const std::uint64_t units =
      event_units(sheet_.segment(*segment).terms.unit, sheet_.segment(*segment).quota, service);
  if (units == 0) {
    answer.outcome = Outcome::rating_failed;
    answer.fault = Fault::units;
    return;
  }
  if (!move_event(request, *segment, units, answer)) return;
  d_.entry.uses.push_back({*segment, units});
  Grant& granted =
      answer.grant.emplace(Grant{sheet_.segment(*segment).terms.unit, units, std::nullopt, false});
  if (service.requested) split_by_direction(*service.requested, granted);
}

std::uint64_t Decider::event_units(Unit unit, const QuotaRule& quota,
                                   const ServiceRequest& service) {
  if (service.requested && !service.requested->empty())
    return service.requested->in(unit).value_or(0);
  if (!service.requested && service.used) return service.used->in(unit).value_or(0);
  return quota.standard;
}

// Does what the event asks for. False: nothing was moved, because the answer says no, or because it
// was only a question.
bool Decider::move_event(const Request& request, std::uint16_t segment, std::uint64_t units,
                         ServiceAnswer& answer) {
  const std::uint64_t chargeable = tariffs::chargeable_units(sheet_.segment(segment).terms, units);
  const bool refunds = request.action == RequestedAction::refund_account;
  const std::int64_t full_cost = refunds ? sheet_.price_to_refund(segment, chargeable)
                                         : sheet_.price_with_setup(segment, chargeable, 0);
  const std::int64_t cost =
      sheet_.price_with_setup(segment, chargeable, sheet_.covered_units(segment, chargeable));
  const bool enough = cost <= sheet_.available_micros(segment);
  auto add_cost = [this](std::int64_t micros) {
    const std::int64_t sum = d_.answer.cost.value_or(Money()).micros + micros;
    d_.answer.cost = Money(std::min(sum, account_money_max.micros));
  };
  switch (request.action) {
    case RequestedAction::price_enquiry:
      add_cost(full_cost);
      return false;
    case RequestedAction::check_balance:
      d_.answer.enough_credit = d_.answer.enough_credit.value_or(true) && enough;
      sheet_.use(segment, units);  // on the worksheet only: the next service finds so much less
      return false;
    case RequestedAction::refund_account:
      if (!sheet_.refund(segment, units, full_cost)) {
        answer.outcome = Outcome::unable_to_comply;
        return false;
      }
      add_cost(full_cost);
      return true;
    case RequestedAction::direct_debiting:
      if (!enough) {
        answer.outcome = Outcome::credit_limit_reached;
        return false;
      }
      sheet_.use(segment, units);
      add_cost(cost);
      return true;
  }
  return false;
}

void decide(const Situation& situation, const Request& request, Decision& decision) {
  Decider decider(situation.account, situation.subscriber, situation.session, situation.now,
                  decision);
  decision.worksheet.lend(situation.lendings);
  if (request.key.type == RequestType::event) {
    decider.event_request(request, situation.tariffs);
    return;
  }
  FARTHING_ASSERT(situation.session != nullptr || request.key.type == RequestType::initial);
  decider.session_request(request, situation.tariffs);
}

void decide_late(const Situation& situation, const Request& request, Decision& decision) {
  FARTHING_ASSERT(situation.session == nullptr);
  Decider decider(situation.account, situation.subscriber, nullptr, situation.now, decision);
  decision.worksheet.lend(situation.lendings);
  decider.late_report(request, situation.tariffs);
}

std::optional<Pass> find_pass(const Situation& situation, const Request& request,
                              Decision& decision) {
  Decider decider(situation.account, situation.subscriber, situation.session, situation.now,
                  decision);
  return decider.find_pass(request, situation.tariffs);
}

void decide_end(const Session& session, EntryKind kind, Decision& decision) {
  Decider decider(*session.account, session.subscriber, &session, session.heard_at, decision);
  decider.end_session(kind);
}

}  // namespace farthing::engine
