#include "tariffs/price_file.h"
#include "tariffs/tariff_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

namespace farthing::tariffs {
namespace {

constexpr std::uint64_t units_max = std::numeric_limits<std::uint64_t>::max();

struct Compiled {
  std::optional<PriceTerms> terms;
  PriceTerms continued;
  std::vector<std::string> errors;
};

Compiled compile(std::string_view text, Unit unit = Unit::seconds) {
  FileErrors errors("price.yaml");
  Compiled compiled;
  if (const std::optional<YamlNode> node = read_yaml(text, errors)) {
    YamlMap map(*node, "the price", errors);
    if (const auto price = compile_price(map, unit, errors)) {
      compiled.terms = price->terms;
      compiled.continued = price->continued;
    }
    map.finish();
  }
  for (const FileError& error : errors.take()) compiled.errors.push_back(to_string(error));
  return compiled;
}

std::string first_error(std::string_view text) {
  const Compiled compiled = compile(text);
  EXPECT_FALSE(compiled.terms);
  return compiled.errors.empty() ? "" : compiled.errors.front();
}

TEST(PriceFile, AnAmountIsAStraightLine) {
  const auto terms = compile("{amount: 0.15, per: 1 min, step: 6 s}").terms;
  ASSERT_TRUE(terms);
  EXPECT_EQ(terms->amount, Money(150'000));
  EXPECT_EQ(terms->block, 60u);
  EXPECT_EQ(terms->shape, nullptr);
}

TEST(PriceFile, TiersAreBroughtToOneBlock) {
  const auto terms =
      compile("{per: 1 min, tiers: [{upto: 10 min, amount: 0.30}, {amount: 0.01, per: 7 s}]}")
          .terms;
  ASSERT_TRUE(terms);
  EXPECT_EQ(terms->block, 420u);
  EXPECT_EQ(terms->amount, Money(600'000));
  ASSERT_NE(terms->shape, nullptr);
  EXPECT_FALSE(terms->shape->is_slab);
  EXPECT_EQ(terms->shape->bands, (std::vector<PriceBand>{{600, Money(2'100'000)}}));
  EXPECT_EQ(price_of(*terms, 607)->micros, 3'010'000);
}

TEST(PriceFile, SlabsHoldForAllUnits) {
  const auto terms =
      compile("{per: 1 min, slabs: [{upto: 10 min, amount: 0.30}, {amount: 0.10}]}").terms;
  ASSERT_TRUE(terms);
  EXPECT_EQ(price_of(*terms, 600)->micros, 3'000'000);
  EXPECT_EQ(price_of(*terms, 660)->micros, 1'100'000);
}

TEST(PriceFile, AFirstBlockIsChargedWhole) {
  const auto terms =
      compile("{first: {units: 3 min, amount: 0.50}, amount: 0.10, per: 1 min}").terms;
  ASSERT_TRUE(terms);
  EXPECT_EQ(price_of(*terms, chargeable_units(*terms, 1))->micros, 500'000);
  EXPECT_EQ(price_of(*terms, chargeable_units(*terms, 180))->micros, 500'000);
  EXPECT_EQ(price_of(*terms, chargeable_units(*terms, 240))->micros, 600'000);
}

TEST(PriceFile, WhatAnotherPriceHasBegunHasNoBeginning) {
  const PriceTerms terms = compile(
                               "{first: {units: 3 min, amount: 0.50}, setup: 0.10, step: 6 s, "
                               "per: 1 min, tiers: [{upto: 5 min, amount: 0.20}, "
                               "{amount: 0.10}], cap: {amount: 9.00}}")
                               .continued;
  EXPECT_EQ(terms.setup, Money());
  EXPECT_EQ(chargeable_units(terms, 1), 6u);
  EXPECT_EQ(price_of(terms, 60)->micros, 200'000);
  EXPECT_EQ(price_of(terms, 360)->micros, 1'100'000);
  EXPECT_EQ(price_of(terms, 86'400)->micros, 9'000'000);
}

TEST(PriceFile, ACapIsForStretchesOrForAll) {
  const auto every =
      compile("{amount: 0.30, per: 1 MiB, cap: {amount: 60.00, every: 1 GiB}}", Unit::octets).terms;
  ASSERT_TRUE(every);
  EXPECT_EQ(price_of(*every, std::uint64_t{3} << 30)->micros, 180'000'000);
  const auto whole = compile("{amount: 0.30, per: 1 s, cap: {amount: 5.00}}").terms;
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->shape->cap_every, units_max);
  EXPECT_EQ(price_of(*whole, 1'000'000)->micros, 5'000'000);
}

TEST(PriceFile, TheSamplesPricesAreThoseOfItsComments) {
  std::ifstream file(std::filesystem::path(FARTHING_SAMPLES) / "tiers-and-caps.yaml");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto tariff = compile_tariff("tiers-and-caps.yaml", text);
  ASSERT_TRUE(tariff) << to_string(tariff.error().front());
  const auto price = [&](std::string_view context, std::uint32_t group, std::uint64_t units) {
    const PriceTerms& terms = *(*tariff)->find(context, RatingGroup(group))->terms;
    return price_of(terms, chargeable_units(terms, units))->to_string();
  };
  constexpr std::uint64_t mib = 1 << 20;
  EXPECT_EQ(price("32251@3gpp.org", 10, 2048 * mib), "142.880000") << "30.00 + 92.40 + 20.48";
  EXPECT_EQ(price("32251@3gpp.org", 20, 1024 * mib), "102.400000");
  EXPECT_EQ(price("32251@3gpp.org", 20, 1025 * mib), "51.250000");
  EXPECT_EQ(price("32251@3gpp.org", 30, 200 * mib), "60.000000");
  EXPECT_EQ(price("32251@3gpp.org", 30, 1034 * mib), "63.000000");
  EXPECT_EQ(price("32260@3gpp.org", 0, 1), "0.500000");
  EXPECT_EQ(price("32260@3gpp.org", 0, 240), "0.600000");
  EXPECT_EQ(price("32260@3gpp.org", 0, 7200), "5.000000");
}

TEST(PriceFile, SaysWhatIsWrongWithTiers) {
  EXPECT_EQ(
      first_error("{per: 1 s, amount: 1, tiers: [{amount: 1}]}"),
      "price.yaml:1:23: the price has \"tiers\" beside other amounts; expected one of amount, "
      "tiers and slabs");
  EXPECT_EQ(
      first_error("{per: 1 s, slabs: [{amount: 1}], tiers: [{amount: 1}]}"),
      "price.yaml:1:12: the price has \"slabs\" beside other amounts; expected one of amount, "
      "tiers and slabs");
  EXPECT_EQ(first_error("{per: 1 s, tiers: [{amount: 1}, {amount: 1}]}"),
            "price.yaml:1:20: the key \"upto\" is missing in the tier; expected the number of "
            "units at which it "
            "ends; only the last has no end");
  EXPECT_EQ(first_error("{per: 1 s, tiers: [{amount: 1, upto: 5 s}]}"),
            "price.yaml:1:38: the last one ends; expected a last one without \"upto\"");
  EXPECT_EQ(first_error(
                "{per: 1 s, slabs: [{upto: 5 s, amount: 1}, {upto: 5 s, amount: 2}, {amount: 3}]}"),
            "price.yaml:1:51: it ends before it begins; expected more than \"5 s\"");
  EXPECT_EQ(first_error("{tiers: [{amount: 1}]}"),
            "price.yaml:1:10: the key \"per\" is missing in the tier; expected the number of units "
            "that the amount "
            "is for");
  EXPECT_EQ(first_error("{per: 1 s, tiers: []}"),
            "price.yaml:1:19: there are 0 tiers; expected 1 to 32");
}

TEST(PriceFile, SaysWhatDoesNotGoTogether) {
  EXPECT_EQ(
      first_error("{per: 1 s, tiers: [{upto: 5 s, amount: 1}, {amount: 2}], "
                  "first: {units: 5 s, amount: 1}}"),
      "price.yaml:1:65: the first block ends behind the first tier; expected a first tier that "
      "ends later");
  EXPECT_EQ(first_error("{per: 1 s, slabs: [{amount: 2}], first: {units: 5 s, amount: 1}}"),
            "price.yaml:1:34: a first block does not go with slabs; expected tiers");
  EXPECT_EQ(first_error("{per: 1 s, tiers: [{upto: 5 s, amount: 1}, {amount: 2}], "
                        "cap: {amount: 1, every: 10 s}}"),
            "price.yaml:1:82: a cap for each stretch of units needs one amount for all; expected a "
            "cap without \"every\", or a price without tiers, slabs and first");
}

TEST(PriceFile, RefusesWhatCannotBeCountedExactly) {
  EXPECT_EQ(
      first_error("{tiers: [{upto: 5 s, amount: 1, per: 4294944000 s}, "
                  "{amount: 9000000000000, per: 7 s}]}"),
      "price.yaml:1:53: these amounts are too large to be counted exactly together; expected the "
      "same \"per\" for all");
}

}  // namespace
}  // namespace farthing::tariffs
