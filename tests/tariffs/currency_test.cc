#include "tariffs/currency.h"

#include <gtest/gtest.h>

namespace farthing::tariffs {
namespace {

TEST(Currency, CodesOfIso4217) {
  EXPECT_EQ(currency_code_of("CNY"), 156u);
  EXPECT_EQ(currency_code_of("EUR"), 978u);
  EXPECT_EQ(currency_code_of("USD"), 840u);
  EXPECT_EQ(currency_code_of("AED"), 784u);
  EXPECT_EQ(currency_code_of("ALL"), 8u);
  for (const char* name : {"", "cny", "CN", "CNYX", "XXX", "XAU", "AAA", "ZZZ", "DEM"}) {
    EXPECT_FALSE(currency_code_of(name)) << name;
  }
}

TEST(Currency, EveryNameHasACode) {
  const std::vector<std::string_view> names = currency_names();
  EXPECT_GT(names.size(), 150u);
  for (std::string_view name : names) {
    EXPECT_EQ(name.size(), 3u);
    ASSERT_TRUE(currency_code_of(name)) << name;
    EXPECT_LT(*currency_code_of(name), 1000u);
  }
}

}  // namespace
}  // namespace farthing::tariffs
