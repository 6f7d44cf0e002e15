// Message: a Diameter message decoded in place into a flat, pre-order array of AVPs (a tape).
//
//   Message message;                       // Large: keep one and use it again.
//   auto result = decode(frame, message);
//   if (!result.has_value()) { ... result.error() says what to answer ... }
//   if (const Avp* avp = message.find(AvpId::cc_request_number)) use(avp->u32());
//   for (const Avp& avp : message.avps()) switch (avp.id) { ... message.children(avp) ... }
//
// decode() makes one pass over the header and all AVPs, descends into the Grouped ones of the
// dictionary, believes no length before it has been checked against the bytes at hand, and
// allocates, logs, throws and aborts never. AVPs are views: the frame must outlive the Message's
// use.
//
// What is checked: RFC 6733 3 and 4.1 (version, lengths, flag bits), 4.2-4.3 (sizes and formats of
// the types), unknown AVPs with the M bit (5001), NUL and other control characters in identities
// (5004), repeats of AVPs that may stand once (5009, from the fifth on: real clients send
// Origin-Host twice). Which AVPs a command must have is the command's business.
//
// One thread at a time uses a Message; different ones are independent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "diameter/buffer.h"
#include "diameter/byte_order.h"
#include "diameter/dictionary.h"
#include "engine/base/assert.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace farthing::diameter {

// Limits. A message over them is refused, never cut.
constexpr std::size_t header_size_bytes = 20;
constexpr std::size_t avps_max = 2048;        // In one message, at all depths.
constexpr std::size_t depth_max = 8;          // Levels of AVPs, the top level counted.
constexpr std::uint8_t once_repeats_max = 4;  // How often an AVP that may stand once is borne.

namespace command_flag {
constexpr std::uint8_t request = 0x80;
constexpr std::uint8_t proxiable = 0x40;
constexpr std::uint8_t error = 0x20;
constexpr std::uint8_t retransmitted = 0x10;
}  // namespace command_flag

namespace avp_flag {
constexpr std::uint8_t vendor = 0x80;
constexpr std::uint8_t mandatory = 0x40;
constexpr std::uint8_t protection = 0x20;
constexpr std::uint8_t reserved = 0x1f;
}  // namespace avp_flag

struct Header {
  std::uint8_t flags = 0;
  std::uint32_t command = 0;
  std::uint32_t application = 0;
  std::uint32_t hop_by_hop = 0;
  std::uint32_t end_to_end = 0;

  bool is_request() const { return (flags & command_flag::request) != 0; }
  bool is_error() const { return (flags & command_flag::error) != 0; }
  bool is_retransmitted() const { return (flags & command_flag::retransmitted) != 0; }
};

// An Address AVP's value (RFC 6733 4.3.1; families of the IANA registry).
struct Address {
  static constexpr std::uint16_t ipv4 = 1;
  static constexpr std::uint16_t ipv6 = 2;
  static constexpr std::uint16_t e164 = 8;

  std::uint16_t family = 0;
  Bytes octets;  // 4 for ipv4, 16 for ipv6, digits for e164.
};

// RFC 6733 4.3.1, Time: seconds since 1900 in 32 bits, from 2036-02-07T06:28:16Z on counted anew.
base::Time time_from_wire(std::uint32_t seconds);
std::uint32_t time_to_wire(base::Time time);

// One AVP of a Message. The decoder has checked the value's size against the dictionary's type, so
// the readers below assert only that the caller reads the type that the dictionary gives the AvpId.
struct Avp {
  const std::uint8_t* data;  // The value, without header and padding.
  std::uint32_t size_bytes;
  std::uint32_t code;
  std::uint32_t vendor;  // 0 without the V bit.
  std::uint32_t offset;  // Of the AVP's header in the frame.
  AvpId id;
  std::uint16_t end;  // Index on the tape just past this AVP and all inside it.
  std::uint8_t flags;
  std::uint8_t depth;  // 0 at the top level.

  bool is_mandatory() const { return (flags & avp_flag::mandatory) != 0; }
  Bytes bytes() const { return {data, size_bytes}; }
  std::string_view text() const {
    return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(size_bytes)};
  }
  std::uint32_t u32() const {
    FARTHING_ASSERT(size_bytes == 4);
    return load_u32(data);
  }
  std::int32_t i32() const { return static_cast<std::int32_t>(u32()); }
  std::uint64_t u64() const {
    FARTHING_ASSERT(size_bytes == 8);
    return load_u64(data);
  }
  std::int64_t i64() const { return static_cast<std::int64_t>(u64()); }
  base::Time time() const { return time_from_wire(u32()); }
  Address address() const {
    FARTHING_ASSERT(size_bytes >= 2);
    return {load_u16(data), {data + 2, size_bytes - 2}};
  }
  // The whole AVP as it came: header and value, without padding.
  Bytes raw() const {
    const std::size_t header = (flags & avp_flag::vendor) != 0 ? 12 : 8;
    return {data - header, size_bytes + header};
  }
};

// Siblings on the tape: steps over what is inside each.
class AvpRange {
 public:
  class Iterator {
   public:
    Iterator(const Avp* tape, std::size_t at) : tape_(tape), at_(at) {}
    const Avp& operator*() const { return tape_[at_]; }
    const Avp* operator->() const { return tape_ + at_; }
    Iterator& operator++() {
      at_ = tape_[at_].end;
      return *this;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    const Avp* tape_;
    std::size_t at_;
  };

  AvpRange(const Avp* tape, std::size_t first, std::size_t end)
      : tape_(tape), first_(first), end_(end) {}
  Iterator begin() const { return {tape_, first_}; }
  Iterator end() const { return {tape_, end_}; }
  bool empty() const { return first_ == end_; }

 private:
  const Avp* tape_;
  std::size_t first_;
  std::size_t end_;
};

struct DecodeError;

class Message {
 public:
  Message() = default;
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  const Header& header() const { return header_; }
  Bytes frame() const { return frame_; }
  // All AVPs at all depths, in the order of the frame.
  std::span<const Avp> tape() const { return {tape_.data(), count_}; }
  AvpRange avps() const { return {tape_.data(), 0, count_}; }
  // REQUIRES: `group` is an AVP of this message.
  AvpRange children(const Avp& group) const { return {tape_.data(), index(group) + 1, group.end}; }
  // The first one at the top level, or inside `group`; nullptr if there is none.
  const Avp* find(AvpId id) const { return find_in(avps(), id); }
  const Avp* find(const Avp& group, AvpId id) const { return find_in(children(group), id); }
  std::size_t index(const Avp& avp) const { return static_cast<std::size_t>(&avp - tape_.data()); }

 private:
  friend class Decoder;

  static const Avp* find_in(AvpRange range, AvpId id) {
    for (const Avp& avp : range) {
      if (avp.id == id) return &avp;
    }
    return nullptr;
  }

  Header header_;
  Bytes frame_;
  std::size_t count_ = 0;
  std::array<Avp, avps_max> tape_;
};

// What a Failed-AVP AVP has to hold (RFC 6733 7.5): one AVP, in the groups that it stood in.
struct FailedAvp {
  struct Group {
    std::uint32_t code;
    std::uint32_t vendor;
    std::uint8_t flags;
  };

  std::array<Group, depth_max> groups;  // Outermost first.
  std::uint8_t groups_count = 0;
  std::uint8_t flags = 0;
  std::uint32_t code = 0;
  std::uint32_t vendor = 0;
  Bytes value;                    // A view of the frame, or empty.
  std::uint32_t zeros_count = 0;  // Octets of zero after it.
  std::uint8_t address_family =
      0;  // If not 0: two octets of it before `value` (an example Address).

  // An AVP of the message as it came.
  static FailedAvp of(const Message& message, const Avp& avp);
  // An example of what is missing at the top level, or in a group.
  static FailedAvp missing(AvpId id);
  static FailedAvp missing_in(const Message& message, const Avp& group, AvpId id);
};

struct DecodeError {
  ResultCode code = ResultCode::success;
  std::uint32_t offset = 0;  // In the frame, of the offending AVP or header field.
  std::optional<FailedAvp> failed_avp;

  // The header cannot be believed, or it is not Diameter at all: no answer, disconnect.
  bool is_fatal() const {
    return code == ResultCode::unsupported_version || code == ResultCode::invalid_message_length;
  }
};

// The length field of a message of which the first four octets are at hand. Errors (all fatal):
// another version (5011), shorter than a header or not a multiple of four (5015), longer than
// `size_bytes_max`.
base::Result<std::uint32_t, ResultCode> frame_size(const std::uint8_t* at,
                                                   std::uint32_t size_bytes_max);

// The Session-Id of a whole frame that has not been decoded, where it stands as RFC 6733 8.8 asks:
// in front. Empty: elsewhere, or there is none.
std::string_view session_id_of(Bytes frame);

// Decodes one whole frame. On an error that is not fatal the header is filled in and the tape has
// all AVPs that could be decoded (behind the offending one too, where its length is sound), so that
// the answer can be built; the first error is returned.
base::Result<void, DecodeError> decode(Bytes frame, Message& message);

}  // namespace farthing::diameter
