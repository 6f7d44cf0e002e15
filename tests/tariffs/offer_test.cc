// Offers as tariff files write them: what they mean, and what is wrong with them; and the periods
// of the clock they renew by.
#include "tariffs/filing_file.h"
#include "tariffs/local_time.h"
#include "tariffs/offer.h"
#include "tariffs/tariff_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {
namespace {

constexpr std::string_view head = R"(tariff: offers
currency: CNY
time_zone: Europe/Berlin
valid_from: 2026-01-01T00:00:00
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB}
    prices: [{default: true, amount: 0.20, per: 1 MiB}]
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 1 h}
    prices: [{default: true, amount: 0.20, per: 1 min}]
offers:
)";

// Each error without its place.
std::vector<std::string> errors_of(std::string_view offers) {
  std::vector<std::string> messages;
  const TariffSource source{std::string(head) + std::string(offers), {}};
  for (const FileError& error : check_tariff("t.yaml", source).errors) {
    messages.push_back(error.message.substr(0, error.message.find("; expected")));
  }
  return messages;
}

Offer offer_of(std::string_view offer) {
  const TariffSource source{std::string(head) + std::string(offer), {}};
  const CheckedTariff checked = check_tariff("t.yaml", source);
  for (const FileError& error : checked.errors) ADD_FAILURE() << to_string(error);
  return checked.tariff == nullptr ? Offer() : checked.tariff->offers().front();
}

using Messages = std::vector<std::string>;

TEST(OfferFile, AnOfferHasAnEndOrAPeriod) {
  EXPECT_EQ(offer_of("  - {name: a, validity: 2 d, allowance: 1 MiB, covers: [{service: data}]}")
                .renewal.has_value(),
            false);
  const Offer offer = offer_of("  - {name: a, period: 3 months, covers: [{service: data}]}");
  ASSERT_TRUE(offer.renewal);
  EXPECT_EQ(offer.renewal->period, (OfferPeriod{PeriodUnit::month, 3}));
  EXPECT_EQ(offer.renewal->unpaid, Unpaid::pay_as_you_go);
  EXPECT_EQ(offer.renewal->retry_for, std::chrono::days(30));
  EXPECT_TRUE(offer.renewal->keeps_terms);
  EXPECT_TRUE(offer.allowances.empty());
  EXPECT_EQ(offer.coverage, (std::vector<Coverage>{{service_key("data"), {}}}));

  EXPECT_EQ(errors_of("  - {name: a, period: month, validity: 1 d, covers: [{service: data}]}"),
            (Messages{"an offer with a period has no other end"}));
  EXPECT_EQ(errors_of("  - {name: a, period: fortnight, covers: [{service: data}]}"),
            (Messages{"\"fortnight\" is no period"}));
  EXPECT_EQ(errors_of("  - {name: a, period: 0 days, covers: [{service: data}]}"),
            (Messages{"\"0 days\" is no period"}));
  EXPECT_EQ(errors_of("  - {name: a, period: mnoth, covers: [{service: data}]}"),
            (Messages{"\"mnoth\" is no period (did you mean \"month\"?)"}));
}

TEST(OfferFile, AMinimumSpendGoesByACounterOfItsPeriods) {
  const auto check = [](std::string_view counters, std::string_view rest) {
    const std::string text = std::string(head.substr(0, head.find("services:"))) +
                             std::string(counters) +
                             std::string(head.substr(head.find("services:"))) +
                             fmt::format("  - {{name: a, covers: [{{service: data}}], {}}}", rest);
    return check_tariff("t.yaml", {text, {}});
  };
  constexpr std::string_view counters =
      "counters:\n  spent: {unit: money, period: month}\n  today: {unit: money, period: day}\n"
      "  used: {unit: octets, period: month, covers: [{service: data}]}\n";
  const CheckedTariff good = check(
      counters, "period: month, begins: calendar, minimum_spend: {amount: 30, counter: spent}");
  ASSERT_NE(good.tariff, nullptr);
  ASSERT_TRUE(good.tariff->offers()[0].minimum_spend);
  EXPECT_EQ(good.tariff->offers()[0].minimum_spend->amount, Money(30'000'000));
  EXPECT_EQ(good.tariff->counters()[good.tariff->offers()[0].minimum_spend->counter].name, "spent");

  const auto error = [&](std::string_view rest) {
    const CheckedTariff checked = check(counters, rest);
    return checked.errors.size() == 1 ? to_string(checked.errors[0]) : "";
  };
  EXPECT_EQ(error("period: month, begins: calendar, minimum_spend: {amount: 30, counter: spend}"),
            "t.yaml:21:112: unknown counter \"spend\" (did you mean \"spent\"?); expected "
            "one of spent, today, used");
  EXPECT_EQ(error("period: month, begins: calendar, minimum_spend: {amount: 0, counter: spent}"),
            "t.yaml:21:99: nothing is no minimum; expected more than 0");
  EXPECT_EQ(error("period: month, begins: calendar, minimum_spend: {amount: 1000000000.01, "
                  "counter: spent}"),
            "t.yaml:21:99: \"1000000000.01\" is too much; expected at most 1000000000");
  EXPECT_EQ(error("period: month, begins: calendar, minimum_spend: {amount: 3, counter: used}"),
            "t.yaml:21:111: counter \"used\" counts no money; expected a counter with unit: "
            "money");
  EXPECT_EQ(error("validity: 1 d, allowance: 1 MiB, minimum_spend: {amount: 3, counter: spent}"),
            "t.yaml:21:75: it is of each period, and there is none; expected a period "
            "beside it");
  for (std::string_view period :
       {"period: month", "period: 2 months, begins: calendar", "period: week, begins: calendar"}) {
    EXPECT_NE(error(fmt::format("{}, minimum_spend: {{amount: 3, counter: spent}}", period))
                  .find("counter \"spent\" does not begin anew with each period of the offer"),
              std::string::npos)
        << period;
  }
  EXPECT_NE(error("period: day, begins: calendar, minimum_spend: {amount: 3, counter: today}")
                .find("counter \"today\" does not begin anew"),
            std::string::npos);
}

TEST(OfferFile, DepositsAndGiftsComeInInstalments) {
  const Offer offer = offer_of(
      "  - {name: a, period: month, covers: [{service: data}], deposit: {amount: 600, instalments: "
      "24, early_end: returned}}");
  ASSERT_TRUE(offer.instalments);
  EXPECT_EQ(offer.instalments->amount, Money(600'000'000));
  EXPECT_EQ(offer.instalments->count, 24);
  EXPECT_FALSE(offer.instalments->is_gift);
  EXPECT_TRUE(offer.instalments->is_returned);
  EXPECT_FALSE(offer.instalments->asks_minimum);
  EXPECT_TRUE(offer_of("  - {name: a, period: month, covers: [{service: data}], gift: {amount: 6, "
                       "instalments: 2}}")
                  .instalments->is_gift);

  const auto errors = [](std::string_view rest) {
    return errors_of(fmt::format("  - {{name: a, covers: [{{service: data}}], {}}}", rest));
  };
  EXPECT_EQ(errors("period: month, deposit: {amount: 0, instalments: 2}"),
            (Messages{"nothing cannot be credited"}));
  EXPECT_EQ(errors("period: month, deposit: {amount: 1000000000.01, instalments: 2}"),
            (Messages{"\"1000000000.01\" is too much"}));
  EXPECT_EQ(errors("period: month, deposit: {amount: 1, instalments: 0}").size(), 1u);
  EXPECT_EQ(errors("period: month, deposit: {amount: 1, instalments: 121}").size(), 1u);
  EXPECT_EQ(errors("period: month, deposit: {amount: 1, instalments: 2, while: minimum_spend}"),
            (Messages{"the offer has no minimum spend"}));
  EXPECT_EQ(errors("period: month, deposit: {amount: 1, instalments: 2, while: minimum_spent}"),
            (Messages{"\"minimum_spent\" is not allowed here (did you mean \"minimum_spend\"?)"}));
  EXPECT_EQ(errors("period: month, gift: {amount: 1, instalments: 2, early_end: returned}"),
            (Messages{"a gift was nobody's who could have it back"}));
  EXPECT_EQ(errors("validity: 1 d, allowance: 1 MiB, deposit: {amount: 1, instalments: 2}"),
            (Messages{"instalments come with periods, and there are none"}));
  EXPECT_EQ(errors("period: month, deposit: {amount: 1, instalments: 2}, gift: {amount: 1, "
                   "instalments: 2}"),
            (Messages{"there is a deposit already"}));
}

// The head's lines and the offer's.
CheckedTariff check_filed(std::string_view top, std::string_view offer) {
  return check_tariff("t.yaml",
                      {std::string(top) + std::string(head) +
                           fmt::format("  - {{name: a, period: month, covers: [{{service: "
                                       "data}}]{}}}",
                                       offer),
                       {}});
}

TEST(OfferFile, AFilingHasANumberAndDays) {
  const CheckedTariff good =
      check_filed("filing: required\n", ", filing: {number: 26-0815, from: 2026-01-01}");
  ASSERT_NE(good.tariff, nullptr);
  EXPECT_TRUE(good.warnings.empty());
  ASSERT_TRUE(good.tariff->offers()[0].filing);
  EXPECT_EQ(filing_text(*good.tariff->offers()[0].filing), "26-0815 from 2026-01-01");

  const auto error = [](std::string_view top, std::string_view offer) {
    const CheckedTariff checked = check_filed(top, offer);
    return checked.errors.size() == 1 ? to_string(checked.errors[0]) : "";
  };
  EXPECT_EQ(error("filing: required\n", ""),
            "t.yaml:18:12: offer \"a\" has no filing, and the tariff requires one; expected "
            "filing: {number: ..., from: 2026-01-01} in the offer");
  EXPECT_EQ(error("filing: requierd\n", ", filing: {number: 1, from: 2026-01-01}"),
            "t.yaml:1:9: \"requierd\" is not allowed here (did you mean \"required\"?); "
            "expected required");
  EXPECT_EQ(error("", ", filing: {number: 1, from: 2026-02-30}"),
            "t.yaml:17:83: \"2026-02-30\" is no day; expected a day such as 2026-01-01");
  EXPECT_EQ(error("", ", filing: {number: 1, from: 2026-02-02, until: 2026-02-01}"),
            "t.yaml:17:102: it ends before it begins; expected a day that is not before its "
            "\"from\"");
  EXPECT_EQ(
      error("", fmt::format(", filing: {{number: {}, from: 2026-01-01}}", std::string(65, '1'))),
      "t.yaml:17:74: a filing has a number of 1 to 64 bytes; expected the number under "
      "which it was filed");
  EXPECT_NE(error("", ", filing: {from: 2026-01-01}").find("number"), std::string::npos);
}

TEST(OfferFile, WhatIsOnSaleBeyondItsFilingIsWarnedOf) {
  const auto warnings = [](std::string_view top, std::string_view offer) {
    std::vector<std::string> messages;
    const CheckedTariff checked = check_filed(top, offer);
    EXPECT_TRUE(checked.errors.empty());
    for (const FileError& warning : checked.warnings) {
      messages.push_back(warning.message.substr(0, warning.message.find("; expected")));
    }
    return messages;
  };
  constexpr std::string_view of_may = ", filing: {number: 1, from: 2026-01-01, until: 2026-05-31}";
  EXPECT_EQ(warnings("valid_until: 2026-06-01T00:00:00\n", of_may), Messages());
  EXPECT_EQ(warnings("valid_until: 2026-06-01T00:00:01\n", of_may),
            (Messages{"offer \"a\" is on sale until 2026-06-01, and filed until 2026-05-31"}));
  EXPECT_EQ(warnings("", of_may),
            (Messages{"offer \"a\" is on sale without an end, and filed until 2026-05-31"}));
  EXPECT_EQ(warnings("", std::string(of_may) + ", sale: withdrawn"), Messages());
  EXPECT_EQ(warnings("", ", filing: {number: 1, from: 2026-01-02}"),
            (Messages{"offer \"a\" is on sale from 2026-01-01 on, and filed from 2026-01-02 on"}));
}

TEST(OfferFile, WhatIsPaidByDaysHasSome) {
  EXPECT_EQ(offer_of("  - {name: a, period: month, unpaid: by_days, covers: [{service: data}]}")
                .renewal->unpaid,
            Unpaid::by_days);
  EXPECT_EQ(errors_of("  - {name: a, period: day, unpaid: by_days, covers: [{service: data}]}"),
            (Messages{"there are no days of day"}));
  EXPECT_EQ(
      errors_of("  - {name: a, period: 48 hours, unpaid: by_days, covers: [{service: data}]}"),
      (Messages{"there are no days of 48 hours"}));
}

TEST(OfferFile, AFeeMayBeAnotherInAStateOfTheSubscriber) {
  const Offer offer = offer_of(
      "  - {name: a, fee: 9.00, fees: {idle: 0, suspended-outgoing: 5.00}, period: month, covers: "
      "[{service: data}]}");
  EXPECT_EQ(offer.fee_in(LifeState::active), Money(9'000'000));
  EXPECT_EQ(offer.fee_in(LifeState::idle), Money(0));
  EXPECT_EQ(offer.fee_in(LifeState::suspended_outgoing), Money(5'000'000));
  EXPECT_EQ(offer.fee_in(LifeState::suspended), Money(9'000'000));
  EXPECT_EQ(
      errors_of("  - {name: a, fees: {terminated: 1}, period: day, covers: [{service: data}]}"),
      Messages{"unknown key \"terminated\" in the fees by the subscriber's state"});
}

TEST(OfferFile, WhatIsForOffersThatRenewIsRefusedElsewhere) {
  constexpr std::string_view offer =
      "  - {{name: a, validity: 1 d, allowance: 1 B, covers: [{{service: data}}], {}}}";
  for (std::string_view key : {"begins", "first_period", "unpaid", "retry", "holders"}) {
    EXPECT_EQ(errors_of(fmt::format(offer, fmt::format("{}: full", key))),
              (Messages{fmt::format("\"{}\" is for offers that renew", key)}));
  }
}

TEST(OfferFile, AFirstPeriodIsProratedByTheCalendarOnly) {
  EXPECT_EQ(errors_of("  - {name: a, period: month, first_period: prorated, covers: [{service: "
                      "data}]}"),
            (Messages{"the first period is a whole one, from the purchase on"}));
  EXPECT_EQ(errors_of("  - {name: a, period: hour, begins: calendar, covers: [{service: data}]}"),
            (Messages{"the calendar has no hours"}));
}

TEST(OfferFile, AllowancesAreListedOrOne) {
  const Offer offer = offer_of(R"(
  - name: a
    period: week
    covers: [{service: voice}]
    allowances:
      - amount: 2 MiB
        covers: [{service: data}]
        shared: true
        priority: 7
        rollover: {periods: 2, at_most: 3 MiB}
      - {amount: 5 min, covers: [{service: voice}]})");
  ASSERT_EQ(offer.allowances.size(), 2u);
  EXPECT_EQ(offer.allowances[0].units, 2u << 20);
  EXPECT_TRUE(offer.allowances[0].is_shared);
  EXPECT_EQ(offer.allowances[0].priority, 7);
  EXPECT_EQ(offer.allowances[0].rollover, (Rollover{2, 3u << 20}));
  EXPECT_EQ(offer.allowances[1].unit, Unit::seconds);
  EXPECT_EQ(offer.allowances[1].rollover.periods, 0);
  EXPECT_EQ(errors_of("  - {name: a, period: day, allowance: 1 B, covers: [{service: data}], "
                      "allowances: [{amount: 1 B, covers: [{service: data}]}]}"),
            (Messages{"there is a list of allowances already"}));
  EXPECT_EQ(errors_of("  - {name: a, validity: 1 d, allowances: [{amount: 1 B, covers: [{service: "
                      "data}], rollover: {periods: 1}}]}"),
            (Messages{"nothing is left over where there is no next period"}));
}

TEST(OfferFile, OffersNameOthersThatThereAre) {
  constexpr std::string_view rest = "period: day, covers: [{service: data}]";
  const auto errors = [rest](std::string_view a, std::string_view b) {
    return errors_of(
        fmt::format("  - {{name: a, {}, {}}}\n  - {{name: b, {}, {}}}", rest, a, rest, b));
  };
  EXPECT_EQ(errors("requires: [b]", "family: x"), Messages());
  EXPECT_EQ(errors("requires: [bb]", "family: x"), (Messages{"unknown offer \"bb\""}));
  EXPECT_EQ(errors("requires: [a]", "family: x"), (Messages{"offer \"a\" names itself"}));
  EXPECT_EQ(errors("requires: [b]", "requires: [a]"),
            (Messages{"offer \"b\" depends on itself by way of \"a\""}));
  EXPECT_EQ(errors("sale: ended, successor: b", "family: x"), Messages());
  EXPECT_EQ(errors("successor: b", "family: x"), (Messages{"nobody is moved from this offer"}));
  EXPECT_EQ(errors("sale: ended, successor: b", "sale: ended"),
            (Messages{"\"b\" cannot follow \"a\": it has ended, too"}));
}

TEST(OfferFile, APassIsAnOfferThatCoversWhatItIsFor) {
  const auto errors = [](std::string_view pass, std::string_view covers) {
    std::string text(head);
    const std::string_view price = "{default: true, amount: 0.20, per: 1 MiB}";
    text.replace(text.find(price), price.size(),
                 fmt::format("{{default: true, pass: {}, amount: 0.20, per: 1 MiB}}", pass));
    text += fmt::format(
        "  - {{name: day, validity: day, allowance: 1 s, covers: [{{service: {}}}]}}", covers);
    std::vector<std::string> messages;
    for (const FileError& error : check_tariff("t.yaml", {text, {}}).errors) {
      messages.push_back(error.message.substr(0, error.message.find("; expected")));
    }
    return messages;
  };
  EXPECT_EQ(errors("day", "voice"), (Messages{"the pass \"day\" does not cover \"data/*\""}));
  EXPECT_EQ(errors("daz", "voice"), (Messages{"unknown offer \"daz\" (did you mean \"day\"?)"}));
}

// --- Periods -------------------------------------------------------------------------------------

class Periods : public testing::Test {
 protected:
  static base::Time at(std::string_view text) { return *parse_local_time("Europe/Berlin", text); }
  std::string begin(OfferPeriod period, bool is_calendar, std::string_view anchor,
                    std::uint32_t n) const {
    return local_time_text("Europe/Berlin", clock_.period(period, is_calendar, at(anchor), n).from);
  }

  PeriodClock clock_{"Europe/Berlin"};
};

TEST_F(Periods, AnAnniversaryIsTheSameTimeOfDay) {
  const OfferPeriod month{PeriodUnit::month, 1};
  EXPECT_EQ(begin(month, false, "2026-01-31T18:30:00", 0), "2026-01-31T18:30:00");
  EXPECT_EQ(begin(month, false, "2026-01-31T18:30:00", 1), "2026-02-28T18:30:00");
  EXPECT_EQ(begin(month, false, "2026-01-31T18:30:00", 2), "2026-03-31T18:30:00");
  EXPECT_EQ(begin(month, false, "2026-01-31T18:30:00", 25), "2028-02-29T18:30:00");
  EXPECT_EQ(begin({PeriodUnit::year, 1}, false, "2028-02-29T00:00:00", 1), "2029-02-28T00:00:00");
  EXPECT_EQ(begin({PeriodUnit::year, 1}, false, "2028-02-29T00:00:00", 4), "2032-02-29T00:00:00");
  EXPECT_EQ(begin({PeriodUnit::week, 2}, false, "2026-01-05T09:00:00", 3), "2026-02-16T09:00:00");
}

TEST_F(Periods, DaylightSavingMovesNoAnniversary) {
  const OfferPeriod day{PeriodUnit::day, 1};
  // March 29, 2026 has no 02:30; October 25 has two.
  EXPECT_EQ(begin(day, false, "2026-03-28T02:30:00", 1), "2026-03-29T03:00:00");
  EXPECT_EQ(begin(day, false, "2026-03-28T02:30:00", 2), "2026-03-30T02:30:00");
  EXPECT_EQ(begin(day, false, "2026-10-24T12:00:00", 1), "2026-10-25T12:00:00");
  EXPECT_EQ(clock_.period(day, false, at("2026-10-24T12:00:00"), 0).to - at("2026-10-24T12:00:00"),
            std::chrono::hours(25));
  EXPECT_EQ(clock_.period({PeriodUnit::hour, 24}, false, at("2026-10-24T12:00:00"), 0).to -
                at("2026-10-24T12:00:00"),
            std::chrono::hours(24));
}

TEST_F(Periods, TheCalendarsBeginWithIt) {
  const OfferPeriod month{PeriodUnit::month, 1};
  EXPECT_EQ(begin(month, true, "2026-01-31T18:30:00", 0), "2026-01-31T18:30:00");
  EXPECT_EQ(begin(month, true, "2026-01-31T18:30:00", 1), "2026-02-01T00:00:00");
  EXPECT_EQ(begin({PeriodUnit::month, 3}, true, "2026-02-10T12:00:00", 1), "2026-05-01T00:00:00");
  EXPECT_EQ(begin({PeriodUnit::week, 1}, true, "2026-02-10T12:00:00", 1), "2026-02-16T00:00:00");
  EXPECT_EQ(begin({PeriodUnit::year, 1}, true, "2026-02-10T12:00:00", 1), "2027-01-01T00:00:00");
  const Share share = clock_.days_left(month, at("2026-02-10T12:00:00"));
  EXPECT_EQ(share.part, 19);
  EXPECT_EQ(share.whole, 28);
}

// Each period ends where the next one begins, and none is empty.
TEST_F(Periods, FollowOneAnother) {
  for (const PeriodUnit unit :
       {PeriodUnit::hour, PeriodUnit::day, PeriodUnit::week, PeriodUnit::month, PeriodUnit::year}) {
    for (const bool is_calendar : {false, true}) {
      if (unit == PeriodUnit::hour && is_calendar) continue;
      base::Time end = at("2026-01-31T02:30:00");
      for (std::uint32_t n = 0; n < 60; ++n) {
        const TimeSpan span = clock_.period({unit, 1}, is_calendar, at("2026-01-31T02:30:00"), n);
        EXPECT_EQ(span.from, end);
        EXPECT_LT(span.from, span.to);
        end = span.to;
      }
    }
  }
}

}  // namespace
}  // namespace farthing::tariffs
