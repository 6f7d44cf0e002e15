#include "tariffs/calendar.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <set>
#include <utility>

namespace farthing::tariffs {
namespace {

using std::chrono::seconds;

constexpr std::int64_t day_seconds = 86400;
constexpr std::int32_t first_date = 10'957;  // 2000-01-01
constexpr std::int32_t end_date = 47'482;    // 2100-01-01
// Local days begin up to a day before and after those of UTC.
constexpr std::int32_t first_day = first_date - 1;
constexpr std::size_t day_count = end_date - first_date + 2;
constexpr std::int64_t first_second = first_date * day_seconds;
constexpr std::int64_t last_second = end_date * day_seconds - 1;
constexpr std::int64_t last_local =
    (first_day + static_cast<std::int64_t>(day_count)) * day_seconds - 1;

constexpr std::size_t nobody = static_cast<std::size_t>(-1);
using Owners = std::array<std::size_t, minutes_a_day>;  // index of a range, or nobody

bool goes_on(const TimeRange& range) { return range.to <= range.from; }

struct Span {
  Minute from = 0;
  Minute to = 0;
};
Span own_span(const TimeRange& range) {
  return {range.from, goes_on(range) ? minutes_a_day : range.to};
}
Span span_on_next_day(const TimeRange& range) { return {0, goes_on(range) ? range.to : Minute{0}}; }

void paint(Owners& owners, Span span, std::size_t owner) {
  std::fill(owners.begin() + span.from, owners.begin() + span.to, owner);
}

// Whose each minute of a day is, by its kind and that of the day before.
Owners owners_of(const CalendarParts& parts, DayKind before, DayKind day) {
  Owners owners;
  owners.fill(nobody);
  for (std::size_t i = 0; i < parts.ranges.size(); ++i) {
    if (parts.ranges[i].is_on(before)) paint(owners, span_on_next_day(parts.ranges[i]), i);
  }
  for (std::size_t i = 0; i < parts.ranges.size(); ++i) {
    if (parts.ranges[i].is_on(day)) paint(owners, own_span(parts.ranges[i]), i);
  }
  return owners;
}

DayKind day_after(DayKind weekday) {
  return static_cast<DayKind>((static_cast<std::size_t>(weekday) + 1) % 7);
}

std::optional<Span> common(Span a, Span b) {
  const Span both{std::max(a.from, b.from), std::min(a.to, b.to)};
  return both.from < both.to ? std::optional<Span>(both) : std::nullopt;
}

// Where two ranges meet, on the first kind of day on which they do.
std::optional<CalendarOverlap> overlap_of(const CalendarParts& parts, std::size_t first,
                                          std::size_t second) {
  const TimeRange& a = parts.ranges[first];
  const TimeRange& b = parts.ranges[second];
  for (std::size_t i = 0; i < day_kinds; ++i) {
    const auto day = static_cast<DayKind>(i);
    if (!a.is_on(day) || !b.is_on(day)) continue;
    if (const auto both = common(own_span(a), own_span(b))) {
      return CalendarOverlap{first, second, day, both->from, both->to};
    }
  }
  // Into the next day of an ordinary week; before other days what goes on gives way.
  for (std::size_t i = 0; i < 7; ++i) {
    const auto before = static_cast<DayKind>(i);
    const DayKind day = day_after(before);
    for (const auto& [over, own] : {std::pair(&a, &b), std::pair(&b, &a)}) {
      if (!over->is_on(before) || !own->is_on(day)) continue;
      if (const auto both = common(span_on_next_day(*over), own_span(*own))) {
        return CalendarOverlap{first, second, day, both->from, both->to};
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<CalendarOverlap> overlaps_of(const CalendarParts& parts) {
  std::vector<CalendarOverlap> overlaps;
  for (std::size_t second = 0; second < parts.ranges.size(); ++second) {
    for (std::size_t first = 0; first < second; ++first) {
      if (const auto overlap = overlap_of(parts, first, second)) overlaps.push_back(*overlap);
    }
  }
  return overlaps;
}

std::vector<CalendarHole> holes_of(const CalendarParts& parts) {
  std::vector<CalendarHole> holes;
  if (parts.default_class) return holes;
  std::set<std::pair<DayKind, DayKind>> seen;  // the day before, the day
  std::set<DayKind> told;
  const auto look = [&](DayKind before, DayKind day, std::optional<std::int32_t> date) {
    if (!seen.emplace(before, day).second || told.contains(day)) return;
    const Owners owners = owners_of(parts, before, day);
    const auto from = std::ranges::find(owners, nobody);
    if (from == owners.end()) return;
    const auto to = std::find_if(from, owners.end(), [](std::size_t i) { return i != nobody; });
    holes.push_back({before, day, date, static_cast<Minute>(from - owners.begin()),
                     static_cast<Minute>(to - owners.begin())});
    told.insert(day);
  };
  for (std::size_t i = 0; i < 7; ++i) {
    look(static_cast<DayKind>(i), day_after(static_cast<DayKind>(i)), {});
  }
  for (const auto& [date, kind] : parts.days.days()) {
    look(parts.days.kind_of(date - 1), kind, date);
    look(kind, parts.days.kind_of(date + 1), date + 1);
  }
  return holes;
}

Calendar::Calendar(CalendarParts parts) : parts_(std::move(parts)) {
  FARTHING_ASSERT(parts_.classes.size() <= CalendarParts::classes_max);
  for (std::size_t before = 0; before < day_kinds; ++before) {
    for (std::size_t day = 0; day < day_kinds; ++day) {
      const Owners owners =
          owners_of(parts_, static_cast<DayKind>(before), static_cast<DayKind>(day));
      Profile& pieces = profiles_[before * day_kinds + day];
      for (Minute minute = 0; minute < minutes_a_day; ++minute) {
        const std::size_t owner = owners[minute];
        // A day with a hole here is one that never comes: lay_out_days() asserts it.
        if (owner == nobody && !parts_.default_class) {
          pieces.clear();
          break;
        }
        const TimeClass time_class =
            owner == nobody ? *parts_.default_class : parts_.ranges[owner].time_class;
        FARTHING_ASSERT(time_class.value < parts_.classes.size());
        if (pieces.empty() || pieces.back().time_class != time_class) {
          pieces.push_back({minute, time_class});
        }
      }
    }
  }
  lay_out_days();
  for (const UtcOffset& offset : utc_offsets(parts_.time_zone, base::Time(seconds(first_second)),
                                             base::Time(seconds(last_second)))) {
    stretches_.push_back({offset.from.time_since_epoch() / seconds(1), offset.offset.count()});
  }
}

void Calendar::lay_out_days() {
  DayKind before = parts_.days.kind_of(first_day - 1);
  for (std::size_t i = 0; i < day_count; ++i) {
    const DayKind day = parts_.days.kind_of(first_day + static_cast<std::int32_t>(i));
    const std::size_t index =
        static_cast<std::size_t>(before) * day_kinds + static_cast<std::size_t>(day);
    FARTHING_ASSERT(!profiles_[index].empty());
    day_profiles_.push_back(static_cast<std::uint8_t>(index));
    before = day;
  }
  static_assert(day_count <= 0xffff);
  changing_.resize(day_count + 1, day_count);
  for (std::size_t i = day_count; i-- > 1;) {
    const bool changes =
        profile(i).size() > 1 || profile(i).front().time_class != profile(i - 1).back().time_class;
    changing_[i] = changes ? static_cast<std::uint16_t>(i) : changing_[i + 1];
  }
}

TimeClass Calendar::class_at(base::Time time, std::optional<std::chrono::seconds> visited) const {
  if (parts_.is_visited && visited) {
    const std::int64_t local =
        (std::chrono::floor<seconds>(time).time_since_epoch() + *visited).count();
    return class_at_local(std::clamp(local, first_day * day_seconds, last_local));
  }
  const std::int64_t at = std::clamp(std::chrono::floor<seconds>(time).time_since_epoch().count(),
                                     first_second, last_second);
  return class_at_local(at + stretches_[stretch_at(at)].offset);
}

std::optional<base::Time> Calendar::next_change(base::Time time,
                                                std::optional<seconds> visited) const {
  if (parts_.is_visited && visited) {
    const std::int64_t at =
        (std::chrono::floor<seconds>(time).time_since_epoch() + *visited).count();
    const std::int64_t local = std::max(at, first_day * day_seconds);
    if (local > last_local) return std::nullopt;
    const std::optional<std::int64_t> change = local_change(local, class_at_local(local));
    if (!change || *change - visited->count() > last_second) return std::nullopt;
    return base::Time(seconds(*change) - *visited);
  }
  std::int64_t at =
      std::max(std::chrono::floor<seconds>(time).time_since_epoch().count(), first_second);
  if (at > last_second) return std::nullopt;
  std::size_t i = stretch_at(at);
  const TimeClass now = class_at_local(at + stretches_[i].offset);
  while (true) {
    const Stretch& stretch = stretches_[i];
    const std::optional<std::int64_t> local = local_change(at + stretch.offset, now);
    const bool is_last = i + 1 == stretches_.size();
    const std::int64_t end = is_last ? last_second + 1 : stretches_[i + 1].from;
    if (local && *local - stretch.offset < end) return base::Time(seconds(*local - stretch.offset));
    if (is_last) return std::nullopt;
    // The clocks are changed before that; what they say then may be of another class.
    at = end;
    ++i;
    if (class_at_local(at + stretches_[i].offset) != now) return base::Time(seconds(at));
  }
}

std::size_t Calendar::stretch_at(std::int64_t time) const {
  const auto after = std::ranges::upper_bound(stretches_, time, {}, &Stretch::from);
  return static_cast<std::size_t>(after - stretches_.begin()) - 1;
}

TimeClass Calendar::class_at_local(std::int64_t local) const {
  const std::int64_t second = local - first_day * day_seconds;
  const Profile& pieces = profile(static_cast<std::size_t>(second / day_seconds));
  const auto minute = static_cast<Minute>(second % day_seconds / 60);
  const auto after = std::ranges::upper_bound(pieces, minute, {}, &Piece::from);
  return std::prev(after)->time_class;
}

// The first second after `local`, which is of the class `now`, whose class is another, as the clock
// on the wall goes on without being changed.
std::optional<std::int64_t> Calendar::local_change(std::int64_t local, TimeClass now) const {
  const std::int64_t second = local - first_day * day_seconds;
  auto day = static_cast<std::size_t>(second / day_seconds);
  auto minute = static_cast<int>(second % day_seconds / 60);
  while (day < day_count) {
    for (const Piece& piece : profile(day)) {
      if (piece.from <= minute || piece.time_class == now) continue;
      return (first_day + static_cast<std::int64_t>(day)) * day_seconds + piece.from * 60;
    }
    day = changing_[day + 1];
    minute = -1;
  }
  return std::nullopt;
}

}  // namespace farthing::tariffs
