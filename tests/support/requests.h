// Requests for data, as the tests of the engine make them.
#pragma once

#include "engine/operations.h"

#include <cstdint>
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

}  // namespace farthing::test
