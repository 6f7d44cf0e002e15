// Ceilings as they are for one subscriber, or for an account whose counter is shared: lifted by
// consent or raised by what was bought until their counter's period ends, lowered at the
// subscriber's own wish until it says otherwise. The ledger keeps each as it is after a change,
// with who made it.
//
// Threads: no shared state.
#pragma once

#include "engine/account.h"
#include "tariffs/tariff.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace farthing::engine {

// At which value it is reached by what is used at a time; nullopt: it is lifted.
std::optional<std::uint64_t> ceiling_of(const Account& account, SubscriberNumber owner,
                                        const tariffs::CeilingRule& rule, Time time);

// Whose the ceiling is when the subscriber uses something.
SubscriberNumber owner_of(const tariffs::Tariff& tariff, const tariffs::CeilingRule& rule,
                          SubscriberNumber subscriber);

// It as it is now, what is over left out.
OwnCeiling own_ceiling(const Account& account, SubscriberNumber owner, std::string_view name,
                       Time now);

// Raises those that an offer raises for whom buys it now, until their counters' periods end.
void raise_ceilings(const Account& account, SubscriberNumber subscriber,
                    const tariffs::Tariff& tariff, std::span<const tariffs::Raise> raises, Time now,
                    Entry& entry);

}  // namespace farthing::engine
