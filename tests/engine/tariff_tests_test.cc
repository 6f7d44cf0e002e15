// Tests that tariffs bring with them: each passes on the real charging or says what came instead.
#include "engine/tariff_tests.h"

#include "tariffs/demo_tariff.h"
#include "tariffs/source_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace farthing::engine {
namespace {

using testing::ElementsAre;

// Lines of tests begin at 30.
constexpr std::string_view tariff = R"(tariff: small
currency: EUR
time_zone: Europe/Berlin
valid_from: 2026-01-01T00:00:00
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 1 MiB, minimum: 1 KiB}
    rating_groups: {1: web, 2: music}
    prices:
      - {rating_group: web, amount: 1.00, per: 1 MiB, step: 1 KiB}
      - {rating_group: music, price: none}
      - {default: true, amount: 2.00, per: 1 MiB, step: 1 KiB}
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 5 min}
    prices:
      - {default: true, amount: 0.60, per: 1 min, step: 10 s, setup: 0.05}
  sms:
    context: 32274@3gpp.org
    unit: events
    grant: {maximum: 5}
    prices: [{default: true, amount: 0.10, per: 1, setup: 0.01}]
offers:
  - {name: pack, fee: 5.00, allowance: 2 MiB, validity: 30 d, covers: [{service: data}]}
  - {name: hour, allowance: 1 h, validity: 30 d, covers: [{service: voice}]}
tests:
)";

std::vector<std::string> failures(std::string_view tests) {
  const tariffs::CheckedTariff checked =
      check_tariff("t.yaml", {std::string(tariff) + std::string(tests), {}});
  EXPECT_EQ(checked.tariff == nullptr, !checked.errors.empty());
  std::vector<std::string> texts;
  for (const tariffs::FileError& error : checked.errors) texts.push_back(to_string(error));
  return texts;
}

TEST(TariffTests, TheDemoTariffPassesItsOwn) {
  const tariffs::CheckedTariff checked =
      check_tariff("demo.yaml", {std::string(tariffs::demo_tariff_text()), {}});
  for (const tariffs::FileError& error : checked.errors) ADD_FAILURE() << to_string(error);
  ASSERT_NE(checked.tariff, nullptr);
  EXPECT_EQ(checked.tariff->tests().size(), 5u);
  EXPECT_TRUE(checked.warnings.empty());
}

TEST(TariffTests, TheSamplesPassTheirOwn) {
  std::size_t samples = 0;
  for (const auto& entry : std::filesystem::directory_iterator(FARTHING_SAMPLES)) {
    if (entry.path().extension() != ".yaml") continue;
    ++samples;
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    const auto source = tariffs::with_tables(entry.path().string(), text.str());
    ASSERT_TRUE(source.has_value()) << source.error().message;
    const tariffs::CheckedTariff checked = engine::check_tariff(entry.path().string(), *source);
    for (const tariffs::FileError& error : checked.errors) ADD_FAILURE() << to_string(error);
    EXPECT_TRUE(checked.tariff == nullptr || !checked.tariff->tests().empty()) << entry.path();
  }
  EXPECT_GE(samples, 4u);
}

TEST(TariffTests, AmountsAreThoseOfTheEngine) {
  EXPECT_THAT(failures(R"(
  - {name: web, service: data, rating_group: 1, use: 1025 B, expect: {amount: 0.001953}}
  - {name: other, service: data, rating_group: 77, use: 10 MiB, expect: {amount: 20.00}}
  - {name: none, service: data, use: 1 MiB, expect: {amount: 2, balance: 999998}}
  - {name: call, service: voice, use: [61 s, 2 s, 10 min], expect: {amount: 6.75}}
  - {name: messages, service: sms, use: [2, 1], expect: {amount: 0.32}}
)"),
              ElementsAre());
}

TEST(TariffTests, WhatFailsIsToldWithItsPlace) {
  EXPECT_THAT(
      failures("  - {name: web, service: data, rating_group: web, use: 1 MiB,\n"
               "     expect: {amount: 1.01, balance: 1.00}, balance: 3.00}\n"
               "  - name: all\n"
               "    service: data\n"
               "    use: 3 MiB\n"
               "    subscriptions: [pack]\n"
               "    expect:\n"
               "      served: 2 MiB\n"
               "      allowances: {pack: 1 KiB}\n"),
      ElementsAre("t.yaml:31:23: test \"web\" fails: the amount is 1.000000; expected 1.010000",
                  "t.yaml:31:38: test \"web\" fails: the balance is 2.000000; expected 1.000000",
                  "t.yaml:37:15: test \"all\" fails: served are 3 MiB; expected 2 MiB",
                  "t.yaml:38:20: test \"all\" fails: 0 B are left of \"pack\"; expected 1 KiB"));
}

TEST(TariffTests, RefusalsAreExpectedOrNot) {
  EXPECT_THAT(failures(R"(
  - {name: no price, service: data, rating_group: 2, use: 1 B, expect: {refused: no-price}}
  - {name: broke, service: voice, use: 1 h, balance: 0.04, expect: {refused: balance, served: 0 s}}
  - name: until
    service: voice
    use: 1 h
    balance: 1.05
    expect: {refused: balance, served: 100 s, balance: 0}
  - name: credit
    service: voice
    use: 1 h
    balance: 0.05
    credit_limit: 1.00
    expect: {refused: balance, served: 100 s}
  - name: messages
    service: sms
    use: [1, 1]
    balance: 0.12
    expect: {refused: balance, served: 1, amount: 0.11}
)"),
              ElementsAre());
  EXPECT_THAT(
      failures(R"(  - {name: a, service: data, rating_group: 2, use: 1 B, expect: {amount: 0}}
  - {name: b, service: voice, use: 1 min, expect: {refused: balance}}
  - {name: c, service: data, rating_group: 2, use: 1 B, expect: {refused: balance}}
)"),
      ElementsAre("t.yaml:30:5: test \"a\" fails: it is refused for want of a price (5031) after 0 "
                  "B; expected that it is served to its end",
                  "t.yaml:31:61: test \"b\" fails: it is served to its end; expected refused for "
                  "the balance (4012)",
                  "t.yaml:32:75: test \"c\" fails: it is refused for want of a price (5031); "
                  "expected refused for the balance (4012)"));
}

TEST(TariffTests, AllowancesAreEatenFirst) {
  EXPECT_THAT(failures(R"(
  - name: pack and money
    service: data
    rating_group: web
    use: [1 MiB, 1 MiB, 512 KiB]
    subscriptions: [pack, hour]
    balance: 10.00
    expect: {amount: 0.50, balance: 9.50, allowances: {pack: 0 B, hour: 1 h}}
  - name: two of them
    service: data
    use: 3 MiB
    subscriptions: [pack, pack]
    expect: {amount: 0, allowances: {pack: 1 MiB}}
)"),
              ElementsAre());
}

TEST(TariffTests, PayersPayBeforeTheAccount) {
  EXPECT_THAT(failures(R"(
  - name: up to its cap, then the next, then the own account
    service: data
    rating_group: web
    use: 4 MiB
    payers: [{services: [data], cap: 1.00}, {services: [data/1], balance: 2.00}]
    balance: 10.00
    expect: {amount: 1.00, balance: 9.00}
  - name: not for what it does not cover
    service: data
    use: 1 MiB
    payers: [{services: [data/1]}]
    balance: 1.00
    expect: {refused: balance}
)"),
              ElementsAre());
  EXPECT_THAT(failures("  - {name: x, service: data, use: 1 B, payers: [{services: [date]}], "
                       "expect: {amount: 0}}\n"),
              ElementsAre(testing::StartsWith("t.yaml:30:5: test \"x\" cannot be run: ")));
}

// An allowance lasts 30 days: what is used after them costs money.
TEST(TariffTests, ReportsCanBeLater) {
  EXPECT_THAT(failures(R"(
  - name: after the pack
    service: data
    rating_group: web
    at: 2026-03-01T00:00:00
    use: [1 MiB, {units: 1 MiB, at: 2026-03-31T01:00:01}, 1 MiB]
    subscriptions: [pack]
    expect: {amount: 1.00}
)"),
              ElementsAre());
}

TEST(TariffTests, WhatTakesTooLongIsGivenUp) {
  EXPECT_THAT(
      failures("  - {name: long, service: data, use: 10000 MiB, expect: {amount: 1}}\n"),
      ElementsAre("t.yaml:30:5: test \"long\" takes more than 10000 requests, at the grants "
                  "of this tariff; expected less usage, or larger grants"));
}

TEST(TariffTests, WhatCannotBeSetUpIsToldSo) {
  EXPECT_THAT(
      failures("  - {name: rich, service: data, use: 1 B, balance: 9000000000000, expect: {amount: "
               "1}}\n"),
      ElementsAre("t.yaml:30:5: test \"rich\" cannot be run: the balance would be over "
                  "1000000000000.000000"));
}

}  // namespace
}  // namespace farthing::engine
