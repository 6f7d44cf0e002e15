#include "tariffs/validity.h"

#include "tariffs/tariff_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace farthing::tariffs {
namespace {

using std::chrono::days;
using testing::ElementsAre;
using testing::HasSubstr;

std::string tariff_with(std::string_view validity) {
  return "tariff: t\ncurrency: CNY\ntime_zone: UTC\nvalid_from: 2026-01-01T00:00\nvalidity: " +
         std::string(validity) +
         "\nservices:\n  data:\n    context: 32251@3gpp.org\n    unit: octets\n"
         "    grant: {maximum: 10 MiB}\n    prices: [{default: true, amount: 0.10, per: 1 MiB}]\n";
}

std::optional<TopUpValidity> read(std::string_view validity) {
  const CheckedTariff checked = check_tariff("t.yaml", {tariff_with(validity), {}});
  return checked.tariff == nullptr ? std::nullopt : checked.tariff->top_up_validity();
}

std::string error_of(std::string_view validity) {
  const CheckedTariff checked = check_tariff("t.yaml", {tariff_with(validity), {}});
  return checked.errors.empty() ? "" : to_string(checked.errors.front());
}

TEST(TopUpValidity, IsOneTimeForAllTopUps) {
  const auto validity = read("{top_up: 30 d, grace: 15 d}");
  ASSERT_TRUE(validity);
  EXPECT_EQ(validity->extension(Money(1)), days(30));
  EXPECT_EQ(validity->grace, days(15));
  EXPECT_EQ(validity_text(*validity), "30 d; grace 15 d");
}

TEST(TopUpValidity, OrGoesByTheAmount) {
  const auto validity =
      read("{top_up: [{from: 10.00, extends: 30 d}, {from: 50.00, extends: 90 d}], grace: 0 s}");
  ASSERT_TRUE(validity);
  EXPECT_EQ(validity->extension(Money(9'999'999)), days(0));
  EXPECT_EQ(validity->extension(Money(10'000'000)), days(30));
  EXPECT_EQ(validity->extension(Money(49'999'999)), days(30));
  EXPECT_EQ(validity->extension(Money(50'000'000)), days(90));
  EXPECT_EQ(validity_text(*validity), "from 10.000000 on 30 d, from 50.000000 on 90 d; grace 0 s");
}

TEST(TopUpValidity, WhatIsWrongIsNamed) {
  EXPECT_THAT(error_of("{top_up: 30 d}"), HasSubstr("grace"));
  EXPECT_THAT(error_of("{grace: 30 d}"), HasSubstr("top_up"));
  EXPECT_THAT(error_of("{top_up: 1 h, grace: 0 s}"), HasSubstr("t.yaml:5:"));
  EXPECT_THAT(error_of("{top_up: [], grace: 0 s}"), HasSubstr("steps"));
  EXPECT_THAT(
      error_of("{top_up: [{from: 10, extends: 3 d}, {from: 10, extends: 9 d}], grace: 0 s}"),
      HasSubstr("a step is not from more than the one before"));
  EXPECT_THAT(error_of("{top_up: [{from: 10}], grace: 0 s}"), HasSubstr("extends"));
  EXPECT_THAT(error_of("{top_up: 3 d, grace: 1 d, more: 1}"), HasSubstr("more"));
  EXPECT_THAT(error_of("30 d"), HasSubstr("the validity"));
}

}  // namespace
}  // namespace farthing::tariffs
