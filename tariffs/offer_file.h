// The offers of a tariff file (tariffs/offer.h):
//
//   offers:
//     - name: bundle-1g            # once: a fee, an allowance, a time
//       fee: 10.00
//       validity: 30 d
//       allowance: 1 GiB
//       covers: [{service: data, rating_group: 10}]
//     - name: family-20            # again and again; samples/offers.yaml has every key
//       fee: 89.00
//       period: month
//       allowances:
//         - {amount: 20 GiB, covers: [{service: data}], shared: true, rollover: {periods: 1}}
//
// Part of compile_tariff (tariffs/tariff_file.h). Threads: no shared state.
#pragma once

#include "tariffs/coverage_file.h"
#include "tariffs/placed.h"
#include "tariffs/yaml_reader.h"

#include <vector>

namespace farthing::tariffs {

std::vector<PlacedOffer> read_offers(const YamlNode& node, const Coverable& known,
                                     FileErrors& errors);

}  // namespace farthing::tariffs
