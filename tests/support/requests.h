// Requests for data, as the tests of the engine make them.
#pragma once

#include "engine/operations.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace farthing::test {

// A request of a session without any service yet. The texts outlive it.
inline engine::Request request_of(engine::RequestType type, std::uint32_t number,
                                  std::string_view session, std::string_view msisdn) {
  engine::Request request;
  request.key = {type, number, 0, number + 7u, number + 100u};
  request.session_id = session;
  request.service_context = "32251@3gpp.org";
  request.identities = {*engine::parse_msisdn(msisdn)};
  return request;
}

// Reports octets of rating group 10 and asks for more; 0: does not.
inline void use(engine::Request& request, std::uint64_t used, std::uint64_t asked) {
  engine::ServiceRequest& service = request.add_service();
  service.rating_group = engine::RatingGroup(10);
  if (used > 0) service.used.emplace().octets = used;
  if (asked > 0) service.requested.emplace().total_octets = asked;
}

// An AVP of 3GPP's (RFC 6733 4.1).
inline std::string avp_3gpp(std::uint32_t code, std::string_view value) {
  std::string bytes;
  const auto add = [&bytes](std::uint32_t number, int size) {
    while (size-- > 0) bytes += static_cast<char>(number >> (8 * size));
  };
  add(code, 4);
  add(0xc0, 1);
  add(static_cast<std::uint32_t>(12 + value.size()), 3);
  add(10415, 4);
  bytes += value;
  bytes.resize((bytes.size() + 3) / 4 * 4);
  return bytes;
}

// A party's address in a message, an MSISDN (TS 32.299 7.2.7, 7.2.8).
inline std::string message_address(std::string_view digits) {
  using namespace std::string_view_literals;
  return avp_3gpp(899, "\0\0\0\1"sv) + avp_3gpp(897, digits);
}

}  // namespace farthing::test
