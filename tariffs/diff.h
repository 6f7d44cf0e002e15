// What differs between two tariffs, in terms of what people buy: prices, grants, offers, services.
// Not for the path of requests. Threads: no shared state.
#pragma once

#include "tariffs/tariff.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

struct FieldChange {
  std::string_view field;  // "amount"; of the program, not of the tariffs
  std::string before;      // "": there was none
  std::string after;       // "": there is none
};

struct TariffChange {
  enum class Kind : std::uint8_t { added, removed, changed };

  Kind kind = Kind::changed;
  std::string_view what;  // "tariff", "service", "rating group", "grant", "price", "offer"
  std::string name;       // "data/10"
  std::vector<FieldChange> fields;  // of what changed, those that did; else all of them
};

// In the order of `before`, what was added last. Where several prices have one name, the first of
// one tariff is compared with the first of the other, and so on.
std::vector<TariffChange> diff_tariffs(const Tariff& before, const Tariff& after);

std::string_view change_name(TariffChange::Kind kind);  // "added", "removed", "changed"

// "changed price data/10: amount 0.100000 -> 0.080000".
std::string describe_change(const TariffChange& change);

}  // namespace farthing::tariffs
