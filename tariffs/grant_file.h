// The key `grant` of a service: how much is granted at once (tariffs/quota.h).
//
// Part of compile_tariff (tariffs/tariff_file.h). Threads: no shared state.
#pragma once

#include "tariffs/placed.h"
#include "tariffs/yaml_reader.h"

namespace farthing::tariffs {

// Reads the sizes of grants and gives them to the service's rules, which have their prices.
void read_grant(YamlMap& service, PlacedService& placed, FileErrors& errors);

// There is an error where the price of the largest grant leaves the range of money.
void check_largest_grant(const Rule& rule, FilePosition position, FileErrors& errors);

}  // namespace farthing::tariffs
