// Subscriptions from period to period: when they are paid, what they bring, what becomes of them
// without money, and that a crash or an eviction makes no difference.
#include "engine/operations.h"
#include "tariffs/local_time.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <stdexcept>
#include <string_view>

namespace farthing::engine {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using test::TestEngine;

constexpr std::string_view anna = "8613800138000";  // 100.00
constexpr std::string_view bert = "8613800138077";  // of the same account
constexpr std::string_view data = "32251@3gpp.org";
constexpr std::uint64_t mib = 1u << 20;
const Note note{"anna", "test", ""};

constexpr std::string_view tariff_text = R"(tariff: renewing
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2026-01-01T00:00:00
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB, minimum: 1 KiB, validity: 1 h}
    rating_groups: {10: web, 20: video, 30: roaming, 40: games}
    prices:
      - {rating_group: web, amount: 1.00, per: 1 MiB}
      - {rating_group: video, subscription: required, amount: 2.00, per: 1 MiB}
      - {rating_group: roaming, pass: day-pass, amount: 1.00, per: 1 MiB}
      - {rating_group: games, pass: hour-pass, price: free}
offers:
  - name: day-pass
    fee: 10.00
    validity: day
    allowance: 5 MiB
    covers: [{service: data, rating_group: roaming}]
  - name: hour-pass
    fee: 3.00
    validity: 1 h
    daily_most: 2
    allowance: 1 B
    covers: [{service: data, rating_group: games}]
  - name: monthly
    fee: 30.00
    period: month
    allowances:
      - amount: 10 MiB
        covers: [{service: data, rating_group: web}]
        rollover: {periods: 1, at_most: 15 MiB}
      - {amount: 4 MiB, covers: [{service: data, rating_group: video}], shared: true}
  - name: daily
    fee: 1.00
    period: day
    begins: calendar
    allowance: 2 MiB
    covers: [{service: data, rating_group: web}]
    unpaid: end
  - name: calendar
    fee: 31.00
    period: month
    begins: calendar
    first_period: prorated
    allowance: 31 MiB
    covers: [{service: data, rating_group: web}]
  - name: plus
    fee: 10.00
    period: month
    covers: [{service: data, rating_group: video}]
    unpaid: suspend
  - name: strict
    fee: 60.00
    period: 10 days
    covers: [{service: data, rating_group: web}]
    unpaid: suspend
    retry: 3 d
  - name: days
    fee: 30.00
    period: 10 days
    allowance: 20 MiB
    covers: [{service: data, rating_group: web}]
    unpaid: by_days
    retry: 3 d
  - {name: small, family: base, fee: 5.00, period: month, covers: [{service: data}]}
  - {name: large, family: base, fee: 9.00, period: month, covers: [{service: data}]}
  - name: booster
    fee: 2.00
    validity: 1 d
    requires: [small, large]
    allowance: 1 MiB
    covers: [{service: data}]
  - name: rolling
    fee: 10.00
    period: 10 days
    allowances:
      - amount: 8 MiB
        covers: [{service: data, rating_group: web}]
        rollover: {periods: 3, at_most: 4 MiB}
    unpaid: suspend
    retry: 2 d
  - name: bundle
    fee: 4.00
    validity: 1 d
    allowances: [{amount: 1 MiB, covers: [{service: data, rating_group: web}]}]
    covers: [{service: data, rating_group: video}]
  - {name: extra, fee: 2.00, validity: 1 d, allowance: 1 MiB, covers: [{service: data}]}
  - name: common
    family: base
    fee: 4.00
    validity: 30 d
    allowances: [{amount: 1 MiB, covers: [{service: data, rating_group: web}], shared: true}]
  - {name: old, fee: 5.00, period: month, sale: withdrawn, covers: [{service: data}]}
)";

class Renewals : public testing::Test {
 protected:
  Renewals() : Renewals(ShardOptions()) {}
  explicit Renewals(ShardOptions options) : engine_(options) {
    load(std::string(tariff_text));
    EXPECT_TRUE(add_subscriber(shard(), bert, anna, "", note).has_value());
  }

  void load(const std::string& text) {
    const std::string source = tariffs::canonical_bytes({text, {}});
    const auto tariff = tariffs::compile_tariff("renewing.yaml", source);
    ASSERT_TRUE(tariff.has_value()) << tariffs::to_string(tariff.error().front());
    shard().enter_tariff(*tariff, source);
  }
  Shard& shard() { return engine_.shard(); }
  const Account& account() {
    Needs needs;
    needs.names = {std::string(anna)};
    shard().when_here(std::move(needs), [](std::string_view) {});
    while (shard().book().find_account(anna) == nullptr) {
      engine_.sync();
      if (!engine_.store().read_next()) throw std::runtime_error("it is nowhere");
    }
    return *shard().book().find_account(anna);
  }
  Money balance() { return account().balance(); }

  void subscribe(std::string_view offer, std::optional<Time> begin = std::nullopt) {
    const auto done = add_subscription(shard(), anna, offer, note, begin);
    ASSERT_TRUE(done.has_value()) << done.error().message;
  }
  std::string refused(std::string_view offer) {
    const auto done = add_subscription(shard(), anna, offer, note);
    return done.has_value() ? "" : done.error().message;
  }
  void pay(std::int64_t units) {
    ASSERT_TRUE(top_up(shard(), anna, Money(units * 1'000'000), note).has_value());
  }
  static Time at(std::string_view local) {
    return *tariffs::parse_local_time("Asia/Shanghai", local);
  }
  // Upkeep runs as often as it likes to, until nothing is left to do.
  void pass_until(Time time) {
    engine_.sync();
    ASSERT_GE(time, engine_.now());
    engine_.advance(time - engine_.now());
    upkeep();
    EXPECT_EQ(test::broken_invariant(shard().book()), "");
  }
  void upkeep() {
    for (int i = 0; i < 100 && shard().tick(); ++i) engine_.sync();
    while (engine_.store().read_next()) engine_.sync();
    engine_.sync();
  }
  std::int64_t left(RatingGroup group) {
    std::int64_t units = 0;
    for (const Bucket& bucket : account().buckets) {
      if (bucket.is_valid_at(engine_.now()) && bucket.coverage[0].rating_group == group) {
        units += bucket.remaining;
      }
    }
    return units;
  }
  const Subscription& only() {
    EXPECT_EQ(account().subscriptions.size(), 1u);
    return account().subscriptions.at(0);
  }

  // A session of one grant and one report.
  Outcome use(std::uint32_t group, std::uint64_t used_mib, std::string_view msisdn = anna) {
    const std::string session = "s;" + std::to_string(++sessions_);
    const Outcome granted = ask(session, RequestType::initial, group, 0, used_mib, msisdn);
    ask(session, RequestType::termination, group, granted == Outcome::success ? used_mib : 0, 0,
        msisdn);
    return granted;
  }
  Outcome ask(const std::string& session, RequestType type, std::uint32_t group,
              std::uint64_t used_mib, std::uint64_t asked_mib, std::string_view msisdn = anna) {
    request_.clear();
    ++number_;
    request_.key = {type, number_, 0, number_ + 7u, number_ + 100u};
    request_.session_id = session;
    request_.service_context = data;
    request_.identities = {*parse_msisdn(msisdn)};
    request_.event_time = event_time_.value_or(engine_.now());
    ServiceRequest& service = request_.add_service();
    service.rating_group = RatingGroup(group);
    if (used_mib > 0) service.used.emplace().octets = used_mib * mib;
    if (asked_mib > 0) service.requested.emplace().total_octets = asked_mib * mib;
    engine_.handle(request_);
    EXPECT_EQ(test::broken_invariant(shard().book()), "");
    const Answer& answer = shard().answer();
    return answer.outcome != Outcome::success ? answer.outcome : answer.services[0].outcome;
  }

  TestEngine engine_;
  Request request_;
  std::uint32_t number_ = 0;
  int sessions_ = 0;
  std::optional<Time> event_time_;
};

constexpr RatingGroup web{10};
constexpr RatingGroup video{20};

TEST_F(Renewals, a_purchase_is_paid_once_under_its_request_id) {
  Note order = note;
  for (const std::string_view offer : {"extra", "monthly"}) {
    order.request_id = offer;
    const Operation first = add_subscription(shard(), anna, offer, order);
    ASSERT_TRUE(first.has_value()) << first.error().message;
    EXPECT_FALSE(first->repeated);
    const Money paid = balance();
    const auto again = [&] {
      const Operation done = add_subscription(shard(), anna, offer, order);
      ASSERT_TRUE(done.has_value()) << done.error().message;
      EXPECT_TRUE(done->repeated);
      EXPECT_EQ(done->sequence, first->sequence);
    };
    again();
    engine_.sync();
    engine_.crash_and_restart();
    again();
    pass_until(engine_.now() + days(3));  // what was bought first is over
    again();
    EXPECT_EQ(balance(), paid);
    // By another subscriber, or for another offer, it is another order.
    EXPECT_FALSE(add_subscription(shard(), bert, offer, order).has_value());
    const Operation other = add_subscription(shard(), anna, "calendar", order);
    ASSERT_FALSE(other.has_value());
    EXPECT_THAT(other.error().message, testing::HasSubstr("was used before"));
  }
}

TEST_F(Renewals, a_period_is_paid_when_it_begins_and_brings_its_allowances) {
  subscribe("monthly");  // on June 1, 08:00 in Shanghai
  EXPECT_EQ(balance(), Money(70'000'000));
  EXPECT_EQ(left(web), 10 * std::int64_t{mib});
  EXPECT_EQ(left(video), 4 * std::int64_t{mib});
  EXPECT_EQ(use(10, 3), Outcome::success);
  EXPECT_EQ(use(20, 4, bert), Outcome::success);  // shared
  EXPECT_EQ(balance(), Money(70'000'000));

  pass_until(at("2026-07-01T07:59:59"));
  EXPECT_EQ(balance(), Money(70'000'000));
  pass_until(at("2026-07-01T08:00:00"));
  EXPECT_EQ(balance(), Money(40'000'000));
  EXPECT_EQ(left(web), 17 * std::int64_t{mib});  // seven are rolled over
  EXPECT_EQ(left(video), 4 * std::int64_t{mib});
  EXPECT_EQ(only().valid_to, at("2026-08-01T08:00:00"));

  EXPECT_EQ(use(10, 8), Outcome::success);  // the seven first, then one of the new ones
  pass_until(at("2026-08-01T08:00:00"));
  EXPECT_EQ(balance(), Money(10'000'000));
  EXPECT_EQ(left(web), 19 * std::int64_t{mib});
}

TEST_F(Renewals, no_more_is_rolled_over_than_the_offer_says_and_no_longer) {
  pay(500);
  subscribe("monthly");
  pass_until(at("2026-07-02T00:00:00"));
  EXPECT_EQ(left(web), 20 * std::int64_t{mib});
  pass_until(at("2026-08-02T00:00:00"));
  EXPECT_EQ(left(web), 20 * std::int64_t{mib});  // June's are over
  pass_until(at("2026-08-03T00:00:00"));
  EXPECT_EQ(only().buckets.size(), 3u);  // July's and August's web, August's video
}

TEST_F(Renewals, a_request_finds_its_account_renewed) {
  subscribe("monthly");
  EXPECT_EQ(use(10, 10), Outcome::success);
  engine_.sync();
  engine_.advance(at("2026-07-01T08:00:00") - engine_.now());  // no upkeep has run
  EXPECT_EQ(use(10, 10), Outcome::success);
  EXPECT_EQ(balance(), Money(40'000'000));
}

TEST_F(Renewals, usage_of_the_period_before_is_of_its_allowance) {
  subscribe("daily");  // until midnight
  const std::string session = "late";
  pass_until(at("2026-06-01T23:30:00"));
  EXPECT_EQ(ask(session, RequestType::initial, 10, 0, 2), Outcome::success);
  pass_until(at("2026-06-02T00:00:10"));
  EXPECT_EQ(balance(), Money(98'000'000));
  event_time_ = at("2026-06-01T23:59:59");
  EXPECT_EQ(ask(session, RequestType::termination, 10, 2, 0), Outcome::success);
  EXPECT_EQ(balance(), Money(98'000'000));
  EXPECT_EQ(left(web), 2 * std::int64_t{mib});
}

TEST_F(Renewals, buckets_go_when_no_usage_can_be_of_them_any_more) {
  subscribe("daily");
  pass_until(at("2026-06-02T00:00:00"));
  pass_until(at("2026-06-02T12:00:00"));
  EXPECT_EQ(account().buckets.size(), 2u);
  pass_until(at("2026-06-03T00:00:00"));
  pass_until(at("2026-06-03T00:00:10"));
  EXPECT_EQ(account().buckets.size(), 2u);  // those of June 2 and 3
}

TEST_F(Renewals, units_that_a_session_holds_keep_their_bucket) {
  subscribe("daily");
  EXPECT_EQ(ask("long", RequestType::initial, 10, 0, 2), Outcome::success);
  for (int hour = 1; hour <= 50; ++hour) {  // it reports nothing but goes on
    pass_until(engine_.now() + hours(1));
    EXPECT_EQ(ask("long", RequestType::update, 20, 0, 0), Outcome::success) << hour;
  }
  EXPECT_EQ(account().buckets.size(), 3u);  // those of June 1, 2 and 3
  EXPECT_EQ(ask("long", RequestType::termination, 10, 2, 0), Outcome::success);
  EXPECT_EQ(balance(), Money(97'000'000));  // three days, nothing else
}

TEST_F(Renewals, a_month_without_the_day_ends_on_its_last_one) {
  pay(1000);
  pass_until(at("2026-08-31T10:00:00"));
  subscribe("monthly");
  EXPECT_EQ(only().valid_to, at("2026-09-30T10:00:00"));
  pass_until(at("2026-10-01T00:00:00"));
  EXPECT_EQ(only().valid_to, at("2026-10-31T10:00:00"));
  pass_until(at("2027-02-01T00:00:00"));
  EXPECT_EQ(only().valid_to, at("2027-02-28T10:00:00"));
  pass_until(at("2027-03-01T00:00:00"));
  EXPECT_EQ(only().valid_to, at("2027-03-31T10:00:00"));
}

TEST_F(Renewals, the_first_period_of_the_calendar_costs_its_days) {
  pass_until(at("2026-07-10T15:00:00"));
  subscribe("calendar");  // 22 of 31 days
  EXPECT_EQ(balance(), Money(78'000'000));
  EXPECT_EQ(left(web), 22 * std::int64_t{mib});
  EXPECT_EQ(only().valid_to, at("2026-08-01T00:00:00"));
  pass_until(at("2026-08-01T00:00:00"));
  EXPECT_EQ(balance(), Money(47'000'000));
  EXPECT_EQ(left(web), 31 * std::int64_t{mib});
}

TEST_F(Renewals, a_subscription_may_begin_later) {
  subscribe("monthly", at("2026-06-15T00:00:00"));
  EXPECT_EQ(balance(), Money(100'000'000));
  EXPECT_EQ(only().state, Subscription::State::waiting);
  EXPECT_EQ(use(20, 1), Outcome::service_denied);
  pass_until(at("2026-06-15T00:00:00"));
  EXPECT_EQ(balance(), Money(70'000'000));
  EXPECT_EQ(only().state, Subscription::State::active);
  EXPECT_EQ(use(20, 1), Outcome::success);
  EXPECT_EQ(only().valid_to, at("2026-07-15T00:00:00"));
}

TEST_F(Renewals, what_is_not_paid_is_tried_again_daily_and_when_money_comes) {
  subscribe("strict");  // 60.00 for ten days
  pass_until(at("2026-06-11T08:00:00"));
  EXPECT_EQ(only().state, Subscription::State::unpaid);
  EXPECT_EQ(balance(), Money(40'000'000));
  EXPECT_EQ(use(10, 1), Outcome::service_denied);  // suspended
  pass_until(at("2026-06-12T09:00:00"));
  EXPECT_EQ(only().state, Subscription::State::unpaid);
  pay(10);
  EXPECT_EQ(only().state, Subscription::State::unpaid);
  pay(20);
  EXPECT_EQ(only().state, Subscription::State::active);
  EXPECT_EQ(balance(), Money(10'000'000));
  EXPECT_EQ(only().valid_to, at("2026-06-22T09:00:00"));  // from then on
  EXPECT_EQ(use(10, 1), Outcome::success);
}

TEST_F(Renewals, what_is_never_paid_ends) {
  subscribe("strict");
  pass_until(at("2026-06-14T08:00:00"));
  ASSERT_TRUE(account().subscriptions.empty());
  EXPECT_EQ(use(10, 1), Outcome::success);  // at its price
  EXPECT_EQ(balance(), Money(39'000'000));
}

TEST_F(Renewals, unpaid_may_mean_the_end_at_once) {
  ASSERT_TRUE(adjust(shard(), anna, Money(-98'000'000), note).has_value());
  subscribe("daily");
  pass_until(at("2026-06-02T00:00:00"));
  EXPECT_EQ(balance(), Money(0));
  pass_until(at("2026-06-03T00:00:00"));
  EXPECT_EQ(only().state, Subscription::State::ended);
  pass_until(at("2026-06-05T00:00:00"));
  EXPECT_TRUE(account().subscriptions.empty());
  EXPECT_TRUE(account().buckets.empty());
}

TEST_F(Renewals, a_period_that_passed_while_the_server_stood_still_is_not_charged) {
  subscribe("daily");
  pass_until(at("2026-06-10T12:00:00"));
  EXPECT_EQ(balance(), Money(98'000'000));
  EXPECT_EQ(only().valid_from, at("2026-06-10T00:00:00"));
}

TEST_F(Renewals, it_ends_now_or_with_its_period) {
  subscribe("monthly");
  const SubscriptionNumber first = only().number;
  ASSERT_TRUE(end_subscription(shard(), anna, first, note, Ending::with_period).has_value());
  EXPECT_EQ(left(web), 10 * std::int64_t{mib});
  pass_until(at("2026-07-01T08:00:00"));
  EXPECT_EQ(balance(), Money(70'000'000));
  EXPECT_EQ(left(web), 0);
  pass_until(at("2026-07-03T08:00:00"));
  EXPECT_TRUE(account().subscriptions.empty());

  subscribe("monthly");
  ASSERT_TRUE(end_subscription(shard(), anna, only().number, note).has_value());
  EXPECT_TRUE(account().subscriptions.empty());
  EXPECT_TRUE(account().buckets.empty());
  EXPECT_FALSE(end_subscription(shard(), anna, first, note).has_value());
}

TEST_F(Renewals, one_of_a_family_and_none_without_what_it_needs) {
  EXPECT_NE(refused("booster").find("for those who have small"), std::string::npos);
  EXPECT_NE(refused("old").find("not on sale"), std::string::npos);
  subscribe("small");
  EXPECT_NE(refused("large").find("the subscriber has small"), std::string::npos);
  EXPECT_NE(refused("small").find("the subscriber has small"), std::string::npos);
  EXPECT_NE(refused("booster").find("for those who have large"), std::string::npos);
}

TEST_F(Renewals, terms_are_kept_or_those_of_the_next_period) {
  subscribe("small");
  subscribe("plus");
  std::string text(tariff_text);
  text.replace(text.find("fee: 5.00"), 9, "fee: 6.00");
  constexpr std::string_view plus = "plus\n    fee: 10.00\n";
  text.replace(text.find(plus), plus.size(), "plus\n    fee: 1.00\n    holders: next_period\n");
  load(text);  // the version that is held says whether to go on with it
  pass_until(at("2026-07-01T08:00:00"));
  EXPECT_EQ(balance(), Money(70'000'000));  // 15.00 twice
}

TEST_F(Renewals, an_offer_that_has_ended_makes_way_for_its_successor) {
  subscribe("small");
  std::string text(tariff_text);
  text.replace(text.find("name: small, family: base"), 25,
               "name: small, sale: ended, successor: large, family: base");
  load(text);
  pass_until(at("2026-07-01T08:00:00"));
  EXPECT_EQ(only().offer, "large");
  EXPECT_EQ(balance(), Money(86'000'000));
}

TEST_F(Renewals, a_day_pass_is_bought_by_the_first_use_of_a_day) {
  EXPECT_EQ(use(30, 3), Outcome::success);
  EXPECT_EQ(balance(), Money(90'000'000));
  EXPECT_EQ(use(30, 3), Outcome::success);  // two MiB of the pass, one at its price
  EXPECT_EQ(balance(), Money(89'000'000));
  pass_until(at("2026-06-01T23:59:00"));
  EXPECT_EQ(use(30, 1), Outcome::success);
  EXPECT_EQ(balance(), Money(88'000'000));
  pass_until(at("2026-06-02T00:00:00"));
  EXPECT_EQ(use(30, 1), Outcome::success);
  EXPECT_EQ(balance(), Money(78'000'000));
  EXPECT_EQ(use(30, 1, bert), Outcome::success);  // a pass of his own
  EXPECT_EQ(balance(), Money(68'000'000));
  pass_until(at("2026-06-05T00:00:00"));
  EXPECT_TRUE(account().subscriptions.empty());
  EXPECT_TRUE(account().buckets.empty());
}

TEST_F(Renewals, a_pass_that_cannot_be_paid_is_4012_and_so_is_one_too_many) {
  EXPECT_EQ(use(40, 1), Outcome::success);
  pass_until(engine_.now() + hours(1));
  EXPECT_EQ(use(40, 1), Outcome::success);
  EXPECT_EQ(balance(), Money(94'000'000));
  pass_until(engine_.now() + hours(1));
  EXPECT_EQ(use(40, 1), Outcome::credit_limit_reached);  // two a day
  pass_until(at("2026-06-02T00:00:00"));
  EXPECT_EQ(use(40, 1), Outcome::success);
  ASSERT_TRUE(adjust(shard(), anna, Money(-90'000'000), note).has_value());
  pass_until(engine_.now() + hours(1));
  EXPECT_EQ(balance(), Money(1'000'000));
  EXPECT_EQ(use(40, 1), Outcome::credit_limit_reached);
  EXPECT_EQ(balance(), Money(1'000'000));
}

TEST_F(Renewals, a_session_that_outlives_its_pass_buys_the_next_one) {
  EXPECT_EQ(ask("long", RequestType::initial, 40, 0, 1), Outcome::success);
  EXPECT_EQ(shard().answer().services[0].validity_seconds, 3600u);
  pass_until(engine_.now() + hours(1));
  EXPECT_EQ(ask("long", RequestType::update, 40, 1, 1), Outcome::success);
  EXPECT_EQ(balance(), Money(94'000'000));
  EXPECT_EQ(ask("long", RequestType::termination, 40, 1, 0), Outcome::success);
  EXPECT_EQ(balance(), Money(94'000'000));
}

TEST_F(Renewals, what_was_rolled_over_goes_though_its_subscription_has_ended) {
  ASSERT_TRUE(adjust(shard(), anna, Money(-80'000'000), note).has_value());
  subscribe("rolling");
  pass_until(at("2026-06-11T08:00:00"));
  EXPECT_EQ(balance(), Money(0));
  EXPECT_EQ(left(web), 12 * std::int64_t{mib});
  pass_until(at("2026-06-21T08:00:00"));
  EXPECT_EQ(only().state, Subscription::State::unpaid);
  EXPECT_EQ(use(10, 1), Outcome::service_denied);  // suspended, whatever was rolled over
  pass_until(at("2026-06-23T08:00:00"));
  pass_until(at("2026-08-01T00:00:00"));
  EXPECT_TRUE(account().subscriptions.empty());
  EXPECT_TRUE(account().buckets.empty());
}

TEST_F(Renewals, what_is_ended_leaves_a_session_no_more_than_it_holds) {
  subscribe("monthly");
  EXPECT_EQ(ask("long", RequestType::initial, 10, 0, 2), Outcome::success);
  ASSERT_TRUE(end_subscription(shard(), anna, only().number, note).has_value());
  EXPECT_EQ(left(web), 0);
  EXPECT_EQ(ask("long", RequestType::termination, 10, 2, 0), Outcome::success);
  EXPECT_EQ(balance(), Money(70'000'000));
  EXPECT_EQ(use(10, 1), Outcome::success);  // at its price
  EXPECT_EQ(balance(), Money(69'000'000));
  pass_until(at("2026-06-03T08:00:00"));
  EXPECT_TRUE(account().subscriptions.empty());
  EXPECT_TRUE(account().buckets.empty());
}

TEST_F(Renewals, what_is_held_counts_as_kept) {
  pay(100);
  subscribe("rolling");
  pass_until(at("2026-06-11T07:00:00"));
  EXPECT_EQ(ask("long", RequestType::initial, 10, 0, 5), Outcome::success);
  pass_until(at("2026-06-11T08:00:00"));
  EXPECT_EQ(left(web), 8 * std::int64_t{mib});
  EXPECT_EQ(ask("long", RequestType::termination, 10, 0, 0), Outcome::success);
  EXPECT_EQ(left(web), 13 * std::int64_t{mib});
}

TEST_F(Renewals, a_pass_is_for_those_who_may_have_the_offer) {
  std::string text(tariff_text);
  constexpr std::string_view pass = "name: day-pass\n";
  text.replace(text.find(pass), pass.size(), "name: day-pass\n    requires: [plus]\n");
  load(text);
  EXPECT_EQ(use(30, 1), Outcome::credit_limit_reached);
  EXPECT_EQ(balance(), Money(100'000'000));
  subscribe("plus");
  EXPECT_EQ(use(30, 1), Outcome::success);
  EXPECT_EQ(balance(), Money(80'000'000));
}

TEST_F(Renewals, passes_of_today_are_none_of_yesterday) {
  pass_until(at("2026-06-02T00:00:00"));
  EXPECT_EQ(use(40, 1), Outcome::success);
  pass_until(at("2026-06-02T01:00:00"));
  EXPECT_EQ(use(40, 1), Outcome::success);
  EXPECT_EQ(balance(), Money(94'000'000));
  request_.clear();
  request_.key = {RequestType::event, 1, 0, 1, 1};
  request_.action = RequestedAction::direct_debiting;
  request_.session_id = "late";
  request_.service_context = data;
  request_.identities = {*parse_msisdn(anna)};
  request_.event_time = at("2026-06-01T23:50:00");
  ServiceRequest& service = request_.add_service();
  service.rating_group = RatingGroup(40);
  service.requested.emplace().total_octets = 1;
  engine_.handle(request_);
  EXPECT_EQ(shard().answer().services[0].outcome, Outcome::success);
  EXPECT_EQ(balance(), Money(91'000'000));
}

TEST_F(Renewals, a_part_of_a_period_costs_no_more_than_the_whole) {
  std::string text(tariff_text);
  constexpr std::string_view prorated = "first_period: prorated\n";
  text.replace(text.find(prorated), prorated.size(),
               "first_period: prorated\n    proration: {rounding: up, to: 50.00}\n");
  load(text);
  subscribe("calendar");
  EXPECT_EQ(balance(), Money(69'000'000));
}

TEST_F(Renewals, one_allowance_is_not_all_that_an_offer_may_cover) {
  EXPECT_EQ(use(20, 1), Outcome::service_denied);
  subscribe("bundle");
  EXPECT_EQ(use(20, 1), Outcome::success);
  pass_until(at("2026-06-02T08:00:00"));
  EXPECT_EQ(use(20, 1), Outcome::service_denied);
}

TEST_F(Renewals, a_shared_allowance_is_an_offer_of_whoever_bought_it) {
  subscribe("common");
  EXPECT_NE(refused("small").find("the subscriber has common"), std::string::npos);
  ASSERT_TRUE(end_subscription(shard(), anna, only().number, note).has_value());
  EXPECT_TRUE(account().buckets.empty());
  subscribe("small");
}

TEST_F(Renewals, a_client_whose_clock_is_ahead_buys_the_pass_of_its_day) {
  pass_until(at("2026-06-01T23:58:00"));
  event_time_ = at("2026-06-02T00:01:00");
  EXPECT_EQ(use(30, 1), Outcome::success);
  EXPECT_EQ(use(30, 1), Outcome::success);
  EXPECT_EQ(balance(), Money(90'000'000));
  pass_until(at("2026-06-02T00:01:00"));
  EXPECT_EQ(use(30, 1), Outcome::success);
  EXPECT_EQ(balance(), Money(90'000'000));
}

TEST_F(Renewals, no_pass_is_bought_in_units_that_have_no_price) {
  request_.clear();
  request_.key = {RequestType::initial, 1, 0, 1, 1};
  request_.session_id = "seconds";
  request_.service_context = data;
  request_.identities = {*parse_msisdn(anna)};
  ServiceRequest& service = request_.add_service();
  service.rating_group = RatingGroup(30);
  service.requested.emplace().seconds = 60;
  engine_.handle(request_);
  EXPECT_EQ(shard().answer().outcome, Outcome::credit_limit_reached);
  EXPECT_EQ(balance(), Money(100'000'000));
}

TEST_F(Renewals, no_pass_is_bought_that_does_not_cover_the_situation) {
  std::string text(tariff_text);
  const std::string_view covers = "covers: [{service: data, rating_group: roaming}]";
  text.replace(text.find(covers), covers.size(),
               "covers: [{service: data, rating_group: roaming, when: abroad}]");
  load(text + "situations:\n  abroad: {serving_network: 208}\n");
  EXPECT_EQ(use(30, 1), Outcome::credit_limit_reached);
  EXPECT_EQ(use(30, 1), Outcome::credit_limit_reached);
  EXPECT_EQ(balance(), Money(100'000'000));
  EXPECT_TRUE(account().subscriptions.empty());
}

TEST_F(Renewals, room_for_a_purchase_is_not_made_at_a_subscriptions_cost) {
  pay(100'000);
  subscribe("daily");
  EXPECT_EQ(ask("long", RequestType::initial, 10, 0, 2), Outcome::success);
  // Until the bucket's usual time to go is over, the session holds it.
  for (int hour = 0; hour < 41; ++hour) {
    pass_until(engine_.now() + hours(1));
    EXPECT_EQ(ask("long", RequestType::update, 20, 0, 0), Outcome::success);
  }
  EXPECT_EQ(ask("long", RequestType::termination, 10, 0, 0), Outcome::success);
  for (int i = 0; i < 300 && account().buckets.size() < 256; ++i) subscribe("extra");
  EXPECT_NE(refused("extra").find("at most 256 allowances"), std::string::npos);
  pass_until(engine_.now() + hours(2));
  EXPECT_EQ(account().buckets.size(), 255u);
  engine_.checkpoint();
  EXPECT_EQ(test::proof_failure(engine_.store()), "");
}

TEST_F(Renewals, nothing_is_paid_twice_or_not_at_all_whatever_crashes) {
  pay(1000);
  subscribe("monthly");
  subscribe("daily");
  engine_.sync();
  std::mt19937 random(7);
  const Time end = at("2026-08-15T00:00:00");
  while (engine_.now() < end) {
    engine_.advance(std::min<Duration>(minutes(30 + random() % 300), end - engine_.now()));
    for (auto crashes = random() % 3; crashes > 0; --crashes) {
      // What is due is entered, but is not durable yet, or not all of it.
      shard().tick();
      if (random() % 2 == 0) engine_.store().read_next();
      if (random() % 2 == 0) shard().end_turn();
      engine_.crash_and_restart();
    }
    upkeep();
    if (random() % 8 == 0) engine_.checkpoint();
  }
  pass_until(end);
  // June 1 to August 14 and the day that begins; June, July and August.
  EXPECT_EQ(balance(), Money((1100 - 76 - 90) * std::int64_t{1'000'000}));
  engine_.checkpoint();
  EXPECT_EQ(test::proof_failure(engine_.store()), "");
}

TEST_F(Renewals, what_cannot_be_paid_whole_is_paid_by_days) {
  subscribe("days");
  ASSERT_TRUE(adjust(shard(), anna, Money(-66'000'000), note).has_value());
  pass_until(at("2026-06-11T08:00:00"));
  EXPECT_EQ(balance(), Money(1'000'000));
  EXPECT_EQ(only().state, Subscription::State::unpaid);
  EXPECT_EQ(only().valid_to, at("2026-06-12T08:00:00"));
  EXPECT_EQ(left(web), 2 * mib);
  EXPECT_EQ(use(10, 1), Outcome::success);
  EXPECT_EQ(balance(), Money(1'000'000));
  engine_.crash_and_restart();
  pass_until(at("2026-06-12T08:00:00"));  // not even a day
  EXPECT_EQ(left(web), 0);
  EXPECT_EQ(use(10, 1), Outcome::success);
  EXPECT_EQ(balance(), Money(0));
  pass_until(at("2026-06-12T20:00:00"));
  pay(5);
  EXPECT_EQ(balance(), Money(2'000'000));
  EXPECT_EQ(only().valid_to, at("2026-06-13T20:00:00"));
  pay(6);  // that day is paid
  EXPECT_EQ(balance(), Money(8'000'000));
  engine_.checkpoint();
  engine_.crash_and_restart();
  EXPECT_EQ(balance(), Money(8'000'000));
  pay(100);  // all of it can be, when the day is over
  EXPECT_EQ(balance(), Money(108'000'000));
  pass_until(at("2026-06-13T20:00:00"));
  EXPECT_EQ(balance(), Money(78'000'000));
  EXPECT_EQ(only().state, Subscription::State::active);
  EXPECT_EQ(only().valid_to, at("2026-06-23T20:00:00"));
  EXPECT_EQ(left(web), 20 * mib);
  pass_until(at("2026-06-23T20:00:00"));
  EXPECT_EQ(balance(), Money(48'000'000));
  engine_.checkpoint();
  EXPECT_EQ(test::proof_failure(engine_.store()), "");
}

TEST_F(Renewals, it_is_paid_by_days_as_long_as_it_is_tried_to_be_paid) {
  subscribe("days");
  ASSERT_TRUE(adjust(shard(), anna, Money(-55'000'000), note).has_value());
  for (int day = 11; day < 14; ++day) {
    pass_until(at("2026-06-" + std::to_string(day) + "T08:00:00"));
    EXPECT_EQ(balance(), Money((15 - 3 * (day - 10)) * std::int64_t{1'000'000}));
    EXPECT_EQ(left(web), 2 * mib);
  }
  pass_until(at("2026-06-14T08:00:00"));
  EXPECT_EQ(balance(), Money(6'000'000));
  EXPECT_EQ(only().state, Subscription::State::ended);
  pass_until(at("2026-06-16T08:00:00"));
  EXPECT_TRUE(account().subscriptions.empty());
  EXPECT_TRUE(account().buckets.empty());
}

TEST_F(Renewals, a_calendars_period_is_paid_by_the_days_of_the_calendar) {
  std::string text(tariff_text);
  constexpr std::string_view prorated = "first_period: prorated\n";
  text.replace(text.find(prorated), prorated.size(),
               "first_period: prorated\n    unpaid: by_days\n");
  load(text);
  subscribe("calendar");
  ASSERT_TRUE(adjust(shard(), anna, Money(-67'000'000), note).has_value());
  pass_until(at("2026-07-01T10:00:00"));
  EXPECT_EQ(balance(), Money(1'000'000));
  EXPECT_EQ(only().valid_to, at("2026-07-02T00:00:00"));
  EXPECT_EQ(left(web), 1 * mib);
  pass_until(at("2026-07-02T00:00:00"));
  EXPECT_EQ(balance(), Money(0));
  pass_until(at("2026-07-03T10:00:00"));
  pay(40);
  EXPECT_EQ(balance(), Money(11'000'000));  // the 29 days that are left
  EXPECT_EQ(only().valid_to, at("2026-08-01T00:00:00"));
}

class EvictedRenewals : public Renewals {
 protected:
  static ShardOptions options() {
    ShardOptions options;
    options.accounts_memory_bytes = 1;  // nobody stays
    return options;
  }
  EvictedRenewals() : Renewals(options()) {}
};

TEST_F(EvictedRenewals, accounts_that_are_not_in_memory_renew) {
  subscribe("monthly");
  engine_.checkpoint();
  engine_.sync();
  ASSERT_FALSE(shard().book().is_everything_here());
  engine_.crash_and_restart();
  engine_.sync();
  pass_until(at("2026-07-01T08:00:00"));
  EXPECT_EQ(use(10, 20), Outcome::success);
  EXPECT_EQ(balance(), Money(40'000'000));  // June's and July's
}

}  // namespace
}  // namespace farthing::engine
