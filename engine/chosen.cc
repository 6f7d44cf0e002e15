#include "engine/chosen.h"

#include <algorithm>

namespace farthing::engine {

tariffs::ChosenNumbers chosen_terms(const Account& account, SubscriberNumber subscriber,
                                    const tariffs::TariffHistory& tariffs, Time at) {
  tariffs::ChosenNumbers terms;
  for (const Subscription& one : account.subscriptions) {
    if (one.owner != subscriber || !one.is_valid_at(at)) continue;
    const tariffs::VersionedTariff* const version = tariffs.find(one.version);
    const tariffs::Offer* const offer =
        version == nullptr ? nullptr : version->tariff->find_offer(one.offer);
    if (offer != nullptr && offer->chosen.most > terms.most) terms = offer->chosen;
  }
  return terms;
}

bool is_chosen(const Account& account, SubscriberNumber subscriber,
               const tariffs::TariffHistory& tariffs, Time at, std::string_view number) {
  const Subscriber* const who = account.subscriber(subscriber);
  if (who == nullptr || who->chosen == nullptr || number.empty()) return false;
  const auto& numbers = who->chosen->numbers;
  const auto found = std::ranges::find(numbers, number);
  return found != numbers.end() &&
         found - numbers.begin() < chosen_terms(account, subscriber, tariffs, at).most;
}

std::uint32_t given_up_in(const ChosenList* chosen, const tariffs::TimeSpan& month) {
  return chosen != nullptr && chosen->month == month ? chosen->given_up : 0;
}

}  // namespace farthing::engine
