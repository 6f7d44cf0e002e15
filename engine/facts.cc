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

// Whether the digits stand in the bytes of an address, whole.
bool names(std::string_view address, std::string_view digits) {
  for (std::size_t at = address.find(digits); at != std::string_view::npos;
       at = address.find(digits, at + 1)) {
    const bool begins = at == 0 || !is_digit_at(address, at - 1);
    if (begins && !is_digit_at(address, at + digits.size())) return true;
  }
  return false;
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
void RatingFacts::read_called(std::string_view text) {
  called_size_ = 0;
  called_urn_ = {};
  if (begins_with_scheme(text, "urn:")) {
    called_urn_ = text;
    return;
  }
  for (std::string_view scheme : {"sip:", "sips:", "tel:"}) {
    if (!begins_with_scheme(text, scheme)) continue;
    text.remove_prefix(scheme.size());
    text = text.substr(0, text.find_first_of("@;:?"));
    break;
  }
  is_international_ = text.starts_with('+');
  if (is_international_) text.remove_prefix(1);
  const std::size_t size_max = is_international_ ? tariffs::e164_digits_max : dialled_digits_max;
  std::size_t size = 0;
  for (char c : text) {
    if (c == '-' || c == '.' || c == '(' || c == ')') continue;
    if (c < '0' || c > '9' || size == size_max) return;
    called_[size++] = c;
  }
  if (!is_international_ || (size > 0 && called_[0] != '0')) called_size_ = size;
}

void RatingFacts::learn(const std::vector<AttributeView>& attributes) {
  for (const AttributeView& attribute : attributes) {
    switch (static_cast<AttributeId>(attribute.id)) {
      case AttributeId::called_party:
        read_called(attribute.value);
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
        break;
      case AttributeId::originator:
        originator_ = attribute.value;
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
  const std::string_view digits(called_.data(), called_size_);
  return {.called_number = is_international_ ? digits : std::string_view(),
          .dialled_number = !called_urn_.empty() ? called_urn_
                            : is_international_  ? std::string_view()
                                                 : digits,
          .access_point = access_point_,
          .rat_type = rat_type_,
          .serving_network = serving_network_,
          .leg = leg(),
          .subscriber = subscriber_,
          .time = time};
}

}  // namespace farthing::engine
