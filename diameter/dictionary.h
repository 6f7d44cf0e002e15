// The Diameter dictionary: AVPs, commands, applications and result codes, as data.
//
// AVPs stand in ONE table, diameter/avp_table.def: RFC 6733, RFC 8506, TS 32.299 with what it uses
// of TS 29.061, 29.212, 29.214 and others. Every row has an enumerator of AvpId, so that code
// switches on it; find_avp() maps (vendor, code) to it by one array access. Everything here is
// constant and may be used from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace farthing::diameter {

// RFC 6733 4.2 and 4.3.
enum class AvpType : std::uint8_t {
  octet_string,
  utf8_string,
  diameter_identity,
  diameter_uri,
  ip_filter_rule,
  integer32,
  integer64,
  unsigned32,
  unsigned64,
  float32,
  float64,
  enumerated,
  time,
  address,
  grouped,
};

// One enumerator for each row of the table, dense from 1; `unknown` is what the table does not
// have.
enum class AvpId : std::uint16_t {
  unknown = 0,
#define AVP(id, vendor, code, name, type, rules) id,
#include "diameter/avp_table.def"
  last_,
};

constexpr std::size_t avp_count = static_cast<std::size_t>(AvpId::last_);  // `unknown` included.

// What a row may ask for; the words are explained at the top of the table.
namespace avp_rule {
constexpr std::uint8_t none = 0;
constexpr std::uint8_t mandatory = 1;
constexpr std::uint8_t once = 2;
constexpr std::uint8_t text = 4;
constexpr std::uint8_t filled = 8;
constexpr std::uint8_t key = text | filled;
constexpr std::uint8_t opaque = 16;
}  // namespace avp_rule

namespace vendor {
constexpr std::uint32_t ietf = 0;
constexpr std::uint32_t tgpp = 10415;  // 3GPP
}  // namespace vendor

struct AvpDefinition {
  std::string_view name;
  std::uint32_t code = 0;
  std::uint32_t vendor = 0;
  AvpId id = AvpId::unknown;
  AvpType type = AvpType::octet_string;
  std::uint8_t rules = avp_rule::none;
  std::uint8_t flags = 0;           // The V and M bits as we send them.
  std::uint8_t size_bytes_min = 0;  // Of the value, without header; follows from the type.
  std::uint32_t size_bytes_max = 0xffffff;
};

// What decoding asks of every AVP, in four octets: a table that the first cache holds.
struct AvpShape {
  std::uint8_t flags = 0;       // the V bit, as a sender has to have it
  std::uint8_t size_bytes = 0;  // of a value of fixed size; 0: of any
  bool has_rules = true;        // there is more to check; and of an unknown AVP everything
  bool has_avps = false;        // a Grouped AVP that is looked into
};

namespace detail {
constexpr std::size_t ietf_codes = 1024;
constexpr std::size_t tgpp_codes = 4096;
extern const std::array<AvpDefinition, avp_count> avp_definitions;
extern const std::array<AvpShape, avp_count> avp_shapes;
extern const std::array<AvpId, ietf_codes> ietf_avps;
extern const std::array<AvpId, tgpp_codes> tgpp_avps;
}  // namespace detail

inline AvpId find_avp(std::uint32_t vendor, std::uint32_t code) {
  if (vendor == vendor::ietf) {
    return code < detail::ietf_codes ? detail::ietf_avps[code] : AvpId::unknown;
  }
  if (vendor == vendor::tgpp) {
    return code < detail::tgpp_codes ? detail::tgpp_avps[code] : AvpId::unknown;
  }
  return AvpId::unknown;
}

// REQUIRES: id is a row's or `unknown` (whose definition is an OctetString of any size).
inline const AvpDefinition& definition(AvpId id) {
  return detail::avp_definitions[static_cast<std::size_t>(id)];
}

inline AvpShape shape(AvpId id) { return detail::avp_shapes[static_cast<std::size_t>(id)]; }

inline std::string_view name(AvpId id) { return definition(id).name; }

namespace command {
constexpr std::uint32_t capabilities_exchange = 257;
constexpr std::uint32_t re_auth = 258;
constexpr std::uint32_t accounting = 271;
constexpr std::uint32_t credit_control = 272;
constexpr std::uint32_t abort_session = 274;
constexpr std::uint32_t session_termination = 275;
constexpr std::uint32_t device_watchdog = 280;
constexpr std::uint32_t disconnect_peer = 282;
}  // namespace command

namespace application {
constexpr std::uint32_t base = 0;
constexpr std::uint32_t credit_control = 4;
constexpr std::uint32_t relay = 0xffffffff;
}  // namespace application

// RFC 6733 5.4.3: why a peer says goodbye.
namespace disconnect_cause {
constexpr std::uint32_t rebooting = 0;
constexpr std::uint32_t busy = 1;
constexpr std::uint32_t do_not_want_to_talk_to_you = 2;
}  // namespace disconnect_cause

// RFC 6733 7.1 and RFC 8506 9.
#define FARTHING_RESULT_CODES(ROW)                                                   \
  ROW(multi_round_auth, 1001, "DIAMETER_MULTI_ROUND_AUTH")                           \
  ROW(success, 2001, "DIAMETER_SUCCESS")                                             \
  ROW(limited_success, 2002, "DIAMETER_LIMITED_SUCCESS")                             \
  ROW(command_unsupported, 3001, "DIAMETER_COMMAND_UNSUPPORTED")                     \
  ROW(unable_to_deliver, 3002, "DIAMETER_UNABLE_TO_DELIVER")                         \
  ROW(realm_not_served, 3003, "DIAMETER_REALM_NOT_SERVED")                           \
  ROW(too_busy, 3004, "DIAMETER_TOO_BUSY")                                           \
  ROW(loop_detected, 3005, "DIAMETER_LOOP_DETECTED")                                 \
  ROW(redirect_indication, 3006, "DIAMETER_REDIRECT_INDICATION")                     \
  ROW(application_unsupported, 3007, "DIAMETER_APPLICATION_UNSUPPORTED")             \
  ROW(invalid_hdr_bits, 3008, "DIAMETER_INVALID_HDR_BITS")                           \
  ROW(invalid_avp_bits, 3009, "DIAMETER_INVALID_AVP_BITS")                           \
  ROW(unknown_peer, 3010, "DIAMETER_UNKNOWN_PEER")                                   \
  ROW(authentication_rejected, 4001, "DIAMETER_AUTHENTICATION_REJECTED")             \
  ROW(out_of_space, 4002, "DIAMETER_OUT_OF_SPACE")                                   \
  ROW(election_lost, 4003, "ELECTION_LOST")                                          \
  ROW(end_user_service_denied, 4010, "DIAMETER_END_USER_SERVICE_DENIED")             \
  ROW(credit_control_not_applicable, 4011, "DIAMETER_CREDIT_CONTROL_NOT_APPLICABLE") \
  ROW(credit_limit_reached, 4012, "DIAMETER_CREDIT_LIMIT_REACHED")                   \
  ROW(avp_unsupported, 5001, "DIAMETER_AVP_UNSUPPORTED")                             \
  ROW(unknown_session_id, 5002, "DIAMETER_UNKNOWN_SESSION_ID")                       \
  ROW(authorization_rejected, 5003, "DIAMETER_AUTHORIZATION_REJECTED")               \
  ROW(invalid_avp_value, 5004, "DIAMETER_INVALID_AVP_VALUE")                         \
  ROW(missing_avp, 5005, "DIAMETER_MISSING_AVP")                                     \
  ROW(resources_exceeded, 5006, "DIAMETER_RESOURCES_EXCEEDED")                       \
  ROW(contradicting_avps, 5007, "DIAMETER_CONTRADICTING_AVPS")                       \
  ROW(avp_not_allowed, 5008, "DIAMETER_AVP_NOT_ALLOWED")                             \
  ROW(avp_occurs_too_many_times, 5009, "DIAMETER_AVP_OCCURS_TOO_MANY_TIMES")         \
  ROW(no_common_application, 5010, "DIAMETER_NO_COMMON_APPLICATION")                 \
  ROW(unsupported_version, 5011, "DIAMETER_UNSUPPORTED_VERSION")                     \
  ROW(unable_to_comply, 5012, "DIAMETER_UNABLE_TO_COMPLY")                           \
  ROW(invalid_bit_in_header, 5013, "DIAMETER_INVALID_BIT_IN_HEADER")                 \
  ROW(invalid_avp_length, 5014, "DIAMETER_INVALID_AVP_LENGTH")                       \
  ROW(invalid_message_length, 5015, "DIAMETER_INVALID_MESSAGE_LENGTH")               \
  ROW(invalid_avp_bit_combo, 5016, "DIAMETER_INVALID_AVP_BIT_COMBO")                 \
  ROW(no_common_security, 5017, "DIAMETER_NO_COMMON_SECURITY")                       \
  ROW(user_unknown, 5030, "DIAMETER_USER_UNKNOWN")                                   \
  ROW(rating_failed, 5031, "DIAMETER_RATING_FAILED")

enum class ResultCode : std::uint32_t {
#define FARTHING_ROW(id, code, text) id = code,
  FARTHING_RESULT_CODES(FARTHING_ROW)
#undef FARTHING_ROW
};

// The name in the RFCs, or "UNKNOWN_RESULT_CODE".
std::string_view name(ResultCode code);

// RFC 6733 7.1.3: protocol errors are answered with the E bit set.
constexpr bool is_protocol_error(ResultCode code) {
  return static_cast<std::uint32_t>(code) / 1000 == 3;
}

}  // namespace farthing::diameter
