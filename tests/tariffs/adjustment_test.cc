// Terms with a discount or a surcharge: exact, or refused.
#include "tariffs/adjustment.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>

namespace farthing::tariffs {
namespace {

constexpr std::int64_t micros_max = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t mib = 1u << 20;

Adjustment percent_off(std::uint32_t millionths) {
  Adjustment made;
  made.name = "off";
  made.percent = Percent{millionths};
  return made;
}

Adjustment amount(bool is_discount, std::int64_t micros, std::uint64_t block) {
  Adjustment made;
  made.is_discount = is_discount;
  made.name = "x";
  made.amount = Money(micros);
  made.block = block;
  return made;
}

PriceTerms priced(std::int64_t micros, std::uint64_t block = 1, std::int64_t setup = 0) {
  PriceTerms terms;
  terms.amount = Money(micros);
  terms.block = block;
  terms.setup = Money(setup);
  return terms;
}

TEST(Adjustment, APercentageKeepsTheBlockWhereTheAmountStaysWhole) {
  PriceTerms terms = priced(100'000, mib);
  terms.step = 1024;
  terms.minimum = 5;
  const auto less = adjusted(terms, percent_off(200'000));
  ASSERT_TRUE(less.has_value());
  EXPECT_EQ(less->amount, Money(80'000));
  EXPECT_EQ(less->block, mib);
  EXPECT_EQ(less->step, 1024u);
  EXPECT_EQ(less->minimum, 5u);
}

TEST(Adjustment, WhatIsNoWholeAmountIsForMoreUnits) {
  const auto less = adjusted(priced(7, 60), percent_off(200'000));
  ASSERT_TRUE(less.has_value());
  EXPECT_EQ(less->amount, Money(28));
  EXPECT_EQ(less->block, 300u);
  const auto free = adjusted(priced(7, 60), percent_off(Percent::whole));
  EXPECT_EQ(free->amount, Money(0));
  EXPECT_EQ(free->block, 60u);
}

TEST(Adjustment, EveryBandIsDiscountedAndTheCapIsNot) {
  PriceTerms terms = priced(10, 1);
  terms.shape = std::make_shared<const PriceShape>(
      PriceShape{.bands = {{100, Money(31)}}, .cap_every = UINT64_MAX, .cap = Money(4'000)});
  const auto less = adjusted(terms, percent_off(500'000));
  ASSERT_TRUE(less.has_value());
  EXPECT_EQ(less->amount, Money(10));
  EXPECT_EQ(less->block, 2u);
  EXPECT_EQ(less->shape->bands[0].amount, Money(31));
  EXPECT_EQ(price_of(*less, 100), Money(1'550));
  EXPECT_EQ(price_of(*less, 110), Money(1'600));
  EXPECT_EQ(price_of(*less, 1'000'000), Money(4'000));
}

TEST(Adjustment, AnAmountOffIsNeverMoreThanThereIs) {
  const auto less = adjusted(priced(100'000, mib), amount(true, 100, 1024));
  ASSERT_TRUE(less.has_value());
  EXPECT_EQ(less->block, mib);
  EXPECT_EQ(less->amount, Money(0));
  EXPECT_EQ(adjusted(priced(5, 4), amount(true, 7, 6))->amount, Money(1));
  EXPECT_EQ(adjusted(priced(5, 4), amount(true, 7, 6))->block, 12u);
}

TEST(Adjustment, ASurchargeIsForUnitsOrForTheSession) {
  const auto more = adjusted(priced(5, 4), amount(false, 7, 6));
  EXPECT_EQ(more->amount, Money(29));
  EXPECT_EQ(more->block, 12u);
  const auto once = adjusted(priced(5, 1, 2), amount(false, 7, 0));
  EXPECT_EQ(once->amount, Money(5));
  EXPECT_EQ(once->setup, Money(9));
}

TEST(Adjustment, SetUpIsDiscountedWhereItIsSaid) {
  const PriceTerms terms = priced(10, 1, 5);
  EXPECT_EQ(adjusted(terms, percent_off(200'000))->setup, Money(5));
  Adjustment all = percent_off(200'000);
  all.is_of_setup = true;
  EXPECT_EQ(adjusted(terms, all)->setup, Money(4));
  all.percent = Percent{10'000};
  const auto broken = adjusted(terms, all);
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error(), "has a set-up charge of less than whole millionths");
}

TEST(Adjustment, WhatCannotBeCountedIsRefused) {
  constexpr std::string_view too_large =
      "is too large, or its parts too small, to be counted exactly";
  EXPECT_EQ(adjusted(priced(micros_max, 1), percent_off(1)).error(), too_large);
  EXPECT_EQ(adjusted(priced(1, 1ull << 50), percent_off(1)).error(), too_large);
  EXPECT_EQ(adjusted(priced(1, 1ull << 63), amount(false, 1, 3)).error(), too_large);
  EXPECT_EQ(adjusted(priced(micros_max, 1), amount(false, 1, 1)).error(), too_large);
  EXPECT_EQ(adjusted(priced(0, 1, micros_max), amount(false, 1, 0)).error(), too_large);
}

TEST(Adjustment, WhichDiscountIsBestIsSeenBandByBand) {
  const PriceTerms terms = priced(10, 1, 100);
  const PriceTerms a = *adjusted(terms, percent_off(200'000));  // 8
  const PriceTerms b = *adjusted(terms, amount(true, 3, 1));    // 7
  EXPECT_TRUE(is_at_most(b, a));
  EXPECT_FALSE(is_at_most(a, b));
  EXPECT_TRUE(is_at_most(a, a));
  Adjustment with_setup = percent_off(200'000);
  with_setup.is_of_setup = true;
  const PriceTerms c = *adjusted(terms, with_setup);
  EXPECT_FALSE(is_at_most(b, c));
  EXPECT_FALSE(is_at_most(c, b));
}

TEST(Adjustment, InWords) {
  EXPECT_EQ(adjustment_text(percent_off(125'000)), "less off 12.5 %");
  EXPECT_EQ(adjustment_text(amount(false, 500'000, mib)), "plus x 0.500000 per 1 MiB");
  EXPECT_EQ(adjustment_text(amount(false, 500'000, 0)), "plus x 0.500000 a session");
}

}  // namespace
}  // namespace farthing::tariffs
