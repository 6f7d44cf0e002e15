// Discounts and surcharges of a tariff: which rules they make, which of them wins, what is refused;
// and random tariffs against a model that knows nothing of rules: it looks for the price, for what
// holds beside it, and reckons in fractions.
#include "tariffs/adjusted_rules.h"

#include "engine/base/wide.h"
#include "tariffs/explain.h"
#include "tariffs/tariff_file.h"
#include "tests/support/replaced.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

namespace farthing::tariffs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// 10,000 cases of the property (RC_PARAMS, where it is set, decides).
[[maybe_unused]] const int many_cases = setenv("RC_PARAMS", "max_success=10000", 0);

constexpr std::string_view base = R"(tariff: small
currency: EUR
time_zone: Europe/Berlin
valid_from: 2026-01-01T00:00:00
counters:
  spent: {unit: money, period: month}
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 1 MiB}
    rating_groups: {1: web, 2: music, 3: portal}
    prices:
      - {rating_group: web, amount: 1.00, per: 1 MiB, step: 1 KiB}
      - {rating_group: portal, price: free}
      - {default: true, serving_network: 262, amount: 2.00, per: 1 MiB, step: 1 KiB}
      - {default: true, amount: 4.00, per: 1 MiB, step: 1 KiB}
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 1 h}
    prices:
      - {default: true, amount: 0.60, per: 1 min, setup: 0.05}
)";

CheckedTariff checked(std::string_view added, std::string_view from = "",
                      std::string_view to = "") {
  return check_tariff("t.yaml", {test::replaced(base, from, to) + std::string(added), {}});
}

std::shared_ptr<const Tariff> compiled(std::string_view added) {
  const CheckedTariff tariff = checked(added);
  for (const FileError& error : tariff.errors) ADD_FAILURE() << to_string(error);
  return tariff.tariff;
}

std::vector<std::string> names(const Tariff& tariff) {
  std::vector<std::string> rules;
  for (const Rule& rule : tariff.rules()) rules.push_back(rule.name);
  return rules;
}

// But for that of rating group 2, which has no price of its own.
std::vector<std::string> texts(const std::vector<FileError>& errors) {
  std::vector<std::string> list;
  for (const FileError& error : errors) {
    if (!error.message.starts_with("rating group 2 ")) list.push_back(to_string(error));
  }
  return list;
}

Facts gold_abroad() {
  static const SubscriberAttributes gold = {{"segment", "gold"}};
  Facts facts;
  facts.serving_network = "20801";
  facts.subscriber = gold;
  return facts;
}

TEST(AdjustedRules, StackedDiscountsAreTakenOffOneAfterTheOther) {
  const auto tariff = compiled(R"(
combine: stack
discounts:
  gold: {percent: 10, subscriber: {segment: gold}, covers: [{service: data, rating_group: web}]}
  abroad: {percent: 20, serving_network: 208, covers: [{service: data, rating_group: web}]}
)");
  EXPECT_THAT(names(*tariff), ElementsAre("data/1 less gold 10 % less abroad 20 %",
                                          "data/1 less gold 10 %", "data/1 less abroad 20 %",
                                          "data/1", "data/3", "data/*/262", "data/*", "voice/*"));
  const Rule* const rule = tariff->find("32251@3gpp.org", RatingGroup(1), gold_abroad());
  EXPECT_EQ(rule, &tariff->rules()[0]);
  EXPECT_EQ(rule->terms->amount, Money(720'000));
  EXPECT_EQ(*rule->plain, *tariff->rules()[3].terms);
  EXPECT_EQ(rule->line, tariff->rules()[3].line);
}

TEST(AdjustedRules, TheBestDiscountIsTheOnlyOne) {
  const auto tariff = compiled(R"(
combine: best
discounts:
  gold: {percent: 10, subscriber: {segment: gold}, covers: [{service: data, rating_group: web}]}
  abroad: {amount: 0.20, per: 1 MiB, serving_network: 208, covers: [{service: data}]}
)");
  EXPECT_THAT(names(*tariff),
              ElementsAre("data/1 less abroad 0.200000 per 1 MiB", "data/1 less gold 10 %",
                          "data/1", "data/3", "data/*/262", "data/* less abroad 0.200000 per 1 MiB",
                          "data/*", "voice/*"))
      << "the network is 262 or 208, so the second price has no discount";
  EXPECT_EQ(tariff->find("32251@3gpp.org", RatingGroup(1), gold_abroad())->terms->amount,
            Money(800'000));
}

TEST(AdjustedRules, ADefaultPriceIsDiscountedForTheGroupsThatAreCovered) {
  const auto tariff = compiled(R"(
discounts:
  music: {percent: 50, covers: [{service: data, rating_group: music}]}
)");
  const auto name = [&](std::optional<RatingGroup> group, std::string_view network) {
    Facts facts;
    facts.serving_network = network;
    return tariff->find("32251@3gpp.org", group, facts)->name;
  };
  EXPECT_EQ(name(RatingGroup(1), "26201"), "data/1");
  EXPECT_EQ(name(RatingGroup(2), "26201"), "data/*/262 less music 50 %");
  EXPECT_EQ(name(RatingGroup(2), "20801"), "data/* less music 50 %");
  EXPECT_EQ(name(RatingGroup(4), "26201"), "data/*/262");
  EXPECT_EQ(name(std::nullopt, "26201"), "data/*/262");
  EXPECT_EQ(name(std::nullopt, "20801"), "data/*");
}

TEST(AdjustedRules, SurchargesAreNotDiscounted) {
  const auto tariff = compiled(R"(
discounts:
  half: {percent: 50}
surcharges:
  abroad: {amount: 0.30, per: 1 MiB, serving_network: 208, covers: [{service: data}]}
  calls: {amount: 1.00, per: session, covers: [{service: voice}]}
)");
  const Rule* const rule = tariff->find("32251@3gpp.org", RatingGroup(1), gold_abroad());
  EXPECT_EQ(rule->name, "data/1 less half 50 % plus abroad 0.300000 per 1 MiB");
  EXPECT_EQ(rule->terms->amount, Money(800'000));
  const Rule* const call = tariff->find("32260@3gpp.org", std::nullopt);
  EXPECT_EQ(call->terms->setup, Money(1'050'000));
  EXPECT_EQ(call->continued.setup, Money(0)) << "another price had the first unit";
  EXPECT_EQ(tariff->find("32251@3gpp.org", RatingGroup(3))->name, "data/3") << "free stays free";
}

TEST(AdjustedRules, WhatIsCertainMakesNoOtherRules) {
  const auto tariff = compiled(R"(
combine: best
discounts:
  home: {percent: 30, serving_network: 262}
  small: {percent: 10, serving_network: 26201}
  always: {percent: 20}
)");
  EXPECT_THAT(names(*tariff), ElementsAre("data/1 less home 30 %", "data/1 less always 20 %",
                                          "data/3", "data/*/262 less home 30 %",
                                          "data/* less home 30 %", "data/* less always 20 %",
                                          "voice/* less home 30 %", "voice/* less always 20 %"));
}

TEST(AdjustedRules, ThresholdsOfDiscountsAreThoseOfTheRatingGroup) {
  const auto tariff = compiled(R"(
discounts:
  heavy:
    percent: 50
    counted: {spent: {from: 50.00}}
    covers: [{service: data, rating_group: web}]
)");
  EXPECT_EQ(tariff->prices("32251@3gpp.org", RatingGroup(1))->next_threshold(0, 0), 50'000'000u);
  EXPECT_FALSE(tariff->prices("32251@3gpp.org", RatingGroup(2))->goes_by_counters());
  EXPECT_TRUE(tariff->goes_by(0));
}

TEST(AdjustedRules, APriceIsExplainedWithWhatItWasMadeFrom) {
  const auto tariff = compiled(R"(
tax: 19
discounts:
  gold: {percent: 10, subscriber: {segment: gold}, covers: [{service: data}]}
)");
  const auto price = price_units(*tariff, "32251@3gpp.org", RatingGroup(1), 1 << 20, gold_abroad());
  ASSERT_TRUE(price.has_value());
  EXPECT_EQ(
      describe_price(*tariff, *price),
      "rule data/1 less gold 10 % of tariff small (line 14): 0.900000 EUR per 1 MiB, in steps "
      "of 1 KiB, 19 % tax included, rounded half_away_from_zero\n"
      "because segment is gold\n"
      "as written 1.000000 EUR per 1 MiB, in steps of 1 KiB, 19 % tax included, rounded "
      "half_away_from_zero\n"
      "less gold 10 % (line 27)\n"
      "used 1 MiB\n"
      "charged for 1 MiB\n"
      "price 0.900000\n"
      "in it 19 % tax 0.143697\n"
      "total 0.900000 EUR\n");
}

TEST(AdjustedRules, DiscountsThatNeverApplyAreNamed) {
  const auto warnings = [](std::string_view added) { return texts(checked(added).warnings); };
  EXPECT_THAT(warnings("discounts: {free: {percent: 10, covers: [{service: data, rating_group: "
                       "portal}]}}\n"),
              ElementsAre(HasSubstr("discount \"free\" never applies: nothing that it covers costs "
                                    "anything")));
  EXPECT_THAT(
      warnings("combine: best\n"
               "discounts: {a: {percent: 10}, b: {percent: 10, serving_network: 208}}\n"),
      ElementsAre(HasSubstr("discount \"b\" never applies: wherever it holds, another one takes as "
                            "much off")));
  EXPECT_THAT(warnings("surcharges: {a: {amount: 1.00, per: session, serving_network: 208,\n"
                       "                 covers: [{service: voice}]}}\n"),
              ElementsAre());
}

TEST(AdjustedRules, TiersThatBeginAnewAreNamed) {
  const auto doubts = [](std::string_view conditions) {
    return texts(checked(fmt::format("discounts: {{a: {{percent: 10, {}}}}}\n", conditions),
                         "amount: 0.60, per: 1 min, setup: 0.05",
                         "tiers: [{upto: 1 min, amount: 0.60}, {amount: 0.30}], per: 1 min")
                     .warnings);
  };
  EXPECT_THAT(
      doubts("serving_network: 208"),
      ElementsAre("t.yaml:23:9: tiers and caps of \"voice/*\" begin anew in a session where "
                  "discount \"a\" begins or ends; expected tiers and caps that go by a "
                  "counter (over)"));
  EXPECT_THAT(doubts("subscriber: {segment: gold}"), ElementsAre());
}

TEST(AdjustedRules, WhatIsWrongIsSaidByName) {
  const auto errors = [](std::string_view added) { return texts(checked(added).errors); };
  EXPECT_THAT(errors("discounts: {a: {percent: 10}, b: {percent: 20}}\n"),
              ElementsAre(HasSubstr("\"combine\" is missing")));
  EXPECT_THAT(errors("combine: sum\ndiscounts: {a: {percent: 10}}\n"),
              ElementsAre(HasSubstr("\"sum\" is not allowed here")));
  EXPECT_THAT(errors("discounts: {a: {percent: 120}}\n"),
              ElementsAre(HasSubstr("\"120\" is no percentage")));
  EXPECT_THAT(errors("discounts: {a: {percent: 0}}\n"),
              ElementsAre(HasSubstr("it changes nothing; expected more than 0")));
  EXPECT_THAT(errors("discounts: {a: {percent: 10, amount: 1.00}}\n"),
              ElementsAre(HasSubstr("the key \"amount\" beside percent")));
  EXPECT_THAT(errors("discounts: {a: {serving_network: 262}}\n"),
              ElementsAre(HasSubstr("\"amount\" is missing")));
  EXPECT_THAT(errors("discounts: {a: {amount: 1.00, per: session, covers: [{service: voice}]}}\n"),
              ElementsAre(HasSubstr("\"session\" is no quantity")));
  EXPECT_THAT(errors("surcharges: {a: {amount: 1.00, per: 1 MiB}}\n"),
              ElementsAre(HasSubstr("it covers service \"data\", counted in octets, and service "
                                    "\"voice\", counted in seconds; expected covers: services that "
                                    "are counted in one unit")));
  EXPECT_THAT(errors("surcharges: {a: {percent: 10}}\n"),
              ElementsAre(HasSubstr("\"amount\" is missing"),
                          HasSubstr("unknown key \"percent\" in surcharge \"a\"")));
  EXPECT_THAT(errors("discounts: {a: {percent: 10, covers: [{service: date}]}}\n"),
              ElementsAre(HasSubstr("unknown service \"date\" (did you mean \"data\"?)")));
  EXPECT_THAT(errors("discounts: {a: {percent: 10, counted: {spend: {from: 1.00}}}}\n"),
              ElementsAre(HasSubstr("unknown counter \"spend\"")));
  EXPECT_THAT(errors("discounts: {a: {percent: 0.0001, setup: true}}\n"),
              ElementsAre(HasSubstr("the price \"voice/*\" less a 0.0001 % has a set-up charge of "
                                    "less than whole millionths")));
  EXPECT_THAT(errors("surcharges: {a: {amount: 9000000000000.00, per: 1 B, covers: [{service: "
                     "data}]}}\n"),
              testing::Contains(HasSubstr("\"data/1\" plus a 9000000000000.000000 per 1 B is too "
                                          "large")));
  EXPECT_THAT(errors("surcharges: {a: {amount: 9000000000000.00, per: 1 min, covers: [{service: "
                     "voice}]}}\n"),
              ElementsAre(HasSubstr("the price of the largest grant of \"voice/* plus a "
                                    "9000000000000.000000 per ...\" is beyond")));
}

TEST(AdjustedRules, WhichIsBestMustNotDependOnTheUsage) {
  constexpr std::string_view unclear =
      "combine: best\n"
      "discounts:\n"
      "  a: {percent: 10, setup: true, serving_network: 262}\n"
      "  b: {amount: 0.10, per: 1 min, serving_network: $, covers: [{service: voice}]}\n";
  EXPECT_THAT(
      texts(checked(test::replaced(unclear, "$", "262")).errors),
      ElementsAre("t.yaml:27:3: whether \"a\" or \"b\" takes more off \"voice/*\" in line 23 "
                  "depends on how much is used; expected percentages, or combine: stack, or "
                  "conditions that exclude each other"));
  EXPECT_NE(checked(test::replaced(unclear, "$", "208")).tariff, nullptr);
}

TEST(AdjustedRules, ThereAreNoMoreThanSoManyWaysForOnePrice) {
  std::string discounts = "combine: stack\ndiscounts:\n";
  for (int i = 0; i < 7; ++i) {
    discounts += fmt::format("  d{}: {{percent: 1, subscriber: {{{}: x}}}}\n", i, char('a' + i));
  }
  EXPECT_THAT(texts(checked(discounts).errors),
              testing::Contains(HasSubstr("discounts, surcharges and situations can hold "
                                          "together for \"data/1\" in more than 64 ways")));
  const std::string best = test::replaced(discounts, "stack", "best");
  EXPECT_EQ(compiled(best)->rules().size(), 4u * 8 + 1);
}

// --- A model -------------------------------------------------------------------------------------

// What holds on which conditions: 0 of each says nothing.
struct Where {
  int network = 0;  // 1: 262, 2: 208
  int segment = 0;  // 1: a, 2: b
  int from = 0;     // of a counter
  int below = 0;

  bool holds(const Where& at) const {  // `from`: what the counter says
    return (network == 0 || network == at.network) && (segment == 0 || segment == at.segment) &&
           from <= at.from && (below == 0 || at.from < below);
  }
  bool covers(const Where& other) const {
    return (network == 0 || network == other.network) &&
           (segment == 0 || segment == other.segment) && from <= other.from &&
           (below == 0 || (other.below != 0 && other.below <= below));
  }
  std::string text() const {
    std::string words;
    if (network != 0) words += fmt::format(", serving_network: {}", network == 1 ? 262 : 208);
    if (segment != 0)
      words += fmt::format(", subscriber: {{segment: {}}}", segment == 1 ? "a" : "b");
    if (from == 0 && below == 0) return words;
    words += ", counted: {used: {";
    if (from != 0) words += fmt::format("from: {} B", from);
    if (below != 0) words += fmt::format("{}below: {} B", from != 0 ? ", " : "", below);
    return words + "}}";
  }
};

struct Amount {
  int percent = 0;  // else:
  int micros = 0;
  int per = 1;
};

struct Price {
  int group = 0;  // 0: default
  Where where;
  int micros = 0;
  int per = 1;
  int behind = 0;  // 10 units another amount holds; 0: none
  int setup = 0;
};

struct Change {
  bool is_discount = true;
  Where where;
  Amount amount;
  int covers = 0;  // 0: everything, 1: the service, 2: rating group 1, 3: rating group 2
};

rc::Gen<Where> any_where() {
  return rc::gen::build<Where>(
      rc::gen::set(&Where::network, rc::gen::elementOf(std::array{0, 0, 1, 2})),
      rc::gen::set(&Where::segment, rc::gen::elementOf(std::array{0, 0, 1, 2})),
      rc::gen::set(&Where::from, rc::gen::elementOf(std::array{0, 0, 0, 3, 6})),
      rc::gen::set(&Where::below, rc::gen::elementOf(std::array{0, 0, 7, 9})));
}

rc::Gen<Price> any_price() {
  return rc::gen::build<Price>(rc::gen::set(&Price::group, rc::gen::inRange(0, 3)),
                               rc::gen::set(&Price::where, any_where()),
                               rc::gen::set(&Price::micros, rc::gen::inRange(0, 200)),
                               rc::gen::set(&Price::per, rc::gen::inRange(1, 8)),
                               rc::gen::set(&Price::behind, rc::gen::inRange(0, 3)),
                               rc::gen::set(&Price::setup, rc::gen::inRange(0, 2)));
}

rc::Gen<Change> any_change() {
  return rc::gen::build<Change>(
      rc::gen::set(&Change::is_discount), rc::gen::set(&Change::where, any_where()),
      rc::gen::set(&Change::amount,
                   rc::gen::build<Amount>(rc::gen::set(&Amount::percent, rc::gen::inRange(1, 101)),
                                          rc::gen::set(&Amount::micros, rc::gen::inRange(1, 60)),
                                          rc::gen::set(&Amount::per, rc::gen::inRange(0, 8)))),
      rc::gen::set(&Change::covers, rc::gen::inRange(0, 4)));
}

struct Model {
  std::vector<Price> prices;
  std::vector<Change> changes;
  bool is_best = false;

  std::string text() const {
    std::string file = fmt::format(
        "tariff: t\ncurrency: EUR\ntime_zone: UTC\nvalid_from: 2026-01-01T00:00:00\n"
        "counters: {{used: {{unit: octets, period: day, covers: [{{service: s}}]}}}}\n"
        "combine: {}\nservices:\n  s:\n    context: s@x\n    unit: octets\n"
        "    grant: {{maximum: 1 KiB}}\n    rating_groups: {{1: one, 2: two}}\n    prices:\n",
        is_best ? "best" : "stack");
    for (const Price& price : prices) {
      file += price.group == 0 ? "      - {default: true"
                               : fmt::format("      - {{rating_group: {}", price.group);
      file += price.where.text();
      const std::string amount = Money(price.micros).to_string();
      if (price.behind == 0) {
        file += fmt::format(", amount: {}", amount);
      } else {
        file += fmt::format(", tiers: [{{upto: 10 B, amount: {}}}, {{amount: {}}}]", amount,
                            Money(price.behind * 13).to_string());
      }
      file += fmt::format(", per: {} B, setup: {}}}\n", price.per, Money(price.setup).to_string());
    }
    for (const bool is_discount : {true, false}) {
      file += is_discount ? "discounts:\n  {" : "surcharges:\n  {";
      for (std::size_t i = 0; i < changes.size(); ++i) {
        if (changes[i].is_discount == is_discount) file += change_text(i) + ", ";
      }
      file += "}\n";
    }
    return file;
  }

  std::string change_text(std::size_t i) const {
    constexpr std::array<std::string_view, 4> covers = {
        "", ", covers: [{service: s}]", ", covers: [{service: s, rating_group: one}]",
        ", covers: [{service: s, rating_group: 2}]"};
    const Change& change = changes[i];
    const Amount& amount = change.amount;
    std::string text = fmt::format("c{}: {{", i);
    if (is_percent(change)) {
      text += fmt::format("percent: {}", amount.percent);
    } else if (amount.per == 0) {
      text += fmt::format("amount: {}, per: session", Money(amount.micros).to_string());
    } else {
      text += fmt::format("amount: {}, per: {} B", Money(amount.micros).to_string(), amount.per);
    }
    return text + change.where.text() +
           std::string(covers[static_cast<std::size_t>(change.covers)]) + "}";
  }
  bool is_percent(const Change& change) const {
    return change.is_discount && (is_best || change.amount.per % 2 == 0);
  }

  // In millionths, for units and the session; each as a fraction.
  using Wide = base::Int128;
  struct Fraction {
    Wide over = 0;
    Wide under = 1;
  };
  static Fraction plus(Fraction a, Fraction b) {
    return {a.over * b.under + b.over * a.under, a.under * b.under};
  }
  static Fraction less(Fraction a, Fraction b) {
    const Wide over = a.over * b.under - b.over * a.under;
    return {over < 0 ? 0 : over, a.under * b.under};
  }

  const Price* price_at(int group, const Where& at) const {
    for (const int of : {group, 0}) {
      for (const Price& price : prices) {
        if (price.group == of && price.where.holds(at)) return &price;
      }
    }
    return nullptr;
  }

  // Of one unit, in the tier of `micros`.
  Fraction unit_price(const Price& price, int micros, int group, const Where& at) const {
    Fraction exact{micros, price.per};
    const auto holds = [&](const Change& change) {
      return change.where.holds(at) && (change.covers < 2 || change.covers - 1 == group);
    };
    int best = 0;
    for (const Change& change : changes) {
      if (!change.is_discount || !holds(change)) continue;
      best = std::max(best, change.amount.percent);
      if (is_best) continue;
      if (is_percent(change)) {
        exact = {exact.over * (100 - change.amount.percent), exact.under * 100};
      } else {
        exact = less(exact, {change.amount.micros, change.amount.per});
      }
    }
    if (is_best) exact = {exact.over * (100 - best), exact.under * 100};
    for (const Change& change : changes) {
      if (change.is_discount || !holds(change) || change.amount.per == 0) continue;
      exact = plus(exact, {change.amount.micros, change.amount.per});
    }
    return exact;
  }

  std::int64_t charge(int group, const Where& at, int units) const {
    const Price& price = *price_at(group, at);
    const bool is_free = price.micros == 0 && price.behind == 0 && price.setup == 0;
    if (units == 0 || is_free) return 0;
    const int first = price.behind == 0 ? units : std::min(units, 10);
    Fraction one = unit_price(price, price.micros, group, at);
    Fraction two = unit_price(price, price.behind * 13, group, at);
    one.over *= first;
    two.over *= units - first;
    const Fraction sum = plus(one, two);
    std::int64_t once = price.setup;
    for (const Change& change : changes) {
      const bool holds =
          change.where.holds(at) && (change.covers < 2 || change.covers - 1 == group);
      if (!change.is_discount && holds && change.amount.per == 0) once += change.amount.micros;
    }
    return static_cast<std::int64_t>((2 * sum.over + sum.under) / (2 * sum.under)) + once;
  }
};

// Prices that can win, the last without conditions.
std::vector<Price> sound(const std::vector<Price>& drawn) {
  std::vector<Price> prices;
  const auto add = [&prices](const Price& price) {
    for (const Price& before : prices) {
      if (before.group == price.group && before.where.covers(price.where)) return;
    }
    prices.push_back(price);
  };
  for (const Price& price : drawn) add(price);
  Price last;
  last.micros = 77;
  last.per = 3;
  add(last);
  return prices;
}

RC_GTEST_PROP(AdjustedRules, WinAndCostAsThePriceAndAllThatHoldsDo, ()) {
  Model model;
  model.prices = sound(*rc::gen::resize(6, rc::gen::container<std::vector<Price>>(any_price())));
  model.changes = *rc::gen::resize(6, rc::gen::container<std::vector<Change>>(any_change()));
  for (Change& change : model.changes) {
    if (change.is_discount && change.amount.per == 0) change.amount.per = 2;
  }
  model.is_best = *rc::gen::arbitrary<bool>();
  const CheckedTariff tariff = check_tariff("t.yaml", {model.text(), {}});
  if (tariff.tariff == nullptr) {
    RC_LOG(model.text() + to_string(tariff.errors.front()));
    RC_FAIL("it is refused");
  }
  constexpr std::array<std::string_view, 3> networks = {"46000", "26207", "20801"};
  constexpr std::array<std::string_view, 3> segments = {"none", "a", "b"};
  const auto group = *rc::gen::inRange(0, 4);
  const Where at{.network = *rc::gen::inRange(0, 3),
                 .segment = *rc::gen::inRange(0, 3),
                 .from = *rc::gen::inRange(0, 11)};
  const auto units = *rc::gen::inRange(0, 40);
  const SubscriberAttributes subscriber = {
      {"segment", std::string(segments[static_cast<std::size_t>(at.segment)])}};
  const std::array<std::uint64_t, 1> counted = {static_cast<std::uint64_t>(at.from)};
  Facts facts;
  facts.serving_network = networks[static_cast<std::size_t>(at.network)];
  facts.subscriber = subscriber;
  facts.counted = counted;
  const auto number =
      group == 0 ? std::nullopt : std::optional(RatingGroup(static_cast<unsigned>(group)));
  const Rule* const rule = tariff.tariff->find("s@x", number, facts);
  RC_ASSERT(rule != nullptr);
  const auto cost = price_of(*rule->terms, static_cast<std::uint64_t>(units));
  const std::int64_t once = units == 0 ? 0 : rule->terms->setup.micros;
  RC_LOG(model.text() + rule->name);
  RC_ASSERT(cost->micros + once == model.charge(group, at, units));
}

}  // namespace
}  // namespace farthing::tariffs
