// What something is for, as tariff files write it: a list of {service, rating_group, when}, the
// rating group by its number or its name; without one the whole service; without the name of a
// situation (`when`) always.
//
// Part of compile_tariff (tariffs/tariff_file.h). Threads: no shared state.
#pragma once

#include "tariffs/ceiling.h"
#include "tariffs/counter_file.h"
#include "tariffs/placed.h"
#include "tariffs/yaml_reader.h"

#include <optional>
#include <span>
#include <vector>

namespace farthing::tariffs {

// What a coverage, and an offer, can name.
struct Coverable {
  std::span<const PlacedService> services;
  std::span<const PlacedSituation> situations;
  std::span<const CeilingRule> ceilings;
  std::span<const PlacedCounter> counters;
};

// One item. The service that is named, if it is known; the coverage, if all of it is.
const PlacedService* read_coverage(const YamlNode& node, const Coverable& known,
                                   std::optional<Coverage>& coverage, FileErrors& errors);

// A list, of things counted in one unit where `one_unit`, each once, each served. The first service
// of it that is known and counted in a known unit; nullptr: there is none.
const PlacedService* read_covers(const YamlNode& node, const Coverable& known, bool one_unit,
                                 std::vector<PlacedCoverage>& coverage, FileErrors& errors);

inline constexpr std::size_t covers_max = 1000;

}  // namespace farthing::tariffs
