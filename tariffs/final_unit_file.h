// The key `at_end` of a service, a price or an offer: what becomes of who has used the last grant
// up (tariffs/final_unit.h):
//
//   at_end:
//     action: redirect                      # terminate, redirect or restrict
//     address: https://topup.example/       # of redirect: a URL, a SIP URI or an IP address
//     filter_ids: [open-sites]              # may be used all the same: lists the gateway has,
//     filters: ["permit out ip from 198.51.100.0/24 to any"]  # or filters of its own
//     ask_again: 10 min                     # so long nothing is asked for
//
// Part of compile_tariff (tariffs/tariff_file.h). Threads: no shared state.
#pragma once

#include "tariffs/final_unit.h"
#include "tariffs/yaml_reader.h"

#include <memory>
#include <string_view>

namespace farthing::tariffs {

// nullptr: `map` does not say it, or not rightly. Equal ones are not shared.
std::shared_ptr<const FinalUnitRule> read_at_end(YamlMap& map, FileErrors& errors);

}  // namespace farthing::tariffs
