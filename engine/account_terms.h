// What holds of an account until it is changed, by hand or by a top-up: how long it is valid, a
// higher credit limit for a time, what is to stay on it, and when its billing months begin.
//
// Plain values; an entry carries the whole of them as they are after it.
#pragma once

#include "engine/subscription.h"
#include "engine/types.h"
#include "tariffs/period_clock.h"
#include "tariffs/validity.h"

#include <string>

namespace farthing::engine {

// How far ahead top-ups can bring the end of an account's validity.
constexpr Duration validity_ahead_max = std::chrono::days(3650);

// What an account's validity permits.
enum class Validity {
  valid,
  grace,  // nothing that has a price, but for what comes to the subscriber
  over,   // nothing but what is served always
};

struct AccountTerms {
  Time valid_until = never;
  Time grace_until = never;     // not before valid_until
  Money temporary_credit = {};  // the credit limit is so much higher
  Time temporary_until = {};    // until then
  Money minimum_balance = {};   // what is granted or bought leaves so much
  std::uint8_t billing_day = tariffs::billing_day_usual;  // with which its billing months begin

  Validity validity(Time at) const {
    if (at < valid_until) return Validity::valid;
    return at < grace_until ? Validity::grace : Validity::over;
  }
  friend bool operator==(const AccountTerms&, const AccountTerms&) = default;
};

// The terms after a top-up. REQUIRES: the validity is not over.
AccountTerms extended(const AccountTerms& terms, const tariffs::TopUpValidity& rule, Money top_up,
                      Time now);

// "valid until TIME, grace until TIME; temporary credit 5.000000 until TIME; minimum balance ...",
// in the time zone given; "": nothing is said.
std::string describe(const AccountTerms& terms, std::string_view time_zone);

}  // namespace farthing::engine
