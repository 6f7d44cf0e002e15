// What a tariff file is warned of, and that a good one is not.
#include "tariffs/tariff_warnings.h"

#include "tariffs/tariff_file.h"
#include "tests/support/replaced.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace farthing::tariffs {
namespace {

using testing::ElementsAre;

constexpr std::string_view good = R"(tariff: small
currency: EUR
time_zone: Europe/Berlin
valid_from: 2026-01-01T00:00:00
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 1 MiB, standard: 64 KiB}
    rating_groups: {1: web, 2: music}
    prices:
      - {rating_group: web, amount: 1.00, per: 1 MiB, step: 1 KiB, minimum: 2 KiB}
      - {default: true, amount: 2.00, per: 1 MiB, step: 1 KiB}
  free:
    context: 32252@3gpp.org
    unit: octets
    grant: {maximum: 1 MiB}
    prices: [{default: true, price: free}]
offers:
  - name: pack
    allowance: 2 MiB
    validity: 30 d
    covers: [{service: data, rating_group: music}]
)";

std::vector<std::string> warnings_of(std::string_view from, std::string_view to) {
  const std::string text = test::replaced(good, from, to);
  const CheckedTariff checked = check_tariff("t.yaml", {std::string(text), {}});
  EXPECT_NE(checked.tariff, nullptr) << "warnings do not refuse a file";
  std::vector<std::string> texts;
  for (const FileError& warning : checked.warnings) texts.push_back(to_string(warning));
  return texts;
}

TEST(TariffWarnings, AGoodFileHasNone) { EXPECT_THAT(warnings_of("", ""), ElementsAre()); }

TEST(TariffWarnings, AGroupThatADiscountIsForIsNamedForSomething) {
  EXPECT_THAT(warnings_of("offers:\n  - name: pack\n    allowance: 2 MiB\n    validity: 30 d\n"
                          "    covers: [{service: data, rating_group: music}]\n",
                          "discounts: {half: {percent: 50, covers: [{service: data, rating_group: "
                          "music}]}}\n"),
              ElementsAre());
}

TEST(TariffWarnings, ASlabUnderWhichMoreUsageCostsLess) {
  EXPECT_THAT(
      warnings_of("amount: 2.00, per: 1 MiB, step: 1 KiB",
                  "per: 1 MiB, step: 1 KiB, slabs: [{upto: 10 MiB, amount: 2}, {amount: 1}]"),
      ElementsAre("t.yaml:13:9: more usage costs less by \"data/*\": 10 MiB cost 20.000000, "
                  "10241 KiB cost 10.000977; expected tiers, or a slab that costs as much"));
}

TEST(TariffWarnings, ARatingGroupThatIsNamedForNothing) {
  EXPECT_THAT(
      warnings_of("2: music}", "2: music, 3: film}"),
      ElementsAre("t.yaml:10:39: rating group 3 of service \"data\" has no price of its own: "
                  "it costs what the default does; expected a price for it, or no such "
                  "rating group"));
}

TEST(TariffWarnings, AnAllowanceThatNothingCanUse) {
  EXPECT_THAT(
      warnings_of("{service: data, rating_group: music}", "{service: free}"),
      ElementsAre("t.yaml:10:29: rating group 2 of service \"data\" has no price of its own: "
                  "it costs what the default does; expected a price for it, or no such "
                  "rating group",
                  "t.yaml:23:14: nothing uses the allowance of \"pack\" here: service "
                  "\"free\" is free without it; expected something that has a price"));
  EXPECT_THAT(
      warnings_of("{default: true, amount: 2.00, per: 1 MiB, step: 1 KiB}",
                  "{default: true, price: none}"),
      ElementsAre("t.yaml:23:14: nothing uses the allowance of \"pack\" here: rating group 2 "
                  "of service \"data\" is never served; expected something that has a price"));
  EXPECT_THAT(
      warnings_of("{default: true, amount: 2.00, per: 1 MiB, step: 1 KiB}",
                  "{default: true, amount: 0, setup: 1.00, per: 1 MiB}"),
      ElementsAre("t.yaml:23:14: nothing uses the allowance of \"pack\" here: rating group 2 "
                  "of service \"data\" is free without it; expected something that has a "
                  "price"));
}

TEST(TariffWarnings, StepsThatDoNotFit) {
  EXPECT_THAT(
      warnings_of("per: 1 MiB, step: 1 KiB, minimum: 2 KiB", "per: 1 MiB, step: 3 KiB"),
      ElementsAre("t.yaml:12:9: \"data/1\" is priced per 1 MiB in steps of 3 KiB: 1 MiB are "
                  "charged as 1026 KiB; expected a step that divides what the amount is "
                  "for"));
  EXPECT_THAT(warnings_of("step: 1 KiB, minimum: 2 KiB", "step: 2 KiB, minimum: 3 KiB"),
              ElementsAre("t.yaml:12:9: the minimum of \"data/1\", 3 KiB, is no whole number of "
                          "steps: it is charged as 4 KiB; expected a multiple of the step"));
  EXPECT_THAT(warnings_of("per: 1 MiB, step: 1 KiB, minimum: 2 KiB", "per: 1 KiB, step: 4 KiB"),
              ElementsAre())
      << "a step of several blocks";
}

TEST(TariffWarnings, AMinimumAboveAGrant) {
  EXPECT_THAT(warnings_of("minimum: 2 KiB", "minimum: 65 KiB"),
              ElementsAre("t.yaml:12:9: the minimum of \"data/1\", 65 KiB, is above the standard "
                          "grant of 64 KiB; expected a smaller minimum, or a larger grant"));
}

TEST(TariffWarnings, NamesThatDifferInCaseOnly) {
  EXPECT_THAT(
      warnings_of("offers:\n",
                  "offers:\n"
                  "  - {name: Pack, allowance: 1 B, validity: 1 d, covers: "
                  "[{service: data}]}\n"),
      ElementsAre("t.yaml:21:11: the offers \"pack\" and \"Pack\" in line 20 differ in case "
                  "only; expected names that people can tell apart"));
}

TEST(TariffWarnings, AreToldBesideErrors) {
  std::string text(good);
  text.replace(text.find("minimum: 2 KiB"), 14, "minimum: 65 KiB");
  text.replace(text.find("currency: EUR"), 13, "currency: EUX");
  const CheckedTariff checked = check_tariff("t.yaml", {std::string(text), {}});
  EXPECT_EQ(checked.tariff, nullptr);
  EXPECT_EQ(checked.errors.size(), 1u);
  EXPECT_EQ(checked.warnings.size(), 1u);
}

}  // namespace
}  // namespace farthing::tariffs
