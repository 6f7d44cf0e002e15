#include "diameter/message.h"

#include <algorithm>

#include "diameter/raw_avps.h"

namespace farthing::diameter {

namespace {

// Seconds from 1900-01-01 to 1970-01-01 (RFC 5905 6).
constexpr std::int64_t unix_epoch_on_wire = 2208988800;
constexpr std::int64_t era_seconds = std::int64_t{1} << 32;

constexpr std::uint64_t repeated(std::uint8_t octet) { return 0x0101010101010101u * octet; }

// A control character (below 0x20), or an octet that is not ASCII, in any of eight octets.
bool has_unusual(std::uint64_t octets) {
  const std::uint64_t below_0x20 = (octets - repeated(0x20)) & ~octets;
  return ((below_0x20 | octets) & repeated(0x80)) != 0;
}

// UTF-8 without control characters, octet by octet (RFC 3629 4).
bool is_clean_utf8(Bytes text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const std::uint8_t lead = text[i++];
    if (lead < 0x20) return false;
    if (lead < 0x80) continue;
    const int more = lead >= 0xc2 && lead < 0xe0   ? 1
                     : lead >= 0xe0 && lead < 0xf0 ? 2
                     : lead >= 0xf0 && lead < 0xf5 ? 3
                                                   : 0;
    if (more == 0 || text.size() - i < static_cast<std::size_t>(more)) return false;
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xbf;
    if (lead == 0xe0) low = 0xa0;   // Shorter forms exist.
    if (lead == 0xed) high = 0x9f;  // Surrogates.
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;  // Past U+10FFFF.
    for (int k = 0; k < more; ++k, ++i) {
      if (text[i] < low || text[i] > high) return false;
      low = 0x80;
      high = 0xbf;
    }
  }
  return true;
}

// Almost every identity is plain ASCII: eight octets at a time, and the slow way only if they are
// not.
bool is_clean_text(Bytes text) {
  std::size_t i = 0;
  std::uint64_t octets;
  for (; i + sizeof octets <= text.size(); i += sizeof octets) {
    std::memcpy(&octets, text.data() + i, sizeof octets);
    if (has_unusual(octets)) return is_clean_utf8(text);
  }
  for (; i < text.size(); ++i) {
    if (text[i] < 0x20 || text[i] >= 0x80) return is_clean_utf8(text);
  }
  return true;
}

// RFC 6733 4.3.1: the family says how long the address is. Families that no AVP of the dictionary
// carries are values that we do not understand.
ResultCode check_address(Bytes value) {
  const std::size_t size = value.size() - 2;
  switch (load_u16(value.data())) {
    case Address::ipv4:
      return size == 4 ? ResultCode::success : ResultCode::invalid_avp_length;
    case Address::ipv6:
      return size == 16 ? ResultCode::success : ResultCode::invalid_avp_length;
    case Address::e164:
      return size > 0 ? ResultCode::success : ResultCode::invalid_avp_length;
    default:
      return ResultCode::invalid_avp_value;
  }
}

constexpr std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

void add_groups(const Message& message, std::size_t index, FailedAvp& failed) {
  // Walking back over the tape, the first AVP of each lesser depth is the next group outwards.
  const std::span<const Avp> tape = message.tape();
  std::uint8_t depth = tape[index].depth;
  failed.groups_count = depth;
  while (depth > 0) {
    const Avp& avp = tape[--index];
    if (avp.depth >= depth) continue;
    depth = avp.depth;
    failed.groups[depth] = {avp.code, avp.vendor, avp.flags};
  }
}

}  // namespace

base::Time time_from_wire(std::uint32_t seconds) {
  const std::int64_t era = (seconds & 0x80000000u) != 0 ? 0 : era_seconds;
  return base::Time(std::chrono::seconds(era + seconds - unix_epoch_on_wire));
}

std::uint32_t time_to_wire(base::Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  return static_cast<std::uint32_t>(seconds + unix_epoch_on_wire);
}

FailedAvp FailedAvp::of(const Message& message, const Avp& avp) {
  FailedAvp failed;
  add_groups(message, message.index(avp), failed);
  failed.flags = avp.flags;
  failed.code = avp.code;
  failed.vendor = avp.vendor;
  failed.value = avp.bytes();
  return failed;
}

FailedAvp FailedAvp::missing(AvpId id) {
  const AvpDefinition& avp = definition(id);
  FailedAvp failed;
  failed.flags = avp.flags;
  failed.code = avp.code;
  failed.vendor = avp.vendor;
  if (avp.type == AvpType::address) {
    failed.address_family = Address::ipv4;
    failed.zeros_count = 4;
  } else {
    failed.zeros_count = avp.size_bytes_min;
  }
  return failed;
}

FailedAvp FailedAvp::missing_in(const Message& message, const Avp& group, AvpId id) {
  FailedAvp failed = missing(id);
  add_groups(message, message.index(group), failed);
  failed.groups[failed.groups_count++] = {group.code, group.vendor, group.flags};
  return failed;
}

// One decoding: the state of the walk over one frame.
class Decoder {
 public:
  Decoder(Bytes frame, Message& message) : frame_(frame), message_(message) {}

  base::Result<void, DecodeError> run() {
    message_.frame_ = frame_;
    message_.count_ = 0;
    if (!read_header()) return error_;
    walk();
    close_groups();
    message_.count_ = count_;
    if (failed_) return error_;
    return {};
  }

 private:
  struct OpenGroup {
    std::size_t end;  // Offset of its end in the frame.
    std::size_t index;
  };

  // Only the first error is kept: it is the one that is answered.
  [[gnu::cold]] bool fail(ResultCode code, std::size_t offset) {
    if (failed_) return false;
    failed_ = true;
    error_.code = code;
    error_.offset = static_cast<std::uint32_t>(offset);
    return true;
  }

  bool read_header() {
    const std::uint8_t* at = frame_.data();
    const bool has_header = frame_.size() >= header_size_bytes;
    if (!has_header || load_u24(at + 1) != frame_.size() || frame_.size() % 4 != 0) {
      fail(ResultCode::invalid_message_length, 1);
      return false;
    }
    if (at[0] != 1) {
      fail(ResultCode::unsupported_version, 0);
      return false;
    }
    const Header& header = message_.header_ = header_of(frame_);
    // RFC 6733 3: E must not be set in requests. The reserved bits are ignored by the receiver.
    if (header.is_request() && header.is_error()) fail(ResultCode::invalid_hdr_bits, 4);
    return true;
  }

  void walk() {
    // Copies: the compiler has to take any octet written for a part of this object.
    const std::uint8_t* const frame = frame_.data();
    Avp* const tape = message_.tape_.data();
    std::size_t at = header_size_bytes;
    std::size_t end = frame_.size();
    for (;;) {
      while (at >= end) {
        if (depth_ == 0) return;
        const OpenGroup group = groups_[--depth_];
        tape[group.index].end = static_cast<std::uint16_t>(count_);
        end = depth_ == 0 ? frame_.size() : groups_[depth_ - 1].end;
        at = padded(group.end);
      }
      // Every AVP starts at a multiple of four, and so does the frame's end; a group's end may not
      // (senders that leave out the padding of the last AVP inside): `at` may then be past it.
      if (end - at < 8) return truncated_header(at, end);
      const std::uint8_t* header = frame + at;
      const std::uint64_t first = load_u64(header);  // Code, flags, length.
      const std::uint8_t flags = static_cast<std::uint8_t>(first >> 24);
      const std::size_t size = first & 0xffffff;
      const std::size_t header_size = 8 + ((flags & avp_flag::vendor) >> 5);
      if (size < header_size || size > end - at) return bad_length(at, end);
      if (count_ == avps_max) return too_many(at);

      Avp& avp = tape[count_];
      avp.data = header + header_size;
      avp.size_bytes = static_cast<std::uint32_t>(size - header_size);
      avp.code = static_cast<std::uint32_t>(first >> 32);
      avp.vendor = header_size == 12 ? load_u32(header + 8) : 0;
      avp.offset = static_cast<std::uint32_t>(at);
      avp.id = find_avp(avp.vendor, avp.code);
      avp.flags = flags;
      avp.depth = static_cast<std::uint8_t>(depth_);
      avp.end = static_cast<std::uint16_t>(++count_);

      const AvpShape expected = shape(avp.id);
      at += padded(size);
      if (!is_plain(avp, expected) && !check(avp, definition(avp.id))) continue;
      if (!expected.has_avps) continue;
      if (depth_ + 1 == depth_max) {
        if (avp.size_bytes > 0) too_deep(avp);
        continue;
      }
      groups_[depth_++] = {avp.offset + size, count_ - 1};
      end = avp.offset + size;
      at = avp.offset + header_size;
    }
  }

  // Most AVPs are known, have the flags and the size of their type and no further rule.
  static bool is_plain(const Avp& avp, AvpShape expected) {
    constexpr std::uint8_t bits = avp_flag::vendor | avp_flag::reserved;
    return !expected.has_rules && (avp.flags & bits) == expected.flags &&
           (expected.size_bytes == 0 || avp.size_bytes == expected.size_bytes);
  }

  // Whether the AVP is in order; otherwise the error is noted and its inside is not looked at.
  bool check(const Avp& avp, const AvpDefinition& known) {
    // RFC 6733 4.1: an unrecognized bit is an error; a Vendor-Id field must not be zero.
    const bool has_vendor = (avp.flags & avp_flag::vendor) != 0;
    if ((avp.flags & avp_flag::reserved) != 0 || (has_vendor && avp.vendor == 0)) {
      return refuse(avp, ResultCode::invalid_avp_bits);
    }
    if (avp.id == AvpId::unknown) {
      return avp.is_mandatory() ? refuse(avp, ResultCode::avp_unsupported) : true;
    }
    if (avp.size_bytes < known.size_bytes_min || avp.size_bytes > known.size_bytes_max) {
      return refuse(avp, ResultCode::invalid_avp_length);
    }
    constexpr std::uint8_t rules = avp_rule::once | avp_rule::text | avp_rule::filled;
    if ((known.rules & rules) != 0) {
      if ((known.rules & avp_rule::text) != 0 && !is_clean_text(avp.bytes())) {
        return refuse(avp, ResultCode::invalid_avp_value);
      }
      if ((known.rules & avp_rule::filled) != 0 && avp.size_bytes == 0) {
        return refuse(avp, ResultCode::invalid_avp_value);
      }
      if ((known.rules & avp_rule::once) != 0 && avp.depth == 0 && !count_repeat(avp)) {
        return refuse(avp, ResultCode::avp_occurs_too_many_times);
      }
    }
    if (known.type == AvpType::address) {
      const ResultCode code = check_address(avp.bytes());
      if (code != ResultCode::success) return refuse(avp, code);
    }
    return true;
  }

  bool count_repeat(const Avp& avp) {
    // How many of the few AVPs of this rule there were: looked for only when one comes again.
    std::size_t i = 0;
    while (i < once_count_ && once_seen_[i].id != avp.id) ++i;
    if (i < once_count_) return ++once_seen_[i].count <= once_repeats_max;
    if (once_count_ < once_seen_.size()) once_seen_[once_count_++] = {avp.id, 1};
    return true;
  }

  [[gnu::cold]] bool refuse(const Avp& avp, ResultCode code) {
    message_.count_ = count_;
    if (fail(code, avp.offset)) error_.failed_avp = FailedAvp::of(message_, avp);
    return false;
  }

  // RFC 6733 7.1.5 (5014): a header that is not all there is filled up with zeros.
  [[gnu::cold]] void truncated_header(std::size_t at, std::size_t end) {
    std::uint8_t header[12] = {};
    std::memcpy(header, frame_.data() + at, end - at);
    fail_header(header, at);
  }

  // The same clause: a length shorter than the header or past the end of what the AVP stands in.
  // The header and an example value of the least size are enough.
  [[gnu::cold]] void bad_length(std::size_t at, std::size_t end) {
    std::uint8_t header[12] = {};
    std::memcpy(header, frame_.data() + at, std::min<std::size_t>(end - at, sizeof header));
    fail_header(header, at);
  }

  void fail_header(const std::uint8_t* header, std::size_t at) {
    if (!fail(ResultCode::invalid_avp_length, at)) return;
    const std::uint8_t flags = header[4] & static_cast<std::uint8_t>(~avp_flag::reserved);
    const std::uint32_t vendor = (flags & avp_flag::vendor) != 0 ? load_u32(header + 8) : 0;
    FailedAvp failed = FailedAvp::missing(find_avp(vendor, load_u32(header)));
    failed.flags = flags;
    failed.code = load_u32(header);
    failed.vendor = vendor;
    set_groups(failed);
    error_.failed_avp = failed;
  }

  [[gnu::cold]] void too_many(std::size_t at) {
    if (!fail(ResultCode::avp_occurs_too_many_times, at)) return;
    const std::uint8_t* header = frame_.data() + at;
    FailedAvp failed;
    failed.flags = header[4];
    failed.code = load_u32(header);
    failed.vendor = (failed.flags & avp_flag::vendor) != 0 ? load_u32(header + 8) : 0;
    set_groups(failed);
    error_.failed_avp = failed;
  }

  [[gnu::cold]] void too_deep(const Avp& avp) {
    if (failed_) return;
    refuse(avp, ResultCode::invalid_avp_value);
    error_.failed_avp
        ->value = {};  // Its header is enough, and the answer nests no deeper than this.
  }

  void set_groups(FailedAvp& failed) const {
    failed.groups_count = static_cast<std::uint8_t>(depth_);
    for (std::size_t i = 0; i < depth_; ++i) {
      const Avp& group = message_.tape_[groups_[i].index];
      failed.groups[i] = {group.code, group.vendor, group.flags};
    }
  }

  void close_groups() {
    while (depth_ > 0) {
      message_.tape_[groups_[--depth_].index].end = static_cast<std::uint16_t>(count_);
    }
  }

  struct OnceSeen {
    AvpId id;
    std::uint8_t count;
  };

  Bytes frame_;
  Message& message_;
  std::size_t count_ = 0;
  std::size_t depth_ = 0;
  std::array<OpenGroup, depth_max> groups_;
  std::array<OnceSeen, 16> once_seen_;
  std::size_t once_count_ = 0;
  bool failed_ = false;
  DecodeError error_;
};

std::string_view session_id_of(Bytes frame) {
  if (frame.size() < header_size_bytes) return {};
  RawAvps avps(body_of(frame));
  constexpr std::uint32_t session_id_code = 263;
  if (!avps.next() || avps.vendor() != 0 || avps.code() != session_id_code) return {};
  return {reinterpret_cast<const char*>(avps.value().data()), avps.value().size()};
}

base::Result<std::uint32_t, ResultCode> frame_size(const std::uint8_t* at,
                                                   std::uint32_t size_bytes_max) {
  if (at[0] != 1) return ResultCode::unsupported_version;
  const std::uint32_t size = load_u24(at + 1);
  if (size < header_size_bytes || size % 4 != 0 || size > size_bytes_max) {
    return ResultCode::invalid_message_length;
  }
  return size;
}

base::Result<void, DecodeError> decode(Bytes frame, Message& message) {
  return Decoder(frame, message).run();
}

}  // namespace farthing::diameter
