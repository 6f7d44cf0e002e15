// What is to be spent at least in a period of a subscription (tariffs::MinimumSpend): committed to
// when the period begins, settled when no usage of it can come any more, event_time_past_max after
// its end. What was counted less is charged then: from the main balance down to the account's
// limit, the rest is overage, as of usage beyond a grant.
//
// What a period committed to stays, whatever becomes of the subscription: ended, out of its family,
// renewed under other terms. A period that is bought again while its commitment stands makes no
// second one. Usage counts from the moment at which the period begins; fees do not.
//
// Pure; threads: no shared state. Amounts are millionths of the currency.
#pragma once

#include "engine/subscription.h"
#include "engine/types.h"

#include <optional>
#include <string>
#include <string_view>

namespace farthing::tariffs {
class Tariff;
}

namespace farthing::engine {

struct Account;
struct Entry;

// Of one period of one subscription. An account holds it until it is settled.
struct SpendCommitment {
  SubscriptionNumber subscription;
  SubscriberNumber owner;  // of the subscription
  std::string offer;
  Money minimum;
  tariffs::CounterKey counter;  // by which it goes, of money
  SubscriberNumber counted;     // whose usage that counts; 0: every subscriber's of the account
  tariffs::TimeSpan span;       // the counter's period
  Money before;                 // what it counted there before the subscription's period began

  // Whether the other is of the same offer, for the same time.
  bool is_same(const SpendCommitment& other) const {
    return offer == other.offer && owner == other.owner && span == other.span;
  }
  friend bool operator==(const SpendCommitment&, const SpendCommitment&) = default;
};

// A commitment begins with an entry, or is settled by it.
struct CommitmentChange {
  SpendCommitment commitment;
  bool is_settled = false;
};

inline constexpr std::size_t commitments_max = 128;  // of one account

Time settles_at(const SpendCommitment& commitment);
// What was spent of it so far.
Money spent(const Account& account, const SpendCommitment& commitment);

// Of the period that the entry's subscription begins; `minimum`: the share that is asked of it.
void commit_spending(const Account& account, const tariffs::Tariff& tariff,
                     const tariffs::Offer& offer, Money minimum, Entry& entry);

// REQUIRES: its time has come.
Entry settle(const Account& account, const SpendCommitment& commitment, Time now);

// nullptr: the entry's change can be folded into the account; else what is wrong with it.
const char* check_commitment(const Entry& entry, const Account* account);
// REQUIRES: check_commitment() found nothing wrong.
void change_commitment(Account& account, const CommitmentChange& change);

// "plan: minimum spend 30.00 from ... to ..." in that time zone; "": UTC.
std::string describe(const SpendCommitment& commitment, std::string_view time_zone);

}  // namespace farthing::engine
