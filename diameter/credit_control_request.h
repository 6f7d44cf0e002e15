// Credit-Control-Request (RFC 8506 3.1) -> engine::Request.
//
// Lenient in what real clients send: Auth-Application-Id may be missing (the header says 4), an
// MSCC is taken with or without Multiple-Services-Indicator, Requested-Action matters in events
// only, and identities come as digits, with a plus, as sip: or tel: URIs. Everything else is an
// error with its Result-Code and Failed-AVP. Values are views of the message's frame.
#pragma once

#include "diameter/message.h"
#include "engine/types.h"

#include <optional>
#include <vector>

namespace farthing::diameter {

struct RequestError {
  ResultCode code = ResultCode::success;
  std::optional<FailedAvp> failed_avp;
};

// A request and where its services stood in the message, so that a Failed-AVP can name them.
struct CreditControlRequest {
  engine::Request request;
  std::vector<const Avp*> services;  // the MSCC of each service; nullptr: the command itself
  bool knows_overload = false;       // its client has announced RFC 7683
};

// Subscription-Id-Type (RFC 8506 8.47).
enum class SubscriptionIdType : std::uint32_t { e164 = 0, imsi = 1, sip_uri = 2, nai = 3 };
// Whom a Subscription-Id names; nullopt: it is malformed, or nobody is known by such a one. A
// number may stand in a URI.
std::optional<engine::Identity> identity_of(SubscriptionIdType type, std::string_view text);

// `currency_code`: ISO 4217, that of the accounts. Reuses the memory of `out`.
std::optional<RequestError> read_request(const Message& message, std::uint32_t currency_code,
                                         CreditControlRequest& out);

}  // namespace farthing::diameter
