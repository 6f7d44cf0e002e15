// Rating attributes as prices ask for them: the bytes of the wire read as a number, an access
// point, a network (tariffs/conditions.h).
//
// What cannot be read for certain is not known, and a condition on it does not hold. A called
// number is known where it says that it is international: "+49301234567", alone or in a tel: or
// sip: URI. Digits without a plus may be dialled in any way (national, after a prefix that differs
// from country to country, a short code): they are handed on as dialled, and so is an emergency URN
// (RFC 5031). A phone-context does not say how to go on from it.
//
// What comes to the subscriber is known by the role of the node (Role-Of-Node, TS 32.299), or of a
// message, by its recipient, who is the subscriber and not its originator. What goes on from it is
// known by the role alone: FORWARDING_ROLE. (Releases before 8 had 2 as the role of a proxy; a
// Requested-Party-Address that differs from the called one says that the number was translated,
// for a free number as well.) All else counts as the subscriber's own doing.
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

// Role-Of-Node of a leg, in the bytes of the wire.
std::string_view role_of(tariffs::Leg leg);

class RatingFacts {
 public:
  // What these say takes the place of what was known; the rest stays.
  void learn(const std::vector<AttributeView>& attributes);

  // Whose they are, and what is said of it; the attributes must outlive the facts.
  void know(Identity msisdn, std::span<const tariffs::SubscriberAttribute> subscriber) {
    msisdn_ = msisdn;
    subscriber_ = subscriber;
  }

  tariffs::Leg leg() const;
  bool is_terminating() const { return leg() == tariffs::Leg::terminating; }

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
};

}  // namespace farthing::engine
