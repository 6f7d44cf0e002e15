#include "tools/load/histogram.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace farthing::load {
namespace {

TEST(Histogram, EmptyIsZero) {
  const auto histogram = std::make_unique<Histogram>();
  EXPECT_EQ(histogram->percentile_ns(0.99), 0u);
  EXPECT_EQ(histogram->max_ns(), 0u);
}

TEST(Histogram, PercentilesAreWithinOnePercentOfTheSortedValues) {
  EXPECT_TRUE(rc::check([](std::vector<std::uint64_t> values) {
    RC_PRE(!values.empty());
    const auto histogram = std::make_unique<Histogram>();
    for (std::uint64_t& value : values) {
      value >>= *rc::gen::inRange(1, 64);
      histogram->record(static_cast<std::int64_t>(value));
    }
    std::sort(values.begin(), values.end());
    RC_ASSERT(histogram->count() == values.size());
    RC_ASSERT(histogram->max_ns() == values.back());
    RC_ASSERT(histogram->percentile_ns(1) == values.back());
    const std::uint64_t median = values[(values.size() + 1) / 2 - 1];
    const std::uint64_t found = histogram->percentile_ns(0.5);
    RC_ASSERT(found >= median);
    RC_ASSERT(found - median <= median / 100);
  }));
}

TEST(Histogram, NegativeIsZero) {
  const auto histogram = std::make_unique<Histogram>();
  histogram->record(-5);
  EXPECT_EQ(histogram->percentile_ns(0.5), 0u);
  EXPECT_EQ(histogram->count(), 1u);
}

}  // namespace
}  // namespace farthing::load
