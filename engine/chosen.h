// Numbers that a subscriber chose, friends and family (tariffs/offer.h): as many as a subscription
// brings that is valid; of several subscriptions, the one that brings most. They are kept while
// there is none, and count again with the next one.
//
// One that is given up leaves its place free; how many are in a calendar month of the tariff's time
// zone is limited, so that nobody has a number for each call.
//
// Threads: no shared state.
#pragma once

#include "engine/account.h"
#include "tariffs/tariff.h"

#include <string_view>

namespace farthing::engine {

// What the subscriber's subscriptions bring at that time.
tariffs::ChosenNumbers chosen_terms(const Account& account, SubscriberNumber subscriber,
                                    const tariffs::TariffHistory& tariffs, Time at);

// Whether it is one of those that count at that time. `number`: digits of E.164.
bool is_chosen(const Account& account, SubscriberNumber subscriber,
               const tariffs::TariffHistory& tariffs, Time at, std::string_view number);

// How many were given up in the month that the time is in.
std::uint32_t given_up_in(const ChosenList* chosen, const tariffs::TimeSpan& month);

}  // namespace farthing::engine
