// A deposit or a gift that an offer credits in instalments, as a file writes it:
//
//   offers:
//     - name: phone-24
//       fee: 50.00
//       period: month
//       deposit: {amount: 600.00, instalments: 24, early_end: forfeited}
//
// Part of compile_tariff (tariffs/tariff_file.h). Threads: no shared state.
#pragma once

#include "tariffs/offer.h"
#include "tariffs/yaml_reader.h"

#include <optional>

namespace farthing::tariffs {

// Reads the keys `deposit` and `gift` of an offer whose period and minimum spend are known.
std::optional<Instalments> read_instalments(YamlMap& map, const Offer& offer, FileErrors& errors);

// "600.00 in 24 instalments, forfeited at an early end".
std::string instalments_text(const Instalments& instalments);

}  // namespace farthing::tariffs
