// A tariff simulation over the ledgers of the simulator, whose clients break every rule: charged
// again by the tariffs that were in force, nothing differs for any account.
#include "engine/simulate.h"
#include "tools/sim/sim_store.h"
#include "tools/sim/simulation.h"

#include <gtest/gtest.h>

#include <memory>

namespace farthing::sim {
namespace {

using engine::TariffSimulation;

constexpr std::uint64_t steps = 2000;
constexpr std::uint64_t seeds_a_test = 20;

// All that an account is, but for the answers that it got: a client is not told again how many
// units there would have been.
engine::StateInWords state_of(const engine::Account& account) {
  engine::StateInWords state = engine::account_state(account);
  std::erase_if(state, [](const auto& word) { return word.first.ends_with("answer's hash"); });
  return state;
}

void expect_no_difference(const storage::LedgerStore& store, base::Time from) {
  const std::filesystem::path archive = engine::archive_folder(store, {});
  TariffSimulation simulation(store, archive, {from, store.end().now + base::Duration(1)}, nullptr);
  const auto ran =
      simulation.run([](std::string_view, engine::Sequence, engine::Sequence) { return true; });
  ASSERT_TRUE(ran.has_value()) << ran.error();

  engine::Verifier verifier(store, archive);
  ASSERT_TRUE(verifier.begin().has_value());
  ASSERT_TRUE(
      verifier.fold_to(store.end().last, [](engine::Sequence) { return true; }).has_value());
  for (std::uint64_t n = 1; n <= simulation.accounts().size(); ++n) {
    const engine::AccountNumber number(n);
    const engine::SimulatedCharges& charges = simulation.accounts()[n - 1];
    EXPECT_TRUE(charges.was == charges.would_be) << "account " << n;
    EXPECT_TRUE(charges.overage_was == charges.overage_would_be) << "account " << n;
    EXPECT_EQ(engine::first_difference(state_of(*verifier.book().account(number)),
                                       state_of(*simulation.book().account(number))),
              "")
        << "account " << n;
  }
  EXPECT_EQ(simulation.counts().without_session, 0u);
  EXPECT_EQ(simulation.counts().events_refused, 0u);
}

class TariffSimulationTest : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(TariffSimulationTest, the_versions_that_were_in_force_charge_what_was_charged) {
  for (std::uint64_t seed = GetParam(); seed < GetParam() + seeds_a_test; ++seed) {
    auto owned = std::make_unique<SimStore>();
    SimStore& store = *owned;
    Simulation run(seed, std::move(owned), nullptr);
    ASSERT_FALSE(run.run(steps).has_value());
    while (store.sync()) {
    }
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const base::Time begun = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);
    expect_no_difference(store, begun);
    expect_no_difference(store, begun + (store.end().now - begun) / 2);
    expect_no_difference(store, std::max(store.begin().now, begun) + base::Duration(1));
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TariffSimulationTest,
                         ::testing::Range<std::uint64_t>(1001, 1201, seeds_a_test));

}  // namespace
}  // namespace farthing::sim
