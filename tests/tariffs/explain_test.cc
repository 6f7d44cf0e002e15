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

TEST(Explain, WhatBandsAndCapsMadeOfIt) {
  PriceTerms terms{.unit = Unit::events, .amount = Money(10), .setup = {}};
  EXPECT_EQ(shape_text(terms, 0, 5), "");
  PriceShape shape{.bands = {{2, Money(30)}, {4, Money(20)}}};
  terms.shape = std::make_shared<const PriceShape>(shape);
  EXPECT_EQ(shape_text(terms, 0, 2), "in bands: 2 events at 0.000030\n");
  EXPECT_EQ(shape_text(terms, 1, 6),
            "in bands: 1 event at 0.000030, 2 events at 0.000020, 2 events at 0.000010\n");
  EXPECT_EQ(shape_text(terms, 6, 6), "");
  shape.is_slab = true;
  terms.shape = std::make_shared<const PriceShape>(shape);
  EXPECT_EQ(shape_text(terms, 1, 4), "in the slab: all 4 events at 0.000020\n");
  EXPECT_EQ(shape_text(terms, 1, 5), "in the slab: all 5 events at 0.000010\n");
  terms.shape = std::make_shared<const PriceShape>(PriceShape{.cap_every = 3, .cap = Money(25)});
  EXPECT_EQ(shape_text(terms, 0, 2), "");
  EXPECT_EQ(shape_text(terms, 0, 7), "the cap takes off 0.000010\n");
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
