#include "engine/decide.h"

#include "engine/attributes.h"
#include "engine/base/assert.h"
#include "engine/base/wide.h"
#include "engine/outcome.h"

#include <algorithm>
#include <limits>

namespace farthing::engine {

namespace {

using tariffs::affordable_units;
using tariffs::chargeable_units;
using tariffs::PriceTerms;
using tariffs::QuotaRule;

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::uint64_t>::max() : sum;
}

std::int64_t clamp_signed(std::uint64_t value) {
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(value, std::numeric_limits<std::int64_t>::max()));
}

// The price of so many whole steps; what would leave the range of an account is the end of the
// range.
std::int64_t price_micros(const PriceTerms& terms, std::uint64_t units) {
  const std::optional<Money> price = tariffs::price_of(terms, units);
  return price ? std::min(price->micros, account_money_max.micros) : account_money_max.micros;
}

// Money asked for or reported as money is its own price.
const PriceTerms money_terms = [] {
  PriceTerms terms;
  terms.unit = Unit::money;
  terms.amount = Money(1);
  return terms;
}();
constexpr QuotaRule money_quota{static_cast<std::uint64_t>(account_money_max.micros), 0, 1,
                                std::chrono::seconds(validity_without_grant_seconds)};

// Decides one request. Works on copies in the Decision; legs are the difference at the end.
class Decider {
 public:
  Decider(const Account& account, SubscriberNumber subscriber, const Session* session, Time now,
          Decision& decision)
      : account_(account),
        subscriber_(subscriber),
        session_(session),
        now_(now),
        d_(decision),
        main_micros_(account.main_micros) {
    d_.answer.clear();
    d_.has_entry = false;
    d_.entry.clear();
    d_.segments.clear();
    d_.buckets.clear();
    d_.shares.clear();
    d_.outcome.clear();
    d_.attributes.clear();
    for (const Bucket& bucket : account.buckets) d_.buckets.push_back({&bucket, bucket.remaining});
    // Whoever expires first is eaten first.
    if (d_.buckets.size() > 1) {
      std::sort(d_.buckets.begin(), d_.buckets.end(), [](const BucketWork& a, const BucketWork& b) {
        if (a.bucket->valid_to != b.bucket->valid_to)
          return a.bucket->valid_to < b.bucket->valid_to;
        return a.bucket->number.value < b.bucket->number.value;
      });
    }
  }

  void session_request(const Request& request, const tariffs::TariffHistory& tariffs);
  void event_request(const Request& request, const tariffs::TariffHistory& tariffs);
  void end_session(EntryKind kind);

 private:
  bool barred() const {
    const Subscriber* subscriber = account_.subscriber(subscriber_);
    return subscriber != nullptr && subscriber->barred;
  }
  void choose_time_and_tariff(const Request& request, const tariffs::TariffHistory& tariffs);
  SegmentWork* segment_for(const Request& request, const ServiceRequest& service,
                           ServiceAnswer& answer);
  SegmentWork& touch(std::uint16_t index);
  SegmentWork* find_segment(const std::optional<RatingGroup>& group, bool money);
  SegmentWork* open_segment(const Request& request, const ServiceRequest& service, bool money,
                            ServiceAnswer& answer);
  BucketShare& share(std::uint16_t segment, BucketNumber bucket);
  bool may_eat(const Bucket& bucket, const Segment& segment) const;

  void serve(const Request& request, const ServiceRequest& service, ServiceAnswer& answer);
  void set_grant(SegmentWork& work, std::uint32_t services, std::uint64_t units);
  void drop_grant(SegmentWork& work, std::uint32_t services);
  void release(SegmentWork& work);
  void use(SegmentWork& work, std::uint64_t units);
  void reserve(SegmentWork& work);
  void grant(SegmentWork& work, std::uint32_t services, const RequestedUnits& requested,
             ServiceAnswer& answer);
  std::int64_t eat_allowances(SegmentWork& work, std::int64_t wanted, bool hold);
  std::int64_t allowance_left(const SegmentWork& work) const;
  std::int64_t available_micros() const { return main_micros_ + account_.credit_limit_micros; }
  std::int64_t priced_units(const SegmentWork& work) const {
    return clamp_signed(chargeable_units(work.now.terms, work.now.used)) - work.now.consumed_units;
  }
  void release_everything();

  void event_service(const Request& request, const ServiceRequest& service, ServiceAnswer& answer);
  void finish_session(const Request& request, EntryKind kind);
  void finish_refused(const Request& request);
  void describe_request(const Request& request);
  void write_legs();

  const Account& account_;
  SubscriberNumber subscriber_;
  const Session* session_;
  Time now_;
  Decision& d_;
  std::int64_t main_micros_;
  const tariffs::VersionedTariff* tariff_ = nullptr;
  Time rated_at_;
  bool server_time_used_ = false;
  std::uint32_t validity_seconds_ = 0;
};

void Decider::choose_time_and_tariff(const Request& request,
                                     const tariffs::TariffHistory& tariffs) {
  rated_at_ = now_;
  server_time_used_ = true;
  if (request.event_time && *request.event_time >= now_ - event_time_past_max &&
      *request.event_time <= now_ + event_time_future_max &&
      (session_ == nullptr || *request.event_time >= session_->rated_at)) {
    rated_at_ = *request.event_time;
    server_time_used_ = false;
  }
  tariff_ = tariffs.at(rated_at_);
  if (tariff_ == nullptr) tariff_ = tariffs.at(now_);  // used just before the first one was loaded
}

// --- Segments ---------------------------------------------------------------------------------

SegmentWork& Decider::touch(std::uint16_t index) {
  for (SegmentWork& work : d_.segments) {
    if (work.index == index) return work;
  }
  SegmentWork& work = d_.segments.emplace_back();
  work.index = index;
  work.opened = false;
  work.now = work.before = session_->segments[index];
  work.granted = 0;
  work.overage_micros = 0;
  for (const HeldGrant& held : session_->grants) {
    if (held.segment == index) work.granted = saturating_add(work.granted, held.units);
  }
  for (const BucketHold& hold : session_->holds) {
    if (hold.segment != index) continue;
    BucketShare& part = share(index, hold.bucket);
    part.held_before = part.held = hold.units;
  }
  return work;
}

SegmentWork* Decider::find_segment(const std::optional<RatingGroup>& group, bool money) {
  for (SegmentWork& work : d_.segments) {
    if (work.now.rating_group == group && (work.now.terms.unit == Unit::money) == money)
      return &work;
  }
  if (session_ == nullptr) return nullptr;
  for (std::size_t i = 0; i < session_->segments.size(); ++i) {
    const Segment& segment = session_->segments[i];
    if (segment.rating_group == group && (segment.terms.unit == Unit::money) == money) {
      return &touch(static_cast<std::uint16_t>(i));
    }
  }
  return nullptr;
}

SegmentWork* Decider::segment_for(const Request& request, const ServiceRequest& service,
                                  ServiceAnswer& answer) {
  const bool money = (service.requested && service.requested->money) ||
                     (service.used && service.used->money && !service.requested);
  if (SegmentWork* known = find_segment(service.rating_group, money)) return known;
  return open_segment(request, service, money, answer);
}

SegmentWork* Decider::open_segment(const Request& request, const ServiceRequest& service,
                                   bool money, ServiceAnswer& answer) {
  const std::size_t known = session_ == nullptr ? 0 : session_->segments.size();
  const std::size_t index = known + d_.entry.openings.size();
  if (index >= segments_max || tariff_ == nullptr) {
    answer.outcome = Outcome::unable_to_comply;
    return nullptr;
  }
  const std::string_view context =
      session_ == nullptr ? request.service_context : std::string_view(session_->service_context);
  const tariffs::Tariff& tariff = *tariff_->tariff;
  const tariffs::Rule* rule = tariff.find(context, service.rating_group);
  if (rule == nullptr || !rule->terms) {
    answer.outcome = Outcome::rating_failed;
    const auto& services = tariff.services();
    const bool known_context = std::any_of(services.begin(), services.end(),
                                           [context](const tariffs::Service& known_service) {
                                             return context.ends_with(known_service.context);
                                           });
    answer.fault = known_context ? Fault::rating_group : Fault::service_context;
    return nullptr;
  }
  const PriceTerms& terms = money ? money_terms : *rule->terms;
  // Units that this service is not priced in cannot be rated; asking for them is the client's
  // error.
  const bool asks_other =
      service.requested && !service.requested->empty() && !service.requested->in(terms.unit);
  if (asks_other) {
    answer.outcome = Outcome::rating_failed;
    answer.fault = Fault::units;
    return nullptr;
  }
  SegmentOpening& opening = d_.entry.openings.emplace_back();
  opening.index = static_cast<std::uint16_t>(index);
  opening.rating_group = service.rating_group;
  opening.service = rule->service;
  opening.version = tariff_->version;
  opening.rule = tariff.number_of(*rule);
  opening.terms = terms;
  opening.quota = money ? money_quota : rule->quota;
  SegmentWork& work = d_.segments.emplace_back();
  work = {};
  work.index = opening.index;
  work.opened = true;
  work.now = {opening.rating_group, opening.service, opening.version,
              opening.rule,         opening.terms,   opening.quota};
  work.before = work.now;
  return &work;
}

BucketShare& Decider::share(std::uint16_t segment, BucketNumber bucket) {
  for (BucketShare& known : d_.shares) {
    if (known.segment == segment && known.bucket == bucket) return known;
  }
  return d_.shares.emplace_back(BucketShare{segment, bucket});
}

bool Decider::may_eat(const Bucket& bucket, const Segment& segment) const {
  return bucket.unit == segment.terms.unit && bucket.valid_from <= rated_at_ &&
         rated_at_ < bucket.valid_to && (bucket.owner.value == 0 || bucket.owner == subscriber_) &&
         bucket.covers(segment.service, segment.rating_group);
}

// --- Reserve, charge, release -------------------------------------------------------------------

// Takes up to `wanted` units from the allowances that cover the segment; returns how many.
std::int64_t Decider::eat_allowances(SegmentWork& work, std::int64_t wanted, bool hold) {
  std::int64_t eaten = 0;
  for (BucketWork& bucket : d_.buckets) {
    if (eaten == wanted) break;
    if (bucket.remaining == 0 || !may_eat(*bucket.bucket, work.now)) continue;
    const std::int64_t part = std::min(wanted - eaten, bucket.remaining);
    bucket.remaining -= part;
    BucketShare& taken = share(work.index, bucket.bucket->number);
    (hold ? taken.held : taken.consumed) += part;
    eaten += part;
    // Units held must be reported before they run out.
    const auto left = std::chrono::ceil<std::chrono::seconds>(bucket.bucket->valid_to - rated_at_);
    if (hold) work.validity = std::min(work.validity, left);
  }
  return eaten;
}

std::int64_t Decider::allowance_left(const SegmentWork& work) const {
  std::int64_t left = 0;
  for (const BucketWork& bucket : d_.buckets) {
    if (!may_eat(*bucket.bucket, work.now)) continue;
    if (__builtin_add_overflow(left, bucket.remaining, &left)) return INT64_MAX;
  }
  return left;
}

void Decider::set_grant(SegmentWork& work, std::uint32_t services, std::uint64_t units) {
  work.granted = saturating_add(work.granted, units);
  for (GrantChange& change : d_.entry.grants) {
    if (change.segment == work.index && change.services == services) {
      change.units = units;
      return;
    }
  }
  if (units > 0) d_.entry.grants.push_back({work.index, services, units});
}

// What the client held for this set of services is given up.
void Decider::drop_grant(SegmentWork& work, std::uint32_t services) {
  for (GrantChange& change : d_.entry.grants) {  // granted by this very request: named twice in it
    if (change.segment == work.index && change.services == services) {
      work.granted -= std::min(work.granted, change.units);
      change.units = 0;
      return;
    }
  }
  if (session_ == nullptr) return;
  for (const HeldGrant& held : session_->grants) {
    if (held.segment == work.index && held.services == services) {
      work.granted -= std::min(work.granted, held.units);
      d_.entry.grants.push_back({work.index, services, 0});
      return;
    }
  }
}

void Decider::release(SegmentWork& work) {
  main_micros_ += work.now.reserved_micros;
  work.now.reserved_micros = 0;
  for (BucketShare& held : d_.shares) {
    if (held.segment != work.index || held.held == 0) continue;
    for (BucketWork& bucket : d_.buckets) {
      if (bucket.bucket->number == held.bucket) bucket.remaining += held.held;
    }
    held.held = 0;
  }
}

// Charges `units` more, from allowances first; money down to the limit, the rest as overage.
void Decider::use(SegmentWork& work, std::uint64_t units) {
  if (units == 0) return;
  Segment& segment = work.now;
  const std::int64_t covered = clamp_signed(chargeable_units(segment.terms, segment.used));
  segment.used = saturating_add(segment.used, units);
  const std::int64_t chargeable = clamp_signed(chargeable_units(segment.terms, segment.used));
  segment.consumed_units += eat_allowances(work, chargeable - covered, false);
  std::int64_t owed = price_micros(segment.terms, static_cast<std::uint64_t>(priced_units(work)));
  owed = std::min(owed + std::min(segment.terms.setup.micros, account_money_max.micros),
                  account_money_max.micros);
  const std::int64_t due = std::max<std::int64_t>(owed - segment.charged_micros, 0);
  const std::int64_t paid = std::clamp<std::int64_t>(available_micros(), 0, due);
  std::int64_t overage_before = account_.overage_micros;
  for (const SegmentWork& other : d_.segments) overage_before += other.overage_micros;
  // What an account can owe in all has an end, so that no report, however absurd, can leave the
  // range.
  const std::int64_t unpaid =
      std::clamp<std::int64_t>(account_money_max.micros - overage_before, 0, due - paid);
  main_micros_ -= paid;
  work.overage_micros += unpaid;
  segment.charged_micros += paid + unpaid;
}

// Holds what the units granted will cost, allowances first, as far as there is anything to hold.
void Decider::reserve(SegmentWork& work) {
  work.validity = work.now.quota.validity;
  if (work.granted == 0) return;
  const Segment& segment = work.now;
  const std::uint64_t reach = saturating_add(segment.used, work.granted);
  const std::int64_t wanted = clamp_signed(chargeable_units(segment.terms, reach)) -
                              clamp_signed(chargeable_units(segment.terms, segment.used));
  const std::int64_t held = eat_allowances(work, wanted, true);
  const std::int64_t priced = priced_units(work);
  std::int64_t cost =
      price_micros(segment.terms, static_cast<std::uint64_t>(priced + wanted - held)) -
      price_micros(segment.terms, static_cast<std::uint64_t>(priced));
  if (segment.used == 0) cost += std::min(segment.terms.setup.micros, account_money_max.micros);
  work.now.reserved_micros = std::clamp<std::int64_t>(available_micros(), 0, cost);
  main_micros_ -= work.now.reserved_micros;
}

// Decides the size of a grant. REQUIRES: the segment released; what others hold of it is in
// `granted`.
void Decider::grant(SegmentWork& work, std::uint32_t services, const RequestedUnits& requested,
                    ServiceAnswer& answer) {
  const Segment& segment = work.now;
  const PriceTerms& terms = segment.terms;
  const QuotaRule& quota = segment.quota;
  std::uint64_t wanted = requested.in(terms.unit).value_or(0);
  if (wanted == 0 && (requested.empty() || requested.in(terms.unit))) wanted = quota.standard;
  wanted = std::min(wanted, quota.maximum);
  if (terms.unit == Unit::seconds) wanted = std::min<std::uint64_t>(wanted, UINT32_MAX);
  if (wanted == 0) {  // nothing asked for in the unit that is priced
    answer.outcome = Outcome::rating_failed;
    answer.fault = Fault::units;
    return;
  }

  // How far the balance reaches beyond what is used and held by others, looked at a minimum grant
  // further than asked: a grant after which not even that is left is the last one.
  const std::uint64_t minimum = std::min(quota.minimum, wanted);
  const std::uint64_t others = saturating_add(segment.used, work.granted);
  const std::uint64_t target =
      chargeable_units(terms, saturating_add(others, saturating_add(wanted, minimum)));
  const std::uint64_t begun = chargeable_units(terms, segment.used);
  const auto extra = clamp_signed(target) - clamp_signed(begun);
  const std::int64_t from_allowances = std::min(extra, allowance_left(work));
  const std::int64_t priced = priced_units(work);
  std::int64_t budget = price_micros(terms, static_cast<std::uint64_t>(priced));
  if (__builtin_add_overflow(budget, std::max<std::int64_t>(available_micros(), 0), &budget)) {
    budget = INT64_MAX;
  }
  if (segment.used == 0) budget -= std::min(terms.setup.micros, account_money_max.micros);
  const auto all_priced = static_cast<std::uint64_t>(priced + extra - from_allowances);
  std::int64_t payable = extra - from_allowances;
  if (price_micros(terms, all_priced) > budget) {
    payable =
        budget < 0 ? 0 : clamp_signed(affordable_units(terms, Money(budget), all_priced)) - priced;
  }
  const std::uint64_t reach =
      begun + static_cast<std::uint64_t>(from_allowances + std::max<std::int64_t>(payable, 0));
  const std::uint64_t possible = reach > others ? reach - others : 0;
  const std::uint64_t amount = std::min(wanted, possible);
  if (amount < minimum) {
    answer.outcome = Outcome::credit_limit_reached;
    return;
  }
  set_grant(work, services, amount);
  answer.final_unit = possible < saturating_add(wanted, minimum);
  Grant& granted = answer.grant.emplace();
  granted.unit = terms.unit;
  granted.amount = amount;
  if (terms.unit == Unit::octets && !requested.total_octets && !requested.empty()) {
    granted.by_direction = true;
    const std::uint64_t in = requested.input_octets.value_or(0);
    const std::uint64_t both = saturating_add(in, requested.output_octets.value_or(0));
    granted.input =
        both == 0 ? 0 : static_cast<std::uint64_t>(static_cast<base::Uint128>(amount) * in / both);
  }
}

void Decider::serve(const Request& request, const ServiceRequest& service, ServiceAnswer& answer) {
  answer.rating_group = service.rating_group;
  answer.service_identifiers = service.service_identifiers;
  const std::uint32_t services = service_identifiers_key(service.service_identifiers);
  if (!service.requested && !service.used && find_segment(service.rating_group, false) == nullptr) {
    return;  // names a service, reports nothing and asks for nothing
  }
  SegmentWork* const work = segment_for(request, service, answer);
  if (work == nullptr) return;
  drop_grant(*work, services);
  release(*work);
  if (service.used) {
    const std::uint64_t used = service.used->in(work->now.terms.unit).value_or(0);
    if (used > 0) {
      d_.entry.uses.push_back({work->index, used});
      use(*work, used);
    }
  }
  if (service.requested && request.key.type != RequestType::termination) {
    if (barred()) {
      answer.outcome = Outcome::service_denied;
    } else {
      grant(*work, services, *service.requested, answer);
    }
  }
  reserve(*work);
  if (answer.grant) {
    answer.validity_seconds = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(work->validity.count(), 1, UINT32_MAX / 4));
    validity_seconds_ = std::max(validity_seconds_, answer.validity_seconds);
  }
}

void Decider::release_everything() {
  for (std::size_t i = 0; i < session_->segments.size(); ++i) {
    const bool holds = session_->segments[i].reserved_micros != 0 ||
                       std::any_of(session_->holds.begin(), session_->holds.end(),
                                   [i](const BucketHold& hold) { return hold.segment == i; });
    if (holds) touch(static_cast<std::uint16_t>(i));
  }
  for (SegmentWork& work : d_.segments) release(work);
  d_.entry.grants.clear();
  for (const HeldGrant& held : session_->grants) {
    d_.entry.grants.push_back({held.segment, held.services, 0});
  }
}

// --- Sessions
// ---------------------------------------------------------------------------------------

void Decider::session_request(const Request& request, const tariffs::TariffHistory& tariffs) {
  Answer& answer = d_.answer;
  answer.command_level = request.command_level;
  choose_time_and_tariff(request, tariffs);
  if (session_ == nullptr) {
    if (barred()) answer.outcome = Outcome::service_denied;
    if (tariff_ == nullptr) answer.outcome = Outcome::unable_to_comply;
    if (answer.outcome != Outcome::success) return finish_refused(request);
  }
  for (std::size_t i = 0; i < request.service_count; ++i) {
    serve(request, request.services[i], answer.add_service());
  }
  if (request.command_level && answer.service_count > 0) {
    answer.outcome = answer.services[0].outcome;
    answer.fault = answer.services[0].fault;
    if (session_ == nullptr && answer.outcome != Outcome::success) return finish_refused(request);
  }
  if (request.key.type == RequestType::termination) {
    release_everything();
    finish_session(request, EntryKind::session_terminated);
  } else {
    finish_session(request,
                   session_ == nullptr ? EntryKind::session_opened : EntryKind::session_updated);
  }
}

void Decider::finish_session(const Request& request, EntryKind kind) {
  Entry& entry = d_.entry;
  entry.kind = kind;
  if (session_ == nullptr) {
    entry.session = SessionLink{};
    entry.session_id = request.session_id;
    entry.service_context = request.service_context;
    changed_attributes({}, request.attributes, d_.attributes);
    entry.validity_seconds =
        validity_seconds_ > 0 ? validity_seconds_ : validity_without_grant_seconds;
  } else {
    entry.session = SessionLink{session_->number, session_->last};
    if (request.attributes_hash != session_->attributes_hash) {
      changed_attributes(session_->attributes, request.attributes, d_.attributes);
    }
    if (validity_seconds_ > 0 && validity_seconds_ != session_->validity_seconds) {
      entry.validity_seconds = validity_seconds_;
    }
  }
  entry.attributes = d_.attributes;
  write_legs();
  describe_request(request);
}

void Decider::finish_refused(const Request& request) {
  d_.entry.clear();
  d_.segments.clear();
  d_.shares.clear();
  d_.entry.kind = EntryKind::request_refused;
  d_.entry.session_id = request.session_id;
  d_.entry.service_context = request.service_context;
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
  rated_at_ = now_;
  release_everything();
  Entry& entry = d_.entry;
  entry.kind = kind;
  entry.account = account_.number;
  entry.subscriber = subscriber_;
  entry.previous = account_.last;
  entry.session = SessionLink{session_->number, session_->last};
  write_legs();
  d_.has_entry = true;
}

// The legs are what the request changed, segment by segment; what they gain or lose in money, the
// main balance loses or gains.
void Decider::write_legs() {
  std::vector<Leg>& legs = d_.entry.legs;
  auto add = [&legs](Side side, std::uint16_t segment, BucketNumber bucket, std::int64_t amount) {
    if (amount != 0) legs.push_back({side, segment, bucket, amount});
  };
  for (const SegmentWork& work : d_.segments) {
    add(Side::reserved, work.index, {}, work.now.reserved_micros - work.before.reserved_micros);
    add(Side::revenue, work.index, {}, work.now.charged_micros - work.before.charged_micros);
    add(Side::overage, work.index, {}, -work.overage_micros);
  }
  add(Side::main, Leg::no_segment, {}, main_micros_ - account_.main_micros);
  for (const BucketShare& part : d_.shares) {
    const std::int64_t held = part.held - part.held_before;
    add(Side::allowance_reserved, part.segment, part.bucket, held);
    add(Side::consumed, part.segment, part.bucket, part.consumed);
    add(Side::allowance, part.segment, part.bucket, -held - part.consumed);
  }
}

// --- Events (RFC 8506 6)
// ----------------------------------------------------------------------------

void Decider::event_request(const Request& request, const tariffs::TariffHistory& tariffs) {
  Answer& answer = d_.answer;
  answer.command_level = request.command_level;
  choose_time_and_tariff(request, tariffs);
  const bool enquiry = request.action == RequestedAction::check_balance ||
                       request.action == RequestedAction::price_enquiry;
  if (barred()) answer.outcome = Outcome::service_denied;
  if (tariff_ == nullptr) answer.outcome = Outcome::unable_to_comply;
  if (answer.outcome == Outcome::success) {
    for (std::size_t i = 0; i < request.service_count; ++i) {
      event_service(request, request.services[i], answer.add_service());
    }
    if (request.command_level && answer.service_count > 0) {
      answer.outcome = answer.services[0].outcome;
      answer.fault = answer.services[0].fault;
    }
  }
  if (enquiry) {  // neither reserves nor debits: nothing to remember, asked again it is answered
                  // anew
    d_.entry.clear();
    return;
  }
  const bool moved = !d_.entry.uses.empty();
  if (!moved) return finish_refused(request);
  Entry& entry = d_.entry;
  entry.kind = request.action == RequestedAction::refund_account ? EntryKind::event_refunded
                                                                 : EntryKind::event_debited;
  entry.session_id = request.session_id;
  entry.service_context = request.service_context;
  changed_attributes({}, request.attributes, d_.attributes);
  entry.attributes = d_.attributes;
  write_legs();
  describe_request(request);
}

void Decider::event_service(const Request& request, const ServiceRequest& service,
                            ServiceAnswer& answer) {
  answer.rating_group = service.rating_group;
  answer.service_identifiers = service.service_identifiers;
  const bool money = (service.requested && service.requested->money) ||
                     (!service.requested && service.used && service.used->money);
  // A segment of its own: services of an event are priced one by one.
  SegmentWork* const work = open_segment(request, service, money, answer);
  if (work == nullptr) return;
  const PriceTerms& terms = work->now.terms;
  std::uint64_t units = 0;
  if (service.requested) {
    units = service.requested->empty() ? work->now.quota.standard
                                       : service.requested->in(terms.unit).value_or(0);
  } else if (service.used) {
    units = service.used->in(terms.unit).value_or(0);
  } else {
    units = work->now.quota.standard;
  }
  if (units == 0) {
    answer.outcome = Outcome::rating_failed;
    answer.fault = Fault::units;
    return;
  }
  const std::uint64_t chargeable = chargeable_units(terms, units);
  const std::int64_t setup = std::min(terms.setup.micros, account_money_max.micros);
  auto cost_of = [&](std::uint64_t priced) {
    return std::min(price_micros(terms, priced) + setup, account_money_max.micros);
  };
  auto add_cost = [&](std::int64_t micros) {
    const std::int64_t sum = d_.answer.cost.value_or(Money()).micros + micros;
    d_.answer.cost = Money(std::min(sum, account_money_max.micros));
  };
  switch (request.action) {
    case RequestedAction::price_enquiry:
      add_cost(cost_of(chargeable));
      return;
    case RequestedAction::check_balance: {
      const std::int64_t covered = std::min(clamp_signed(chargeable), allowance_left(*work));
      const bool enough =
          cost_of(chargeable - static_cast<std::uint64_t>(covered)) <= available_micros();
      d_.answer.enough_credit = d_.answer.enough_credit.value_or(true) && enough;
      return;
    }
    case RequestedAction::refund_account: {
      const std::int64_t refund = cost_of(chargeable);
      if (main_micros_ > account_money_max.micros - refund) {
        answer.outcome = Outcome::unable_to_comply;
        return;
      }
      main_micros_ += refund;
      work->now.charged_micros -= refund;
      add_cost(refund);
      break;
    }
    case RequestedAction::direct_debiting: {
      const std::int64_t covered = std::min(clamp_signed(chargeable), allowance_left(*work));
      const std::int64_t cost = cost_of(chargeable - static_cast<std::uint64_t>(covered));
      if (cost > available_micros()) {
        answer.outcome = Outcome::credit_limit_reached;
        return;
      }
      use(*work, units);
      add_cost(cost);
      break;
    }
  }
  if (request.action == RequestedAction::refund_account) work->now.used = units;
  d_.entry.uses.push_back({work->index, units});
  answer.grant = Grant{terms.unit, units, std::nullopt, false};
  if (terms.unit == Unit::octets && service.requested && !service.requested->empty() &&
      !service.requested->total_octets) {
    answer.grant->by_direction = true;
    answer.grant->input = service.requested->input_octets.value_or(0);
  }
}

}  // namespace

void decide(const Situation& situation, const Request& request, Decision& decision) {
  Decider decider(situation.account, situation.subscriber, situation.session, situation.now,
                  decision);
  if (request.key.type == RequestType::event) {
    decider.event_request(request, situation.tariffs);
    return;
  }
  FARTHING_ASSERT(situation.session != nullptr || request.key.type == RequestType::initial);
  decider.session_request(request, situation.tariffs);
}

void decide_end(const Session& session, EntryKind kind, Decision& decision) {
  Decider decider(*session.account, session.subscriber, &session, session.heard_at, decision);
  decider.end_session(kind);
}

}  // namespace farthing::engine
