#include "engine/facts.h"

#include "tariffs/numbering.h"
#include "tariffs/plain_text.h"

#include <algorithm>

namespace farthing::engine {

namespace {

bool begins_with_scheme(std::string_view text, std::string_view scheme) {
  return tariffs::is_same(scheme, text.substr(0, scheme.size()));
}

}  // namespace

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
      default:
        break;  // no price asks for it
    }
  }
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
          .subscriber = subscriber_,
          .time = time};
}

}  // namespace farthing::engine
