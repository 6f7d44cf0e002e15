// Situations of a tariff: which rules they make and when each wins, what is said of them, and what
// is refused.
#include "tariffs/situations.h"

#include "tariffs/diff.h"
#include "tariffs/explain.h"
#include "tariffs/tariff_file.h"
#include "tests/support/replaced.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace farthing::tariffs {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view base = R"(tariff: small
currency: EUR
time_zone: UTC
valid_from: 2026-01-01T00:00:00
calendars:
  hours: {default: day, classes: {night: [{days: all, from: 22:00, to: 06:00}]}}
situations:
  night: {time: night}
  eu: {serving_network: [208, 262]}
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 1 GiB}
    rating_groups: {1: web, 2: music}
    prices:
      - {rating_group: web, amount: 1.00, per: 1 MiB, step: 1 KiB}
      - {default: true, amount: 4.00, per: 1 MiB, step: 1 KiB}
offers:
  - name: owl
    allowance: 1 GiB
    validity: 30 d
    covers: [{service: data, rating_group: web, when: night}]
  - {name: trip, allowance: 1 GiB, validity: 30 d, covers: [{service: data, when: eu}]}
)";

CheckedTariff checked(std::string_view from = "", std::string_view to = "") {
  return check_tariff("t.yaml", {test::replaced(base, from, to), {}});
}

std::shared_ptr<const Tariff> compiled(std::string_view from = "", std::string_view to = "") {
  const CheckedTariff tariff = checked(from, to);
  for (const FileError& error : tariff.errors) ADD_FAILURE() << to_string(error);
  return tariff.tariff;
}

std::vector<std::string> texts(const std::vector<FileError>& errors) {
  std::vector<std::string> list;
  for (const FileError& error : errors) list.push_back(to_string(error));
  return list;
}

Facts facts(int hour, std::string_view network) {
  Facts known;
  known.time =
      base::Time(std::chrono::sys_days(std::chrono::year(2026) / 6 / 2)) + std::chrono::hours(hour);
  known.serving_network = network;
  return known;
}

std::string winner(const Tariff& tariff, std::uint32_t group, const Facts& known) {
  const Rule* const rule = tariff.find("32251@3gpp.org", RatingGroup(group), known);
  return rule == nullptr ? "" : rule->name;
}

TEST(Situations, EachWayInWhichTheyHoldTogetherIsARule) {
  const auto tariff = compiled();
  std::vector<std::string> names;
  for (const Rule& rule : tariff->rules()) names.push_back(rule.name);
  EXPECT_THAT(names, ElementsAre("data/1 in night in eu", "data/1 in night", "data/1 in eu",
                                 "data/1", "data/* in eu", "data/*"));
  EXPECT_EQ(winner(*tariff, 1, facts(23, "26201")), "data/1 in night in eu");
  EXPECT_EQ(winner(*tariff, 1, facts(23, "46000")), "data/1 in night");
  EXPECT_EQ(winner(*tariff, 1, facts(12, "26201")), "data/1 in eu");
  EXPECT_EQ(winner(*tariff, 1, facts(12, "46000")), "data/1");
  EXPECT_EQ(winner(*tariff, 2, facts(23, "26201")), "data/* in eu")
      << "nothing asks for the night there";
}

TEST(Situations, ARuleSaysWhichHold) {
  const auto tariff = compiled();
  const Rule* const both = tariff->find("32251@3gpp.org", RatingGroup(1), facts(23, "26201"));
  ASSERT_NE(both, nullptr);
  EXPECT_EQ(both->holding.count(), 2u);
  EXPECT_TRUE(both->holding.contain(situation_key("night")));
  EXPECT_TRUE(both->holding.contain(situation_key("eu")));
  EXPECT_FALSE(both->holding.contain(situation_key("home")));
  const std::vector<Coverage>& owl = tariff->find_offer("owl")->coverage;
  EXPECT_TRUE(owl[0].covers(service_key("data"), RatingGroup(1), both->holding));
  EXPECT_FALSE(owl[0].covers(service_key("data"), RatingGroup(1), {}));
  EXPECT_EQ(tariff->situation_name(owl[0].situation), "night");
}

TEST(Situations, APriceChangesWhereASituationBegins) {
  const auto tariff = compiled();
  const auto change = tariff->prices("32251@3gpp.org", RatingGroup(1))->next_change(facts(12, ""));
  ASSERT_TRUE(change.has_value());
  EXPECT_EQ(*change, *facts(22, "").time);
  EXPECT_FALSE(tariff->prices("32251@3gpp.org", RatingGroup(2))->next_change(facts(12, "")));
}

TEST(Situations, PricesThatTheyExcludeAreNotSplit) {
  const auto tariff = compiled("      - {rating_group: web,",
                               "      - {rating_group: web, time: day, amount: 2.00, per: 1 MiB}\n"
                               "      - {rating_group: web, time: night,");
  std::vector<std::string> names;
  for (const Rule& rule : tariff->rules()) {
    if (rule.rating_group) names.push_back(rule.name);
  }
  EXPECT_THAT(names, ElementsAre("data/1/day in eu", "data/1/day", "data/1/night in night in eu",
                                 "data/1/night in night"));
}

TEST(Situations, AreExplained) {
  const auto tariff = compiled();
  const auto priced =
      price_units(*tariff, "32251@3gpp.org", RatingGroup(1), 1 << 20, facts(23, "46000"));
  ASSERT_TRUE(priced.has_value());
  EXPECT_EQ(describe_price(*tariff, *priced),
            "rule data/1 in night of tariff small (line 17): 1.000000 EUR per 1 MiB, in steps of "
            "1 KiB, rounded half_away_from_zero\n"
            "because 2026-06-02T23:00:00 is night in calendar hours\n"
            "in night (line 8)\n"
            "used 1 MiB\n"
            "charged for 1 MiB\n"
            "price 1.000000\n"
            "total 1.000000 EUR\n");
}

TEST(Situations, AreComparedByName) {
  const auto changes = [](std::string_view from, std::string_view to) {
    std::vector<std::string> list;
    for (const TariffChange& change : diff_tariffs(*compiled(), *compiled(from, to))) {
      list.push_back(describe_change(change));
    }
    return list;
  };
  EXPECT_THAT(changes("[208, 262]", "[208]"),
              ElementsAre("changed situation eu: where 208+262 -> 208"));
  EXPECT_THAT(changes("rating_group: web, when: night", "rating_group: web, when: eu"),
              ElementsAre("changed offer owl: covers data/1/night -> data/1/eu"));
}

TEST(Situations, WhatIsHardlyMeantIsNamed) {
  EXPECT_THAT(texts(checked().warnings), Not(Contains(HasSubstr("situation"))));
  EXPECT_THAT(texts(checked("  eu: {", "  far: {serving_network: 310}\n  eu: {").warnings),
              Contains("t.yaml:9:3: nothing uses situation \"far\"; expected covers: with "
                       "\"when\", or no such situation"));
  EXPECT_THAT(texts(checked("      - {rating_group: web,",
                            "      - {rating_group: web, time: day, amount: 2.00, per: 1 MiB}\n"
                            "      - {rating_group: web, price: none}\n"
                            "      - {rating_group: music,")
                        .warnings),
              Contains(HasSubstr("situation \"night\" never holds: its conditions exclude those of "
                                 "each price that it is asked for at")));
  EXPECT_THAT(texts(checked("amount: 1.00, per: 1 MiB",
                            "tiers: [{upto: 1 MiB, amount: 2.00}, {amount: 1.00}], per: 1 MiB")
                        .warnings),
              Contains(HasSubstr("tiers and caps of \"data/1\" begin anew in a session where "
                                 "situation \"night\" begins or ends")));
}

TEST(Situations, WhatIsWrongIsNamed) {
  const auto errors = [](std::string_view from, std::string_view to) {
    return texts(checked(from, to).errors);
  };
  EXPECT_THAT(errors("when: night", "when: nigth"),
              ElementsAre("t.yaml:23:55: unknown situation \"nigth\" (did you mean \"night\"?); "
                          "expected one of night, eu"));
  EXPECT_THAT(errors("{time: night}", "{}"),
              ElementsAre("t.yaml:8:3: situation \"night\" holds always; expected conditions such "
                          "as time: night"));
  EXPECT_THAT(errors("{time: night}", "{time: noon}"),
              ElementsAre(HasSubstr("unknown time class \"noon\"")));
  EXPECT_THAT(errors("{time: night}", "{counted: {a: {from: 1 B}}}"),
              Contains(HasSubstr("unknown key \"counted\" in situation \"night\"")));
  EXPECT_THAT(
      errors("offers:\n",
             "discounts: {a: {percent: 10, covers: [{service: data, when: eu}]}}\noffers:\n"),
      ElementsAre(HasSubstr("\"a\" has conditions itself; expected those of the situation, "
                            "and no \"when\"")));
}

TEST(Situations, OneThingMayBeCoveredInSeveral) {
  EXPECT_THAT(texts(checked("[{service: data, when: eu}]",
                            "[{service: data, when: eu}, {service: data, when: night}]")
                        .errors),
              IsEmpty());
  EXPECT_THAT(
      texts(checked("[{service: data, when: eu}]", "[{service: data, when: eu}, {service: data}]")
                .errors),
      ElementsAre(HasSubstr("this is covered already")));
}

TEST(Situations, AnAllowanceMayHaveLimitsInThem) {
  const auto with = [](std::string_view limits) {
    return "validity: 30 d, allowances: [{amount: 1 GiB, covers: [{service: data}], limits: " +
           std::string(limits) + "}]";
  };
  constexpr std::string_view from =
      "allowance: 1 GiB, validity: 30 d, covers: [{service: data, when: eu}]";
  const auto tariff = compiled(from, with("[{when: eu, amount: 3 MiB}]"));
  const Allowance& allowance = tariff->find_offer("trip")->allowances[0];
  EXPECT_EQ(allowance.limits, (std::vector<SubLimit>{{situation_key("eu"), 3u << 20}}));
  EXPECT_EQ(winner(*tariff, 2, facts(12, "26201")), "data/* in eu");
  std::vector<std::string> changes;
  for (const TariffChange& change :
       diff_tariffs(*tariff, *compiled(from, with("[{when: eu, amount: 4 MiB}]")))) {
    changes.push_back(describe_change(change));
  }
  EXPECT_THAT(changes, ElementsAre("changed offer trip: allowance 1 GiB, in eu at most 3 MiB -> "
                                   "1 GiB, in eu at most 4 MiB"));
  const auto errors = [&](std::string_view limits) {
    return texts(checked(from, with(limits)).errors);
  };
  EXPECT_THAT(errors("[{when: eu, amount: 1 MiB}, {when: eu, amount: 2 MiB}]"),
              ElementsAre(HasSubstr("there is a limit in \"eu\" already; expected one for each")));
  EXPECT_THAT(errors("[{when: eu, amount: 1 GiB}]"),
              ElementsAre(HasSubstr("the whole allowance is no limit; expected less than")));
  EXPECT_THAT(errors("[{when: ue, amount: 1 MiB}]"),
              ElementsAre(HasSubstr("unknown situation \"ue\"")));
  EXPECT_THAT(errors("[]"), ElementsAre(HasSubstr("limits")));
}

TEST(Situations, NoMoreThanFourHoldAtOnce) {
  std::string situations = "situations:\n";
  std::string covers;
  for (const char letter : {'a', 'b', 'c', 'd', 'e'}) {
    situations += std::string("  ") + letter + ": {subscriber: {" + letter + ": x}}\n";
    covers += std::string(letter == 'a' ? "" : ", ") + "{service: data, when: " + letter + "}";
  }
  const std::string many = test::replaced(test::replaced(base, "situations:\n", situations),
                                          "{service: data, when: eu}", covers);
  EXPECT_THAT(texts(check_tariff("t.yaml", {many, {}}).errors),
              Contains(HasSubstr("more than 4 situations can hold at once for \"data/*\": a, b, c, "
                                 "d, e")));
}

TEST(Situations, WhatGoesByACounterIsCountedInAll) {
  const auto counting = [](std::string_view covers, std::string_view conditions) {
    const std::string counter = "counters: {used: {unit: octets, period: month, covers: [" +
                                std::string(covers) + "]}}\nservices:\n";
    const std::string price = "      - {default: true, " + std::string(conditions) +
                              "over: used, cap: {amount: 9.00}, amount: 4.00, per: 1 MiB}\n" +
                              "      - {default: true,";
    return texts(
        check_tariff("t.yaml", {test::replaced(test::replaced(base, "services:\n", counter),
                                               "      - {default: true,", price),
                                {}})
            .errors);
  };
  constexpr std::string_view night = "{service: data, when: night}";
  EXPECT_THAT(counting(night, "serving_network: 262, "),
              ElementsAre(HasSubstr("goes by counter \"used\", which does not count it")));
  EXPECT_THAT(counting(night, "time: night, "), IsEmpty());
  EXPECT_THAT(counting("{service: data}", "time: night, "), IsEmpty());
}

}  // namespace
}  // namespace farthing::tariffs
