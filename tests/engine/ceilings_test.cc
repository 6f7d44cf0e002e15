// Ceilings: what is beyond them, what lifts, lowers and raises them, and until when. Amounts are
// done by hand, or MiB by MiB.
#include "engine/ceilings.h"

#include "engine/operations.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/requests.h"
#include "tests/support/test_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

namespace farthing::engine {
namespace {

using std::chrono::days;
using std::chrono::hours;
using test::TestEngine;
using testing::HasSubstr;

constexpr std::string_view anna = "8613800138000";  // 100.00
constexpr std::uint64_t mib = 1u << 20;

// As the one of samples/ceilings.yaml, in MiB.
constexpr std::string_view tariff_text = R"(
tariff: ceilings
currency: CNY
time_zone: UTC
valid_from: 2026-01-01T00:00:00
counters:
  used: {unit: octets, period: month, covers: [{service: data, rating_group: 10}]}
  abroad: {unit: money, period: month, covers: [{service: data, rating_group: 30}]}
  family: {unit: octets, period: day, covers: [{service: data, rating_group: 40}], shared: true}
  trial-day: {unit: octets, period: day, covers: [{service: data, rating_group: 60}]}
  trial-month: {unit: octets, period: month, covers: [{service: data, rating_group: 60}]}
ceilings:
  fair-use: {counter: used, at: 20 MiB, notes: [80 %], lower: true}
  no-more: {counter: used, at: 100 MiB}
  bill-shock: {counter: abroad, at: 60.00, notes: [50 %], lift: true, lower: true}
  of-all: {counter: family, at: 5 MiB, lift: true}
  day: {counter: trial-day, at: 5 MiB}
  month: {counter: trial-month, at: 5 MiB}
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB, standard: 10 MiB, minimum: 1 MiB, validity: 1 h}
    rating_groups: {10: home, 30: roaming, 40: family, 60: trial}
    prices:
      - {rating_group: 10, beyond: no-more, stop: true, price: free}
      - {rating_group: 10, beyond: fair-use, amount: 0.10, per: 1 MiB, step: 1 MiB}
      - {rating_group: 10, amount: 1.00, per: 1 MiB, step: 1 MiB}
      - {rating_group: 30, beyond: bill-shock, stop: true, price: free}
      - {rating_group: 30, amount: 2.00, per: 1 MiB, step: 1 MiB}
      - {rating_group: 40, beyond: of-all, stop: true, price: free}
      - {rating_group: 60, beyond: month, stop: true, price: free}
      - {rating_group: 60, beyond: day, amount: 0.50, per: 1 MiB, step: 1 MiB}
      - {rating_group: 60, amount: 1.00, per: 1 MiB, step: 1 MiB}
      - {default: true, amount: 0.01, per: 1 MiB, step: 1 MiB}
offers:
  - name: booster
    fee: 5.00
    validity: month
    covers: [{service: data, rating_group: 10}]
    raises: {fair-use: 10 MiB, no-more: 10 MiB}
)";

const Note note{"tester", "agreed by SMS", ""};

class Clients {
 public:
  Clients() {
    const auto tariff = tariffs::compile_tariff("ceilings.yaml", tariff_text);
    if (!tariff.has_value()) throw std::runtime_error(tariffs::to_string(tariff.error().front()));
    shard().enter_tariff(*tariff, std::string(tariff_text));
    advance(hours(12));
    top_up(shard(), anna, Money(900'000'000), note);  // 1000.00 in all
    engine_.sync();
  }

  TestEngine& engine() { return engine_; }
  Shard& shard() { return engine_.shard(); }
  void advance(Duration by) {
    engine_.sync();  // a batch keeps its time
    engine_.advance(by);
  }
  ServiceAnswer surf(RequestType type, const std::string& session, std::uint32_t group,
                     std::uint64_t used_mib, std::uint64_t asked_mib,
                     std::string_view msisdn = anna) {
    Request request = test::request_of(type, number_++, session, msisdn);
    request.event_time = engine_.now();
    ServiceRequest& service = request.add_service();
    service.rating_group = RatingGroup(group);
    if (used_mib > 0) service.used.emplace().octets = used_mib * mib;
    if (asked_mib > 0) service.requested.emplace().total_octets = asked_mib * mib;
    engine_.handle(request);
    EXPECT_EQ(test::broken_invariant(shard().book()), "");
    return shard().answer().services[0];
  }
  void use(std::uint32_t group, std::uint64_t used_mib) {
    const std::string session = "s" + std::to_string(number_);
    surf(RequestType::initial, session, group, 0, 1);
    surf(RequestType::termination, session, group, used_mib, 0);
  }
  std::string paid() {
    const Account& account = *shard().book().find_account(anna);
    return Money(1'000'000'000 - account.balance().micros).to_string();
  }
  std::uint64_t granted(std::uint32_t group, std::uint64_t asked_mib) {
    const std::string session = "g" + std::to_string(number_);
    const ServiceAnswer answer = surf(RequestType::initial, session, group, 0, asked_mib);
    surf(RequestType::termination, session, group, 0, 0);
    return answer.grant ? answer.grant->amount / mib : 0;
  }
  std::vector<std::uint64_t> reached() {
    std::vector<std::uint64_t> values;
    engine_.sync();
    EXPECT_TRUE(engine_.store().scan(Sequence(1), [&values](const storage::Record& record) {
      std::string_view body = record.body;
      Entry entry;
      for (std::uint32_t i = 0; i < record.header.count; ++i) {
        EXPECT_TRUE(decode_entry(body, Sequence(record.header.first.value + i), entry));
        for (const ThresholdReached& one : entry.thresholds) values.push_back(one.threshold);
      }
      return true;
    }));
    return values;
  }
  std::uint32_t next_number() { return number_++; }
  void crash(bool written_back) {
    engine_.sync();
    if (written_back) engine_.checkpoint();
    engine_.crash_and_restart();
    granted(50, 1);  // the account is read from its row
  }

 private:
  TestEngine engine_;
  std::uint32_t number_ = 0;
};

class Ceilings : public testing::Test, protected Clients {};

TEST_F(Ceilings, UsageIsSplitAtTheUnitThatReachesOne) {
  use(10, 25);
  EXPECT_EQ(paid(), "20.500000");
  EXPECT_EQ(reached(), (std::vector<std::uint64_t>{16 * mib, 20 * mib}));
}

TEST_F(Ceilings, AGrantEndsThereAndIsTheLastWhereItStops) {
  use(30, 28);
  const ServiceAnswer last = surf(RequestType::initial, "s", 30, 0, 10);
  EXPECT_EQ(last.grant->amount, 2 * mib);
  EXPECT_TRUE(last.final_unit);
  EXPECT_EQ(surf(RequestType::update, "s", 30, 2, 10).outcome, Outcome::credit_limit_reached);
  EXPECT_EQ(paid(), "60.000000");
}

TEST_F(Ceilings, OfTwoThatOneUnitReachesNeitherIsOverlooked) {
  const ServiceAnswer answer = surf(RequestType::initial, "s", 60, 0, 10);
  ASSERT_TRUE(answer.grant);
  EXPECT_EQ(answer.grant->amount, 5 * mib);
  EXPECT_TRUE(answer.final_unit) << "behind both it stops";
}

TEST_F(Ceilings, ConsentLiftsOneUntilThePeriodEndsAndTheLedgerKeepsIt) {
  use(30, 30);
  EXPECT_EQ(granted(30, 10), 0u);
  const Operation lifted = lift_ceiling(shard(), anna, "bill-shock", note);
  ASSERT_TRUE(lifted.has_value());
  EXPECT_FALSE(lifted->repeated);
  EXPECT_TRUE(lift_ceiling(shard(), anna, "bill-shock", note)->repeated);
  EXPECT_EQ(granted(30, 10), 10u);
  for (const bool written_back : {false, true}) {
    crash(written_back);
    EXPECT_EQ(granted(30, 50), 50u);
    engine().sync();
    EXPECT_EQ(test::proof_failure(engine().store()), "");
  }
  use(30, 40);
  EXPECT_EQ(paid(), "140.000000");
  advance(days(30));
  EXPECT_EQ(granted(30, 50), 30u);
  EXPECT_EQ(test::proof_failure(engine().store()), "");
}

TEST_F(Ceilings, WithConsentASessionThatIsOpenGoesOn) {
  surf(RequestType::initial, "s", 30, 0, 30);
  EXPECT_EQ(surf(RequestType::update, "s", 30, 30, 10).outcome, Outcome::credit_limit_reached);
  ASSERT_TRUE(lift_ceiling(shard(), anna, "bill-shock", note));
  EXPECT_EQ(surf(RequestType::update, "s", 30, 0, 10).grant->amount, 10 * mib);
}

TEST_F(Ceilings, ALowerOneIsTheSubscribersUntilItSaysOtherwise) {
  ASSERT_TRUE(lower_ceiling(shard(), anna, "bill-shock", "20.00", note));
  EXPECT_EQ(granted(30, 50), 10u);
  use(30, 10);
  EXPECT_EQ(reached(), (std::vector<std::uint64_t>{10'000'000, 20'000'000}));
  advance(days(30));
  crash(true);
  EXPECT_EQ(granted(30, 50), 10u);
  ASSERT_TRUE(lower_ceiling(shard(), anna, "bill-shock", "", note));
  EXPECT_EQ(granted(30, 50), 30u);
  const Operation higher = lower_ceiling(shard(), anna, "bill-shock", "60.00", note);
  ASSERT_FALSE(higher.has_value());
  EXPECT_THAT(higher.error().message, HasSubstr("less than 60.000000"));
  EXPECT_FALSE(lower_ceiling(shard(), anna, "bill-shock", "much", note).has_value());
  EXPECT_FALSE(lower_ceiling(shard(), anna, "no-more", "1 MiB", note).has_value());
  EXPECT_FALSE(lift_ceiling(shard(), anna, "fair-use", note).has_value());
  EXPECT_FALSE(lift_ceiling(shard(), anna, "bill-shok", note).has_value());
}

TEST_F(Ceilings, ALowerOneCanBeGivenUpThoughTheTariffHasNoneAnyMore) {
  ASSERT_TRUE(lower_ceiling(shard(), anna, "bill-shock", "20.00", note));
  std::string text(tariff_text);
  const std::string_view lower = ", lift: true, lower: true}";
  text.replace(text.find(lower), lower.size(), ", lift: true}");
  const auto tariff = tariffs::compile_tariff("ceilings.yaml", text);
  ASSERT_TRUE(tariff.has_value());
  shard().enter_tariff(*tariff, text);
  EXPECT_EQ(granted(30, 50), 10u);
  EXPECT_FALSE(lower_ceiling(shard(), anna, "bill-shock", "10.00", note).has_value());
  ASSERT_TRUE(lower_ceiling(shard(), anna, "bill-shock", "", note).has_value());
  EXPECT_EQ(granted(30, 50), 30u);
}

// A pass that is bought by usage of the day before, say, which is reported late.
TEST_F(Ceilings, ARaiseOfThePeriodBeforeEndsNoneThatHolds) {
  ASSERT_TRUE(add_subscription(shard(), anna, "booster", note));
  const Account& account = *shard().book().find_account(anna);
  const CeilingPeriod now = account.ceilings.at(0).periods[0];
  const tariffs::Tariff& tariff = *shard().tariffs().at(shard().now())->tariff;
  const std::vector<tariffs::Raise> raises = {{"fair-use", 5 * mib}};
  for (const int months : {1, 2}) {
    Entry entry;
    const Time time = now.span.from - days(30 * months - 15);
    raise_ceilings(account, SubscriberNumber(1), tariff, raises, time, entry);
    ASSERT_EQ(entry.ceilings.size(), 1u);
    EXPECT_EQ(entry.ceilings[0].periods[0], now);
    EXPECT_EQ(period_at(entry.ceilings[0], shard().now()).raised, 10 * mib);
    EXPECT_EQ(period_at(entry.ceilings[0], time).raised, 5 * mib);
  }
}

// What is used before midnight of a month's end may be reported when more was bought for the next.
TEST_F(Ceilings, UsageIsChargedByWhatHoldsInItsOwnPeriod) {
  using std::chrono::minutes;
  const tariffs::Tariff& tariff = *shard().tariffs().at(engine().now())->tariff;
  advance(tariff.month_of(engine().now()).to - engine().now() - minutes(5));
  use(30, 30);  // 60.00: nothing more
  ASSERT_TRUE(lift_ceiling(shard(), anna, "bill-shock", note));
  surf(RequestType::initial, "s", 10, 0, 30);
  surf(RequestType::initial, "r", 30, 0, 5);
  const Time before = engine().now();
  advance(minutes(10));
  const auto report = [&](const std::string& session, std::uint32_t group, Time time,
                          std::uint64_t used) {
    Request request = test::request_of(RequestType::update, next_number(), session, anna);
    request.event_time = time;
    ServiceRequest& service = request.add_service();
    service.rating_group = RatingGroup(group);
    service.used.emplace().octets = used * mib;
    engine().handle(request);
  };
  ASSERT_TRUE(add_subscription(shard(), anna, "booster", note));  // 5.00, for this month
  report("s", 10, before, 30);                                    // 20 at 1.00, 10 at 0.10
  report("r", 30, before, 5);                                     // lifted then: 2.00 each
  EXPECT_EQ(paid(), "96.000000");
  EXPECT_EQ(granted(10, 100), 30u) << "as much as the raise makes of it now";
  for (const bool written_back : {false, true}) {
    crash(written_back);
    report("s", 10, before, 10);
    EXPECT_EQ(paid(), written_back ? "98.000000" : "97.000000");
  }
  engine().sync();
  EXPECT_EQ(test::proof_failure(engine().store()), "");
}

// A version that counts something else under the name of old.
TEST_F(Ceilings, OneOfAnotherUnitIsNotTheSubscribersOwn) {
  ASSERT_TRUE(lower_ceiling(shard(), anna, "fair-use", "1 MiB", note));
  std::string text(tariff_text);
  for (const auto& [from, to] :
       {std::pair<std::string_view, std::string_view>{"fair-use: {counter: used, at: 20 MiB",
                                                      "fair-use: {counter: abroad, at: 20.00"},
        {"{fair-use: 10 MiB, no-more: 10 MiB}", "{no-more: 10 MiB}"}}) {
    text.replace(text.find(from), from.size(), to);
  }
  const auto tariff = tariffs::compile_tariff("ceilings.yaml", text);
  ASSERT_TRUE(tariff.has_value()) << tariffs::to_string(tariff.error().front());
  shard().enter_tariff(*tariff, text);
  use(10, 2);
  EXPECT_EQ(paid(), "2.000000");
}

TEST_F(Ceilings, WhatIsBoughtRaisesThemForTheRestOfThePeriod) {
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(add_subscription(shard(), anna, "booster", note));
  use(10, 45);  // 40 at 1.00, 5 at 0.10; and two boosters
  EXPECT_EQ(paid(), "50.500000");
  EXPECT_EQ(granted(10, 100), 75u);
  advance(days(30));
  use(10, 25);
  EXPECT_EQ(paid(), "71.000000");
}

TEST_F(Ceilings, OneOfASharedCounterIsTheAccounts) {
  constexpr std::string_view bert = "8613900139000";
  ASSERT_TRUE(add_subscriber(shard(), bert, anna, "", note));
  use(40, 5);
  EXPECT_EQ(surf(RequestType::initial, "b", 40, 0, 1, bert).outcome, Outcome::credit_limit_reached);
  ASSERT_TRUE(lift_ceiling(shard(), bert, "of-all", note));
  EXPECT_EQ(granted(40, 7), 7u);
  advance(days(1));
  EXPECT_EQ(granted(40, 7), 5u);
}

// --- MiB by MiB ----------------------------------------------------------------------------------

struct Step {
  std::uint8_t what;  // 0 to 5: usage; 6: a booster; 7: lower; 8: not any more; 9: a week passes
  std::uint8_t mib;
  bool crashes;
};

void showValue(const Step& step, std::ostream& out) {
  out << "what " << int{step.what} << " MiB " << int{step.mib} << (step.crashes ? " crash" : "");
}

class CeilingsProperty : public testing::Test {};

// Whatever comes in whatever order: each MiB costs what the ceiling says when it is used.
RC_GTEST_FIXTURE_PROP(CeilingsProperty, EachUnitIsOfTheSideOfTheCeilingOnWhichItLies, ()) {
  const auto steps = *rc::gen::container<std::vector<Step>>(rc::gen::apply(
      [](std::uint8_t what, std::uint8_t used, std::uint8_t crash) {
        return Step{what, used, crash == 0};
      },
      rc::gen::inRange<std::uint8_t>(0, 10), rc::gen::inRange<std::uint8_t>(1, 14),
      rc::gen::inRange<std::uint8_t>(0, 8)));
  Clients clients;
  std::uint64_t used = 0;
  std::uint64_t lowered = 20;
  std::uint64_t raised = 0;
  std::int64_t cents = 0;
  int day = 1;
  for (const Step& step : steps) {
    if (step.what <= 5) {
      clients.use(10, step.mib);
      for (int i = 0; i < step.mib; ++i, ++used) {
        if (used >= 100 + raised) continue;  // reported all the same, and free
        cents += used < lowered + raised ? 100 : 10;
      }
    } else if (step.what == 6) {
      RC_ASSERT(add_subscription(clients.shard(), anna, "booster", note).has_value());
      raised += 10;
      cents += 500;
    } else if (step.what == 9) {
      clients.advance(days(7));
      day += 7;
      if (day > 30) day -= 30, used = 0, raised = 0;
    } else {
      const bool lowers = step.what == 7;
      const std::string value = lowers ? std::to_string(step.mib) + " MiB" : "";
      RC_ASSERT(lower_ceiling(clients.shard(), anna, "fair-use", value, note).has_value());
      lowered = lowers ? step.mib : 20;
    }
    if (step.crashes) clients.crash(step.mib % 2 == 0);
    // The months of 2026 from June on: it is left when the first two are over.
    if (clients.engine().now() >= std::chrono::sys_days(std::chrono::year(2026) / 7 / 24)) break;
  }
  RC_ASSERT(clients.paid() == Money(cents * 10'000).to_string());
  clients.engine().sync();
  RC_ASSERT(test::proof_failure(clients.engine().store()) == "");
}

}  // namespace
}  // namespace farthing::engine
