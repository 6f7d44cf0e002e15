// Rating attributes as prices ask for them: the bytes of the wire read as a number, an access
// point, a network (tariffs/conditions.h).
//
// What cannot be read for certain is not known, and a condition on it does not hold. A called
// number is known where it says that it is international: "+49301234567", alone or in a tel: or
// sip: URI. Digits without a plus may be dialled in any way (national, after a prefix that differs
// from country to country, a short code): they are handed on as dialled, and so is an emergency URN
// (RFC 5031). A phone-context does not say how to go on from it.
//
// Where a ported number is routed is known by Number-Portability-Routing-Information ("D123",
// "rn=D123"), else by the parameter rn of the called URI (RFC 4694), else by what was looked up.
// With the parameter npdi and without rn it was not ported.
//
// What comes to the subscriber is known by the role of the node (Role-Of-Node, TS 32.299), or of a
// message, by its recipient, who is the subscriber and not its originator. What goes on from it is
// known by the role alone: FORWARDING_ROLE. (Releases before 8 had 2 as the role of a proxy; a
// Requested-Party-Address that differs from the called one says that the number was translated,
// for a free number as well.) All else counts as the subscriber's own doing.
//
// The parties of a message that has no called or calling number are those of its addresses
// (Address-Data, TS 32.299 7.2.8): E.164 where Address-Type says MSISDN or the number has a plus.
// Of several recipients the one that stands in the request's attribute counts.
//
// Where the subscriber is, local time is what 3GPP-MS-TimeZone says, daylight saving included (TS
// 29.061 16.4.7.2), at the time of the request: it counts until a request says something else.
//
// A plain value, copied from what is known of a session to what a request says beside; it views the
// attributes' bytes, which must outlive it.
#pragma once

#include "engine/attributes.h"
#include "engine/types.h"
#include "tariffs/conditions.h"

#include <array>
#include <chrono>
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

  // With which day its account's billing months begin.
  void bill_from(std::uint8_t day) { billing_day_ = day; }

  tariffs::Leg leg() const;
  // The network knows where the called number is to be routed, or that it was not ported.
  bool knows_route() const { return told_route_.size > 0 || called_route_.size > 0 || is_dipped_; }
  bool is_terminating() const { return leg() == tariffs::Leg::terminating; }

  tariffs::Facts at(Time time) const;

 private:
  static constexpr std::size_t dialled_digits_max = 20;

  // A number as an address says it.
  struct Party {
    std::array<char, dialled_digits_max> digits{};
    std::size_t size = 0;  // 0: not known
    bool is_international = false;
    std::string_view urn;

    void read(std::string_view text);
    void read_address(std::string_view group);
    std::string_view international() const { return is_international ? all() : all().substr(size); }
    std::string_view dialled() const { return is_international ? all().substr(size) : all(); }
    std::string_view all() const { return {digits.data(), size}; }
  };
  // Where a number is routed (RFC 4694), in upper case, with its plus.
  struct Route {
    std::array<char, dialled_digits_max + 1> digits{};
    std::size_t size = 0;  // 0: not known

    void read(std::string_view text);
    std::string_view text() const { return {digits.data(), size}; }
  };

  void read_called(std::string_view text);

  Party called_;
  Party calling_;
  Route told_route_;       // by the network
  Route called_route_;     // by the called number's URI
  Route looked_up_route_;  // in the table of ported numbers
  bool is_dipped_ = false;
  std::string_view common_groups_;
  std::string_view access_point_;
  std::string_view serving_network_;
  std::optional<std::uint8_t> rat_type_;
  std::string_view role_;
  std::string_view recipient_;  // addresses of a message, as on the wire: digits, and more
  std::string_view originator_;
  Party recipient_party_;
  Party originator_party_;
  std::optional<std::chrono::seconds> visited_offset_;  // local time less UTC, by 3GPP-MS-TimeZone
  Identity msisdn_;
  std::span<const tariffs::SubscriberAttribute> subscriber_;
  std::uint8_t billing_day_ = tariffs::billing_day_usual;
};

}  // namespace farthing::engine
