// Prices with conditions, as sessions and events meet them: what is split, what is granted, which
// terms price what. Amounts are done by hand.
#include "engine/operations.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace farthing::engine {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using test::TestEngine;

constexpr std::string_view anna = "8613800138000";  // 100.00
constexpr std::string_view voice = "32260@3gpp.org";
constexpr std::string_view data = "32251@3gpp.org";

constexpr std::string_view tariff_text = R"(
tariff: conditional
currency: CNY
time_zone: UTC
valid_from: 2026-01-01T00:00:00
tables: {zones: zones.csv}
calendars:
  office:
    default: off-peak
    classes:
      peak: [{days: all, from: 08:00, to: 20:00}]
services:
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 1 h, standard: 300 s, minimum: 1 min, validity: 2 h}
    prices:
      - {default: true, zone: near, time: peak, amount: 0.6, per: 1 min, setup: 0.1, minimum: 30 s}
      - {default: true, zone: near, amount: 0.06, per: 1 min, setup: 0.01}
      - {default: true, zone: far, time: peak, price: none}
      - {default: true, zone: far, amount: 6.00, per: 1 min, step: 1 min}
      - {default: true, price: none}
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB, standard: 10 MiB, minimum: 1 KiB, validity: 1 h}
    rating_groups: {10: web, 20: night}
    prices:
      - {rating_group: 20, time: peak, amount: 2.00, per: 1 MiB}
      - {rating_group: 20, amount: 0.20, per: 1 MiB}
      - {default: true, serving_network: 460, amount: 0.10, per: 1 MiB}
      - {default: true, rat_type: WLAN, price: none}
      - {default: true, amount: 1.00, per: 1 MiB}
  messages:
    context: 32274@3gpp.org
    unit: events
    grant: {maximum: 10}
    prices:
      - {default: true, zone: near, amount: 0.10, per: 1}
      - {default: true, amount: 0.50, per: 1}
)";
constexpr std::uint64_t mib = 1u << 20;

class ConditionalPrices : public testing::Test {
 protected:
  ConditionalPrices() { load(std::string(tariff_text)); }

  void load(std::string text) {
    const std::string source = tariffs::canonical_bytes(
        {std::move(text), {{"zones.csv", "prefix,zone\n49,near\n1,far\n"}}});
    const auto tariff = tariffs::compile_tariff("conditional.yaml", source);
    ASSERT_TRUE(tariff.has_value()) << tariffs::to_string(tariff.error().front());
    engine_.shard().enter_tariff(*tariff, source);
  }

  // The wall clock goes on to so much after midnight of the first day.
  void at(Duration time_of_day) {
    const Time then = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1) + time_of_day;
    ASSERT_GE(then, engine_.now());
    engine_.sync();  // a batch keeps its time
    engine_.advance(then - engine_.now());
  }

  Request& begin(RequestType type, std::string_view context) {
    request_.clear();
    request_.key = {type, number_, 0, number_ + 7u, number_ + 100u};
    ++number_;
    request_.session_id = session_;
    request_.service_context = context;
    request_.identities = {*parse_msisdn(anna)};
    request_.event_time = engine_.now();
    return request_;
  }
  void say(AttributeId id, std::string_view value) {
    request_.attributes.push_back({static_cast<std::uint8_t>(id), value});
  }
  const ServiceAnswer& answer() {
    engine_.handle(request_);
    EXPECT_EQ(test::broken_invariant(engine_.shard().book()), "");
    return engine_.shard().answer().services[0];
  }

  // A request of a call, or of a data session, with one service.
  const ServiceAnswer& call(RequestType type, std::uint64_t used, std::uint32_t asked,
                            std::string_view called = "") {
    begin(type, voice);
    if (!called.empty()) say(AttributeId::called_party, called);
    ServiceRequest& service = request_.add_service();
    if (used > 0) service.used.emplace().seconds = used;
    if (asked > 0) service.requested.emplace().seconds = asked;
    return answer();
  }
  const ServiceAnswer& surf(RequestType type, std::uint64_t used_mib, std::uint64_t asked_mib,
                            std::string_view network, std::uint32_t group = 10) {
    begin(type, data);
    if (!network.empty()) say(AttributeId::serving_network, network);
    ServiceRequest& service = request_.add_service();
    service.rating_group = RatingGroup(group);
    if (used_mib > 0) service.used.emplace().octets = used_mib * mib;
    if (asked_mib > 0) service.requested.emplace().total_octets = asked_mib * mib;
    return answer();
  }

  const Account& account() { return *engine_.shard().book().find_account(anna); }
  std::int64_t spent() { return 100'000'000 - account().balance().micros; }
  // By segment of the only session: units and micros.
  std::vector<std::pair<std::uint64_t, std::int64_t>> segments() {
    std::vector<std::pair<std::uint64_t, std::int64_t>> all;
    for (const Segment& segment : account().sessions->segments) {
      all.emplace_back(segment.used, segment.charged_micros);
    }
    return all;
  }

  TestEngine engine_;
  Request request_;
  std::string_view session_ = "s";
  std::uint32_t number_ = 0;
};

using Pairs = std::vector<std::pair<std::uint64_t, std::int64_t>>;

TEST_F(ConditionalPrices, ACallIsSplitAtTheVerySecondInWhichItsPriceChanges) {
  at(hours(19) + minutes(55));
  EXPECT_EQ(call(RequestType::initial, 0, 600, "tel:+4930").grant->amount, 300u);
  at(hours(20) + minutes(5));
  call(RequestType::update, 600, 600);
  // 5 minutes at 0.60 and 0.10 for the set-up; 5 at 0.06, which is no call of its own.
  EXPECT_EQ(segments(), (Pairs{{300, 3'100'000}, {300, 300'000}}));
  at(hours(20) + minutes(6));
  call(RequestType::termination, 60, 0);
  EXPECT_EQ(spent(), 3'460'000);
  EXPECT_EQ(account().reserved_micros, 0);
}

TEST_F(ConditionalPrices, TimeIsGrantedUntilItsPriceChanges) {
  at(hours(19) + minutes(59) + seconds(50));
  const ServiceAnswer& last = call(RequestType::initial, 0, 600, "tel:+4930");
  EXPECT_EQ(last.grant->amount, 10u);  // less than the minimum, but there is more to come
  EXPECT_EQ(last.validity_seconds, 10u);
  EXPECT_FALSE(last.final_unit);
  EXPECT_EQ(account().sessions->validity_seconds, 7200u);  // it is not given up so soon
  at(hours(20));
  EXPECT_EQ(call(RequestType::update, 10, 600).validity_seconds, 7200u);
  // At least 30 seconds at 0.60, and the set-up.
  EXPECT_EQ(segments(), (Pairs{{10, 400'000}, {0, 0}}));
}

TEST_F(ConditionalPrices, AReportOverManyBordersFindsThemAll) {
  at(hours(7));
  call(RequestType::initial, 0, 60, "+4930");
  at(hours(55));  // 48 hours of it: two whole days of 12 hours each
  call(RequestType::update, 48 * 3600, 60);
  EXPECT_EQ(segments(), (Pairs{{24 * 3600, 86'410'000}, {24 * 3600, 864'000'000}}));
  EXPECT_EQ(spent(), 100'000'000);
  EXPECT_EQ(account().overage_micros, 864'000'000 + 86'410'000 - 100'000'000);
}

TEST_F(ConditionalPrices, AbsurdlyLongUsageIsOfWhatTheOldestPartOfItWas) {
  at(hours(7));
  call(RequestType::initial, 0, 60, "+4930");
  call(RequestType::update, UINT64_MAX, 60);
  std::uint64_t used = 0;
  for (const auto& [units, micros] : segments()) used += units;
  EXPECT_EQ(used, UINT64_MAX);
}

TEST_F(ConditionalPrices, WhereThereIsNoPriceNothingIsGrantedAndUsageStandsInTheLedger) {
  at(hours(7) + minutes(58));
  const ServiceAnswer& far = call(RequestType::initial, 0, 300, "sip:+12025550100@ims.example");
  EXPECT_EQ(far.grant->amount, 120u);
  at(hours(8) + minutes(1));
  const ServiceAnswer& none = call(RequestType::update, 180, 300);
  EXPECT_EQ(none.outcome, Outcome::rating_failed);
  EXPECT_EQ(none.fault, Fault::rating_group);
  EXPECT_EQ(segments(), (Pairs{{120, 12'000'000}, {60, 0}}));
  const Segment& unpriced = account().sessions->segments[1];
  EXPECT_EQ(
      engine_.shard().tariffs().find(unpriced.version)->tariff->rules()[unpriced.rule.value].name,
      "voice/*/far/peak");
  at(hours(20) + minutes(1));
  EXPECT_EQ(call(RequestType::update, 0, 300).outcome, Outcome::success);
}

TEST_F(ConditionalPrices, ANumberOfNoZoneIsRefused) {
  for (const char* number : {"", "tel:+8613900139000", "0049301234567"}) {
    const bool opens = account().sessions == nullptr;
    const ServiceAnswer& refused =
        call(opens ? RequestType::initial : RequestType::update, 0, 300, number);
    EXPECT_EQ(refused.outcome, Outcome::rating_failed) << number;
    EXPECT_EQ(segments(), Pairs());
  }
}

TEST_F(ConditionalPrices, WhatWasUsedIsOfTheNetworkThatWasKnownBefore) {
  surf(RequestType::initial, 0, 10, "46000");
  at(minutes(10));
  surf(RequestType::update, 7, 10, "26201");  // used in 46000, goes on in 26201
  at(minutes(20));
  surf(RequestType::update, 3, 10, "");  // nothing new is known
  at(minutes(30));
  surf(RequestType::update, 2, 10, "46001");
  EXPECT_EQ(segments(), (Pairs{{7 * mib, 700'000}, {5 * mib, 5'000'000}}));
  at(minutes(40));
  surf(RequestType::termination, 1, 0, "26201");
  EXPECT_EQ(spent(), 5'800'000);
}

TEST_F(ConditionalPrices, OctetsAreOfTheRuleUnderWhichTheyWereGranted) {
  at(hours(19) + minutes(30));
  const ServiceAnswer& granted = surf(RequestType::initial, 0, 10, "", 20);
  EXPECT_EQ(granted.validity_seconds, 1800u);
  EXPECT_EQ(granted.grant->amount, 10 * mib);
  at(hours(20) + minutes(10));  // late
  surf(RequestType::update, 4, 10, "", 20);
  EXPECT_EQ(segments(), (Pairs{{4 * mib, 8'000'000}, {0, 0}}));
  at(hours(20) + minutes(20));
  surf(RequestType::update, 4, 0, "", 20);
  EXPECT_EQ(segments(), (Pairs{{4 * mib, 8'000'000}, {4 * mib, 800'000}}));
  at(hours(20) + minutes(30));
  surf(RequestType::update, 1, 0, "", 20);  // of no grant
  EXPECT_EQ(segments(), (Pairs{{4 * mib, 8'000'000}, {5 * mib, 1'000'000}}));
}

TEST_F(ConditionalPrices, UsageAfterAChangeThatTheClientCountedIsOfTheRuleAfterIt) {
  at(hours(19) + minutes(30));
  surf(RequestType::initial, 0, 10, "", 20);
  at(hours(20) + minutes(10));
  begin(RequestType::termination, data);
  ServiceRequest& service = request_.add_service();
  service.rating_group = RatingGroup(20);
  service.used.emplace().octets = 5 * mib;
  service.used_after.emplace().octets = 3 * mib;
  answer();
  EXPECT_EQ(spent(), 2 * 2'000'000 + 3 * 200'000);
}

TEST_F(ConditionalPrices, SetsOfServicesInOneGroupEachHaveTheirOwnGrant) {
  const auto report = [this](std::uint64_t used_mib, std::uint64_t asked_mib,
                             std::uint32_t identifier, std::string_view network) {
    begin(used_mib == 0 && identifier == 1 ? RequestType::initial : RequestType::update, data);
    say(AttributeId::serving_network, network);
    ServiceRequest& service = request_.add_service();
    service.rating_group = RatingGroup(10);
    service.service_identifiers = {ServiceIdentifier(identifier)};
    if (used_mib > 0) service.used.emplace().octets = used_mib * mib;
    if (asked_mib > 0) service.requested.emplace().total_octets = asked_mib * mib;
    answer();
  };
  report(0, 10, 1, "46000");
  report(0, 10, 2, "26201");
  EXPECT_EQ(account().reserved_micros, 1'000'000 + 10'000'000);
  report(2, 0, 1, "26201");
  EXPECT_EQ(account().reserved_micros, 10'000'000);
  report(3, 0, 2, "26201");
  EXPECT_EQ(segments(), (Pairs{{2 * mib, 200'000}, {3 * mib, 3'000'000}}));
}

TEST_F(ConditionalPrices, ALastReportWithoutARatingGroupIsOfTheOnlyOneThatHoldsUnits) {
  surf(RequestType::initial, 0, 10, "46000");
  at(minutes(1));
  surf(RequestType::update, 1, 10, "26201");
  begin(RequestType::termination, data);
  request_.add_service().used.emplace().octets = 2 * mib;
  answer();
  EXPECT_EQ(spent(), 100'000 + 2'000'000);
}

TEST_F(ConditionalPrices, ASetUpChargeIsOnceACall) {
  at(hours(19) + minutes(59));
  call(RequestType::initial, 0, 60, "+4930");  // under the peak's price, but nothing is used
  at(hours(20) + minutes(1));
  call(RequestType::update, 0, 60);
  at(hours(20) + minutes(2));
  call(RequestType::update, 60, 60);
  EXPECT_EQ(spent(), 70'000);
  at(hours(32) + minutes(1));  // the peak again, whose segment is not the call's first any more
  call(RequestType::update, 60, 60);
  EXPECT_EQ(spent(), 70'000 + 600'000);
  EXPECT_EQ(segments(), (Pairs{{0, 0}, {60, 70'000}, {60, 600'000}}));
}

TEST_F(ConditionalPrices, AFirstBlockIsOnceACall) {
  std::string text(tariff_text);
  text.replace(text.find("amount: 0.06, per: 1 min, setup: 0.01"), 37,
               "amount: 0.06, per: 1 min, first: {units: 3 min, amount: 0.50}");
  load(text);
  at(hours(20) + minutes(30));
  call(RequestType::initial, 0, 60, "+4930");
  at(hours(20) + minutes(31));
  call(RequestType::termination, 60, 0);
  EXPECT_EQ(spent(), 500'000) << "the call begins with it";
  session_ = "t";
  at(hours(43) + minutes(59));  // 19:59
  call(RequestType::initial, 0, 60, "+4930");
  at(hours(44) + minutes(1));
  call(RequestType::termination, 120, 0);
  EXPECT_EQ(spent(), 500'000 + 700'000 + 60'000) << "another price began it";
}

TEST_F(ConditionalPrices, ARatingGroupStaysWithItsVersion) {
  at(hours(19));
  call(RequestType::initial, 0, 60, "+4930");
  std::string dearer(tariff_text);
  dearer.replace(dearer.find("amount: 0.06"), 12, "amount: 0.90");
  load(dearer);
  at(hours(20) + minutes(1));
  call(RequestType::termination, 120, 0);
  EXPECT_EQ(spent(), 100'000 + 600'000 + 60'000);
}

TEST_F(ConditionalPrices, AnOldEventTimeRatesUsageButGrantsFromNow) {
  at(hours(19) + minutes(50));
  call(RequestType::initial, 0, 60, "+4930");
  at(hours(20) + minutes(30));
  begin(RequestType::update, voice);
  request_.event_time = engine_.now() - minutes(35);  // 19:55
  ServiceRequest& service = request_.add_service();
  service.used.emplace().seconds = 300;
  service.requested.emplace().seconds = 3600;
  EXPECT_EQ(answer().grant->amount, 3600u);
  EXPECT_EQ(segments(), (Pairs{{300, 3'100'000}, {0, 0}}));
}

TEST_F(ConditionalPrices, EventsAreOfTheZoneTheyGoTo) {
  const auto send = [this](std::string_view called) {
    begin(RequestType::event, "32274@3gpp.org");
    request_.session_id = called;
    say(AttributeId::called_party, called);
    request_.add_service().requested.emplace().events = 1;
    return answer().outcome;
  };
  EXPECT_EQ(send("tel:+4915112345"), Outcome::success);
  EXPECT_EQ(spent(), 100'000);
  EXPECT_EQ(send("tel:+12025550100"), Outcome::success);
  EXPECT_EQ(spent(), 600'000);
}

// The tariff with emergency numbers that are served always, and a numbering plan.
std::string with_emergency() {
  std::string text(tariff_text);
  text.insert(text.find("services:"),
              "numbers: {country_code: 49, international: 00, national: 0}\n");
  text.insert(text.find("      - {default: true, zone: near, time: peak, amount: 0.6"),
              "      - {default: true, called: [110, +4930110, urn:service:sos], price: free, "
              "always: true}\n");
  return text;
}

TEST_F(ConditionalPrices, AnEmergencyCallIsServedWhateverTheStateOfTheAccount) {
  load(with_emergency());
  ASSERT_TRUE(adjust(engine_.shard(), anna, Money(-100'000'000), {"a", "b", ""}).has_value());
  ASSERT_TRUE(set_state(engine_.shard(), anna, LifeState::suspended, {"a", "b", ""}).has_value());
  for (std::string_view number : {"tel:110", "sip:110@ims.example;user=phone", "urn:service:sos",
                                  "URN:service:sos.fire", "+4930110", "tel:030-110", "004930110"}) {
    at(engine_.now() - std::chrono::sys_days(std::chrono::year(2026) / 6 / 1) + seconds(1));
    session_ = number;
    const ServiceAnswer& first = call(RequestType::initial, 0, 600, number);
    EXPECT_EQ(first.outcome, Outcome::success) << number;
    ASSERT_TRUE(first.grant.has_value()) << number;
    EXPECT_EQ(call(RequestType::update, 600, 600).grant->amount, 600u) << number;
    call(RequestType::termination, 60, 0);
  }
  EXPECT_EQ(account().balance().micros, 0);
  EXPECT_EQ(account().overage_micros, 0);
  for (std::string_view number : {"+4930111", "tel:1100", "urn:service:sosa", "110@ims.example"}) {
    session_ = number;
    begin(RequestType::initial, voice);
    say(AttributeId::called_party, number);
    request_.add_service().requested.emplace();
    engine_.handle(request_);
    EXPECT_EQ(engine_.shard().answer().outcome, Outcome::service_denied) << number;
  }
}

TEST_F(ConditionalPrices, ABarredSubscriberMaySendWhatIsServedAlways) {
  std::string text(tariff_text);
  text.insert(text.find("      - {default: true, zone: near, amount: 0.10, per: 1}"),
              "      - {default: true, called: 112, price: free, always: true}\n");
  load(text);
  ASSERT_TRUE(set_state(engine_.shard(), anna, LifeState::suspended, {"a", "b", ""}).has_value());
  const auto send = [this](std::string_view called) {
    begin(RequestType::event, "32274@3gpp.org");
    request_.session_id = called;
    say(AttributeId::called_party, called);
    request_.add_service().requested.emplace().events = 1;
    engine_.handle(request_);
    return engine_.shard().answer().outcome;
  };
  EXPECT_EQ(send("112"), Outcome::success);
  EXPECT_EQ(send("+4915112345"), Outcome::service_denied);
  EXPECT_EQ(spent(), 0);
}

TEST_F(ConditionalPrices, ANumberWithoutAPlusIsReadByTheNumberingPlan) {
  load(with_emergency());
  at(hours(21));
  call(RequestType::initial, 0, 60, "tel:030-1234567");
  call(RequestType::termination, 60, 0);
  EXPECT_EQ(spent(), 70'000) << "near";
  session_ = "t";
  at(hours(21) + minutes(1));
  call(RequestType::initial, 0, 60, "0012025550100");
  call(RequestType::termination, 60, 0);
  EXPECT_EQ(spent(), 6'070'000) << "far";
}

TEST_F(ConditionalPrices, ARestartGoesOnWithTheSameSegments) {
  at(hours(19) + minutes(55));
  call(RequestType::initial, 0, 600, "tel:+4930");
  at(hours(20) + minutes(5));
  call(RequestType::update, 600, 600);
  engine_.sync();
  EXPECT_EQ(test::recovery_difference(engine_.shard()), "");
  engine_.crash_and_restart();
  at(hours(20) + minutes(6));
  call(RequestType::update, 60, 600);
  EXPECT_EQ(segments(), (Pairs{{300, 3'100'000}, {360, 360'000}}));
}

}  // namespace
}  // namespace farthing::engine
