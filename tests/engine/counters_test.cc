// Counters of a period: prices that go by them, conditions on them, what they hold. Amounts are
// done by hand, or second by second.
#include "engine/operations.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace farthing::engine {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;
using test::TestEngine;

// 10,000 cases (RC_PARAMS, where it is set, decides).
[[maybe_unused]] const int many_cases = setenv("RC_PARAMS", "max_success=10000", 0);

constexpr std::string_view anna = "8613800138000";  // 100.00
constexpr std::uint64_t mib = 1u << 20;

constexpr std::string_view tariff_text = R"(
tariff: counted
currency: CNY
time_zone: UTC
valid_from: 2026-01-01T00:00:00
counters:
  voice-month: {unit: seconds, period: month, covers: [{service: voice}]}
  voice-spent: {unit: money, period: day, covers: [{service: voice}]}
  data-month:
    {unit: octets, period: month, covers: [{service: data}], thresholds: [5 MiB, 10 MiB]}
  data-paid: {unit: octets, period: month, covers: [{service: data}], paid: true}
  data-shared: {unit: octets, period: day, covers: [{service: data}], shared: true}
services:
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 10 min, minimum: 1 s, validity: 1 h}
    rating_groups: {1: tiers, 2: slow, 3: capped}
    prices:
      - rating_group: tiers
        over: voice-month
        per: 1 s
        tiers: [{upto: 60 s, amount: 3.00}, {upto: 120 s, amount: 1.00}, {amount: 0.25}]
      - {rating_group: slow, counted: {voice-month: {from: 100 s}}, amount: 0.10, per: 1 s}
      - {rating_group: slow, counted: {voice-spent: {from: 50.00}}, amount: 0.50, per: 1 s}
      - {rating_group: slow, amount: 2.00, per: 1 s}
      - rating_group: capped
        over: voice-month
        amount: 0.30
        per: 1 s
        cap: [{amount: 6.00, every: 100 s}, {amount: 15.00}]
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB, standard: 10 MiB, minimum: 1 MiB, validity: 1 h}
    rating_groups: {10: web, 20: limited, 30: rest, 40: family, 50: dear}
    prices:
      - {rating_group: web, over: data-month, per: 1 MiB, step: 1 MiB,
         tiers: [{upto: 4 MiB, amount: 1.00}, {amount: 0.10}]}
      - {rating_group: limited, counted: {data-month: {from: 10 MiB}}, stop: true, price: free}
      - {rating_group: limited, amount: 0.50, per: 1 MiB, step: 1 MiB}
      - {rating_group: rest, over: data-paid, per: 1 MiB, step: 1 MiB,
         tiers: [{upto: 2 MiB, amount: 1.00}, {amount: 0.10}]}
      - {rating_group: dear, over: data-month, per: 1 MiB, step: 1 MiB,
         tiers: [{upto: 5 MiB, amount: 0.00}, {amount: 10.00}]}
      - {rating_group: family, counted: {data-shared: {from: 3 MiB}}, amount: 1.00, per: 1 MiB,
         step: 1 MiB}
      - {rating_group: family, amount: 0.10, per: 1 MiB, step: 1 MiB}
offers:
  - {name: bundle, validity: 30 d, allowance: 3 MiB, covers: [{service: data}]}
)";

class Clients {
 public:
  Clients() {
    const auto tariff = tariffs::compile_tariff("counted.yaml", tariff_text);
    if (!tariff.has_value()) throw std::runtime_error(tariffs::to_string(tariff.error().front()));
    engine_.shard().enter_tariff(*tariff, std::string(tariff_text));
    engine_.sync();
  }

  TestEngine& engine() { return engine_; }
  const Account& account() { return *engine_.shard().book().find_account(anna); }
  Money paid() { return Money(100'000'000 + top_ups_ - account().balance().micros); }
  void top_up(std::int64_t micros) {
    ASSERT_TRUE(engine::top_up(engine_.shard(), anna, Money(micros), Note{"test", "", ""}));
    top_ups_ += micros;
    engine_.sync();
  }
  void advance(Duration by) {
    engine_.sync();  // a batch keeps its time
    engine_.advance(by);
  }

  Request& begin(RequestType type, std::string_view session, std::string_view context,
                 std::string_view msisdn = anna) {
    request_.clear();
    request_.key = {type, number_, 0, number_ + 7u, number_ + 100u};
    ++number_;
    session_ = session;
    request_.session_id = session_;
    request_.service_context = context;
    request_.identities = {*parse_msisdn(msisdn)};
    request_.event_time = engine_.now();
    return request_;
  }
  Request& engine_request() { return request_; }
  const Answer& send() {
    engine_.handle(request_);
    EXPECT_EQ(test::broken_invariant(engine_.shard().book()), "");
    return engine_.shard().answer();
  }

  const ServiceAnswer& surf(RequestType type, std::string_view session, std::uint32_t group,
                            std::uint64_t used_mib, std::uint64_t asked_mib,
                            std::string_view msisdn = anna) {
    begin(type, session, "32251@3gpp.org", msisdn);
    ServiceRequest& service = request_.add_service();
    service.rating_group = RatingGroup(group);
    if (used_mib > 0) service.used.emplace().octets = used_mib * mib;
    if (asked_mib > 0) service.requested.emplace().total_octets = asked_mib * mib;
    return send().services[0];
  }
  // A whole session of so many MiB.
  void use(std::uint32_t group, std::uint64_t used_mib, std::string_view msisdn = anna) {
    const std::string session = std::to_string(number_);
    surf(RequestType::initial, session, group, 0, used_mib, msisdn);
    surf(RequestType::termination, session, group, used_mib, 0, msisdn);
  }
  const Counter* counter(std::string_view name, SubscriberNumber owner = SubscriberNumber(1)) {
    const Counter* newest = nullptr;
    for (const Counter& counter : account().counters) {
      if (counter.name != name || counter.owner != owner) continue;
      if (newest == nullptr || newest->span.from < counter.span.from) newest = &counter;
    }
    return newest;
  }
  void crash(bool written_back) {
    engine_.sync();
    if (written_back) engine_.checkpoint();
    engine_.crash_and_restart();
  }

 private:
  TestEngine engine_;
  Request request_;
  std::string session_;  // of the request
  std::uint32_t number_ = 0;
  std::int64_t top_ups_ = 0;
};

class Counters : public testing::Test, protected Clients {
 protected:
  Counters() { advance(hours(12)); }  // the first of June, at noon
};

TEST_F(Counters, TiersOfAMonthGoOnFromSessionToSession) {
  use(10, 3);
  EXPECT_EQ(paid().to_string(), "3.000000");
  use(10, 3);  // one at 1.00, two at 0.10
  EXPECT_EQ(paid().to_string(), "4.200000");
  advance(days(30));  // the first of July
  use(10, 3);
  EXPECT_EQ(paid().to_string(), "7.200000");
  EXPECT_EQ(counter("data-month")->value, static_cast<std::int64_t>(3 * mib));
}

TEST_F(Counters, UnitsOfAnAllowanceCountUnlessOnlyPaidOnesDo) {
  ASSERT_TRUE(add_subscription(engine().shard(), anna, "bundle", Note{"test", "", ""}));
  use(10, 5);  // three of the allowance, then one at 1.00 and one at 0.10
  EXPECT_EQ(paid().to_string(), "1.100000");
  EXPECT_EQ(counter("data-month")->value, static_cast<std::int64_t>(5 * mib));
  EXPECT_EQ(counter("data-paid")->value, static_cast<std::int64_t>(2 * mib));
  use(30, 1);  // two were paid before
  EXPECT_EQ(paid().to_string(), "1.200000");
}

TEST_F(Counters, ThresholdsStandInTheLedger) {
  for (std::uint64_t used : {4, 2, 1, 30}) use(10, used);
  std::vector<std::uint64_t> reached;
  const auto visit = [&reached](const storage::Record& record) {
    std::string_view body = record.body;
    Entry entry;
    for (std::uint32_t i = 0; i < record.header.count; ++i) {
      EXPECT_TRUE(decode_entry(body, Sequence(record.header.first.value + i), entry));
      for (const ThresholdReached& threshold : entry.thresholds) {
        reached.push_back(threshold.threshold);
      }
    }
    return true;
  };
  engine().sync();
  ASSERT_TRUE(engine().store().scan(Sequence(1), visit));
  EXPECT_EQ(reached, (std::vector<std::uint64_t>{5 * mib, 10 * mib}));
}

TEST_F(Counters, UsageIsSplitAtTheUnitThatReachesTheThreshold) {
  use(40, 2);
  EXPECT_EQ(paid().to_string(), "0.200000");
  use(40, 4);  // one at 0.10, three at 1.00
  EXPECT_EQ(paid().to_string(), "3.300000");
}

TEST_F(Counters, AStopLetsTheLastGrantReachTheThresholdAndNoFurther) {
  const ServiceAnswer& first = surf(RequestType::initial, "s", 20, 0, 6);
  EXPECT_EQ(first.grant->amount, 6 * mib);
  EXPECT_FALSE(first.final_unit);
  const ServiceAnswer& second = surf(RequestType::update, "s", 20, 6, 6);
  EXPECT_EQ(second.grant->amount, 4 * mib);
  EXPECT_TRUE(second.final_unit);
  const ServiceAnswer& third = surf(RequestType::update, "s", 20, 4, 6);
  EXPECT_EQ(third.outcome, Outcome::credit_limit_reached);
  EXPECT_EQ(paid().to_string(), "5.000000");
  // What is used all the same is of the price behind the stop.
  surf(RequestType::termination, "s", 20, 2, 0);
  EXPECT_EQ(paid().to_string(), "5.000000");
  EXPECT_EQ(surf(RequestType::initial, "t", 20, 0, 1).outcome, Outcome::credit_limit_reached);
  advance(days(30));
  EXPECT_EQ(surf(RequestType::initial, "u", 20, 0, 1).outcome, Outcome::success);
}

TEST_F(Counters, ParallelSessionsDoNotPassAStopTogether) {
  EXPECT_EQ(surf(RequestType::initial, "s", 20, 0, 6).grant->amount, 6 * mib);
  const ServiceAnswer& other = surf(RequestType::initial, "t", 20, 0, 6);
  EXPECT_EQ(other.grant->amount, 4 * mib);
  EXPECT_TRUE(other.final_unit);
  const ServiceAnswer& none = surf(RequestType::initial, "u", 20, 0, 6);
  EXPECT_EQ(none.outcome, Outcome::credit_limit_reached);
  EXPECT_FALSE(none.final_unit);
  crash(true);
  surf(RequestType::termination, "s", 20, 1, 0);  // gives five back
  EXPECT_EQ(surf(RequestType::initial, "v", 20, 0, 6).grant->amount, 5 * mib);
}

// What an allowance pays is counted, too, and lies before what money pays.
TEST_F(Counters, AGrantIsHeldAtThePriceBehindTheAllowance) {
  use(50, 4);
  ASSERT_TRUE(add_subscription(engine().shard(), anna, "bundle", Note{"test", "", ""}));
  // Three of the allowance, and ten at 10.00: the last one that was free is the allowance's.
  EXPECT_EQ(surf(RequestType::initial, "s", 50, 0, 20).grant->amount, 13 * mib);
  EXPECT_EQ(account().main_micros, 0);
  surf(RequestType::termination, "s", 50, 13, 0);
  EXPECT_EQ(paid().to_string(), "100.000000");
  EXPECT_EQ(account().overage_micros, 0);
}

TEST_F(Counters, ARefundIsGivenAlsoAtAStopAndInTheNextPeriod) {
  const auto event = [this](RequestedAction action, std::uint32_t group, std::uint64_t used_mib) {
    Request& request = begin(RequestType::event, std::to_string(used_mib) + "e", "32251@3gpp.org");
    request.action = action;
    ServiceRequest& service = request.add_service();
    service.rating_group = RatingGroup(group);
    service.requested.emplace().total_octets = used_mib * mib;
    const Answer& answer = send();
    EXPECT_EQ(answer.services[0].outcome, Outcome::success);
    return answer.cost.value_or(Money()).to_string();
  };
  EXPECT_EQ(event(RequestedAction::direct_debiting, 20, 10), "5.000000");
  EXPECT_EQ(event(RequestedAction::refund_account, 20, 4), "2.000000");
  EXPECT_EQ(counter("data-month")->value, static_cast<std::int64_t>(6 * mib));
  EXPECT_EQ(paid().to_string(), "3.000000");
  advance(days(30));
  EXPECT_EQ(event(RequestedAction::refund_account, 10, 2), "2.000000");
  EXPECT_EQ(paid().to_string(), "1.000000");
}

TEST_F(Counters, ACounterOfTheAccountCountsForAllItsSubscribers) {
  constexpr std::string_view bert = "8613900139000";
  ASSERT_TRUE(add_subscriber(engine().shard(), bert, anna, "", Note{"test", "", ""}));
  use(40, 3);
  use(40, 1, bert);
  EXPECT_EQ(paid().to_string(), "1.300000");
  use(10, 3);
  use(10, 3, bert);  // the month is of each subscriber: she goes on from 3, he from 1
  EXPECT_EQ(paid().to_string(), "5.500000");
  EXPECT_EQ(counter("data-shared", SubscriberNumber(0))->value,
            static_cast<std::int64_t>(10 * mib));
}

TEST_F(Counters, WhatWasGrantedBeforeThePeriodEndedIsOfIt) {
  use(10, 4);
  advance(days(29) + hours(11));  // the last of June, at 23:00
  const ServiceAnswer& granted = surf(RequestType::initial, "s", 10, 0, 2);
  EXPECT_EQ(granted.validity_seconds, 3600u);
  advance(std::chrono::minutes(90));
  surf(RequestType::update, "s", 10, 2, 2);
  EXPECT_EQ(paid().to_string(), "4.200000");
  advance(std::chrono::minutes(5));
  surf(RequestType::update, "s", 10, 2, 0);
  EXPECT_EQ(paid().to_string(), "6.200000");
}

TEST_F(Counters, UsageOfThePeriodBeforeIsCountedThere) {
  use(10, 4);
  advance(days(30));
  use(10, 1);
  EXPECT_EQ(paid().to_string(), "5.000000");
  // Reported late: Event-Timestamp says that it was used before midnight.
  begin(RequestType::event, "late", "32251@3gpp.org").event_time = engine().now() - hours(13);
  ServiceRequest& service = engine_request().add_service();
  service.rating_group = RatingGroup(10);
  service.requested.emplace().total_octets = mib;
  EXPECT_EQ(send().services[0].outcome, Outcome::success);
  EXPECT_EQ(paid().to_string(), "5.100000");
  EXPECT_EQ(counter("data-month")->value, static_cast<std::int64_t>(mib));
}

// --- Second by second ----------------------------------------------------------------------------

struct Step {
  std::uint8_t session;               // of two
  std::array<std::uint16_t, 3> used;  // by rating group
  std::uint16_t asked;                // of each; 0: nothing
  std::uint32_t waits;                // seconds before it
  std::uint8_t crash;                 // 0: now
};

void showValue(const Step& step, std::ostream& out) {
  out << "session " << int{step.session} << " waits " << step.waits << " used";
  for (std::uint16_t used : step.used) out << ' ' << used;
  out << " asks " << step.asked << (step.crash == 0 ? " crash" : "");
}

rc::Gen<std::vector<Step>> any_steps() {
  const auto units = rc::gen::oneOf(rc::gen::inRange<std::uint16_t>(0, 12),
                                    rc::gen::inRange<std::uint16_t>(0, 200));
  const auto waits = rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 400),
                                    rc::gen::inRange<std::uint32_t>(0, 3000),
                                    rc::gen::inRange<std::uint32_t>(86'000, 100'000));
  const auto step = rc::gen::build<Step>(
      rc::gen::set(&Step::session, rc::gen::inRange<std::uint8_t>(0, 2)),
      rc::gen::set(&Step::used, rc::gen::container<std::array<std::uint16_t, 3>>(units)),
      rc::gen::set(&Step::asked, rc::gen::inRange<std::uint16_t>(0, 100)),
      rc::gen::set(&Step::waits, waits),
      rc::gen::set(&Step::crash, rc::gen::inRange<std::uint8_t>(0, 100)));
  return rc::gen::scale(0.3, rc::gen::container<std::vector<Step>>(step));
}

// The tariff of voice, written down from its words: what the next second costs. In cents.
class SecondBySecond {
 public:
  // One second of a rating group, begun at `time`.
  void use(std::size_t group, Time time) {
    const auto day = std::chrono::floor<days>(time);
    const std::chrono::year_month_day date(day);
    std::int64_t& month = months_[date.year() / date.month()];
    std::int64_t& spent = spent_[day];
    const std::int64_t cents = price(group, month, spent);
    ++month;
    spent += cents;
    total += cents;
  }

  std::int64_t total = 0;

 private:
  static std::int64_t capped(std::int64_t used) {
    const std::int64_t hundreds = used / 100 * 600;
    return std::min<std::int64_t>(hundreds + std::min<std::int64_t>(used % 100 * 30, 600), 1500);
  }
  static std::int64_t price(std::size_t group, std::int64_t month, std::int64_t spent) {
    if (group == 0) return month < 60 ? 300 : month < 120 ? 100 : 25;
    if (group == 1) return month >= 100 ? 10 : spent >= 5000 ? 50 : 200;
    return capped(month + 1) - capped(month);
  }

  std::map<std::chrono::year_month, std::int64_t> months_;
  std::map<std::chrono::sys_days, std::int64_t> spent_;
};

class Calls : public Clients {
 public:
  explicit Calls(std::int64_t more_micros) {
    if (more_micros > 0) top_up(more_micros);
    advance(days(29) + hours(20));  // the last of June
  }

  // Reports, at the whole second that it is. Nothing is used after the server's time.
  void ask(RequestType type, std::size_t session, const std::array<std::uint16_t, 3>& used,
           std::uint16_t asked) {
    Request& request = begin(type, session == 0 ? "first" : "second", "32260@3gpp.org");
    for (std::uint32_t i = 0; i < used.size(); ++i) {
      ServiceRequest& service = request.add_service();
      service.rating_group = RatingGroup(i + 1);
      if (used[i] > 0) service.used.emplace().seconds = used[i];
      if (asked > 0) service.requested.emplace().seconds = asked;
    }
    const Answer& answer = send();
    for (std::size_t i = 0; i < used.size(); ++i) {
      granted[session][i] = 0;
      if (answer.services[i].grant) granted[session][i] = answer.services[i].grant->amount;
    }
  }
  void count(const std::array<std::uint16_t, 3>& used) {
    for (std::size_t i = 0; i < used.size(); ++i) {
      for (std::uint16_t second = used[i]; second > 0; --second) {
        model.use(i, engine().now() - seconds(second));
      }
    }
  }

  std::array<std::array<std::uint64_t, 3>, 2> granted{};
  SecondBySecond model;
};

RC_GTEST_PROP(CountedPrices, EachSecondCostsWhatTheCountersSayThen, ()) {
  Calls calls(1'000'000'000'000);
  for (std::size_t i : {0, 1}) calls.ask(RequestType::initial, i, {}, 1);
  for (const Step& step : *any_steps()) {
    calls.advance(seconds(step.waits));
    calls.ask(RequestType::update, step.session, step.used, step.asked);
    calls.count(step.used);
    if (step.crash == 0) calls.crash(step.asked > 50);
    RC_ASSERT(calls.paid().micros == calls.model.total * 10'000);
    RC_ASSERT(calls.account().overage_micros == 0);
  }
  for (std::size_t i : {0, 1}) calls.ask(RequestType::termination, i, {}, 0);
  RC_ASSERT(calls.account().reserved_micros == 0);
  for (const Counter& counter : calls.account().counters) RC_ASSERT(counter.held == 0);
}

// One session: what its groups hold is held one behind the other.
RC_GTEST_PROP(CountedPrices, WhatIsGrantedCanBePaid, ()) {
  Calls calls(0);
  calls.ask(RequestType::initial, 0, {}, 1);
  for (const Step& step : *any_steps()) {
    std::array<std::uint16_t, 3> used{};
    const std::size_t group = step.session + (step.waits % 2);  // one at a time
    used[group] = static_cast<std::uint16_t>(
        std::min<std::uint64_t>(step.used[group], calls.granted[0][group]));
    calls.advance(seconds(used[group] + step.waits % 300));
    calls.ask(RequestType::update, 0, used, step.asked);
    calls.count(used);
    RC_ASSERT(calls.account().overage_micros == 0);
    RC_ASSERT(calls.account().main_micros >= 0);
    RC_ASSERT(calls.paid().micros == calls.model.total * 10'000);
  }
}

}  // namespace
}  // namespace farthing::engine
