#include "tariffs/period_clock.h"

#include "engine/base/assert.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace farthing::tariffs {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::sys_days;

constexpr base::Time laid_out_from{sys_days{std::chrono::year(2000) / 1 / 1}};
constexpr base::Time laid_out_to{sys_days{std::chrono::year(2100) / 1 / 1}};

// Days are counted from 1970-01-01.
std::int64_t day_number(std::chrono::year_month_day date) {
  return sys_days(date).time_since_epoch().count();
}

std::chrono::year_month_day date_of(std::int64_t day) { return sys_days{days(day)}; }

// The first day of the calendar's period that a day is in. REQUIRES: no hours.
std::int64_t first_day(PeriodUnit unit, std::int64_t day) {
  const std::chrono::year_month_day date = date_of(day);
  switch (unit) {
    case PeriodUnit::week:
      return day - (std::chrono::weekday(sys_days(date)).iso_encoding() - 1);
    case PeriodUnit::month:
      return day_number(date.year() / date.month() / 1);
    case PeriodUnit::year:
      return day_number(date.year() / 1 / 1);
    case PeriodUnit::hour:
    case PeriodUnit::day:
      break;
  }
  return day;
}

// The day so many days, weeks, months or years later; in a month without it the last one.
std::int64_t later_day(PeriodUnit unit, std::int64_t day, std::int64_t n) {
  if (unit == PeriodUnit::day) return day + n;
  if (unit == PeriodUnit::week) return day + 7 * n;
  const std::chrono::year_month_day date = date_of(day);
  const std::chrono::months months(unit == PeriodUnit::year ? 12 * n : n);
  const std::chrono::year_month month = date.year() / date.month() + months;
  return day_number(
      std::min<std::chrono::year_month_day>(month / date.day(), month / std::chrono::last));
}

PeriodUnit unit_of(Period period) {
  constexpr std::array units = {PeriodUnit::day, PeriodUnit::week, PeriodUnit::month,
                                PeriodUnit::month};
  return units[static_cast<std::size_t>(period)];
}

}  // namespace

std::string_view period_name(Period period) {
  constexpr std::array<std::string_view, 4> names = {"day", "week", "month", "billing_month"};
  return names[static_cast<std::size_t>(period)];
}

std::string period_text(OfferPeriod period) {
  constexpr std::array<std::string_view, 5> names = {"hour", "day", "week", "month", "year"};
  const std::string_view name = names[static_cast<std::size_t>(period.unit)];
  return period.count == 1 ? std::string(name) : fmt::format("{} {}s", period.count, name);
}

PeriodClock::PeriodClock(std::string_view time_zone)
    : offsets_(utc_offsets(time_zone, laid_out_from, laid_out_to)) {}

// The stretch of even offset that a moment is in; those before the first one are in that.
std::size_t PeriodClock::stretch_at(base::Time time) const {
  const auto after = std::ranges::upper_bound(offsets_, time, {}, &UtcOffset::from);
  return after == offsets_.begin() ? 0 : static_cast<std::size_t>(after - offsets_.begin()) - 1;
}

base::Time PeriodClock::first_showing(base::Time local) const {
  // The first stretch in which the local clock shows it or later.
  for (std::size_t i = stretch_at(local - days(2));; ++i) {
    const base::Time shown = local - offsets_[i].offset;
    if (i + 1 == offsets_.size() || shown < offsets_[i + 1].from) {
      return i == 0 ? shown : std::max(shown, offsets_[i].from);
    }
  }
}

base::Time PeriodClock::begin_of_day(std::int64_t day) const {
  return first_showing(base::Time(days(day)));
}

std::int64_t PeriodClock::day_of(base::Time time) const {
  const std::size_t stretch = stretch_at(time);
  const std::int64_t day = floor<days>(time + offsets_[stretch].offset).time_since_epoch().count();
  // Clocks that go back over midnight show the day before once more; the new day has begun.
  const bool goes_on = stretch == 0 || time - offsets_[stretch].from > days(1);
  return !goes_on && time >= begin_of_day(day + 1) ? day + 1 : day;
}

TimeSpan PeriodClock::span(Period period, base::Time time, std::uint8_t billing_day) const {
  const PeriodUnit unit = unit_of(period);
  // Billing months are those of a calendar whose first days are so many days earlier.
  const std::int64_t later = period == Period::billing_month ? billing_day - 1 : 0;
  const std::int64_t first = first_day(unit, day_of(time) - later);
  return {begin_of_day(first + later), begin_of_day(later_day(unit, first, 1) + later)};
}

TimeSpan PeriodClock::period(OfferPeriod period, bool is_calendar, base::Time anchor,
                             std::uint32_t n) const {
  return {border(period, is_calendar, anchor, n),
          border(period, is_calendar, anchor, n + std::uint32_t{1})};
}

base::Time PeriodClock::border(OfferPeriod period, bool is_calendar, base::Time anchor,
                               std::uint32_t n) const {
  if (n == 0) return anchor;
  const std::int64_t units = std::int64_t{n} * period.count;
  if (period.unit == PeriodUnit::hour) return anchor + std::chrono::hours(units);
  if (is_calendar) {
    return begin_of_day(later_day(period.unit, first_day(period.unit, day_of(anchor)), units));
  }
  const base::Time local = anchor + offsets_[stretch_at(anchor)].offset;
  const auto day = floor<days>(local);
  const std::int64_t later = later_day(period.unit, day.time_since_epoch().count(), units);
  return first_showing(base::Time(days(later)) + (local - day));
}

Share PeriodClock::days_left(OfferPeriod period, base::Time time) const {
  const std::int64_t day = day_of(time);
  const std::int64_t first = first_day(period.unit, day);
  const std::int64_t end = later_day(period.unit, first, period.count);
  return {end - day, end - first};
}

}  // namespace farthing::tariffs
