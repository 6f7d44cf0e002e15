// Time classes: "peak", "night", by the local time of a zone, with days of 23 and 25 hours.
//
// A class has ranges of the local clock on kinds of days. A range belongs to the day on which it
// begins; one that does not end later than it begins goes on into the next day, whatever kind of
// day that is, but gives way there to what the next day has of its own. What no range covers is of
// the default class. The clock on the wall decides: a time that daylight saving skips is never, one
// that it repeats is of its class both times.
//
// Immutable, shared between threads without locks. Everything is laid out for the days from 2000 to
// 2099 when a calendar is made (some 110 KB); look-ups do not allocate. Earlier and later times are
// of the class of the first and the last moment. How clocks change in years to come is what the
// system's time zones said when the calendar was made; they say nothing beyond 2037, from when on a
// zone is taken to stay as it is.
#pragma once

#include "engine/base/named.h"
#include "engine/base/time.h"
#include "tariffs/day_table.h"
#include "tariffs/local_time.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace farthing::tariffs {

using TimeClass = base::Named<struct TimeClassTag, std::uint8_t>;  // index into the class names
using Minute = std::uint16_t;                                      // of the local day, 0 to 1440
constexpr Minute minutes_a_day = 1440;

struct TimeRange {
  TimeClass time_class;
  std::uint8_t days = 0;  // a bit for each DayKind
  Minute from = 0;        // 0 to 1439
  Minute to = 0;          // 1 to 1440; not above `from`: of the next day

  bool is_on(DayKind kind) const { return (days >> static_cast<unsigned>(kind) & 1) != 0; }
};

struct CalendarParts {
  std::string name;
  std::string time_zone;
  std::vector<std::string> classes;        // at most classes_max
  std::optional<TimeClass> default_class;  // nullopt: the ranges cover everything
  std::vector<TimeRange> ranges;
  DayTable days;            // empty: days of the week only
  bool is_visited = false;  // by the time where the subscriber is, as far as that is known

  static constexpr std::size_t classes_max = 64;
};

// Two ranges that hold at the same time of a day.
struct CalendarOverlap {
  std::size_t first = 0;  // indices of ranges
  std::size_t second = 0;
  DayKind day;
  Minute from = 0;
  Minute to = 0;
};

// A time of a day at which no range holds, where there is no default.
struct CalendarHole {
  DayKind before;  // the day before it
  DayKind day;
  std::optional<std::int32_t> date;  // where this order of days comes only from the table of days
  Minute from = 0;
  Minute to = 0;
};

std::vector<CalendarOverlap> overlaps_of(const CalendarParts& parts);  // each pair once
std::vector<CalendarHole> holes_of(const CalendarParts& parts);        // the first of each day

class Calendar {
 public:
  // REQUIRES: no overlaps, no holes, classes within range.
  explicit Calendar(CalendarParts parts);

  // `visited`: local time less UTC where the subscriber is, at most a day; nullopt: not known. It
  // counts where the calendar is of the visited place, and then for all of its times.
  TimeClass class_at(base::Time time,
                     std::optional<std::chrono::seconds> visited = std::nullopt) const;

  // The first moment after `time` that is of another class; nullopt: none before 2100.
  std::optional<base::Time> next_change(
      base::Time time, std::optional<std::chrono::seconds> visited = std::nullopt) const;

  bool is_visited() const { return parts_.is_visited; }
  const std::string& name() const { return parts_.name; }
  const std::string& time_zone() const { return parts_.time_zone; }
  const std::vector<std::string>& classes() const { return parts_.classes; }

 private:
  struct Piece {
    Minute from = 0;
    TimeClass time_class;
  };
  using Profile = std::vector<Piece>;  // of a whole day; neighbours differ

  // A stretch of time in which the local clock runs on evenly; seconds since 1970.
  struct Stretch {
    std::int64_t from = 0;    // UTC
    std::int64_t offset = 0;  // local less UTC
  };

  void lay_out_days();
  const Profile& profile(std::size_t day) const { return profiles_[day_profiles_[day]]; }
  std::size_t stretch_at(std::int64_t time) const;
  TimeClass class_at_local(std::int64_t local) const;
  std::optional<std::int64_t> local_change(std::int64_t local, TimeClass now) const;

  CalendarParts parts_;
  std::array<Profile, day_kinds * day_kinds> profiles_;  // by the kinds of the day before and of it
  std::vector<std::uint8_t> day_profiles_;
  std::vector<std::uint16_t> changing_;  // from each day on, the first on which the class changes
  std::vector<Stretch> stretches_;
};

}  // namespace farthing::tariffs
