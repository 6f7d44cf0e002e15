#include "tools/sim/traffic.h"

#include "engine/attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

namespace farthing::sim {

namespace {

using engine::Request;
using engine::RequestedAction;
using engine::RequestType;
using engine::ServiceRequest;

constexpr std::size_t open_sessions_max = 40;
constexpr std::size_t uses_max = 5;  // of one session
// Duplicates are remembered for a day; an older one is nobody's duplicate any more.
constexpr engine::Duration repeated_within = std::chrono::hours(20);
constexpr std::size_t repeated_of_last = 200;

// Nobody waits for its answer.
bool is_over(Traffic::Call::State state) {
  return state == Traffic::Call::State::answered || state == Traffic::Call::State::given_up;
}

constexpr std::array<std::string_view, 3> places = {"460-00", "262-01", "505-03"};

std::uint64_t usual_units(Service service) {
  constexpr std::array<std::uint64_t, services.size()> usual = {400'000, 180, 2};
  return usual[static_cast<std::size_t>(service)];
}

}  // namespace

std::string_view Traffic::new_id(std::string_view prefix) {
  return ids_.emplace_back(fmt::format("{};{}", prefix, ids_.size()));
}

std::size_t Traffic::new_call(Time now, std::size_t session) {
  Call& call = calls_.emplace_back();
  call.session = session;
  call.first_sent = now;
  call.request.key.content = random_.next();
  call.request.key.end_to_end = static_cast<std::uint32_t>(random_.next());
  set_time(call.request, now);
  return calls_.size() - 1;
}

// Event-Timestamps are whole seconds; some come late, some from clocks that are wrong.
void Traffic::set_time(Request& request, Time now) {
  if (random_.chance(40)) return;
  const Time second = std::chrono::floor<std::chrono::seconds>(now);
  request.event_time = second - std::chrono::seconds(random_.below(random_.chance(80) ? 5 : 900));
  if (random_.chance(3)) request.event_time = second - std::chrono::hours(25);
  if (random_.chance(3)) request.event_time = second + std::chrono::seconds(random_.below(900));
}

void Traffic::identify(Request& request, const Person& person) {
  request.identities = {person.msisdn};
  if (person.imsi.kind() != engine::Identity::Kind::none && random_.chance(40)) {
    request.identities = {person.imsi};
    if (random_.chance(50)) request.identities.push_back(person.msisdn);
  }
  if (random_.chance(2)) {  // a stranger's identity is passed over
    request.identities.push_back(*engine::Identity::make(engine::Identity::Kind::imsi, "99999"));
  }
  if (random_.chance(1)) request.identities.push_back(random_.pick(people_).msisdn);
}

void Traffic::add_use(Session& session) {
  Use use;
  if (!session.command_level) {
    if (random_.chance(85)) use.rating_group = random_.pick(known_rating_groups);
    if (random_.chance(10)) use.rating_group = 77;
    if (random_.chance(5)) use.rating_group.reset();
    if (random_.chance(15)) {
      use.identifiers = {engine::ServiceIdentifier(static_cast<std::uint32_t>(random_.below(3)))};
    }
  }
  for (const Use& known : session.uses) {
    if (known.rating_group == use.rating_group && known.identifiers == use.identifiers) return;
  }
  session.uses.push_back(std::move(use));
}

void Traffic::ask(ServiceRequest& service, Service of) {
  engine::RequestedUnits& units = service.requested.emplace();
  if (random_.chance(25)) return;  // the server decides
  const std::uint64_t amount = random_.below(2 * usual_units(of));
  const bool wrong_unit = random_.chance(2);
  switch (wrong_unit ? Service::voice : of) {
    case Service::data:
      if (random_.chance(80)) {
        units.total_octets = amount;
      } else {
        units.input_octets = amount / 3;
        units.output_octets = amount - amount / 3;
      }
      break;
    case Service::voice:
      units.seconds = static_cast<std::uint32_t>(amount);
      break;
    case Service::messages:
      units.events = amount;
      break;
  }
}

void Traffic::report(ServiceRequest& service, Service of, std::uint64_t granted) {
  const std::uint64_t luck = random_.below(100);
  std::uint64_t units = granted;
  if (luck < 50) units = random_.below(granted + 1);
  if (luck >= 90) units = random_.below(3 * granted + 10);  // more than it may
  engine::UsedUnits& used = service.used.emplace();
  switch (of) {
    case Service::data:
      used.octets = units;
      break;
    case Service::voice:
      used.seconds = units;
      break;
    case Service::messages:
      used.events = units;
      break;
  }
}

std::optional<std::size_t> Traffic::begin_session(Time now) {
  if (open_.size() >= open_sessions_max || people_.empty()) return std::nullopt;
  const std::size_t place = sessions_.size();
  Session& session = sessions_.emplace_back();
  open_.push_back(place);
  session.id = new_id("session");
  const std::uint64_t luck = random_.below(10);
  session.service = luck < 6 ? Service::data : (luck < 9 ? Service::voice : Service::messages);
  session.person = static_cast<std::size_t>(random_.below(people_.size()));
  session.command_level = session.service != Service::data && random_.chance(60);
  session.location = random_.pick(places);
  add_use(session);
  while (!session.command_level && session.uses.size() < uses_max && random_.chance(40)) {
    add_use(session);
  }
  const std::size_t number = new_call(now, place);
  Request& request = calls_[number].request;
  request.session_id = session.id;
  request.key.type = RequestType::initial;
  request.key.number = session.next_number++;
  request.service_context = context_of(session.service);
  request.command_level = session.command_level;
  identify(request, people_[session.person]);
  request.attributes = {
      {static_cast<std::uint8_t>(engine::AttributeId::serving_network), session.location}};
  for (const Use& use : session.uses) {
    ServiceRequest& service = request.add_service();
    if (use.rating_group) service.rating_group = engine::RatingGroup(*use.rating_group);
    service.service_identifiers = use.identifiers;
    if (!random_.chance(5)) ask(service, session.service);
  }
  return number;
}

std::optional<std::size_t> Traffic::follow_up(RequestType type, Time now) {
  if (open_.empty()) return std::nullopt;
  const std::size_t at = static_cast<std::size_t>(random_.below(open_.size()));
  const std::size_t place = open_[at];
  Session& session = sessions_[place];
  const bool ends = type == RequestType::termination;
  if (ends) open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(at));
  const std::size_t number = new_call(now, place);
  Request& request = calls_[number].request;
  request.session_id = session.id;
  request.key.type = type;
  request.key.number = session.next_number++;
  request.service_context = context_of(session.service);
  request.command_level = session.command_level;
  identify(request, people_[session.person]);
  if (random_.chance(5)) session.location = random_.pick(places);
  request.attributes = {
      {static_cast<std::uint8_t>(engine::AttributeId::serving_network), random_.pick(places)}};
  if (!session.command_level && session.uses.size() < uses_max && !ends && random_.chance(8)) {
    add_use(session);
  }
  for (Use& use : session.uses) {
    if (session.uses.size() > 1 && random_.chance(30)) continue;
    ServiceRequest& service = request.add_service();
    if (use.rating_group) service.rating_group = engine::RatingGroup(*use.rating_group);
    service.service_identifiers = use.identifiers;
    if (!random_.chance(10)) report(service, session.service, use.granted);
    if (!ends && !random_.chance(7)) ask(service, session.service);
    // Some clients name no rating group in their last report.
    if (!service.requested && service.used && random_.chance(20)) {
      service.rating_group.reset();
      service.service_identifiers.clear();
    }
  }
  return number;
}

std::optional<std::size_t> Traffic::update_session(Time now) {
  return follow_up(RequestType::update, now);
}

std::optional<std::size_t> Traffic::end_session(Time now) {
  return follow_up(RequestType::termination, now);
}

std::optional<std::size_t> Traffic::event(Time now) {
  if (people_.empty()) return std::nullopt;
  const std::size_t number = new_call(now, no_session);
  Request& request = calls_[number].request;
  const std::uint64_t luck = random_.below(10);
  const Service of = luck < 6 ? Service::messages : (luck < 8 ? Service::data : Service::voice);
  constexpr std::array actions = {RequestedAction::direct_debiting,
                                  RequestedAction::direct_debiting, RequestedAction::refund_account,
                                  RequestedAction::check_balance, RequestedAction::price_enquiry};
  request.session_id = new_id("event");
  request.key.type = RequestType::event;
  request.action = random_.pick(actions);
  request.service_context = context_of(of);
  request.command_level = random_.chance(50);
  identify(request, random_.pick(people_));
  const std::uint64_t count = request.command_level ? 1 : random_.between(1, 2);
  for (std::uint64_t i = 0; i < count; ++i) {
    ServiceRequest& service = request.add_service();
    if (!request.command_level && random_.chance(70)) {
      service.rating_group = engine::RatingGroup(random_.pick(known_rating_groups));
    }
    ask(service, of);
  }
  return number;
}

std::optional<std::size_t> Traffic::stray(Time now) {
  const std::size_t number = new_call(now, no_session);
  Request& request = calls_[number].request;
  request.session_id = new_id("stray");
  request.key.type = random_.chance(50) ? RequestType::update : RequestType::initial;
  request.service_context = context_of(Service::data);
  request.identities = {*engine::Identity::make(engine::Identity::Kind::e164, "1000")};
  ask(request.add_service(), Service::data);
  return number;
}

// The same bytes; the T flag, also with everything else another; or the same End-to-End-Id with
// other content.
std::optional<std::size_t> Traffic::duplicate(Time now) {
  if (calls_.empty()) return std::nullopt;
  const std::size_t recent =
      std::min<std::size_t>(calls_.size(), random_.chance(80) ? 40 : repeated_of_last);
  const std::size_t original = calls_.size() - 1 - static_cast<std::size_t>(random_.below(recent));
  if (now - calls_[original].first_sent > repeated_within) return std::nullopt;
  Call copy;
  copy.request = calls_[original].request;
  copy.first_sent = calls_[original].first_sent;
  copy.sent_after = calls_[original].sent_after;
  // No other content where it could open a session anew that has ended: Session-Ids are used once.
  const bool opens = copy.request.key.type == RequestType::initial;
  const std::uint64_t luck = random_.below(opens ? 8 : 10);
  if (luck >= 4) copy.request.retransmitted = true;
  if (luck == 8) {
    copy.request.key.content = random_.next();
    copy.request.key.end_to_end = static_cast<std::uint32_t>(random_.next());
  }
  if (luck == 9) {
    copy.request.retransmitted = false;
    copy.request.key.content = random_.next();
  }
  calls_.push_back(std::move(copy));
  return calls_.size() - 1;
}

std::optional<std::size_t> Traffic::send_again(Time now) {
  if (to_send_again_.empty()) return std::nullopt;
  // Mostly in the order in which they were sent first.
  const std::size_t at =
      random_.chance(80) ? 0 : static_cast<std::size_t>(random_.below(to_send_again_.size()));
  const std::size_t number = to_send_again_[at];
  to_send_again_.erase(to_send_again_.begin() + static_cast<std::ptrdiff_t>(at));
  if (is_given_up(number, now)) return std::nullopt;
  calls_[number].request.retransmitted = true;
  calls_[number].state = Call::State::on_its_way;
  return number;
}

bool Traffic::is_given_up(std::size_t number, Time now) {
  Call& call = calls_[number];
  if (now - call.first_sent > repeated_within) call.state = Call::State::given_up;
  return call.state == Call::State::given_up;
}

void Traffic::reached(std::size_t number) {
  Call& call = calls_[number];
  call.state = Call::State::answered;
  if (call.session == no_session) return;
  Session& session = sessions_[call.session];
  for (std::size_t i = 0; i < call.answer.service_count; ++i) {
    const engine::ServiceAnswer& given = call.answer.services[i];
    for (Use& use : session.uses) {
      const std::optional<std::uint32_t> group =
          given.rating_group ? std::optional(given.rating_group->value) : std::nullopt;
      if (use.rating_group != group || use.identifiers != given.service_identifiers) continue;
      use.granted = given.grant ? given.grant->amount : 0;
    }
  }
  const bool refused = call.request.key.type == RequestType::initial &&
                       call.answer.outcome != engine::Outcome::success;
  // A refused client mostly takes no for an answer.
  if ((refused || call.answer.outcome == engine::Outcome::unknown_session) && random_.chance(90)) {
    std::erase(open_, call.session);
  }
}

void Traffic::went_astray(std::size_t number) {
  calls_[number].state = Call::State::to_send_again;
  to_send_again_.push_back(number);
}

// Copies were first sent when their originals were.
void Traffic::sent(std::size_t number, engine::Sequence ledger_end) {
  Call& call = calls_[number];
  if (!call.sent_after) call.sent_after = ledger_end;
}

// A report that comes late is charged as long as all of its session can be read.
engine::Sequence Traffic::oldest_needed() const {
  engine::Sequence oldest(UINT64_MAX);
  std::unordered_map<std::string_view, engine::Sequence> begun;
  for (std::size_t number = 0; number < calls_.size(); ++number) {
    const Call& call = calls_[number];
    if (call.sent_after) {
      const auto [first, is_new] = begun.try_emplace(call.request.session_id, *call.sent_after);
      if (!is_new) first->second = std::min(first->second, *call.sent_after);
    }
    const bool may_be_repeated = calls_.size() - number <= repeated_of_last;
    if (is_over(call.state) && !may_be_repeated) continue;
    const auto first = begun.find(call.request.session_id);
    if (first != begun.end()) oldest = std::min(oldest, engine::Sequence(first->second.value + 1));
  }
  return oldest;
}

// What was entered and lost leaves its numbers to others.
void Traffic::server_lost(engine::Sequence end) {
  for (std::size_t number = 0; number < calls_.size(); ++number) {
    if (auto& after = calls_[number].sent_after) after = std::min(*after, end);
    const Call::State state = calls_[number].state;
    if (!is_over(state) && state != Call::State::to_send_again) {
      went_astray(number);
    }
  }
}

std::size_t Traffic::waiting() const {
  return static_cast<std::size_t>(std::ranges::count_if(calls_, [](const Call& call) {
    return call.state == Call::State::decided || call.state == Call::State::parked;
  }));
}

std::optional<std::string> Traffic::some_session_id() {
  if (open_.empty()) return std::nullopt;
  return sessions_[random_.pick(open_)].id;
}

}  // namespace farthing::sim
