// How far it is to where something else pays for a segment's next unit, or another price begins.
#include "engine/base/saturating.h"
#include "engine/worksheet.h"

#include <algorithm>

namespace farthing::engine {

using base::saturating_add;
using tariffs::chargeable_units;

std::uint64_t Worksheet::allowance_units(std::uint16_t index) const {
  const Segment& segment = segments_[index].now;
  const std::uint64_t others = saturating_add(segment.used, segments_[index].granted);
  const auto allowed = static_cast<std::uint64_t>(left(segment, Pays::units));
  const std::uint64_t end = saturating_add(chargeable_units(segment.terms, segment.used), allowed);
  return end - std::min(end, others);
}

std::uint64_t Worksheet::units_to_border(std::uint16_t index) const {
  const Segment& segment = segments_[index].now;
  // What other sets of services hold comes first.
  const std::uint64_t others = saturating_add(segment.used, segments_[index].granted);
  const std::uint64_t reached = chargeable_units(segment.terms, others);
  std::uint64_t border = saturating_add(others, allowance_units(index));
  if (border <= reached) {
    const std::int64_t allowed = left(segment, Pays::units);
    const std::uint64_t behind = reached - chargeable_units(segment.terms, segment.used) -
                                 static_cast<std::uint64_t>(allowed);
    const std::uint64_t priced =
        saturating_add(static_cast<std::uint64_t>(priced_behind_others(index, allowed)), behind);
    border = saturating_add(reached, tariffs::next_border(segment.terms, priced) - priced);
  }
  return chargeable_units(segment.terms, border) - others;
}

}  // namespace farthing::engine
