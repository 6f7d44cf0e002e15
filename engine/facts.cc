#include "engine/facts.h"

#include "tariffs/numbering.h"
#include "tariffs/plain_text.h"

#include <algorithm>

namespace farthing::engine {

namespace {

bool begins_with_scheme(std::string_view text, std::string_view scheme) {
  return tariffs::is_same(scheme, text.substr(0, scheme.size()));
}

bool is_digit_at(std::string_view text, std::size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

// Visual separators (RFC 3966 5.1.1).
bool is_separator(char c) { return c == '-' || c == '.' || c == '(' || c == ')'; }

// The value of a parameter, of the number where it stands in a URI: "D123" of ";rn=D123"; "" where
// it has none; nullopt: it is not there.
std::optional<std::string_view> parameter(std::string_view text, std::string_view name) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(";@?", at), text.size());
    const std::string_view one = text.substr(at, end - at);
    const std::size_t equals = std::min(one.find('='), one.size());
    if (tariffs::is_same(name, one.substr(0, equals))) {
      return one.substr(std::min(equals + 1, one.size()));
    }
    at = end + 1;
  }
  return std::nullopt;
}

// Whether the digits stand in the bytes of an address, whole.
bool names(std::string_view address, std::string_view digits) {
  for (std::size_t at = address.find(digits); at != std::string_view::npos;
       at = address.find(digits, at + 1)) {
    const bool begins = at == 0 || !is_digit_at(address, at - 1);
    if (begins && !is_digit_at(address, at + digits.size())) return true;
  }
  return false;
}

constexpr std::uint32_t vendor_3gpp = 10415;
constexpr std::uint32_t address_type = 899;
constexpr std::uint32_t address_data = 897;
constexpr std::string_view type_msisdn("\0\0\0\1", 4);

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

// The first AVP of this code of 3GPP's among those of a group (RFC 6733 4.1); "": there is none.
std::string_view member(std::string_view group, std::uint32_t code) {
  constexpr std::size_t header = 12;  // with a vendor
  while (group.size() >= header) {
    const std::size_t length = big_endian(group.substr(5, 3));
    const bool has_vendor = (static_cast<unsigned char>(group[4]) & 0x80) != 0;
    if (length < header || length > group.size()) return {};
    if (has_vendor && big_endian(group.substr(0, 4)) == code &&
        big_endian(group.substr(8, 4)) == vendor_3gpp) {
      return group.substr(header, length - header);
    }
    group.remove_prefix(std::min((length + 3) & ~std::size_t{3}, group.size()));
  }
  return {};
}

// 3GPP-MS-TimeZone (TS 23.040 9.2.3.11): quarters of an hour, two half bytes, the lower one first;
// bit 3 of the first byte is the sign. The second byte's daylight saving is in them already.
std::optional<std::chrono::seconds> read_offset(std::string_view bytes) {
  if (bytes.size() != 2) return std::nullopt;
  const auto zone = static_cast<unsigned char>(bytes[0]);
  const int tens = zone & 0x07;
  const int ones = zone >> 4;
  constexpr int quarters_max = 14 * 4;
  const int quarters = 10 * tens + ones;
  if (ones > 9 || quarters > quarters_max) return std::nullopt;
  const std::chrono::minutes offset(15 * quarters);
  return (zone & 0x08) != 0 ? -offset : offset;
}

}  // namespace

std::string_view role_of(tariffs::Leg leg) {
  // The numbers of legs are those of the roles.
  constexpr std::array<std::string_view, tariffs::leg_count> roles = {
      std::string_view("\0\0\0\0", 4), std::string_view("\0\0\0\1", 4),
      std::string_view("\0\0\0\2", 4)};
  return roles[static_cast<std::size_t>(leg)];
}

// "+49301234567", "tel:+49-30-1234567;npdi", "sip:+49301234567@ims.example;user=phone": 1 to 15
// digits (E.164), of which the country code's first is never 0; visual separators (RFC 3966) are
// passed over.
void RatingFacts::Party::read(std::string_view text) {
  size = 0;
  urn = {};
  if (begins_with_scheme(text, "urn:")) {
    urn = text;
    return;
  }
  for (std::string_view scheme : {"sip:", "sips:", "tel:"}) {
    if (!begins_with_scheme(text, scheme)) continue;
    text.remove_prefix(scheme.size());
    text = text.substr(0, text.find_first_of("@;:?"));
    break;
  }
  is_international = text.starts_with('+');
  if (is_international) text.remove_prefix(1);
  const std::size_t size_max = is_international ? tariffs::e164_digits_max : dialled_digits_max;
  std::size_t read = 0;
  for (char c : text) {
    if (is_separator(c)) continue;
    if (c < '0' || c > '9' || read == size_max) return;
    digits[read++] = c;
  }
  if (!is_international || (read > 0 && digits[0] != '0')) size = read;
}

// Address-Data of a party of a message.
void RatingFacts::Party::read_address(std::string_view group) {
  const std::string_view text = member(group, address_data);
  read(text);
  const bool is_number =
      !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (is_number && member(group, address_type) == type_msisdn) {
    is_international = text.size() <= tariffs::e164_digits_max && text[0] != '0';
  }
}

// "D123", "rn=+1-202-555-0100;npdi", a URI with the parameter rn: hexadecimal digits.
void RatingFacts::Route::read(std::string_view text) {
  size = 0;
  if (const std::optional<std::string_view> value = parameter(text, "rn")) {
    text = *value;
  } else {
    text = text.substr(0, text.find(';'));
  }
  std::size_t read = 0;
  for (char c : text) {
    if (is_separator(c)) continue;
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
    const bool is_digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
    if ((!is_digit && !(c == '+' && read == 0)) || read == digits.size()) return;
    digits[read++] = c;
  }
  size = read > 1 || (read == 1 && digits[0] != '+') ? read : 0;
}

void RatingFacts::read_called(std::string_view text) {
  called_.read(text);
  const bool has_route = parameter(text, "rn").has_value();
  called_route_.size = 0;
  if (has_route) called_route_.read(text);
  is_dipped_ = parameter(text, "npdi").has_value();
}

void RatingFacts::learn(const std::vector<AttributeView>& attributes) {
  for (const AttributeView& attribute : attributes) {
    switch (static_cast<AttributeId>(attribute.id)) {
      case AttributeId::called_party:
        read_called(attribute.value);
        break;
      case AttributeId::calling_party:
        calling_.read(attribute.value);
        break;
      case AttributeId::time_zone:
        visited_offset_ = read_offset(attribute.value);
        break;
      case AttributeId::routing_number:
        told_route_.read(attribute.value);
        break;
      case AttributeId::ported_to:
        looked_up_route_.read(attribute.value);
        break;
      case AttributeId::common_groups:
        common_groups_ = attribute.value;
        break;
      case AttributeId::access_point:
        access_point_ = attribute.value;
        break;
      case AttributeId::serving_network:
        serving_network_ = attribute.value;
        break;
      case AttributeId::rat_type:
        rat_type_.reset();
        if (attribute.value.size() == 1) rat_type_ = static_cast<std::uint8_t>(attribute.value[0]);
        break;
      case AttributeId::role_of_node:
        role_ = attribute.value;
        break;
      case AttributeId::recipient:
        recipient_ = attribute.value;
        recipient_party_.read_address(attribute.value);
        break;
      case AttributeId::originator:
        originator_ = attribute.value;
        originator_party_.read_address(attribute.value);
        break;
      default:
        break;  // nothing asks for it
    }
  }
}

tariffs::Leg RatingFacts::leg() const {
  using tariffs::Leg;
  if (role_ == role_of(Leg::terminating)) return Leg::terminating;
  if (role_ == role_of(Leg::forwarded)) return Leg::forwarded;
  if (!role_.empty() || recipient_.empty() || msisdn_.kind() == Identity::Kind::none) {
    return Leg::originating;
  }
  const std::string digits = msisdn_.digits();
  const bool comes_in = names(recipient_, digits) && !names(originator_, digits);
  return comes_in ? Leg::terminating : Leg::originating;
}

tariffs::Facts RatingFacts::at(Time time) const {
  const Route& route = told_route_.size > 0     ? told_route_
                       : called_route_.size > 0 ? called_route_
                                                : looked_up_route_;
  return {.called_number = called_.international(),
          .dialled_number = !called_.urn.empty() ? called_.urn : called_.dialled(),
          .access_point = access_point_,
          .rat_type = rat_type_,
          .serving_network = serving_network_,
          .leg = leg(),
          .calling_number = calling_.international(),
          .dialled_calling = calling_.dialled(),
          .recipient_number = recipient_party_.international(),
          .originator_number = originator_party_.international(),
          .routing_number = route.text(),
          .common_groups = common_groups_,
          .subscriber = subscriber_,
          .time = time,
          .visited_offset = visited_offset_,
          .billing_day = billing_day_};
}

}  // namespace farthing::engine
