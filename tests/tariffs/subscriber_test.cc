// What prices ask of subscribers: read from files, warned of, told in words.
#include "tariffs/subscriber.h"

#include "tariffs/diff.h"
#include "tariffs/explain.h"
#include "tariffs/tariff_file.h"
#include "tests/support/replaced.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace farthing::tariffs {
namespace {

using test::replaced;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view good = R"(tariff: asking
currency: EUR
time_zone: Europe/Berlin
valid_from: 2026-01-01T00:00:00
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 1 MiB}
    rating_groups: {1: web, 2: music}
    prices:
      - {rating_group: web, amount: 1.00, per: 1 MiB}
      - {rating_group: music, subscription: required, price: free}
      - {default: true, price: none}
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 1 h}
    subscription: required
    prices:
      - {default: true, called: 110, price: free, always: true}
      - {default: true, called: 900, price: none}
      - {default: true, amount: 0.60, per: 1 min}
offers:
  - {name: music, allowance: 1 B, validity: 30 d, covers: [{service: data, rating_group: music}]}
  - {name: calls, allowance: 1 h, validity: 30 d, covers: [{service: voice}]}
)";

CheckedTariff checked(std::string_view from = "", std::string_view to = "") {
  return check_tariff("t.yaml", {replaced(good, from, to), {}});
}

std::shared_ptr<const Tariff> tariff(std::string_view from = "", std::string_view to = "") {
  const CheckedTariff one = checked(from, to);
  EXPECT_NE(one.tariff, nullptr) << to_string(one.errors.at(0));
  return one.tariff;
}

std::vector<std::string> texts(const std::vector<FileError>& errors) {
  std::vector<std::string> lines;
  for (const FileError& error : errors) lines.push_back(to_string(error));
  return lines;
}

std::vector<std::string> asked(const Tariff& tariff) {
  std::vector<std::string> all;
  for (const Rule& rule : tariff.rules()) {
    all.push_back(rule.name + ": " + restrictions_text(rule.restrictions));
  }
  return all;
}

TEST(Restrictions, OfAPriceAndOfAWholeService) {
  EXPECT_THAT(checked().warnings, ElementsAre());
  const auto one = tariff();
  EXPECT_TRUE(one->has_restrictions());
  EXPECT_THAT(asked(*one), ElementsAre("data/1: ",                                     //
                                       "data/2: needs a subscription that covers it",  //
                                       "data/*: ",                                     //
                                       "voice/*/110: ",                                //
                                       "voice/*/900: ",                                //
                                       "voice/*: needs a subscription that covers it"));
}

TEST(Restrictions, SwitchesOfAServiceAndOfAPrice) {
  const auto one = tariff("    subscription: required\n", "    switch: [voice, abroad]\n");
  EXPECT_THAT(asked(*one), ElementsAre("data/1: ", "data/2: needs a subscription that covers it",
                                       "data/*: ", "voice/*/110: ", "voice/*/900: ",
                                       "voice/*: needs abroad and voice switched on"));
  const auto both = tariff("amount: 0.60, per: 1 min", "amount: 0.60, per: 1 min, switch: voice");
  EXPECT_EQ(restrictions_text(both->rules().back().restrictions),
            "needs a subscription that covers it, and voice switched on");
  const auto changes = diff_tariffs(*tariff(), *both);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(describe_change(changes[0]), "changed price voice/*: switch none -> voice");
}

TEST(Restrictions, BadSwitches) {
  for (std::string_view name : {"Voice", "voice calls", "v1", "[]", "[voice, voice]", "{a: b}",
                                "abcdefghijklmnopqrstuvwxyz_abcdefg", "\"\""}) {
    EXPECT_EQ(checked("subscription: required, price", "switch: " + std::string(name) + ", price")
                  .errors.size(),
              1u)
        << name;
  }
  EXPECT_THAT(texts(checked("always: true}", "always: true, switch: voice}").errors),
              ElementsAre("t.yaml:21:9: what is always served needs voice switched on; expected no "
                          "such key beside always: true and price: none"));
}

TEST(Restrictions, WhatIsServedAlwaysOrNeverHasNone) {
  EXPECT_THAT(texts(checked("always: true}", "always: true, subscription: required}").errors),
              ElementsAre("t.yaml:21:9: what is always served needs a subscription that covers "
                          "it; expected no such key beside always: true and price: none"));
  EXPECT_THAT(texts(checked("{default: true, price: none}",
                            "{default: true, price: none, subscription: required}")
                        .errors),
              ElementsAre("t.yaml:14:9: what is never served needs a subscription that covers it; "
                          "expected no such key beside always: true and price: none"));
}

TEST(Restrictions, BadValues) {
  EXPECT_THAT(texts(checked("subscription: required, price", "subscription: yes, price").errors),
              ElementsAre("t.yaml:13:45: \"yes\" is not allowed here; expected required"));
  EXPECT_THAT(
      texts(checked("    subscription: required\n", "    subscription: [required]\n").errors),
      ElementsAre(HasSubstr("t.yaml:19:19: ")));
}

TEST(Restrictions, ASubscriptionThatNobodyCanHaveIsWarnedOf) {
  EXPECT_THAT(
      texts(checked("covers: [{service: data, rating_group: music}]",
                    "covers: [{service: data, rating_group: web}]")
                .warnings),
      ElementsAre("t.yaml:13:9: nobody is served by \"data/2\": it needs a subscription, and no "
                  "offer covers it; expected an offer that covers it"));
  EXPECT_THAT(texts(checked("  - {name: calls, allowance: 1 h, validity: 30 d, covers: "
                            "[{service: voice}]}\n",
                            "")
                        .warnings),
              ElementsAre("t.yaml:23:9: nobody is served by \"voice/*\": it needs a subscription, "
                          "and no offer covers it; expected an offer that covers it"));
  EXPECT_THAT(texts(checked("rating_group: music}]",
                            "rating_group: music}, {service: data, "
                            "rating_group: web}]")
                        .warnings),
              ElementsAre());
}

TEST(Restrictions, AreToldWithThePrice) {
  const auto one = tariff();
  const auto price = price_units(*one, "32251@3gpp.org", RatingGroup(2), 1, {});
  ASSERT_TRUE(price);
  EXPECT_THAT(describe_price(*one, *price), HasSubstr("it needs a subscription that covers it\n"));
}

TEST(Restrictions, AreADifference) {
  const auto changes = diff_tariffs(
      *tariff(), *tariff("{rating_group: web, ", "{rating_group: web, subscription: required, "));
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(describe_change(changes[0]), "changed price data/1: subscription none -> required");
}

TEST(SubscriberConditions, AllNamesMustHoldWithOneOfTheirValues) {
  const auto one = tariff("- {rating_group: web, amount",
                          "- {rating_group: web, subscriber: {segment: [gold, silver], region: "
                          "north}, price: free}\n      - {rating_group: web, amount");
  const auto rule = [&one](const SubscriberAttributes& attributes) {
    Facts facts;
    facts.subscriber = attributes;
    return one->find("32251@3gpp.org", RatingGroup(1), facts)->name;
  };
  EXPECT_EQ(rule({{"region", "north"}, {"segment", "silver"}}), "data/1/gold+silver/north");
  EXPECT_EQ(rule({{"brand", "x"}, {"region", "north"}, {"segment", "gold"}}),
            "data/1/gold+silver/north");
  EXPECT_EQ(rule({{"region", "north"}}), "data/1");
  EXPECT_EQ(rule({{"region", "North"}, {"segment", "gold"}}), "data/1") << "byte by byte";
  EXPECT_EQ(rule({}), "data/1");
  const SubscriberAttributes gold = {{"region", "north"}, {"segment", "gold"}};
  Facts facts;
  facts.subscriber = gold;
  const auto price = price_units(*one, "32251@3gpp.org", RatingGroup(1), 1, facts);
  ASSERT_TRUE(price);
  EXPECT_THAT(describe_price(*one, *price),
              HasSubstr("because segment is gold, and region is north\n"));
}

TEST(SubscriberConditions, OneThatCanNeverWinIsRefused) {
  const auto errors = [](std::string_view first, std::string_view second) {
    return texts(checked("- {rating_group: web, amount",
                         "- {rating_group: web, subscriber: " + std::string(first) +
                             ", price: free}\n      - {rating_group: web, subscriber: " +
                             std::string(second) +
                             ", price: free}\n      - {rating_group: web, amount")
                     .errors);
  };
  EXPECT_THAT(errors("{a: [x, y]}", "{a: x, b: z}"),
              ElementsAre("t.yaml:13:9: \"data/1/x/z\" can never win: where it holds, "
                          "\"data/1/x+y\" in line 12 does, too; expected the price with more "
                          "conditions first"));
  EXPECT_THAT(errors("{a: x, b: z}", "{a: [x, y]}"), ElementsAre());
  EXPECT_THAT(errors("{a: x}", "{b: x}"), ElementsAre());
}

TEST(SubscriberConditions, BadOnes) {
  for (const std::string& asked :
       {std::string("gold"), std::string("[gold]"), std::string("{}"), std::string("{Segment: a}"),
        std::string("{segment: []}"), std::string("{segment: [a, a]}"), std::string("{segment: }"),
        "{segment: " + std::string(65, 'x') + "}", std::string("{segment: \"a\\tb\"}")}) {
    EXPECT_EQ(checked("- {rating_group: web, amount",
                      "- {rating_group: web, subscriber: " + asked +
                          ", price: free}\n      - {rating_group: web, amount")
                  .errors.size(),
              1u)
        << asked;
  }
}

}  // namespace
}  // namespace farthing::tariffs
