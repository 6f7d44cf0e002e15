// What is bought, and what is due of what was bought: subscriptions begin, renew, wait for money,
// end. Each function writes one entry for an account, or says that there is nothing to do.
//
// The rules:
// - A period is paid when it begins, whole or not at all, as the subscriber's state then says; what
// is left of the allowances before it
//   expires then, but for what the offer rolls over.
// - A period that could not be paid is tried again once a day, and when money comes in, as long as
//   the offer says. Paid by days, it is paid a day at a time meanwhile, with each day's share of
//   its allowances, where it could not be paid whole; but not the first one. What is paid late
//   begins then: an anniversary moves, a calendar's period ends when it would have.
// - A period that passed while the server stood still is not charged.
// - Terms are those of the tariff version under which it was bought, or of the version in force
//   when the period begins, as the offer of the version that it has says. An offer that has ended
//   in the version in force makes way for its successor.
// - What an offer asks to be spent at least in a period is settled when no usage of that can come
//   any more (minimum_spend.h).
// - A deposit is paid with the first period; it, or a gift, is credited in instalments with the
//   others (instalments.h).
// - Buckets of a period that is over stay as long as usage from it may be reported
//   (event_time_past_max), and while sessions hold units of them. What was rolled over stays its
//   time, though the subscription has ended; of one that is ended by hand only what is held stays.
//
// Pure; no clock, no I/O. Entries view the subscription's texts, which are theirs.
#pragma once

#include "engine/account.h"
#include "engine/entry.h"
#include "tariffs/tariff.h"

#include <optional>
#include <string_view>
#include <vector>

namespace farthing::engine {

constexpr std::size_t subscriptions_max = 64;  // of one account

// The offers that a subscriber has, once or from period to period.
std::vector<std::string_view> offers_held(const Account& account, SubscriberNumber subscriber,
                                          Time now);
// Of those held, one of the offer's family; nullopt: there is none.
std::optional<std::string_view> find_other_of_family(const std::vector<std::string_view>& held,
                                                     const tariffs::Tariff& tariff,
                                                     const tariffs::Offer& offer);
// What the offer requires and is not held; nullopt: nothing.
std::optional<std::string_view> find_missing(const std::vector<std::string_view>& held,
                                             const tariffs::Offer& offer);

// What the first period costs in that state of the subscriber where it begins at `from`.
Money first_fee(const tariffs::Tariff& tariff, const tariffs::Offer& offer, LifeState state,
                Time from);

// The same with the offer's deposit.
Money first_payment(const tariffs::Tariff& tariff, const tariffs::Offer& offer, LifeState state,
                    Time from);

// A subscriber buys an offer that begins at `from`; where that is later than `now` nothing is paid
// before. REQUIRES: what is to be paid now can be paid; the offer is the tariff's.
Entry buy(const Account& account, SubscriberNumber subscriber,
          const tariffs::VersionedTariff& tariff, const tariffs::Offer& offer, Time from, Time now);

// A subscriber buys an offer by using what it covers, for once or as one that renews, from the
// moment of that use on, be it behind the server's clock or ahead of it. nullopt: it is not on
// sale, not for this subscriber, it cannot be paid, or as many were bought on that day as may be.
std::optional<Entry> buy_pass(const Account& account, SubscriberNumber subscriber,
                              const tariffs::VersionedTariff& tariff, const tariffs::Offer& offer,
                              Time from, Time now);

// The next of what is due at `now`; nullopt: nothing is. `again`: money has come in, so that what
// could not be paid is tried again before its time.
std::optional<Entry> decide_due(const Account& account, const tariffs::TariffHistory& tariffs,
                                Time now, bool again);

// It ends: now, or with the period that is paid.
enum class Ending { now, with_period };
Entry end(const Account& account, const Subscription& subscription, Ending ending, Time now);

}  // namespace farthing::engine
