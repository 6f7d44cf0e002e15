#include "tariffs/day_table.h"

#include "tariffs/local_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace farthing::tariffs {
namespace {

using testing::ElementsAre;

std::vector<std::string> errors_of(std::string_view text) {
  FileErrors errors("days.csv");
  DayTable::read(text, errors);
  std::vector<std::string> lines;
  for (const FileError& error : errors.take()) lines.push_back(to_string(error));
  return lines;
}

TEST(DayKind, OfTheWeek) {
  EXPECT_EQ(weekday_of(0), DayKind::thu);
  EXPECT_EQ(weekday_of(-1), DayKind::wed);
  EXPECT_EQ(weekday_of(-8), DayKind::wed);
  EXPECT_EQ(weekday_of(*parse_date("2026-11-22")), DayKind::sun);
  EXPECT_EQ(weekday_of(*parse_date("2024-02-29")), DayKind::thu);
  for (std::string_view name : day_kind_names()) {
    EXPECT_EQ(day_kind_name(*day_kind_named(name)), name);
  }
  EXPECT_FALSE(day_kind_named("Monday"));
}

TEST(DayTable, NamesDaysThatCountAsOthers) {
  FileErrors errors("days.csv");
  const DayTable table = DayTable::read(
      "date,counts_as,note\n2026-10-10,mon,worked instead\n2026-10-01,holiday,National Day\n",
      errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(table.kind_of(*parse_date("2026-10-01")), DayKind::holiday);
  EXPECT_EQ(table.kind_of(*parse_date("2026-10-02")), DayKind::fri);
  EXPECT_EQ(table.kind_of(*parse_date("2026-10-10")), DayKind::mon);
  EXPECT_EQ(DayTable().kind_of(*parse_date("2026-10-10")), DayKind::sat);
}

TEST(DayTable, RowErrors) {
  EXPECT_THAT(
      errors_of("date,counts_as\n2026-02-29,holiday\n1.5.2026,holiday\n2026-05-01,holyday\n"
                "2026-05-02,sun\n2026-05-02,sun\n"),
      ElementsAre("days.csv:2:1: \"2026-02-29\" is no date; expected YYYY-MM-DD, from 2000 to 2199",
                  "days.csv:3:1: \"1.5.2026\" is no date; expected YYYY-MM-DD, from 2000 to 2199",
                  "days.csv:4:12: \"holyday\" is no kind of day (did you mean \"holiday\"?); "
                  "expected one of mon, tue, wed, thu, fri, sat, sun, holiday",
                  "days.csv:6:1: the date 2026-05-02 is there already, in line 5; expected each "
                  "date once"));
}

}  // namespace
}  // namespace farthing::tariffs
