#include "diameter/agent/message_facts.h"

#include <algorithm>
#include <cstddef>

namespace farthing::agent {
namespace {

constexpr std::size_t message_header_bytes = 20;
constexpr std::size_t avp_header_bytes = 8;
constexpr std::uint8_t flag_vendor = 0x80;
constexpr std::uint8_t flag_request = 0x80;
constexpr std::uint8_t flag_error = 0x20;

std::uint32_t number(std::string_view octets, std::size_t at, std::size_t size) {
  std::uint32_t result = 0;
  for (std::size_t n = 0; n < size; ++n) {
    result = result << 8 | static_cast<std::uint8_t>(octets[at + n]);
  }
  return result;
}

std::optional<std::uint32_t> number32(std::string_view value) {
  if (value.size() != 4) return std::nullopt;
  return number(value, 0, 4);
}

struct Avp {
  std::uint32_t code = 0;
  std::string_view value;
};

// The next AVP without a vendor (RFC 6733 4.1), taken off the front of `octets`.
std::optional<Avp> next_avp(std::string_view& octets) {
  while (octets.size() >= avp_header_bytes) {
    const bool has_vendor = (static_cast<std::uint8_t>(octets[4]) & flag_vendor) != 0;
    const std::size_t header = avp_header_bytes + (has_vendor ? 4 : 0);
    const std::size_t length = number(octets, 5, 3);
    if (length < header || length > octets.size()) break;
    const Avp avp{number(octets, 0, 4), octets.substr(header, length - header)};
    octets.remove_prefix(std::min((length + 3) / 4 * 4, octets.size()));
    if (!has_vendor) return avp;
  }
  return std::nullopt;
}

void set_first(std::string_view& fact, std::string_view value) {
  if (fact.empty()) fact = value;
}

void set_number(MessageFacts& facts, std::string_view digits, bool is_imsi) {
  if (digits.starts_with('+')) digits.remove_prefix(1);
  set_first(is_imsi ? facts.imsi : facts.e164, digits);
}

// Subscription-Id (RFC 8506 8.46): the type may stand behind the data.
void read_subscription(MessageFacts& facts, std::string_view group) {
  constexpr std::uint32_t data_code = 444;
  constexpr std::uint32_t type_code = 450;
  constexpr std::uint32_t end_user_e164 = 0;
  constexpr std::uint32_t end_user_imsi = 1;
  std::optional<std::uint32_t> type;
  std::string_view data;
  while (const std::optional<Avp> avp = next_avp(group)) {
    if (avp->code == type_code) type = number32(avp->value);
    if (avp->code == data_code) data = avp->value;
  }
  if (type == end_user_e164 || type == end_user_imsi) {
    set_number(facts, data, type == end_user_imsi);
  }
}

// Subscription-Id-Extension (RFC 8506 8.58): one AVP for each kind.
void read_subscription_extension(MessageFacts& facts, std::string_view group) {
  constexpr std::uint32_t e164_code = 660;
  constexpr std::uint32_t imsi_code = 661;
  while (const std::optional<Avp> avp = next_avp(group)) {
    if (avp->code == e164_code || avp->code == imsi_code) {
      set_number(facts, avp->value, avp->code == imsi_code);
    }
  }
}

void read_avp(MessageFacts& facts, const Avp& avp) {
  switch (avp.code) {
    case 263:
      return set_first(facts.session_id, avp.value);
    case 268:
      facts.result_code = number32(avp.value);
      return;
    case 283:
      return set_first(facts.destination_realm, avp.value);
    case 293:
      return set_first(facts.destination_host, avp.value);
    case 416:
      facts.request_type = number32(avp.value);
      return;
    case 443:
      return read_subscription(facts, avp.value);
    case 659:
      return read_subscription_extension(facts, avp.value);
    default:
      return;
  }
}

}  // namespace

std::optional<MessageFacts> read_facts(std::string_view message) {
  if (message.size() < message_header_bytes || message[0] != 1) return std::nullopt;
  const std::size_t length = number(message, 1, 3);
  if (length < message_header_bytes || length > message.size()) return std::nullopt;
  const std::uint8_t flags = static_cast<std::uint8_t>(message[4]);
  MessageFacts facts;
  facts.is_request = (flags & flag_request) != 0;
  facts.is_error = (flags & flag_error) != 0;
  facts.command = number(message, 5, 3);
  facts.application = number(message, 8, 4);
  std::string_view rest = message.substr(message_header_bytes, length - message_header_bytes);
  while (const std::optional<Avp> avp = next_avp(rest)) read_avp(facts, *avp);
  return facts;
}

}  // namespace farthing::agent
