// Charges of the past made what another tariff says: by hand, and over crowds whose rerates must
// take each other back to the last millionth.
#include "engine/rerate.h"

#include "engine/archive.h"
#include "tariffs/tariff_file.h"
#include "tests/support/crowd.h"
#include "tests/support/invariants.h"
#include "tests/support/replaced.h"
#include "tests/support/requests.h"
#include "tests/support/test_engine.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace farthing::engine {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using test::replaced;
using test::request_of;
using testing::HasSubstr;

constexpr std::uint64_t mib = 1 << 20;
constexpr std::size_t all_of_them = std::numeric_limits<std::size_t>::max();

constexpr std::string_view anna = "8613800138000";   // prepaid, 100.00
constexpr std::string_view bruno = "8613800138001";  // prepaid, 0.50
constexpr std::string_view carla = "8613800138002";  // postpaid, 200.00 of credit
constexpr std::string_view dora = "8613800138003";   // prepaid, 10.00 and an allowance of 1 GiB
constexpr std::string_view emil = "8613800138004";   // hybrid, 10.00 and 50.00 of credit

using Tariff = std::shared_ptr<const tariffs::Tariff>;

Tariff compile(const tariffs::TariffSource& source) {
  auto compiled = tariffs::compile_tariff("test.yaml", source);
  EXPECT_TRUE(compiled.has_value()) << tariffs::to_string(compiled.error().front());
  return *compiled;
}
Tariff compile(std::string_view text) {
  return compile(tariffs::TariffSource{std::string(text), {}});
}

constexpr std::string_view prices = R"(
tariff: now
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2020-01-01T00:00:00
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB, minimum: 1 KiB}
    rating_groups: {10: ten, 20: twenty}
    prices:
      - {rating_group: 10, amount: 0.10, per: 1 MiB}
      - {rating_group: 20, amount: 0.20, per: 1 MiB}
  messaging:
    context: 32274@3gpp.org
    unit: events
    grant: {maximum: 10}
    prices: [{default: true, amount: 0.10, per: 1}]
)";

struct Rerated {
  std::uint64_t booked = 0;
  std::uint64_t refused = 0;
  RerateCounts counts;
};

// Finds what is to be booked, and books the first so many.
Rerated rerate(test::TestEngine& engine, const SimulationSpan& span, const Tariff& tariff,
               const RerateFilter& filter = {}, std::size_t most = all_of_them) {
  const std::uint64_t number = rerate_number(span, filter, 7);
  const auto loaded = engine.shard().tariffs_shared();
  TariffSimulation simulation(engine.store(), {}, span, tariff);
  Rerating rerating(simulation, engine.store(), {}, *loaded, span, filter, number);
  const auto ran = rerating.run([](std::string_view, Sequence, Sequence) { return true; });
  EXPECT_TRUE(ran.has_value()) << ran.error();
  Rerated done;
  done.counts = rerating.counts();
  for (const ChargeToRerate& charge : rerating.charges()) {
    if (done.booked + done.refused == most) break;
    ++(book(engine.shard(), charge, number, {"tester", "rerate", {}}).has_value() ? done.booked
                                                                                  : done.refused);
  }
  engine.sync();
  return done;
}

class RerateTest : public testing::Test {
 protected:
  RerateTest() {
    engine_.shard().enter_tariff(compile(prices), std::string(prices));
    engine_.sync();
    from_ = engine_.now();
  }

  // A session of a subscriber's uses so many MiB of a rating group, in one report.
  void use(std::string_view msisdn, std::uint32_t group, std::uint64_t used_mib) {
    const std::string id = fmt::format("session {}", ++sessions_);
    ask(RequestType::initial, 0, id, msisdn, group, 0);
    ask(RequestType::termination, 1, id, msisdn, group, used_mib * mib);
  }
  void ask(RequestType type, std::uint32_t number, const std::string& id, std::string_view msisdn,
           std::uint32_t group, std::uint64_t used) {
    Request request = request_of(type, number, id, msisdn);
    ServiceRequest& service = request.add_service();
    service.rating_group = RatingGroup(group);
    if (used > 0) service.used.emplace().octets = used;
    if (type != RequestType::termination) service.requested.emplace().total_octets = mib;
    handle(request);
  }
  void send_message(std::string_view msisdn) {
    Request request =
        request_of(RequestType::event, 0, fmt::format("event {}", ++sessions_), msisdn);
    request.service_context = "32274@3gpp.org";
    request.add_service().requested.emplace().events = 1;
    handle(request);
  }
  void handle(Request& request) {
    engine_.handle(request);
    engine_.sync();
    engine_.advance(seconds(1));
  }
  SimulationSpan span() const { return {from_, engine_.now()}; }
  // "balance overage"
  std::string money(std::string_view name) {
    const Account& account = *engine_.shard().book().find_account(name);
    return fmt::format("{} {}", account.balance().to_string(),
                       Money(account.overage_micros).to_string());
  }

  test::TestEngine engine_;
  Time from_;
  int sessions_ = 0;
};

TEST_F(RerateTest, a_price_that_was_wrong_by_hand) {
  use(anna, 10, 10);   // 1.00
  use(anna, 20, 5);    // 1.00, as it is
  use(bruno, 10, 4);   // 0.40 of 0.50
  use(dora, 10, 100);  // her allowance
  use(carla, 10, 30);  // 3.00, on credit
  const SimulationSpan month = span();
  use(anna, 10, 50);  // after it: 5.00

  const Tariff doubled =
      compile(replaced(prices, "amount: 0.10, per: 1 MiB", "amount: 0.20, per: 1 MiB"));
  const Rerated up = rerate(engine_, month, doubled);
  EXPECT_EQ(up.booked, 3u);
  EXPECT_EQ(up.counts.charges, 5u);
  EXPECT_EQ(money(anna), "92.000000 0.000000");
  EXPECT_EQ(money(bruno), "0.000000 0.300000");  // nobody could pay the rest
  EXPECT_EQ(money(dora), "10.000000 0.000000");
  EXPECT_EQ(money(carla), "-6.000000 0.000000");
  EXPECT_EQ(test::proof_failure(engine_.store()), "");

  const Rerated again = rerate(engine_, month, doubled);
  EXPECT_EQ(again.booked, 0u);
  EXPECT_EQ(again.counts.booked_before, 3u);

  const Tariff halved =
      compile(replaced(prices, "amount: 0.10, per: 1 MiB", "amount: 0.05, per: 1 MiB"));
  EXPECT_EQ(rerate(engine_, month, halved).booked, 3u);
  EXPECT_EQ(money(anna), "93.500000 0.000000");
  EXPECT_EQ(money(bruno), "0.300000 0.000000");
  EXPECT_EQ(money(carla), "-1.500000 0.000000");

  EXPECT_EQ(rerate(engine_, month, nullptr).booked, 3u);
  EXPECT_EQ(money(anna), "93.000000 0.000000");
  EXPECT_EQ(money(bruno), "0.100000 0.000000");
  EXPECT_EQ(money(carla), "-3.000000 0.000000");
}

TEST_F(RerateTest, an_adjustment_names_the_entry_and_the_rating_group) {
  use(anna, 10, 10);
  const Sequence charged = engine_.store().end().last;
  const std::uint64_t number = rerate_number(span(), {}, 7);
  rerate(engine_, span(), compile(replaced(prices, "0.10, per: 1 MiB", "0.20, per: 1 MiB")));
  std::optional<RatedAgain> found;
  const auto scanned = engine_.store().scan(Sequence(charged.value + 1), [&](const auto& record) {
    std::string_view body = record.body;
    Entry entry;
    EXPECT_TRUE(decode_entry(body, record.header.first, entry));
    EXPECT_EQ(entry.kind, EntryKind::adjustment);
    EXPECT_EQ(sum_of(entry, Side::adjustment), 1'000'000);
    EXPECT_EQ(entry.note->operator_name, "tester");
    found = entry.rated_again;
    return true;
  });
  ASSERT_TRUE(scanned.has_value() && found);
  EXPECT_EQ(found->entry, charged);
  EXPECT_EQ(found->rating_group, RatingGroup(10));
  EXPECT_EQ(found->number, number);
}

TEST_F(RerateTest, usage_that_was_not_paid_then_is_not_collected_later) {
  use(bruno, 10, 10);  // 1.00, of which 0.50 was paid
  EXPECT_EQ(money(bruno), "0.000000 0.500000");
  const SimulationSpan day = span();
  EXPECT_TRUE(top_up(engine_.shard(), bruno, Money(5'000'000), {}).has_value());
  engine_.sync();
  const auto by = [&](std::string_view amount) {
    rerate(engine_, day,
           compile(replaced(prices, "0.10, per: 1 MiB", std::string(amount) + ", per: 1 MiB")));
    return money(bruno);
  };
  EXPECT_EQ(by("0.07"), "5.000000 0.200000");
  EXPECT_EQ(by("0.03"), "5.200000 0.000000");
  EXPECT_EQ(by("0.10"), "5.000000 0.500000");
  EXPECT_EQ(by("0.30"), "3.000000 0.500000");  // what is new is
  EXPECT_EQ(by("0.10"), "5.000000 0.500000");
}

TEST_F(RerateTest, what_the_tariff_has_no_price_for_stays) {
  use(anna, 10, 10);
  use(anna, 20, 10);
  send_message(anna);
  const std::string before = money(anna);
  std::string text = replaced(prices, "amount: 0.20, per: 1 MiB", "price: none");
  text = replaced(text, "unit: events\n    grant: {maximum: 10}",
                  "unit: seconds\n    grant: {maximum: 10 s}");
  const Tariff less = compile(replaced(text, "per: 1}]", "per: 1 s}]"));
  const Rerated done = rerate(engine_, span(), less);
  EXPECT_EQ(done.booked, 0u);
  EXPECT_EQ(done.counts.without_price, 2u);
  EXPECT_EQ(money(anna), before);
}

TEST_F(RerateTest, what_others_paid_some_of_stays) {
  ASSERT_TRUE(add_payer(engine_.shard(), anna, {std::string(dora), {"data/10"}, Money(500'000)}, {})
                  .has_value());
  engine_.sync();
  use(anna, 10, 10);  // 1.00, of which the payer paid 0.50
  use(anna, 20, 10);  // 2.00
  const std::string payer = money(dora);
  const Tariff cheaper = compile(
      replaced(replaced(prices, "0.10, per: 1 MiB", "0.05, per: 1 MiB"), "0.20, per", "0.10, per"));
  const Rerated done = rerate(engine_, span(), cheaper);
  EXPECT_EQ(done.counts.paid_by_others, 1u);
  EXPECT_EQ(done.booked, 1u);
  EXPECT_EQ(money(anna), "98.500000 0.000000");
  EXPECT_EQ(money(dora), payer);
}

// The shadow's balance may run out where the account's has not: a price is a price.
TEST_F(RerateTest, events_are_charged_whatever_the_balance_was) {
  for (int i = 0; i < 5; ++i) send_message(bruno);  // all of 0.50
  const SimulationSpan day = span();
  EXPECT_TRUE(top_up(engine_.shard(), bruno, Money(10'000'000), {}).has_value());
  engine_.sync();
  const Tariff dearer = compile(replaced(prices, "0.10, per: 1}]", "0.60, per: 1}]"));
  EXPECT_EQ(rerate(engine_, day, dearer).booked, 5u);
  EXPECT_EQ(money(bruno), "7.500000 0.000000");
}

TEST_F(RerateTest, filters_choose_charges) {
  use(anna, 10, 10);    // 1.00
  use(anna, 20, 5);     // 1.00
  send_message(anna);   // 0.10
  use(dora, 10, 2000);  // an allowance, and 97.60 of which 10.00 was paid
  std::string text = replaced(prices, "amount: 0.10, per: 1 MiB", "price: free");
  text = replaced(text, "amount: 0.20, per: 1 MiB", "price: free");
  const Tariff free = compile(replaced(text, "amount: 0.10, per: 1}]", "price: free}]"));
  const auto by = [&](const RerateFilter& filter) {
    rerate(engine_, span(), free, filter);
    return money(anna) + ", " + money(dora);
  };
  EXPECT_EQ(by({.rule = "data/20", .offer = "bundle-1g", .service = ""}),
            "97.900000 0.000000, 0.000000 87.600000");
  EXPECT_EQ(by({.rule = "data/20", .offer = "", .service = ""}),
            "98.900000 0.000000, 0.000000 87.600000");
  EXPECT_EQ(by({.rule = "", .offer = "", .service = "messaging"}),
            "99.000000 0.000000, 0.000000 87.600000");
  EXPECT_EQ(by({.rule = "data/10", .offer = "bundle-1g", .service = ""}),
            "99.000000 0.000000, 10.000000 0.000000");
  EXPECT_EQ(by({}), "100.000000 0.000000, 10.000000 0.000000");
}

TEST_F(RerateTest, an_account_that_cannot_take_it_is_named_and_the_others_go_on) {
  use(anna, 10, 10);
  use(carla, 10, 10);
  const SimulationSpan day = span();
  const std::int64_t room =
      account_money_max.micros - engine_.shard().book().find_account(anna)->balance().micros;
  EXPECT_TRUE(top_up(engine_.shard(), anna, Money(room), {}).has_value());
  engine_.sync();
  const Tariff cheaper = compile(replaced(prices, "0.10, per: 1 MiB", "0.05, per: 1 MiB"));
  const Rerated done = rerate(engine_, day, cheaper);
  EXPECT_EQ(done.booked, 1u);
  EXPECT_EQ(done.refused, 1u);
  EXPECT_EQ(money(carla), "-0.500000 0.000000");
  const auto wrong = check_settlement({1, 0}, anna, account_money_max.micros, 0);
  ASSERT_TRUE(wrong.has_value());
  EXPECT_THAT(wrong->message, HasSubstr("the balance of account 8613800138000 would be over"));
}

TEST(Settlement, takes_what_there_is_and_forgives_first) {
  const auto settled = [](const ChargedSum& first, const ChargedSum& now, std::int64_t would_be,
                          std::int64_t available, std::int64_t overage) {
    ChargeToRerate charge;
    charge.first = first;
    charge.now = now;
    charge.would_be = would_be;
    const Settlement settlement = settle(charge, available, overage);
    return std::pair(settlement.main, settlement.overage);
  };
  EXPECT_EQ(settled({10, 0}, {10, 0}, 15, 100, 0), std::pair(-5l, 0l));
  EXPECT_EQ(settled({10, 0}, {10, 0}, 15, 3, 0), std::pair(-3l, 2l));
  EXPECT_EQ(settled({10, 0}, {10, 0}, 15, -3, 0), std::pair(0l, 5l));  // nothing is there
  EXPECT_EQ(settled({10, 0}, {15, 2}, 10, 0, 2), std::pair(3l, -2l));
  EXPECT_EQ(settled({10, 4}, {10, 4}, 8, 0, 4), std::pair(0l, -2l));
  EXPECT_EQ(settled({10, 4}, {10, 4}, 1, 0, 4), std::pair(5l, -4l));
  EXPECT_EQ(settled({10, 4}, {1, 0}, 10, 100, 0), std::pair(-5l, 4l));
  EXPECT_EQ(settled({10, 4}, {10, 4}, 1, 0, 1), std::pair(8l, -1l));    // forgiven by another entry
  EXPECT_EQ(settled({-5, -2}, {-5, -2}, -8, 0, 9), std::pair(3l, 0l));  // under a falling slab
  EXPECT_EQ(settled({-5, -2}, {-8, -2}, -5, 9, 9), std::pair(-3l, 0l));
}

// --- Properties ----------------------------------------------------------------------------------

// Of every account what money says.
std::vector<std::pair<std::int64_t, std::int64_t>> money_of(test::TestEngine& engine) {
  std::vector<std::pair<std::int64_t, std::int64_t>> all;
  const Book& book = engine.shard().book();
  for (std::uint64_t n = 1; n <= book.account_count(); ++n) {
    const Account& account = *book.account(AccountNumber(n));
    all.emplace_back(account.balance().micros, account.overage_micros);
  }
  return all;
}

class RerateCrowd : public testing::TestWithParam<bool> {
 protected:
  // Some cost more by it, some less, and some nothing.
  static Tariff other(bool is_counted) {
    tariffs::TariffSource source = test::Crowd::source(is_counted);
    source.text = replaced(source.text, "amount: 0.03, per: 1 min", "amount: 0.07, per: 1 min");
    source.text =
        replaced(source.text, "amount: 0.09, per: 1 min, setup: 0.05", "amount: 0.02, per: 1 min");
    source.text = replaced(source.text, "{upto: 2 MiB, amount: 0.30}, {amount: 0.10}",
                           "{upto: 1 MiB, amount: 0.80}, {amount: 0.20}");
    source.text = replaced(source.text, "{default: true, amount: 1.00, per: 1 MiB",
                           "{default: true, amount: 0.40, per: 1 MiB");
    return compile(source);
  }
  static Tariff dearer(bool is_counted) {
    tariffs::TariffSource source = test::Crowd::source(is_counted);
    source.text = replaced(source.text, "amount: 0.09, per: 1 min", "amount: 0.90, per: 1 min");
    source.text = replaced(source.text, "{default: true, amount: 1.00, per: 1 MiB",
                           "{default: true, amount: 7.00, per: 1 MiB");
    return compile(source);
  }
};

TEST_P(RerateCrowd, rerates_take_each_other_into_account) {
  constexpr std::uint32_t seeds = 30;
  const Tariff one = other(GetParam());
  const Tariff two = dearer(GetParam());
  std::uint64_t booked = 0;
  std::int64_t uncollected = 0;
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    test::Crowd crowd(seed, GetParam());
    crowd.live(250);
    test::TestEngine& engine = crowd.engine();
    engine.advance(seconds(1));
    // Also one that goes on, so that it meets its own adjustments.
    const Time end = seed % 2 == 0 ? engine.now() : engine.now() + hours(1000);
    const SimulationSpan span{engine.now() - hours(2 + seed % 5), end};
    const auto before = money_of(engine);
    ASSERT_EQ(rerate(engine, span, nullptr).booked, 0u);

    booked += rerate(engine, span, two).booked;
    const auto by_two = money_of(engine);
    ASSERT_EQ(rerate(engine, span, two).booked, 0u);
    for (std::size_t i = 0; i < before.size(); ++i)
      uncollected += by_two[i].second - before[i].second;
    booked += rerate(engine, span, one).booked;
    ASSERT_EQ(rerate(engine, span, one).booked, 0u);
    booked += rerate(engine, span, nullptr).booked;
    ASSERT_EQ(money_of(engine), before);
    ASSERT_EQ(test::broken_invariant(engine.shard().book()), "");
    if (seed % 10 == 0) {
      ASSERT_EQ(test::proof_failure(engine.store()), "");
    }
  }
  EXPECT_GT(booked, 1500u);
  EXPECT_GT(uncollected, 0);
}

TEST_P(RerateCrowd, broken_off_anywhere_it_is_as_if_it_had_not_been) {
  const Tariff tariff = other(GetParam());
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    test::Crowd whole(seed, GetParam());
    test::Crowd broken(seed, GetParam());
    for (test::Crowd* crowd : {&whole, &broken}) {
      crowd->live(200);
      crowd->engine().advance(seconds(1));
    }
    const SimulationSpan span{whole.engine().now() - hours(20), whole.engine().now()};
    const std::uint64_t booked = rerate(whole.engine(), span, tariff).booked;
    std::uint64_t in_parts = 0;
    while (in_parts < booked) {
      in_parts += rerate(broken.engine(), span, tariff, {}, 1 + seed * 3).booked;
      broken.engine().crash_and_restart();
    }
    EXPECT_EQ(in_parts, booked);
    EXPECT_EQ(rerate(broken.engine(), span, tariff).booked, 0u);
    EXPECT_EQ(money_of(broken.engine()), money_of(whole.engine()));
  }
}

TEST_P(RerateCrowd, one_by_part_and_one_of_all_are_one_of_all) {
  const Tariff tariff = other(GetParam());
  test::Crowd parts(3, GetParam());
  test::Crowd all(3, GetParam());
  std::vector<std::vector<std::pair<std::int64_t, std::int64_t>>> results;
  for (test::Crowd* crowd : {&parts, &all}) {
    crowd->live(300);
    test::TestEngine& engine = crowd->engine();
    engine.advance(seconds(1));
    // With money enough, so that the order does not matter.
    for (std::string_view name : {anna, bruno, carla, dora, emil}) {
      EXPECT_TRUE(top_up(engine.shard(), name, Money(1'000'000'000), {}).has_value());
    }
    engine.sync();
    engine.advance(seconds(1));
    const SimulationSpan span{engine.now() - hours(20), engine.now()};
    if (crowd == &parts) {
      const std::uint64_t some =
          rerate(engine, span, tariff, {.rule = "data/2", .offer = "", .service = ""}).booked;
      const std::uint64_t more =
          rerate(engine, span, tariff, {.rule = "", .offer = "", .service = "voice"}).booked;
      EXPECT_GT(some, 0u);
      EXPECT_GT(more, 0u);
    }
    rerate(engine, span, tariff);
    results.push_back(money_of(engine));
  }
  EXPECT_EQ(results[0], results[1]);
}

INSTANTIATE_TEST_SUITE_P(Counters, RerateCrowd, testing::Bool());

}  // namespace
}  // namespace farthing::engine
