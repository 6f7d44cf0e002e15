#include "tariffs/explain.h"

#include "tariffs/demo_tariff.h"
#include "tariffs/tariff_file.h"

#include <gtest/gtest.h>

#include <limits>

namespace farthing::tariffs {
namespace {

std::shared_ptr<const Tariff> demo() { return *compile_tariff("demo.yaml", demo_tariff_text()); }

TEST(Explain, UnitsInWords) {
  EXPECT_EQ(units_text(Unit::octets, 104'857'600), "100 MiB");
  EXPECT_EQ(units_text(Unit::octets, 1025), "1025 B");
  EXPECT_EQ(units_text(Unit::octets, 0), "0 B");
  EXPECT_EQ(units_text(Unit::seconds, 90), "90 s");
  EXPECT_EQ(units_text(Unit::seconds, 7200), "2 h");
  EXPECT_EQ(units_text(Unit::events, 1), "1 event");
  EXPECT_EQ(units_text(Unit::events, 3), "3 events");
  EXPECT_EQ(units_text(Unit::money, 1'500'000), "1.500000");
}

TEST(Explain, TheDemoTariff) {
  EXPECT_EQ(describe_tariff(*demo()), R"(tariff demo-cn
currency CNY (156)
time zone Asia/Shanghai
valid from 2020-01-01T00:00:00
service data: 32251@3gpp.org, in octets
  rating group 10 is internet
  rating group 20 is video
  rating group 99 is unpriced-example
  data/10: 0.100000 CNY per 1 MiB, in steps of 1 KiB, rounded half_away_from_zero (line 28)
  data/20: 0.050000 CNY per 1 MiB, in steps of 1 KiB, rounded half_away_from_zero (line 33)
  data/99: no price (line 37)
  data/*: 0.080000 CNY per 1 MiB, in steps of 1 KiB, rounded half_away_from_zero (line 39)
  grants: up to 100 MiB, 10 MiB where nothing is asked for, at least 1 KiB, valid for 1 h
service voice: 32260@3gpp.org, in seconds
  voice/*: 0.150000 CNY per 1 min, rounded half_away_from_zero (line 49)
  grants: up to 1 h, 5 min where nothing is asked for, at least 1 s, valid for 1 h
service messaging: 32274@3gpp.org, in events
  messaging/*: 0.100000 CNY per 1 event, rounded half_away_from_zero (line 61)
  grants: up to 10 events, 1 event where nothing is asked for, at least 1 event, valid for 1 h
offer bundle-1g: 1 GiB for 0.000000 CNY, valid for 30 d
  covers data/10
)");
}

TEST(Explain, APriceStepByStep) {
  const auto tariff = demo();
  const auto price = price_units(*tariff, "32251@3gpp.org", RatingGroup(10), 5'000'000, {});
  ASSERT_TRUE(price);
  EXPECT_EQ(price->chargeable, 4883u * 1024);
  EXPECT_EQ(price->total, Money(476'855));
  EXPECT_EQ(
      describe_price(*tariff, *price),
      R"(rule data/10 of tariff demo-cn (line 28): 0.100000 CNY per 1 MiB, in steps of 1 KiB, )"
      R"(rounded half_away_from_zero
used 5000000 B
charged for 4883 KiB
price 0.476855
total 0.476855 CNY
)");
}

TEST(Explain, SetUpComesWithTheFirstUnit) {
  TariffParts parts;
  parts.services = {{"data", "d@x", service_key("data"), Unit::octets, {}}};
  parts.rules.resize(1);
  parts.rules[0].service = service_key("data");
  parts.rules[0].terms = PriceTerms{.amount = Money(1), .setup = Money(50)};
  const Tariff tariff(std::move(parts));
  EXPECT_EQ(price_units(tariff, "d@x", std::nullopt, 0, {})->total, Money(0));
  EXPECT_EQ(price_units(tariff, "d@x", std::nullopt, 3, {})->total, Money(53));
  const auto error =
      price_units(tariff, "d@x", std::nullopt, std::numeric_limits<std::int64_t>::max(), {});
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().reason, PriceFailure::Reason::too_large);
}

TEST(Explain, WhatHasNoPrice) {
  const auto tariff = demo();
  const auto unpriced = price_units(*tariff, "32251@3gpp.org", RatingGroup(99), 1, {});
  ASSERT_FALSE(unpriced);
  EXPECT_EQ(unpriced.error().reason, PriceFailure::Reason::no_price);
  const auto unknown = price_units(*tariff, "fax@3gpp.org", std::nullopt, 1, {});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(price_failure_text(*tariff, unknown.error()), "the tariff has no rule for it");
}

}  // namespace
}  // namespace farthing::tariffs
