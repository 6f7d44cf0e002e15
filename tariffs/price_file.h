// The terms of a price as a tariff file writes them: an amount per block of units, or tiers, slabs
// and a first block of its own; step, minimum, set-up charge, cap, rounding.
//
// Part of compile_tariff (tariffs/tariff_file.h). Threads: no shared state.
#pragma once

#include "tariffs/price.h"
#include "tariffs/yaml_reader.h"

#include <array>
#include <optional>
#include <string_view>

namespace farthing::tariffs {

// The keys of a price that say what it costs.
inline constexpr std::array<std::string_view, 11> price_keys = {
    "amount", "per",     "tiers", "slabs",    "first", "cap",
    "step",   "minimum", "setup", "rounding", "over"};

struct FilePrice {
  PriceTerms terms;
  PriceTerms continued;  // Rule::continued
};

// nullopt: there are errors now.
std::optional<FilePrice> compile_price(YamlMap& price, Unit unit, FileErrors& errors);

}  // namespace farthing::tariffs
