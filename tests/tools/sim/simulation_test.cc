// The simulation in short: seeds without a violation, and seeds that find what is broken on
// purpose and find it again. The long campaigns are tools/campaign's.
#include "tools/sim/simulation.h"
#include "tools/sim/sim_store.h"

#include <gtest/gtest.h>

namespace farthing::sim {
namespace {

constexpr std::uint64_t steps = 2000;
constexpr std::uint64_t seeds_a_test = 20;

class SimulationTest : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(SimulationTest, nothing_is_violated) {
  for (std::uint64_t seed = GetParam(); seed < GetParam() + seeds_a_test; ++seed) {
    Simulation simulation(seed, std::make_unique<SimStore>(), nullptr);
    const auto violation = simulation.run(steps);
    ASSERT_FALSE(violation.has_value())
        << "step " << violation->step << ": " << violation->what
        << "\nagain: build/farthing-sim --seed " << seed << " --steps " << steps;
  }
}

// 200 seeds, in ten tests that run side by side.
INSTANTIATE_TEST_SUITE_P(Seeds, SimulationTest,
                         ::testing::Range<std::uint64_t>(1, 201, seeds_a_test));

struct Found {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::string what;
  std::vector<std::string> last_steps;

  friend bool operator==(const Found&, const Found&) = default;
};

// What the first seed from `seed` on finds; seed 0: none of a hundred finds anything.
Found find_from(std::uint64_t first, Break broken) {
  for (std::uint64_t seed = first; seed < first + 100; ++seed) {
    Simulation simulation(seed, std::make_unique<SimStore>(broken), nullptr);
    const auto violation = simulation.run(steps);
    if (!violation) continue;
    const auto told = simulation.last_steps();
    return {seed, violation->step, violation->what, {told.begin(), told.end()}};
  }
  return {};
}

class BrokenDiskTest : public ::testing::TestWithParam<Break> {};

TEST_P(BrokenDiskTest, is_found_and_the_seed_replays_exactly) {
  const Found found = find_from(1, GetParam());
  ASSERT_NE(found.seed, 0u);
  EXPECT_FALSE(found.last_steps.empty());
  EXPECT_EQ(find_from(found.seed, GetParam()), found);
}

INSTANTIATE_TEST_SUITE_P(Breaks, BrokenDiskTest,
                         ::testing::Values(Break::ack_before_sync, Break::lose_synced));

TEST(Simulation, ASeedGivesTheSameLedgerEachTimeAndAnotherSeedAnother) {
  auto run = [](std::uint64_t seed) {
    Simulation simulation(seed, std::make_unique<SimStore>(), nullptr);
    EXPECT_FALSE(simulation.run(500).has_value());
    return simulation.fingerprint();
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

TEST(Simulation, EachStepIsTold) {
  std::size_t told = 0;
  Simulation simulation(3, std::make_unique<SimStore>(), [&told](std::string_view) { ++told; });
  EXPECT_FALSE(simulation.run(300).has_value());
  EXPECT_GE(told, 300u);
  EXPECT_EQ(simulation.step(), 300u);
}

}  // namespace
}  // namespace farthing::sim
