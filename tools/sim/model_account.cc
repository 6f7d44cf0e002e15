#include "tools/sim/model_account.h"

#include "engine/base/wide.h"

#include <algorithm>

namespace farthing::sim {

std::uint64_t ModelSegment::granted() const {
  std::uint64_t sum = 0;
  for (const ModelGrant& grant : grants) sum += grant.units;
  return sum;
}

std::int64_t ModelAccount::reserved() const {
  std::int64_t sum = 0;
  for (const ModelSession& session : sessions) {
    for (const ModelSegment& segment : session.segments) sum += segment.reserved;
  }
  return sum;
}

std::int64_t ModelAccount::held(std::uint32_t bucket) const {
  std::int64_t sum = 0;
  for (const ModelSession& session : sessions) {
    for (const ModelSegment& segment : session.segments) {
      for (const ModelHold& hold : segment.holds) sum += hold.bucket == bucket ? hold.units : 0;
    }
  }
  return sum;
}

ModelSession* ModelAccount::session(std::string_view id) {
  const auto found = std::ranges::find(sessions, id, &ModelSession::id);
  return found == sessions.end() ? nullptr : &*found;
}

std::uint64_t chargeable_units(const Price& price, std::uint64_t units) {
  if (units == 0) return 0;
  const std::uint64_t counted = std::max(units, price.minimum);
  return (counted + price.step - 1) / price.step * price.step;
}

std::int64_t cost_of(const Price& price, std::int64_t chargeable) {
  const base::Int128 whole = base::Int128(price.amount_micros) * chargeable;
  const base::Int128 block = base::Int128(price.block);
  switch (price.round) {
    case Round::half_away:
      return static_cast<std::int64_t>((2 * whole + block) / (2 * block));
    case Round::up:
      return static_cast<std::int64_t>((whole + block - 1) / block);
    case Round::down:
      return static_cast<std::int64_t>(whole / block);
  }
  return 0;
}

}  // namespace farthing::sim
