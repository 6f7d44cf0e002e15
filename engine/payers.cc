#include "engine/payers.h"

#include <algorithm>

namespace farthing::engine {

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
    found.push_back({bucket.number, std::max<std::int64_t>(micros, 0), month});
  }
}

bool moves_lent_money(const Entry& entry) {
  return std::ranges::find(entry.legs, Side::lent, &Leg::side) != entry.legs.end();
}

bool pay_for(const Entry& entry, Sequence own, const PayerChange& terms, const Book& book,
             Entry& payment) {
  std::int64_t lent = 0;
  for (const Leg& leg : entry.legs) {
    if (leg.side == Side::lent && leg.bucket == terms.bucket) lent -= leg.amount;
  }
  if (lent == 0) return false;
  const Account& payer = *book.account(terms.account);
  payment.clear();
  payment.kind = EntryKind::paid_for_other;
  payment.account = payer.number;
  payment.previous = payer.last;
  payment.payment = Payment{entry.account, own};
  payment.legs = {{Side::main, Leg::no_segment, {}, -lent},
                  {Side::lent, Leg::no_segment, {}, lent}};
  return true;
}

}  // namespace farthing::engine
