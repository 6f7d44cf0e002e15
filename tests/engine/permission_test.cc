// What a subscriber may use: subscriptions and switches that a price asks for, and prices by what
// is said of it, as sessions and events meet them.
#include "engine/operations.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace farthing::engine {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using test::TestEngine;

constexpr std::string_view anna = "8613800138000";  // 100.00
constexpr std::string_view bert = "8613800138077";  // of the same account
constexpr std::string_view data = "32251@3gpp.org";
constexpr std::string_view voice = "32260@3gpp.org";
constexpr std::string_view messages = "32274@3gpp.org";
constexpr std::uint32_t web = 10;
constexpr std::uint32_t video = 20;
constexpr std::uint32_t games = 30;
constexpr std::uint64_t mib = 1u << 20;
const Note note{"anna", "test", ""};

constexpr std::string_view tariff_text = R"(tariff: asking
currency: CNY
time_zone: UTC
valid_from: 2026-01-01T00:00:00
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 10 MiB, minimum: 1 KiB, validity: 1 h}
    rating_groups: {10: web, 20: video, 30: games}
    prices:
      - {rating_group: web, amount: 0.10, per: 1 MiB}
      - {rating_group: video, subscription: required, amount: 0.05, per: 1 MiB}
      - {rating_group: games, subscription: required, price: free}
      - {default: true, price: none}
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 1 h}
    subscription: required
    prices:
      - {default: true, called: 110, price: free, always: true}
      - {default: true, amount: 0.60, per: 1 min}
  messages:
    context: 32274@3gpp.org
    unit: events
    grant: {maximum: 10}
    prices: [{default: true, subscription: required, amount: 0.10, per: 1}]
offers:
  - {name: video, allowance: 2 MiB, validity: 2 h, covers: [{service: data, rating_group: video}]}
  - {name: games, allowance: 1 B, validity: 1 d, covers: [{service: data, rating_group: games}]}
  - {name: calls, allowance: 1 min, validity: 1 h, covers: [{service: voice}]}
  - {name: texts, allowance: 1, validity: 1 h, covers: [{service: messages}]}
)";

class Permissions : public testing::Test {
 protected:
  Permissions() {
    load(std::string(tariff_text));
    EXPECT_TRUE(add_subscriber(engine_.shard(), bert, anna, "", note).has_value());
  }

  void load(const std::string& text) {
    const std::string source = tariffs::canonical_bytes({text, {}});
    const auto tariff = tariffs::compile_tariff("asking.yaml", source);
    ASSERT_TRUE(tariff.has_value()) << tariffs::to_string(tariff.error().front());
    engine_.shard().enter_tariff(*tariff, source);
  }
  void pass(Duration time) {
    engine_.sync();  // a batch keeps its time
    engine_.advance(time);
  }
  void subscribe(std::string_view offer, std::string_view msisdn = anna) {
    const auto done = add_subscription(engine_.shard(), msisdn, offer, note);
    ASSERT_TRUE(done.has_value()) << done.error().message;
  }

  Request& begin(RequestType type, std::string_view context) {
    request_.clear();
    request_.key = {type, number_, 0, number_ + 7u, number_ + 100u};
    ++number_;
    request_.session_id = session_;
    request_.service_context = context;
    request_.identities = {*parse_msisdn(msisdn_)};
    request_.event_time = engine_.now();
    return request_;
  }
  ServiceRequest& service(std::optional<std::uint32_t> group) {
    ServiceRequest& added = request_.add_service();
    if (group) added.rating_group = RatingGroup(*group);
    return added;
  }
  const Answer& answer() {
    engine_.handle(request_);
    EXPECT_EQ(test::broken_invariant(engine_.shard().book()), "");
    return engine_.shard().answer();
  }

  // One rating group of a data session; what became of it.
  Outcome surf(RequestType type, std::uint32_t group, std::uint64_t used_mib,
               std::uint64_t asked_mib) {
    begin(type, data);
    ServiceRequest& one = service(group);
    if (used_mib > 0) one.used.emplace().octets = used_mib * mib;
    if (asked_mib > 0) one.requested.emplace().total_octets = asked_mib * mib;
    return outcome(answer());
  }
  Outcome call(RequestType type, std::string_view called, std::uint64_t used, std::uint32_t asked) {
    begin(type, voice);
    request_.attributes.push_back({static_cast<std::uint8_t>(AttributeId::called_party), called});
    ServiceRequest& one = service({});
    if (used > 0) one.used.emplace().seconds = used;
    if (asked > 0) one.requested.emplace().seconds = asked;
    return outcome(answer());
  }
  Outcome send(RequestedAction action = RequestedAction::direct_debiting) {
    begin(RequestType::event, messages);
    request_.action = action;
    service({}).requested.emplace().events = 1;
    return outcome(answer());
  }
  static Outcome outcome(const Answer& answer) {
    return answer.outcome != Outcome::success || answer.service_count == 0
               ? answer.outcome
               : answer.services[0].outcome;
  }
  const ServiceAnswer& first() { return engine_.shard().answer().services[0]; }

  const Account& account() { return *engine_.shard().book().find_account(anna); }
  std::int64_t spent() { return 100'000'000 - account().balance().micros; }

  TestEngine engine_;
  Request request_;
  std::string_view session_ = "s";
  std::string_view msisdn_ = anna;
  std::uint32_t number_ = 0;
};

TEST_F(Permissions, WithoutASubscriptionNothingBegins) {
  EXPECT_EQ(surf(RequestType::initial, video, 0, 1), Outcome::service_denied);
  EXPECT_EQ(engine_.shard().answer().outcome, Outcome::service_denied);
  EXPECT_EQ(engine_.shard().book().session_count(), 0u);
  session_ = "t";
  EXPECT_EQ(call(RequestType::initial, "+4930", 0, 60), Outcome::service_denied);
  EXPECT_EQ(send(), Outcome::service_denied);
  EXPECT_EQ(send(RequestedAction::check_balance), Outcome::service_denied);
  subscribe("texts");
  EXPECT_EQ(send(), Outcome::success);
  EXPECT_EQ(spent(), 0);
  EXPECT_EQ(surf(RequestType::initial, video, 0, 1), Outcome::service_denied) << "another's offer";
}

TEST_F(Permissions, WhatIsServedAlwaysNeedsNone) {
  EXPECT_EQ(call(RequestType::initial, "110", 0, 60), Outcome::success);
  EXPECT_EQ(first().grant->amount, 60u);
}

TEST_F(Permissions, ASubscriptionOpensWhatItCovers) {
  subscribe("video");
  EXPECT_EQ(surf(RequestType::initial, video, 0, 1), Outcome::success);
  EXPECT_EQ(surf(RequestType::update, games, 0, 1), Outcome::service_denied);
  subscribe("games");
  EXPECT_EQ(surf(RequestType::update, games, 0, 1), Outcome::success);
}

TEST_F(Permissions, AnEatenAllowanceStillIsASubscription) {
  subscribe("video");
  surf(RequestType::initial, video, 0, 2);
  EXPECT_EQ(surf(RequestType::update, video, 2, 2), Outcome::success);
  EXPECT_EQ(spent(), 0);
  EXPECT_EQ(surf(RequestType::update, video, 2, 2), Outcome::success);
  EXPECT_EQ(spent(), 100'000);
}

TEST_F(Permissions, ItIsOfOneSubscriber) {
  subscribe("video");
  msisdn_ = bert;
  EXPECT_EQ(surf(RequestType::initial, video, 0, 1), Outcome::service_denied);
  subscribe("video", bert);
  EXPECT_EQ(surf(RequestType::initial, video, 0, 1), Outcome::success);
}

TEST_F(Permissions, WhatWasUsedWhenItEndedIsChargedAndNothingIsGrantedAfter) {
  subscribe("video");
  begin(RequestType::initial, data);
  for (std::uint32_t group : {video, web}) service(group).requested.emplace().total_octets = mib;
  answer();
  pass(hours(1) + minutes(50));
  EXPECT_EQ(surf(RequestType::update, video, 2, 4), Outcome::success);
  EXPECT_EQ(first().validity_seconds, 600u) << "not beyond the subscription's end";
  pass(minutes(10));
  begin(RequestType::update, data);
  for (std::uint32_t group : {video, web}) {
    ServiceRequest& one = service(group);
    one.used.emplace().octets = 4 * mib;
    one.requested.emplace().total_octets = mib;
  }
  answer();
  EXPECT_EQ(first().outcome, Outcome::service_denied);
  EXPECT_FALSE(first().grant.has_value());
  EXPECT_EQ(engine_.shard().answer().services[1].outcome, Outcome::success);
  EXPECT_EQ(spent(), 4 * 50'000 + 4 * 100'000);
  engine_.sync();
  EXPECT_EQ(test::recovery_difference(engine_.shard()), "");
  engine_.crash_and_restart();
  EXPECT_EQ(surf(RequestType::update, video, 0, 1), Outcome::service_denied);
  subscribe("video");
  EXPECT_EQ(surf(RequestType::update, video, 0, 1), Outcome::success);
}

TEST_F(Permissions, TimeIsGrantedUntilTheSubscriptionEnds) {
  subscribe("calls");
  pass(minutes(59));
  EXPECT_EQ(call(RequestType::initial, "+4930", 0, 300), Outcome::success);
  EXPECT_EQ(first().grant->amount, 60u);
  EXPECT_FALSE(first().final_unit) << "there may be another subscription by then";
  pass(seconds(60));
  EXPECT_EQ(call(RequestType::update, "+4930", 60, 300), Outcome::service_denied);
  EXPECT_EQ(spent(), 0);
}

TEST_F(Permissions, ItsTimeIsThatOfTheUsage) {
  const Time before = engine_.now();
  pass(minutes(10));
  subscribe("texts");
  begin(RequestType::event, messages).event_time = before;
  service({}).requested.emplace().events = 1;
  EXPECT_EQ(outcome(answer()), Outcome::service_denied);
  pass(hours(1) - seconds(1));
  EXPECT_EQ(send(), Outcome::success);
  pass(seconds(1));
  EXPECT_EQ(send(), Outcome::service_denied);
}

TEST_F(Permissions, TheRuleThatWinsDecides) {
  std::string text(tariff_text);
  const std::string_view price = "{rating_group: web, amount: 0.10, per: 1 MiB}";
  text.replace(text.find(price), price.size(),
               "{rating_group: web, apn: gold, subscription: required, price: free}\n"
               "      - {rating_group: web, amount: 0.10, per: 1 MiB}");
  load(text);
  const auto surf_by = [this](std::string_view access_point) {
    begin(RequestType::initial, data);
    request_.session_id = access_point;
    request_.attributes.push_back(
        {static_cast<std::uint8_t>(AttributeId::access_point), access_point});
    service(web).requested.emplace().total_octets = mib;
    return outcome(answer());
  };
  EXPECT_EQ(surf_by("gold"), Outcome::service_denied) << "it does not fall to the next";
  EXPECT_EQ(surf_by("silver"), Outcome::success);
}

std::string with_switches() {
  std::string text(tariff_text);
  const std::string_view price = "{rating_group: web, amount: 0.10, per: 1 MiB}";
  text.replace(text.find(price), price.size(),
               "{rating_group: web, serving_network: 262, switch: roaming, amount: 1, per: 1 MiB}\n"
               "      - {rating_group: web, switch: data, subscriber: {segment: gold}, "
               "amount: 0.01, per: 1 MiB}\n"
               "      - {rating_group: web, switch: data, amount: 0.10, per: 1 MiB}");
  const std::string_view always = "- {default: true, called: 110, price: free, always: true}";
  text.insert(text.find("    subscription: required\n    prices:"), "    switch: voice\n");
  EXPECT_NE(text.find(always), std::string::npos);
  return text;
}

class Switches : public Permissions {
 protected:
  Switches() { load(with_switches()); }

  void turn(std::string_view name, bool is_on) {
    ASSERT_TRUE(set_switch(engine_.shard(), anna, name, is_on, note).has_value());
  }
  Outcome surf_in(RequestType type, std::string_view network, std::uint64_t used_mib) {
    begin(type, data);
    request_.attributes.push_back(
        {static_cast<std::uint8_t>(AttributeId::serving_network), network});
    ServiceRequest& one = service(web);
    if (used_mib > 0) one.used.emplace().octets = used_mib * mib;
    one.requested.emplace().total_octets = mib;
    return outcome(answer());
  }
};

TEST_F(Switches, WhatIsSwitchedOffIsRefusedAndDoesNotFallToTheNextPrice) {
  turn("roaming", false);
  turn("nothing_that_is_known", false);
  EXPECT_EQ(surf_in(RequestType::initial, "26201", 0), Outcome::service_denied);
  EXPECT_EQ(surf_in(RequestType::initial, "46000", 0), Outcome::success);
  EXPECT_EQ(surf_in(RequestType::update, "26201", 1), Outcome::service_denied) << "it travels";
  EXPECT_EQ(spent(), 100'000);
  EXPECT_EQ(surf_in(RequestType::update, "46000", 0), Outcome::success);
  turn("data", false);
  EXPECT_EQ(surf_in(RequestType::update, "46000", 1), Outcome::service_denied);
  EXPECT_EQ(spent(), 200'000) << "what was used is charged";
  turn("data", true);
  EXPECT_EQ(surf_in(RequestType::update, "46000", 0), Outcome::success);
  turn("roaming", true);
  EXPECT_EQ(surf_in(RequestType::update, "26201", 0), Outcome::success);
  engine_.sync();
  EXPECT_EQ(test::recovery_difference(engine_.shard()), "");
}

TEST_F(Switches, TheyAreOfOneSubscriber) {
  turn("data", false);
  EXPECT_EQ(surf_in(RequestType::initial, "46000", 0), Outcome::service_denied);
  msisdn_ = bert;
  EXPECT_EQ(surf_in(RequestType::initial, "46000", 0), Outcome::success);
}

TEST_F(Switches, WhatIsServedAlwaysHasNone) {
  turn("voice", false);
  subscribe("calls");
  EXPECT_EQ(call(RequestType::initial, "+4930", 0, 60), Outcome::service_denied);
  EXPECT_EQ(call(RequestType::initial, "110", 0, 60), Outcome::success);
}

TEST_F(Switches, OutlastARestart) {
  turn("data", false);
  engine_.sync();
  engine_.crash_and_restart();
  EXPECT_EQ(surf_in(RequestType::initial, "46000", 0), Outcome::service_denied);
}

TEST_F(Switches, APriceByWhatIsSaidOfTheSubscriber) {
  ASSERT_TRUE(set_attributes(engine_.shard(), anna, {{"segment", "gold"}}, note).has_value());
  EXPECT_EQ(surf_in(RequestType::initial, "46000", 0), Outcome::success);
  EXPECT_EQ(surf_in(RequestType::update, "46000", 1), Outcome::success);
  EXPECT_EQ(spent(), 10'000);
  // What is granted already is of the price under which it was granted.
  ASSERT_TRUE(set_attributes(engine_.shard(), anna, {{"segment", "lead"}}, note).has_value());
  EXPECT_EQ(surf_in(RequestType::update, "46000", 1), Outcome::success);
  EXPECT_EQ(spent(), 20'000);
  EXPECT_EQ(surf_in(RequestType::update, "46000", 1), Outcome::success);
  EXPECT_EQ(spent(), 120'000);
  msisdn_ = bert;
  session_ = "t";
  surf_in(RequestType::initial, "46000", 0);
  surf_in(RequestType::update, "46000", 1);
  EXPECT_EQ(spent(), 220'000);
}

}  // namespace
}  // namespace farthing::engine
