// The filing of an offer with a regulator, as a file writes it:
//
//   filing: required              # each offer must have one
//   offers:
//     - name: plan
//       filing: {number: "26-0815", from: 2026-01-01, until: 2026-12-31}
//
// Part of compile_tariff (tariffs/tariff_file.h). Threads: no shared state.
#pragma once

#include "engine/base/time.h"
#include "tariffs/placed.h"
#include "tariffs/yaml_reader.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace farthing::tariffs {

// On which days of its calendar a tariff is in force.
struct SaleDays {
  std::chrono::sys_days from;
  std::optional<std::chrono::sys_days> until;  // the last one; nullopt: no end
};
SaleDays sale_days(std::string_view zone, base::Time from, std::optional<base::Time> until);

// Reads the key `filing` of the tariff: whether each offer must have one.
bool read_filing_rule(YamlMap& file, FileErrors& errors);
// Reads the key `filing` of an offer.
std::optional<Filing> read_filing(YamlMap& offer, FileErrors& errors);
// Each offer has one.
void check_filings(std::span<const PlacedOffer> offers, FileErrors& errors);
// Offers that are on sale on days for which they are not filed.
void warn_of_filings(std::span<const PlacedOffer> offers, const SaleDays& days,
                     FileErrors& warnings);

std::string filing_text(const Filing& filing);  // "26-0815 from 2026-01-01 to 2026-12-31"

}  // namespace farthing::tariffs
