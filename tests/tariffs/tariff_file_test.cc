#include "tariffs/tariff_file.h"

#include "tariffs/demo_tariff.h"
#include "tests/support/replaced.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace farthing::tariffs {
namespace {

using test::replaced;
using testing::ElementsAre;
using testing::HasSubstr;

// A tariff without errors; each test puts one or two into it.
constexpr std::string_view good = R"(tariff: small
currency: EUR
time_zone: Europe/Berlin
valid_from: 2026-01-01T00:00:00
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 10 MiB, standard: 1 MiB, minimum: 2 KiB, validity: 10 min}
    rating_groups: {1: web, 2: music}
    prices:
      - {rating_group: 1, amount: 0.10, per: 1 MiB, step: 1 KiB}
      - {rating_group: music, price: none}
      - {default: true, amount: 0.20, per: 1 MiB, minimum: 1 KiB, setup: 0.01, rounding: up}
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 1 h}
    prices: [{default: true, amount: 0.15, per: 1 min, step: 10 s}]
offers:
  - name: pack
    fee: 5.00
    allowance: 1 GiB
    validity: 30 d
    covers: [{service: data, rating_group: web}]
)";

std::vector<std::string> errors_of(std::string_view text) {
  const auto compiled = compile_tariff("t.yaml", text);
  std::vector<std::string> lines;
  if (compiled) return lines;
  for (const FileError& error : compiled.error()) lines.push_back(to_string(error));
  return lines;
}

// The errors of the good tariff with `from` replaced by `to`.
std::vector<std::string> fault(std::string_view from, std::string_view to) {
  return errors_of(replaced(good, from, to));
}

TEST(TariffFile, CompilesAGoodFile) {
  const auto compiled = compile_tariff("t.yaml", good);
  ASSERT_TRUE(compiled);
  const Tariff& tariff = **compiled;
  EXPECT_EQ(tariff.currency_code(), 978u);
  ASSERT_EQ(tariff.rules().size(), 4u);
  const PriceTerms& terms = *tariff.rules()[2].terms;
  EXPECT_EQ(terms.amount, Money(200'000));
  EXPECT_EQ(terms.block, 1u << 20);
  EXPECT_EQ(terms.step, 1u);
  EXPECT_EQ(terms.minimum, 1024u);
  EXPECT_EQ(terms.setup, Money(10'000));
  EXPECT_EQ(terms.rounding, Rounding::up);
  EXPECT_EQ(tariff.rules()[2].line, 14u);
  EXPECT_EQ(tariff.rules()[0].quota.validity, std::chrono::minutes(10));
  const Rule& voice = tariff.rules()[3];
  EXPECT_EQ(voice.name, "voice/*");
  EXPECT_EQ(voice.quota.standard, 3600u) << "the maximum, if not given";
  EXPECT_EQ(voice.quota.minimum, 10u) << "the largest step, if not given";
  EXPECT_EQ(voice.quota.validity, std::chrono::hours(1));
  EXPECT_EQ(tariff.offers()[0].fee, Money(5'000'000));
}

TEST(TariffFile, FreeIsAPrice) {
  const auto compiled = compile_tariff("t", replaced(good, "price: none", "price: free"));
  ASSERT_TRUE(compiled);
  const std::optional<PriceTerms>& terms = (*compiled)->rules()[1].terms;
  ASSERT_TRUE(terms);
  EXPECT_EQ(price_of(*terms, 1'000'000'000), Money(0));
}

// In place of the grant of the service data.
std::vector<std::string> grant_fault(std::string_view keys) {
  return fault("{maximum: 10 MiB, standard: 1 MiB, minimum: 2 KiB, validity: 10 min}",
               "{maximum: 10 MiB, standard: 1 MiB, minimum: 2 KiB, validity: 10 min,\n      " +
                   std::string(keys) + "}");
}

TEST(TariffFile, SizesOfGrantsByTheStateOfThings) {
  const auto compiled = compile_tariff(
      "t", replaced(good, "validity: 10 min",
                    "by_balance: [{below: 1.00, maximum: 64 KiB}, {below: 2.00, maximum: 2 MiB}], "
                    "until_border: true, sharing: 3, reports: {every: 10 s, at_most_times: 8}, "
                    "holding_time: 0 s, threshold: 12.5 %"));
  ASSERT_TRUE(compiled) << to_string(compiled.error().at(0));
  const Rule& rule = (*compiled)->rules()[0];
  ASSERT_NE(rule.grants, nullptr);
  const GrantRules& grants = *rule.grants;
  EXPECT_EQ(grants.sizes_at(Money(999'999), rule.quota).maximum, 64u << 10);
  EXPECT_EQ(grants.sizes_at(Money(999'999), rule.quota).standard, 64u << 10)
      << "at most the maximum";
  EXPECT_EQ(grants.sizes_at(Money(1'000'000), rule.quota).maximum, 2u << 20);
  EXPECT_EQ(grants.sizes_at(Money(1'000'000), rule.quota).standard, 1u << 20) << "as the grant's";
  EXPECT_EQ(grants.sizes_at(Money(2'000'000), rule.quota).maximum, 10u << 20);
  EXPECT_TRUE(grants.until_border);
  EXPECT_EQ(grants.sharing, 3u);
  EXPECT_EQ(grants.reports_every, std::chrono::seconds(10));
  EXPECT_EQ(grants.reports_times, 8u);
  EXPECT_EQ(grants.holding_time, std::chrono::seconds(0)) << "said, and not the same as nothing";
  EXPECT_EQ(grants.threshold_of(1000), 125u);
  EXPECT_EQ(grants.threshold_of(1u << 30), 1u << 27);
  const Rule& voice = (*compiled)->rules()[3];
  EXPECT_EQ(voice.grants, nullptr) << "nothing is said of it";
}

TEST(TariffFile, WhatGoesWithAGrantAsItIs) {
  const auto compiled = compile_tariff(
      "t", replaced(good, "validity: 10 min",
                    "consumption_time: 10 s, triggers: [rat, tac], envelopes: events"));
  ASSERT_TRUE(compiled) << to_string(compiled.error().at(0));
  const GrantRules& grants = *(*compiled)->rules()[0].grants;
  EXPECT_EQ(grant_terms_text(grants.terms), "consumption time 10, trigger 4, trigger 35");
  EXPECT_EQ(grant_terms_text(grants.first_terms),
            "consumption time 10, trigger 4, trigger 35, envelopes 3");
  EXPECT_TRUE(are_grant_terms(grants.first_terms));
  EXPECT_FALSE(are_grant_terms(std::string_view(grants.terms).substr(1)));
}

TEST(TariffFile, WhereTheLastGrantLeads) {
  const auto read = [](std::string_view at_end) {
    return compile_tariff(
        "t", replaced(good, "    unit: octets\n",
                      "    unit: octets\n    at_end: {" + std::string(at_end) + "}\n"));
  };
  const auto text = [&](std::string_view at_end) {
    const auto compiled = read(at_end);
    if (!compiled) return to_string(compiled.error().at(0));
    return final_action_text((*compiled)->rules()[0].service_at_end->encoded);
  };
  EXPECT_EQ(text("action: terminate"), "terminate");
  EXPECT_EQ(text("action: redirect, address: 'https://top.example/', filter_ids: [a, b]"),
            "redirect to https://top.example/, filter a, filter b");
  EXPECT_EQ(text("action: redirect, address: '2001:DB8:0::1'"), "redirect to 2001:db8::1");
  EXPECT_EQ(text("action: restrict, filters: [permit in ip from any to 192.0.2.1]"),
            "restrict, only permit in ip from any to 192.0.2.1");
  EXPECT_THAT(text("action: redirect, address: ftp://top.example"),
              HasSubstr("is no such address"));
  EXPECT_THAT(text("action: redirect"), HasSubstr("address"));
  EXPECT_THAT(text("action: restrict, address: 192.0.2.1"), HasSubstr("nobody is led"));
  EXPECT_THAT(text("action: restrict, filters: [permit everything]"), HasSubstr("is no IP filter"));
  EXPECT_THAT(text("action: terminate, filter_ids: [a]"), HasSubstr("whatever filters say"));
  EXPECT_THAT(text("action: terminate, ask_again: 1 h"), HasSubstr("does not ask again"));
  EXPECT_THAT(text("action: restrict, ask_again: 1 s"), HasSubstr("10 s"));
}

TEST(TariffFile, SizesByBalanceThatNeverHold) {
  EXPECT_THAT(
      grant_fault("by_balance: [{below: 2.00, maximum: 2 MiB}, {below: 2.00, maximum: 4 MiB}]"),
      ElementsAre("t.yaml:10:52: 2.000000 is not above 2.000000: these sizes never hold; expected "
                  "amounts above 0, each above the one before"));
  EXPECT_THAT(grant_fault("by_balance: [{below: 0.00, maximum: 2 MiB}]"),
              ElementsAre(HasSubstr("t.yaml:10:21: 0.000000 is not above 0.000000")));
  EXPECT_THAT(
      grant_fault("by_balance: [{below: 1.00, maximum: 4 MiB}, {below: 2.00, maximum: 2 MiB}]"),
      ElementsAre("t.yaml:10:65: it is below 4 MiB, the maximum for those with a lower balance; "
                  "expected a maximum that does not fall as the balance rises"));
}

TEST(TariffFile, SizesByBalanceThatDoNotFitTheGrant) {
  EXPECT_THAT(grant_fault("by_balance: [{below: 1.00, maximum: 20 MiB}]"),
              ElementsAre(HasSubstr("t.yaml:10:34: it is above the maximum of the grant, 10 MiB")));
  EXPECT_THAT(
      grant_fault("by_balance: [{below: 1.00, maximum: 1 MiB, standard: 2 MiB}]"),
      ElementsAre(HasSubstr("t.yaml:10:50: the standard grant is above the maximum; expected")));
  EXPECT_THAT(grant_fault("by_balance: [{below: 1.00, maximum: 1 KiB}]"),
              ElementsAre(HasSubstr("it is below the minimum of the grant, 2 KiB")));
  EXPECT_THAT(grant_fault("by_balance: []"),
              ElementsAre("t.yaml:10:19: there are 0 sizes by balance; expected 1 to 16"));
  EXPECT_THAT(grant_fault("by_balance: [{maximum: 1 MiB}]"),
              ElementsAre(HasSubstr("the key \"below\" is missing")));
}

TEST(TariffFile, WhenToReport) {
  EXPECT_THAT(grant_fault("threshold: 100 %"),
              ElementsAre("t.yaml:10:18: a threshold of 100 %; expected more than nothing and less "
                          "than the whole grant: 20 %"));
  EXPECT_THAT(grant_fault("threshold: 0"), ElementsAre(HasSubstr("a threshold of 0 %")));
  EXPECT_THAT(grant_fault("holding_time: 11 min"),
              ElementsAre("t.yaml:10:7: the holding time is above the validity, 10 min: it never "
                          "passes; expected holding_time <= validity"));
  EXPECT_THAT(grant_fault("sharing: 0"), ElementsAre(HasSubstr("t.yaml:10:16:")));
  EXPECT_THAT(grant_fault("reports: {at_most_times: 8}"),
              ElementsAre(HasSubstr("the key \"every\" is missing")));
  EXPECT_THAT(grant_fault("reports: {every: 10 s, at_most_times: 1}"),
              ElementsAre(HasSubstr("t.yaml:10:45:")));
}

TEST(TariffFile, GrantsOfMoneyGoByNothing) {
  constexpr std::string_view shop = R"(tariff: shop
currency: EUR
time_zone: Etc/UTC
valid_from: 2026-01-01T00:00
services:
  shop:
    context: shop@example.org
    unit: money
    grant: {maximum: 50.00, sharing: 2}
    prices: [{default: true, amount: 1.10, per: 1.00, step: 0.01}]
)";
  EXPECT_THAT(errors_of(shop), ElementsAre(HasSubstr("t.yaml:9:12: grants of money are as large")));
}

TEST(TariffFile, MoneyCanBeTheUnit) {
  const auto compiled = compile_tariff("t", R"(tariff: shop
currency: EUR
time_zone: Etc/UTC
valid_from: 2026-01-01T00:00
services:
  shop:
    context: shop@example.org
    unit: money
    grant: {maximum: 50.00}
    prices: [{default: true, amount: 1.10, per: 1.00, step: 0.01}]
)");
  ASSERT_TRUE(compiled) << to_string(compiled.error().at(0));
  const Rule& rule = (*compiled)->rules()[0];
  EXPECT_EQ(rule.quota.maximum, 50'000'000u);
  EXPECT_EQ(price_of(*rule.terms, 2'000'000), Money(2'200'000));
}

TEST(TariffFile, HeaderErrors) {
  EXPECT_THAT(fault("tariff: small\n", ""),
              ElementsAre("t.yaml:1:1: the key \"tariff\" is missing in the tariff; "
                          "expected the tariff's name"));
  EXPECT_THAT(
      fault("tariff: small", "tariff: very small"),
      ElementsAre("t.yaml:1:9: \"very small\" is no name; expected a name of 1 to 64 letters, "
                  "digits, '.', '_' and '-' that begins with a letter or digit"));
  EXPECT_THAT(fault("EUR", "ERU"),
              ElementsAre("t.yaml:2:11: \"ERU\" is no currency (did you mean \"ERN\"?); "
                          "expected a currency of ISO 4217 such as CNY"));
  EXPECT_THAT(fault("Europe/Berlin", "Europe/Berln"),
              ElementsAre("t.yaml:3:12: \"Europe/Berln\" is no time zone (did you mean "
                          "\"Europe/Berlin\"?); expected a name of the system's time zone database "
                          "such as Asia/Shanghai"));
  EXPECT_THAT(
      fault("currency:", "curency:"),
      ElementsAre(
          "t.yaml:1:1: the key \"currency\" is missing in the tariff; "
          "expected a currency of ISO 4217",
          "t.yaml:2:1: unknown key \"curency\" in the tariff (did you mean "
          "\"currency\"?); expected calendars, ceilings, combine, counters, currency, discounts, "
          "filing, low_balance, numbers, "
          "offers, services, situations, surcharges, tables, tariff, tax, tests, time_zone, "
          "units, valid_from, valid_until, validity"));
}

TEST(TariffFile, TimeErrors) {
  EXPECT_THAT(
      fault("2026-01-01T00:00:00", "2026-02-30T00:00:00"),
      ElementsAre("t.yaml:4:13: \"2026-02-30T00:00:00\" is no time; expected "
                  "YYYY-MM-DDTHH:MM:SS, a local time of the tariff's time zone from 2000 to "
                  "2199"));
  EXPECT_THAT(fault("2026-01-01T00:00:00", "2026-03-29T02:30:00"),
              ElementsAre("t.yaml:4:13: \"2026-03-29T02:30:00\" does not exist, clocks are put "
                          "forward over it; expected a time before or after that hour"));
  EXPECT_THAT(fault("2026-01-01T00:00:00", "2026-10-25T02:30:00"),
              ElementsAre("t.yaml:4:13: \"2026-10-25T02:30:00\" comes twice, clocks are put back "
                          "over it; expected a time before or after that hour"));
  EXPECT_THAT(fault("services:", "valid_until: 2026-01-01T00:00:00\nservices:"),
              ElementsAre("t.yaml:5:14: valid_until is not after valid_from; "
                          "expected a later time"));
  EXPECT_THAT(fault("services:", "valid_until: 2026-01-01T00:00:01\nservices:"), ElementsAre());
}

TEST(TariffFile, ServiceErrors) {
  EXPECT_THAT(
      fault("32260@3gpp.org", "32251@3gpp.org"),
      ElementsAre("t.yaml:16:14: service \"data\" has the context \"32251@3gpp.org\" already; "
                  "expected a context of its own for each service"));
  EXPECT_THAT(fault("32260@3gpp.org", "voice"),
              ElementsAre("t.yaml:16:14: \"voice\" is no context; "
                          "expected a Service-Context-Id such as 32251@3gpp.org"));
  EXPECT_THAT(fault("unit: seconds", "unit: minutes"),
              ElementsAre("t.yaml:17:11: \"minutes\" is not allowed here; "
                          "expected one of octets, seconds, events, money"));
  EXPECT_THAT(fault("  voice:", "  data:"),
              ElementsAre("t.yaml:15:3: the key \"data\" is written twice, first in line 6; "
                          "expected each key once"));
  EXPECT_THAT(
      fault("    unit: octets", "    colour: red\n    unit: octets"),
      ElementsAre(
          "t.yaml:8:5: unknown key \"colour\" in service \"data\"; "
          "expected at_end, context, grant, paid_from, pass, prices, rating_groups, subscription, "
          "switch, tax, unit"));
  const std::string colliding =
      replaced(replaced(replaced(good, "  data:", "  liquid:"), "  voice:", "  costarring:"),
               "service: data", "service: liquid");
  EXPECT_THAT(
      errors_of(colliding),
      ElementsAre("t.yaml:15:3: the service names \"costarring\" and \"liquid\" have the same "
                  "key in the ledger; expected another name"));
}

TEST(TariffFile, RatingGroupErrors) {
  EXPECT_THAT(fault("rating_group: 1,", "rating_group: 3,"),
              ElementsAre("t.yaml:12:24: unknown rating group \"3\"; expected one that service "
                          "\"data\" declares in rating_groups: 1 (web), 2 (music)"));
  EXPECT_THAT(fault("rating_group: music", "rating_group: musci"),
              ElementsAre("t.yaml:13:24: unknown rating group \"musci\" (did you mean \"music\"?); "
                          "expected one that service \"data\" declares in rating_groups: 1 (web), "
                          "2 (music)"));
  EXPECT_THAT(fault("rating_group: web", "rating_group: 30"),
              ElementsAre("t.yaml:25:44: unknown rating group \"30\"; expected one that service "
                          "\"data\" declares in rating_groups: 1 (web), 2 (music)"));
  EXPECT_THAT(fault("{1: web, 2: music}", "{1: web, 2: music, 2: film}"),
              ElementsAre("t.yaml:10:39: the key \"2\" is written twice, first in line 10; "
                          "expected each key once"));
  EXPECT_THAT(fault("{1: web, 2: music}", "{1: web, 2: music, 3: web}"),
              ElementsAre("t.yaml:10:42: rating group 1 has the name \"web\" already; "
                          "expected a name of its own for each rating group"));
  EXPECT_THAT(fault("{1: web, 2: music}", "{1: web, 2: music, 4294967296: x}"),
              ElementsAre("t.yaml:10:39: \"4294967296\" is out of range; "
                          "expected a whole number from 0 to 4294967295"));
  EXPECT_THAT(fault("{1: web, 2: music}", "{1: web, 2: music, 3: 4th}"),
              ElementsAre("t.yaml:10:42: the name \"4th\" begins as a number does; "
                          "expected a name that begins with a letter"));
  EXPECT_THAT(fault("{1: web, 2: music}", "{1: , 2: music}"),
              ElementsAre(HasSubstr("t.yaml:10:21: there is nothing here"),
                          HasSubstr("unknown rating group \"web\"")));
}

TEST(TariffFile, PriceErrors) {
  EXPECT_THAT(
      fault("amount: 0.10", "amount: 12.3456789"),
      ElementsAre("t.yaml:12:35: \"12.3456789\" is no amount; expected an amount such as 0.10, "
                  "with at most 6 decimal places"));
  EXPECT_THAT(fault("amount: 0.10", "amount: -0.10"),
              ElementsAre("t.yaml:12:35: \"-0.10\" is negative; expected 0 or more"));
  EXPECT_THAT(
      fault("amount: 0.10", "amonut: 0.10"),
      ElementsAre("t.yaml:12:9: the key \"amount\" is missing in a price of service \"data\"; "
                  "expected an amount such as 0.10, with at most 6 decimal places",
                  HasSubstr("t.yaml:12:27: unknown key \"amonut\" in a price of service "
                            "\"data\" (did you mean \"amount\"?); expected ")));
  EXPECT_THAT(fault("step: 1 KiB", "step: 0 KiB"),
              ElementsAre("t.yaml:12:59: \"0 KiB\" is out of range; expected 1 B to 1024 TiB"));
  EXPECT_THAT(fault("per: 1 MiB", "per: 0 B"),
              ElementsAre("t.yaml:12:46: \"0 B\" is out of range; expected 1 B to 1024 TiB"));
  EXPECT_THAT(fault("per: 1 MiB", "per: 1 MB"),
              ElementsAre("t.yaml:12:46: \"MB\" can mean units of 1000 or of 1024; "
                          "expected KiB, MiB, GiB or TiB, which are 1024-based"));
  EXPECT_THAT(fault("per: 1 min", "per: 1 MiB"),
              ElementsAre("t.yaml:19:49: unknown unit \"MiB\"; "
                          "expected a whole number and one of s, min, h, d"));
  EXPECT_THAT(fault("rounding: up", "rounding: upward"),
              ElementsAre("t.yaml:14:90: \"upward\" is not allowed here; expected one of "
                          "half_away_from_zero, up, down"));
  EXPECT_THAT(fault("price: none}", "price: none, amount: 1.00}"),
              ElementsAre("t.yaml:13:44: the key \"amount\" beside price; "
                          "expected either price, or amount and per"));
  EXPECT_THAT(fault("price: none}", "price: nothing}"),
              ElementsAre("t.yaml:13:38: \"nothing\" is not allowed here; "
                          "expected one of none, free"));
  EXPECT_THAT(fault("rating_group: music,", "rating_group: 1,"),
              ElementsAre("t.yaml:13:9: \"data/1\" has a price already, in line 12; "
                          "expected one price for each rating group and one default"));
  EXPECT_THAT(fault("rating_group: music,", "default: true,"),
              ElementsAre("t.yaml:14:9: \"data/*\" has a price already, in line 13; "
                          "expected one price for each rating group and one default"));
  EXPECT_THAT(
      fault("{default: true, amount: 0.20", "{default: true, rating_group: 1, amount: 0.20"),
      ElementsAre("t.yaml:14:9: rating_group and default exclude each other; "
                  "expected either rating_group, or default: true"));
  EXPECT_THAT(fault("{default: true, amount: 0.20", "{amount: 0.20"),
              ElementsAre("t.yaml:14:9: the price does not say what it is for; "
                          "expected either rating_group, or default: true"));
  EXPECT_THAT(fault("{default: true, amount: 0.20", "{default: false, amount: 0.20"),
              ElementsAre("t.yaml:14:19: \"false\" is not allowed here; expected true"));
  EXPECT_THAT(fault("[{default: true, amount: 0.15, per: 1 min, step: 10 s}]", "[]"),
              ElementsAre("t.yaml:19:13: there are 0 prices; expected 1 to 4097"));
}

TEST(TariffFile, AGroupWithoutAPrice) {
  std::string text = replaced(good, "      - {rating_group: music, price: none}\n", "");
  EXPECT_THAT(errors_of(text), ElementsAre()) << "the default serves it";
  text = replaced(text,
                  "      - {default: true, amount: 0.20, per: 1 MiB, minimum: 1 KiB, setup: 0.01, "
                  "rounding: up}\n",
                  "");
  EXPECT_THAT(errors_of(text),
              ElementsAre("t.yaml:10:29: rating group 2 has no price; expected a price for it "
                          "(\"price: none\" where it has none), or a default"));
}

TEST(TariffFile, GrantErrors) {
  EXPECT_THAT(fault("standard: 1 MiB", "standard: 11 MiB"),
              ElementsAre("t.yaml:9:30: the standard grant is above the maximum; "
                          "expected minimum <= standard <= maximum"));
  EXPECT_THAT(fault("minimum: 2 KiB", "minimum: 2 MiB"),
              ElementsAre("t.yaml:9:47: the minimum grant is above the standard one; "
                          "expected minimum <= standard <= maximum"));
  EXPECT_THAT(fault("minimum: 2 KiB", "minimum: 1 B"),
              ElementsAre("t.yaml:9:47: the minimum grant is smaller than a step of \"data/1\"; "
                          "expected a grant of at least one step, since a whole one is charged"));
  EXPECT_THAT(fault("validity: 10 min", "validity: 8 d"),
              ElementsAre("t.yaml:9:73: \"8 d\" is out of range; expected 1 s to 7 d"));
  EXPECT_THAT(fault("{maximum: 1 h}", "{standard: 1 h}"),
              ElementsAre("t.yaml:18:12: the key \"maximum\" is missing in the grant of service "
                          "\"voice\"; expected the most that is granted at once"));
  EXPECT_THAT(
      fault("amount: 0.10, per: 1 MiB", "amount: 9000000000000, per: 1 MiB"),
      ElementsAre("t.yaml:12:9: the price of the largest grant of \"data/1\" is beyond what "
                  "can be counted; expected a lower amount or a smaller maximum"));
  EXPECT_THAT(fault("setup: 0.01", "setup: 9223372036854.775807"),
              ElementsAre(HasSubstr("t.yaml:14:9: the price of the largest grant of \"data/*\"")));
}

TEST(TariffFile, OfferErrors) {
  EXPECT_THAT(fault("service: data, rating_group: web", "service: date, rating_group: web"),
              ElementsAre("t.yaml:25:24: unknown service \"date\" (did you mean \"data\"?); "
                          "expected one of data, voice"));
  EXPECT_THAT(fault("rating_group: web}", "rating_group: music}"),
              ElementsAre("t.yaml:25:14: \"data/2\" is never served (\"price: none\"); "
                          "expected a rating group that has a price"));
  EXPECT_THAT(fault("[{service: data, rating_group: web}]", "[{service: data}, {service: voice}]"),
              ElementsAre("t.yaml:25:31: service \"voice\" is counted in seconds; "
                          "expected services counted in octets"));
  EXPECT_THAT(fault("[{service: data, rating_group: web}]",
                    "[{service: data}, {service: data, rating_group: 1}]"),
              ElementsAre("t.yaml:25:31: this is covered already; "
                          "expected each service and rating group once"));
  EXPECT_THAT(fault("[{service: data, rating_group: web}]", "[]"),
              ElementsAre("t.yaml:25:13: there are 0 things covered; expected 1 to 1000"));
  EXPECT_THAT(fault("allowance: 1 GiB", "allowance: 10 min"),
              ElementsAre("t.yaml:23:16: unknown unit \"min\"; "
                          "expected a whole number and one of B, KiB, MiB, GiB, TiB"));
  EXPECT_THAT(fault("allowance: 1 GiB", "allowance: 0 B"),
              ElementsAre("t.yaml:23:16: \"0 B\" is out of range; expected 1 B to 1024 TiB"));
  const std::string twice = std::string(good) + R"(  - name: pack
    allowance: 1 h
    validity: 1 d
    covers: [{service: voice}]
)";
  EXPECT_THAT(errors_of(twice), ElementsAre("t.yaml:26:11: there is an offer \"pack\" already; "
                                            "expected a name of its own for each offer"));
}

TEST(TariffFile, AllErrorsComeInOneRunInTheOrderOfTheFile) {
  std::string text(good);
  text = replaced(text, "EUR", "EURO");
  text = replaced(text, "unit: octets", "unit: bytes");
  text = replaced(text, "per: 1 min", "per: 0 s");
  text = replaced(text, "fee: 5.00", "fee: five");
  EXPECT_THAT(errors_of(text), ElementsAre(HasSubstr("t.yaml:2:11: \"EURO\" is no currency"),
                                           HasSubstr("t.yaml:8:11: \"bytes\" is not allowed here"),
                                           HasSubstr("t.yaml:19:49: \"0 s\" is out of range"),
                                           HasSubstr("t.yaml:22:10: \"five\" is no amount")));
}

TEST(TariffFile, WhatIsNoTariffAtAll) {
  EXPECT_THAT(errors_of(""), ElementsAre("t.yaml: the file is empty"));
  EXPECT_THAT(errors_of("[1, 2]"),
              ElementsAre("t.yaml:1:1: there is a list here; expected the keys of the tariff"));
  EXPECT_THAT(errors_of("hello"), ElementsAre("t.yaml:1:1: there is a single value here; "
                                              "expected the keys of the tariff"));
  EXPECT_EQ(errors_of("{}").size(), 5u);
  EXPECT_EQ(errors_of("---\n").size(), 5u);
  EXPECT_THAT(errors_of("services: 3\ntariff: x\ncurrency: EUR\ntime_zone: Etc/UTC\n"
                        "valid_from: 2026-01-01T00:00:00\n"),
              ElementsAre("t.yaml:1:11: there is a single value here; expected services by name"));
}

TEST(TariffFile, ManyRatingGroupsAreQuick) {
  std::string groups = "{1: web, 2: music";
  for (int i = 3; i <= 4096; ++i) groups += ", " + std::to_string(i) + ": g" + std::to_string(i);
  EXPECT_THAT(fault("{1: web, 2: music", groups), ElementsAre());
  EXPECT_THAT(fault("{1: web, 2: music", groups + ", 4097: g"),
              testing::Contains("t.yaml:10:20: there are 4097 rating groups; expected 0 to 4096"));
}

// One to four changes of bytes anywhere: a tariff or errors with their place, never a crash.
RC_GTEST_PROP(TariffFileProperty, AMutatedFileIsCompiledOrRefused, ()) {
  std::string text(*rc::gen::arbitrary<bool>() ? good : demo_tariff_text());
  const int changes = *rc::gen::inRange(1, 5);
  for (int i = 0; i < changes; ++i) {
    const std::size_t at = *rc::gen::inRange<std::size_t>(0, text.size());
    const std::size_t size = *rc::gen::inRange<std::size_t>(0, 12);
    const std::size_t from = *rc::gen::inRange<std::size_t>(0, text.size());
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        text[at] = *rc::gen::arbitrary<char>();
        break;
      case 1:
        text.erase(at, size);
        break;
      case 2:
        text.insert(at, text.substr(from, size));
        break;
      default:
        text.insert(at, *rc::gen::element<std::string>("0", "-", "99999999999", "{", "]", ": ",
                                                       "\n", "'", "#", "*", "~", "1.5 "));
    }
  }
  const auto compiled = compile_tariff("t.yaml", text);
  if (!compiled) {
    RC_ASSERT(!compiled.error().empty());
    for (const FileError& error : compiled.error()) RC_ASSERT(!error.message.empty());
  }
}

constexpr std::string_view with_units = R"(
tariff: small
currency: EUR
time_zone: Europe/Berlin
valid_from: 2026-01-01T00:00:00
units: 1000
tax: 19
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MB, minimum: 1 KiB}
    rating_groups: {1: book}
    prices:
      - {rating_group: book, amount: 1.00, per: 1 GB, tax: 7.5 %}
      - {default: true, amount: 1.00, per: 1 TB}
  free:
    context: 32252@3gpp.org
    unit: octets
    grant: {maximum: 1 MiB}
    tax: 0
    prices: [{default: true, price: free}]
)";

TEST(TariffFile, TheFileSaysWhatAKilobyteIs) {
  const auto tariff = compile_tariff("t.yaml", with_units);
  ASSERT_TRUE(tariff.has_value()) << to_string(tariff.error().front());
  const std::vector<Rule>& rules = (*tariff)->rules();
  EXPECT_EQ(rules[0].quota.maximum, 100'000'000u);
  EXPECT_EQ(rules[0].quota.minimum, 1024u);
  EXPECT_EQ(rules[0].terms->block, 1'000'000'000u);
  EXPECT_EQ(rules[1].terms->block, 1'000'000'000'000u);
  const auto other = compile_tariff("t.yaml", test::replaced(with_units, "1000", "1024"));
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ((*other)->rules()[0].terms->block, 1u << 30);
  const auto refused = compile_tariff("t.yaml", test::replaced(with_units, "1000", "1001"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(to_string(refused.error().front()),
            "t.yaml:6:8: \"1001\" is not allowed here (did you mean \"1000\"?); expected one of "
            "1000, 1024");
  const auto unknown = compile_tariff("t.yaml", test::replaced(with_units, "1 GB", "1 Gb"));
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(to_string(unknown.error().front()),
            "t.yaml:15:49: unknown unit \"Gb\" (did you mean \"GB\"?); expected a whole number and "
            "one of B, KB, KiB, MB, MiB, GB, GiB, TB, TiB");
}

TEST(TariffFile, TheNearestRateOfTaxHolds) {
  const auto tariff = compile_tariff("t.yaml", with_units);
  ASSERT_TRUE(tariff.has_value());
  const std::vector<Rule>& rules = (*tariff)->rules();
  EXPECT_EQ(rules[0].terms->tax, Percent{75'000});
  EXPECT_EQ(rules[0].continued.tax, Percent{75'000});
  EXPECT_EQ(rules[1].terms->tax, Percent{190'000});
  EXPECT_EQ(rules[2].terms->tax, Percent{0});
  const auto without = compile_tariff("t.yaml", test::replaced(with_units, "tax: 19\n", ""));
  ASSERT_TRUE(without.has_value());
  EXPECT_FALSE((*without)->rules()[1].terms->tax);
}

}  // namespace
}  // namespace farthing::tariffs
