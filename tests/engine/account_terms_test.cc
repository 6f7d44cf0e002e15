// What holds of an account: how long it is valid, a credit limit that is higher for a time, and
// what is to stay on it; as sessions, events and fees meet it, and as it outlives crashes.
#include "engine/operations.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace farthing::engine {
namespace {

using std::chrono::days;
using std::chrono::hours;
using test::TestEngine;
using testing::HasSubstr;

constexpr std::string_view anna = "8613800138000";  // 100.00
constexpr std::string_view data = "32251@3gpp.org";
constexpr std::string_view voice = "32260@3gpp.org";
constexpr std::uint32_t web = 10;
constexpr std::uint32_t portal = 20;
constexpr std::uint64_t mib = 1u << 20;
const Note note{"anna", "test", ""};

constexpr std::string_view tariff_text = R"(tariff: terms
currency: CNY
time_zone: UTC
valid_from: 2026-01-01T00:00:00
counters:
  billed: {unit: money, period: billing_month, covers: [{service: data, rating_group: 30}]}
validity: {top_up: [{from: 10.00, extends: 30 d}, {from: 50.00, extends: 90 d}], grace: 15 d}
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 10 MiB, minimum: 1 KiB, validity: 1 h}
    rating_groups: {10: web, 20: portal, 30: capped}
    prices:
      - {rating_group: capped, counted: {billed: {from: 3.00}}, stop: true, price: free}
      - {rating_group: capped, amount: 1.00, per: 1 MiB}
      - {rating_group: web, amount: 1.00, per: 1 MiB}
      - {rating_group: portal, price: free}
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 1 h}
    prices:
      - {default: true, called: 110, price: free, always: true}
      - {default: true, amount: 0.60, per: 1 min}
offers:
  - {name: monthly, fee: 4.00, period: 30 days, allowance: 1 MiB, covers: [{service: data}]}
)";

class Terms : public testing::Test {
 protected:
  Terms() {
    const std::string source = tariffs::canonical_bytes({std::string(tariff_text), {}});
    const auto tariff = tariffs::compile_tariff("terms.yaml", source);
    EXPECT_TRUE(tariff.has_value());
    engine_.shard().enter_tariff(*tariff, source);
  }

  void pass(Duration time) {
    engine_.sync();
    engine_.advance(time);
  }
  static void expect_done(const Operation& done) {
    EXPECT_TRUE(done.has_value()) << done.error().message;
  }
  void pay_in(std::int64_t units) {
    expect_done(top_up(engine_.shard(), anna, Money(units * 1'000'000), note));
  }
  // Leaves so much on the account.
  void leave(std::int64_t micros) {
    expect_done(adjust(engine_.shard(), anna, Money(micros - account().balance().micros), note));
  }

  Outcome ask(RequestType type, std::string_view session, std::string_view context) {
    request_.key = {type, number_, 0, number_ + 7u, number_ + 100u};
    ++number_;
    request_.session_id = session;
    request_.service_context = context;
    request_.identities = {*parse_msisdn(anna)};
    request_.event_time = engine_.now();
    engine_.handle(request_);
    EXPECT_EQ(test::broken_invariant(engine_.shard().book()), "");
    const Answer& answer = engine_.shard().answer();
    return answer.outcome != Outcome::success || answer.service_count == 0
               ? answer.outcome
               : answer.services[0].outcome;
  }
  Outcome surf(RequestType type, std::string_view session, std::uint32_t group,
               std::uint64_t used_mib, std::uint64_t asked_mib) {
    request_.clear();
    ServiceRequest& one = request_.add_service();
    one.rating_group = RatingGroup(group);
    if (used_mib > 0) one.used.emplace().octets = used_mib * mib;
    if (asked_mib > 0) one.requested.emplace().total_octets = asked_mib * mib;
    return ask(type, session, data);
  }
  Outcome call(std::string_view session, std::string_view called, std::string_view role) {
    request_.clear();
    request_.attributes.push_back({static_cast<std::uint8_t>(AttributeId::called_party), called});
    request_.attributes.push_back({static_cast<std::uint8_t>(AttributeId::role_of_node), role});
    request_.add_service().requested.emplace().seconds = 60;
    return ask(RequestType::initial, session, voice);
  }
  std::uint64_t granted() { return engine_.shard().answer().services[0].grant->amount; }

  // What the account is after a crash, and after all was written back and another one.
  void expect_to_last() {
    const AccountTerms before = account().terms;
    engine_.sync();
    engine_.crash_and_restart();
    EXPECT_EQ(account().terms, before);
    engine_.checkpoint();
    EXPECT_EQ(test::proof_failure(engine_.store()), "");
    engine_.crash_and_restart();
    Needs needs;
    needs.names = {std::string(anna)};
    engine_.shard().when_here(needs, [](std::string_view) {});
    engine_.sync();
    while (engine_.store().read_next()) {
    }
    EXPECT_EQ(account().terms, before);
  }

  const Account& account() { return *engine_.shard().book().find_account(anna); }
  Time in(Duration time) { return engine_.now() + time; }

  TestEngine engine_;
  Request request_;
  std::uint32_t number_ = 0;
};

constexpr std::string_view originating("\0\0\0\0", 4);
constexpr std::string_view terminating("\0\0\0\1", 4);

TEST_F(Terms, TopUpsExtendTheValidity) {
  EXPECT_EQ(account().terms.valid_until, never);
  pay_in(9);
  EXPECT_EQ(account().terms.valid_until, never) << "too little";
  pay_in(10);
  const Time first = in(days(30));
  EXPECT_EQ(account().terms.valid_until, first);
  EXPECT_EQ(account().terms.grace_until, first + days(15));
  pass(days(10));
  pay_in(50);
  EXPECT_EQ(account().terms.valid_until, first + days(90)) << "behind what there is";
  for (int i = 0; i < 60; ++i) pay_in(50);
  EXPECT_EQ(account().terms.valid_until, in(validity_ahead_max)) << "and no further";
  expect_done(adjust(engine_.shard(), anna, Money(1'000'000), note));
  EXPECT_EQ(account().terms.valid_until, in(validity_ahead_max));
  expect_to_last();
}

TEST_F(Terms, OnlyPrepaidAccountsEnd) {
  expect_done(top_up(engine_.shard(), "8613800138004", Money(50'000'000), note));
  EXPECT_EQ(engine_.shard().book().find_account("8613800138004")->terms, AccountTerms());
}

TEST_F(Terms, AfterItWhatHasAPriceIsRefusedUntilATopUp) {
  pay_in(10);
  pass(days(29) + hours(23) + std::chrono::minutes(30));
  EXPECT_EQ(surf(RequestType::initial, "open", web, 0, 1), Outcome::success);
  EXPECT_EQ(engine_.shard().answer().services[0].validity_seconds, 1800u) << "no longer than it";
  pass(hours(1));
  EXPECT_EQ(surf(RequestType::update, "open", web, 1, 1), Outcome::credit_limit_reached);
  EXPECT_EQ(account().balance().micros, 109'000'000) << "what was used is charged";
  EXPECT_EQ(surf(RequestType::initial, "a", web, 0, 1), Outcome::credit_limit_reached);
  EXPECT_EQ(surf(RequestType::initial, "b", portal, 0, 1), Outcome::success);
  EXPECT_EQ(call("c", "+4930", originating), Outcome::credit_limit_reached);
  EXPECT_EQ(call("d", "+8613800138000", terminating), Outcome::success);
  EXPECT_EQ(call("e", "110", originating), Outcome::success);
  EXPECT_FALSE(add_subscription(engine_.shard(), anna, "monthly", note).has_value());
  pay_in(10);
  EXPECT_EQ(account().terms.valid_until, in(days(30)));
  EXPECT_EQ(surf(RequestType::update, "open", web, 0, 1), Outcome::success);
}

TEST_F(Terms, AfterTheGraceAllButWhatIsServedAlways) {
  pay_in(10);
  pass(days(46));
  EXPECT_EQ(surf(RequestType::initial, "a", portal, 0, 1), Outcome::service_denied);
  EXPECT_EQ(call("b", "+8613800138000", terminating), Outcome::service_denied);
  EXPECT_EQ(call("c", "110", originating), Outcome::success);
  const auto refused = top_up(engine_.shard(), anna, Money(10'000'000), note);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("farthing account validity 8613800138000 UNTIL"));
  expect_done(set_validity(engine_.shard(), anna, in(days(1)), in(days(2)), note));
  EXPECT_EQ(surf(RequestType::initial, "d", web, 0, 1), Outcome::success);
  pay_in(10);
  EXPECT_EQ(account().terms.valid_until, in(days(31)));
  expect_done(set_validity(engine_.shard(), anna, never, never, note));
  EXPECT_EQ(account().terms, AccountTerms());
  EXPECT_FALSE(set_validity(engine_.shard(), anna, in(days(2)), in(days(1)), note).has_value());
}

TEST_F(Terms, ATopUpDoesNotTakeAwayAGraceThatWasGivenByHand) {
  const Time promised = in(days(200));
  expect_done(set_validity(engine_.shard(), anna, in(days(1)), promised, note));
  pay_in(10);
  EXPECT_EQ(account().terms.valid_until, in(days(31)));
  EXPECT_EQ(account().terms.grace_until, promised);
  for (int i = 0; i < 3; ++i) pay_in(50);
  EXPECT_EQ(account().terms.grace_until, in(days(301 + 15)));
}

TEST_F(Terms, AFeeWaitsForATopUp) {
  expect_done(add_subscription(engine_.shard(), anna, "monthly", note));
  expect_done(set_validity(engine_.shard(), anna, in(days(20)), in(days(60)), note));
  pass(days(30));
  while (engine_.shard().tick()) engine_.sync();
  EXPECT_EQ(account().balance().micros, 96'000'000);
  EXPECT_EQ(account().subscriptions.at(0).state, Subscription::State::unpaid);
  pay_in(10);
  EXPECT_EQ(account().balance().micros, 102'000'000);
}

TEST_F(Terms, ATemporaryCreditIsThereUntilItEnds) {
  leave(1'000'000);
  expect_done(set_temporary_credit(engine_.shard(), anna, Money(5'000'000), in(hours(2)), note));
  EXPECT_EQ(account().available(engine_.now()).micros, 6'000'000);
  EXPECT_EQ(surf(RequestType::initial, "s", web, 0, 3), Outcome::success);
  EXPECT_EQ(surf(RequestType::update, "s", web, 3, 2), Outcome::success);
  EXPECT_EQ(account().balance().micros, -2'000'000);
  expect_to_last();
  pass(hours(2));
  EXPECT_EQ(surf(RequestType::update, "s", web, 2, 1), Outcome::credit_limit_reached);
  EXPECT_EQ(account().balance().micros, -4'000'000) << "what was held for it pays";
  EXPECT_EQ(account().overage_micros, 0);
  EXPECT_EQ(surf(RequestType::update, "s", web, 1, 0), Outcome::success);
  EXPECT_EQ(account().balance().micros, -4'000'000);
  EXPECT_EQ(account().overage_micros, 1'000'000) << "nobody had promised that";
  EXPECT_EQ(account().available(engine_.now()).micros, -4'000'000) << "the debt stays";
  pay_in(5);
  EXPECT_EQ(surf(RequestType::update, "s", web, 0, 3), Outcome::success);
  EXPECT_EQ(granted(), mib);
  expect_done(set_temporary_credit(engine_.shard(), anna, Money(5'000'000), in(hours(2)), note));
  expect_done(set_temporary_credit(engine_.shard(), anna, Money(), {}, note));
  EXPECT_EQ(account().terms.temporary_credit, Money());
}

TEST_F(Terms, WhatOthersHoldOfATemporaryCreditStaysHeld) {
  leave(0);
  expect_done(set_temporary_credit(engine_.shard(), anna, Money(5'000'000), in(hours(2)), note));
  request_.clear();
  for (const std::uint32_t identifier : {1u, 2u}) {
    ServiceRequest& one = request_.add_service();
    one.rating_group = RatingGroup(web);
    one.service_identifiers = {ServiceIdentifier(identifier)};
    one.requested.emplace().total_octets = 2 * mib;
  }
  EXPECT_EQ(ask(RequestType::initial, "s", data), Outcome::success);
  EXPECT_EQ(account().reserved_micros, 4'000'000);
  pass(hours(2));
  request_.clear();
  ServiceRequest& one = request_.add_service();
  one.rating_group = RatingGroup(web);
  one.service_identifiers = {ServiceIdentifier(1)};
  one.used.emplace().octets = 2 * mib;
  one.requested.emplace().total_octets = mib;
  EXPECT_EQ(ask(RequestType::update, "s", data), Outcome::credit_limit_reached);
  EXPECT_EQ(account().reserved_micros, 2'000'000);
  EXPECT_EQ(account().main_micros, -4'000'000);
  EXPECT_EQ(account().overage_micros, 0);
}

TEST_F(Terms, GrantsAndFeesLeaveTheMinimumBalance) {
  leave(5'000'000);
  expect_done(set_minimum_balance(engine_.shard(), anna, Money(2'000'000), note));
  EXPECT_FALSE(add_subscription(engine_.shard(), anna, "monthly", note).has_value());
  EXPECT_EQ(surf(RequestType::initial, "s", web, 0, 10), Outcome::success);
  EXPECT_EQ(granted(), 3 * mib);
  EXPECT_EQ(surf(RequestType::update, "s", web, 4, 1), Outcome::credit_limit_reached);
  EXPECT_EQ(account().balance().micros, 1'000'000) << "what was used beyond it is charged";
  EXPECT_EQ(account().overage_micros, 0);
  expect_to_last();
  expect_done(adjust(engine_.shard(), anna, Money(-1'000'000), note));
  EXPECT_EQ(account().balance().micros, 0) << "people may take what is there";
}

TEST_F(Terms, AnAccountBeginsWithAMinimumBalance) {
  expect_done(
      create_account(engine_.shard(), "acme", AccountKind::postpaid, Money(9), note, Money(2)));
  EXPECT_EQ(engine_.shard().book().find_account("acme")->spendable(engine_.now()).micros, 7);
  EXPECT_TRUE(
      create_account(engine_.shard(), "acme", AccountKind::postpaid, Money(9), note, Money(2))
          ->repeated);
  EXPECT_FALSE(
      create_account(engine_.shard(), "acme", AccountKind::postpaid, Money(9), note).has_value());
  EXPECT_FALSE(
      create_account(engine_.shard(), "x", AccountKind::prepaid, {}, note, Money(-1)).has_value());
}

TEST_F(Terms, OneRequestIdStandsForOneChange) {
  const Note once{"anna", "test", "change-1"};
  const Time until = in(hours(5));
  const auto done = set_temporary_credit(engine_.shard(), anna, Money(5'000'000), until, once);
  expect_done(done);
  expect_done(set_minimum_balance(engine_.shard(), anna, Money(1), note));
  const auto again = set_temporary_credit(engine_.shard(), anna, Money(5'000'000), until, once);
  expect_done(again);
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->sequence, done->sequence);
  pass(hours(6));
  EXPECT_TRUE(
      set_temporary_credit(engine_.shard(), anna, Money(5'000'000), until, once).has_value())
      << "though it is over";
  EXPECT_FALSE(
      set_temporary_credit(engine_.shard(), anna, Money(6'000'000), until, once).has_value());
  EXPECT_FALSE(set_minimum_balance(engine_.shard(), anna, Money(5'000'000), once).has_value());
  EXPECT_FALSE(top_up(engine_.shard(), anna, Money(5'000'000), once).has_value());
}

TEST_F(Terms, AbsurdTermsAreRefused) {
  EXPECT_FALSE(
      set_temporary_credit(engine_.shard(), anna, Money(-1), in(hours(1)), note).has_value());
  EXPECT_FALSE(
      set_temporary_credit(engine_.shard(), anna, Money(1), engine_.now(), note).has_value());
  EXPECT_FALSE(set_temporary_credit(engine_.shard(), anna, Money(account_money_max.micros + 1),
                                    in(hours(1)), note)
                   .has_value());
  EXPECT_FALSE(set_minimum_balance(engine_.shard(), anna, Money(-1), note).has_value());
  EXPECT_FALSE(set_minimum_balance(engine_.shard(), "nobody", Money(1), note).has_value());
}

// Of an account whose billing months begin with the 15th, what was paid until the 14th counts.
TEST_F(Terms, BillingMonthsBeginWithTheAccountsDay) {
  constexpr std::uint32_t capped = 30;
  pass(std::chrono::sys_days(std::chrono::year(2027) / 3 / 10) - engine_.now());
  expect_done(set_billing_day(engine_.shard(), anna, 15, note));
  EXPECT_EQ(surf(RequestType::initial, "a", capped, 0, 10), Outcome::success);
  EXPECT_EQ(granted(), 3 * mib);
  surf(RequestType::termination, "a", capped, 2, 0);
  pass(days(4));  // the 14th
  EXPECT_EQ(surf(RequestType::initial, "b", capped, 0, 10), Outcome::success);
  EXPECT_EQ(granted(), mib);
  surf(RequestType::termination, "b", capped, 0, 0);
  pass(days(1));
  EXPECT_EQ(surf(RequestType::initial, "c", capped, 0, 10), Outcome::success);
  EXPECT_EQ(granted(), 3 * mib) << "another month";
  surf(RequestType::termination, "c", capped, 3, 0);
  pass(days(20));  // another month of the calendar, the same one of the account's
  EXPECT_EQ(surf(RequestType::initial, "d", capped, 0, 10), Outcome::credit_limit_reached);

  engine_.sync();
  engine_.checkpoint();
  engine_.crash_and_restart();
  EXPECT_EQ(surf(RequestType::initial, "e", capped, 0, 10), Outcome::credit_limit_reached);
  EXPECT_EQ(account().terms.billing_day, 15);
  EXPECT_EQ(test::proof_failure(engine_.store()), "");
}

TEST_F(Terms, ABillingDayIsOneThatEveryMonthHas) {
  for (const int day : {0, 29, 255}) {
    const Operation done =
        set_billing_day(engine_.shard(), anna, static_cast<std::uint8_t>(day), note);
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().message, "a billing month begins on a day from 1 to 28");
  }
  EXPECT_EQ(account().terms.billing_day, 1);
}

}  // namespace
}  // namespace farthing::engine
