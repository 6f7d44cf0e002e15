// What a tariff is compiled from: a YAML file and the CSV files that it names under `tables`.
//
// The canonical bytes are what a ledger keeps and hashes. A lone YAML file is its own canonical
// form. With tables (format 1): the line "\x01farthing tariff, format 1\n", which no YAML file
// begins with, then the YAML text, the number of tables, and each one's name and text, by name;
// texts have their length before them, numbers are LEB128. Threads: no shared state.
#pragma once

#include "engine/base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

struct SourceTable {
  std::string name;  // of the file, without a folder: "zones.csv"
  std::string text;

  friend bool operator==(const SourceTable&, const SourceTable&) = default;
};

struct TariffSource {
  std::string text;                 // the YAML file
  std::vector<SourceTable> tables;  // each name once

  friend bool operator==(const TariffSource&, const TariffSource&) = default;
};

struct SourceError {
  std::string message;
};

std::string canonical_bytes(TariffSource source);

// The inverse. Only canonical bytes are taken: what has the same
// content has the same hash.
base::Result<TariffSource, SourceError> parse_source(std::string_view bytes);

}  // namespace farthing::tariffs
