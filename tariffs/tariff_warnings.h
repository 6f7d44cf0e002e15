// What a tariff file may say and its author hardly means: rating groups that are named for nothing,
// allowances that nothing can use, names that differ in case only, steps that do not fit the block,
// minimums above a grant. A file is loaded in spite of them. Threads: no shared state.
#pragma once

#include "tariffs/adjustment_file.h"
#include "tariffs/placed.h"

#include <span>

namespace farthing::tariffs {

// Says nothing of services that could not be read in whole: they have errors already.
void find_warnings(std::span<const PlacedService> services, std::span<const PlacedOffer> offers,
                   std::span<const PlacedAdjustment> adjustments, FileErrors& warnings);

}  // namespace farthing::tariffs
