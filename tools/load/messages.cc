#include "tools/load/messages.h"

#include <cstring>

#include <fmt/format.h>

namespace farthing::load {
namespace {

constexpr std::string_view realm = "farthing.example";
constexpr std::uint32_t vendor_3gpp = 10415;
constexpr char flag_request = '\x80';
constexpr char flag_proxiable = '\x40';
constexpr char flag_sent_before = '\x10';
constexpr std::uint32_t avp_flag_vendor = 0x80000000;
constexpr std::uint32_t avp_flag_mandatory = 0x40000000;
constexpr std::uint32_t length_mask = 0xffffff;

constexpr std::uint32_t avp_result_code = 268;
constexpr std::uint32_t avp_mscc = 456;

constexpr std::size_t serial_digits = 10;
constexpr std::size_t msisdn_digits = 13;
constexpr std::size_t imsi_tail_digits = 10;
constexpr std::string_view imsi_start = "46000";

constexpr std::int64_t ntp_epoch_seconds =
    2'208'988'800;  // 1970 counted from 1900 (RFC 6733 4.3.1)

void store32(char* to, std::uint32_t value) {
  const std::uint32_t big = __builtin_bswap32(value);
  std::memcpy(to, &big, sizeof big);
}

void store64(char* to, std::uint64_t value) {
  const std::uint64_t big = __builtin_bswap64(value);
  std::memcpy(to, &big, sizeof big);
}

std::uint32_t load32(const char* from) {
  std::uint32_t big = 0;
  std::memcpy(&big, from, sizeof big);
  return __builtin_bswap32(big);
}

constexpr auto digit_pairs = [] {
  std::array<char, 200> pairs{};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

// The last `count` decimal digits of `value`, with leading zeroes.
void store_digits(char* to, std::size_t count, std::uint64_t value) {
  while (count >= 2) {
    count -= 2;
    std::memcpy(to + count, &digit_pairs[2 * (value % 100)], 2);
    value /= 100;
  }
  if (count == 1) *to = static_cast<char>('0' + value % 10);
}

std::string be32(std::uint32_t value) {
  std::string bytes(4, '\0');
  store32(bytes.data(), value);
  return bytes;
}

std::string be64(std::uint64_t value) {
  std::string bytes(8, '\0');
  store64(bytes.data(), value);
  return bytes;
}

// Builds a message; only templates are built so, never a request.
class Builder {
 public:
  Builder(std::uint32_t command, char flags, std::uint32_t application) {
    bytes_.assign(header_size_bytes, '\0');
    store32(bytes_.data() + 4, command);
    bytes_[4] = flags;
    store32(bytes_.data() + 8, application);
  }

  // Appends an AVP; where its data begins.
  std::size_t add(std::uint32_t code, std::string_view data, std::uint32_t vendor = 0) {
    const std::size_t begin = open(code, vendor);
    const std::size_t data_at = bytes_.size();
    bytes_.append(data);
    close(begin);
    return data_at;
  }
  std::size_t add32(std::uint32_t code, std::uint32_t value, std::uint32_t vendor = 0) {
    return add(code, be32(value), vendor);
  }
  std::size_t add64(std::uint32_t code, std::uint64_t value) { return add(code, be64(value)); }

  // A grouped AVP goes from open() to close() of what open() gave.
  std::size_t open(std::uint32_t code, std::uint32_t vendor = 0) {
    const std::size_t begin = bytes_.size();
    bytes_.append(be32(code)).append(4, '\0');
    if (vendor != 0) bytes_.append(be32(vendor));
    store32(&bytes_[begin + 4], avp_flag_mandatory | (vendor != 0 ? avp_flag_vendor : 0));
    return begin;
  }
  void close(std::size_t begin) {
    const auto length = static_cast<std::uint32_t>(bytes_.size() - begin);
    store32(&bytes_[begin + 4], load32(&bytes_[begin + 4]) | length);
    bytes_.resize((bytes_.size() + 3) & ~std::size_t{3});
  }

  std::string finish() {
    store32(bytes_.data(), static_cast<std::uint32_t>(bytes_.size()));
    bytes_[0] = 1;  // version
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
};

void add_ps_information(Builder& message) {
  const std::size_t service = message.open(873, vendor_3gpp);
  const std::size_t ps = message.open(874, vendor_3gpp);
  message.add32(2, 1, vendor_3gpp);  // 3GPP-Charging-Id
  message.add(1227, std::string_view("\x00\x01\x0a\x2d\x00\x02", 6), vendor_3gpp);  // PDP-Address
  message.add(847, std::string_view("\x00\x01\x7f\x00\x00\x04", 6), vendor_3gpp);   // GGSN-Address
  message.add(30, "internet");            // Called-Station-Id
  message.add(18, "46000", vendor_3gpp);  // 3GPP-SGSN-MCC-MNC
  message.add(22, std::string_view("\x82\x64\xf0\x00\x00\x01\x64\xf0\x00\x00\x00\x00\x01", 13),
              vendor_3gpp);              // 3GPP-User-Location-Info
  message.add(21, "\x06", vendor_3gpp);  // 3GPP-RAT-Type: E-UTRAN
  message.close(ps);
  message.close(service);
}

// The AVPs of a message that come one after the other in `bytes`. False when one does not fit.
template <class Each>
bool for_each_avp(std::string_view bytes, const Each& each) {
  while (!bytes.empty()) {
    if (bytes.size() < 8) return false;
    const std::uint32_t code = load32(bytes.data());
    const std::uint32_t flags_and_length = load32(bytes.data() + 4);
    const std::size_t length = flags_and_length & length_mask;
    const std::size_t header = (flags_and_length & avp_flag_vendor) != 0 ? 12 : 8;
    if (length < header || length > bytes.size()) return false;
    if (!each(code, bytes.substr(header, length - header))) return false;
    bytes.remove_prefix(std::min(bytes.size(), (length + 3) & ~std::size_t{3}));
  }
  return true;
}

}  // namespace

CcrTemplates::CcrTemplates(std::string_view origin_host, std::uint32_t run)
    : templates_{make(origin_host, run, RequestType::initial),
                 make(origin_host, run, RequestType::update),
                 make(origin_host, run, RequestType::termination)} {}

CcrTemplates::Template CcrTemplates::make(std::string_view origin_host, std::uint32_t run,
                                          RequestType type) {
  const bool ends = type == RequestType::termination;
  Builder message(command_credit_control, flag_request | flag_proxiable, 4);
  Template made;
  const std::string session_start = fmt::format("{};{:010};", origin_host, run);
  made.serial_at =
      message.add(263, session_start + std::string(serial_digits, '0')) + session_start.size();
  message.add(264, origin_host);
  message.add(296, realm);  // Origin-Realm
  message.add(283, realm);  // Destination-Realm
  message.add32(258, 4);    // Auth-Application-Id
  message.add(461, "32251@3gpp.org");
  message.add32(416, static_cast<std::uint32_t>(type));
  made.number_at = message.add32(415, 0);
  made.event_time_at = message.add32(55, 0);
  const std::size_t imsi = message.open(443);
  message.add32(450, 1);
  const std::string imsi_digits = std::string(imsi_start) + std::string(imsi_tail_digits, '0');
  made.imsi_at = message.add(444, imsi_digits) + imsi_start.size();
  message.close(imsi);
  const std::size_t e164 = message.open(443);
  message.add32(450, 0);
  made.msisdn_at = message.add(444, std::string(msisdn_digits, '0'));
  message.close(e164);
  if (ends) message.add32(295, 1);  // Termination-Cause: LOGOUT
  message.add32(455, 1);            // Multiple-Services-Indicator
  const std::size_t mscc = message.open(avp_mscc);
  if (!ends) {
    const std::size_t requested = message.open(437);
    message.add64(421, 1'000'000);
    message.close(requested);
  }
  if (type != RequestType::initial) {
    const std::size_t used = message.open(446);
    made.input_octets_at = message.add64(412, 0);
    made.output_octets_at = message.add64(414, 0);
    message.close(used);
  }
  message.add32(432, 10);  // Rating-Group
  message.close(mscc);
  add_ps_information(message);
  made.bytes = message.finish();
  return made;
}

void CcrTemplates::set_event_time(std::int64_t unix_seconds) {
  const auto time = static_cast<std::uint32_t>(unix_seconds + ntp_epoch_seconds);
  for (Template& each : templates_) store32(&each.bytes[each.event_time_at], time);
}

void CcrTemplates::append(std::string& out, const CcrFields& fields) const {
  const Template& from = templates_[static_cast<std::size_t>(fields.type) - 1];
  const std::size_t begin = out.size();
  out.append(from.bytes);
  char* const to = out.data() + begin;
  if (fields.sent_before) to[4] = static_cast<char>(to[4] | flag_sent_before);
  store32(to + 12, fields.hop_by_hop);
  store32(to + 16, fields.end_to_end);
  store_digits(to + from.serial_at, serial_digits, fields.serial);
  store32(to + from.number_at, fields.number);
  store_digits(to + from.msisdn_at, msisdn_digits, fields.msisdn);
  std::memcpy(to + from.imsi_at, to + from.msisdn_at + msisdn_digits - imsi_tail_digits,
              imsi_tail_digits);
  if (from.input_octets_at != 0) {
    store64(to + from.input_octets_at, fields.input_octets);
    store64(to + from.output_octets_at, fields.output_octets);
  }
}

std::string imsi_of(std::uint64_t msisdn) {
  std::string digits(imsi_tail_digits, '0');
  store_digits(digits.data(), digits.size(), msisdn);
  return std::string(imsi_start) + digits;
}

std::string capabilities_request(std::string_view origin_host) {
  Builder message(command_capabilities_exchange, flag_request, 0);
  message.add(264, origin_host);
  message.add(296, realm);
  message.add(257, std::string_view("\x00\x01\x7f\x00\x00\x01", 6));  // Host-IP-Address
  message.add32(266, 0);                                              // Vendor-Id
  message.add(269, "farthing-load");                                  // Product-Name
  message.add32(299, 0);                                              // no inband security
  message.add32(258, 4);
  return message.finish();
}

std::string disconnect_request(std::string_view origin_host) {
  Builder message(command_disconnect_peer, flag_request, 0);
  message.add(264, origin_host);
  message.add(296, realm);
  message.add32(273, 0);  // Disconnect-Cause: REBOOTING, the one that announces a return
  return message.finish();
}

std::string answer_to(std::string_view request, std::string_view origin_host) {
  const std::uint32_t command = load32(request.data() + 4) & length_mask;
  const bool known = command == command_device_watchdog || command == command_disconnect_peer;
  Builder message(command, known ? '\0' : '\x20', load32(request.data() + 8));
  message.add32(avp_result_code, known ? result_success : 3001);  // else: command unsupported
  message.add(264, origin_host);
  message.add(296, realm);
  std::string bytes = message.finish();
  bytes.replace(12, 8, request.substr(12, 8));
  return bytes;
}

std::optional<std::size_t> message_length(std::string_view bytes) {
  if (bytes.size() < 4) return std::nullopt;
  const std::uint32_t first = load32(bytes.data());
  const std::size_t length = first & length_mask;
  if (first >> 24 != 1 || length < header_size_bytes) return 0;
  return length;
}

std::optional<Answer> parse_answer(std::string_view message) {
  Answer answer;
  answer.command = load32(message.data() + 4) & length_mask;
  answer.is_request = (message[4] & flag_request) != 0;
  answer.hop_by_hop = load32(message.data() + 12);
  const auto of_service = [&](std::uint32_t code, std::string_view data) {
    if (code != avp_result_code) return true;
    if (data.size() != 4) return false;
    const std::uint32_t result = load32(data.data());
    if (answer.service_result <= result_success) answer.service_result = result;
    return true;
  };
  const auto of_command = [&](std::uint32_t code, std::string_view data) {
    if (code == avp_mscc) return for_each_avp(data, of_service);
    if (code != avp_result_code) return true;
    if (data.size() != 4) return false;
    answer.result = load32(data.data());
    return true;
  };
  if (!for_each_avp(message.substr(header_size_bytes), of_command)) return std::nullopt;
  return answer;
}

}  // namespace farthing::load
