// The counters of a tariff file, and the conditions of prices that name them:
//
//   counters:
//     data-month:
//       unit: octets              # or seconds, events; money: what is charged
//       period: month             # day, week or month, in the tariff's time zone
//       covers: [{service: data}] # as in offers; only a counter of money may be without it
//
//   prices:
//     - {default: true, counted: {data-month: {from: 20 GiB}}, price: free}
//
// Part of compile_tariff (tariffs/tariff_file.h). Threads: no shared state.
#pragma once

#include "tariffs/conditions.h"
#include "tariffs/counter.h"
#include "tariffs/yaml_reader.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace farthing::tariffs {

struct PlacedCounter {
  CounterRule rule;  // without its coverage, which needs the services
  FilePosition position;
  const YamlNode* covers = nullptr;  // a list
};

// `node` holds the counters by name and outlives them.
std::vector<PlacedCounter> read_counters(const YamlNode& node, FileErrors& errors);

// The index of the counter that the node names.
std::optional<std::uint16_t> read_counter_name(const YamlNode& node,
                                               std::span<const PlacedCounter> counters,
                                               FileErrors& errors);

// Reads the key `counted` of a price and adds it to its name: "data/*/data-month>=20 GiB".
void read_counted(YamlMap& price, const std::vector<PlacedCounter>& counters,
                  Conditions& conditions, std::string& name, FileErrors& errors);

}  // namespace farthing::tariffs
