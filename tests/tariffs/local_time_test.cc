#include "tariffs/local_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farthing::tariffs {
namespace {

// Seconds since 1970 of a local time; its error as a negative number.
std::int64_t seconds(std::string_view zone, std::string_view text) {
  const auto time = parse_local_time(zone, text);
  if (!time) return -1 - static_cast<std::int64_t>(time.error());
  return time->time_since_epoch() / std::chrono::seconds(1);
}

constexpr std::int64_t unknown_zone = -1;
constexpr std::int64_t malformed = -2;
constexpr std::int64_t skipped = -3;
constexpr std::int64_t repeated = -4;

TEST(LocalTime, IsReadInItsZone) {
  EXPECT_EQ(seconds("Etc/UTC", "2026-01-01T00:00:00"), 1'767'225'600);
  EXPECT_EQ(seconds("Asia/Shanghai", "2026-01-01T00:00:00"), 1'767'225'600 - 8 * 3600);
  EXPECT_EQ(seconds("Asia/Shanghai", "2026-01-01T00:00"), 1'767'225'600 - 8 * 3600);
  EXPECT_EQ(seconds("Europe/Berlin", "2026-07-01T02:00:00"), 1'782'864'000);
  EXPECT_EQ(seconds("Etc/UTC", "2024-02-29T23:59:59"), 1'709'251'199);
}

TEST(LocalTime, DaylightSavingGapsAndOverlaps) {
  EXPECT_EQ(seconds("Europe/Berlin", "2026-03-29T01:59:59"), 1'774'745'999);
  EXPECT_EQ(seconds("Europe/Berlin", "2026-03-29T02:00:00"), skipped);
  EXPECT_EQ(seconds("Europe/Berlin", "2026-03-29T02:59:59"), skipped);
  EXPECT_EQ(seconds("Europe/Berlin", "2026-03-29T03:00:00"), 1'774'746'000);
  EXPECT_EQ(seconds("Europe/Berlin", "2026-10-25T02:30:00"), repeated);
  EXPECT_EQ(seconds("America/New_York", "2026-03-08T02:30:00"), skipped);
}

TEST(LocalTime, RefusesOtherForms) {
  for (const char* text :
       {"", "2026-01-01", "2026-01-01 00:00:00", "2026-01-01T00:00:00Z", "2026-1-01T00:00:00",
        "2026-13-01T00:00:00", "2026-02-29T00:00:00", "2026-00-10T00:00:00", "2026-01-01T24:00:00",
        "2026-01-01T00:60:00", "2026-01-01T00:00:60", "1999-12-31T00:00:00", "2200-01-01T00:00:00",
        "2026-01-01T00", "2026-01-01T00:00:", "x026-01-01T00:00:00", "+026-01-01T00:00:00"}) {
    EXPECT_EQ(seconds("Etc/UTC", text), malformed) << text;
  }
}

TEST(LocalTime, KnowsTheZones) {
  EXPECT_TRUE(is_time_zone("Asia/Shanghai"));
  for (const char* name : {"", "Asia", "asia/shanghai", "Mars/Olympus", "../../etc/passwd", "/etc",
                           "Asia/Shanghai\n"}) {
    EXPECT_FALSE(is_time_zone(name)) << name;
    EXPECT_EQ(seconds(name, "2026-01-01T00:00:00"), unknown_zone) << name;
  }
  EXPECT_THAT(time_zone_names(), testing::Contains("Europe/Berlin"));
}

TEST(LocalTime, IsPrintedAndReadBack) {
  for (const char* zone : {"Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Etc/UTC"}) {
    for (const char* text : {"2026-01-01T00:00:00", "2024-02-29T12:34:56", "2031-07-15T23:59:59"}) {
      EXPECT_EQ(local_time_text(zone, *parse_local_time(zone, text)), text);
    }
  }
  const base::Time time(std::chrono::seconds(1'767'225'600));
  EXPECT_EQ(local_time_text("Asia/Shanghai", time), "2026-01-01T08:00:00");
  EXPECT_EQ(local_time_text("Mars/Olympus", time), "2026-01-01T00:00:00Z");
}

TEST(LocalTime, OffsetsOfAZone) {
  const auto at = [](std::string_view text) { return *parse_local_time("Etc/UTC", text); };
  const std::vector<UtcOffset> berlin =
      utc_offsets("Europe/Berlin", at("2026-01-01T00:00:00"), at("2027-01-01T00:00:00"));
  ASSERT_EQ(berlin.size(), 3u);
  EXPECT_EQ(berlin[0].from, at("2026-01-01T00:00:00"));
  EXPECT_EQ(berlin[0].offset, std::chrono::hours(1));
  EXPECT_EQ(berlin[1].from, at("2026-03-29T01:00:00"));
  EXPECT_EQ(berlin[1].offset, std::chrono::hours(2));
  EXPECT_EQ(berlin[2].from, at("2026-10-25T01:00:00"));
  EXPECT_EQ(
      utc_offsets("Asia/Shanghai", at("2000-01-01T00:00:00"), at("2100-01-01T00:00:00")).size(),
      1u);
  EXPECT_EQ(utc_offsets("Mars/Olympus", at("2026-01-01T00:00:00"), at("2027-01-01T00:00:00"))
                .at(0)
                .offset,
            std::chrono::hours(0));
}

TEST(LocalTime, DatesAreReadAndPrinted) {
  EXPECT_EQ(parse_date("1970-01-01"), std::nullopt) << "before 2000";
  EXPECT_EQ(parse_date("2000-01-01"), 10'957);
  EXPECT_EQ(date_text(10'957 + 59), "2000-02-29");
  EXPECT_EQ(parse_date("2000-02-29"), 10'957 + 59);
  for (const char* text : {"", "2026-02-29", "2026-1-01", "2026-01-01T", "2026-01-01T00:00"}) {
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace farthing::tariffs
