// Integers as bytes of a fixed order, for what storage keeps on disk.
//
// REQUIRES: sizeof(Int) bytes at the pointer. Threads: free.
#pragma once

#include <bit>
#include <cstring>

namespace farthing::storage {

static_assert(std::endian::native == std::endian::little, "the disk format is little-endian");

template <class Int>
void put_little(char* to, Int value) {
  std::memcpy(to, &value, sizeof value);
}

template <class Int>
Int get_little(const char* from) {
  Int value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace farthing::storage
