// Rating attributes as prices ask for them: the bytes of the wire read as a number, an access
// point, a network (tariffs/conditions.h).
//
// What cannot be read for certain is not known, and a condition on it does not hold. A called
// number is known where it says that it is international: "+49301234567", alone or in a tel: or
// sip: URI. Digits without a plus may be dialled in any way (national, after a prefix that differs
// from country to country, a short code): they are handed on as dialled, and so is an emergency URN
// (RFC 5031). A phone-context does not say how to go on from it.
//
// What comes to the subscriber is known by the role of the node (TS 32.299 7.2.168), or of a
// message, by its recipient, who is the subscriber and not its originator. All else counts as the
// subscriber's own doing.
//
// A plain value, copied from what is known of a session to what a request says beside; it views the
// attributes' bytes, which must outlive it.
#pragma once

#include "engine/attributes.h"
#include "engine/types.h"
#include "tariffs/conditions.h"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace farthing::engine {

class RatingFacts {
 public:
  // What these say takes the place of what was known; the rest stays.
  void learn(const std::vector<AttributeView>& attributes);

  // Whose they are, and what is said of it; the attributes must outlive the facts.
  void know(Identity msisdn, std::span<const tariffs::SubscriberAttribute> subscriber) {
    msisdn_ = msisdn;
    subscriber_ = subscriber;
  }

  // With which day its account's billing months begin.
  void bill_from(std::uint8_t day) { billing_day_ = day; }

  bool is_terminating() const;

  tariffs::Facts at(Time time) const;

 private:
  static constexpr std::size_t dialled_digits_max = 20;

  void read_called(std::string_view text);

  std::array<char, dialled_digits_max> called_{};  // digits
  std::size_t called_size_ = 0;                    // 0: not known
  bool is_international_ = false;
  std::string_view called_urn_;
  std::string_view access_point_;
  std::string_view serving_network_;
  std::optional<std::uint8_t> rat_type_;
  std::string_view role_;
  std::string_view recipient_;  // addresses of a message, as on the wire: digits, and more
  std::string_view originator_;
  Identity msisdn_;
  std::span<const tariffs::SubscriberAttribute> subscriber_;
  std::uint8_t billing_day_ = tariffs::billing_day_usual;
};

}  // namespace farthing::engine
