// The model's arithmetic against sums done by hand.
#include "tools/sim/model_account.h"

#include <gtest/gtest.h>

namespace farthing::sim {
namespace {

TEST(ModelPrice, UsageCountsInWholeStepsAndAtLeastTheMinimum) {
  const Price price{.amount_micros = 100, .block = 60, .step = 10, .minimum = 25};
  EXPECT_EQ(chargeable_units(price, 0), 0u);
  EXPECT_EQ(chargeable_units(price, 1), 30u);
  EXPECT_EQ(chargeable_units(price, 30), 30u);
  EXPECT_EQ(chargeable_units(price, 31), 40u);
}

TEST(ModelPrice, IsRoundedOnceByItsRule) {
  Price price{.amount_micros = 5, .block = 10};
  EXPECT_EQ(cost_of(price, 3), 2);  // 1.5
  price.round = Round::up;
  EXPECT_EQ(cost_of(price, 1), 1);  // 0.5
  EXPECT_EQ(cost_of(price, 4), 2);
  price.round = Round::down;
  EXPECT_EQ(cost_of(price, 3), 1);
}

TEST(ModelAccount, WhatSessionsHoldIsNotFree) {
  ModelAccount account;
  account.credits = 1000;
  account.charges = 300;
  account.limit = 50;
  ModelBucket& bucket = account.buckets.emplace_back();
  bucket.number = 1;
  bucket.granted = 100;
  bucket.eaten = 20;
  ModelSegment segment;
  segment.reserved = 40;
  segment.holds = {{1, 30}};
  account.sessions.emplace_back().segments = {segment, segment};
  EXPECT_EQ(account.balance(), 700);
  EXPECT_EQ(account.reserved(), 80);
  EXPECT_EQ(account.available(), 670);
  EXPECT_EQ(account.free_units(account.buckets[0]), 20);
}

}  // namespace
}  // namespace farthing::sim
