// Versions of a tariff that are for some subscribers only: whom they charge, and that a start, a
// simulation and a reader of the ledger know it too.
#include "engine/archive.h"
#include "engine/operations.h"
#include "engine/permission.h"
#include "engine/simulate.h"
#include "engine/tariff_versions.h"
#include "tariffs/tariff_file.h"
#include "tests/support/replaced.h"
#include "tests/support/requests.h"
#include "tests/support/test_engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace farthing::engine {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using test::request_of;

constexpr std::uint64_t mib = 1 << 20;
constexpr std::string_view anna = "8613800138000";   // a test subscriber, prepaid, 100.00
constexpr std::string_view carla = "8613800138002";  // postpaid, 200.00 of credit

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
    prices: [{default: true, amount: 0.10, per: 1 MiB}]
)";
constexpr std::string_view offers = R"(offers:
  - {name: surf, fee: 0.50, period: day, allowance: 5 MiB, covers: [{service: data}]}
)";

class TariffOnly : public testing::Test {
 protected:
  TariffOnly() {
    load(prices);
    EXPECT_TRUE(set_attributes(engine_.shard(), anna, {{"segment", "test"}}, {}).has_value());
    engine_.sync();
  }

  void load(const std::string_view text,
            const std::optional<tariffs::SubscriberAttribute>& only = std::nullopt) {
    auto compiled = tariffs::compile_tariff("test.yaml", text);
    ASSERT_TRUE(compiled.has_value()) << tariffs::to_string(compiled.error().front());
    engine_.shard().enter_tariff(*compiled, std::string(text), {}, only);
    engine_.sync();
    engine_.advance(seconds(1));
  }
  void load_for_tests() {
    load(test::replaced(prices, "0.10", "0.30") + std::string(offers),
         tariffs::SubscriberAttribute{"segment", "test"});
  }
  void ask(RequestType type, std::uint32_t number, const std::string& id, std::string_view msisdn,
           std::uint64_t used) {
    Request request = request_of(type, number, id, msisdn);
    ServiceRequest& service = request.add_service();
    service.rating_group = RatingGroup(10);
    if (used > 0) service.used.emplace().octets = used;
    if (type != RequestType::termination) service.requested.emplace().total_octets = mib;
    engine_.handle(request);
    engine_.sync();
    engine_.advance(seconds(1));
  }
  // What ten MiB cost a subscriber now.
  std::string price_for(std::string_view msisdn) {
    const std::string id = fmt::format("session {}", ++sessions_);
    ask(RequestType::initial, 0, id, msisdn, 0);
    const std::int64_t before = balance(msisdn);  // it is in memory now
    ask(RequestType::termination, 1, id, msisdn, 10 * mib);
    return Money(before - balance(msisdn)).to_string();
  }
  std::int64_t balance(std::string_view name) {
    return engine_.shard().book().find_account(name)->balance().micros;
  }

  test::TestEngine engine_;
  int sessions_ = 0;
};

TEST_F(TariffOnly, charges_those_and_nobody_else) {
  load_for_tests();
  EXPECT_EQ(price_for(anna), "3.000000");
  EXPECT_EQ(price_for(carla), "1.000000");
  EXPECT_EQ(engine_.shard().tariffs().at(engine_.now())->version.value, 2u);  // the demo's is 1
  EXPECT_TRUE(set_attributes(engine_.shard(), anna, {{"segment", "gold"}}, {}).has_value());
  EXPECT_EQ(price_for(anna), "1.000000");
  EXPECT_TRUE(set_attributes(engine_.shard(), carla, {{"segment", "test"}}, {}).has_value());
  EXPECT_EQ(price_for(carla), "3.000000");
  load(test::replaced(prices, "0.10", "0.20"));  // newer, for all
  EXPECT_EQ(price_for(carla), "2.000000");
}

TEST_F(TariffOnly, an_open_session_keeps_its_version) {
  load_for_tests();
  ask(RequestType::initial, 0, "open", anna, 0);
  const std::int64_t before = balance(anna);
  ask(RequestType::update, 1, "open", anna, mib);
  EXPECT_TRUE(set_attributes(engine_.shard(), anna, {{"segment", ""}}, {}).has_value());
  ask(RequestType::termination, 2, "open", anna, mib);
  EXPECT_EQ(before - balance(anna), 600'000);
}

TEST_F(TariffOnly, sells_its_offers_to_those_and_renews_them) {
  load_for_tests();
  const auto refused = add_subscription(engine_.shard(), carla, "surf", {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Refusal::Code::not_found);
  ASSERT_TRUE(add_subscription(engine_.shard(), anna, "surf", {}).has_value());
  engine_.sync();
  const std::int64_t bought = balance(anna);
  engine_.advance(hours(25));
  for (int i = 0; i < 100 && engine_.shard().tick(); ++i) engine_.sync();
  engine_.sync();
  EXPECT_EQ(bought - balance(anna), 500'000);
}

TEST_F(TariffOnly, a_start_knows_it_from_the_ledger_and_from_the_checkpoint) {
  load_for_tests();
  engine_.crash_and_restart();
  EXPECT_EQ(price_for(anna), "3.000000");
  EXPECT_EQ(price_for(carla), "1.000000");
  engine_.checkpoint();
  engine_.crash_and_restart();
  EXPECT_EQ(price_for(anna), "3.000000");
  EXPECT_EQ(price_for(carla), "1.000000");
  const auto loaded = find_loaded_tariffs(engine_.store());
  ASSERT_TRUE(loaded.has_value());
  ASSERT_EQ(loaded->size(), 3u);
  EXPECT_FALSE((*loaded)[1].only.has_value());
  EXPECT_EQ((*loaded)[2].only, (tariffs::SubscriberAttribute{"segment", "test"}));
}

TEST_F(TariffOnly, charged_again_by_what_was_in_force_nothing_differs) {
  const Time from = engine_.now();
  load_for_tests();
  EXPECT_EQ(price_for(anna), "3.000000");
  EXPECT_EQ(price_for(carla), "1.000000");
  TariffSimulation simulation(engine_.store(), {}, {from, engine_.now()}, nullptr);
  ASSERT_TRUE(
      simulation.run([](std::string_view, Sequence, Sequence) { return true; }).has_value());
  for (const SimulatedCharges& charges : simulation.accounts()) {
    EXPECT_TRUE(charges.difference() == 0);
  }
}

}  // namespace
}  // namespace farthing::engine
