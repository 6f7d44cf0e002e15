#include "tools/load/draw.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <vector>

namespace farthing::load {
namespace {

TEST(DrawTest, InTurnComesToEachAndRoundAgain) {
  SubscriberDraw draw(DrawRule::in_turn, 3);
  std::vector<std::uint32_t> drawn;
  for (int i = 0; i < 7; ++i) drawn.push_back(draw.next());
  EXPECT_EQ(drawn, (std::vector<std::uint32_t>{0, 1, 2, 0, 1, 2, 0}));
}

TEST(DrawTest, EveryRuleStaysWithinTheSubscribers) {
  for (DrawRule rule : {DrawRule::in_turn, DrawRule::uniform, DrawRule::zipf}) {
    for (std::uint32_t subscribers : {1u, 2u, 3u, 10u, 1000u}) {
      SubscriberDraw draw(rule, subscribers);
      std::set<std::uint32_t> met;
      for (int i = 0; i < 20'000; ++i) met.insert(draw.next());
      EXPECT_LT(*met.rbegin(), subscribers);
      EXPECT_GE(met.size(), std::min(subscribers, 900u));
    }
  }
}

// The k-th most active has 1/k^0.99 of the first one's share; the first of 1000 about 13 %.
TEST(DrawTest, ZipfFavoursFew) {
  SubscriberDraw draw(DrawRule::zipf, 1000);
  constexpr int draws = 200'000;
  std::vector<int> counts(1000);
  for (int i = 0; i < draws; ++i) ++counts[draw.next()];
  std::ranges::sort(counts, std::greater());
  EXPECT_NEAR(counts[0], 0.131 * draws, 0.01 * draws);
  EXPECT_NEAR(counts[1], counts[0] / 1.986, 0.01 * draws);
  EXPECT_NEAR(counts[99], counts[0] / 95.5, 0.002 * draws);
}

TEST(DrawTest, RulesHaveNames) {
  EXPECT_EQ(draw_rule_named("turn"), DrawRule::in_turn);
  EXPECT_EQ(draw_rule_named("uniform"), DrawRule::uniform);
  EXPECT_EQ(draw_rule_named("zipf"), DrawRule::zipf);
  EXPECT_FALSE(draw_rule_named("").has_value());
}

}  // namespace
}  // namespace farthing::load
