#include "diameter/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace farthing::diameter {

namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int mapped_prefix_bits = 96;

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  IpAddress address;
  if (inet_pton(AF_INET6, terminated.c_str(), address.octets.data()) == 1) return address;
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), address.octets.begin());
  if (inet_pton(AF_INET, terminated.c_str(), address.octets.data() + 12) == 1) return address;
  return std::nullopt;
}

bool IpAddress::is_ipv4() const {
  return std::equal(mapped_prefix.begin(), mapped_prefix.end(), octets.begin());
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  const bool v4 = is_ipv4();
  inet_ntop(v4 ? AF_INET : AF_INET6, octets.data() + (v4 ? 12 : 0), text, sizeof text);
  return text;
}

Address IpAddress::to_avp() const {
  if (is_ipv4()) return {Address::ipv4, Bytes(octets).subspan(12)};
  return {Address::ipv6, octets};
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  if (text == "*") return IpNetwork{};
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const int base = address->is_ipv4() ? mapped_prefix_bits : 0;
  int bits = 128 - base;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const char* end = digits.data() + digits.size();
    int given = -1;
    const auto [rest, error] = std::from_chars(digits.data(), end, given);
    if (error != std::errc() || rest != end || given < 0 || given > bits) return std::nullopt;
    bits = given;
  }
  return IpNetwork{*address, static_cast<std::uint8_t>(base + bits)};
}

bool IpNetwork::contains(const IpAddress& other) const {
  const std::size_t whole = prefix_bits / 8;
  if (!std::equal(address.octets.begin(), address.octets.begin() + whole, other.octets.begin())) {
    return false;
  }
  const int rest = prefix_bits % 8;
  if (rest == 0) return true;
  const int mask = 0xff00 >> rest & 0xff;
  return ((address.octets[whole] ^ other.octets[whole]) & mask) == 0;
}

}  // namespace farthing::diameter
