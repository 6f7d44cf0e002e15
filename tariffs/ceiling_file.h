// The ceilings of a tariff file, and what names them:
//
//   ceilings:
//     fair-use: {counter: data-month, at: 20 GiB, notes: [80 %]}
//     bill-shock: {counter: roaming-month, at: 60.00, lift: true, lower: true}
//
//   prices:
//     - {default: true, beyond: bill-shock, stop: true, price: free}
//   offers:
//     - {name: booster, raises: {fair-use: 10 GiB}, ...}
//
// Part of compile_tariff (tariffs/tariff_file.h). Threads: no shared state.
#pragma once

#include "tariffs/ceiling.h"
#include "tariffs/conditions.h"
#include "tariffs/counter_file.h"
#include "tariffs/yaml_reader.h"

#include <span>
#include <string>
#include <vector>

namespace farthing::tariffs {

std::vector<CeilingRule> read_ceilings(const YamlNode& node,
                                       std::span<const PlacedCounter> counters, FileErrors& errors);

// Reads the key `beyond` of a price and adds it to its name: "data/*/beyond fair-use". `counters`:
// how many the tariff has.
void read_beyond(YamlMap& price, std::size_t counters, std::span<const CeilingRule> ceilings,
                 Conditions& conditions, std::string& name, FileErrors& errors);

// Reads the key `raises` of an offer.
std::vector<Raise> read_raises(YamlMap& offer, std::span<const CeilingRule> ceilings,
                               FileErrors& errors);

}  // namespace farthing::tariffs
