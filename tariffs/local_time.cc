#include "tariffs/local_time.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

namespace farthing::tariffs {
namespace {

// nullptr: unknown, or the system has no time zones.
const date::time_zone* find_zone(std::string_view name) {
  try {
    return date::locate_zone(name);
  } catch (const std::runtime_error&) {
    return nullptr;
  }
}

std::optional<int> digits(std::string_view text) {
  int number = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::optional<date::local_seconds> parse(std::string_view text) {
  constexpr std::string_view form = "dddd-dd-ddTdd:dd:dd";  // d: a digit
  if (text.size() != form.size() && text.size() != form.size() - 3) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (form[i] != 'd' && text[i] != form[i]) return std::nullopt;
  }
  std::array<int, 6> fields{};
  constexpr std::array<std::size_t, 6> starts{0, 5, 8, 11, 14, 17};
  for (std::size_t i = 0; i < fields.size() && starts[i] < text.size(); ++i) {
    const std::optional<int> number = digits(text.substr(starts[i], i == 0 ? 4 : 2));
    if (!number) return std::nullopt;
    fields[i] = *number;
  }
  const auto [year, month, day, hour, minute, second] = fields;
  const date::year_month_day date{date::year(year), date::month(static_cast<unsigned>(month)),
                                  date::day(static_cast<unsigned>(day))};
  if (!date.ok() || year < 2000 || year > 2199) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return date::local_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace

base::Result<base::Time, LocalTimeError> parse_local_time(std::string_view zone,
                                                          std::string_view text) {
  const std::optional<date::local_seconds> local = parse(text);
  if (!local) return LocalTimeError::malformed;
  const date::time_zone* found = find_zone(zone);
  if (found == nullptr) return LocalTimeError::unknown_zone;
  const date::local_info info = found->get_info(*local);
  if (info.result == date::local_info::nonexistent) return LocalTimeError::skipped;
  if (info.result == date::local_info::ambiguous) return LocalTimeError::repeated;
  return base::Time(local->time_since_epoch() - info.first.offset);
}

std::string local_time_text(std::string_view zone, base::Time time) {
  const date::time_zone* found = find_zone(zone);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto shift = found == nullptr ? std::chrono::seconds(0) : found->get_info(seconds).offset;
  const auto shifted = seconds + shift;
  const auto days = std::chrono::floor<date::days>(shifted);
  const date::year_month_day date(days);
  const date::hh_mm_ss clock(shifted - days);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     found == nullptr ? "Z" : "");
}

std::vector<UtcOffset> utc_offsets(std::string_view zone, base::Time from, base::Time until) {
  const date::time_zone* found = find_zone(zone);
  if (found == nullptr) return {{from, std::chrono::seconds(0)}};
  std::vector<UtcOffset> offsets;
  for (base::Time at = from; at < until;) {
    const date::sys_info info = found->get_info(std::chrono::floor<std::chrono::seconds>(at));
    if (offsets.empty() || offsets.back().offset != info.offset) {
      offsets.push_back({at, info.offset});
    }
    // The last one of a zone ends at the end of all time, beyond what microseconds can say.
    at = info.end < std::chrono::ceil<std::chrono::seconds>(until) ? base::Time(info.end) : until;
  }
  return offsets;
}

std::optional<std::int32_t> parse_date(std::string_view text) {
  constexpr std::string_view midnight = "T00:00";
  if (text.size() != 10) return std::nullopt;
  const std::optional<date::local_seconds> local = parse(std::string(text).append(midnight));
  if (!local) return std::nullopt;
  return static_cast<std::int32_t>(local->time_since_epoch() / date::days(1));
}

std::string date_text(std::int32_t days_since_1970) {
  return local_time_text("Etc/UTC", base::Time(date::days(days_since_1970))).substr(0, 10);
}

bool is_time_zone(std::string_view name) { return find_zone(name) != nullptr; }

std::vector<std::string_view> time_zone_names() {
  std::vector<std::string_view> names;
  try {
    for (const date::time_zone& zone : date::get_tzdb().zones) names.push_back(zone.name());
  } catch (const std::runtime_error&) {
    names.clear();
  }
  return names;
}

}  // namespace farthing::tariffs
