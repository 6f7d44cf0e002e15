#include "tools/sim/model_charging.h"

#include <algorithm>
#include <limits>

namespace farthing::sim {

namespace {

using engine::Answer;
using engine::Outcome;
using engine::Request;
using engine::RequestedAction;
using engine::ServiceAnswer;
using engine::ServiceRequest;

std::optional<std::uint32_t> group_of(const ServiceRequest& service) {
  if (!service.rating_group) return std::nullopt;
  return service.rating_group->value;
}

std::set<std::uint32_t> identifiers_of(const ServiceRequest& service) {
  std::set<std::uint32_t> identifiers;
  for (engine::ServiceIdentifier id : service.service_identifiers) identifiers.insert(id.value);
  return identifiers;
}

int number_of(Outcome outcome) { return static_cast<int>(outcome); }

}  // namespace

ModelCharging::ModelCharging(ModelAccount& account, ModelSession& session, const TariffPlan& plan,
                             Time now, Time rated_at, Findings& findings)
    : account_(account),
      session_(session),
      plan_(plan),
      now_(now),
      rated_at_(rated_at),
      findings_(findings) {
  for (const ModelSegment& segment : session.segments) {
    before_.push_back({segment.holds, segment.granted() > 0});
  }
  released_.resize(session.segments.size());
  segment_validity_s_.resize(session.segments.size());
}

// --- Segments ------------------------------------------------------------------------------------

// A report without a rating group, where nothing is known without one, is of the only segment that
// held units.
ModelSegment* ModelCharging::find(const ServiceRequest& service) {
  const auto named =
      std::ranges::find(session_.segments, group_of(service), &ModelSegment::rating_group);
  if (named != session_.segments.end()) return &*named;
  if (service.rating_group || service.requested || !service.used) return nullptr;
  ModelSegment* only = nullptr;
  for (std::size_t i = 0; i < before_.size(); ++i) {
    if (!before_[i].had_grants) continue;
    if (only != nullptr) return nullptr;
    only = &session_.segments[i];
  }
  return only;
}

ModelSegment* ModelCharging::find_or_open(const ServiceRequest& service) {
  if (ModelSegment* known = find(service)) return known;
  if (!service.requested && !service.used) return nullptr;
  const Rule* const rule = plan_.rule(session_.service, group_of(service));
  ModelSegment& opened = session_.segments.emplace_back();
  opened.rating_group = group_of(service);
  opened.price = rule->price;
  opened.quota = plan_.quotas[static_cast<std::size_t>(session_.service)];
  before_.emplace_back();
  released_.push_back(false);
  segment_validity_s_.push_back(0);
  return &opened;
}

void ModelCharging::release(ModelSegment& segment) {
  segment.reserved = 0;
  segment.holds.clear();
  released_[index_of(segment)] = true;
}

void ModelCharging::give_up_everything(ModelSession& session) {
  for (ModelSegment& segment : session.segments) {
    segment.grants.clear();
    segment.holds.clear();
    segment.reserved = 0;
  }
}

// --- Allowances ----------------------------------------------------------------------------------

bool ModelCharging::covers(const ModelBucket& bucket, const ModelSegment& segment) const {
  return bucket.owner == session_.subscriber && bucket.service == session_.service &&
         (!bucket.rating_group || bucket.rating_group == segment.rating_group);
}

// Event-Timestamps are whole seconds: the second in which a bucket begins is all its own.
bool ModelCharging::in_time(const ModelBucket& bucket) const {
  return std::chrono::floor<std::chrono::seconds>(bucket.valid_from) <= rated_at_ &&
         rated_at_ < bucket.valid_to;
}

std::int64_t ModelCharging::allowance_left(const ModelSegment& segment) const {
  std::int64_t left = 0;
  for (const ModelBucket& bucket : account_.buckets) {
    if (covers(bucket, segment) && in_time(bucket)) left += account_.free_units(bucket);
  }
  return left;
}

// Those that end first are eaten first. What a grant held of one that has ended since may still be
// used up by its next report.
std::int64_t ModelCharging::eat(ModelSegment& segment, std::int64_t wanted) {
  std::int64_t eaten = 0;
  for (ModelBucket& bucket : account_.buckets) {
    if (!covers(bucket, segment)) continue;
    std::int64_t part = std::min(wanted - eaten, account_.free_units(bucket));
    ModelHold* was_held = nullptr;
    for (ModelHold& hold : before_[index_of(segment)].holds) {
      if (hold.bucket == bucket.number) was_held = &hold;
    }
    if (!in_time(bucket)) part = std::min(part, was_held == nullptr ? 0 : was_held->units);
    if (part <= 0) continue;
    if (was_held != nullptr) was_held->units = std::max<std::int64_t>(was_held->units - part, 0);
    bucket.eaten += part;
    eaten += part;
  }
  return eaten;
}

// --- Money ---------------------------------------------------------------------------------------

// What a segment owes is the price of all its usage less what it was charged so far; what nobody
// can pay is overage.
void ModelCharging::use(ModelSegment& segment, std::uint64_t units) {
  if (units == 0) return;
  const auto before = static_cast<std::int64_t>(chargeable_units(segment.price, segment.used));
  segment.used += units;
  const auto after = static_cast<std::int64_t>(chargeable_units(segment.price, segment.used));
  segment.eaten += eat(segment, after - before);
  const std::int64_t owed =
      cost_of(segment.price, after - segment.eaten) + segment.price.setup_micros;
  const std::int64_t due = std::max<std::int64_t>(owed - segment.charged, 0);
  const std::int64_t paid = std::clamp<std::int64_t>(account_.available(), 0, due);
  segment.charged += due;
  account_.charges += paid;
  account_.overage += due - paid;
}

void ModelCharging::reserve(ModelSegment& segment) {
  const std::size_t index = index_of(segment);
  released_[index] = false;
  segment_validity_s_[index] = segment.quota.validity_s;
  const std::uint64_t granted = segment.granted();
  if (granted == 0) return;
  const auto used = static_cast<std::int64_t>(chargeable_units(segment.price, segment.used));
  const auto reach =
      static_cast<std::int64_t>(chargeable_units(segment.price, segment.used + granted));
  std::int64_t open = reach - used;
  for (const ModelBucket& bucket : account_.buckets) {
    if (!covers(bucket, segment) || !in_time(bucket)) continue;
    const std::int64_t part = std::min(open, account_.free_units(bucket));
    if (part <= 0) continue;
    segment.holds.push_back({bucket.number, part});
    open -= part;
    const auto left_s = std::chrono::ceil<std::chrono::seconds>(bucket.valid_to - now_).count();
    segment_validity_s_[index] = std::min(segment_validity_s_[index], left_s);
  }
  std::int64_t cost = cost_of(segment.price, used - segment.eaten + open) -
                      cost_of(segment.price, used - segment.eaten);
  if (segment.used == 0) cost += segment.price.setup_micros;
  segment.reserved = std::clamp<std::int64_t>(account_.available(), 0, cost);
}

// Whether so many units more can be paid, after what is used and what other services hold of the
// segment. REQUIRES: the segment released.
bool ModelCharging::payable(const ModelSegment& segment, std::uint64_t units) const {
  const auto used = static_cast<std::int64_t>(chargeable_units(segment.price, segment.used));
  const auto reach = static_cast<std::int64_t>(
      chargeable_units(segment.price, segment.used + segment.granted() + units));
  const std::int64_t allowed = std::min(reach - used, allowance_left(segment));
  const std::int64_t priced = used - segment.eaten;
  std::int64_t cost =
      cost_of(segment.price, priced + reach - used - allowed) - cost_of(segment.price, priced);
  if (segment.used == 0) cost += segment.price.setup_micros;
  return cost <= std::max<std::int64_t>(account_.available(), 0);
}

// --- Sessions ------------------------------------------------------------------------------------

void ModelCharging::session_request(const Request& request, const Answer& answer) {
  const bool terminates = request.key.type == engine::RequestType::termination;
  if (terminates) {
    give_up_everything(session_);
    released_.assign(released_.size(), true);
  }
  for (std::size_t i = 0; i < request.service_count; ++i) {
    ModelSegment* const segment = find(request.services[i]);
    if (segment == nullptr) continue;
    const bool is_named = segment->rating_group == group_of(request.services[i]);
    std::erase_if(segment->grants, [&](const ModelGrant& grant) {
      return !is_named || grant.identifiers == identifiers_of(request.services[i]);
    });
    release(*segment);
  }
  for (std::size_t i = 0; i < request.service_count; ++i) {
    const ServiceRequest& service = request.services[i];
    ModelSegment* const segment = find_or_open(service);
    if (segment == nullptr || !service.used) continue;
    const std::uint64_t units = service.used->in(unit_of(session_.service)).value_or(0);
    reported_usage_ = reported_usage_ || units > 0;
    use(*segment, units);
  }
  if (answer.service_count != request.service_count) {
    findings_.add("{} services asked for, {} answered", request.service_count,
                  answer.service_count);
    return;
  }
  if (!terminates) {
    for (ModelSegment& segment : session_.segments) {
      if (released_[index_of(segment)]) reserve(segment);
    }
  }
  for (std::size_t i = 0; i < request.service_count; ++i) {
    const ServiceRequest& service = request.services[i];
    const ServiceAnswer& given = answer.services[i];
    if (group_of(service) !=
            (given.rating_group ? std::optional(given.rating_group->value) : std::nullopt) ||
        service.service_identifiers != given.service_identifiers) {
      findings_.add("service {} of the answer is not the one asked for", i);
    }
    if (!terminates && service.requested) {
      serve(service, given);
    } else if (given.outcome != Outcome::success || given.grant) {
      findings_.add("outcome {} of a service that asked for nothing", number_of(given.outcome));
    }
  }
}

void ModelCharging::serve(const ServiceRequest& service, const ServiceAnswer& answer) {
  ModelSegment& segment = *find(service);
  if (is_suspended()) {
    if (answer.outcome != Outcome::service_denied || answer.grant) {
      findings_.add("a suspended subscriber was served (outcome {})", number_of(answer.outcome));
    }
    return;
  }
  std::erase_if(segment.grants, [&](const ModelGrant& grant) {
    return grant.identifiers == identifiers_of(service);
  });
  release(segment);
  judge_grant(segment, service, answer);
  if (answer.grant) segment.grants.push_back({identifiers_of(service), answer.grant->amount});
  reserve(segment);
  if (!answer.grant) return;
  const auto validity_s =
      static_cast<std::uint32_t>(std::max<std::int64_t>(segment_validity_s_[index_of(segment)], 1));
  if (answer.validity_seconds != validity_s) {
    findings_.add("a grant is valid for {} s, not {} s", answer.validity_seconds, validity_s);
  }
  validity_s_ = std::max(validity_s_.value_or(0), validity_s);
}

void ModelCharging::judge_grant(ModelSegment& segment, const ServiceRequest& service,
                                const ServiceAnswer& answer) {
  const engine::Unit unit = unit_of(session_.service);
  const std::optional<std::uint64_t> asked = service.requested->in(unit);
  std::uint64_t wanted = asked.value_or(0);
  if (wanted == 0 && (asked || service.requested->empty())) wanted = segment.quota.standard;
  wanted = std::min(wanted, segment.quota.maximum);
  if (wanted == 0) {
    if (answer.outcome != Outcome::rating_failed || answer.fault != engine::Fault::units) {
      findings_.add("asked for in another unit, outcome {}", number_of(answer.outcome));
    }
    return;
  }
  const std::uint64_t least = std::min(segment.quota.minimum, wanted);
  if (!answer.grant) {
    if (answer.outcome != Outcome::credit_limit_reached || payable(segment, least)) {
      findings_.add("nothing granted (outcome {}) where {} units can be paid",
                    number_of(answer.outcome), least);
    }
    return;
  }
  const std::uint64_t given = answer.grant->amount;
  if (answer.outcome != Outcome::success || answer.grant->unit != unit || given < least ||
      given > wanted) {
    findings_.add("{} units granted of {} (at least {}), outcome {}", given, wanted, least,
                  number_of(answer.outcome));
  } else if (!payable(segment, given)) {
    findings_.add("{} units granted that cannot be paid", given);
  } else if (given < wanted && payable(segment, given + 1)) {
    findings_.add("{} units granted of {}, and more can be paid", given, wanted);
  } else if (answer.final_unit == payable(segment, wanted + least)) {
    findings_.add("a grant of {} is {}final", given, answer.final_unit ? "" : "not ");
  }
}

// --- Reports after the end -----------------------------------------------------------------------

void ModelCharging::late_report(const Request& request, const Answer& answer) {
  if (answer.service_count != request.service_count) {
    findings_.add("{} services reported, {} answered", request.service_count, answer.service_count);
    return;
  }
  for (std::size_t i = 0; i < request.service_count; ++i) {
    ServiceRequest service = request.services[i];
    service.requested.reset();
    if (answer.services[i].outcome != Outcome::success || answer.services[i].grant) {
      findings_.add("outcome {} of a late report", number_of(answer.services[i].outcome));
    }
    if (!service.used) continue;
    ModelSegment& segment = *find_or_open(service);
    segment.price.setup_micros = 0;
    segment.price.minimum = 0;
    use(segment, service.used->in(unit_of(session_.service)).value_or(0));
  }
}

// --- Events --------------------------------------------------------------------------------------

bool ModelCharging::event_request(const Request& request, const Answer& answer) {
  bool moved = false;
  Answer expected;
  if (answer.service_count != request.service_count) {
    findings_.add("{} services asked for, {} answered", request.service_count,
                  answer.service_count);
    return false;
  }
  for (std::size_t i = 0; i < request.service_count; ++i) {
    moved = event_service(request, request.services[i], answer.services[i], expected) || moved;
  }
  if (answer.cost != expected.cost) {
    findings_.add("an event costs {}, not {}", answer.cost ? answer.cost->micros : -1,
                  expected.cost ? expected.cost->micros : -1);
  }
  if (answer.enough_credit != expected.enough_credit) findings_.add("a wrong balance check");
  return moved;
}

bool ModelCharging::event_service(const Request& request, const ServiceRequest& service,
                                  const ServiceAnswer& answer, Answer& expected) {
  session_.segments.emplace_back();
  before_.emplace_back();
  released_.push_back(true);
  segment_validity_s_.push_back(0);
  ModelSegment& segment = session_.segments.back();
  segment.rating_group = group_of(service);
  segment.price = plan_.rule(session_.service, segment.rating_group)->price;
  segment.quota = plan_.quotas[static_cast<std::size_t>(session_.service)];
  const engine::Unit unit = unit_of(session_.service);
  std::uint64_t units = service.requested->in(unit).value_or(0);
  if (service.requested->empty()) units = segment.quota.standard;
  Outcome outcome = Outcome::success;
  bool moved = false;
  const auto chargeable = static_cast<std::int64_t>(chargeable_units(segment.price, units));
  const std::int64_t full = cost_of(segment.price, chargeable) + segment.price.setup_micros;
  const std::int64_t covered = std::min(chargeable, allowance_left(segment));
  const std::int64_t cost =
      cost_of(segment.price, chargeable - covered) + segment.price.setup_micros;
  const bool enough = cost <= account_.available();
  const std::int64_t sum = expected.cost.value_or(engine::Money()).micros;
  if (units == 0) {
    outcome = Outcome::rating_failed;
  } else if (request.action == RequestedAction::price_enquiry) {
    expected.cost = engine::Money(sum + full);
  } else if (request.action == RequestedAction::check_balance) {
    expected.enough_credit = expected.enough_credit.value_or(true) && enough;
    use(segment, units);
  } else if (request.action == RequestedAction::refund_account) {
    account_.charges -= full;
    expected.cost = engine::Money(sum + full);
    moved = true;
  } else if (!enough) {
    outcome = Outcome::credit_limit_reached;
  } else {
    use(segment, units);
    expected.cost = engine::Money(sum + cost);
    moved = true;
  }
  if (answer.outcome != outcome) {
    findings_.add("outcome {} of an event, not {}", number_of(answer.outcome), number_of(outcome));
  }
  if (answer.grant.has_value() != moved || (moved && answer.grant->amount != units)) {
    findings_.add("an event of {} units was answered with others", units);
  }
  return moved;
}

}  // namespace farthing::sim
