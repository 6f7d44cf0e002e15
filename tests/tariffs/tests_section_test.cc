// The section of tests in a tariff file: what is read of it, and what is wrong with it.
#include "tariffs/tests_section.h"

#include "tariffs/tariff_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace farthing::tariffs {
namespace {

using testing::ElementsAre;

// Lines of tests begin at 17.
constexpr std::string_view head = R"(tariff: small
currency: EUR
time_zone: Europe/Berlin
valid_from: 2026-01-01T00:00:00
valid_until: 2027-01-01T00:00:00
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 1 MiB}
    rating_groups: {1: web}
    prices: [{default: true, amount: 1.00, per: 1 MiB}]
offers:
  - {name: pack, fee: 5.00, allowance: 2 MiB, validity: 30 d, covers: [{service: data}]}

tests:
)";

CheckedTariff check(std::string_view tests) {
  return check_tariff("t.yaml", {std::string(head) + std::string(tests), {}});
}

std::vector<std::string> errors_of(std::string_view tests) {
  std::vector<std::string> texts;
  for (const FileError& error : check(tests).errors) texts.push_back(to_string(error));
  return texts;
}

TEST(TestsSection, IsReadWhole) {
  const CheckedTariff checked = check(R"(  - name: everything
    service: data
    rating_group: web
    at: 2026-06-01T12:00:00
    called: "+4930123456"
    apn: ims
    serving_network: 26201
    rat_type: 6
    subscriber: {segment: gold, brand: 7}
    switched_off: [roaming, data]
    balance: 7.50
    credit_limit: 1.00
    subscriptions: [pack]
    use: [1 KiB, {units: 2 KiB, at: 2026-06-01T13:00:00}]
    expect:
      amount: 0.10
      balance: 7.40
      served: 3 KiB
      refused: balance
      allowances: {pack: 1 MiB}
  - {name: little, service: data, use: 1 B, expect: {amount: 0}}
)");
  ASSERT_NE(checked.tariff, nullptr) << to_string(checked.errors.at(0));
  ASSERT_EQ(checked.tariff->tests().size(), 2u);
  const TariffTest& test = checked.tariff->tests()[0];
  EXPECT_EQ(test.name, "everything");
  EXPECT_EQ(test.position, (FilePosition{17, 5}));
  EXPECT_EQ(test.context, "32251@3gpp.org");
  EXPECT_EQ(test.unit, Unit::octets);
  EXPECT_EQ(test.rating_group, RatingGroup(1));
  ASSERT_EQ(test.uses.size(), 2u);
  EXPECT_EQ(test.uses[0].units, 1024u);
  EXPECT_FALSE(test.uses[0].at);
  EXPECT_EQ(*test.uses[1].at - test.at, std::chrono::hours(1));
  EXPECT_EQ(test.called, "+4930123456");
  EXPECT_EQ(test.access_point, "ims");
  EXPECT_EQ(test.serving_network, "26201");
  EXPECT_EQ(test.rat_type, 6);
  EXPECT_EQ(test.attributes, (SubscriberAttributes{{"brand", "7"}, {"segment", "gold"}}));
  EXPECT_EQ(test.switched_off, (std::vector<std::string>{"data", "roaming"}));
  EXPECT_EQ(test.balance, Money(7'500'000));
  EXPECT_EQ(test.credit_limit, Money(1'000'000));
  EXPECT_THAT(test.subscriptions, ElementsAre("pack"));
  EXPECT_EQ(test.amount->value, Money(100'000));
  EXPECT_EQ(test.amount->position.line, 32u);
  EXPECT_EQ(test.balance_left->value, Money(7'400'000));
  EXPECT_EQ(test.served->value, 3072u);
  EXPECT_EQ(test.refused->value, TestRefusal::balance);
  ASSERT_EQ(test.allowances.size(), 1u);
  EXPECT_EQ(test.allowances[0].value.units, 1u << 20);

  const TariffTest& little = checked.tariff->tests()[1];
  EXPECT_EQ(little.at, checked.tariff->valid_from());
  EXPECT_EQ(little.balance, Money(1'000'000'000'000));
  EXPECT_FALSE(little.rating_group);
  EXPECT_FALSE(little.refused);
}

TEST(TestsSection, RatingGroupsNeedNotBeDeclared) {
  EXPECT_THAT(
      errors_of("  - {name: x, service: data, rating_group: 70, use: 1 B, expect: {amount: 0}}\n"),
      ElementsAre());
  EXPECT_THAT(
      errors_of("  - {name: x, service: data, rating_group: wbe, use: 1 B, expect: {amount: 0}}\n"),
      ElementsAre(
          "t.yaml:17:44: unknown rating group \"wbe\" (did you mean \"web\"?); expected one "
          "that service \"data\" declares in rating_groups: 1 (web)"));
}

TEST(TestsSection, EveryErrorIsTold) {
  EXPECT_THAT(
      errors_of(R"(  - {service: dat, use: 1 B, expects: {amount: 0}}
  - {name: x, service: data, use: 0 B, at: 2025-01-01T00:00:00, expect: {}}
  - {name: x, service: data, use: [], subscriptions: [pakc], expect: {refused: banlance}}
  - {name: x, service: data, use: 1 B, expect: {allowances: {pack: 1 B}, price: 3}}
  - {name: x, service: data, at: 2026-05-01T00:00, use: [{units: 1 B, at: 2026-04-01T00:00}],
     expect: {amount: 1 EUR}}
)"),
      ElementsAre(
          "t.yaml:17:5: the key \"name\" is missing in a test; expected what it is about, in at "
          "most 200 bytes",
          "t.yaml:17:5: the key \"expect\" is missing in a test; expected what it must come to",
          "t.yaml:17:15: unknown service \"dat\" (did you mean \"data\"?); expected one of data",
          "t.yaml:17:30: unknown key \"expects\" in a test (did you mean \"expect\"?); expected "
          "apn, at, balance, called, calling, credit_limit, expect, group, leg, name, payers, "
          "rat_type, rating_group, routing_number, service, serving_network, subscriber, "
          "subscriptions, switched_off, use",
          "t.yaml:18:35: \"0 B\" is out of range; expected 1 B to 1024 TiB",
          "t.yaml:18:44: the tariff is not valid at that time; expected a time from valid_from to "
          "before valid_until",
          "t.yaml:18:73: the test expects nothing; expected amount, balance, served, refused or "
          "allowances",
          "t.yaml:19:35: there are 0 reports; expected 1 to 1000",
          "t.yaml:19:55: unknown offer \"pakc\" (did you mean \"pack\"?); expected the name of an "
          "offer of this file",
          "t.yaml:19:80: \"banlance\" is not allowed here (did you mean \"balance\"?); expected "
          "one "
          "of balance, no-price, denied",
          "t.yaml:20:62: the offer \"pack\" is not held in this test; expected one of its "
          "subscriptions",
          "t.yaml:20:74: unknown key \"price\" in what a test expects; expected allowances, "
          "amount, balance, refused, served",
          "t.yaml:21:75: the report is earlier than what is before it; expected a later time",
          "t.yaml:22:23: \"1 EUR\" is no amount; expected an amount such as 0.10, with at most 6 "
          "decimal places"));
}

// A service without a unit has one error, and tests of it none.
TEST(TestsSection, WhatFollowsFromAnotherErrorIsNotTold) {
  std::string text = std::string(head) +
                     "  - {name: x, service: data, use: 5 s, expect: {served: 5 s}}\n"
                     "  - {name: y, service: data, use: 5 s, subscriptions: [pack], expect: "
                     "{allowances: {pack: 5 s}}}\n";
  text.replace(text.find("    unit: octets\n"), 17, "    unit: octet\n");
  const CheckedTariff checked = check_tariff("t.yaml", {std::string(text), {}});
  ASSERT_EQ(checked.errors.size(), 1u);
  EXPECT_EQ(checked.errors[0].line, 9u);
}

TEST(TestsSection, APayerSaysForWhat) {
  EXPECT_THAT(
      errors_of("  - {name: x, service: data, use: 1 B, payers: [{cap: 1.00, budget: 2.00}], "
                "expect: {amount: 0}}\n"),
      ElementsAre("t.yaml:17:49: the key \"services\" is missing in a payer; expected a list of "
                  "services, such as data or data/10",
                  "t.yaml:17:61: unknown key \"budget\" in a payer; expected balance, cap, "
                  "services, share"));
  EXPECT_THAT(errors_of("  - {name: x, service: data, use: 1 B, payers: [{services: [data], "
                        "share: 0}], expect: {amount: 0}}\n"),
              ElementsAre("t.yaml:17:75: a share of nothing; expected above 0 %"));
  EXPECT_THAT(errors_of("  - {name: x, service: data, use: 1 B, payers: [{services: []}, {}, {}, "
                        "{}, {}], expect: {amount: 0}}\n"),
              ElementsAre("t.yaml:17:48: there are 5 payers; expected 0 to 4"));
}

TEST(TestsSection, IsAList) {
  EXPECT_THAT(errors_of("  a: b\n"),
              ElementsAre("t.yaml:17:3: there is a map here; expected a list of tests"));
}

}  // namespace
}  // namespace farthing::tariffs
