// CRC32C (Castagnoli, the polynomial of RFC 3720 appendix B.4), the checksum of all that storage
// writes. By the processor's own instruction where it has one, else by table.
//
// Threads: free. No state, no errors.
#pragma once

#include <cstdint>
#include <string_view>

namespace farthing::storage {

// The CRC32C of `bytes`; of a text in parts, `crc` is the result for the parts before.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

// The same by table, whatever the processor: what the fast way is tested against.
std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t crc = 0);

}  // namespace farthing::storage
