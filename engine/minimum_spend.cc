#include "engine/minimum_spend.h"

#include "engine/account.h"
#include "engine/account_entry.h"
#include "engine/decide.h"
#include "engine/entry.h"
#include "tariffs/local_time.h"
#include "tariffs/tariff.h"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::engine {

namespace {

std::int64_t counted_micros(const Account& account, tariffs::CounterKey key, SubscriberNumber owner,
                            const tariffs::TimeSpan& span) {
  const auto counter = std::ranges::find_if(account.counters, [&](const Counter& one) {
    return one.key == key && one.owner == owner && one.span == span;
  });
  return counter == account.counters.end() ? 0 : counter->value;
}

}  // namespace

Time settles_at(const SpendCommitment& commitment) {
  return commitment.span.to + event_time_past_max;
}

Money spent(const Account& account, const SpendCommitment& commitment) {
  const std::int64_t counted =
      counted_micros(account, commitment.counter, commitment.counted, commitment.span);
  // A refund may take back more than the period spent.
  return Money(std::max<std::int64_t>(0, counted - commitment.before.micros));
}

void commit_spending(const Account& account, const tariffs::Tariff& tariff,
                     const tariffs::Offer& offer, Money minimum, Entry& entry) {
  if (!offer.minimum_spend || minimum.micros == 0) return;
  const Subscription& one = *entry.subscription;
  const tariffs::CounterRule& rule = tariff.counters()[offer.minimum_spend->counter];
  SpendCommitment made;
  made.subscription = one.number;
  made.owner = one.owner;
  made.offer = offer.name;
  made.minimum = minimum;
  made.counter = rule.key;
  made.counted = rule.is_shared ? SubscriberNumber() : one.owner;
  made.span = tariff.span_of(rule, one.valid_from, account.terms.billing_day);
  if (made.span.from < one.valid_from) {
    made.before = Money(counted_micros(account, made.counter, made.counted, made.span));
  }
  const bool is_known = std::ranges::any_of(
      account.commitments, [&](const SpendCommitment& known) { return known.is_same(made); });
  if (!is_known) entry.commitment = {std::move(made), false};
}

Entry settle(const Account& account, const SpendCommitment& commitment, Time now) {
  Entry entry = entry_of(account, EntryKind::spend_settled, commitment.owner);
  entry.commitment = {commitment, true};
  const std::int64_t missing = commitment.minimum.micros - spent(account, commitment).micros;
  const InstalmentPlan* const plan = plan_of(account, commitment.subscription);
  if (missing <= 0 && plan != nullptr && plan->asks_minimum) {
    make_due(account, commitment.subscription, now, entry);
  }
  if (missing <= 0) return entry;
  const std::int64_t paid = std::clamp<std::int64_t>(account.available(now).micros, 0, missing);
  const std::int64_t unpaid = std::min(missing - paid, INT64_MAX - account.overage_micros);
  const auto move = [&entry](Side side, std::int64_t amount) {
    if (amount != 0) entry.legs.push_back({side, Leg::no_segment, {}, amount});
  };
  move(Side::main, -paid);
  move(Side::overage, -unpaid);
  move(Side::revenue, paid + unpaid);
  return entry;
}

const char* check_commitment(const Entry& entry, const Account* account) {
  const bool settles = entry.commitment && entry.commitment->is_settled;
  if ((entry.kind == EntryKind::spend_settled) != settles) {
    return "it settles no minimum spend";
  }
  if (!entry.commitment) return nullptr;
  if (account == nullptr) return "its minimum spend is of no account";
  const SpendCommitment& commitment = entry.commitment->commitment;
  if (!settles) {
    if (account->subscriber(commitment.owner) == nullptr) {
      return "its minimum spend is of an unknown subscriber";
    }
    const bool is_known = std::ranges::any_of(
        account->commitments,
        [&](const SpendCommitment& known) { return known.is_same(commitment); });
    return is_known ? "its minimum spend begins a second time" : nullptr;
  }
  if (std::ranges::find(account->commitments, commitment) == account->commitments.end()) {
    return "it settles a minimum spend that is not open";
  }
  const bool is_charge = std::ranges::all_of(entry.legs, [](const Leg& leg) {
    return leg.side == Side::main || leg.side == Side::overage || leg.side == Side::revenue;
  });
  const std::int64_t charged = sum_of(entry, Side::revenue);
  if (!is_charge || charged < 0 || charged > commitment.minimum.micros) {
    return "it charges more than the minimum spend";
  }
  return nullptr;
}

void change_commitment(Account& account, const CommitmentChange& change) {
  if (change.is_settled) {
    std::erase(account.commitments, change.commitment);
  } else {
    account.commitments.push_back(change.commitment);
  }
}

std::string describe(const SpendCommitment& commitment, std::string_view time_zone) {
  return fmt::format("{}: minimum spend {} from {} to {}", commitment.offer,
                     commitment.minimum.to_string(),
                     tariffs::local_time_text(time_zone, commitment.span.from),
                     tariffs::local_time_text(time_zone, commitment.span.to));
}

}  // namespace farthing::engine
