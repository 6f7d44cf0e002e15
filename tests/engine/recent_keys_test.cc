// The keys between two rounds, against a map.
#include "engine/recent_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <utility>
#include <vector>

namespace farthing::engine {
namespace {

std::vector<std::uint64_t> entries_of(const RecentKeys& keys, const SessionId128& key, int most) {
  std::vector<std::uint64_t> entries;
  keys.find(key, most, [&entries](std::uint64_t sequence) { entries.push_back(sequence); });
  return entries;
}

// Few slots, many keys in each; rounds of very different sizes, so that a slot has been another
// key's in the round before, and the table grows in the midst of one.
TEST(RecentKeysTest, FindsWhatThisRoundHasAndNothingElse) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    RecentKeys keys(seed % 2 == 0 ? 0 : 100);
    std::uint64_t sequence = 0;
    for (int round = 0; round < 20; ++round) {
      std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<std::uint64_t>> model;
      const std::uint64_t size = random() % (round % 5 == 0 ? 400 : 20);
      for (std::uint64_t i = 0; i < size; ++i) {
        const SessionId128 key = {random() % 4, random() % 24};
        const SessionId128 other = {random() % 4, random() % 24};
        keys.insert(key, ++sequence, 7);
        std::vector<std::uint64_t>& entries = model[{key.low, key.high}];
        entries.insert(entries.begin(), sequence);
        ASSERT_EQ(entries_of(keys, key, 1000), entries);
        const auto known = model.find({other.low, other.high});
        ASSERT_EQ(entries_of(keys, other, 1000),
                  known == model.end() ? std::vector<std::uint64_t>() : known->second);
      }
      ASSERT_EQ(keys.items().size(), size);
      keys.clear();
      EXPECT_TRUE(keys.items().empty());
      for (const auto& [key, entries] : model) {
        ASSERT_TRUE(entries_of(keys, {key.first, key.second}, 1000).empty());
      }
    }
  }
}

TEST(RecentKeysTest, GivesNoMoreThanIsAskedFor) {
  RecentKeys keys;
  const SessionId128 key = {1, 2};
  for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) keys.insert(key, sequence, 1);
  EXPECT_EQ(entries_of(keys, key, 3), (std::vector<std::uint64_t>{10, 9, 8}));
}

}  // namespace
}  // namespace farthing::engine
