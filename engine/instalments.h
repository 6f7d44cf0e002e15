// A deposit that comes back, or a gift that is given, in instalments with the periods of a
// subscription (tariffs::Instalments). Until then the money is the account's, and nobody can spend
// it (Side::deposit).
//
// The rules:
// - A deposit is paid when the first period is, with its fee; a gift is set aside then.
// - With each further period that is paid one instalment is due, or, where the offer asks for its
//   minimum spend, with each period that is settled without anything missing. A period in which
//   that is not so only puts the instalments off. Each is an entry of its own.
// - Instalments are parts of the whole: the first k of n are k/n of it, rounded down.
// - What is left when the subscription ends is forfeited or returned, as the offer said when it was
//   bought.
//
// Pure; threads: no shared state. Amounts are millionths of the currency.
#pragma once

#include "engine/subscription.h"
#include "engine/types.h"

#include <optional>
#include <string>

namespace farthing::engine {

struct Account;
struct Entry;

// Of one subscription. An account holds it until all of it has gone.
struct InstalmentPlan {
  SubscriptionNumber subscription;
  SubscriberNumber owner;  // of the subscription
  std::string offer;
  bool is_gift = false;       // else what was paid as a deposit
  bool is_returned = false;   // what is left at the end: to the balance; else it is forfeited
  bool asks_minimum = false;  // a period counts only where its minimum spend was reached
  Money amount;               // all together
  std::uint16_t count = 1;    // in so many instalments
  std::uint16_t credited = 0;
  Time due = never;  // of the next instalment; never: its period is not over, or did not count

  Money left() const;  // set aside
  Money next() const;  // the next instalment
  bool is_over() const { return credited == count; }
  friend bool operator==(const InstalmentPlan&, const InstalmentPlan&) = default;
};

// The plan of a subscription; nullptr: there is none.
const InstalmentPlan* plan_of(const Account& account, SubscriptionNumber subscription);

// What is paid beside the first fee.
Money deposit_of(const tariffs::Offer& offer);
// Takes the deposit, or sets the gift aside, with the first period of the entry's subscription.
void begin_plan(const tariffs::Offer& offer, Entry& entry);

// One instalment more is due, now. Nothing where the subscription has none, or one is due already.
void make_due(const Account& account, SubscriptionNumber subscription, Time now, Entry& entry);
// REQUIRES: one is due.
Entry credit_instalment(const Account& account, const InstalmentPlan& plan, Time now);

// What is left of the subscription's plan, if there is one, goes where it is to go at the end.
void end_plan(const Account& account, SubscriptionNumber subscription, Entry& entry);

// nullptr: the entry's change can be folded into the account; else what is wrong with it.
const char* check_plan(const Entry& entry, const Account* account);
// REQUIRES: check_plan() found nothing wrong.
void change_plan(Account& account, const InstalmentPlan& after);

// "plan: deposit 600.00, 3 of 24 instalments credited".
std::string describe(const InstalmentPlan& plan);

}  // namespace farthing::engine
