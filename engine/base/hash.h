// Hashes of bytes (XXH3, from libxxhash, inlined): fast and well mixed, not cryptographic. What
// must resist a forger uses SHA-256 (storage/record.h).
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <string_view>

namespace farthing::base {

inline std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace farthing::base
