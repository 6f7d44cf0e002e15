// What was charged or refused, explained: by hand, and over varied sessions, of which every sum
// must be that of the ledger's legs.
#include "engine/explanation.h"

#include "engine/operations.h"
#include "engine/tariff_versions.h"
#include "tariffs/tariff_file.h"
#include "tests/support/crowd.h"
#include "tests/support/requests.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace farthing::engine {
namespace {

using std::chrono::seconds;
using test::request_of;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t mib = 1 << 20;

constexpr std::string_view anna = "8613800138000";   // prepaid, 100.00
constexpr std::string_view bruno = "8613800138001";  // prepaid, 0.50
constexpr std::string_view dora = "8613800138003";   // prepaid, 10.00 and an allowance of 1 GiB
constexpr std::string_view barred = "8613800138009";

bool go_on(std::string_view, std::uint64_t, std::uint64_t) { return true; }

Explainer explainer_of(test::TestEngine& engine) {
  return {engine.store(), {}, engine.shard().tariffs_shared(), go_on};
}

class ExplanationTest : public testing::Test {
 protected:
  void load(std::string_view text) {
    auto compiled = tariffs::compile_tariff("test.yaml", text);
    ASSERT_TRUE(compiled.has_value()) << tariffs::to_string(compiled.error().front());
    engine_.shard().enter_tariff(*compiled, std::string(text));
    engine_.sync();
  }
  void data(RequestType type, std::uint32_t number, std::string_view id, std::string_view msisdn,
            std::uint32_t group, std::uint64_t used, std::uint64_t asked) {
    Request request = request_of(type, number, id, msisdn);
    ServiceRequest& service = request.add_service();
    service.rating_group = RatingGroup(group);
    if (used > 0) service.used.emplace().octets = used;
    if (asked > 0) service.requested.emplace().total_octets = asked;
    handle(request);
  }
  void event(RequestedAction action, std::string_view id, std::string_view msisdn,
             std::uint64_t events) {
    Request request = request_of(RequestType::event, 0, id, msisdn);
    request.service_context = "32274@3gpp.org";
    request.action = action;
    request.add_service().requested.emplace().events = events;
    handle(request);
  }
  void handle(Request& request) {
    engine_.handle(request);
    engine_.sync();
    engine_.advance(seconds(1));
  }
  Explanation explained(std::string_view id) {
    const Explainer explainer = explainer_of(engine_);
    const auto newest = explainer.find_session(id);
    EXPECT_TRUE(newest.has_value()) << newest.error().message;
    const auto explanation = explainer.explain_session(*newest, 1000);
    EXPECT_TRUE(explanation.has_value()) << explanation.error().message;
    return *explanation;
  }
  // Of the last entry.
  ExplainedCharge charge(std::string_view id) { return explained(id).entries.back().charges.at(0); }
  ExplainedAnswer answer(std::string_view id) { return explained(id).entries.back().answers.at(0); }

  test::TestEngine engine_;
};

TEST_F(ExplanationTest, who_when_by_which_rule_and_how_much) {
  data(RequestType::initial, 0, "s", anna, 10, 0, mib);
  data(RequestType::update, 1, "s", anna, 10, 3 * mib, mib);
  data(RequestType::termination, 2, "s", anna, 10, mib / 2, 0);
  const Explanation told = explained("s");
  EXPECT_EQ(told.account, anna);
  EXPECT_EQ(told.msisdn, anna);
  EXPECT_EQ(told.session_id, "s");
  EXPECT_EQ(told.currency, "CNY");
  ASSERT_EQ(told.entries.size(), 3u);
  EXPECT_EQ(told.amount, Money(350'000));
  const ExplainedCharge& first = told.entries[1].charges.at(0);
  EXPECT_EQ(first.rule, "data/10");
  EXPECT_EQ(first.line, 28u);
  EXPECT_EQ(first.version.value, 1u);
  EXPECT_EQ(first.steps, "price 0.300000\n");
  EXPECT_EQ(told.entries[2].charges.at(0).steps,
            "all 3584 KiB so far cost 0.350000, of which 0.300000 was charged before\n"
            "price 0.050000\n");
  EXPECT_TRUE(told.entries[1].request->server_time_used);
  EXPECT_EQ(told.entries[1].balance_before, Money(100'000'000));
  EXPECT_EQ(told.entries[1].balance_after, Money(99'700'000));
  EXPECT_EQ(told.entries[1].held_after, Money(100'000));
  EXPECT_EQ(told.entries[2].held_after, Money());
}

TEST_F(ExplanationTest, what_allowances_paid_and_what_nobody_could) {
  data(RequestType::initial, 0, "bundle", dora, 10, 0, mib);
  data(RequestType::termination, 1, "bundle", dora, 10, 24 * mib, 0);
  const ExplainedCharge eaten = charge("bundle");
  ASSERT_EQ(eaten.allowances.size(), 1u);
  EXPECT_EQ(eaten.allowances[0].offer, "bundle-1g");
  EXPECT_EQ(eaten.allowances[0].units, 24 << 20);
  EXPECT_EQ(eaten.allowances[0].left, 1000 << 20);
  EXPECT_EQ(eaten.amount, Money());
  EXPECT_EQ(explained("bundle").eaten.at("bundle-1g").units, 24 << 20);

  data(RequestType::initial, 0, "poor", bruno, 10, 0, mib);
  data(RequestType::termination, 1, "poor", bruno, 10, 7 * mib, 0);
  const ExplainedCharge unpaid = charge("poor");
  EXPECT_EQ(unpaid.amount, Money(700'000));
  EXPECT_EQ(unpaid.overage, Money(200'000));
  EXPECT_EQ(explained("poor").overage, Money(200'000));
}

TEST_F(ExplanationTest, tiers_caps_and_counters_say_where_the_price_stood) {
  load(R"(
tariff: shapes
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2020-01-01T00:00:00
counters:
  month:
    {unit: octets, period: month, covers: [{service: data, rating_group: 30}], thresholds: [4 MiB]}
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB, minimum: 1 KiB}
    rating_groups: {10: tiers, 20: cap, 30: counted}
    prices:
      - {rating_group: 10, tiers: [{upto: 2 MiB, amount: 0.30}, {amount: 0.10}], per: 1 MiB}
      - {rating_group: 20, amount: 0.30, per: 1 MiB, cap: {amount: 0.50, every: 4 MiB}}
      - {rating_group: 30, over: month, tiers: [{upto: 4 MiB, amount: 0.30}, {amount: 0.10}],
         per: 1 MiB}
)");
  for (const std::uint32_t group : {10u, 20u, 30u}) {
    const std::string id = fmt::format("g{}", group);
    data(RequestType::initial, 0, id, anna, group, 0, mib);
    data(RequestType::termination, 1, id, anna, group, 3 * mib, 0);
  }
  EXPECT_EQ(charge("g10").steps,
            "in bands: 2 MiB at 0.300000, 1 MiB at 0.100000\nprice 0.700000\n");
  EXPECT_EQ(charge("g20").steps, "the cap takes off 0.400000\nprice 0.500000\n");
  EXPECT_EQ(charge("g30").steps,
            "counter month says 0 B before\nin bands: 3 MiB at 0.300000\nprice 0.900000\n");
  data(RequestType::initial, 0, "again", anna, 30, 0, mib);
  data(RequestType::termination, 1, "again", anna, 30, 2 * mib, 0);
  const Explanation again = explained("again");
  const ExplainedCharge& counted = again.entries.back().charges.at(0);
  EXPECT_EQ(counted.steps,
            "counter month says 3 MiB before\nin bands: 1 MiB at 0.300000, 1 MiB at 0.100000\n"
            "price 0.400000\n");
  ASSERT_EQ(counted.counters.size(), 1u);
  EXPECT_EQ(counted.counters[0].before, 3 << 20);
  EXPECT_EQ(counted.counters[0].after, 5 << 20);
  EXPECT_THAT(again.entries.back().thresholds,
              ElementsAre(std::pair<std::string, std::string>("month", "4 MiB")));
}

TEST_F(ExplanationTest, why_it_was_refused_and_what_would_help) {
  data(RequestType::initial, 0, "poor", bruno, 10, 0, mib);
  data(RequestType::update, 1, "poor", bruno, 10, 5 * mib, mib);
  EXPECT_EQ(answer("poor").answer.outcome, Outcome::credit_limit_reached);
  EXPECT_EQ(answer("poor").why,
            "only 0.000000 was available, and no allowance that covers it was left");
  EXPECT_THAT(answer("poor").help,
              ElementsAre("farthing balance topup 8613800138001 AMOUNT",
                          "farthing subscription add 8613800138001 bundle-1g"));
  data(RequestType::initial, 0, "barred", barred, 10, 0, mib);
  EXPECT_EQ(answer("barred").why, "the subscriber was suspended");
  EXPECT_THAT(answer("barred").help, ElementsAre("farthing subscriber state 8613800138009 active"));
  data(RequestType::initial, 0, "unpriced", anna, 99, 0, mib);
  EXPECT_THAT(answer("unpriced").why, HasSubstr("rule data/99 (line 37) says that there is none"));
  Request unknown = request_of(RequestType::initial, 0, "fax", anna);
  unknown.service_context = "fax@3gpp.org";
  unknown.add_service().requested.emplace().total_octets = mib;
  handle(unknown);
  EXPECT_EQ(answer("fax").why,
            "tariff demo-cn has no price for \"fax@3gpp.org\": the tariff has no rule for it");
  EXPECT_EQ(explained("fax").amount, Money());
}

TEST_F(ExplanationTest, how_the_account_and_the_subscriber_stood_when_it_was_refused) {
  const Note note{"anna", "test", ""};
  const Time now = engine_.now();
  const auto day = std::chrono::hours(24);
  const auto ask = [this](const char* id) {
    data(RequestType::initial, 0, id, anna, 10, 0, mib);
    engine_.sync();
  };
  ASSERT_TRUE(set_state(engine_.shard(), anna, LifeState::suspended_outgoing, note).has_value());
  ask("one way");
  ASSERT_TRUE(set_state(engine_.shard(), anna, LifeState::active, note).has_value());
  ASSERT_TRUE(set_minimum_balance(engine_.shard(), anna, Money(100'000'000), note).has_value());
  ask("kept");
  ASSERT_TRUE(set_validity(engine_.shard(), anna, now, now + day, note).has_value());
  ask("grace");
  engine_.advance(day);
  ask("over");
  EXPECT_EQ(answer("one way").why, "the subscriber was suspended-outgoing");
  EXPECT_THAT(answer("one way").help,
              ElementsAre("farthing subscriber state 8613800138000 active"));
  EXPECT_EQ(answer("kept").why,
            "only 0.000000 was available above a minimum balance of 100.000000, and no allowance "
            "that covers it was left");
  EXPECT_EQ(answer("grace").answer.outcome, Outcome::credit_limit_reached);
  EXPECT_EQ(
      answer("grace").why,
      "the account was valid until 2026-06-01T08:00:00, and what has a price is refused then; "
      "until 2026-06-02T08:00:00 a top-up extends it");
  EXPECT_THAT(answer("grace").help, ElementsAre("farthing balance topup 8613800138000 AMOUNT"));
  EXPECT_EQ(answer("over").why,
            "the account was valid until 2026-06-01T08:00:00, and its grace ended at "
            "2026-06-02T08:00:00");
  EXPECT_THAT(answer("over").help, ElementsAre("farthing account validity 8613800138000 UNTIL"));
}

// What somebody says of a subscriber later does not change why it was refused.
TEST_F(ExplanationTest, what_a_price_asked_for_as_it_stood_then) {
  load(R"(
tariff: asks
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2020-01-01T00:00:00
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB}
    rating_groups: {10: roaming, 20: video}
    prices:
      - {rating_group: 10, subscriber: {segment: gold}, switch: roaming, amount: 0.05, per: 1 MiB}
      - {rating_group: 10, amount: 0.10, per: 1 MiB}
      - {rating_group: 20, subscription: required, price: free}
offers:
  - {name: video, fee: 0, allowance: 1 GiB, validity: 30 d,
     covers: [{service: data, rating_group: 20}]}
)");
  ASSERT_TRUE(set_attributes(engine_.shard(), anna, {{"segment", "gold"}}, {}).has_value());
  ASSERT_TRUE(set_switch(engine_.shard(), anna, "roaming", false, {}).has_value());
  data(RequestType::initial, 0, "roams", anna, 10, 0, mib);
  ASSERT_TRUE(set_switch(engine_.shard(), anna, "roaming", true, {}).has_value());
  data(RequestType::initial, 0, "video", anna, 20, 0, mib);
  data(RequestType::initial, 0, "home", anna, 10, 0, mib);
  data(RequestType::termination, 1, "home", anna, 10, mib, 0);
  ASSERT_TRUE(set_attributes(engine_.shard(), anna, {{"segment", ""}}, {}).has_value());
  engine_.sync();
  // Which rating group it was does not stand in the ledger.
  EXPECT_EQ(answer("roams").why,
            "rule data/10/gold (line 13) needs roaming switched on, and it was off; or rule "
            "data/20 (line 15) needs a subscription that covers it, and there was none; the entry "
            "does not say which rating groups were asked for");
  EXPECT_THAT(answer("roams").help,
              ElementsAre("farthing subscriber switch 8613800138000 roaming on",
                          "farthing subscription add 8613800138000 video"));
  EXPECT_EQ(answer("video").why,
            "rule data/20 (line 15) needs a subscription that covers it, and there was none");
  EXPECT_THAT(answer("video").help, ElementsAre("farthing subscription add 8613800138000 video"));
  EXPECT_EQ(charge("home").reasons, "segment is gold");
}

TEST_F(ExplanationTest, events_and_what_is_given_back) {
  event(RequestedAction::direct_debiting, "sms", anna, 3);
  EXPECT_EQ(charge("sms").amount, Money(300'000));
  EXPECT_EQ(charge("sms").steps, "price 0.300000\n");
  event(RequestedAction::refund_account, "sorry", anna, 2);
  EXPECT_EQ(charge("sorry").amount, Money(-200'000));
  EXPECT_EQ(charge("sorry").steps, "price 0.200000\n");
  EXPECT_EQ(explained("sorry").amount, Money(-200'000));
}

TEST_F(ExplanationTest, entries_that_people_made_and_what_there_is_not) {
  ASSERT_TRUE(top_up(engine_.shard(), anna, Money(5), {"root", "voucher", ""}).has_value());
  engine_.sync();
  const Explainer explainer = explainer_of(engine_);
  const Sequence last = engine_.store().end().last;
  const auto made = explainer.explain_entry(last);
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->entries.at(0).details, "by root, reason: voucher");
  EXPECT_EQ(made->entries.at(0).balance_after.micros - made->entries.at(0).balance_before.micros,
            5);
  for (std::uint64_t number = 1; number <= last.value; ++number) {
    EXPECT_TRUE(explainer.explain_entry(Sequence(number)).has_value()) << number;
  }
  for (const Sequence none : {Sequence(0), Sequence(last.value + 1), Sequence(UINT64_MAX)}) {
    const auto unknown = explainer.explain_entry(none);
    ASSERT_FALSE(unknown.has_value());
    EXPECT_TRUE(unknown.error().is_unknown);
  }
  const auto unknown = explainer.find_session("none");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_THAT(unknown.error().message, HasSubstr("no session, event or refused request \"none\""));
}

TEST_F(ExplanationTest, a_long_session_is_summed_up_whole) {
  data(RequestType::initial, 0, "long", anna, 10, 0, mib);
  for (std::uint32_t i = 1; i <= 20; ++i) data(RequestType::update, i, "long", anna, 10, mib, mib);
  const Explainer explainer = explainer_of(engine_);
  const auto told = explainer.explain_session(*explainer.find_session("long"), 5);
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->entries.size(), 5u);
  EXPECT_EQ(told->left_out, 16u);
  EXPECT_EQ(told->amount, Money(2'000'000));
}

// --- Sums are the ledger's -----------------------------------------------------------------------

// What the legs of a session's entries say, read without any of the explainer's code.
struct Moved {
  std::string id;
  std::int64_t revenue = 0;
  std::int64_t overage = 0;
  std::int64_t consumed = 0;
  std::size_t entries = 0;
};

std::map<std::uint64_t, Moved> moved_by_sessions(const storage::LedgerStore& store) {
  std::map<std::uint64_t, Moved> moved;
  Entry entry;
  const auto scanned = store.scan(Sequence(1), [&](const storage::Record& record) {
    std::string_view body = record.body;
    Sequence own = record.header.first;
    for (std::uint32_t i = 0; i < record.header.count; ++i, ++own.value) {
      if (!decode_entry(body, own, entry)) return false;
      if (!entry.session) continue;
      const std::uint64_t number = entry.session->session.value;
      Moved& session = moved[number == 0 ? own.value : number];
      if (number == 0) session.id = entry.session_id;
      ++session.entries;
      for (const Leg& leg : entry.legs) {
        if (leg.side == Side::revenue) session.revenue += leg.amount;
        if (leg.side == Side::overage) session.overage -= leg.amount;
        if (leg.side == Side::consumed) session.consumed += leg.amount;
      }
    }
    return true;
  });
  EXPECT_TRUE(scanned.has_value());
  return moved;
}

class ExplanationCrowd : public testing::TestWithParam<bool> {};

TEST_P(ExplanationCrowd, every_sum_is_that_of_the_legs) {
  constexpr std::uint32_t seeds = 25;
  std::uint64_t charges = 0;
  std::uint64_t with_steps = 0;
  std::uint64_t refused = 0;
  std::int64_t overage = 0;
  std::int64_t eaten = 0;
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    test::Crowd crowd(seed, GetParam());
    crowd.live(200);
    const Explainer explainer = explainer_of(crowd.engine());
    for (const auto& [number, moved] : moved_by_sessions(crowd.engine().store())) {
      const auto newest = explainer.find_session(moved.id);
      ASSERT_TRUE(newest.has_value()) << newest.error().message;
      const auto told = explainer.explain_session(*newest, 1000);
      ASSERT_TRUE(told.has_value()) << told.error().message;
      SCOPED_TRACE(fmt::format("seed {} session {} {}", seed, number, moved.id));
      ASSERT_EQ(told->entries.size(), moved.entries);
      ASSERT_EQ(told->amount.micros, moved.revenue);
      ASSERT_EQ(told->overage.micros, moved.overage);
      std::int64_t amount = 0;
      std::int64_t consumed = 0;
      for (const ExplainedEntry& entry : told->entries) {
        std::int64_t of_entry = 0;
        for (const ExplainedCharge& charge : entry.charges) {
          of_entry += charge.amount.micros;
          ++charges;
          if (!charge.steps.empty()) ++with_steps;
          for (const ExplainedAllowance& allowance : charge.allowances) {
            ASSERT_GE(allowance.left, 0);
          }
        }
        ASSERT_EQ(of_entry, entry.amount.micros);
        ASSERT_EQ(entry.balance_before.micros - entry.balance_after.micros,
                  entry.amount.micros - entry.overage.micros);
        amount += of_entry;
        for (const ExplainedAnswer& answer : entry.answers) {
          if (answer.answer.outcome == Outcome::success) continue;
          ++refused;
          ASSERT_NE(answer.why, "");
        }
      }
      ASSERT_EQ(amount, moved.revenue);
      for (const auto& [offer, units] : told->eaten) consumed += units.units;
      ASSERT_EQ(consumed, moved.consumed);
      overage += moved.overage;
      eaten += consumed;
    }
  }
  EXPECT_GT(charges, 1000u);
  EXPECT_GT(refused, 100u);
  EXPECT_GT(overage, 0);
  EXPECT_GT(eaten, 0);
  EXPECT_GT(with_steps * 100, charges * 99) << with_steps << " of " << charges;
}

INSTANTIATE_TEST_SUITE_P(Counters, ExplanationCrowd, testing::Bool());

}  // namespace
}  // namespace farthing::engine
