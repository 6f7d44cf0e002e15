// What the agent reads of a message: a walk over its octets that looks at a handful of AVPs and
// passes over all others, known or not, well formed or not.
//
// Hostile octets: nothing outside the message is read; the walk ends at the first AVP whose length
// cannot be, with the facts found until then. No allocation; the views are into the octets given.
// Threads: no shared state.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace farthing::agent {

struct MessageFacts {
  bool is_request = false;
  bool is_error = false;
  std::uint32_t command = 0;
  std::uint32_t application = 0;
  // The first of each; empty where it is absent.
  std::string_view session_id;
  std::string_view destination_host;
  std::string_view destination_realm;
  std::string_view e164;  // digits, without the plus that some clients put before them
  std::string_view imsi;
  std::optional<std::uint32_t> request_type;  // CC-Request-Type
  std::optional<std::uint32_t> result_code;
};

// RFC 6733 3: the command codes, the application and CC-Request-Type (RFC 8506 8.3) it goes by.
constexpr std::uint32_t command_re_auth = 258;
constexpr std::uint32_t command_credit_control = 272;
constexpr std::uint32_t command_abort_session = 274;
constexpr std::uint32_t application_credit_control = 4;
constexpr std::uint32_t request_type_event = 4;

// A whole message, its header first. Nothing where there is no header of version 1 (RFC 6733 3).
std::optional<MessageFacts> read_facts(std::string_view message);

}  // namespace farthing::agent
