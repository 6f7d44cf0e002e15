// The Diameter messages of the load generator, prebuilt: a request is a template copied and patched
// in place, so that it costs some tens of nanoseconds. A generator's own small encoder on purpose:
// it must not share a mistake with the server's codec.
//
// Threads: one. Errors: an answer that cannot be read is nothing.
// Layout: RFC 6733 3 and 4.1, RFC 8506 3.1; the AVPs are those that Open5GS's SMF sends, with
// rating group 10.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace farthing::load {

enum class RequestType : std::uint8_t { initial = 1, update = 2, termination = 3 };  // RFC 8506 8.3

inline constexpr std::uint32_t command_capabilities_exchange = 257;
inline constexpr std::uint32_t command_credit_control = 272;
inline constexpr std::uint32_t command_device_watchdog = 280;
inline constexpr std::uint32_t command_disconnect_peer = 282;

inline constexpr std::size_t header_size_bytes = 20;
inline constexpr std::uint32_t result_success = 2001;

struct CcrFields {
  RequestType type{};
  std::uint32_t number = 0;  // CC-Request-Number
  std::uint32_t serial = 0;  // the last part of the Session-Id
  std::uint32_t hop_by_hop = 0;
  std::uint32_t end_to_end = 0;
  std::uint64_t msisdn = 0;  // 13 digits
  std::uint64_t input_octets = 0;
  std::uint64_t output_octets = 0;
  bool sent_before = false;  // the T flag
};

class CcrTemplates {
 public:
  // `run` distinguishes the sessions of this run from those of all others.
  CcrTemplates(std::string_view origin_host, std::uint32_t run);

  void set_event_time(std::int64_t unix_seconds);
  void append(std::string& out, const CcrFields& fields) const;

 private:
  struct Template {
    std::string bytes;
    std::size_t serial_at = 0;
    std::size_t number_at = 0;
    std::size_t event_time_at = 0;
    std::size_t imsi_at = 0;
    std::size_t msisdn_at = 0;
    std::size_t input_octets_at = 0;  // 0: reports no usage
    std::size_t output_octets_at = 0;
  };

  static Template make(std::string_view origin_host, std::uint32_t run, RequestType type);

  std::array<Template, 3> templates_;  // by type
};

// The digits of the IMSI that goes with an MSISDN of the generator's own.
std::string imsi_of(std::uint64_t msisdn);

std::string capabilities_request(std::string_view origin_host);
std::string disconnect_request(std::string_view origin_host);
// The answer to a request of the server's own (watchdog, disconnection), from its header.
std::string answer_to(std::string_view request, std::string_view origin_host);

struct Answer {
  std::uint32_t command = 0;
  bool is_request = false;
  std::uint32_t hop_by_hop = 0;
  std::uint32_t result = 0;          // Result-Code of the command; 0 when it has none
  std::uint32_t service_result = 0;  // the worst Result-Code of its MSCCs; 0 when none has one
};

// The length of the message that begins here; nothing while that cannot be told, 0 when it is not
// Diameter.
std::optional<std::size_t> message_length(std::string_view bytes);

// REQUIRES: a whole message. Nothing when its AVPs do not fit into it.
std::optional<Answer> parse_answer(std::string_view message);

}  // namespace farthing::load
