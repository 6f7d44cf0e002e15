// Messages octet by octet, as peers and attackers send them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace farthing::agent {

inline std::string octets(std::uint32_t number, int size) {
  std::string result;
  while (size-- > 0) result += static_cast<char>(number >> (8 * size));
  return result;
}

inline std::string avp(std::uint32_t code, std::string_view value, std::uint32_t vendor = 0) {
  const std::size_t length = 8 + (vendor != 0 ? 4 : 0) + value.size();
  std::string result = octets(code, 4) + octets(vendor != 0 ? 0xc0 : 0x40, 1) +
                       octets(static_cast<std::uint32_t>(length), 3);
  if (vendor != 0) result += octets(vendor, 4);
  result += value;
  result.resize((result.size() + 3) / 4 * 4);
  return result;
}

inline std::string message(std::uint32_t command, std::uint32_t flags, std::string_view avps,
                           std::uint32_t application = 4) {
  return octets(1, 1) + octets(static_cast<std::uint32_t>(20 + avps.size()), 3) + octets(flags, 1) +
         octets(command, 3) + octets(application, 4) + octets(7, 4) + octets(8, 4) +
         std::string(avps);
}

inline std::string subscription(std::uint32_t type, std::string_view data) {
  return avp(443, avp(444, data) + avp(450, octets(type, 4)));
}

}  // namespace farthing::agent
