// Days, weeks, months and years of a time zone: the periods of counters and of subscriptions.
//
// Immutable, shared between threads without locks; look-ups do not allocate.
#pragma once

#include "engine/base/time.h"
#include "tariffs/local_time.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

// A billing month begins with a day of the month that an account has of its own.
enum class Period : std::uint8_t { day = 0, week = 1, month = 2, billing_month = 3 };

std::string_view period_name(Period period);  // "day", "week", "month", "billing_month"

inline constexpr std::uint8_t billing_day_usual = 1;
inline constexpr std::uint8_t billing_day_last = 28;  // every month has it

enum class PeriodUnit : std::uint8_t { hour = 0, day = 1, week = 2, month = 3, year = 4 };

// What is paid for at a time: an hour, 30 days, 3 months.
struct OfferPeriod {
  PeriodUnit unit = PeriodUnit::month;
  std::uint16_t count = 1;

  friend bool operator==(const OfferPeriod&, const OfferPeriod&) = default;
};

std::string period_text(OfferPeriod period);  // "month", "30 days"

// A part of a whole.
struct Share {
  std::int64_t part = 1;
  std::int64_t whole = 1;
};

struct TimeSpan {
  base::Time from;
  base::Time to;  // the first moment behind it

  friend bool operator==(const TimeSpan&, const TimeSpan&) = default;
};

// Days, weeks (from Monday) and months of a time zone. A day begins with the first moment at which
// the local clock shows it; one that daylight saving begins or ends in has 23 or 25 hours. As with
// calendars, the zone's rules are laid out once, for 2000 to 2099; before and after, clocks stay
// as they are at that end.
class PeriodClock {
 public:
  explicit PeriodClock(std::string_view time_zone);

  // `billing_day`: with which billing months begin, 1 to billing_day_last.
  TimeSpan span(Period period, base::Time time, std::uint8_t billing_day = billing_day_usual) const;

  // The n-th period, from 0, of something that begins at `anchor`. Those of the calendar begin with
  // its days, weeks, months or years, the first one with the anchor. Others begin at the anchor's
  // time of day, so many days, weeks, months or years later; in a month without that day on its
  // last one, but the day is not forgotten: January 31, February 28, March 31. A time of day that
  // daylight saving skips is that at which it ends. Hours are 60 minutes.
  TimeSpan period(OfferPeriod period, bool is_calendar, base::Time anchor, std::uint32_t n) const;

  // Of the calendar's period that a moment is in, the days from its own on. REQUIRES: no hours.
  Share days_left(OfferPeriod period, base::Time time) const;

 private:
  std::size_t stretch_at(base::Time time) const;
  // The first moment at which the local clock shows this or more.
  base::Time first_showing(base::Time local) const;
  base::Time begin_of_day(std::int64_t day) const;  // days since 1970-01-01, local
  base::Time border(OfferPeriod period, bool is_calendar, base::Time anchor, std::uint32_t n) const;
  std::int64_t day_of(base::Time time) const;

  std::vector<UtcOffset> offsets_;
};

}  // namespace farthing::tariffs
