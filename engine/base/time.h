// Time as Farthing counts it: microseconds since 1970-01-01T00:00Z. It always comes in from outside
// (nothing below a program's main function reads a clock by itself).
#pragma once

#include <chrono>
#include <functional>

namespace farthing::base {

using Duration = std::chrono::microseconds;
using Time = std::chrono::sys_time<Duration>;

// Where a component needs the present it is given one of these.
using Clock = std::function<Time()>;

}  // namespace farthing::base
