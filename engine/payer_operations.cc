// Who pays for a subscriber, and what it pays at most.
#include "engine/operation_parts.h"
#include "engine/payers.h"
#include "tariffs/file_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace farthing::engine {

namespace {

constexpr std::size_t payer_services_max = 64;

const Payer* payer_of(const SubscriberRef& who, AccountNumber account) {
  for (const Payer& payer : who.account->payers) {
    const Bucket& bucket = *who.account->bucket(payer.terms.bucket);
    if (payer.terms.account == account && bucket.owner == who.subscriber) return &payer;
  }
  return nullptr;
}

// What "data" or "data/10" covers, by the tariff in force.
base::Result<tariffs::Coverage, Refusal> find_coverage(const tariffs::Tariff& tariff,
                                                       std::string_view text) {
  const std::string_view name = text.substr(0, text.find('/'));
  const std::string_view group = name.size() == text.size() ? "" : text.substr(name.size() + 1);
  for (const tariffs::Service& service : tariff.services()) {
    if (service.name != name) continue;
    tariffs::Coverage coverage{service.key, {}};
    if (name.size() == text.size()) return coverage;
    std::uint32_t number = 0;
    const auto [end, wrong] = std::from_chars(group.data(), group.data() + group.size(), number);
    if (wrong != std::errc() || end != group.data() + group.size()) break;
    coverage.rating_group = RatingGroup(number);
    return coverage;
  }
  return refusal(Refusal::Code::invalid,
                 fmt::format("{} is no service of the tariff in force; expected one as data, or "
                             "with a rating group as data/10; see: farthing tariff show",
                             tariffs::in_quotes(text)));
}

// Those who pay for the subscriber, in the order in which they do.
std::vector<PayerChange> payers_of(const SubscriberRef& who) {
  std::vector<PayerChange> found;
  for (const Payer& payer : who.account->payers) {
    if (who.account->bucket(payer.terms.bucket)->owner == who.subscriber) {
      found.push_back(payer.terms);
    }
  }
  std::ranges::sort(found, {},
                    [](const PayerChange& payer) { return std::pair(payer.place, payer.bucket); });
  return found;
}

// Puts `terms` where the order says. What changes with that, places of others too, is what the
// entry says.
void put(const std::vector<PayerChange>& before, const PayerChange& terms,
         std::optional<std::size_t> position, Entry& entry) {
  std::vector<PayerChange> after = before;
  const auto known = std::ranges::find(after, terms.bucket, &PayerChange::bucket);
  auto at = known - after.begin();
  if (known != after.end()) after.erase(known);
  if (position) at = static_cast<std::ptrdiff_t>(*position - 1);
  after.insert(after.begin() + at, terms);
  const bool is_told = position || std::ranges::any_of(before, [](const PayerChange& one) {
                         return one.place != 0;
                       });
  for (std::size_t i = 0; is_told && i < after.size(); ++i) {
    after[i].place = static_cast<std::uint8_t>(i + 1);
  }
  for (const PayerChange& one : after) {
    if (std::ranges::find(before, one) == before.end()) entry.payers.push_back(one);
  }
}

std::optional<Refusal> wrong_terms(const PayerOrder& order, std::size_t payers) {
  if (order.cap && (order.cap->micros < 0 || !fits(order.cap->micros))) {
    return refusal(Refusal::Code::invalid, "a cap is not negative");
  }
  if (order.share.millionths == 0) {
    return refusal(Refusal::Code::invalid,
                   "a share is above 0 %, at most 100 %; who is to pay nothing: farthing payer "
                   "remove");
  }
  if (order.position && (*order.position == 0 || *order.position > payers)) {
    return refusal(Refusal::Code::invalid,
                   fmt::format("it cannot be at that position; expected 1 to {}", payers));
  }
  return std::nullopt;
}

// The bucket by which a payer pays: of lent money, for ever.
BucketOpening opening_of(BucketNumber number, SubscriberNumber subscriber, std::string_view payer,
                         Time now, std::vector<tariffs::Coverage> coverage) {
  BucketOpening opening;
  opening.number = number;
  opening.owner = subscriber;
  opening.offer = payer;
  opening.unit = Unit::money;
  opening.valid_from = now;
  opening.valid_to = never;
  opening.coverage = std::move(coverage);
  opening.priority = payer_priority;
  opening.is_lent = true;
  return opening;
}

// What the services are by the tariff in force.
base::Result<std::vector<tariffs::Coverage>, Refusal> find_coverages(
    const tariffs::Tariff& tariff, const std::vector<std::string>& services) {
  std::vector<tariffs::Coverage> coverage;
  for (const std::string& service : services) {
    const auto found = find_coverage(tariff, service);
    if (!found.has_value()) return found.error();
    if (std::ranges::find(coverage, *found) == coverage.end()) coverage.push_back(*found);
  }
  if (coverage.empty() || coverage.size() > payer_services_max) {
    return refusal(Refusal::Code::invalid,
                   fmt::format("a payer pays for 1 to {} services", payer_services_max));
  }
  return coverage;
}

Entry payer_entry(const SubscriberRef& who, const Note& note) {
  Entry entry = entry_for(*who.account, EntryKind::payer_changed, note);
  entry.subscriber = who.subscriber;
  return entry;
}

}  // namespace

Operation add_payer(Shard& shard, std::string_view msisdn, const PayerOrder& order,
                    const Note& note) {
  if (auto wrong = check_note(note)) return *wrong;
  const auto who = find_subscriber(shard, msisdn);
  if (!who.has_value()) return who.error();
  const Account& member = *who->account;
  const Account* const payer = shard.book().find_account(order.account);
  if (payer == nullptr) return no_account(order.account);
  if (payer == &member) {
    return refusal(Refusal::Code::invalid, fmt::format("{} is on account {} itself; another one "
                                                       "can pay for it",
                                                       msisdn, member.name));
  }
  const tariffs::VersionedTariff* const tariff = shard.tariffs().at(shard.now());
  if (tariff == nullptr) return refusal(Refusal::Code::refused, "no tariff is in force yet");
  auto coverage = find_coverages(*tariff->tariff, order.services);
  if (!coverage.has_value()) return coverage.error();

  Entry entry = payer_entry(*who, note);
  const std::vector<PayerChange> payers = payers_of(*who);
  const Payer* const known = payer_of(*who, payer->number);
  if (auto wrong = wrong_terms(order, payers.size() + (known == nullptr ? 1 : 0))) return *wrong;
  PayerChange terms;
  if (known != nullptr) {
    if (member.bucket(known->terms.bucket)->coverage != *coverage) {
      return refusal(Refusal::Code::conflict,
                     fmt::format("{} pays for other services of {}; end that first: farthing payer "
                                 "remove {} {}",
                                 payer->name, msisdn, msisdn, payer->name));
    }
    terms = known->terms;
  } else {
    if (payers.size() >= payers_max) {
      return refusal(Refusal::Code::refused,
                     fmt::format("at most {} accounts pay for a subscriber", payers_max));
    }
    if (!make_room(shard, member, 1, shard.now(), note)) {
      return refusal(Refusal::Code::refused,
                     fmt::format("an account has at most {} allowances and payers", buckets_max));
    }
    entry.previous = member.last;
    terms.bucket = BucketNumber(member.bucket_count + 1);
    terms.account = payer->number;
    terms.month = tariff->tariff->month_of(shard.now());
    entry.bucket_openings.push_back(
        opening_of(terms.bucket, who->subscriber, payer->name, shard.now(), std::move(*coverage)));
  }
  terms.cap = order.cap;
  terms.share = order.share;
  // Of the whole nothing is rounded.
  terms.rounding = terms.has_share() ? order.rounding : PayerChange().rounding;
  put(payers, terms, order.position, entry);
  if (entry.payers.empty()) return Done{member.last, true};
  return Done{shard.enter(entry)};
}

Operation remove_payer(Shard& shard, std::string_view msisdn, std::string_view account,
                       const Note& note) {
  if (auto wrong = check_note(note)) return *wrong;
  const auto who = find_subscriber(shard, msisdn);
  if (!who.has_value()) return who.error();
  const Account* const payer = shard.book().find_account(account);
  if (payer == nullptr) return no_account(account);
  const Payer* const known = payer_of(*who, payer->number);
  if (known == nullptr) {
    return refusal(Refusal::Code::not_found,
                   fmt::format("account {} does not pay for {}; see: farthing payer list {}",
                               account, msisdn, msisdn));
  }
  const Bucket& bucket = *who->account->bucket(known->terms.bucket);
  if (bucket.reserved != 0) {
    return refusal(
        Refusal::Code::refused,
        fmt::format("an open session holds {} of its money; close it first: farthing session "
                    "list; or let it pay no more: farthing payer add --cap 0",
                    Money(bucket.reserved).to_string()));
  }
  Entry entry = payer_entry(*who, note);
  entry.bucket_closings = {bucket.number};
  return Done{shard.enter(entry)};
}

Operation set_payer_budget(Shard& shard, std::string_view account, std::optional<Money> amount,
                           const Note& note) {
  if (auto wrong = check_note(note)) return *wrong;
  const Account* const payer = shard.book().find_account(account);
  if (payer == nullptr) return no_account(account);
  if (amount && (amount->micros < 0 || !fits(amount->micros))) {
    return refusal(Refusal::Code::invalid, "a budget is not negative");
  }
  const tariffs::VersionedTariff* const tariff = shard.tariffs().at(shard.now());
  if (tariff == nullptr) return refusal(Refusal::Code::refused, "no tariff is in force yet");
  const std::optional<PayerBudget>& known = payer->budget;
  if (known ? known->amount == amount : !amount) return Done{payer->last, true};
  Entry entry = entry_for(*payer, EntryKind::payer_budget_changed, note);
  if (!amount) {
    entry.budget = PayerBudget();
  } else if (known) {
    entry.budget = known;
  } else {
    entry.budget = PayerBudget{amount, tariff->tariff->month_of(shard.now()), 0,
                               held_for_members(shard.book(), payer->number)};
  }
  entry.budget->amount = amount;
  return Done{shard.enter(entry)};
}

}  // namespace farthing::engine
