#include "diameter/agent/message_facts.h"

#include "diameter/raw_avps.h"

#include <cstddef>

namespace farthing::agent {
namespace {

using diameter::RawAvps;

std::string_view text(const RawAvps& avp) {
  return {reinterpret_cast<const char*>(avp.value().data()), avp.value().size()};
}

std::optional<std::uint32_t> number32(const RawAvps& avp) {
  if (avp.value().size() != 4) return std::nullopt;
  return avp.u32();
}

void set_first(std::string_view& fact, std::string_view value) {
  if (fact.empty()) fact = value;
}

void set_number(MessageFacts& facts, std::string_view digits, bool is_imsi) {
  if (digits.starts_with('+')) digits.remove_prefix(1);
  set_first(is_imsi ? facts.imsi : facts.e164, digits);
}

// Subscription-Id (RFC 8506 8.46): the type may stand behind the data.
void read_subscription(MessageFacts& facts, diameter::Bytes group) {
  constexpr std::uint32_t data_code = 444;
  constexpr std::uint32_t type_code = 450;
  constexpr std::uint32_t end_user_e164 = 0;
  constexpr std::uint32_t end_user_imsi = 1;
  std::optional<std::uint32_t> type;
  std::string_view data;
  RawAvps avps(group);
  while (avps.next()) {
    if (avps.vendor() != 0) continue;
    if (avps.code() == type_code) type = number32(avps);
    if (avps.code() == data_code) data = text(avps);
  }
  if (type == end_user_e164 || type == end_user_imsi) {
    set_number(facts, data, type == end_user_imsi);
  }
}

// Subscription-Id-Extension (RFC 8506 8.58): one AVP for each kind.
void read_subscription_extension(MessageFacts& facts, diameter::Bytes group) {
  constexpr std::uint32_t e164_code = 660;
  constexpr std::uint32_t imsi_code = 661;
  RawAvps avps(group);
  while (avps.next()) {
    if (avps.vendor() == 0 && (avps.code() == e164_code || avps.code() == imsi_code)) {
      set_number(facts, text(avps), avps.code() == imsi_code);
    }
  }
}

void read_avp(MessageFacts& facts, const RawAvps& avp) {
  switch (avp.code()) {
    case 263:
      return set_first(facts.session_id, text(avp));
    case 268:
      facts.result_code = number32(avp);
      return;
    case 283:
      return set_first(facts.destination_realm, text(avp));
    case 293:
      return set_first(facts.destination_host, text(avp));
    case 416:
      facts.request_type = number32(avp);
      return;
    case 443:
      return read_subscription(facts, avp.value());
    case 659:
      return read_subscription_extension(facts, avp.value());
    default:
      return;
  }
}

}  // namespace

std::optional<MessageFacts> read_facts(std::string_view message) {
  const diameter::Bytes octets(reinterpret_cast<const std::uint8_t*>(message.data()),
                               message.size());
  if (octets.size() < diameter::header_size_bytes || octets[0] != 1) return std::nullopt;
  const std::size_t size = diameter::load_u24(octets.data() + 1);
  if (size < diameter::header_size_bytes || size > octets.size()) return std::nullopt;
  MessageFacts facts;
  const diameter::Header header = diameter::header_of(octets);
  facts.is_request = header.is_request();
  facts.is_error = header.is_error();
  facts.command = header.command;
  facts.application = header.application;
  RawAvps avps(diameter::body_of(octets.first(size)));
  while (avps.next()) {
    if (avps.vendor() == 0) read_avp(facts, avps);
  }
  return facts;
}

}  // namespace farthing::agent
