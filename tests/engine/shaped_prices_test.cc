// What a session costs under tiers, slabs, first blocks and caps, against the price of all its
// usage: however it is cut into reports, and whatever a grant was good for.
#include "engine/operations.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

namespace farthing::engine {
namespace {

using test::TestEngine;

// 10,000 cases (RC_PARAMS, where it is set, decides).
[[maybe_unused]] const int many_cases = setenv("RC_PARAMS", "max_success=10000", 0);

constexpr std::string_view anna = "8613800138000";  // 100.00

constexpr std::string_view tariff_text = R"(
tariff: shapes
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2026-01-01T00:00:00
services:
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 10 min, minimum: 1 s, validity: 1 h}
    rating_groups: {1: tiers, 2: falling, 3: capped, 4: first, 5: rising}
    prices:
      - rating_group: tiers
        per: 1 s
        tiers: [{upto: 10 s, amount: 3.00}, {upto: 20 s, amount: 2.00}, {amount: 0.01}]
      - rating_group: falling
        per: 1 s
        slabs: [{upto: 10 s, amount: 3.00}, {amount: 1.00}]
      - {rating_group: capped, amount: 0.30, per: 1 s, cap: {amount: 6.00, every: 100 s}}
      - {rating_group: first, first: {units: 7 s, amount: 1.00}, amount: 0.02, per: 1 s}
      - rating_group: rising
        slabs: [{upto: 30 s, amount: 0.01, per: 2 s}, {amount: 0.05, per: 3 s}]
        cap: {amount: 4.00}
)";

// Written down from the tariff's words; in millionths.
std::int64_t price(std::size_t group, std::int64_t seconds) {
  constexpr std::int64_t cent = 10'000;
  switch (group) {
    case 0: {
      const std::int64_t first = std::min<std::int64_t>(seconds, 10);
      const std::int64_t second = std::clamp<std::int64_t>(seconds - 10, 0, 10);
      return (300 * first + 200 * second + (seconds - first - second)) * cent;
    }
    case 1:
      return seconds * (seconds <= 10 ? 300 : 100) * cent;
    case 2:
      return (seconds / 100 * 600 + std::min<std::int64_t>(seconds % 100 * 30, 600)) * cent;
    case 3:
      return seconds == 0 ? 0 : (100 + std::max<std::int64_t>(seconds - 7, 0) * 2) * cent;
    default: {
      // Of a third of a cent: 16,666.67 are 16,667.
      const std::int64_t exact = seconds <= 30 ? seconds * cent * 3 : seconds * 5 * cent * 2;
      return std::min((2 * exact + 6) / 12, 400 * cent);
    }
  }
}

struct Step {
  std::array<std::uint16_t, 5> used;  // of what is granted, or beyond it
  std::uint16_t asked;                // of each; 0: as much as the tariff says
  bool asks;
  bool crash;
};

void showValue(const Step& step, std::ostream& out) {
  for (std::uint16_t used : step.used) out << used << ' ';
  if (step.asks) out << "asks " << step.asked;
  out << (step.crash ? " crash" : "");
}

rc::Gen<std::vector<Step>> any_steps() {
  const auto seconds = rc::gen::oneOf(rc::gen::inRange<std::uint16_t>(0, 12),
                                      rc::gen::inRange<std::uint16_t>(0, 700));
  return rc::gen::container<std::vector<Step>>(rc::gen::build<Step>(
      rc::gen::set(&Step::used, rc::gen::container<std::array<std::uint16_t, 5>>(seconds)),
      rc::gen::set(&Step::asked, rc::gen::inRange<std::uint16_t>(0, 25)), rc::gen::set(&Step::asks),
      rc::gen::set(&Step::crash,
                   rc::gen::map(rc::gen::inRange(0, 60), [](int n) { return n == 0; }))));
}

// One session with a service of each rating group.
class Client {
 public:
  Client() {
    const auto compiled = tariffs::compile_tariff("shapes.yaml", tariff_text);
    RC_ASSERT(compiled.has_value());
    engine_.shard().enter_tariff(*compiled, std::string(tariff_text));
    engine_.sync();
    ask(RequestType::initial, nullptr, 0);
  }

  // Reports; `granted` is then what each service holds.
  void ask(RequestType type, const std::array<std::uint64_t, 5>* used,
           std::optional<std::uint16_t> asked) {
    request_.clear();
    request_.key = {type, number_, 0, number_ + 7u, number_ + 100u};
    ++number_;
    request_.session_id = "s";
    request_.service_context = "32260@3gpp.org";
    request_.identities = {*parse_msisdn(anna)};
    for (std::uint32_t i = 0; i < granted.size(); ++i) {
      ServiceRequest& service = request_.add_service();
      service.rating_group = RatingGroup(i + 1);
      if (used != nullptr) service.used.emplace().seconds = (*used)[i];
      if (!asked) continue;
      service.requested.emplace();
      if (*asked > 0) service.requested->seconds = *asked;
    }
    engine_.handle(request_);
    const Answer& answer = engine_.shard().answer();
    for (std::size_t i = 0; i < granted.size(); ++i) {
      granted[i] = answer.services[i].grant ? answer.services[i].grant->amount : 0;
    }
    RC_ASSERT(test::broken_invariant(engine_.shard().book()) == "");
  }
  // With the session in the ledger only, or in the checkpoint, too.
  void crash(bool written_back) {
    engine_.sync();
    if (written_back) engine_.checkpoint();
    engine_.crash_and_restart();
  }
  const Account& account() { return *engine_.shard().book().find_account(anna); }

  std::array<std::uint64_t, 5> granted{};

 private:
  TestEngine engine_;
  Request request_;
  std::uint32_t number_ = 0;
};

std::int64_t price_of_all(const std::array<std::uint64_t, 5>& used) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < used.size(); ++i) sum += price(i, static_cast<std::int64_t>(used[i]));
  return sum;
}

RC_GTEST_PROP(ShapedPrices, ASessionCostsThePriceOfItsUsageHoweverItIsCut, ()) {
  Client client;
  std::array<std::uint64_t, 5> all{};
  for (const Step& step : *any_steps()) {
    std::array<std::uint64_t, 5> used{};
    for (std::size_t i = 0; i < used.size(); ++i) all[i] += used[i] = step.used[i];
    client.ask(RequestType::update, &used, step.asks ? std::optional(step.asked) : std::nullopt);
    if (step.crash) client.crash(step.asks);
    const Account& account = client.account();
    RC_ASSERT(100'000'000 - account.balance().micros + account.overage_micros == price_of_all(all));
  }
  client.ask(RequestType::termination, nullptr, std::nullopt);
  RC_ASSERT(client.account().reserved_micros == 0);
}

RC_GTEST_PROP(ShapedPrices, WhatIsGrantedCanBePaid, ()) {
  Client client;
  std::array<std::uint64_t, 5> all{};
  for (const Step& step : *any_steps()) {
    std::array<std::uint64_t, 5> used{};
    for (std::size_t i = 0; i < used.size(); ++i) {
      all[i] += used[i] = std::min<std::uint64_t>(step.used[i], client.granted[i]);
    }
    client.ask(RequestType::update, &used, step.asked);
    const Account& account = client.account();
    RC_ASSERT(account.overage_micros == 0);
    RC_ASSERT(account.main_micros >= 0);
    RC_ASSERT(100'000'000 - account.balance().micros == price_of_all(all));
  }
}

}  // namespace
}  // namespace farthing::engine
