// Ceilings: values of counters beyond which something stops or costs otherwise, and which may be
// other ones for one subscriber: lifted by its consent for the rest of a period, lowered at its
// wish, raised by what it buys. The engine keeps those (engine/ceilings.h).
//
// A price holds `beyond` a ceiling; such a condition is a Counted whose counter lies behind the
// tariff's counters (Tariff::ceiling_index) and says 1 once the ceiling is reached, 0 before.
//
// Plain values.
#pragma once

#include "tariffs/units.h"

#include <cstdint>
#include <string>
#include <vector>

namespace farthing::tariffs {

struct CeilingRule {
  std::string name;
  std::uint16_t counter = 0;  // index into the tariff's counters
  Unit unit = Unit::octets;   // the counter's
  std::uint64_t at = 0;       // reached with this value of the counter
  bool may_be_lifted = false;
  bool may_be_lowered = false;
  std::vector<std::uint8_t> notes;  // per cent of it at which the ledger says so, ascending

  friend bool operator==(const CeilingRule&, const CeilingRule&) = default;
};

// What an offer adds to a ceiling, for the rest of its counter's period.
struct Raise {
  std::string ceiling;
  std::uint64_t by = 0;

  friend bool operator==(const Raise&, const Raise&) = default;
};

}  // namespace farthing::tariffs
