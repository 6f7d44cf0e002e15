// Local times of a named time zone ("Asia/Shanghai"), as tariff files and command lines write them:
// 2026-01-01T00:00 or 2026-01-01T00:00:00.
//
// The rules come from the system's time zone database (package tzdata), read once and shared; a
// zone added to it later is not seen before a restart. Safe to call from any thread.
#pragma once

#include "engine/base/result.h"
#include "engine/base/time.h"

#include <cstdint>
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

bool is_time_zone(std::string_view name);
std::vector<std::string_view> time_zone_names();  // none on a system without time zones

}  // namespace farthing::tariffs
