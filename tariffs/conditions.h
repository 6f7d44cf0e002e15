// When a price holds: facts of a request against the conditions of a rule.
//
// Conditions are part of an immutable tariff; holds() does not allocate. Threads: no shared state.
#pragma once

#include "engine/base/time.h"
#include "tariffs/counter.h"
#include "tariffs/subscriber.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

// Which way a call or a message goes, seen from the subscriber: from it, to it, or on from it to
// somebody else, as it has its calls forwarded.
enum class Leg : std::uint8_t { originating = 0, terminating = 1, forwarded = 2 };
inline constexpr std::size_t leg_count = 3;
std::string_view leg_name(Leg leg);  // "originating" ...
std::optional<Leg> parse_leg(std::string_view text);

// What a request says of itself, as far as it does. A condition on what is not known does not hold.
struct Facts {
  std::string_view called_number;        // digits of E.164, the country code first; "": not known
  std::string_view dialled_number;       // where it is not: "110", "0301234567", "urn:service:sos"
  std::string_view access_point;         // APN or DNN, with or without its operator identifier
  std::optional<std::uint8_t> rat_type;  // 3GPP-RAT-Type (TS 29.061 16.4.7.2)
  std::string_view serving_network;      // MCC and MNC, 5 or 6 digits
  Leg leg = Leg::originating;
  std::string_view calling_number = {};   // as called_number
  std::string_view dialled_calling = {};  // where it is not known: its digits as they came
  // The parties of a message, digits of E.164; "": not known. Only groups and chosen numbers ask.
  std::string_view recipient_number = {};
  std::string_view originator_number = {};
  // Where a ported number is to be routed: "D1234", or with a plus "+12025550100"; "": nobody said.
  std::string_view routing_number = {};
  // What the subscriber and the party at the other end have in common: names of attributes that
  // have the same value for both, or "account"; between commas.
  std::string_view common_groups = {};
  std::span<const SubscriberAttribute> subscriber = {};  // what is said of it
  std::optional<base::Time> time;                        // at which it is rated
  // Local time less UTC where the subscriber is; nullopt: nobody said.
  std::optional<std::chrono::seconds> visited_offset = {};
  std::uint8_t billing_day = billing_day_usual;  // of the account
  // By the tariff's counters, then its ceilings, 1 where one is reached; what is not there is 0.
  std::span<const std::uint64_t> counted = {};
};

// Of each list one must fit; of all that are given, every one. Empty lists say nothing.
struct Conditions {
  struct Times {
    std::uint32_t calendar = 0;  // index into the tariff's calendars
    std::uint64_t classes = 0;   // a bit for each TimeClass

    friend bool operator==(const Times&, const Times&) = default;
  };

  struct OfSubscriber {
    std::string name;
    std::vector<std::string> values;
  };

  std::vector<std::uint16_t> zones;  // indices into the zone table's names
  std::optional<Times> times;
  std::vector<std::string> called_numbers;  // "110" as dialled, "+8610086", "urn:service:sos"
  std::vector<std::string> access_points;   // network identifiers, in lower case
  std::vector<std::uint8_t> rat_types;
  std::vector<std::string> serving_networks;  // an MCC (3 digits), or MCC and MNC
  std::vector<Counted> counted;               // each must hold
  std::vector<OfSubscriber> subscriber;       // of each one value must fit
  std::vector<Leg> legs;
  std::vector<std::string> groups;  // of one the party at the other end is, too

  bool are_none() const;

  // All but zones and times, which need the tariff's tables.
  bool hold_without_tables(const Facts& facts) const;

  // Whether these hold whenever `other` do.
  bool cover(const Conditions& other) const;

  // Whether it is certain that these and `other` never hold at once.
  bool exclude(const Conditions& other) const;
};

}  // namespace farthing::tariffs
