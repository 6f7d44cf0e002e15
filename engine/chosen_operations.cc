#include "engine/account_entry.h"
#include "engine/chosen.h"
#include "engine/operations.h"
#include "engine/permission.h"
#include "tariffs/file_error.h"
#include "tariffs/local_time.h"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::engine {

namespace {

// Whose list it is, and what holds of it now.
struct Found {
  SubscriberRef who;
  const ChosenList* list = nullptr;  // nullptr: it never had one
  tariffs::ChosenNumbers terms;
  tariffs::TimeSpan month;
  std::string time_zone;
  std::string number;  // digits
};

base::Result<Found, Refusal> find_list(Shard& shard, std::string_view msisdn,
                                       std::string_view number) {
  const auto who = find_subscriber(shard, msisdn);
  if (!who.has_value()) return who.error();
  const std::optional<Identity> other = parse_msisdn(number);
  if (!other) {
    return Refusal{Refusal::Code::invalid,
                   fmt::format("{} is no number; expected 1 to 15 digits, the country code first",
                               tariffs::in_quotes(number))};
  }
  shard.renew(*who->account);  // a period that is due brings what it brings
  Found found;
  found.who = *who;
  const Subscriber& subscriber = *who->account->subscriber(who->subscriber);
  found.list = subscriber.chosen.get();
  found.terms = chosen_terms(*who->account, who->subscriber, shard.tariffs(), shard.now());
  found.number = other->digits();
  const tariffs::VersionedTariff* const version =
      version_for(shard.tariffs(), *who->account, who->subscriber, shard.now());
  if (found.terms.most == 0 || version == nullptr) {
    return Refusal{Refusal::Code::refused,
                   fmt::format("no subscription of {} brings numbers to choose; see: farthing "
                               "subscription list {}",
                               msisdn, msisdn)};
  }
  found.month = version->tariff->month_of(shard.now());
  found.time_zone = version->tariff->time_zone();
  return found;
}

bool has(const Found& found) {
  return found.list != nullptr &&
         std::ranges::find(found.list->numbers, found.number) != found.list->numbers.end();
}

Operation change(Shard& shard, const Found& found, ChosenList after, const Note& note) {
  const Account& account = *found.who.account;
  Entry entry = entry_of(account, EntryKind::chosen_changed, found.who.subscriber);
  entry.note = note;
  after.owner = found.who.subscriber;
  entry.chosen = std::move(after);
  return Done{shard.enter(entry)};
}

}  // namespace

Operation choose_number(Shard& shard, std::string_view msisdn, std::string_view number,
                        const Note& note) {
  if (auto wrong = check_note(note)) return *wrong;
  const auto found = find_list(shard, msisdn, number);
  if (!found.has_value()) return found.error();
  const Account& account = *found->who.account;
  if (has(*found)) return Done{account.last, true};
  if (account.subscriber(found->who.subscriber)->msisdn.digits() == found->number) {
    return Refusal{Refusal::Code::invalid, "it is the subscriber's own number"};
  }
  ChosenList after = found->list == nullptr ? ChosenList() : *found->list;
  if (after.numbers.size() >= found->terms.most) {
    return Refusal{Refusal::Code::refused,
                   fmt::format("{} numbers are chosen, and its subscription brings no more than "
                               "{}; give one up first: farthing chosen remove {} NUMBER",
                               after.numbers.size(), found->terms.most, msisdn)};
  }
  after.numbers.push_back(found->number);
  return change(shard, *found, std::move(after), note);
}

Operation give_up_number(Shard& shard, std::string_view msisdn, std::string_view number,
                         const Note& note) {
  if (auto wrong = check_note(note)) return *wrong;
  const auto found = find_list(shard, msisdn, number);
  if (!found.has_value()) return found.error();
  if (!has(*found)) {
    return Refusal{
        Refusal::Code::not_found,
        fmt::format("{} is not chosen; see: farthing chosen list {}", found->number, msisdn)};
  }
  const std::uint32_t given_up = given_up_in(found->list, found->month);
  if (found->terms.changes && given_up >= *found->terms.changes) {
    return Refusal{
        Refusal::Code::refused,
        fmt::format("{} of at most {} numbers a month were given up already; the next may be "
                    "from {} on",
                    given_up, *found->terms.changes,
                    tariffs::local_time_text(found->time_zone, found->month.to))};
  }
  ChosenList after = *found->list;
  std::erase(after.numbers, found->number);
  after.month = found->month;
  after.given_up = given_up + 1;
  return change(shard, *found, std::move(after), note);
}

}  // namespace farthing::engine
