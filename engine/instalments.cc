#include "engine/instalments.h"

#include "engine/account.h"
#include "engine/account_entry.h"
#include "engine/base/wide.h"
#include "engine/entry.h"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::engine {

namespace {

constexpr Duration room_retry = std::chrono::hours(24);  // where the account is full

// The first so many instalments together.
std::int64_t credited_micros(const InstalmentPlan& plan, std::uint32_t instalments) {
  return static_cast<std::int64_t>(base::Int128{plan.amount.micros} * instalments / plan.count);
}

void move(Entry& entry, Side from, Side to, Money amount) {
  if (amount.micros == 0) return;
  entry.legs.push_back({from, Leg::no_segment, {}, -amount.micros});
  entry.legs.push_back({to, Leg::no_segment, {}, amount.micros});
}

}  // namespace

Money InstalmentPlan::left() const {
  return Money(amount.micros - credited_micros(*this, credited));
}

Money InstalmentPlan::next() const {
  return Money(credited_micros(*this, credited + std::uint32_t{1}) -
               credited_micros(*this, credited));
}

const InstalmentPlan* plan_of(const Account& account, SubscriptionNumber subscription) {
  const auto found = std::ranges::find(account.plans, subscription, &InstalmentPlan::subscription);
  return found == account.plans.end() ? nullptr : &*found;
}

Money deposit_of(const tariffs::Offer& offer) {
  return offer.instalments && !offer.instalments->is_gift ? offer.instalments->amount : Money();
}

void begin_plan(const tariffs::Offer& offer, Entry& entry) {
  if (!offer.instalments) return;
  const tariffs::Instalments& terms = *offer.instalments;
  InstalmentPlan& plan = entry.plan.emplace();
  plan.subscription = entry.subscription->number;
  plan.owner = entry.subscription->owner;
  plan.offer = offer.name;
  plan.is_gift = terms.is_gift;
  plan.is_returned = terms.is_returned;
  plan.asks_minimum = terms.asks_minimum;
  plan.amount = terms.amount;
  plan.count = terms.count;
  move(entry, plan.is_gift ? Side::gift : Side::main, Side::deposit, plan.amount);
}

void make_due(const Account& account, SubscriptionNumber subscription, Time now, Entry& entry) {
  const InstalmentPlan* const plan = plan_of(account, subscription);
  if (plan == nullptr || plan->due != never) return;
  entry.plan.emplace(*plan).due = now;
}

Entry credit_instalment(const Account& account, const InstalmentPlan& plan, Time now) {
  Entry entry = entry_of(account, EntryKind::instalment_credited, plan.owner);
  InstalmentPlan& after = entry.plan.emplace(plan);
  const base::Int128 balance = base::Int128{account.balance().micros} + plan.next().micros;
  if (balance > account_money_max.micros) {
    after.due = now + room_retry;
    return entry;
  }
  move(entry, Side::deposit, Side::main, plan.next());
  ++after.credited;
  after.due = never;
  return entry;
}

void end_plan(const Account& account, SubscriptionNumber subscription, Entry& entry) {
  const InstalmentPlan* const plan = plan_of(account, subscription);
  if (plan == nullptr) return;
  InstalmentPlan& after = entry.plan.emplace(*plan);
  const Side forfeited = plan->is_gift ? Side::gift : Side::revenue;
  move(entry, Side::deposit, plan->is_returned ? Side::main : forfeited, plan->left());
  after.credited = after.count;
  after.due = never;
}

const char* check_plan(const Entry& entry, const Account* account) {
  const std::int64_t moved = sum_of(entry, Side::deposit);
  if (!entry.plan) return moved == 0 ? nullptr : "it moves a deposit of no subscription";
  if (account == nullptr) return "its deposit is of no account";
  const InstalmentPlan& after = *entry.plan;
  const InstalmentPlan* const before = plan_of(*account, after.subscription);
  if (before == nullptr) {
    const bool is_sound = after.credited == 0 && after.due == never && entry.subscription &&
                          entry.subscription->number == after.subscription;
    if (!is_sound) return "it changes an unknown deposit";
    return moved == after.amount.micros ? nullptr : "it sets aside what its deposit is not";
  }
  InstalmentPlan same = after;
  same.credited = before->credited;
  same.due = before->due;
  if (same != *before || after.credited < before->credited) {
    return "it makes a deposit another one";
  }
  return moved == after.left().micros - before->left().micros
             ? nullptr
             : "it credits what its instalment is not";
}

void change_plan(Account& account, const InstalmentPlan& after) {
  std::erase_if(account.plans, [&after](const InstalmentPlan& known) {
    return known.subscription == after.subscription;
  });
  if (!after.is_over()) account.plans.push_back(after);
}

std::string describe(const InstalmentPlan& plan) {
  return fmt::format("{}: {} {}, {} of {} instalments credited", plan.offer,
                     plan.is_gift ? "gift" : "deposit", plan.amount.to_string(), plan.credited,
                     plan.count);
}

}  // namespace farthing::engine
