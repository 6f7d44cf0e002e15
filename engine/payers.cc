#include "engine/payers.h"

#include <algorithm>

namespace farthing::engine {

namespace {

std::int64_t budget_left(const PayerBudget& budget, const tariffs::TimeSpan& month) {
  const std::int64_t spent = budget.month == month ? budget.spent_micros : 0;
  return budget.amount->micros - spent - budget.held_micros;
}

}  // namespace

LentMoney lent_by(const Entry& entry, BucketNumber bucket) {
  LentMoney money;
  for (const Leg& leg : entry.legs) {
    if (leg.bucket != bucket) continue;
    if (leg.side == Side::lent) money.lent -= leg.amount;
    if (leg.side == Side::bucket_reserved) money.held += leg.amount;
  }
  return money;
}

void find_lendings(const Account& member, SubscriberNumber subscriber, const Book& book,
                   const tariffs::TariffHistory& tariffs, Time now, std::vector<Lending>& found) {
  found.clear();
  if (member.payers.empty()) return;
  const tariffs::VersionedTariff* const tariff = tariffs.at(now);
  if (tariff == nullptr) return;
  const tariffs::TimeSpan month = tariff->tariff->month_of(now);
  for (const Payer& payer : member.payers) {
    const Bucket& bucket = *member.bucket(payer.terms.bucket);
    const Account* const account = book.account(payer.terms.account);
    if (!bucket.is_for(subscriber) || account == nullptr) continue;
    std::int64_t micros = account->spendable(now).micros;
    if (payer.terms.cap) {
      const std::int64_t spent = payer.terms.month == month ? payer.spent_micros : 0;
      micros = std::min(micros, payer.terms.cap->micros - spent - bucket.reserved);
    }
    if (account->budget) micros = std::min(micros, budget_left(*account->budget, month));
    found.push_back({bucket.number, std::max<std::int64_t>(micros, 0), month});
  }
}

bool moves_lent_money(const Entry& entry) {
  return std::ranges::any_of(entry.legs, [](const Leg& leg) {
    return leg.side == Side::lent || leg.side == Side::bucket_reserved;
  });
}

bool pay_for(const Entry& entry, Sequence own, const PayerChange& terms, const Book& book,
             Entry& payment) {
  const LentMoney money = lent_by(entry, terms.bucket);
  const Account& payer = *book.account(terms.account);
  const bool changes_budget = payer.budget && (money.lent != 0 || money.held != 0);
  if (money.lent == 0 && !changes_budget) return false;
  payment.clear();
  payment.kind = EntryKind::paid_for_other;
  payment.account = payer.number;
  payment.previous = payer.last;
  payment.payment = Payment{entry.account, own};
  if (changes_budget) {
    payment.budget = spend(*payer.budget, money.lent - money.held, money.held, terms.month);
  }
  if (money.lent == 0) return true;
  payment.legs = {{Side::main, Leg::no_segment, {}, -money.lent},
                  {Side::lent, Leg::no_segment, {}, money.lent}};
  return true;
}

PayerBudget spend(const PayerBudget& budget, std::int64_t spent, std::int64_t held,
                  const tariffs::TimeSpan& month) {
  PayerBudget after = budget;
  if (spent != 0 && after.month != month) {
    after.month = month;
    after.spent_micros = 0;
  }
  after.spent_micros += spent;
  after.held_micros += held;
  return after;
}

std::int64_t held_for_members(const Book& book, AccountNumber payer) {
  std::int64_t held = 0;
  book.accounts().for_each([&](const Account& member) {
    for (const Payer& one : member.payers) {
      if (one.terms.account == payer) held += member.bucket(one.terms.bucket)->reserved;
    }
  });
  return held;
}

}  // namespace farthing::engine
