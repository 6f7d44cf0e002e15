// A calendar as a tariff file says it (tariffs/samples/zones-and-times.yaml shows it with
// comments):
//
//   office:
//     holidays: true
//     default: off-peak
//     classes:
//       peak: [{days: mon-fri, from: 08:00, to: 20:00}]
//       night: [{days: all, from: 22:00, to: 06:00}]
//
// Threads: no shared state.
#pragma once

#include "tariffs/calendar.h"
#include "tariffs/yaml_reader.h"

#include <string_view>

namespace farthing::tariffs {

// `days` is the table of holidays where the tariff has one. The parts are fit for a Calendar where
// no errors were added.
CalendarParts read_calendar(const YamlEntry& entry, std::string_view time_zone,
                            const DayTable* days, FileErrors& errors);

}  // namespace farthing::tariffs
