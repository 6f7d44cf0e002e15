// What an offer asks to be spent at least in each of its periods, as a file writes it:
//
//   offers:
//     - name: plan
//       period: month
//       begins: calendar
//       minimum_spend: {amount: 30.00, counter: spent}  # a counter of money, by the month
//
// Part of compile_tariff (tariffs/tariff_file.h). Threads: no shared state.
#pragma once

#include "tariffs/counter_file.h"
#include "tariffs/offer.h"
#include "tariffs/yaml_reader.h"

#include <optional>
#include <span>

namespace farthing::tariffs {

// Reads the key `minimum_spend` of an offer that renews so, or does not.
std::optional<MinimumSpend> read_minimum_spend(YamlMap& offer,
                                               const std::optional<Renewal>& renewal,
                                               std::span<const PlacedCounter> counters,
                                               FileErrors& errors);

}  // namespace farthing::tariffs
