// A subscription: a customer's instance of an offer that goes on from period to period, or that
// brings several allowances, or more than its one. (One that brings one allowance once, for its own
// subscriber, and covers nothing else, is that bucket and nothing else.)
//
// Plain values; an entry carries the whole of one as it is after it. What changes it:
// engine/renewal.h.
#pragma once

#include "engine/types.h"
#include "tariffs/offer.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine {

inline constexpr Time never = Time::max();

struct Subscription {
  // The numbers stand in the ledger.
  enum class State : std::uint8_t {
    waiting = 0,  // for the time at which it is to begin
    active = 1,   // its period is paid
    unpaid = 2,   // its period could not be paid whole; it is tried again
    ended = 3,    // it is there for usage that may yet be reported, and then it goes
  };

  SubscriptionNumber number;  // one sequence with the account's buckets
  SubscriberNumber owner;
  State state = State::waiting;
  bool renews = true;  // false: it ends with the period that is paid
  tariffs::Unpaid unpaid = tariffs::Unpaid::pay_as_you_go;
  std::string offer;
  tariffs::TariffVersion version;  // whose terms it has
  Time begun_at;                   // for the first time
  Time anchor;                     // from which its periods count; unpaid by days: since when it is
  std::uint32_t period = 0;        // which one it is in, from 0
  Time valid_from;                 // of the last period, or day, that was paid
  Time valid_to;                   // likewise; before there was one, when it was to begin
  Time due;                        // when there is something to do; never: nothing
  Time sweep;                      // when buckets of earlier periods go; never: there are none
  std::vector<BucketNumber> buckets;
  std::vector<tariffs::Coverage> coverage;

  // Removed by the entry that says so.
  bool is_gone() const { return state == State::ended && buckets.empty() && sweep == never; }
  Time next() const { return due < sweep ? due : sweep; }
  // Whether it pays for, or permits, what it covers.
  bool is_valid_at(Time time) const {
    return state != State::waiting && std::chrono::floor<std::chrono::seconds>(begun_at) <= time &&
           time < valid_to;
  }
  bool covers(tariffs::ServiceKey service, const std::optional<tariffs::RatingGroup>& rating_group,
              const tariffs::Situations& holding) const {
    return std::ranges::any_of(coverage, [&](const tariffs::Coverage& covered) {
      return covered.covers(service, rating_group, holding);
    });
  }
  friend bool operator==(const Subscription&, const Subscription&) = default;
};

std::string_view state_name(Subscription::State state);  // "waiting" ...

}  // namespace farthing::engine
