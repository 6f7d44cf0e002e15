#include "tariffs/calendar_file.h"
#include "tests/support/replaced.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace farthing::tariffs {
namespace {

using test::replaced;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view good = R"(office:
  holidays: true
  default: off-peak
  classes:
    peak:
      - {days: mon-fri, from: 08:00, to: 20:00}
    night:
      - {days: [mon-fri, sun], from: 22:00, to: 06:00}
    weekend:
      - {days: [sat, holiday]}
)";

DayTable may_day() {
  FileErrors errors("d");
  return DayTable::read("date,counts_as\n2026-05-01,holiday\n", errors);
}

CalendarParts read(std::string_view text, FileErrors& errors, bool has_table = true) {
  const std::optional<YamlNode> root = read_yaml(text, errors);
  const DayTable days = may_day();
  return read_calendar(root.value().entries.at(0), "Etc/UTC", has_table ? &days : nullptr, errors);
}

std::vector<std::string> errors_of(std::string_view text, bool has_table = true) {
  FileErrors errors("t.yaml");
  read(text, errors, has_table);
  std::vector<std::string> lines;
  for (const FileError& error : errors.take()) lines.push_back(to_string(error));
  return lines;
}

std::vector<std::string> fault(std::string_view from, std::string_view to) {
  return errors_of(replaced(good, from, to));
}

TEST(CalendarFile, ReadsAGoodOne) {
  const std::string text =
      replaced(good, "days: [mon-fri, sun], from: 22:00", "days: sun, from: 22:00");
  FileErrors errors("t.yaml");
  const CalendarParts parts = read(text, errors);
  ASSERT_TRUE(errors.empty()) << to_string(errors.take().at(0));
  EXPECT_EQ(parts.name, "office");
  EXPECT_THAT(parts.classes, ElementsAre("peak", "night", "weekend", "off-peak"));
  EXPECT_EQ(parts.default_class, TimeClass(3));
  ASSERT_EQ(parts.ranges.size(), 3u);
  EXPECT_EQ(parts.ranges[0].days, 0x1f);
  EXPECT_EQ(parts.ranges[0].from, 8 * 60);
  EXPECT_EQ(parts.ranges[0].to, 20 * 60);
  EXPECT_EQ(parts.ranges[2].days, 0xa0);
  EXPECT_EQ(parts.ranges[2].to, minutes_a_day);
  EXPECT_EQ(parts.days.days().size(), 1u);
}

TEST(CalendarFile, MidnightEndsARange) {
  FileErrors errors("t.yaml");
  const CalendarParts parts =
      read("c: {default: a, classes: {b: [{days: all, from: 20:00, to: 00:00}]}}", errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(parts.ranges.at(0).to, minutes_a_day);
}

TEST(CalendarFile, WhoseTimeItIs) {
  for (const auto& [text, is_visited] :
       {std::pair("c: {time: visited, default: a, classes: {}}", true),
        std::pair("c: {time: home, default: a, classes: {}}", false),
        std::pair("c: {default: a, classes: {}}", false)}) {
    FileErrors errors("t.yaml");
    EXPECT_EQ(read(text, errors).is_visited, is_visited);
  }
  EXPECT_THAT(errors_of("c: {time: roaming, default: a, classes: {}}").at(0),
              ::testing::HasSubstr("expected one of home, visited"));
}

TEST(CalendarFile, ARangeAcrossMidnightThatMeetsTheNextDay) {
  EXPECT_THAT(errors_of(good),
              ElementsAre("t.yaml:10:9: this overlaps the range in line 8: both hold on sat from "
                          "00:00 to 06:00; expected one class at a time"));
}

TEST(CalendarFile, OverlapsAndHoles) {
  EXPECT_THAT(fault("days: [mon-fri, sun], from: 22:00", "days: mon, from: 19:00"),
              ElementsAre("t.yaml:8:9: this overlaps the range in line 6: both hold on mon from "
                          "19:00 to 20:00; expected one class at a time"));
  const std::string_view without_default = R"(c:
  classes:
    work: [{days: mon-fri, from: 06:00, to: 24:00}]
    free: [{days: [sat, sun], to: 22:30}]
)";
  EXPECT_THAT(
      errors_of(without_default),
      ElementsAre(HasSubstr("t.yaml:1:1: calendar \"c\" has a hole: on tue from 00:00 to 06:00"),
                  HasSubstr("a hole: on wed from 00:00 to 06:00"), HasSubstr("a hole: on thu"),
                  HasSubstr("a hole: on fri"),
                  "t.yaml:1:1: calendar \"c\" has a hole: on sat from 22:30 to 24:00, after fri, "
                  "there is no class; expected a range for it, or a default class",
                  HasSubstr("a hole: on sun from 22:30 to 24:00"),
                  HasSubstr("a hole: on mon from 00:00 to 06:00")));
  EXPECT_THAT(errors_of("c: {holidays: true, classes: {work: [{days: [mon-sun]}]}}"),
              ElementsAre("t.yaml:1:1: calendar \"c\" has a hole: on holiday (2026-05-01) from "
                          "00:00 to 24:00, after thu, there is no class; expected a range for it, "
                          "or a default class"));
}

TEST(CalendarFile, TimeAndDayErrors) {
  EXPECT_THAT(fault("from: 08:00", "from: 8:00"),
              ElementsAre("t.yaml:6:31: \"8:00\" is no such time; expected a local time of the day "
                          "from 00:00 to 23:59"));
  EXPECT_THAT(fault("to: 20:00", "to: 24:01"),
              ElementsAre("t.yaml:6:42: \"24:01\" is no such time; expected a local time of the "
                          "day from 00:00 to 24:00"));
  EXPECT_THAT(fault("to: 20:00", "to: 08:00"),
              ElementsAre("t.yaml:6:9: the range ends where it begins; expected from: 00:00 and "
                          "to: 24:00 for a whole day"));
  EXPECT_THAT(fault("days: mon-fri, from: 08", "days: fri-mon, from: 08"),
              ElementsAre(HasSubstr("t.yaml:6:16: \"fri-mon\" are no days")));
  EXPECT_THAT(fault("[sat, holiday]", "[sat, holyday]"),
              ElementsAre("t.yaml:10:22: \"holyday\" are no days (did you mean \"holiday\"?); "
                          "expected all, or some of mon, tue, wed, thu, fri, sat, sun, mon-fri and "
                          "the like, holiday"));
  EXPECT_THAT(fault("[sat, holiday]", "[]"),
              ElementsAre(HasSubstr("t.yaml:10:16: there are no days; expected all, or some")));
  EXPECT_THAT(fault("days: mon-fri, from: 08:00", "dyas: mon-fri, from: 08:00"),
              ElementsAre(HasSubstr("t.yaml:6:9: the key \"days\" is missing in a range of time"),
                          HasSubstr("t.yaml:6:10: unknown key \"dyas\" in a range of time (did you "
                                    "mean \"days\"?)")));
}

TEST(CalendarFile, HolidayErrors) {
  EXPECT_THAT(errors_of(good, false),
              ElementsAre("t.yaml:2:13: the tariff has no table of holidays; expected tables: "
                          "{holidays: FILE} at the top of the tariff"));
  EXPECT_THAT(fault("holidays: true", "holidays: false"),
              ElementsAre("t.yaml:10:22: the calendar knows no holidays; expected holidays: true "
                          "in the calendar, and a table of holidays"));
}

TEST(CalendarFile, NameErrors) {
  EXPECT_THAT(fault("office:", "my office:"),
              ElementsAre(HasSubstr("t.yaml:1:1: \"my office\" is no name")));
  EXPECT_THAT(fault("    night:", "    late night:"),
              ElementsAre(HasSubstr("t.yaml:7:5: \"late night\" is no name")));
  EXPECT_THAT(fault("default: off-peak", "default: off peak"),
              ElementsAre(HasSubstr("t.yaml:3:12: \"off peak\" is no name")));
  EXPECT_THAT(errors_of("c: {default: a}"),
              ElementsAre("t.yaml:1:4: the key \"classes\" is missing in calendar \"c\"; expected "
                          "ranges of time by the name of their class"));
  std::string many = "c:\n  default: a\n  classes:\n";
  for (int i = 0; i < 65; ++i) many += "    c" + std::to_string(i) + ": []\n";
  EXPECT_THAT(errors_of(many),
              testing::Contains("t.yaml:68:5: \"c64\" is one class too many; expected at most 64"));
}

}  // namespace
}  // namespace farthing::tariffs
