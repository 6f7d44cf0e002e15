// Ceilings as they are for one subscriber, or for an account whose counter is shared: lifted by
// consent or raised by what was bought for the period of their counter in which that was done,
// lowered at the subscriber's own wish until it says otherwise. Usage is charged by what holds in
// its own period, also where it is reported in the next. The ledger keeps each as it is after a
// change, with who made it.
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

// It as it is after its last change; as the tariff says where there was none.
OwnCeiling own_ceiling(const Account& account, SubscriberNumber owner,
                       const tariffs::CeilingRule& rule);

// What was done to it in the period in which the time lies.
CeilingPeriod period_at(const OwnCeiling& own, Time time);

// The same, to be changed; begun with nothing where there is none yet. nullptr: it lies before
// those that are kept. `span`: of the counter's period in which the time lies.
CeilingPeriod* change_period(OwnCeiling& own, Time time, const tariffs::TimeSpan& span);

// Raises those that an offer raises for whom buys it at a time, in their counters' periods.
void raise_ceilings(const Account& account, SubscriberNumber subscriber,
                    const tariffs::Tariff& tariff, std::span<const tariffs::Raise> raises,
                    Time time, Entry& entry);

}  // namespace farthing::engine
