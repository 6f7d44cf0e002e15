// 128-bit integers, for sums and products of 64-bit ones that must not wrap.
#pragma once

namespace farthing::base {

__extension__ using Int128 = __int128;
__extension__ using Uint128 = unsigned __int128;

}  // namespace farthing::base
