#include "diameter/writer.h"

#include <cstring>

#include "diameter/byte_order.h"
#include "engine/base/assert.h"

namespace farthing::diameter {

namespace {

constexpr std::size_t message_size_bytes_max = 0xfffffc;

constexpr std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

constexpr std::size_t header_size(std::uint8_t flags) {
  return (flags & avp_flag::vendor) != 0 ? 12 : 8;
}

bool is_made_of_octets(AvpType type) {
  return type <= AvpType::ip_filter_rule;  // The first ones of the enumeration.
}
static_assert(AvpType::octet_string < AvpType::ip_filter_rule &&
              AvpType::diameter_uri < AvpType::ip_filter_rule &&
              AvpType::integer32 > AvpType::ip_filter_rule);

}  // namespace

void Writer::begin(const Header& header) {
  FARTHING_ASSERT(depth_ == 0);
  message_at_ = out_.size();
  std::uint8_t* at = out_.extend(header_size_bytes);
  store_u32(at, 0x01000000);
  store_u32(at + 4, std::uint32_t{header.flags} << 24 | header.command);
  store_u32(at + 8, header.application);
  store_u32(at + 12, header.hop_by_hop);
  store_u32(at + 16, header.end_to_end);
}

void Writer::begin_answer(const Header& request, bool error) {
  Header answer = request;
  answer.flags = static_cast<std::uint8_t>((request.flags & command_flag::proxiable) |
                                           (error ? command_flag::error : 0));
  begin(answer);
}

std::uint8_t* Writer::put_header(std::uint8_t* at, std::uint32_t code, std::uint8_t flags,
                                 std::uint32_t vendor, std::size_t size_bytes) {
  store_u32(at, code);
  store_u32(at + 4, std::uint32_t{flags} << 24 | static_cast<std::uint32_t>(size_bytes));
  if ((flags & avp_flag::vendor) == 0) return at + 8;
  store_u32(at + 8, vendor);
  return at + 12;
}

// Room for a whole AVP, header written and padding cleared; returns where the value goes.
std::uint8_t* Writer::begin_value(const AvpDefinition& avp, std::size_t size_bytes) {
  FARTHING_ASSERT(avp.id != AvpId::unknown && size_bytes <= message_size_bytes_max);
  const std::uint8_t flags = avp.flags;
  const std::size_t size = header_size(flags) + size_bytes;
  std::uint8_t* at = out_.extend(padded(size));
  if (size_bytes % 4 != 0) std::memset(at + padded(size) - 4, 0, 4);
  return put_header(at, avp.code, flags, avp.vendor, size);
}

void Writer::put_u32(AvpId id, std::uint32_t value) {
  const AvpDefinition& avp = definition(id);
  FARTHING_ASSERT(avp.type == AvpType::unsigned32 || avp.type == AvpType::enumerated);
  store_u32(begin_value(avp, 4), value);
}

void Writer::put_i32(AvpId id, std::int32_t value) {
  const AvpDefinition& avp = definition(id);
  FARTHING_ASSERT(avp.type == AvpType::integer32 || avp.type == AvpType::enumerated);
  store_u32(begin_value(avp, 4), static_cast<std::uint32_t>(value));
}

void Writer::put_u64(AvpId id, std::uint64_t value) {
  const AvpDefinition& avp = definition(id);
  FARTHING_ASSERT(avp.type == AvpType::unsigned64);
  store_u64(begin_value(avp, 8), value);
}

void Writer::put_i64(AvpId id, std::int64_t value) {
  const AvpDefinition& avp = definition(id);
  FARTHING_ASSERT(avp.type == AvpType::integer64);
  store_u64(begin_value(avp, 8), static_cast<std::uint64_t>(value));
}

void Writer::put_time(AvpId id, base::Time time) {
  const AvpDefinition& avp = definition(id);
  FARTHING_ASSERT(avp.type == AvpType::time);
  store_u32(begin_value(avp, 4), time_to_wire(time));
}

void Writer::put_text(AvpId id, std::string_view text) {
  put_bytes(id, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void Writer::put_bytes(AvpId id, Bytes bytes) {
  const AvpDefinition& avp = definition(id);
  FARTHING_ASSERT(is_made_of_octets(avp.type));
  std::uint8_t* at = begin_value(avp, bytes.size());
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
}

void Writer::put_address(AvpId id, const Address& address) {
  const AvpDefinition& avp = definition(id);
  FARTHING_ASSERT(avp.type == AvpType::address);
  std::uint8_t* at = begin_value(avp, 2 + address.octets.size());
  store_u16(at, address.family);
  if (!address.octets.empty()) std::memcpy(at + 2, address.octets.data(), address.octets.size());
}

void Writer::open(std::uint32_t code, std::uint8_t flags, std::uint32_t vendor) {
  FARTHING_ASSERT(depth_ < groups_at_.size());
  groups_at_[depth_++] = out_.size();
  put_header(out_.extend(header_size(flags)), code, flags, vendor, 0);
}

void Writer::begin_group(AvpId id) {
  const AvpDefinition& avp = definition(id);
  FARTHING_ASSERT(avp.type == AvpType::grouped);
  open(avp.code, avp.flags, avp.vendor);
}

void Writer::end_group() {
  FARTHING_ASSERT(depth_ > 0);
  const std::size_t at = groups_at_[--depth_];
  const std::size_t size = out_.size() - at;
  FARTHING_ASSERT(size <= message_size_bytes_max);
  store_u24(out_.data() + at + 5, static_cast<std::uint32_t>(size));
}

void Writer::copy(const Avp& avp) {
  const Bytes raw = avp.raw();
  const std::size_t size = padded(raw.size());
  std::uint8_t* at = out_.extend(size);
  std::memset(at + size - 4, 0, 4);
  std::memcpy(at, raw.data(), raw.size());
}

void Writer::copy_all(const Message& message, AvpId id) {
  for (const Avp& avp : message.avps()) {
    if (avp.id == id) copy(avp);
  }
}

void Writer::put_failed_avp(const FailedAvp& failed) {
  begin_group(AvpId::failed_avp);
  for (std::size_t i = 0; i < failed.groups_count; ++i) {
    open(failed.groups[i].code, failed.groups[i].flags, failed.groups[i].vendor);
  }
  const std::size_t family_size = failed.address_family != 0 ? 2 : 0;
  const std::size_t size =
      header_size(failed.flags) + family_size + failed.value.size() + failed.zeros_count;
  std::uint8_t* at = out_.extend(padded(size));
  std::memset(at, 0, padded(size));
  at = put_header(at, failed.code, failed.flags, failed.vendor, size);
  if (family_size != 0) store_u16(at, failed.address_family);
  if (!failed.value.empty()) {
    std::memcpy(at + family_size, failed.value.data(), failed.value.size());
  }
  for (std::size_t i = 0; i < failed.groups_count; ++i) end_group();
  end_group();
}

std::size_t Writer::finish() {
  FARTHING_ASSERT(depth_ == 0);
  const std::size_t size = out_.size() - message_at_;
  FARTHING_ASSERT(size <= message_size_bytes_max);
  store_u24(out_.data() + message_at_ + 1, static_cast<std::uint32_t>(size));
  return size;
}

}  // namespace farthing::diameter
