// The AVPs of a message that nobody has decoded: for what has to be known of very many messages at
// very little cost. Octets may be anything; what is no AVP ends the walk. As in decode(), the last
// one's padding may be missing.
//
//   RawAvps avps(body_of(frame));
//   while (avps.next()) if (avps.code() == 416) ...
//   if (!avps.is_whole()) ...  it ended in the middle
#pragma once

#include <algorithm>
#include <cstdint>

#include "diameter/buffer.h"
#include "diameter/byte_order.h"
#include "diameter/message.h"

namespace farthing::diameter {

class RawAvps {
 public:
  explicit RawAvps(Bytes octets) : rest_(octets) {}

  bool next() {
    constexpr std::uint32_t short_header = 8;
    constexpr std::uint32_t long_header = 12;  // with a vendor
    if (rest_.size() < short_header) return false;
    const bool has_vendor = (rest_[4] & avp_flag::vendor) != 0;
    const std::uint32_t header = has_vendor ? long_header : short_header;
    const std::uint32_t size = load_u24(rest_.data() + 5);
    if (size < header || size > rest_.size()) return false;
    const std::size_t padded = std::min((std::size_t{size} + 3) & ~std::size_t{3}, rest_.size());
    code_ = load_u32(rest_.data());
    vendor_ = has_vendor ? load_u32(rest_.data() + short_header) : 0;
    whole_ = rest_.first(padded);
    value_ = rest_.subspan(header, size - header);
    rest_ = rest_.subspan(padded);
    return true;
  }
  // What next() found.
  std::uint32_t code() const { return code_; }
  std::uint32_t vendor() const { return vendor_; }
  Bytes value() const { return value_; }
  Bytes whole() const { return whole_; }  // header and padding too
  // REQUIRES: value() has four octets.
  std::uint32_t u32() const { return load_u32(value_.data()); }

  bool is_whole() const { return rest_.empty(); }

 private:
  Bytes rest_;
  Bytes value_;
  Bytes whole_;
  std::uint32_t code_ = 0;
  std::uint32_t vendor_ = 0;
};

// These REQUIRE a whole frame, its length checked (frame_size).
inline Header header_of(Bytes frame) {
  const std::uint8_t* const at = frame.data();
  return {at[4], load_u24(at + 5), load_u32(at + 8), load_u32(at + 12), load_u32(at + 16)};
}
inline Bytes body_of(Bytes frame) { return frame.subspan(header_size_bytes); }

}  // namespace farthing::diameter
