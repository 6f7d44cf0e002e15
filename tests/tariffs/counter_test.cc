// Periods of a time zone, and counters as a tariff file has them.
#include "tariffs/counter.h"
#include "tariffs/explain.h"
#include "tariffs/tariff_file.h"
#include "tests/support/replaced.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

base::Time utc(std::string_view text) { return *parse_local_time("Etc/UTC", text); }

std::string span(std::string_view zone, Period period, std::string_view time,
                 std::uint8_t billing_day = billing_day_usual) {
  const TimeSpan span = PeriodClock(zone).span(period, utc(time), billing_day);
  return local_time_text("Etc/UTC", span.from) + " " + local_time_text("Etc/UTC", span.to);
}

TEST(PeriodClock, DaysWeeksAndMonthsAreOfTheZone) {
  EXPECT_EQ(span("Asia/Shanghai", Period::day, "2026-06-30T17:00:00"),
            "2026-06-30T16:00:00 2026-07-01T16:00:00");
  EXPECT_EQ(span("Asia/Shanghai", Period::week, "2026-06-30T15:59:59"),  // a Tuesday
            "2026-06-28T16:00:00 2026-07-05T16:00:00");
  EXPECT_EQ(span("Asia/Shanghai", Period::month, "2026-06-30T16:00:00"),
            "2026-06-30T16:00:00 2026-07-31T16:00:00");
  EXPECT_EQ(span("Asia/Shanghai", Period::month, "2028-02-20T00:00:00"),  // a leap year
            "2028-01-31T16:00:00 2028-02-29T16:00:00");
  EXPECT_EQ(span("Etc/UTC", Period::month, "2026-12-31T23:59:59"),
            "2026-12-01T00:00:00 2027-01-01T00:00:00");
}

TEST(PeriodClock, BillingMonthsBeginWithAnyDayThatEveryMonthHas) {
  EXPECT_EQ(span("Asia/Shanghai", Period::billing_month, "2026-03-14T15:59:59", 15),
            "2026-02-14T16:00:00 2026-03-14T16:00:00");
  EXPECT_EQ(span("Asia/Shanghai", Period::billing_month, "2026-03-14T16:00:00", 15),
            "2026-03-14T16:00:00 2026-04-14T16:00:00");
  EXPECT_EQ(span("Etc/UTC", Period::billing_month, "2028-03-27T12:00:00", 28),
            "2028-02-28T00:00:00 2028-03-28T00:00:00");
  EXPECT_EQ(span("Etc/UTC", Period::billing_month, "2026-05-01T00:00:00"),
            "2026-05-01T00:00:00 2026-06-01T00:00:00");
}

TEST(PeriodClock, DaysOfTwentyThreeAndTwentyFiveHours) {
  EXPECT_EQ(span("Europe/Berlin", Period::day, "2026-03-29T12:00:00"),
            "2026-03-28T23:00:00 2026-03-29T22:00:00");
  EXPECT_EQ(span("Europe/Berlin", Period::day, "2026-10-25T12:00:00"),
            "2026-10-24T22:00:00 2026-10-25T23:00:00");
}

// In Beirut clocks go from 00:00 to 01:00, and back from 00:00 to 23:00 of the day before.
TEST(PeriodClock, ADayBeginsOnceWhateverClocksDoAtMidnight) {
  EXPECT_EQ(span("Asia/Beirut", Period::day, "2021-03-28T00:00:00"),
            "2021-03-27T22:00:00 2021-03-28T21:00:00");
  const PeriodClock clock("Asia/Beirut");
  for (base::Time at = utc("2021-01-01T00:00:00"); at < utc("2022-01-01T00:00:00");
       at += std::chrono::minutes(30)) {
    const TimeSpan day = clock.span(Period::day, at);
    ASSERT_TRUE(day.from <= at && at < day.to) << local_time_text("Etc/UTC", at);
    ASSERT_EQ(clock.span(Period::day, day.to).from, day.to) << local_time_text("Etc/UTC", at);
  }
}

constexpr std::string_view file = R"(tariff: counted
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2026-01-01T00:00:00
counters:
  month: {unit: octets, period: month, covers: [{service: data}], thresholds: [1 GiB]}
  spent: {unit: money, period: day}
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB}
    prices:
      - {default: true, counted: {spent: {from: 5.00}}, amount: 0.50, per: 1 MiB, step: 1 MiB}
      - default: true
        over: month
        per: 1 MiB
        step: 1 MiB
        tiers: [{upto: 3 MiB, amount: 1.00}, {amount: 0.80}]
  calls:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 1 h}
    prices: [{default: true, amount: 0.10, per: 1 min}]
)";

std::vector<std::string> faults(std::string_view old_text, std::string_view new_text) {
  std::vector<std::string> texts;
  const std::string text = test::replaced(file, old_text, new_text);
  for (const FileError& error : check_tariff("t.yaml", {text, {}}).errors) {
    texts.push_back(to_string(error));
  }
  return texts;
}

TEST(CounterFile, SaysWhatIsWrong) {
  EXPECT_THAT(faults("1 GiB]", "1 GiB, 1 MiB]"),
              ElementsAre(HasSubstr("it is not above the one before; expected rising thresholds")));
  EXPECT_THAT(faults("covers: [{service: data}]", "covers: [{service: calls}]"),
              ElementsAre(HasSubstr("service \"calls\" is counted in seconds"),
                          HasSubstr("goes by counter \"month\", which does not count it")));
  EXPECT_THAT(faults(", covers: [{service: data}]", ""),
              ElementsAre(HasSubstr("the key \"covers\" is missing in counter \"month\"")));
  EXPECT_THAT(faults("period: day", "period: year"),
              ElementsAre(HasSubstr("expected one of day, week, month, billing_month")));
  EXPECT_THAT(faults("{unit: money, period: day}", "{unit: money, period: day, paid: true}"),
              ElementsAre(HasSubstr("money is always paid")));
  EXPECT_THAT(faults("over: month", "over: months"),
              ElementsAre(HasSubstr("unknown counter \"months\" (did you mean \"month\"?)")));
  EXPECT_THAT(
      faults("over: month", "over: spent"),
      ElementsAre(HasSubstr("counter \"spent\" counts money; expected a counter of octets")));
  EXPECT_THAT(faults("tiers: [", "slabs: ["), ElementsAre(HasSubstr("do not go with \"over\"")));
  EXPECT_THAT(faults("tiers: [{upto: 3 MiB, amount: 1.00}, {amount: 0.80}]", "amount: 1.00"),
              ElementsAre(HasSubstr("there is nothing that goes by the counter")));
  EXPECT_THAT(faults("{spent: {from: 5.00}}", "{spent: {from: 5.00, below: 5.00}}"),
              ElementsAre(HasSubstr("the range ends before it begins")));
  EXPECT_THAT(faults("{spent: {from: 5.00}}", "{spent: {}}"),
              ElementsAre(HasSubstr("the range has no end")));
  EXPECT_THAT(faults("{spent: {from: 5.00}}", "{gone: {from: 5.00}}"),
              ElementsAre(HasSubstr("unknown counter \"gone\"")));
  EXPECT_THAT(faults("over: month\n", "over: month\n        stop: true\n"),
              ElementsAre(HasSubstr("nothing is used up here that it could stop at")));
  EXPECT_THAT(
      faults("        tiers:", "        cap: [{amount: 1.00}, {amount: 2.00}]\n        tiers:"),
      ElementsAre(HasSubstr("these are two caps of one kind")));
}

TEST(CeilingFile, SaysWhatIsWrong) {
  const auto wrong = [](std::string_view ceiling) {
    return faults("services:", "ceilings:\n  top: " + std::string(ceiling) + "\nservices:");
  };
  EXPECT_THAT(wrong("{counter: moth, at: 1 GiB}"),
              ElementsAre(HasSubstr("did you mean \"month\"")));
  EXPECT_THAT(wrong("{counter: month}"), ElementsAre(HasSubstr("\"at\" is missing")));
  EXPECT_THAT(wrong("{counter: month, at: 0 B}"), ElementsAre(HasSubstr("out of range")));
  EXPECT_THAT(wrong("{counter: spent, at: 1 GiB}"), ElementsAre(HasSubstr("amount")));
  EXPECT_THAT(wrong("{counter: month, at: 1 GiB, notes: [80 %, 50 %]}"),
              ElementsAre(HasSubstr("not above the one before")));
  EXPECT_THAT(wrong("{counter: month, at: 1 GiB, notes: [100 %]}"),
              ElementsAre(HasSubstr("no whole percentage below")));
  EXPECT_THAT(faults("counted: {spent: {from: 5.00}}", "beyond: top"),
              ElementsAre(HasSubstr("unknown ceiling \"top\"")));
}

TEST(CounterFile, ACounterThatIsCountedOtherwiseIsAnotherOne) {
  CounterRule rule;
  rule.name = "month";
  const CounterKey key = counter_key(rule);
  rule.thresholds = {1};
  EXPECT_EQ(counter_key(rule), key);
  rule.period = Period::day;
  EXPECT_NE(counter_key(rule), key);
}

// What a price tool says of it, step by step.
TEST(CountedPrice, IsSplitAtTheUnitThatReachesAThreshold) {
  const CheckedTariff checked = check_tariff("t.yaml", {std::string(file), {}});
  ASSERT_NE(checked.tariff, nullptr);
  const auto cost = [&](std::uint64_t mib, std::vector<std::uint64_t> counted) {
    Facts facts;
    facts.time = utc("2026-06-01T00:00:00");
    facts.counted = counted;
    const auto price =
        price_units(*checked.tariff, "32251@3gpp.org", std::nullopt, mib << 20, facts);
    return price.has_value() ? price->total.to_string() : "none";
  };
  EXPECT_EQ(cost(4, {}), "3.800000");
  EXPECT_EQ(cost(4, {2 << 20, 0}), "3.400000");
  // 3.00 + 0.80 + 0.80 + 0.80 are 5.40; then half price.
  EXPECT_EQ(cost(8, {}), "6.400000");
  EXPECT_EQ(cost(2, {0, 4'500'000}), "1.500000");
  EXPECT_EQ(cost(std::uint64_t{1} << 43, {}), "none");
}

}  // namespace
}  // namespace farthing::tariffs
