#include "tariffs/units.h"

#include "engine/base/assert.h"

namespace farthing::tariffs {

std::string_view unit_name(Unit unit) {
  switch (unit) {
    case Unit::seconds:
      return "seconds";
    case Unit::octets:
      return "octets";
    case Unit::events:
      return "events";
    case Unit::money:
      return "money";
  }
  FARTHING_ASSERT(false);
  return "";
}

std::optional<Unit> unit_named(std::string_view name) {
  for (Unit unit : {Unit::seconds, Unit::octets, Unit::events, Unit::money}) {
    if (unit_name(unit) == name) return unit;
  }
  return std::nullopt;
}

}  // namespace farthing::tariffs
