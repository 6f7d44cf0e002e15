// IP addresses and networks, for deciding which peer may connect from where.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "diameter/message.h"

namespace farthing::diameter {

// An IPv4 address stands as its IPv4-mapped IPv6 one (RFC 4291 2.5.5.2).
struct IpAddress {
  std::array<std::uint8_t, 16> octets{};

  // Nothing if the text is not an IPv4 or IPv6 address.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_ipv4() const;
  std::string to_string() const;
  // As the value of an Address AVP; a view of this object.
  Address to_avp() const;
  bool operator==(const IpAddress&) const = default;
};

struct IpNetwork {
  IpAddress address;
  std::uint8_t prefix_bits = 0;  // Of the 128 of the mapped address.

  // "10.0.0.0/8", "::1/128", "192.0.2.7" (that address alone), "*" (everything). Nothing if it is
  // none of these.
  static std::optional<IpNetwork> parse(std::string_view text);

  bool contains(const IpAddress& other) const;
};

}  // namespace farthing::diameter
