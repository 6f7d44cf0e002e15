// The simulation over the real store, in short, and disks that are broken on purpose. The long
// campaigns are tools/campaign's.
#include "tools/sim/simulation.h"
#include "tools/sim/stepped_rocksdb.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

namespace farthing::sim {
namespace {

constexpr std::uint64_t steps = 2000;
constexpr std::uint64_t seeds_a_test = 4;

std::optional<Violation> run(std::uint64_t seed, Break broken) {
  Simulation simulation(seed, make_stepped_rocksdb(seed, broken), nullptr);
  return simulation.run(steps);
}

class RocksdbSimulationTest : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(RocksdbSimulationTest, nothing_is_violated) {
  for (std::uint64_t seed = GetParam(); seed < GetParam() + seeds_a_test; ++seed) {
    const auto violation = run(seed, Break::none);
    ASSERT_FALSE(violation.has_value())
        << "step " << violation->step << ": " << violation->what
        << "\nagain: build/farthing-sim --store rocksdb --seed " << seed << " --steps " << steps;
  }
}

// 20 seeds, in five tests that run side by side.
INSTANTIATE_TEST_SUITE_P(Seeds, RocksdbSimulationTest,
                         ::testing::Range<std::uint64_t>(1, 21, seeds_a_test));

class BrokenRocksdbTest : public ::testing::TestWithParam<Break> {};

TEST_P(BrokenRocksdbTest, is_found) {
  bool is_found = false;
  for (std::uint64_t seed = 1; seed <= 20 && !is_found; ++seed) {
    is_found = run(seed, GetParam()).has_value();
  }
  EXPECT_TRUE(is_found);
}

INSTANTIATE_TEST_SUITE_P(Breaks, BrokenRocksdbTest,
                         ::testing::Values(Break::ack_before_sync, Break::lose_synced));

}  // namespace
}  // namespace farthing::sim
