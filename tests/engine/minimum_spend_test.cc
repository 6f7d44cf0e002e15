// What a period is to spend at least: what counts, when the rest is charged, and that it is charged
// once, whatever crashes.
#include "engine/minimum_spend.h"

#include "engine/operations.h"
#include "tariffs/local_time.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/requests.h"
#include "tests/support/test_engine.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farthing::engine {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using test::TestEngine;

[[maybe_unused]] const int some_cases = setenv("RC_PARAMS", "max_success=300", 0);

constexpr std::string_view anna = "8613800138000";  // 100.00
constexpr std::string_view bert = "8613800138077";  // of the same account
constexpr std::uint64_t mib = 1u << 20;
const Note note{"tester", "test", ""};

constexpr std::string_view tariff_text = R"(tariff: spending
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2026-01-01T00:00:00
counters:
  spent: {unit: money, period: month}
  family: {unit: money, period: month, shared: true}
  week: {unit: money, period: week}
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB, minimum: 1 MiB, validity: 1 h}
    prices: [{default: true, amount: 1.00, per: 1 MiB, step: 1 MiB}]
offers:
  - name: plan
    fee: 5.00
    period: month
    begins: calendar
    covers: [{service: data}]
    minimum_spend: {amount: 30.00, counter: spent}
  - name: part
    period: month
    begins: calendar
    first_period: prorated
    covers: [{service: data}]
    minimum_spend: {amount: 30.00, counter: spent}
  - name: together
    period: month
    begins: calendar
    covers: [{service: data}]
    minimum_spend: {amount: 30.00, counter: family}
  - name: weekly
    period: week
    begins: calendar
    covers: [{service: data}]
    minimum_spend: {amount: 4.00, counter: week}
)";

class Spending {
 public:
  Spending() {
    const auto tariff = tariffs::compile_tariff("spending.yaml", tariff_text);
    if (!tariff.has_value()) throw std::runtime_error(tariffs::to_string(tariff.error().front()));
    shard().enter_tariff(*tariff, std::string(tariff_text));
    if (!add_subscriber(shard(), bert, anna, "", note).has_value()) throw std::runtime_error("no");
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
  // What is left of the 100.00.
  std::string balance() { return account().balance().to_string(); }
  void subscribe(std::string_view offer) {
    const auto done = add_subscription(shard(), anna, offer, note);
    if (!done.has_value()) throw std::runtime_error(done.error().message);
  }
  void end_at_once() {
    const SubscriptionNumber number = account().subscriptions.at(0).number;
    if (!end_subscription(shard(), anna, number, note).has_value()) throw std::runtime_error("no");
  }
  static Time at(std::string_view local) {
    return *tariffs::parse_local_time("Asia/Shanghai", local);
  }
  void pass_until(Time time) {
    engine_.sync();
    engine_.advance(time - engine_.now());
    upkeep();
  }
  void pass_until(std::string_view local) { pass_until(at(local)); }
  void upkeep() {
    for (int i = 0; i < 100 && shard().tick(); ++i) engine_.sync();
    while (engine_.store().read_next()) engine_.sync();
    engine_.sync();
  }
  // One event of so many MiB, used at that time.
  void use(std::uint64_t used_mib, std::optional<Time> when = std::nullopt,
           std::string_view msisdn = anna) {
    const std::string session = "e" + std::to_string(++number_);
    Request request = test::request_of(RequestType::event, number_, session, msisdn);
    request.action = RequestedAction::direct_debiting;
    request.event_time = when.value_or(engine_.now());
    test::use(request, 0, used_mib * mib);
    engine_.handle(request);
    engine_.sync();
  }
  std::vector<std::string> settled() {
    std::vector<std::string> found;
    engine_.sync();
    const auto scanned = engine_.store().scan(Sequence(1), [&found](const storage::Record& record) {
      std::string_view body = record.body;
      Entry entry;
      for (Sequence own = record.header.first; !body.empty(); ++own.value) {
        if (!decode_entry(body, own, entry)) return false;
        if (entry.kind != EntryKind::spend_settled) continue;
        found.push_back(describe(entry.commitment->commitment, "Asia/Shanghai") + ", charged " +
                        Money(sum_of(entry, Side::revenue)).to_string());
      }
      return true;
    });
    EXPECT_TRUE(scanned.has_value());
    return found;
  }

 private:
  TestEngine engine_;
  std::uint32_t number_ = 0;
};

using Lines = std::vector<std::string>;

TEST(MinimumSpend, what_is_missing_is_charged_a_day_after_the_period) {
  Spending one;
  one.use(2);  // before it begins
  one.subscribe("plan");
  one.use(12);
  EXPECT_EQ(one.balance(), "81.000000");
  ASSERT_EQ(one.account().commitments.size(), 1u);
  EXPECT_EQ(spent(one.account(), one.account().commitments[0]), Money(12'000'000));
  one.pass_until("2026-07-01T00:00:00");
  EXPECT_EQ(one.balance(), "76.000000");  // July's fee
  one.use(1);
  one.pass_until("2026-07-01T22:00:00");
  one.use(3, Spending::at("2026-06-30T23:00:00"));  // still June's
  one.pass_until("2026-07-01T23:59:59");
  EXPECT_EQ(one.balance(), "72.000000");
  EXPECT_EQ(one.settled(), Lines());
  one.pass_until("2026-07-02T00:00:00");
  EXPECT_EQ(one.balance(), "57.000000");
  EXPECT_EQ(one.settled(), Lines({"plan: minimum spend 30.000000 from 2026-06-01T00:00:00 to "
                                  "2026-07-01T00:00:00, charged 15.000000"}));
  EXPECT_EQ(one.account().commitments.size(), 1u);  // July's
  one.pass_until("2026-08-02T00:00:00");
  EXPECT_EQ(one.balance(), "23.000000");  // August's fee and 29.00
}

TEST(MinimumSpend, who_spends_enough_pays_no_more) {
  Spending one;
  one.subscribe("plan");
  one.use(31);
  one.pass_until("2026-07-02T00:00:00");
  EXPECT_EQ(one.balance(), "59.000000");
  EXPECT_EQ(one.settled(), Lines({"plan: minimum spend 30.000000 from 2026-06-01T00:00:00 to "
                                  "2026-07-01T00:00:00, charged 0.000000"}));
}

TEST(MinimumSpend, a_request_that_comes_first_settles_it) {
  Spending one;
  one.subscribe("plan");
  one.engine().sync();
  one.engine().advance(Spending::at("2026-07-03T00:00:00") - one.engine().now());
  one.use(1);
  EXPECT_EQ(one.balance(), "59.000000");  // two fees, 30.00 and 1.00
}

TEST(MinimumSpend, a_first_period_that_is_prorated_asks_its_days_share) {
  Spending one;
  one.pass_until("2026-06-16T10:00:00");
  one.subscribe("part");  // 15 of 30 days
  one.pass_until("2026-07-02T00:00:00");
  EXPECT_EQ(one.balance(), "85.000000");
  one.pass_until("2026-08-02T00:00:00");
  EXPECT_EQ(one.balance(), "55.000000");
}

TEST(MinimumSpend, a_week_is_a_period_too) {
  Spending one;
  one.subscribe("weekly");  // on a Monday
  one.use(1);
  one.pass_until("2026-06-09T00:00:00");
  EXPECT_EQ(one.balance(), "96.000000");
}

TEST(MinimumSpend, what_nobody_can_pay_is_overage) {
  Spending one;
  one.subscribe("plan");
  ASSERT_TRUE(adjust(one.shard(), anna, Money(-88'000'000), note).has_value());  // 7.00 are left
  one.pass_until("2026-07-01T00:00:00");
  EXPECT_EQ(one.balance(), "2.000000");
  one.pass_until("2026-07-02T00:00:00");
  EXPECT_EQ(one.balance(), "0.000000");
  EXPECT_EQ(one.account().overage_micros, 28'000'000);
  EXPECT_EQ(test::broken_invariant(one.shard().book()), "");
}

TEST(MinimumSpend, a_counter_of_all_counts_what_others_of_the_account_spend) {
  Spending one;
  one.subscribe("together");
  one.use(10);
  one.use(15, std::nullopt, bert);
  one.pass_until("2026-07-02T00:00:00");
  EXPECT_EQ(one.balance(), "70.000000");
}

TEST(MinimumSpend, it_stays_when_the_subscription_ends_and_is_not_asked_twice) {
  Spending one;
  one.subscribe("plan");
  one.use(10);
  one.end_at_once();
  one.subscribe("plan");
  one.end_at_once();
  EXPECT_EQ(one.account().commitments.size(), 1u);
  one.engine().checkpoint();
  one.engine().crash_and_restart();
  one.pass_until("2026-09-01T00:00:00");
  EXPECT_EQ(one.balance(), "60.000000");  // two fees and 30.00
  EXPECT_TRUE(one.account().commitments.empty());
  EXPECT_EQ(one.account().due_at, never);
  EXPECT_EQ(test::proof_failure(one.engine().store()), "");
}

// Against an independent model: in each month the greater of what was spent and of the minimum.
RC_GTEST_PROP(MinimumSpend, each_period_pays_the_greater_of_both_once, ()) {
  Spending one;
  const auto months = *rc::gen::inRange<std::size_t>(1, 4);
  top_up(one.shard(), anna, Money(900'000'000), note);
  one.subscribe("plan");
  std::vector<std::int64_t> used(months + 1);
  const std::vector<Time> begins = {
      Spending::at("2026-06-01T00:00:00"), Spending::at("2026-07-01T00:00:00"),
      Spending::at("2026-08-01T00:00:00"), Spending::at("2026-09-01T00:00:00")};
  const Time end = begins[months] + days(1);
  while (one.engine().now() < end) {
    const auto step = minutes(*rc::gen::inRange(60, 15'000));
    one.engine().sync();
    one.engine().advance(std::min<Duration>(step, end - one.engine().now()));
    if (*rc::gen::inRange(0, 3) == 0) {
      one.shard().tick();
      if (*rc::gen::arbitrary<bool>()) one.shard().end_turn();
      one.engine().crash_and_restart();
    }
    if (*rc::gen::inRange(0, 4) == 0) one.engine().checkpoint();
    if (one.engine().now() == end) break;
    const Time when = one.engine().now() - hours(*rc::gen::inRange(0, 24));
    if (when < begins[0] + hours(8)) continue;
    const auto units = *rc::gen::inRange<std::uint64_t>(1, 15);
    one.use(units, when);
    std::size_t month = 0;
    while (month + 1 <= months && when >= begins[month + 1]) ++month;
    used[month] += static_cast<std::int64_t>(units);
  }
  one.upkeep();
  std::int64_t paid = 5 * static_cast<std::int64_t>(months + 1) + used[months];
  for (std::size_t month = 0; month < months; ++month) {
    paid += std::max<std::int64_t>(30, used[month]);
  }
  RC_ASSERT(one.account().balance() == Money((1000 - paid) * 1'000'000));
  RC_ASSERT(one.settled().size() == months);
  RC_ASSERT(test::broken_invariant(one.shard().book()) == "");
  RC_ASSERT(test::recovery_difference(one.shard()) == "");
}

// --- What an entry may not say -------------------------------------------------------------------

Entry settling(const Account& account) {
  return settle(account, account.commitments.at(0), settles_at(account.commitments.at(0)));
}

TEST(MinimumSpend, entries_that_charge_it_wrongly_are_refused) {
  Spending one;
  one.subscribe("plan");
  one.engine().sync();
  const Account account = one.account();
  const Entry good = settling(account);
  EXPECT_EQ(check_commitment(good, &account), nullptr);
  EXPECT_STREQ(check_commitment(good, nullptr), "its minimum spend is of no account");

  Entry wrong = good;
  wrong.kind = EntryKind::adjustment;
  EXPECT_STREQ(check_commitment(wrong, &account), "it settles no minimum spend");
  wrong = good;
  wrong.commitment.reset();
  EXPECT_STREQ(check_commitment(wrong, &account), "it settles no minimum spend");
  wrong = good;
  wrong.commitment->commitment.minimum = Money(31'000'000);
  EXPECT_STREQ(check_commitment(wrong, &account), "it settles a minimum spend that is not open");
  wrong = good;
  for (Leg& leg : wrong.legs) leg.amount *= 2;
  EXPECT_STREQ(check_commitment(wrong, &account), "it charges more than the minimum spend");
  wrong = good;
  for (Leg& leg : wrong.legs) leg.amount = -leg.amount;
  EXPECT_STREQ(check_commitment(wrong, &account), "it charges more than the minimum spend");
  wrong = good;
  wrong.kind = EntryKind::subscription_added;
  wrong.commitment->is_settled = false;
  EXPECT_STREQ(check_commitment(wrong, &account), "its minimum spend begins a second time");
  wrong.commitment->commitment.owner = SubscriberNumber(9);
  EXPECT_STREQ(check_commitment(wrong, &account), "its minimum spend is of an unknown subscriber");
}

TEST(MinimumSpend, an_entry_comes_back_as_it_was_and_whole) {
  Spending one;
  one.use(2);
  one.subscribe("plan");
  one.engine().sync();
  const Entry entry = settling(one.account());
  std::string bytes;
  encode_entry(entry, Sequence(1000), bytes);
  std::string_view rest = bytes;
  Entry read;
  ASSERT_TRUE(decode_entry(rest, Sequence(1000), read));
  EXPECT_TRUE(rest.empty());
  ASSERT_TRUE(read.commitment);
  EXPECT_TRUE(read.commitment->is_settled);
  EXPECT_EQ(read.commitment->commitment, entry.commitment->commitment);
  EXPECT_EQ(read.commitment->commitment.before, Money(2'000'000));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    rest = std::string_view(bytes).substr(0, size);
    EXPECT_FALSE(decode_entry(rest, Sequence(1000), read)) << size;
  }
}

}  // namespace
}  // namespace farthing::engine
