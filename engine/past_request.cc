#include "engine/past_request.h"

#include "engine/base/saturating.h"
#include "engine/outcome.h"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

namespace farthing::engine {

namespace {

using tariffs::RuleNumber;

void ask(ServiceRequest& service, Unit unit, std::uint64_t amount) {
  RequestedUnits& requested = service.requested.emplace();
  switch (unit) {
    case Unit::seconds:
      requested.seconds = static_cast<std::uint32_t>(
          std::min<std::uint64_t>(amount, std::numeric_limits<std::uint32_t>::max()));
      break;
    case Unit::octets:
      requested.total_octets = amount;
      break;
    case Unit::events:
      requested.events = amount;
      break;
    case Unit::money:
      requested.money = Money(static_cast<std::int64_t>(amount));
      break;
  }
}

// Nothing is granted, and yet all is done that comes before a grant.
void ask_in_vain(ServiceRequest& service, std::optional<Unit> priced_in) {
  if (priced_in == Unit::money) {
    ask(service, Unit::money, 0);
  } else {
    ask(service, priced_in == Unit::seconds ? Unit::events : Unit::seconds, 1);
  }
}

void report(ServiceRequest& service, Unit unit, std::uint64_t amount) {
  if (!service.used) service.used.emplace();
  UsedUnits& used = *service.used;
  auto add = [amount](std::optional<std::uint64_t>& units) {
    units = base::saturating_add(units.value_or(0), amount);
  };
  switch (unit) {
    case Unit::seconds:
      return add(used.seconds);
    case Unit::octets:
      return add(used.octets);
    case Unit::events:
      return add(used.events);
    case Unit::money:
      used.money = Money(used.money.value_or(Money()).micros + static_cast<std::int64_t>(amount));
      return;
  }
}

void report_after(ServiceRequest& service, Unit unit, std::uint64_t amount) {
  ServiceRequest after;
  after.used = service.used_after;
  report(after, unit, amount);
  service.used_after = after.used;
}

}  // namespace

// --- The session ---------------------------------------------------------------------------------

PastSession::PastSession(const Session& session) : grants_(session.grants) {
  for (const engine::Segment& segment : session.segments) {
    add({segment.rating_group, segment.service, segment.terms.unit, segment.version, segment.rule});
  }
}

void PastSession::add(const Segment& segment) {
  segments_.push_back(segment);
  knows_unnamed_ = knows_unnamed_ || (!segment.rating_group && segment.unit != Unit::money);
}

void PastSession::open_segments(const Entry& entry) {
  knew_unnamed_ = knows_unnamed_;
  for (const SegmentOpening& opening : entry.openings) {
    add({opening.rating_group, opening.service, opening.terms.unit, opening.version, opening.rule});
  }
}

void PastSession::take_grants(const Entry& entry) {
  for (const GrantChange& change : entry.grants) {
    const auto place = std::ranges::lower_bound(
        grants_, std::pair(change.segment, change.services), {},
        [](const HeldGrant& grant) { return std::pair(grant.segment, grant.services); });
    const bool is_known = place != grants_.end() && place->segment == change.segment &&
                          place->services == change.services;
    if (change.units == 0) {
      if (is_known) grants_.erase(place);
    } else if (is_known) {
      place->units = change.units;
    } else {
      grants_.insert(place, {change.segment, change.final_unit, change.services, change.units});
    }
  }
}

std::optional<Unit> PastSession::unit_of(const std::optional<RatingGroup>& group) const {
  std::optional<Unit> found;
  for (const Segment& segment : segments_) {
    if (segment.rating_group != group) continue;
    if (segment.unit != Unit::money) return segment.unit;
    found = segment.unit;
  }
  return found;
}

std::optional<RuleNumber> PastSession::granted_rule(const std::optional<RatingGroup>& group,
                                                    std::optional<std::uint32_t> services) const {
  for (const HeldGrant& grant : grants_) {
    const Segment* const of = segment(grant.segment);
    if (of == nullptr || of->unit == Unit::money || of->rating_group != group) continue;
    if (!services || *services == grant.services) return of->rule;
  }
  return std::nullopt;
}

// --- The request ---------------------------------------------------------------------------------

bool PastRequestReader::read(const Entry& entry, const PastSession& known, Request& request) {
  request.clear();
  unnamed_group_.reset();
  is_counted_ = !entry.counter_changes.empty();
  if (!entry.request || !decode_outcome(entry.outcome, answer_)) return false;
  request.session_id = entry.session_id;
  request.service_context = entry.service_context;
  request.key = entry.request->key;
  if (!entry.request->server_time_used) request.event_time = entry.request->rated_at;
  if (!decode_attributes(entry.attributes, request.attributes)) return false;
  // A session's entry holds what has changed: none is what the session's own fingerprint says.
  request.attributes_hash = entry.attributes.empty() ? 0 : 1;
  if (request.key.type != RequestType::event) return read_session(entry, known, request);
  if (entry.kind == EntryKind::event_refunded) request.action = RequestedAction::refund_account;
  read_event(request);
  return true;
}

// Of an event, what was refused left no trace on the account.
void PastRequestReader::read_event(Request& request) const {
  for (std::size_t i = 0; i < answer_.service_count; ++i) {
    const ServiceAnswer& answer = answer_.services[i];
    if (!answer.grant) continue;
    ServiceRequest& service = request.add_service();
    service.rating_group = answer.rating_group;
    service.service_identifiers = answer.service_identifiers;
    ask(service, answer.grant->unit, answer.grant->amount);
  }
}

bool PastRequestReader::read_session(const Entry& entry, const PastSession& known,
                                     Request& request) {
  for (std::size_t i = 0; i < answer_.service_count; ++i) {
    const ServiceAnswer& answer = answer_.services[i];
    ServiceRequest& service = request.add_service();
    service.rating_group = answer.rating_group;
    service.service_identifiers = answer.service_identifiers;
    // Refused all the same, it could not have acted.
    if (answer.outcome == Outcome::credit_limit_reached) request.client.acts_at_end = false;
    if (answer.grant) {
      ask(service, answer.grant->unit, answer.grant->amount);
    } else if (answer.outcome != Outcome::success || answer.final_unit) {
      ask_in_vain(service, known.unit_of(answer.rating_group));
    }
  }
  if (!find_latest_users(entry, known, request, Order::strict) &&
      !find_latest_users(entry, known, request, Order::loose)) {
    return false;
  }
  std::size_t user = 0;
  for (std::size_t i = 0; i < entry.uses.size(); ++i) {
    user = user_of(entry, i, user, known, request);
    add_use(entry.uses[i], known, request.services[user]);
  }
  note_empty_reports(entry, known, request);
  return true;
}

// A report that names no rating group is of the only one that holds units, where nothing is known
// without one.
bool PastRequestReader::may_be_of(const ServiceRequest& service,
                                  const PastSession::Segment& segment, const PastSession& known) {
  if (service.rating_group == segment.rating_group) return true;
  return !service.rating_group && !service.requested && !known.knew_unnamed();
}

// Whether two uses, one after the other, cannot be of one service: it has units of one rating
// group, and what follows in the same segment is another one's.
bool PastRequestReader::are_of_two(const SegmentUse& one, const SegmentUse& next,
                                   const PastSession& known) {
  if (one.index == next.index) return true;
  const PastSession::Segment& a = *known.segment(one.index);
  const PastSession::Segment& b = *known.segment(next.index);
  return a.unit != Unit::money && b.unit != Unit::money && a.rating_group != b.rating_group;
}

// Uses are in the order of the services: the latest service that each can be of. False: the answer
// names none for one of them. Strictly, two uses of which one service has only one are of two;
// that was once otherwise.
bool PastRequestReader::find_latest_users(const Entry& entry, const PastSession& known,
                                          const Request& request, Order order) {
  const std::vector<SegmentUse>& uses = entry.uses;
  latest_.assign(uses.size(), 0);
  std::size_t end = request.service_count;
  for (std::size_t i = uses.size(); i-- > 0;) {
    const PastSession::Segment* const segment = known.segment(uses[i].index);
    if (segment == nullptr) return false;
    auto latest_before = [&](std::size_t before) {
      while (before > 0 && !may_be_of(request.services[before - 1], *segment, known)) --before;
      return before;
    };
    const bool is_before =
        order == Order::strict && i + 1 < uses.size() && are_of_two(uses[i], uses[i + 1], known);
    const std::size_t found = latest_before(is_before ? end - 1 : end);
    if (found == 0) return false;
    latest_[i] = found - 1;
    end = found;
  }
  return true;
}

// The service of a use, from that of the one before on: if it can be, one that held a grant of the
// use's rule.
std::size_t PastRequestReader::user_of(const Entry& entry, std::size_t use, std::size_t before,
                                       const PastSession& known, const Request& request) const {
  const std::size_t latest = latest_[use];
  if (request.service_count == 1 || before == latest) return latest;
  const std::vector<SegmentUse>& uses = entry.uses;
  const PastSession::Segment& segment = *known.segment(uses[use].index);
  const bool is_next =
      use > 0 && (are_of_two(uses[use - 1], uses[use], known) ||
                  (segment.unit == Unit::seconds && ends_report(entry, use - 1, known)));
  std::optional<std::size_t> found;
  bool is_found_named = false;
  for (std::size_t i = before + (is_next ? 1 : 0); i <= latest; ++i) {
    const ServiceRequest& service = request.services[i];
    if (!may_be_of(service, segment, known)) continue;
    const bool is_named = service.rating_group == segment.rating_group;
    if (!is_named && unnamed_group_ && unnamed_group_ != segment.rating_group) continue;
    const bool was_granted =
        known.granted_rule(segment.rating_group,
                           service_identifiers_key(service.service_identifiers)) == segment.rule;
    if (!found || was_granted || (is_named && !is_found_named)) found = i;
    is_found_named = is_found_named || is_named;
    if (is_named && (was_granted || segment.unit == Unit::seconds)) break;
  }
  return found.value_or(latest);
}

// Each service's time ends with the report, and so in the segment of the last of all.
bool PastRequestReader::ends_report(const Entry& entry, std::size_t use, const PastSession& known) {
  const PastSession::Segment& segment = *known.segment(entry.uses[use].index);
  const auto last =
      std::find_if(entry.uses.rbegin(), entry.uses.rend(), [&](const SegmentUse& later) {
        const PastSession::Segment& of = *known.segment(later.index);
        return of.rating_group == segment.rating_group && of.unit == segment.unit;
      });
  return last->index == entry.uses[use].index;
}

void PastRequestReader::add_use(const SegmentUse& use, const PastSession& known,
                                ServiceRequest& service) {
  const PastSession::Segment& segment = *known.segment(use.index);
  report(service, segment.unit, use.units);
  const bool is_named = service.rating_group == segment.rating_group;
  if (!is_named) unnamed_group_ = segment.rating_group;
  if (segment.unit == Unit::money || segment.unit == Unit::seconds || is_counted_) return;
  // Of another rule than the one under which it was granted is what was used after that.
  const std::uint32_t services = service_identifiers_key(service.service_identifiers);
  const auto granted =
      known.granted_rule(segment.rating_group, is_named ? std::optional(services) : std::nullopt);
  if (granted && *granted != segment.rule) report_after(service, segment.unit, use.units);
}

// The segment that a service opened which neither asks nor has used anything. nullptr: another one
// of its rating group did, which can be seen where there is one between the two.
const SegmentOpening* PastRequestReader::opening_by(const Entry& entry, const Request& request,
                                                    std::size_t service) {
  auto opening_of = [&entry](const ServiceRequest& of) {
    const auto found =
        std::ranges::find(entry.openings, of.rating_group, &SegmentOpening::rating_group);
    return found == entry.openings.end() ? nullptr : &*found;
  };
  const ServiceRequest& silent = request.services[service];
  const SegmentOpening* const opening = opening_of(silent);
  if (opening == nullptr) return nullptr;
  bool is_before_another = false;
  for (std::size_t i = service + 1; i < request.service_count; ++i) {
    const ServiceRequest& other = request.services[i];
    if (!other.requested && !other.used) continue;
    if (other.rating_group == silent.rating_group) return is_before_another ? opening : nullptr;
    const SegmentOpening* const its = opening_of(other);
    is_before_another = is_before_another || (its != nullptr && its->index > opening->index);
  }
  for (std::size_t i = 0; i < service; ++i) {
    const ServiceRequest& other = request.services[i];
    if (other.rating_group == silent.rating_group && (other.requested || other.used)) {
      return nullptr;
    }
  }
  return opening;
}

// A report of nothing leaves no use, but it opens a segment or, without a rating group, gives up
// what was granted.
void PastRequestReader::note_empty_reports(const Entry& entry, const PastSession& known,
                                           Request& request) const {
  const auto services = std::span(request.services).first(request.service_count);
  const bool gives_up = std::ranges::any_of(entry.grants, [&](const GrantChange& change) {
    const PastSession::Segment* const of = known.segment(change.segment);
    if (change.units != 0 || of == nullptr) return false;
    return std::ranges::none_of(services, [&](const ServiceRequest& service) {
      return service.rating_group == of->rating_group &&
             service_identifiers_key(service.service_identifiers) == change.services;
    });
  });
  for (std::size_t i = 0; i < services.size(); ++i) {
    ServiceRequest& service = services[i];
    if (service.requested || service.used) continue;
    if (const SegmentOpening* const opening = opening_by(entry, request, i)) {
      report(service, opening->terms.unit, 0);
    } else if (!service.rating_group && gives_up) {
      report(service, Unit::octets, 0);
    }
  }
}

}  // namespace farthing::engine
