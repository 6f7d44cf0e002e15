#include "tariffs/money.h"

#include <gtest/gtest.h>

#include <limits>

namespace farthing::tariffs {
namespace {

TEST(Money, ParsesWhatAPersonWrites) {
  EXPECT_EQ(Money::parse("0")->micros, 0);
  EXPECT_EQ(Money::parse("12.5")->micros, 12'500'000);
  EXPECT_EQ(Money::parse("-0.000001")->micros, -1);
  EXPECT_EQ(Money::parse("9223372036854.775807")->micros, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(Money::parse("-9223372036854.775808")->micros,
            std::numeric_limits<std::int64_t>::min());
}

TEST(Money, RefusesEverythingElse) {
  for (const char* text :
       {"", "-", ".", ".5", "5.", "1.1234567", "1,5", "+1", " 1", "1 ", "1e3", "--1", "0x1", "1.-5",
        "9223372036854.775808", "-9223372036854.775809", "99999999999999999999"}) {
    EXPECT_FALSE(Money::parse(text)) << text;
  }
}

TEST(Money, PrintsSixPlacesAndReadsThemBack) {
  EXPECT_EQ(Money(-1).to_string(), "-0.000001");
  EXPECT_EQ(Money(12'345'600).to_string(), "12.345600");
  for (std::int64_t micros : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1},
                              std::int64_t{0}, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(Money::parse(Money(micros).to_string())->micros, micros);
  }
}

TEST(Money, AdditionNeverWraps) {
  Money sum(7);
  EXPECT_FALSE(add(Money(std::numeric_limits<std::int64_t>::max()), Money(1), sum));
  EXPECT_TRUE(subtract(Money(1), Money(2), sum));
  EXPECT_EQ(sum.micros, -1);
}

}  // namespace
}  // namespace farthing::tariffs
