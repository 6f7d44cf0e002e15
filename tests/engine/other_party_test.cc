// Prices that go by which way a call goes and by who is at its other end.
#include "engine/tariff_tests.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace farthing::engine {
namespace {

// What is wrong with a tariff or its own tests.
std::vector<std::string> wrong_with_tariff(std::string_view prices, std::string_view tests) {
  const std::string text = std::string(R"(tariff: small
currency: EUR
time_zone: Europe/Berlin
valid_from: 2026-01-01T00:00:00
services:
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 5 min}
    prices:
)") + std::string(prices) + "tests:\n" +
                           std::string(tests);
  const tariffs::CheckedTariff checked = check_tariff("t.yaml", {text, {}});
  std::vector<std::string> texts;
  for (const tariffs::FileError& error : checked.errors) texts.push_back(to_string(error));
  for (const tariffs::FileError& warning : checked.warnings) texts.push_back(to_string(warning));
  return texts;
}

using Texts = std::vector<std::string>;

TEST(OtherParty, LegsHavePricesOfTheirOwn) {
  EXPECT_EQ(wrong_with_tariff(R"(
      - {default: true, leg: terminating, price: free}
      - {default: true, leg: forwarded, amount: 0.20, per: 1 min}
      - {default: true, amount: 0.10, per: 1 min}
)",
                              R"(
  - {name: called, service: voice, leg: terminating, use: 1 min, expect: {amount: 0}}
  - {name: on, service: voice, leg: forwarded, use: 1 min, expect: {amount: 0.20}}
  - {name: out, service: voice, leg: originating, use: 1 min, expect: {amount: 0.10}}
  - {name: unknown, service: voice, use: 1 min, expect: {amount: 0.10}}
)"),
            Texts());
}

TEST(OtherParty, ALegThatNobodyKnowsIsNamed) {
  EXPECT_EQ(wrong_with_tariff(R"(
      - {default: true, leg: forwardet, price: free}
      - {default: true, amount: 0.10, per: 1 min}
)",
                              "  []\n"),
            Texts({"t.yaml:12:29: unknown leg \"forwardet\"; did you mean \"forwarded\"?; expected "
                   "one of originating, terminating, forwarded"}));
}

}  // namespace
}  // namespace farthing::engine
