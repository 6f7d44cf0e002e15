// Times as answers show them: ISO 8601 with milliseconds and the zone's offset. Any thread.
#pragma once

#include "engine/base/time.h"

#include <string>
#include <string_view>

namespace farthing::engine::admin {

// "2026-01-01T08:00:00.123+08:00"; in UTC ("+00:00") where the system does not know the zone.
std::string time_text(std::string_view zone, base::Time time);

}  // namespace farthing::engine::admin
