#include "tests/engine/records/traffic.h"

#include "engine/operations.h"
#include "tariffs/demo_tariff.h"
#include "tariffs/tariff_file.h"

#include <fmt/format.h>

namespace farthing::test {

using namespace engine;

namespace {

constexpr const char* msisdns[] = {"8613800138000", "8613800138001", "8613800138002",
                                   "8613800138003", "8613800138004", "491700000001"};

}  // namespace

// The demo's tariff, but its bundle costs something.
Traffic::Traffic(unsigned seed) : random_(seed) {
  std::string source(tariffs::demo_tariff_text());
  const std::string_view free = "fee: 0.00";
  source.replace(source.find(free), free.size(), "fee: 1.50");
  auto tariff = tariffs::compile_tariff("demo", source);
  if (!tariff.has_value()) throw std::runtime_error("the demo tariff has changed");
  engine_.shard().enter_tariff(*tariff, source);
}

void Traffic::request(RequestType type, const std::string& session, const std::string& msisdn,
                      std::uint64_t used, std::uint64_t asked) {
  Request request;
  request.clear();
  request.key = {type, ++number_, 0, number_, number_};
  request.session_id = session;
  const bool event = type == RequestType::event;
  request.service_context = event ? "32274@3gpp.org" : "32251@3gpp.org";
  request.identities = {*parse_msisdn(msisdn)};
  const std::string location = fmt::format("\x82{}", number_ % 3);
  request.attributes = {{5, "internet"}, {8, location}};
  request.attributes_hash = number_ % 3 + 1;
  ServiceRequest& service = request.add_service();
  if (!event) service.rating_group = RatingGroup(random_() % 2 == 0 ? 10 : 20);
  if (event) {
    service.requested.emplace().events = asked;
    request.action =
        random_() % 5 == 0 ? RequestedAction::refund_account : RequestedAction::direct_debiting;
  } else {
    if (used > 0) service.used.emplace().octets = used;
    if (asked > 0) service.requested.emplace().total_octets = asked;
  }
  engine_.shard().handle(request);
}

void Traffic::run(int steps) {
  for (int i = 0; i < steps; ++i) {
    const auto choice = random_() % 20;
    const std::string msisdn = msisdns[random_() % std::size(msisdns)];
    const std::size_t at = open_.empty() ? 0 : random_() % open_.size();
    const std::uint64_t used = random_() % 8'000'000;
    if (choice < 4 || open_.empty()) {
      open_.push_back({fmt::format("gw;\"{}\",{}", number_, msisdn), msisdn});
      request(RequestType::initial, open_.back().id, msisdn, 0, 1 << 22);
    } else if (choice < 14) {
      request(RequestType::update, open_[at].id, open_[at].msisdn, used, 1 << 22);
    } else if (choice < 17) {
      request(RequestType::termination, open_[at].id, open_[at].msisdn, used, 0);
      open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (choice < 18) {
      request(RequestType::event, fmt::format("sms;{}", number_), msisdn, 0, 1 + random_() % 3);
    } else if (choice < 19) {
      static_cast<void>(close_session(engine_.shard(), open_[at].id));
      open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (random_() % 10 == 0) {
      engine_.advance(std::chrono::hours(9));  // all open ones expire
      while (engine_.shard().tick()) {
      }
      open_.clear();
    } else {
      static_cast<void>(add_subscription(engine_.shard(), msisdn, "bundle-1g", {"test", "", ""}));
    }
    engine_.advance(std::chrono::seconds(random_() % 20));
    if (random_() % 4 == 0) engine_.shard().end_turn();
    if (random_() % 4 == 0) engine_.sync();
  }
  engine_.sync();
}

}  // namespace farthing::test
