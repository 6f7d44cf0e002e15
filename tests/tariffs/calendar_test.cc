#include "tariffs/calendar.h"

#include "tariffs/local_time.h"

#include <date/tz.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace farthing::tariffs {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint8_t bit(DayKind kind) {
  return static_cast<std::uint8_t>(1u << static_cast<unsigned>(kind));
}
constexpr std::uint8_t workdays = 0x1f;
constexpr std::uint8_t weekend = bit(DayKind::sat) | bit(DayKind::sun);
constexpr TimeClass off_peak(0);
constexpr TimeClass peak(1);
constexpr TimeClass night(2);
constexpr TimeClass rest(3);

constexpr Minute at(int hour, int minute = 0) { return static_cast<Minute>(hour * 60 + minute); }

DayTable some_days() {
  FileErrors errors("days.csv");
  DayTable table = DayTable::read(
      "date,counts_as\n2026-01-01,holiday\n2026-03-30,holiday\n2026-10-26,holiday\n"
      "2026-04-04,mon\n2026-10-04,holiday\n2011-12-31,holiday\n",
      errors);
  EXPECT_TRUE(errors.empty());
  return table;
}

// Ranges of all sorts: on the hours at which clocks change, in the middle of them, across midnight
// into days of every kind.
CalendarParts full_parts(std::string zone) {
  CalendarParts parts;
  parts.name = "full";
  parts.time_zone = std::move(zone);
  parts.classes = {"off-peak", "peak", "night", "rest"};
  parts.default_class = off_peak;
  parts.days = some_days();
  parts.ranges = {
      {peak, workdays, at(8), at(18, 30)},
      {night, static_cast<std::uint8_t>(workdays & ~bit(DayKind::fri)), at(22), at(2, 30)},
      {night, bit(DayKind::fri), at(23, 45), at(2)},
      {rest, bit(DayKind::sat), at(2), at(3)},
      {night, bit(DayKind::sat), at(23), at(2, 15)},
      {peak, bit(DayKind::sun), at(2, 15), at(3, 1)},
      {rest, bit(DayKind::holiday), at(0), at(24)},
  };
  return parts;
}

Calendar full(std::string zone) { return Calendar(full_parts(std::move(zone))); }

// The model: from the definition, by the date library's own arithmetic, one moment at a time.
class Model {
 public:
  explicit Model(const CalendarParts& parts)
      : parts_(parts), zone_(date::locate_zone(parts.time_zone)) {}

  TimeClass class_at(base::Time time) const {
    const auto local = zone_->to_local(std::chrono::floor<seconds>(time));
    const auto day = date::floor<date::days>(local);
    const auto minute = static_cast<int>((local - day) / minutes(1));
    const DayKind today = kind(day);
    const DayKind yesterday = kind(day - date::days(1));
    for (const TimeRange& range : parts_.ranges) {
      if (!range.is_on(today) || minute < range.from) continue;
      if (range.to <= range.from || minute < range.to) return range.time_class;
    }
    for (const TimeRange& range : parts_.ranges) {
      if (range.is_on(yesterday) && range.to <= range.from && minute < range.to) {
        return range.time_class;
      }
    }
    return *parts_.default_class;
  }

 private:
  DayKind kind(date::local_days day) const {
    for (const auto& [named, kind] : parts_.days.days()) {
      if (date::local_days(date::days(named)) == day) return kind;
    }
    return static_cast<DayKind>(date::weekday(day).iso_encoding() - 1);
  }

  const CalendarParts& parts_;
  const date::time_zone* zone_;
};

base::Time utc(std::string_view text) { return *parse_local_time("Etc/UTC", text); }

// Every minute of a year: its class, and that nothing changes between it and what next_change says.
void expect_model(const std::string& zone, int year) {
  SCOPED_TRACE(zone);
  const CalendarParts parts = full_parts(zone);
  const Calendar calendar(parts);
  const Model model(parts);
  const base::Time begin = utc(std::to_string(year) + "-01-01T00:00");
  const base::Time end = utc(std::to_string(year + 1) + "-01-01T00:00");
  base::Time change = begin;  // the next one, by the model
  std::size_t changes = 0;
  for (base::Time time = end - minutes(1); time >= begin; time -= minutes(1)) {
    const TimeClass expected = model.class_at(time);
    ASSERT_EQ(calendar.class_at(time), expected) << local_time_text("Etc/UTC", time);
    if (model.class_at(time + minutes(1)) != expected) {
      change = time + minutes(1);
      ++changes;
    }
    if (changes == 0) continue;
    const auto next = calendar.next_change(time);
    ASSERT_TRUE(next);
    ASSERT_EQ(*next, change) << local_time_text("Etc/UTC", time);
  }
  EXPECT_GT(changes, 365u);
}

TEST(CalendarModel, NorthernZones) {
  expect_model("Europe/Berlin", 2026);
  expect_model("America/New_York", 2026);
  expect_model("America/St_Johns", 2026);
}

TEST(CalendarModel, SouthernZones) {
  expect_model("Australia/Sydney", 2026);
  expect_model("America/Santiago", 2026);     // at midnight
  expect_model("Australia/Lord_Howe", 2026);  // by half an hour
}

TEST(CalendarModel, ZonesWithoutChangesAndWithOddOnes) {
  expect_model("Asia/Shanghai", 2026);
  expect_model("Pacific/Apia", 2011);  // leaves out a day
  expect_model("Africa/Casablanca", 2026);
}

// By hand. Berlin, 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC. Saturday's night ends at 02:15,
// Sunday's peak is from 02:15 to 03:01.
TEST(Calendar, AnHourThatIsSkipped) {
  const Calendar calendar = full("Europe/Berlin");
  EXPECT_EQ(calendar.class_at(utc("2026-03-29T00:59:59")), night);
  EXPECT_EQ(calendar.next_change(utc("2026-03-28T22:00:00")), utc("2026-03-29T01:00:00"));
  EXPECT_EQ(calendar.class_at(utc("2026-03-29T01:00:00")), peak) << "03:00 on the clock";
  EXPECT_EQ(calendar.next_change(utc("2026-03-29T01:00:00")), utc("2026-03-29T01:01:00"));
  EXPECT_EQ(calendar.class_at(utc("2026-03-29T01:01:00")), off_peak);
}

// Berlin, 2026-10-25: 03:00 becomes 02:00 at 01:00 UTC.
TEST(Calendar, AnHourThatComesTwice) {
  const Calendar calendar = full("Europe/Berlin");
  EXPECT_EQ(calendar.next_change(utc("2026-10-24T21:30:00")), utc("2026-10-25T00:15:00"));
  EXPECT_EQ(calendar.class_at(utc("2026-10-25T00:15:00")), peak) << "02:15, for the first time";
  EXPECT_EQ(calendar.next_change(utc("2026-10-25T00:15:00")), utc("2026-10-25T01:00:00"));
  EXPECT_EQ(calendar.class_at(utc("2026-10-25T01:00:00")), night) << "02:00 again";
  EXPECT_EQ(calendar.next_change(utc("2026-10-25T01:00:00")), utc("2026-10-25T01:15:00"));
  EXPECT_EQ(calendar.next_change(utc("2026-10-25T01:15:00")), utc("2026-10-25T02:01:00"));
}

Calendar visited(std::string zone) {
  CalendarParts parts = full_parts(std::move(zone));
  parts.is_visited = true;
  return Calendar(std::move(parts));
}

// Where the subscriber is, the clock runs on as the network said last.
TEST(Calendar, ByTheTimeWhereTheSubscriberIs) {
  const Calendar calendar = visited("Asia/Shanghai");
  constexpr seconds berlin = std::chrono::hours(1);
  const base::Time monday = utc("2026-03-02T07:00:00");  // 08:00 there, 15:00 at home
  EXPECT_EQ(calendar.class_at(monday - seconds(1), berlin), off_peak);
  EXPECT_EQ(calendar.class_at(monday, berlin), peak);
  EXPECT_EQ(calendar.next_change(monday, berlin), utc("2026-03-02T17:30:00"));
  EXPECT_EQ(calendar.class_at(monday - seconds(1)), peak) << "nobody said";
  EXPECT_EQ(calendar.next_change(monday), utc("2026-03-02T10:30:00"));
  EXPECT_EQ(full("Asia/Shanghai").class_at(monday - seconds(1), berlin), peak) << "of home";
  EXPECT_EQ(calendar.next_change(utc("2099-12-31T23:59:59"), seconds(-3600)), std::nullopt);
}

// The days on which Berlin's clocks change have 23 and 25 hours; the offset says on which side of
// the change a request was made.
TEST(Calendar, WhereTheSubscriberIsDaysMayHave23And25Hours) {
  const Calendar calendar = visited("Asia/Shanghai");
  constexpr seconds winter = std::chrono::hours(1);
  constexpr seconds summer = std::chrono::hours(2);
  EXPECT_EQ(calendar.class_at(utc("2026-03-29T00:59:59"), winter), night) << "01:59:59";
  EXPECT_EQ(calendar.class_at(utc("2026-03-29T01:00:00"), summer), peak) << "03:00";
  EXPECT_EQ(calendar.class_at(utc("2026-10-25T00:15:00"), summer), peak) << "02:15";
  EXPECT_EQ(calendar.class_at(utc("2026-10-25T01:00:00"), winter), night) << "02:00 again";
  const Calendar berlin = full("Europe/Berlin");
  for (base::Time time = utc("2026-03-28T00:00:00"); time < utc("2026-03-31T00:00:00");
       time += minutes(5)) {
    const seconds offset = time < utc("2026-03-29T01:00:00") ? winter : summer;
    EXPECT_EQ(calendar.class_at(time, offset), berlin.class_at(time));
  }
  for (base::Time time = utc("2026-10-24T00:00:00"); time < utc("2026-10-27T00:00:00");
       time += minutes(5)) {
    const seconds offset = time < utc("2026-10-25T01:00:00") ? summer : winter;
    EXPECT_EQ(calendar.class_at(time, offset), berlin.class_at(time));
  }
}

// Shanghai is 8 hours ahead. Saturday 2026-04-04 is worked as a Monday; Sunday 2026-10-04 is off.
TEST(Calendar, HolidaysAndDaysWorkedInstead) {
  const Calendar calendar = full("Asia/Shanghai");
  EXPECT_EQ(calendar.class_at(utc("2026-04-04T00:00:00")), peak);
  EXPECT_EQ(calendar.class_at(utc("2026-04-04T16:00:00")), night)
      << "its night goes on into an ordinary Sunday";
  EXPECT_EQ(calendar.class_at(utc("2026-10-03T16:00:00")), rest)
      << "Saturday's night gives way to the holiday";
  EXPECT_EQ(calendar.next_change(utc("2026-10-03T16:00:00")), utc("2026-10-04T16:00:00"));
}

TEST(Calendar, WithinASecondAndAtTheEndsOfWhatIsLaidOut) {
  const Calendar calendar = full("Etc/UTC");
  const base::Time eight = utc("2026-11-20T08:00:00");
  EXPECT_EQ(calendar.class_at(eight - base::Duration(1)), off_peak);
  EXPECT_EQ(calendar.next_change(eight - base::Duration(1)), eight);
  EXPECT_EQ(calendar.class_at(eight), peak);
  EXPECT_EQ(calendar.next_change(eight), utc("2026-11-20T18:30:00"));
  EXPECT_EQ(calendar.class_at(base::Time()), calendar.class_at(utc("2000-01-01T00:00:00")));
  EXPECT_TRUE(calendar.next_change(base::Time()));
  EXPECT_EQ(calendar.class_at(base::Time::max()), calendar.class_at(utc("2099-12-31T23:59:59")));
  EXPECT_EQ(calendar.class_at(base::Time::min()), calendar.class_at(utc("2000-01-01T00:00:00")));
  EXPECT_FALSE(calendar.next_change(base::Time::max()));
  EXPECT_FALSE(calendar.next_change(utc("2100-01-01T00:00:00")));
}

TEST(Calendar, OneClassNeverChanges) {
  CalendarParts parts;
  parts.time_zone = "Europe/Berlin";
  parts.classes = {"always"};
  parts.default_class = TimeClass(0);
  const Calendar calendar(parts);
  EXPECT_EQ(calendar.class_at(utc("2026-03-29T01:00:00")), TimeClass(0));
  EXPECT_FALSE(calendar.next_change(utc("2026-03-29T01:00:00")));
}

TEST(Calendar, AHolidayFarAway) {
  CalendarParts parts;
  parts.time_zone = "Europe/Berlin";
  parts.classes = {"always", "holiday"};
  parts.default_class = TimeClass(0);
  parts.ranges = {{TimeClass(1), bit(DayKind::holiday), 0, minutes_a_day}};
  parts.days = some_days();
  EXPECT_EQ(Calendar(parts).next_change(utc("2012-01-01T00:00:00")), utc("2025-12-31T23:00:00"));
}

TEST(CalendarChecks, OverlapsAndHoles) {
  CalendarParts parts = full_parts("Etc/UTC");
  EXPECT_TRUE(overlaps_of(parts).empty());
  EXPECT_TRUE(holes_of(parts).empty());
  parts.ranges.push_back({rest, bit(DayKind::mon), at(18), at(19)});
  parts.ranges.push_back({rest, bit(DayKind::sat), at(1, 30), at(2)});
  const std::vector<CalendarOverlap> overlaps = overlaps_of(parts);
  ASSERT_EQ(overlaps.size(), 2u);
  EXPECT_EQ(overlaps[0].first, 0u);
  EXPECT_EQ(overlaps[0].second, 7u);
  EXPECT_EQ(overlaps[0].day, DayKind::mon);
  EXPECT_EQ(overlaps[0].from, at(18));
  EXPECT_EQ(overlaps[0].to, at(18, 30));
  EXPECT_EQ(overlaps[1].first, 2u) << "Friday's night goes on into Saturday";
  EXPECT_EQ(overlaps[1].day, DayKind::sat);
  EXPECT_EQ(overlaps[1].from, at(1, 30));
  EXPECT_EQ(overlaps[1].to, at(2));

  CalendarParts days;
  days.classes = {"work", "free"};
  days.ranges = {{TimeClass(0), workdays, 0, minutes_a_day},
                 {TimeClass(1), weekend, at(1), at(24)}};
  std::vector<CalendarHole> holes = holes_of(days);
  ASSERT_EQ(holes.size(), 2u);
  EXPECT_EQ(holes[0].day, DayKind::sat);
  EXPECT_EQ(holes[0].from, 0);
  EXPECT_EQ(holes[0].to, at(1));
  EXPECT_EQ(holes[1].day, DayKind::sun);
  days.ranges[1].from = 0;
  EXPECT_TRUE(holes_of(days).empty());
  days.days = some_days();
  holes = holes_of(days);
  ASSERT_EQ(holes.size(), 1u);
  EXPECT_EQ(holes[0].day, DayKind::holiday);
  EXPECT_EQ(date_text(holes[0].date.value()), "2011-12-31");
  EXPECT_EQ(holes[0].to, minutes_a_day);
}

}  // namespace
}  // namespace farthing::tariffs
