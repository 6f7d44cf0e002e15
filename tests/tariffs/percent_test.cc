#include "tariffs/percent.h"

#include "tariffs/price.h"

#include <gtest/gtest.h>

#include <limits>

namespace farthing::tariffs {
namespace {

TEST(Percent, ReadsWhatPeopleWrite) {
  EXPECT_EQ(Percent::parse("20")->millionths, 200'000u);
  EXPECT_EQ(Percent::parse("12.5 %")->millionths, 125'000u);
  EXPECT_EQ(Percent::parse("0.0001%")->millionths, 1u);
  EXPECT_EQ(Percent::parse("100")->millionths, Percent::whole);
  EXPECT_EQ(Percent::parse("0")->millionths, 0u);
  for (const char* text : {"", "%", " %", "-1", "-0", "100.0001", "0.00001", "1e2", "20  %", "x",
                           "20 %%", "99999999999999999999"}) {
    EXPECT_FALSE(Percent::parse(text)) << text;
  }
}

TEST(Percent, WritesNoMoreThanThereIs) {
  EXPECT_EQ(Percent{200'000}.to_string(), "20");
  EXPECT_EQ(Percent{125'000}.to_string(), "12.5");
  EXPECT_EQ(Percent{1}.to_string(), "0.0001");
  EXPECT_EQ(Percent{0}.to_string(), "0");
  EXPECT_EQ(Percent{Percent::whole}.to_string(), "100");
}

TEST(Percent, TheTaxInATotalIsRoundedOnce) {
  const Percent six{60'000};
  EXPECT_EQ(tax_in(Money(1'060'000), six, Rounding::half_away_from_zero), Money(60'000));
  EXPECT_EQ(tax_in(Money(-1'060'000), six, Rounding::down), Money(-60'000));
  // 0.0566037...
  EXPECT_EQ(tax_in(Money(1'000'000), six, Rounding::half_away_from_zero), Money(56'604));
  EXPECT_EQ(tax_in(Money(1'000'000), six, Rounding::down), Money(56'603));
  EXPECT_EQ(tax_in(Money(-1'000'000), six, Rounding::up), Money(-56'604));
  // A half: 3 of 6 at 100 %, 1.5 of 3.
  EXPECT_EQ(tax_in(Money(3), Percent{Percent::whole}, Rounding::half_away_from_zero), Money(2));
  EXPECT_EQ(tax_in(Money(-3), Percent{Percent::whole}, Rounding::half_away_from_zero), Money(-2));
  EXPECT_EQ(tax_in(Money(123), Percent{0}, Rounding::up), Money(0));
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(tax_in(Money(most), Percent{Percent::whole}, Rounding::down), Money(most / 2));
  EXPECT_EQ(tax_in(Money(-most - 1), Percent{Percent::whole}, Rounding::up), Money(-most / 2 - 1));
}

TEST(Percent, AShareIsRoundedOnce) {
  const Percent third{333'333};
  EXPECT_EQ(share_of(Money(3), third, Rounding::half_away_from_zero), Money(1));
  EXPECT_EQ(share_of(Money(3), third, Rounding::down), Money(0));
  EXPECT_EQ(share_of(Money(1), third, Rounding::up), Money(1));
  EXPECT_EQ(share_of(Money(1), {500'000}, Rounding::half_away_from_zero), Money(1));
  EXPECT_EQ(share_of(Money(0), third, Rounding::up), Money(0));
  constexpr std::int64_t most = INT64_MAX;
  EXPECT_EQ(share_of(Money(most), {Percent::whole}, Rounding::up), Money(most));
  // It rises by no more than the amount does.
  for (const Rounding rounding : {Rounding::half_away_from_zero, Rounding::up, Rounding::down}) {
    for (std::int64_t micros = 0; micros < 3'000; ++micros) {
      const std::int64_t more = share_of(Money(micros + 1), {728'191}, rounding).micros -
                                share_of(Money(micros), {728'191}, rounding).micros;
      EXPECT_TRUE(more == 0 || more == 1);
    }
  }
}

}  // namespace
}  // namespace farthing::tariffs
