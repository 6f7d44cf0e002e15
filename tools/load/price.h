// The generator's own arithmetic of what a session costs: the demo price of rating group 10, 0.10 a
// MiB in steps of 1 KiB over the session's whole usage, rounded once, half away from zero, to a
// millionth. Written out here and not taken from `tariffs`, which it is to check.
#pragma once

#include <cstdint>

namespace farthing::load {

// In millionths of the currency unit. REQUIRES: less than 2^56 octets.
constexpr std::int64_t session_charge(std::uint64_t octets) {
  const std::uint64_t steps = (octets + 1023) / 1024;
  // A step is 1/1024 of a MiB, which costs 100,000 millionths.
  return static_cast<std::int64_t>((steps * 100'000 + 512) / 1024);
}

}  // namespace farthing::load
