// The situations of a tariff file, and the conditions under which each holds:
//
//   situations:
//     night: {time: night}
//     eu: {serving_network: [208, 262]}
//
//   offers:
//     - {name: night-owl, allowance: 10 GiB, covers: [{service: data, when: night}], ...}
//
// Part of compile_tariff (tariffs/tariff_file.h). Threads: no shared state.
#pragma once

#include "tariffs/placed.h"
#include "tariffs/tariff_tables.h"
#include "tariffs/yaml_reader.h"

#include <optional>
#include <span>
#include <vector>

namespace farthing::tariffs {

// `node` holds the situations by name.
std::vector<PlacedSituation> read_situations(const YamlNode& node, const TariffTables& tables,
                                             FileErrors& errors);

// The situation that the node names.
std::optional<SituationKey> read_situation(const YamlNode& node,
                                           std::span<const PlacedSituation> situations,
                                           FileErrors& errors);

}  // namespace farthing::tariffs
