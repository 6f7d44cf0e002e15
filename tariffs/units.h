// What is counted: time, volume, events, or money itself (RFC 8506 8.19 to 8.26).
#pragma once

#include "engine/base/named.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace farthing::tariffs {

// The numbers stand in the ledger: never change one, only add.
enum class Unit : std::uint8_t {
  seconds = 0,  // CC-Time
  octets = 1,   // CC-Total-Octets, or CC-Input-Octets and CC-Output-Octets together
  events = 2,   // CC-Service-Specific-Units
  money = 3,    // CC-Money: one unit is one micro of the currency
};

std::string_view unit_name(Unit unit);                  // "seconds", "octets", "events", "money"
std::optional<Unit> unit_named(std::string_view name);  // the inverse; nullopt for any other name

// Rating-Group and Service-Identifier (RFC 8506 8.29, 8.28): numbers of the network's, unique only
// within a Service-Context-Id.
using RatingGroup = base::Named<struct RatingGroupTag, std::uint32_t>;
using ServiceIdentifier = base::Named<struct ServiceIdentifierTag, std::uint32_t>;

// A service's name ("data"), hashed (FNV-1a, 32 bits) so that ledger entries, buckets and price
// segments can name it across tariff versions. A tariff with two services of one key is refused.
using ServiceKey = base::Named<struct ServiceKeyTag, std::uint32_t>;
constexpr ServiceKey service_key(std::string_view name) {
  std::uint32_t hash = 2166136261u;
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return ServiceKey(hash);
}

}  // namespace farthing::tariffs
