// Local times of a named time zone ("Asia/Shanghai"), as tariff files and command lines write them:
// 2026-01-01T00:00 or 2026-01-01T00:00:00.
//
// The rules come from the system's time zone database (package tzdata), read once and shared; a
// zone added to it later is not seen before a restart. Safe to call from any thread.
#pragma once

#include "engine/base/result.h"
#include "engine/base/time.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

enum class LocalTimeError : std::uint8_t {
  unknown_zone,  // or a system without time zones
  malformed,     // another form, or no day of the calendar between 2000 and 2199
  skipped,       // clocks go forward over this time
  repeated,      // clocks go back over this time: it comes twice
};

base::Result<base::Time, LocalTimeError> parse_local_time(std::string_view zone,
                                                          std::string_view text);

// "2026-01-01T00:00:00", whole seconds; in UTC with a 'Z' behind where the zone is unknown.
std::string local_time_text(std::string_view zone, base::Time time);

// What is added to UTC to get the local time, from a moment on.
struct UtcOffset {
  base::Time from;
  std::chrono::seconds offset{0};
};

// Those of a zone in a span of time, the first at its beginning; each differs from the one before.
// Without the zone, one of 0.
std::vector<UtcOffset> utc_offsets(std::string_view zone, base::Time from, base::Time until);

// A day of the calendar from 2000 to 2199, "2026-05-01", as days since 1970-01-01; nullopt: none.
std::optional<std::int32_t> parse_date(std::string_view text);
std::string date_text(std::int32_t days_since_1970);

bool is_time_zone(std::string_view name);
std::vector<std::string_view> time_zone_names();  // none on a system without time zones

}  // namespace farthing::tariffs
