#include "tariffs/counter.h"

#include "engine/base/assert.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace farthing::tariffs {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::sys_days;

constexpr base::Time laid_out_from{sys_days{std::chrono::year(2000) / 1 / 1}};
constexpr base::Time laid_out_to{sys_days{std::chrono::year(2100) / 1 / 1}};

struct Days {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

Days days_of(Period period, std::int64_t day) {
  const sys_days date{days(day)};
  switch (period) {
    case Period::day:
      return {day, day + 1};
    case Period::week: {
      const std::int64_t monday = day - (std::chrono::weekday(date).iso_encoding() - 1);
      return {monday, monday + 7};
    }
    case Period::month: {
      const std::chrono::year_month_day parts(date);
      const std::chrono::year_month month = parts.year() / parts.month();
      const auto first = [](std::chrono::year_month of) {
        return std::int64_t{sys_days(of / 1).time_since_epoch().count()};
      };
      return {first(month), first(month + std::chrono::months(1))};
    }
  }
  FARTHING_ASSERT(false);
  return {};
}

}  // namespace

std::string_view period_name(Period period) {
  constexpr std::array<std::string_view, 3> names = {"day", "week", "month"};
  return names[static_cast<std::size_t>(period)];
}

bool CounterRule::counts(ServiceKey service, const std::optional<RatingGroup>& group) const {
  return coverage.empty() || std::ranges::any_of(coverage, [&](const Coverage& covered) {
           return covered.covers(service, group);
         });
}

CounterKey counter_key(const CounterRule& rule) {
  const std::string text =
      fmt::format("{}|{}|{}|{}|{}", rule.name, static_cast<unsigned>(rule.unit),
                  static_cast<unsigned>(rule.period), rule.is_paid, rule.is_shared);
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return CounterKey(hash);
}

PeriodClock::PeriodClock(std::string_view time_zone)
    : offsets_(utc_offsets(time_zone, laid_out_from, laid_out_to)) {}

// The stretch of even offset that a moment is in; those before the first one are in that.
std::size_t PeriodClock::stretch_at(base::Time time) const {
  const auto after = std::ranges::upper_bound(offsets_, time, {}, &UtcOffset::from);
  return after == offsets_.begin() ? 0 : static_cast<std::size_t>(after - offsets_.begin()) - 1;
}

base::Time PeriodClock::begin_of_day(std::int64_t day) const {
  const base::Time midnight{sys_days{days(day)}};
  // The first stretch in which the local clock shows midnight or later.
  for (std::size_t i = stretch_at(midnight - days(2));; ++i) {
    const base::Time shown = midnight - offsets_[i].offset;
    if (i + 1 == offsets_.size() || shown < offsets_[i + 1].from) {
      return i == 0 ? shown : std::max(shown, offsets_[i].from);
    }
  }
}

std::int64_t PeriodClock::day_of(base::Time time) const {
  const std::size_t stretch = stretch_at(time);
  const std::int64_t day = floor<days>(time + offsets_[stretch].offset).time_since_epoch().count();
  // Clocks that go back over midnight show the day before once more; the new day has begun.
  const bool goes_on = stretch == 0 || time - offsets_[stretch].from > days(1);
  return !goes_on && time >= begin_of_day(day + 1) ? day + 1 : day;
}

TimeSpan PeriodClock::span(Period period, base::Time time) const {
  const Days span = days_of(period, day_of(time));
  return {begin_of_day(span.from), begin_of_day(span.to)};
}

}  // namespace farthing::tariffs
