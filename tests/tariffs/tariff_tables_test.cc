#include "tariffs/local_time.h"
#include "tariffs/tariff_file.h"
#include "tests/support/replaced.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace farthing::tariffs {
namespace {

using test::replaced;
using testing::ElementsAre;
using testing::HasSubstr;

std::string sample(const std::string& name) {
  std::ifstream file(std::filesystem::path(FARTHING_SAMPLES) / name);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

TariffSource sample_source() {
  TariffSource source{sample("zones-and-times.yaml"), {}};
  for (const std::string& file : table_files(source.text)) {
    source.tables.push_back({file, sample(file)});
  }
  return source;
}

class ZonesAndTimes : public testing::Test {
 protected:
  void SetUp() override {
    // From the bytes, as a ledger keeps them.
    auto compiled = compile_tariff("sample.yaml", canonical_bytes(sample_source()));
    if (!compiled) {
      for (const FileError& error : compiled.error()) ADD_FAILURE() << to_string(error);
    }
    ASSERT_TRUE(compiled.has_value());
    tariff_ = *compiled;
  }

  std::string voice(std::string_view number, std::string_view time) const {
    Facts facts;
    facts.called_number = number;
    facts.time = *parse_local_time("Asia/Shanghai", time);
    return name(tariff_->find("32260@3gpp.org", {}, facts));
  }
  std::string data(std::string_view apn, std::string_view network, int rat_type) const {
    Facts facts;
    facts.access_point = apn;
    facts.serving_network = network;
    facts.rat_type = static_cast<std::uint8_t>(rat_type);
    return name(tariff_->find("32251@3gpp.org", RatingGroup(7), facts));
  }
  static std::string name(const Rule* rule) { return rule == nullptr ? "none" : rule->name; }

  std::shared_ptr<const Tariff> tariff_;
};

TEST_F(ZonesAndTimes, TheFirstRuleThatHoldsWins) {
  const std::string cheap = "voice/*/cn+cn-mobile/night+free-day";
  EXPECT_EQ(voice("8613800138000", "2026-11-20T12:00:00"), "voice/*/cn+cn-mobile");
  EXPECT_EQ(voice("8613800138000", "2026-11-21T12:00:00"), cheap) << "a Saturday";
  EXPECT_EQ(voice("8613800138000", "2026-11-19T23:00:00"), cheap);
  EXPECT_EQ(voice("8613800138000", "2026-11-20T06:59:59"), cheap);
  EXPECT_EQ(voice("8613800138000", "2026-11-20T07:00:00"), "voice/*/cn+cn-mobile");
  EXPECT_EQ(voice("861012345678", "2026-10-01T12:00:00"), cheap) << "a holiday";
  EXPECT_EQ(voice("861012345678", "2026-10-10T12:00:00"), "voice/*/cn+cn-mobile")
      << "a Saturday worked";
  EXPECT_EQ(voice("493012345", "2026-11-21T12:00:00"), "voice/*/eu");
  EXPECT_EQ(voice("12125550100", "2026-11-20T12:00:00"), "voice/*");
  EXPECT_EQ(voice("", "2026-11-20T12:00:00"), "voice/*");
  EXPECT_FALSE(tariff_->find("32260@3gpp.org", {})->terms) << "nothing known: the last resort";
}

TEST_F(ZonesAndTimes, ByAccessPointAndNetwork) {
  EXPECT_EQ(data("IMS", "26201", 6), "data/*/ims");
  EXPECT_EQ(data("internet", "46000", 6), "data/*/EUTRAN+51/460+45412");
  EXPECT_EQ(data("internet", "45412", 51), "data/*/EUTRAN+51/460+45412");
  EXPECT_EQ(data("internet", "45400", 6), "data/*");
  EXPECT_EQ(data("internet", "46000", 1), "data/*");
}

TEST_F(ZonesAndTimes, SaysWhenAnotherRuleMayWin) {
  Facts facts;
  facts.called_number = "8613800138000";
  facts.time = *parse_local_time("Asia/Shanghai", "2026-11-20T19:59:00");
  const auto next = tariff_->prices("32260@3gpp.org", {})->next_change(facts);
  EXPECT_EQ(next, *parse_local_time("Asia/Shanghai", "2026-11-20T20:00:00"));
  EXPECT_FALSE(tariff_->prices("32251@3gpp.org", {})->next_change(facts))
      << "no price depends on time";
  facts.time.reset();
  EXPECT_FALSE(tariff_->prices("32260@3gpp.org", {})->next_change(facts));
}

// A small tariff with everything that conditions need; each test puts an error or two into it.
constexpr std::string_view good = R"(tariff: small
currency: EUR
time_zone: Europe/Berlin
valid_from: 2026-01-01T00:00:00
tables: {zones: z.csv, holidays: h.csv}
calendars:
  office:
    holidays: true
    default: off-peak
    classes: {peak: [{days: mon-fri, from: 08:00, to: 20:00}]}
services:
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 1 h}
    rating_groups: {1: home}
    prices:
      - {rating_group: 1, zone: eu, time: peak, amount: 0.10, per: 1 min}
      - {default: true, zone: [eu, us], amount: 0.20, per: 1 min}
      - {default: true, amount: 0.30, per: 1 min}
)";
constexpr std::string_view zones = "prefix,zone\n49,eu\n1,us\n";
constexpr std::string_view holidays = "date,counts_as\n2026-05-01,holiday\n";

std::vector<std::string> errors_of(const TariffSource& source) {
  const auto compiled = compile_tariff("t.yaml", source);
  std::vector<std::string> lines;
  if (compiled) return lines;
  for (const FileError& error : compiled.error()) lines.push_back(to_string(error));
  return lines;
}

TariffSource source_of(std::string text) {
  return {std::move(text), {{"h.csv", std::string(holidays)}, {"z.csv", std::string(zones)}}};
}

std::vector<std::string> fault(std::string_view from, std::string_view to) {
  return errors_of(source_of(replaced(good, from, to)));
}

TEST(TariffTables, AGroupsPricesComeBeforeTheDefaultOnes) {
  const auto compiled = compile_tariff("t.yaml", source_of(std::string(good)));
  ASSERT_TRUE(compiled) << to_string(compiled.error().at(0));
  Facts facts;
  facts.called_number = "49301234";
  facts.time = *parse_local_time("Europe/Berlin", "2026-11-20T12:00:00");
  const auto found = [&](std::optional<RatingGroup> group) {
    return (*compiled)->find("32260@3gpp.org", group, facts)->name;
  };
  EXPECT_EQ(found(RatingGroup(1)), "voice/1/eu/peak");
  EXPECT_EQ(found(std::nullopt), "voice/*/eu+us");
  facts.time = *parse_local_time("Europe/Berlin", "2026-11-20T21:00:00");
  EXPECT_EQ(found(RatingGroup(1)), "voice/*/eu+us");
  facts.called_number = "33";
  EXPECT_EQ(found(RatingGroup(1)), "voice/*");
}

TEST(TariffTables, FilesThatATariffNames) {
  EXPECT_THAT(table_files(good), ElementsAre("z.csv", "h.csv"));
  EXPECT_THAT(table_files("tables: {zones: ../../secret, holidays: h.csv}"), ElementsAre("h.csv"));
  EXPECT_THAT(table_files("tariff: a\n"), ElementsAre());
  EXPECT_THAT(table_files("[not, a, tariff"), ElementsAre());
}

TEST(TariffTables, TableErrors) {
  EXPECT_THAT(fault("zones: z.csv", "zonse: z.csv"),
              testing::Contains("t.yaml:5:10: unknown key \"zonse\" in the tables (did you mean "
                                "\"zones\"?); expected holidays, zones"));
  EXPECT_THAT(fault("holidays: h.csv", "holidays: days.csv"),
              ElementsAre("t.yaml: the table \"h.csv\" came along; expected only tables that the "
                          "tariff names under tables",
                          "t.yaml:5:34: the table \"days.csv\" is not there; expected a file of "
                          "this name beside the tariff",
                          HasSubstr("t.yaml:8:15: the tariff has no table of holidays")));
  EXPECT_THAT(fault("zones: z.csv", "zones: ../z.csv"),
              testing::Contains(HasSubstr("t.yaml:5:17: \"../z.csv\" is no name")));
}

TEST(TariffTables, ErrorsInTablesComeInTheSameRun) {
  TariffSource source = source_of(replaced(good, "EUR", "EURO"));
  source.tables[0].text += "2026-13-01,holiday\n";
  source.tables[1].text += "49,us\n";
  EXPECT_THAT(
      errors_of(source),
      ElementsAre(HasSubstr("t.yaml:2:11: \"EURO\" is no currency"),
                  "z.csv:4:1: the prefix 49 is there already, in line 2; expected each prefix once",
                  "h.csv:3:1: \"2026-13-01\" is no date; expected YYYY-MM-DD, from 2000 to 2199"));
}

TEST(TariffTables, UnknownNames) {
  EXPECT_THAT(fault("[eu, us]", "[eu, usa]"),
              ElementsAre("t.yaml:19:36: unknown zone \"usa\" (did you mean \"us\"?); expected one "
                          "of eu, us"));
  EXPECT_THAT(fault("time: peak", "time: paek"),
              ElementsAre("t.yaml:18:43: unknown time class \"paek\" (did you mean \"peak\"?); "
                          "expected one of peak, off-peak"));
  EXPECT_THAT(fault("zone: [eu, us]", "rat_type: EUTRNA"),
              ElementsAre(HasSubstr("t.yaml:19:35: unknown RAT type \"EUTRNA\" (did you mean "
                                    "\"EUTRAN\"?); expected one of UTRAN")));
  EXPECT_THAT(fault("zone: [eu, us]", "serving_network: [262, 2620]"),
              ElementsAre("t.yaml:19:48: \"2620\" is no network; expected an MCC (3 digits) for a "
                          "whole country, or MCC and MNC (5 or 6 digits)"));
  EXPECT_THAT(fault("zone: [eu, us]", "apn: \"in ternet\""),
              ElementsAre(HasSubstr("t.yaml:19:30: \"in ternet\" is no access point")));
  EXPECT_THAT(fault("[eu, us]", "[]"),
              ElementsAre("t.yaml:19:31: there are 0 values; expected 1 to 1000"));
  EXPECT_THAT(fault("[eu, us]", "[eu, eu]"),
              ElementsAre("t.yaml:19:36: \"eu\" is there twice; expected each once"));
}

TEST(TariffTables, ConditionsWithoutTheirTables) {
  const std::string text = replaced(good, "tables: {zones: z.csv, holidays: h.csv}\n", "");
  EXPECT_THAT(errors_of({text, {}}),
              ElementsAre(HasSubstr("t.yaml:7:15: the tariff has no table of holidays"),
                          "t.yaml:17:33: the tariff has no table of zones; expected tables: "
                          "{zones: FILE} at the top of the tariff",
                          HasSubstr("t.yaml:18:31: the tariff has no table of zones")));
}

TEST(TariffTables, PricesThatCanNeverWin) {
  EXPECT_THAT(fault("{default: true, zone: [eu, us], amount: 0.20",
                    "{default: true, amount: 0.20, per: 1 min}\n      - {default: true, zone: us, "
                    "amount: 0.20"),
              testing::Contains(
                  "t.yaml:20:9: \"voice/*/us\" can never win: where it holds, \"voice/*\" in line "
                  "19 does, too; expected the price with more conditions first"));
  EXPECT_THAT(fault("{default: true, amount: 0.30",
                    "{default: true, zone: us, price: none}\n      - {default: true, amount: 0.30"),
              ElementsAre("t.yaml:20:9: \"voice/*/us\" can never win: where it holds, "
                          "\"voice/*/eu+us\" in line 19 does, too; expected the price with more "
                          "conditions first"));
  EXPECT_THAT(fault("zone: [eu, us]", "time: [peak, off-peak]"),
              ElementsAre("t.yaml:20:9: \"voice/*\" can never win: where it holds, "
                          "\"voice/*/peak+off-peak\" in line 19 does, too; expected the price with "
                          "more conditions first"));
}

TEST(TariffTables, PricesForEveryCase) {
  EXPECT_THAT(fault("{default: true, amount: 0.30", "{default: true, time: peak, amount: 0.30"),
              ElementsAre("t.yaml:18:9: there is no price where the conditions of "
                          "\"voice/1/eu/peak\" and the like do not hold; expected a last price "
                          "without conditions (\"price: none\" where there is none)",
                          HasSubstr("t.yaml:19:9: there is no price where the conditions of "
                                    "\"voice/*/eu+us\" and the like do not hold")));
  const std::string both =
      "{default: true, time: peak, amount: 0.30, per: 1 min}\n"
      "      - {default: true, time: off-peak, amount: 0.30";
  EXPECT_THAT(fault("{default: true, amount: 0.30", both), ElementsAre())
      << "all classes are there";
}

TEST(TariffTables, ClassesOfTwoCalendars) {
  const std::string second = "  weekly:\n    default: rest\n    classes: {sunday: [{days: sun}]}\n";
  EXPECT_THAT(fault("services:", second + "services:"), ElementsAre());
  EXPECT_THAT(errors_of(source_of(replaced(replaced(good, "services:", second + "services:"),
                                           "time: peak", "time: [peak, sunday]"))),
              ElementsAre("t.yaml:21:50: \"sunday\" is a class of calendar \"weekly\"; expected "
                          "classes of calendar \"office\", as the first one here"));
  EXPECT_THAT(fault("services:", "  weekly: {default: peak, classes: {}}\nservices:"),
              ElementsAre("t.yaml:11:3: calendar \"office\" has a class \"peak\" too; expected "
                          "names of its own for each calendar's classes"));
}

TEST(TariffTables, BytesThatAreNoSource) {
  const auto compiled = compile_tariff("t.yaml", "\x01 something else");
  ASSERT_FALSE(compiled);
  EXPECT_EQ(to_string(compiled.error().at(0)),
            "t.yaml: a tariff in a format that is not known here; expected format 1 or YAML");
}

}  // namespace
}  // namespace farthing::tariffs
