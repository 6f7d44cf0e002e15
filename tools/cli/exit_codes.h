// How the command line ends: fixed, scripts rely on them.
#pragma once

namespace farthing::tools {

inline constexpr int exit_done = 0;
inline constexpr int exit_refused = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_unreachable = 3;

}  // namespace farthing::tools
