// The discounts and surcharges of a tariff file:
//
//   combine: best                  # or stack
//   discounts:
//     night-owl: {percent: 20, time: night, covers: [{service: data}]}
//     loyal: {amount: 0.01, per: 1 MiB, subscriber: {segment: loyal}}
//   surcharges:
//     roaming: {amount: 0.50, per: 1 MiB, serving_network: [208, 262]}
//     abroad: {amount: 1.00, per: session, serving_network: [208, 262]}
//
// Part of compile_tariff (tariffs/tariff_file.h). Threads: no shared state.
#pragma once

#include "tariffs/adjustment.h"
#include "tariffs/ceiling_file.h"
#include "tariffs/counter_file.h"
#include "tariffs/placed.h"
#include "tariffs/tariff_tables.h"
#include "tariffs/yaml_reader.h"

#include <span>
#include <vector>

namespace farthing::tariffs {

struct PlacedAdjustment {
  Adjustment adjustment;
  FilePosition position;             // of its name
  const YamlNode* covers = nullptr;  // a list
  const YamlNode* per = nullptr;     // what its amount is for, in the unit of what it covers
};

// Reads the keys `discounts` and `surcharges`: discounts first, each as far as it does not depend
// on the services. The file outlives what is read.
std::vector<PlacedAdjustment> read_adjustments(YamlMap& file, const TariffTables& tables,
                                               const std::vector<PlacedCounter>& counters,
                                               std::span<const CeilingRule> ceilings,
                                               FileErrors& errors);

// Reads the key `combine`, which two discounts need.
Combine read_combine(YamlMap& file, std::span<const PlacedAdjustment> adjustments,
                     FileErrors& errors);

// Reads what the amount is for. REQUIRES: the coverage known.
void read_block(PlacedAdjustment& placed, std::span<const PlacedService> services,
                FileErrors& errors);

}  // namespace farthing::tariffs
