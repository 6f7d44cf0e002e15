// The answer to a request that could not be processed: Result-Code with its E bit and Failed-AVP
// (RFC 6733 7), built from what could be decoded of the request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "diameter/message.h"
#include "diameter/writer.h"

namespace farthing::diameter {

// Who we are in every message that we send.
struct Identity {
  std::string origin_host;
  std::string origin_realm;
  std::uint32_t origin_state_id = 0;  // Rises with every start (RFC 6733 8.16).
};

// Appends one whole answer: Session-Id first if the request had a sound one, Origin-Host,
// Origin-Realm, Result-Code, Error-Message if it is not empty, Failed-AVP, what the grammar of the
// answer takes over from the request (Auth-Application-Id, CC-Request-Type and CC-Request-Number),
// and the request's Proxy-Info. The E bit is set with the codes 3xxx (RFC 6733 7.1.3). REQUIRES:
// request is a request, decoded with success or with an error that is not fatal.
void write_error_answer(Buffer& out, const Message& request, const Identity& identity,
                        ResultCode code, const std::optional<FailedAvp>& failed_avp = {},
                        std::string_view error_message = {});

}  // namespace farthing::diameter
