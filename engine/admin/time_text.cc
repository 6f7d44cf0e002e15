#include "engine/admin/time_text.h"

#include "tariffs/local_time.h"

#include <date/tz.h>

namespace farthing::engine::admin {

std::string time_text(std::string_view zone, base::Time time) {
  constexpr const char* form = "%FT%T%Ez";
  const auto at = date::floor<std::chrono::milliseconds>(time);
  if (!tariffs::is_time_zone(zone)) return date::format("%FT%T+00:00", at);
  return date::format(form, date::make_zoned(date::locate_zone(zone), at));
}

}  // namespace farthing::engine::admin
