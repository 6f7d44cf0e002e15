// Deposits and gifts that come in instalments: when, how much, and what becomes of the rest.
#include "engine/instalments.h"

#include "engine/operations.h"
#include "tariffs/local_time.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/requests.h"
#include "tests/support/test_engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace farthing::engine {
namespace {

using std::chrono::days;
using std::chrono::hours;
using test::TestEngine;

[[maybe_unused]] const int some_cases = setenv("RC_PARAMS", "max_success=300", 0);

constexpr std::string_view anna = "8613800138000";  // 100.00
constexpr std::uint64_t mib = 1u << 20;
const Note note{"tester", "test", ""};

constexpr std::string_view tariff_text = R"(tariff: instalments
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2026-01-01T00:00:00
counters: {spent: {unit: money, period: month}}
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB, minimum: 1 MiB, validity: 1 h}
    prices: [{default: true, amount: 1.00, per: 1 MiB, step: 1 MiB}]
offers:
  - name: phone
    fee: 5.00
    period: 10 days
    covers: [{service: data}]
    deposit: {amount: 50.00, instalments: 3}
  - name: refundable
    fee: 5.00
    period: 10 days
    covers: [{service: data}]
    retry: 1 d
    deposit: {amount: 50.00, instalments: 3, early_end: returned}
  - name: welcome
    period: 10 days
    covers: [{service: data}]
    gift: {amount: 9.00, instalments: 2}
  - name: loyal
    period: month
    begins: calendar
    covers: [{service: data}]
    minimum_spend: {amount: 10.00, counter: spent}
    deposit: {amount: 20.00, instalments: 2, while: minimum_spend}
)";

class Depositor {
 public:
  Depositor() {
    const auto tariff = tariffs::compile_tariff("instalments.yaml", tariff_text);
    if (!tariff.has_value()) throw std::runtime_error(tariffs::to_string(tariff.error().front()));
    shard().enter_tariff(*tariff, std::string(tariff_text));
    engine_.sync();
  }

  TestEngine& engine() { return engine_; }
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
  std::string balance() { return account().balance().to_string(); }
  Operation subscribe(std::string_view offer) {
    return add_subscription(shard(), anna, offer, note);
  }
  void end_at_once() {
    const SubscriptionNumber number = account().subscriptions.at(0).number;
    ASSERT_TRUE(end_subscription(shard(), anna, number, note).has_value());
  }
  void change_balance(std::int64_t units) {
    ASSERT_TRUE(adjust(shard(), anna, Money(units * 1'000'000), note).has_value());
  }
  static Time at(std::string_view local) {
    return *tariffs::parse_local_time("Asia/Shanghai", local);
  }
  void pass(Duration by) {
    engine_.sync();
    engine_.advance(by);
    for (int i = 0; i < 100 && shard().tick(); ++i) engine_.sync();
    while (engine_.store().read_next()) engine_.sync();
    engine_.sync();
    EXPECT_EQ(test::broken_invariant(shard().book()), "");
  }
  void pass_until(std::string_view local) { pass(at(local) - engine_.now()); }
  void use(std::uint64_t used_mib) {
    const std::string session = "e" + std::to_string(++number_);
    Request request = test::request_of(RequestType::event, number_, session, anna);
    request.action = RequestedAction::direct_debiting;
    request.event_time = engine_.now();
    test::use(request, 0, used_mib * mib);
    engine_.handle(request);
    engine_.sync();
  }
  std::string proof() {
    engine_.checkpoint();
    return test::proof_failure(engine_.store());
  }

 private:
  TestEngine engine_;
  std::uint32_t number_ = 0;
};

TEST(Instalments, a_deposit_comes_back_with_the_periods_that_are_paid) {
  Depositor one;
  ASSERT_TRUE(one.subscribe("phone").has_value());
  EXPECT_EQ(one.balance(), "45.000000");
  ASSERT_EQ(one.account().plans.size(), 1u);
  EXPECT_EQ(one.account().plans[0].left(), Money(50'000'000));
  EXPECT_EQ(describe(one.account().plans[0]),
            "phone: deposit 50.000000, 0 of 3 instalments credited");
  EXPECT_EQ(one.proof(), "");
  one.pass(days(10));
  EXPECT_EQ(one.balance(), "56.666666");  // less 5.00, and a third
  one.pass(days(10));
  EXPECT_EQ(one.balance(), "68.333333");
  EXPECT_EQ(one.proof(), "");
  one.pass(days(10));
  EXPECT_EQ(one.balance(), "80.000000");  // all of it, and four fees
  EXPECT_TRUE(one.account().plans.empty());
  one.pass(days(10));
  EXPECT_EQ(one.balance(), "75.000000");
  EXPECT_EQ(one.proof(), "");
}

TEST(Instalments, who_cannot_pay_the_deposit_cannot_buy) {
  Depositor one;
  one.change_balance(-46);
  const Operation refused = one.subscribe("phone");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(
      refused.error().message,
      fmt::format("phone costs 55.000000, and only 54.000000 is available on account {}", anna));
}

TEST(Instalments, a_deposit_is_paid_when_the_first_period_begins) {
  Depositor one;
  const Time from = one.engine().now() + days(2);
  ASSERT_TRUE(add_subscription(one.shard(), anna, "phone", note, from).has_value());
  one.change_balance(-50);
  one.pass(days(2));
  EXPECT_EQ(one.balance(), "50.000000");  // 55.00 are not there
  EXPECT_TRUE(one.account().plans.empty());
  one.change_balance(20);
  one.pass(days(1));
  EXPECT_EQ(one.balance(), "15.000000");
  ASSERT_EQ(one.account().plans.size(), 1u);
  one.pass(days(10));
  EXPECT_EQ(one.account().plans[0].credited, 1);
}

TEST(Instalments, what_is_left_at_the_end_is_forfeited_or_returned) {
  Depositor one;
  ASSERT_TRUE(one.subscribe("phone").has_value());
  one.pass(days(10));
  one.end_at_once();
  EXPECT_EQ(one.balance(), "56.666666");
  EXPECT_TRUE(one.account().plans.empty());
  EXPECT_EQ(one.proof(), "");

  Depositor other;
  ASSERT_TRUE(other.subscribe("refundable").has_value());
  other.pass(days(10));
  other.end_at_once();
  EXPECT_EQ(other.balance(), "90.000000");  // all but two fees
  EXPECT_TRUE(other.account().plans.empty());
  EXPECT_EQ(other.proof(), "");
}

TEST(Instalments, a_period_that_is_not_paid_puts_them_off_and_the_end_ends_them) {
  Depositor one;
  ASSERT_TRUE(one.subscribe("refundable").has_value());
  one.change_balance(-45);
  one.pass(days(10));
  EXPECT_EQ(one.balance(), "0.000000");
  EXPECT_EQ(one.account().plans.at(0).credited, 0);
  one.pass(days(1));  // it is over
  EXPECT_EQ(one.balance(), "50.000000");
  EXPECT_TRUE(one.account().plans.empty());
}

TEST(Instalments, a_gift_is_nobodys_until_it_is_credited) {
  Depositor one;
  ASSERT_TRUE(one.subscribe("welcome").has_value());
  EXPECT_EQ(one.balance(), "100.000000");
  one.pass(days(10));
  EXPECT_EQ(one.balance(), "104.500000");
  EXPECT_EQ(one.proof(), "");
  one.end_at_once();
  EXPECT_EQ(one.balance(), "104.500000");
  EXPECT_EQ(one.proof(), "");
}

TEST(Instalments, a_period_may_have_to_reach_its_minimum_spend) {
  Depositor one;
  ASSERT_TRUE(one.subscribe("loyal").has_value());  // on June 1
  one.use(4);
  one.pass_until("2026-07-02T00:00:00");
  EXPECT_EQ(one.balance(), "70.000000");  // the deposit, 4.00 and 6.00 that were missing
  one.use(10);
  one.pass_until("2026-08-02T00:00:00");
  EXPECT_EQ(one.balance(), "70.000000");  // 10.00 less, and 10.00 back
  EXPECT_EQ(one.account().plans.at(0).credited, 1);
  one.use(11);
  one.pass_until("2026-09-02T00:00:00");
  EXPECT_EQ(one.balance(), "69.000000");
  EXPECT_TRUE(one.account().plans.empty());
}

TEST(Instalments, a_balance_that_has_no_room_for_one_gets_it_later) {
  Depositor one;
  ASSERT_TRUE(one.subscribe("welcome").has_value());
  ASSERT_TRUE(
      adjust(one.shard(), anna, Money(account_money_max.micros - 100'000'000), note).has_value());
  one.pass(days(10));
  EXPECT_EQ(one.account().balance(), account_money_max);
  one.change_balance(-5);
  one.pass(days(1));
  EXPECT_EQ(one.account().balance(), Money(account_money_max.micros - 500'000));
}

// Money is conserved, and each instalment comes once, whatever crashes.
RC_GTEST_PROP(Instalments, all_of_a_deposit_comes_back_once, ()) {
  Depositor one;
  RC_ASSERT(one.subscribe("phone").has_value());
  const int periods = *rc::gen::inRange(1, 6);
  const Time end = one.engine().now() + days(10 * periods);
  while (one.engine().now() < end) {
    one.engine().sync();
    const Duration left = end - one.engine().now();
    one.engine().advance(std::min<Duration>(hours(*rc::gen::inRange(5, 200)), left));
    if (*rc::gen::arbitrary<bool>()) {
      one.shard().tick();
      if (*rc::gen::arbitrary<bool>()) one.shard().end_turn();
      one.engine().crash_and_restart();
    }
    if (*rc::gen::inRange(0, 3) == 0) one.engine().checkpoint();
    one.pass(Duration(0));
  }
  const std::int64_t back = 50'000'000ll * std::min(periods, 3) / 3;
  RC_ASSERT(one.account().balance() ==
            Money(100'000'000 - 5'000'000ll * (periods + 1) - 50'000'000 + back));
  RC_ASSERT(one.proof() == "");
}

// --- What an entry may not say -------------------------------------------------------------------

TEST(Instalments, entries_that_credit_it_wrongly_are_refused) {
  Depositor one;
  ASSERT_TRUE(one.subscribe("phone").has_value());
  one.engine().sync();
  const Account account = one.account();
  const Entry good = credit_instalment(account, account.plans.at(0), one.engine().now());
  EXPECT_EQ(check_plan(good, &account), nullptr);
  EXPECT_STREQ(check_plan(good, nullptr), "its deposit is of no account");

  Entry wrong = good;
  wrong.plan.reset();
  EXPECT_STREQ(check_plan(wrong, &account), "it moves a deposit of no subscription");
  wrong = good;
  wrong.plan->credited = 2;
  EXPECT_STREQ(check_plan(wrong, &account), "it credits what its instalment is not");
  wrong = good;
  wrong.plan->amount = Money(1);
  EXPECT_STREQ(check_plan(wrong, &account), "it makes a deposit another one");
  wrong = good;
  wrong.plan->subscription = SubscriptionNumber(77);
  EXPECT_STREQ(check_plan(wrong, &account), "it changes an unknown deposit");

  Account after = account;
  change_plan(after, *good.plan);
  EXPECT_STREQ(check_plan(good, &after), "it credits what its instalment is not");  // once
}

TEST(Instalments, an_entry_comes_back_as_it_was_and_whole) {
  Depositor one;
  ASSERT_TRUE(one.subscribe("refundable").has_value());
  one.engine().sync();
  const Entry entry =
      credit_instalment(one.account(), one.account().plans.at(0), one.engine().now());
  std::string bytes;
  encode_entry(entry, Sequence(1000), bytes);
  std::string_view rest = bytes;
  Entry read;
  ASSERT_TRUE(decode_entry(rest, Sequence(1000), read));
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(read.plan, entry.plan);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    rest = std::string_view(bytes).substr(0, size);
    EXPECT_FALSE(decode_entry(rest, Sequence(1000), read)) << size;
  }
}

}  // namespace
}  // namespace farthing::engine
