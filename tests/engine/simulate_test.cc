// Usage charged again: by hand with other prices, and by the tariffs that were in force, where
// nothing may differ. (Over the simulator's ledgers: tests/tools/sim.)
#include "engine/simulate.h"

#include "engine/archive.h"
#include "engine/operations.h"
#include "engine/retention.h"
#include "tariffs/tariff_file.h"
#include "tests/support/crowd.h"
#include "tests/support/replaced.h"
#include "tests/support/requests.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_engine.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

constexpr std::string_view anna = "8613800138000";   // prepaid, 100.00
constexpr std::string_view bruno = "8613800138001";  // prepaid, 0.50
constexpr std::string_view carla = "8613800138002";  // postpaid, 200.00 of credit
constexpr std::string_view dora = "8613800138003";   // prepaid, 10.00 and an allowance of 1 GiB

using Tariff = std::shared_ptr<const tariffs::Tariff>;

Tariff compile(std::string_view text) {
  auto compiled = tariffs::compile_tariff("test.yaml", text);
  EXPECT_TRUE(compiled.has_value()) << tariffs::to_string(compiled.error().front());
  return *compiled;
}

std::string money(base::Int128 micros) {
  return Money(static_cast<std::int64_t>(micros)).to_string();
}

// What an account was charged and would have been, and the overage.
std::string row(const TariffSimulation& simulation, std::string_view name) {
  const Account& account = *simulation.book().find_account(name);
  const SimulatedCharges& charges = simulation.accounts()[account.number.value - 1];
  return fmt::format("{} {} overage {} {}", money(charges.was), money(charges.would_be),
                     money(charges.overage_was), money(charges.overage_would_be));
}

constexpr std::string_view two_prices = R"(
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

class SimulateTest : public testing::Test {
 protected:
  SimulateTest() { load(two_prices); }

  void load(std::string_view text) {
    engine_.shard().enter_tariff(compile(text), std::string(text));
    engine_.sync();
  }
  // A session of a subscriber's uses so many MiB of a rating group, reported in two pieces.
  void use(std::string_view msisdn, std::uint32_t group, std::uint64_t used_mib) {
    const std::string id = fmt::format("session {}", ++sessions_);
    ask(RequestType::initial, 0, id, msisdn, group, 0, mib);
    ask(RequestType::update, 1, id, msisdn, group, used_mib / 2 * mib, mib);
    ask(RequestType::termination, 2, id, msisdn, group, (used_mib - used_mib / 2) * mib, 0);
  }
  void ask(RequestType type, std::uint32_t number, const std::string& id, std::string_view msisdn,
           std::uint32_t group, std::uint64_t used, std::uint64_t asked) {
    Request request = request_of(type, number, id, msisdn);
    ServiceRequest& service = request.add_service();
    service.rating_group = RatingGroup(group);
    if (used > 0) service.used.emplace().octets = used;
    if (asked > 0) service.requested.emplace().total_octets = asked;
    handle(request);
  }
  void send_message(std::string_view msisdn) {
    const std::string id = fmt::format("event {}", ++sessions_);
    Request request = request_of(RequestType::event, 0, id, msisdn);
    request.service_context = "32274@3gpp.org";
    request.add_service().requested.emplace().events = 1;
    handle(request);
  }
  void handle(Request& request) {
    engine_.handle(request);
    engine_.sync();
    engine_.advance(seconds(1));
  }
  std::string balance(std::string_view name) {
    return engine_.shard().book().find_account(name)->balance().to_string();
  }

  TariffSimulation simulation(Time from, Time to, Tariff tariff, std::string archive = {}) {
    return {engine_.store(), archive_folder(engine_.store(), archive), {from, to}, tariff};
  }
  static base::Result<void, std::string> run(TariffSimulation& simulation) {
    return simulation.run([](std::string_view, Sequence, Sequence) { return true; });
  }

  test::TestEngine engine_;
  int sessions_ = 0;
};

TEST_F(SimulateTest, a_price_that_doubles_by_hand) {
  use(anna, 10, 7);  // before the span
  const Time from = engine_.now();
  use(anna, 10, 10);   // 1.00
  use(anna, 20, 5);    // 1.00, as it is
  use(bruno, 10, 4);   // 0.40 of 0.50
  use(dora, 10, 100);  // her allowance
  use(carla, 10, 30);  // 3.00, on credit
  send_message(carla);
  const Time to = engine_.now();
  use(anna, 10, 50);  // after it

  TariffSimulation doubled = simulation(
      from, to,
      compile(replaced(two_prices, "amount: 0.10, per: 1 MiB", "amount: 0.20, per: 1 MiB")));
  const auto ran = run(doubled);
  ASSERT_TRUE(ran.has_value()) << ran.error();
  EXPECT_EQ(row(doubled, anna), "2.000000 3.000000 overage 0.000000 0.000000");
  EXPECT_EQ(row(doubled, bruno), "0.400000 0.800000 overage 0.000000 0.300000");
  EXPECT_EQ(row(doubled, dora), "0.000000 0.000000 overage 0.000000 0.000000");
  EXPECT_EQ(row(doubled, carla), "3.100000 6.100000 overage 0.000000 0.000000");
  EXPECT_EQ(doubled.book().find_account(anna)->balance().to_string(), "96.300000");
  EXPECT_EQ(doubled.book().find_account(bruno)->balance().to_string(), "0.000000");

  std::vector<std::string> services;
  for (const auto& [name, charges] : doubled.services()) {
    services.push_back(fmt::format("{}/{} {} {}", doubled.service_name(name.service),
                                   name.rating_group ? name.rating_group->value : 0,
                                   money(charges.was), money(charges.would_be)));
  }
  EXPECT_THAT(services, testing::UnorderedElementsAre("data/10 4.400000 8.800000",
                                                      "data/20 1.000000 1.000000",
                                                      "messaging/0 0.100000 0.100000"));
  const auto offers = doubled.offers();
  ASSERT_EQ(offers.size(), 1u);
  EXPECT_TRUE(offers.at("bundle-1g").units_was == 100 * mib);
  EXPECT_TRUE(offers.at("bundle-1g").units_would_be == 100 * mib);
  EXPECT_EQ(doubled.counts().requests, 16u);
  EXPECT_EQ(doubled.counts().reports, 11u);
  EXPECT_EQ(doubled.counts().without_price, 0u);
  EXPECT_EQ(doubled.currency(), "CNY");
}

TEST_F(SimulateTest, a_session_that_was_open_keeps_its_terms) {
  ask(RequestType::initial, 0, "open", anna, 10, 0, mib);
  const Time from = engine_.now();
  ask(RequestType::update, 1, "open", anna, 10, 10 * mib, mib);  // 1.00
  ask(RequestType::update, 2, "open", anna, 20, 10 * mib, mib);  // 2.00: it begins in the span
  engine_.shard().close_session(*engine_.shard().book().find_account(anna)->sessions,
                                EntryKind::session_closed);
  engine_.sync();
  const std::string doubled =
      replaced(replaced(two_prices, "amount: 0.10, per: 1 MiB", "amount: 0.20, per: 1 MiB"),
               "amount: 0.20, per: 1 MiB}\n  messaging", "amount: 0.40, per: 1 MiB}\n  messaging");
  TariffSimulation simulated = simulation(from, engine_.now() + hours(1), compile(doubled));
  ASSERT_TRUE(run(simulated).has_value());
  EXPECT_EQ(row(simulated, anna), "3.000000 5.000000 overage 0.000000 0.000000");
  EXPECT_EQ(simulated.book().session_count(), 0u);
}

TEST_F(SimulateTest, what_the_tariff_does_not_know_or_nobody_can_pay_is_counted) {
  const Time from = engine_.now();
  use(anna, 10, 2);
  use(anna, 20, 2);
  send_message(bruno);
  const std::string text = replaced(replaced(two_prices, "amount: 0.20, per: 1 MiB", "price: none"),
                                    "amount: 0.10, per: 1}", "amount: 0.60, per: 1}");
  TariffSimulation simulated = simulation(from, engine_.now(), compile(text));
  ASSERT_TRUE(run(simulated).has_value());
  EXPECT_EQ(row(simulated, anna), "0.600000 0.200000 overage 0.000000 0.000000");
  EXPECT_EQ(row(simulated, bruno), "0.100000 0.000000 overage 0.000000 0.000000");
  EXPECT_EQ(simulated.counts().reports, 5u);
  EXPECT_EQ(simulated.counts().without_price, 2u);
  EXPECT_EQ(simulated.counts().events_refused, 1u);
}

// What people did is done as it was: money put on, an allowance bought, and one that ends.
TEST_F(SimulateTest, allowances_end_with_what_is_left_of_them_in_the_simulation) {
  const Time from = engine_.now();
  use(dora, 10, 100);
  EXPECT_TRUE(top_up(engine_.shard(), dora, Money(1'000'000), {}).has_value());
  const SubscriptionNumber bundle(
      engine_.shard().book().find_account(dora)->buckets[0].number.value);
  EXPECT_TRUE(end_subscription(engine_.shard(), dora, bundle, {}).has_value());
  engine_.sync();
  use(dora, 10, 10);
  // In steps of 64 MiB the allowance is eaten faster.
  const std::string text =
      replaced(replaced(two_prices, "minimum: 1 KiB", "minimum: 64 MiB"),
               "amount: 0.10, per: 1 MiB", "amount: 0.10, per: 1 MiB, step: 64 MiB");
  TariffSimulation simulated = simulation(from, engine_.now(), compile(text));
  const auto ran = run(simulated);
  ASSERT_TRUE(ran.has_value()) << ran.error();
  EXPECT_EQ(row(simulated, dora), "1.000000 6.400000 overage 0.000000 0.000000");
  EXPECT_TRUE(simulated.offers().at("bundle-1g").units_would_be == 128 * mib);
  EXPECT_TRUE(simulated.book().find_account(dora)->buckets.empty());
  EXPECT_EQ(simulated.book().find_account(dora)->balance().to_string(), "4.600000");
}

// In steps of 64 MiB the allowance was eaten up when it was ended; in smaller ones the session that
// is open holds some of it.
TEST_F(SimulateTest, what_is_held_of_an_allowance_that_ended_is_good_for_one_more_report) {
  load(replaced(replaced(two_prices, "minimum: 1 KiB", "minimum: 64 MiB"),
                "amount: 0.10, per: 1 MiB", "amount: 0.10, per: 1 MiB, step: 64 MiB"));
  const Time from = engine_.now();
  for (int i = 0; i < 16; ++i) use(dora, 10, 2);
  ask(RequestType::initial, 0, "open", dora, 10, 0, mib);
  const BucketNumber bucket = engine_.shard().book().find_account(dora)->buckets[0].number;
  const auto ended = end_subscription(engine_.shard(), dora, SubscriptionNumber(bucket.value), {});
  ASSERT_TRUE(ended.has_value()) << ended.error().message;
  engine_.sync();
  ask(RequestType::update, 1, "open", dora, 10, mib / 2, mib);
  const Time to = engine_.now();
  TariffSimulation midway = simulation(from, to, compile(two_prices));
  ASSERT_TRUE(run(midway).has_value());
  EXPECT_TRUE(midway.book().find_account(dora)->buckets.empty());
  ask(RequestType::update, 2, "open", dora, 10, mib, mib);
  ask(RequestType::termination, 3, "open", dora, 10, mib, 0);
  TariffSimulation simulated = simulation(from, engine_.now(), compile(two_prices));
  const auto ran = run(simulated);
  ASSERT_TRUE(ran.has_value()) << ran.error();
  EXPECT_EQ(row(simulated, dora), "6.400000 0.200000 overage 0.000000 0.000000");
  EXPECT_TRUE(simulated.book().find_account(dora)->buckets.empty());
}

// Of a tariff that was loaded in the span only names are wanted where another one is simulated.
TEST_F(SimulateTest, a_tariff_that_is_not_to_be_had_stops_only_who_needs_it) {
  const Time from = engine_.now();
  engine_.advance(seconds(1));
  Entry entry;
  entry.kind = EntryKind::tariff_loaded;
  entry.tariff = TariffLoading{tariffs::TariffVersion(3), 42};
  engine_.shard().enter(entry);
  engine_.sync();
  engine_.advance(seconds(1));
  TariffSimulation other = simulation(from, engine_.now(), compile(two_prices));
  EXPECT_TRUE(run(other).has_value());
  TariffSimulation same = simulation(from, engine_.now(), nullptr);
  EXPECT_THAT(run(same).error(), HasSubstr("the source of tariff version 3 is missing"));
}

TEST_F(SimulateTest, spans_and_tariffs_that_cannot_be_are_refused_with_the_reason) {
  const Time now = engine_.now();
  TariffSimulation backwards = simulation(now, now, compile(two_prices));
  EXPECT_THAT(run(backwards).error(), HasSubstr("not after it begins"));
  TariffSimulation foreign =
      simulation(now, now + hours(1), compile(replaced(two_prices, "CNY", "EUR")));
  EXPECT_THAT(run(foreign).error(), HasSubstr("tariff now is in EUR, and the accounts are in CNY"));
  TariffSimulation stopped = simulation(now, now + hours(1), compile(two_prices));
  for (int i = 0; i < 2000; ++i) send_message(anna);
  EXPECT_THAT(stopped.run([](std::string_view, Sequence, Sequence) { return false; }).error(),
              HasSubstr("stopped before the end"));
}

TEST_F(SimulateTest, a_ledger_whose_beginning_was_archived) {
  const test::TempFolder archive;
  const Time first = engine_.now();
  use(anna, 10, 10);
  engine_.advance(hours(48));
  const Time second = engine_.now();
  engine_.checkpoint();
  RetentionHooks hooks;
  hooks.enter = [&](const LedgerCut& cut) {
    engine_.shard().enter_cut(cut, archive.path().string());
    engine_.sync();
    return true;
  };
  hooks.oldest_needed = [] { return std::optional(Sequence(UINT64_MAX)); };
  hooks.keep_on = [] { return true; };
  const RetentionOptions options{.after = hours(24), .archive = archive.path()};
  const auto cut = Retention(engine_.store(), options, std::move(hooks)).run(engine_.now());
  ASSERT_TRUE(cut.has_value()) << cut.error();
  ASSERT_TRUE(cut->has_value());
  use(anna, 10, 20);

  const auto charged = [&](Time from, const std::string& folder) {
    TariffSimulation simulated = simulation(from, engine_.now(), nullptr, folder);
    const auto ran = run(simulated);
    return ran.has_value() ? row(simulated, anna) : ran.error();
  };
  EXPECT_EQ(charged(first, {}), "3.000000 3.000000 overage 0.000000 0.000000");
  EXPECT_EQ(charged(second, {}), "2.000000 2.000000 overage 0.000000 0.000000");
  EXPECT_THAT(charged(first, archive.file("gone")), HasSubstr("or let the span begin later"));
}

// --- Nothing differs -----------------------------------------------------------------------------

class SimulateCrowd : public testing::TestWithParam<bool> {};

TEST_P(SimulateCrowd, nothing_differs_by_the_tariffs_that_were_in_force) {
  constexpr std::uint32_t seeds = 200;
  constexpr int steps = 300;
  std::uint64_t reports = 0;
  std::int64_t overage = 0;
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    test::Crowd crowd(seed, GetParam());
    crowd.live(steps);
    const Time from = crowd.engine().now() - hours(seed % 3);
    const storage::LedgerStore& store = crowd.engine().store();
    TariffSimulation simulation(store, {}, {from - hours(4), store.end().now + Duration(1)},
                                nullptr);
    const auto ran = simulation.run([](std::string_view, Sequence, Sequence) { return true; });
    ASSERT_TRUE(ran.has_value()) << ran.error();
    for (std::size_t i = 0; i < simulation.accounts().size(); ++i) {
      const SimulatedCharges& charges = simulation.accounts()[i];
      ASSERT_EQ(money(charges.was), money(charges.would_be)) << "seed " << seed << " account " << i;
      ASSERT_EQ(money(charges.overage_was), money(charges.overage_would_be)) << "seed " << seed;
      const AccountNumber number(i + 1);
      ASSERT_EQ(simulation.book().account(number)->main_micros,
                crowd.engine().shard().book().account(number)->main_micros)
          << "seed " << seed << " account " << i;
      overage += static_cast<std::int64_t>(charges.overage_was);
    }
    reports += simulation.counts().reports;
  }
  EXPECT_GT(reports, 10'000u);
  EXPECT_GT(overage, 0);
}

INSTANTIATE_TEST_SUITE_P(Counters, SimulateCrowd, testing::Bool());

}  // namespace
}  // namespace farthing::engine
