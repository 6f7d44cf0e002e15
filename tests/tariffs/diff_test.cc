// Two tariffs compared: what was added, removed and changed, in people's terms.
#include "tariffs/diff.h"

#include "tariffs/tariff_file.h"
#include "tests/support/replaced.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace farthing::tariffs {
namespace {

using testing::ElementsAre;

constexpr std::string_view base = R"(tariff: small
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
      - {rating_group: web, amount: 1.00, per: 1 MiB, step: 1 KiB}
      - {rating_group: music, price: none}
      - {default: true, amount: 2.00, per: 1 MiB, step: 1 KiB}
offers:
  - {name: pack, fee: 5.00, allowance: 2 MiB, validity: 30 d, covers: [{service: data}]}
)";

std::shared_ptr<const Tariff> compiled(std::string_view text) {
  const CheckedTariff checked = check_tariff("t.yaml", {std::string(text), {}});
  EXPECT_NE(checked.tariff, nullptr) << to_string(checked.errors.at(0));
  return checked.tariff;
}

std::vector<std::string> changes(std::string_view from, std::string_view to) {
  const std::string text = test::replaced(base, from, to);
  std::vector<std::string> texts;
  for (const TariffChange& change : diff_tariffs(*compiled(base), *compiled(text))) {
    texts.push_back(describe_change(change));
  }
  return texts;
}

TEST(TariffDiff, NothingOfTheSame) { EXPECT_THAT(changes("", ""), ElementsAre()); }

TEST(TariffDiff, WordsThatCostTheSameAreNoChange) {
  EXPECT_THAT(changes("amount: 1.00, per: 1 MiB", "amount: 1, per: 1024 KiB"), ElementsAre());
}

TEST(TariffDiff, PricesChange) {
  EXPECT_THAT(changes("amount: 1.00, per: 1 MiB, step: 1 KiB", "amount: 0.90, per: 1 MiB"),
              ElementsAre("changed price data/1: amount 1.000000 -> 0.900000, step 1 KiB -> 1 B"));
}

TEST(TariffDiff, SizesOfGrants) {
  EXPECT_THAT(
      changes("{maximum: 1 MiB}",
              "{maximum: 1 MiB, by_balance: [{below: 1.00, maximum: 512 KiB, standard: 64 KiB}], "
              "until_border: true, sharing: 2, reports: {every: 10 s, at_most_times: 8}, "
              "holding_time: 10 min, threshold: 20 %}"),
      ElementsAre("changed grant data: by balance none -> below 1.000000 512 KiB/64 KiB, until "
                  "border none -> true, sharing none -> 2, reports none -> every 10 s at most 8 "
                  "times, holding time none -> 10 min, threshold none -> 20 %"));
}

TEST(TariffDiff, PricesComeAndGo) {
  EXPECT_THAT(
      changes("price: none", "amount: 0.50, per: 1 MiB, step: 1 KiB, minimum: 2 KiB"),
      ElementsAre("changed price data/2: amount no price -> 0.500000, per none -> 1 MiB, step "
                  "none -> 1 KiB, rounding none -> half_away_from_zero, minimum none -> 2 "
                  "KiB"));
  EXPECT_THAT(changes("      - {rating_group: web, amount: 1.00, per: 1 MiB, step: 1 KiB}\n", ""),
              ElementsAre("removed price data/1: amount 1.000000, per 1 MiB, step 1 KiB, rounding "
                          "half_away_from_zero"));
}

TEST(TariffDiff, OffersServicesAndNames) {
  EXPECT_THAT(
      changes("fee: 5.00, allowance: 2 MiB", "fee: 6.00, allowance: 3 MiB"),
      ElementsAre("changed offer pack: fee 5.000000 -> 6.000000, allowance 2 MiB -> 3 MiB"));
  EXPECT_THAT(
      changes("  - {name: pack,", "  - {name: bag,"),
      ElementsAre("removed offer pack: fee 5.000000, allowance 2 MiB, validity 30 d, covers "
                  "data/*",
                  "added offer bag: fee 5.000000, allowance 2 MiB, validity 30 d, covers "
                  "data/*"));
  EXPECT_THAT(
      changes("validity: 30 d", "period: month, begins: calendar, unpaid: end, family: x"),
      ElementsAre("changed offer pack: validity 30 d -> none, period none -> month, begins none -> "
                  "calendar, unpaid none -> end, holders none -> keep, family none -> x"));
  EXPECT_THAT(changes("1: web,", "1: web, 3: film,"),
              ElementsAre("added rating group data/3: name film"));
  EXPECT_THAT(changes("tariff: small", "tariff: large\nvalid_until: 2027-01-01T00:00"),
              ElementsAre("changed tariff small: name small -> large, valid until none -> "
                          "2027-01-01T00:00:00"));
  EXPECT_THAT(changes("maximum: 1 MiB", "maximum: 2 MiB"),
              ElementsAre("changed grant data: maximum 1 MiB -> 2 MiB, standard 1 MiB -> 2 MiB"));
}

// Both ways: what one calls added, the other calls removed.
TEST(TariffDiff, IsMirrored) {
  std::string text(base);
  text.replace(text.find("name: pack"), 10, "name: bag");
  const auto forth = diff_tariffs(*compiled(base), *compiled(text));
  const auto back = diff_tariffs(*compiled(text), *compiled(base));
  ASSERT_EQ(forth.size(), 2u);
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(forth[0].name, back[1].name);
  EXPECT_EQ(forth[0].kind, TariffChange::Kind::removed);
  EXPECT_EQ(back[1].kind, TariffChange::Kind::added);
  EXPECT_EQ(back[1].fields[0].after, forth[0].fields[0].before);
}

TEST(TariffDiff, DiscountsAreItemsOfTheirOwn) {
  const std::string before = std::string(base) + "discounts: {half: {percent: 50}}\n";
  const auto differ = [&](std::string_view from, std::string_view to) {
    std::vector<std::string> texts;
    const auto after = compiled(test::replaced(before, from, to));
    for (const TariffChange& change : diff_tariffs(*compiled(before), *after)) {
      texts.push_back(describe_change(change));
    }
    return texts;
  };
  EXPECT_THAT(differ("percent: 50", "percent: 25, subscriber: {segment: gold}"),
              ElementsAre("changed discount half: percent 50 % -> 25 %, where none -> gold"));
  EXPECT_THAT(differ("amount: 1.00, per: 1 MiB", "amount: 1.10, tax: 7, per: 1 MiB"),
              ElementsAre("changed price data/1: amount 1.000000 -> 1.100000, tax none -> 7 %"));
  EXPECT_THAT(
      differ("discounts: {half: {percent: 50}}", "surcharges: {more: {amount: 1, per: session}}"),
      ElementsAre("removed discount half: percent 50 %, covers everything",
                  "added surcharge more: amount 1.000000, per session, covers everything"));
}

}  // namespace
}  // namespace farthing::tariffs
