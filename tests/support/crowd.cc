#include "tests/support/crowd.h"

#include "tariffs/tariff_file.h"
#include "tests/support/replaced.h"
#include "tests/support/requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace farthing::test {

using engine::Answer;
using engine::Outcome;
using engine::RatingGroup;
using engine::Request;
using engine::RequestedUnits;
using engine::RequestType;
using engine::ServiceRequest;
using engine::UsedUnits;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr std::uint64_t mib = 1 << 20;

constexpr std::string_view many_prices = R"(
tariff: many
currency: CNY
time_zone: Europe/Berlin
valid_from: 2020-01-01T00:00:00
tables: {zones: zones.csv}
calendars:
  week:
    default: day
    classes:
      night: [{days: all, from: 22:00, to: 06:00}]
      noon: [{days: all, from: 12:00, to: 12:10}]
services:
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 2 h, standard: 5 min, minimum: 10 s, validity: 3 h}
    prices:
      - {default: true, zone: eu, time: night, amount: 0.03, per: 1 min, minimum: 20 s}
      - {default: true, zone: eu, time: noon, amount: 0.01, per: 1 min, step: 7 s, rounding: up}
      - {default: true, zone: eu, amount: 0.09, per: 1 min, setup: 0.05}
      - {default: true, zone: sea, time: night, price: none}
      - default: true
        per: 1 s
        tiers: [{upto: 100 s, amount: 0.03}, {upto: 20 min, amount: 0.02}, {amount: 0.001}]
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 10 MiB, standard: 1 MiB, minimum: 1 KiB, validity: 1 h}
    rating_groups: {1: capped, 2: falling, 5: counted, 6: stopped}
    prices:
      - {rating_group: capped, amount: 0.30, per: 1 MiB, cap: {amount: 0.60, every: 4 MiB}}
      - rating_group: falling
        slabs: [{upto: 2 MiB, amount: 0.30}, {amount: 0.10}]
        per: 1 MiB
      - {rating_group: counted, amount: 0.20, per: 1 MiB}
      - {rating_group: stopped, amount: 0.05, per: 1 MiB}
      - {default: true, serving_network: 262, time: [night, noon], amount: 0.03, per: 1 MiB}
      - {default: true, serving_network: 262, amount: 0.10, per: 1 MiB, step: 1 KiB}
      - {default: true, time: night, price: free}
      - {default: true, amount: 1.00, per: 1 MiB, rounding: up}
offers:
  - {name: talk, fee: 0.10, allowance: 10 min, validity: 1 h, covers: [{service: voice}]}
  - {name: surf, fee: 0.20, allowance: 5 MiB, validity: 90 min, covers: [{service: data}]}
)";

// The same with counters.
std::string counted_prices() {
  std::string text = replaced(many_prices, "services:\n", R"(counters:
  octets-day: {unit: octets, period: day, covers: [{service: data, rating_group: counted}]}
  spent-day: {unit: money, period: day}
services:
)");
  text = replaced(text, "      - {rating_group: counted,", R"(      - rating_group: counted
        counted: {octets-day: {from: 3 MiB}}
        amount: 0.02
        per: 1 MiB
      - {rating_group: counted,)");
  return replaced(text, "      - {rating_group: stopped,", R"(      - rating_group: stopped
        counted: {spent-day: {from: 0.40}}
        stop: true
        price: free
      - {rating_group: stopped,)");
}

}  // namespace

tariffs::TariffSource Crowd::source(bool is_counted) {
  return {is_counted ? counted_prices() : std::string(many_prices),
          {{"zones.csv", "prefix,zone\n49,eu\n88,sea\n"}}};
}

Crowd::Crowd(std::uint32_t seed, bool is_counted) : random_(seed), is_counted_(is_counted) {
  const tariffs::TariffSource made_of = source(is_counted);
  auto compiled = tariffs::compile_tariff("many.yaml", made_of);
  if (!compiled.has_value()) {
    throw std::runtime_error(tariffs::to_string(compiled.error().front()));
  }
  engine_.advance(minutes(below(24 * 60)));
  engine_.shard().enter_tariff(*compiled, tariffs::canonical_bytes(made_of));
  engine_.sync();
}

void Crowd::live(int steps) {
  for (int i = 0; i < steps; ++i) {
    const std::uint32_t what = below(100);
    if (what < 15 || open_.empty()) {
      begin();
    } else if (what < 75) {
      go_on(RequestType::update);
    } else if (what < 83) {
      go_on(RequestType::termination);
    } else if (what < 86) {
      static_cast<void>(
          engine::top_up(engine_.shard(), msisdn(), engine::Money(1 + below(500'000)), {}));
    } else if (what < 90) {
      static_cast<void>(
          engine::add_subscription(engine_.shard(), msisdn(), below(2) == 0 ? "talk" : "surf", {}));
    } else {
      engine_.advance(seconds(below(1200)));
    }
    engine_.advance(std::chrono::milliseconds(below(3000)));
    if (below(3) == 0) engine_.sync();
    if (below(20) == 0) engine_.shard().tick();
  }
  engine_.sync();
}

std::string_view Crowd::msisdn() {
  constexpr std::array names = {
      std::string_view("8613800138000"), std::string_view("8613800138001"),
      std::string_view("8613800138002"), std::string_view("8613800138003"),
      std::string_view("8613800138004")};
  return names[below(names.size())];
}

void Crowd::begin() {
  Client client{fmt::format("c{}", ++clients_), msisdn(), below(2) == 0, 0, {}};
  if (client.is_voice) {
    client.uses.push_back({});
  } else {
    for (std::uint32_t n = 1 + below(3); n > 0; --n) {
      Client::Use use{1 + below(6), std::nullopt};
      if (below(3) == 0) use.identifier = below(3);
      const bool is_there = std::ranges::any_of(client.uses, [&use](const Client::Use& known) {
        return known.group == use.group && known.identifier == use.identifier;
      });
      if (!is_there) client.uses.push_back(use);
    }
  }
  open_.push_back(client);
  send(open_.size() - 1, RequestType::initial);
}

void Crowd::go_on(RequestType type) { send(below(open_.size()), type); }

void Crowd::send(std::size_t place, RequestType type) {
  Client& client = open_[place];
  Request request = request_of(type, client.next++, client.id, client.msisdn);
  if (client.is_voice) request.service_context = "32260@3gpp.org";
  if (below(3) > 0) {
    request.event_time =
        std::chrono::floor<seconds>(engine_.now()) - seconds(below(10) == 0 ? 4000 : below(60));
  }
  std::string called = below(2) == 0 ? "tel:+4930123" : below(2) == 0 ? "+88123" : "+1202";
  if (client.is_voice && type == RequestType::initial) request.attributes.push_back({1, called});
  if (!client.is_voice && below(3) == 0) {
    request.attributes.push_back({6, below(2) == 0 ? "26201" : "20801"});
  }
  for (const Client::Use& use : client.uses) {
    ServiceRequest& service = request.add_service();
    if (use.group) service.rating_group = RatingGroup(*use.group);
    if (use.identifier) service.service_identifiers.emplace_back(*use.identifier);
    if (type != RequestType::initial && below(8) > 0) report(service, client, use.granted);
    if (type != RequestType::termination && below(8) > 0) ask(service, client);
  }
  engine_.handle(request);
  const Answer& answer = engine_.shard().answer();
  for (std::size_t i = 0; i < answer.service_count && i < client.uses.size(); ++i) {
    const auto& grant = answer.services[i].grant;
    client.uses[i].granted = grant ? grant->amount : 0;
  }
  const bool is_over = type == RequestType::termination || answer.outcome != Outcome::success;
  if (is_over) open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(place));
}

void Crowd::report(ServiceRequest& service, const Client& client, std::uint64_t granted) {
  const std::uint64_t most = client.is_voice ? 4000 : 3 * mib;
  const std::uint64_t used = below(4) == 0   ? below(most)
                             : granted == 0  ? 0
                             : below(2) == 0 ? granted
                                             : below(granted);
  UsedUnits& units = service.used.emplace();
  (client.is_voice ? units.seconds : units.octets) = used;
  // Where counters make other rules win, the ledger does not tell this apart from that.
  if (below(5) == 0 && !client.is_voice && !is_counted_)
    service.used_after.emplace().octets = used / 3;
}

void Crowd::ask(ServiceRequest& service, const Client& client) {
  RequestedUnits& units = service.requested.emplace();
  if (below(3) == 0) return;
  if (client.is_voice) {
    units.seconds = below(3000);
  } else {
    units.total_octets = below(12 * mib);
  }
}

}  // namespace farthing::test
