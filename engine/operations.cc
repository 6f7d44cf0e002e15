#include "engine/operations.h"

#include "engine/account_entry.h"
#include "engine/operation_parts.h"
#include "engine/permission.h"
#include "tariffs/file_error.h"
#include "tariffs/local_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace farthing::engine {

namespace {

constexpr std::size_t account_name_max = 64;
constexpr std::size_t note_text_max = 512;
constexpr std::size_t subscribers_max = 10'000;  // of one account

// The entry that was made under the note's request id before, if any. No account: what is asked for
// says by itself whose it is.
std::optional<Operation> find_repeated(const Shard& shard, const AdminRequest& asked,
                                       const Note& note) {
  if (note.request_id.empty()) return std::nullopt;
  const AdminRequest* known = shard.book().find_admin_request(note.request_id);
  if (known == nullptr) return std::nullopt;
  const bool is_its = asked.account.value == 0 || asked.account == known->account;
  // What an offer cost followed from the moment at which it was bought.
  const bool is_sum = asked.kind == EntryKind::subscription_added || known->amount == asked.amount;
  if (is_its && known->kind == asked.kind && is_sum && known->content == asked.content) {
    return Operation(Done{known->sequence, true});
  }
  const Account* const other = shard.book().account(known->account);  // it need not be here
  const std::string what =
      known->amount.micros == 0
          ? std::string(kind_name(known->kind))
          : fmt::format("{} of {}", kind_name(known->kind), known->amount.to_string());
  return Operation(
      refusal(Refusal::Code::conflict,
              fmt::format("request id {} was used before, for a {} on {}; give this one another id",
                          note.request_id, what,
                          other == nullptr ? "another account" : "account " + other->name)));
}

// Nothing where the tariff in force says nothing.
std::optional<Refusal> extend_validity(const Account& account, Shard& shard, Money top_up,
                                       Entry& entry) {
  const Time now = shard.now();
  const tariffs::VersionedTariff* const tariff = shard.tariffs().at(now);
  if (account.kind != AccountKind::prepaid || tariff == nullptr ||
      !tariff->tariff->top_up_validity()) {
    return std::nullopt;
  }
  if (account.terms.validity(now) == Validity::over) {
    return refusal(
        Refusal::Code::refused,
        fmt::format(
            "account {} was valid until {}, and its grace is over; bring it back "
            "first: farthing account validity {} UNTIL",
            account.name,
            tariffs::local_time_text(tariff->tariff->time_zone(), account.terms.valid_until),
            account.name));
  }
  entry.terms = extended(account.terms, *tariff->tariff->top_up_validity(), top_up, now);
  if (*entry.terms == account.terms) entry.terms.reset();
  return std::nullopt;
}

Operation move_money(Shard& shard, std::string_view name, Money amount, EntryKind kind, Side source,
                     const Note& note) {
  if (auto wrong = check_note(note)) return *wrong;
  const Account* account = shard.book().find_account(name);
  if (account == nullptr) return no_account(name);
  const AdminRequest asked{.kind = kind, .account = account->number, .amount = amount};
  if (auto repeated = find_repeated(shard, asked, note)) return *repeated;
  if (!fits(amount.micros) || !fits(account->balance().micros + amount.micros)) {
    return refusal(Refusal::Code::refused,
                   fmt::format("the balance would be over {}", account_money_max.to_string()));
  }
  const Time now = shard.now();
  if (amount.micros < 0 && account->available(now).micros + amount.micros < 0) {
    return refusal(Refusal::Code::refused, fmt::format("only {} is available on account {}",
                                                       account->available(now).to_string(), name));
  }
  Entry entry = entry_for(*account, kind, note);
  if (kind == EntryKind::top_up) {
    if (auto over = extend_validity(*account, shard, amount, entry)) return *over;
  }
  entry.legs = {{source, Leg::no_segment, {}, -amount.micros},
                {Side::main, Leg::no_segment, {}, amount.micros}};
  const Done done{shard.enter(entry)};
  if (amount.micros > 0) shard.renew(*account, true);
  return done;
}

std::optional<Refusal> check_terms_amount(Money amount, std::string_view what) {
  if (amount.micros >= 0 && fits(amount.micros)) return std::nullopt;
  return refusal(Refusal::Code::invalid, fmt::format("{} is not negative, and at most {}", what,
                                                     account_money_max.to_string()));
}

// Enters an account's terms as `change` leaves them, unless it was done before, or `wrong` says
// that it cannot be done now.
template <class Change>
Operation change_terms(Shard& shard, std::string_view name, EntryKind kind, const Note& note,
                       const std::optional<Refusal>& wrong, Change change) {
  if (auto bad_note = check_note(note)) return *bad_note;
  const Account* const account = shard.book().find_account(name);
  if (account == nullptr) return no_account(name);
  AccountTerms terms = account->terms;
  change(terms);
  const AdminRequest asked{
      .kind = kind, .account = account->number, .content = terms_content(kind, terms)};
  if (auto repeated = find_repeated(shard, asked, note)) return *repeated;
  if (terms == account->terms) return Done{account->last, true};
  if (wrong) return *wrong;
  Entry entry = entry_for(*account, kind, note);
  entry.terms = terms;
  const Done done{shard.enter(entry)};
  shard.renew(*account, true);  // what could not be paid may be now
  return done;
}

std::optional<Identity> identity_or_none(Identity::Kind kind, std::string_view digits) {
  if (digits.empty()) return Identity();
  return Identity::make(kind, digits);
}

Operation taken(const Shard& shard, Identity identity) {
  const auto owner = shard.book().find_subscriber(identity);
  return refusal(Refusal::Code::conflict, fmt::format("{} is a subscriber of account {} already",
                                                      identity.digits(), owner->account->name));
}

}  // namespace

Refusal refusal(Refusal::Code code, std::string message) { return {code, std::move(message)}; }

Refusal no_account(std::string_view name) {
  return refusal(Refusal::Code::not_found,
                 fmt::format("there is no account {}; create it with: farthing account create {} "
                             "--kind prepaid",
                             name, name));
}

bool fits(std::int64_t micros) {
  return micros <= account_money_max.micros && micros >= -account_money_max.micros;
}

Entry entry_for(const Account& account, EntryKind kind, const Note& note) {
  Entry entry = entry_of(account, kind);
  entry.note = note;
  return entry;
}

Entry ending_of(const Account& account, const Bucket& bucket, const Note& note) {
  Entry entry = entry_for(
      account, bucket.is_lent ? EntryKind::payer_changed : EntryKind::subscription_ended, note);
  entry.subscriber = bucket.owner;
  entry.bucket_closings = {bucket.number};
  const BucketSides sides = sides_of(bucket.unit);
  if (bucket.remaining != 0) {
    entry.legs = {{sides.free, Leg::no_segment, bucket.number, -bucket.remaining},
                  {sides.gone, Leg::no_segment, bucket.number, bucket.remaining}};
  }
  return entry;
}

bool make_room(Shard& shard, const Account& account, std::size_t buckets, Time now,
               const Note& note) {
  while (account.buckets.size() + buckets > buckets_max) {
    const auto over = std::ranges::find_if(account.buckets, [&](const Bucket& bucket) {
      if (bucket.reserved != 0) return false;
      if (bucket.is_lent) return account.state_of(bucket.owner) == LifeState::terminated;
      return bucket.valid_to < now - event_time_past_max && !account.is_part(bucket.number);
    });
    if (over == account.buckets.end()) return false;
    shard.enter(ending_of(account, *over, {note.operator_name, note.reason, {}}));
  }
  return true;
}

std::optional<Refusal> check_note(const Note& note) {
  for (std::string_view text : {note.operator_name, note.reason, note.request_id}) {
    if (text.size() > note_text_max) {
      return refusal(Refusal::Code::invalid,
                     fmt::format("a reason or request id is at most {} characters", note_text_max));
    }
  }
  return std::nullopt;
}

bool is_account_name(std::string_view name) {
  return !name.empty() && name.size() <= account_name_max &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return c > ' ' && c <= '~' && c != ',' && c != '"' && c != '\'' && c != '/';
         });
}

std::optional<Identity> parse_msisdn(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return Identity::make(Identity::Kind::e164, text);
}

base::Result<SubscriberRef, Refusal> find_subscriber(const Shard& shard, std::string_view msisdn) {
  const std::optional<Identity> identity = parse_msisdn(msisdn);
  if (!identity) {
    return refusal(
        Refusal::Code::invalid,
        fmt::format("\"{}\" is no MSISDN: up to 15 digits, with or without a plus", msisdn));
  }
  const auto found = shard.book().find_subscriber(*identity);
  if (!found) {
    return refusal(Refusal::Code::not_found, fmt::format("there is no subscriber {}", msisdn));
  }
  return *found;
}

Operation create_account(Shard& shard, std::string_view name, AccountKind kind, Money credit_limit,
                         const Note& note, Money minimum_balance) {
  if (auto wrong = check_note(note)) return *wrong;
  if (!is_account_name(name)) {
    return refusal(
        Refusal::Code::invalid,
        "an account id is 1 to 64 printable characters without space, comma, slash or quote");
  }
  if (credit_limit.micros < 0 || !fits(credit_limit.micros)) {
    return refusal(Refusal::Code::invalid, "a credit limit is not negative");
  }
  if (auto wrong = check_terms_amount(minimum_balance, "a minimum balance")) return *wrong;
  if (kind == AccountKind::prepaid && credit_limit.micros != 0) {
    return refusal(Refusal::Code::invalid,
                   "a prepaid account has no credit limit; use --kind hybrid or postpaid");
  }
  if (const Account* known = shard.book().find_account(name)) {
    if (known->kind == kind && known->credit_limit_micros == credit_limit.micros &&
        known->terms.minimum_balance == minimum_balance) {
      return Done{known->last, true};
    }
    return refusal(Refusal::Code::conflict, fmt::format("account {} exists already and is {}", name,
                                                        kind_name(known->kind)));
  }
  Entry entry;
  entry.kind = EntryKind::account_created;
  entry.account = AccountNumber(shard.book().account_count() + 1);
  entry.account_opening = AccountOpening{name, static_cast<std::uint8_t>(kind), credit_limit};
  if (minimum_balance.micros > 0) entry.terms.emplace().minimum_balance = minimum_balance;
  entry.note = note;
  return Done{shard.enter(entry)};
}

Operation add_subscriber(Shard& shard, std::string_view msisdn, std::string_view account_name,
                         std::string_view imsi, const Note& note, LifeState state) {
  if (auto wrong = check_note(note)) return *wrong;
  const std::optional<Identity> number = parse_msisdn(msisdn);
  const std::optional<Identity> card = identity_or_none(Identity::Kind::imsi, imsi);
  if (!number || !card) {
    return refusal(Refusal::Code::invalid,
                   fmt::format("\"{}\" is no {}: up to 15 digits", number ? imsi : msisdn,
                               number ? "IMSI" : "MSISDN"));
  }
  if (state == LifeState::terminated) {
    return refusal(Refusal::Code::invalid,
                   "a subscriber does not begin terminated; expected idle, active, suspended or "
                   "suspended-outgoing");
  }
  const Account* account = shard.book().find_account(account_name);
  if (account == nullptr) return no_account(account_name);
  const auto known = shard.book().find_subscriber(*number);
  if (known && known->account == account && account->subscriber(known->subscriber)->imsi == *card) {
    return Done{account->last, true};
  }
  if (known) return taken(shard, *number);
  if (card->kind() != Identity::Kind::none && shard.book().find_subscriber(*card)) {
    return taken(shard, *card);
  }
  if (account->subscribers.size() >= subscribers_max) {
    return refusal(Refusal::Code::refused,
                   fmt::format("an account has at most {} subscribers", subscribers_max));
  }
  Entry entry = entry_for(*account, EntryKind::subscriber_added, note);
  const SubscriberNumber subscriber(static_cast<std::uint16_t>(account->subscribers.size() + 1));
  entry.subscriber = subscriber;
  entry.subscriber_opening = SubscriberOpening{subscriber, *number, *card};
  if (state != LifeState::active) entry.state_change = StateChange{subscriber, state};
  return Done{shard.enter(entry)};
}

Operation set_state(Shard& shard, std::string_view msisdn, LifeState state, const Note& note) {
  if (auto wrong = check_note(note)) return *wrong;
  // One that was terminated under this id is found no more.
  const std::uint64_t content = state_content(parse_msisdn(msisdn).value_or(Identity()), state);
  const AdminRequest asked{.kind = EntryKind::subscriber_changed, .content = content};
  if (auto repeated = find_repeated(shard, asked, note)) return *repeated;
  const auto who = find_subscriber(shard, msisdn);
  if (!who.has_value()) return who.error();
  const Account& account = *who->account;
  if (account.subscriber(who->subscriber)->state == state) return Done{account.last, true};
  Entry entry = entry_for(account, EntryKind::subscriber_changed, note);
  entry.subscriber = who->subscriber;
  entry.state_change = StateChange{who->subscriber, state};
  if (state == LifeState::terminated) {
    for (const Payer& payer : account.payers) {
      const Bucket& bucket = *account.bucket(payer.terms.bucket);
      if (bucket.owner != who->subscriber || bucket.reserved != 0) continue;
      entry.bucket_closings.push_back(bucket.number);
    }
  }
  return Done{shard.enter(entry)};
}

std::optional<std::string> wrong_attribute(std::string_view name, std::string_view value) {
  if (!tariffs::is_label(name)) {
    return fmt::format("{} is no attribute; expected {}", tariffs::in_quotes(name),
                       tariffs::label_form);
  }
  if (value.empty() || tariffs::is_attribute_value(value)) return std::nullopt;
  return fmt::format("the value of {} cannot be kept; expected {}", name, tariffs::attribute_form);
}

std::optional<Refusal> too_many_attributes(std::size_t count) {
  constexpr std::size_t most = 2 * Profile::attributes_max;  // all removed, and as many others
  if (count <= most) return std::nullopt;
  return refusal(Refusal::Code::invalid,
                 fmt::format("{} attributes are given; give at most {} at a time", count, most));
}

namespace {

// Enters a change of what is said of a subscriber, where it is one.
Operation enter_profile(Shard& shard, const SubscriberRef& who, ProfileChange change,
                        const Note& note) {
  const Account& account = *who.account;
  const Subscriber& subscriber = *account.subscriber(who.subscriber);
  change.number = who.subscriber;
  const auto after = change_profile(subscriber.profile.get(), change);
  const bool is_same = subscriber.profile == nullptr || after == nullptr
                           ? subscriber.profile == after
                           : *subscriber.profile == *after;
  if (is_same) return Done{account.last, true};
  if (const char* wrong = wrong_with(after.get())) {
    return refusal(Refusal::Code::refused,
                   fmt::format("{}: at most {} attributes and {} switches that are off; remove one "
                               "first",
                               wrong, Profile::attributes_max, Profile::switched_off_max));
  }
  Entry entry = entry_for(account, EntryKind::subscriber_changed, note);
  entry.subscriber = who.subscriber;
  entry.profile_change = std::move(change);
  return Done{shard.enter(entry)};
}

}  // namespace

Operation set_attributes(Shard& shard, std::string_view msisdn,
                         const tariffs::SubscriberAttributes& attributes, const Note& note) {
  if (auto wrong = check_note(note)) return *wrong;
  if (auto wrong = too_many_attributes(attributes.size())) return *wrong;
  ProfileChange change;
  for (const auto& [name, value] : attributes) {
    if (auto wrong = wrong_attribute(name, value)) {
      return refusal(Refusal::Code::invalid, std::move(*wrong));
    }
    if (std::ranges::find(change.attributes, name, &ProfileChange::Attribute::name) !=
        change.attributes.end()) {
      return refusal(Refusal::Code::invalid, fmt::format("{} is there twice; give it once", name));
    }
    change.attributes.push_back({name, value});
  }
  if (change.attributes.empty()) {
    return refusal(Refusal::Code::invalid, "no attribute is given, such as segment=gold");
  }
  const auto who = find_subscriber(shard, msisdn);
  if (!who.has_value()) return who.error();
  return enter_profile(shard, *who, std::move(change), note);
}

Operation set_switch(Shard& shard, std::string_view msisdn, std::string_view name, bool is_on,
                     const Note& note) {
  if (auto wrong = check_note(note)) return *wrong;
  if (!tariffs::is_label(name)) {
    return refusal(
        Refusal::Code::invalid,
        fmt::format("{} is no switch; expected {}", tariffs::in_quotes(name), tariffs::label_form));
  }
  const auto who = find_subscriber(shard, msisdn);
  if (!who.has_value()) return who.error();
  ProfileChange change;
  change.switches.push_back({name, is_on});
  return enter_profile(shard, *who, std::move(change), note);
}

Operation top_up(Shard& shard, std::string_view account, Money amount, const Note& note) {
  if (amount.micros <= 0) {
    return refusal(Refusal::Code::invalid,
                   "a top-up is more than 0; to take money away use: farthing balance adjust");
  }
  return move_money(shard, account, amount, EntryKind::top_up, Side::top_up, note);
}

Operation adjust(Shard& shard, std::string_view account, Money amount, const Note& note) {
  if (amount.micros == 0) return refusal(Refusal::Code::invalid, "an adjustment is not 0");
  return move_money(shard, account, amount, EntryKind::adjustment, Side::adjustment, note);
}

Operation set_temporary_credit(Shard& shard, std::string_view account, Money amount, Time until,
                               const Note& note) {
  if (auto wrong = check_terms_amount(amount, "a temporary credit")) return *wrong;
  std::optional<Refusal> wrong;
  if (amount.micros > 0 && until <= shard.now()) {
    wrong = refusal(Refusal::Code::invalid, "a temporary credit ends later than now");
  }
  return change_terms(shard, account, EntryKind::credit_changed, note, wrong,
                      [&](AccountTerms& terms) {
                        terms.temporary_credit = amount;
                        terms.temporary_until = amount.micros > 0 ? until : Time();
                      });
}

Operation set_minimum_balance(Shard& shard, std::string_view account, Money amount,
                              const Note& note) {
  if (auto wrong = check_terms_amount(amount, "a minimum balance")) return *wrong;
  return change_terms(shard, account, EntryKind::minimum_changed, note, {},
                      [&](AccountTerms& terms) { terms.minimum_balance = amount; });
}

Operation set_billing_day(Shard& shard, std::string_view account, std::uint8_t day,
                          const Note& note) {
  std::optional<Refusal> wrong;
  if (day < 1 || day > tariffs::billing_day_last) {
    wrong = refusal(Refusal::Code::invalid, "a billing month begins on a day from 1 to 28");
  }
  return change_terms(shard, account, EntryKind::billing_day_changed, note, wrong,
                      [&](AccountTerms& terms) { terms.billing_day = day; });
}

Operation set_validity(Shard& shard, std::string_view account, Time until, Time grace_until,
                       const Note& note) {
  if (grace_until < until) {
    return refusal(Refusal::Code::invalid, "a grace does not end before the validity does");
  }
  return change_terms(shard, account, EntryKind::validity_changed, note, {},
                      [&](AccountTerms& terms) {
                        terms.valid_until = until;
                        terms.grace_until = grace_until;
                      });
}

namespace {

// Why the subscriber cannot have the offer, whatever it costs.
std::optional<Refusal> check_sale(const SubscriberRef& who, const tariffs::Tariff& tariff,
                                  const tariffs::Offer& offer, Time from, Time now) {
  if (offer.sale != tariffs::Sale::on_sale) {
    return refusal(Refusal::Code::refused, fmt::format("{} is not on sale any more; see: farthing "
                                                       "tariff show",
                                                       offer.name));
  }
  if (!offer.renewal && from > now) {
    return refusal(
        Refusal::Code::invalid,
        fmt::format("{} begins when it is bought; only what renews can begin later", offer.name));
  }
  const std::vector<std::string_view> held = offers_held(*who.account, who.subscriber, now);
  if (const auto other = find_other_of_family(held, tariff, offer)) {
    return refusal(Refusal::Code::conflict,
                   fmt::format("the subscriber has {}, and of {} only one; end that first: "
                               "farthing subscription list",
                               *other, offer.family));
  }
  if (const auto needed = find_missing(held, offer)) {
    return refusal(Refusal::Code::refused,
                   fmt::format("{} is for those who have {}; add that first: farthing "
                               "subscription add",
                               offer.name, *needed));
  }
  return std::nullopt;
}

}  // namespace

Operation add_subscription(Shard& shard, std::string_view msisdn, std::string_view offer_name,
                           const Note& note, std::optional<Time> begin) {
  if (auto wrong = check_note(note)) return *wrong;
  const auto who = find_subscriber(shard, msisdn);
  if (!who.has_value()) return who.error();
  const Account& account = *who->account;
  const AdminRequest asked{.kind = EntryKind::subscription_added,
                           .account = account.number,
                           .content = purchase_content(who->subscriber, offer_name)};
  if (auto repeated = find_repeated(shard, asked, note)) return *repeated;
  const Time now = shard.now();
  shard.renew(account);  // what is due is paid first
  const tariffs::VersionedTariff* const tariff =
      version_for(shard.tariffs(), account, who->subscriber, now);
  const tariffs::Offer* const offer =
      tariff == nullptr ? nullptr : tariff->tariff->find_offer(offer_name);
  if (offer == nullptr) {
    return refusal(
        Refusal::Code::not_found,
        fmt::format("the tariff in force has no offer {}; see: farthing tariff show", offer_name));
  }
  const Time from = begin.value_or(now);
  if (from < now) {
    return refusal(Refusal::Code::invalid, "a subscription begins now or later, not in the past");
  }
  if (auto wrong = check_sale(*who, *tariff->tariff, *offer, from, now)) return *wrong;
  const LifeState state = account.state_of(who->subscriber);
  const Money fee = from > now ? Money() : first_payment(*tariff->tariff, *offer, state, from);
  if (fee.micros > 0 && fee > account.spendable(now)) {
    return refusal(Refusal::Code::refused,
                   fmt::format("{} costs {}, and only {} is available on account {}", offer->name,
                               fee.to_string(), account.spendable(now).to_string(), account.name));
  }
  if (account.subscriptions.size() >= subscriptions_max) {
    return refusal(
        Refusal::Code::refused,
        fmt::format("an account has at most {} subscriptions that renew", subscriptions_max));
  }
  if (offer->minimum_spend && account.commitments.size() >= commitments_max) {
    return refusal(
        Refusal::Code::refused,
        fmt::format("an account has at most {} periods with a minimum spend that are not "
                    "settled; the first is settled by itself",
                    commitments_max));
  }
  if (!make_room(shard, account, offer->allowances.size(), now, note)) {
    return refusal(Refusal::Code::refused,
                   fmt::format("an account has at most {} allowances", buckets_max));
  }
  Entry entry = buy(account, who->subscriber, *tariff, *offer, from, now);
  entry.note = note;
  return Done{shard.enter(entry)};
}

namespace {

Operation end_bucket(Shard& shard, const SubscriberRef& who, const Bucket& bucket,
                     const Note& note) {
  if (bucket.reserved != 0) {
    return refusal(Refusal::Code::refused,
                   fmt::format("an open session holds {} of its units; close it first: farthing "
                               "session list",
                               bucket.reserved));
  }
  return Done{shard.enter(ending_of(*who.account, bucket, note))};
}

}  // namespace

Operation end_subscription(Shard& shard, std::string_view msisdn, SubscriptionNumber number,
                           const Note& note, Ending ending) {
  if (auto wrong = check_note(note)) return *wrong;
  const auto who = find_subscriber(shard, msisdn);
  if (!who.has_value()) return who.error();
  const Account& account = *who->account;
  shard.renew(account);
  const Subscription* const one = account.subscription(number);
  if (one != nullptr && one->owner == who->subscriber && one->state != Subscription::State::ended) {
    if (ending == Ending::with_period && !one->renews) return Done{account.last, true};
    Entry entry = end(account, *one, ending, shard.now());
    entry.note = note;
    return Done{shard.enter(entry)};
  }
  const BucketNumber of_bucket(number.value);
  const Bucket* const bucket = account.bucket(of_bucket);
  if (one == nullptr && bucket != nullptr && bucket->is_for(who->subscriber) &&
      !account.is_part(of_bucket) && !bucket->is_lent) {
    if (ending == Ending::now) return end_bucket(shard, *who, *bucket, note);
    return refusal(Refusal::Code::refused, "it does not renew: it ends by itself");
  }
  return refusal(Refusal::Code::not_found,
                 fmt::format("{} has no subscription {}; see: farthing subscription list {}",
                             msisdn, number.value, msisdn));
}

// --- Sessions ------------------------------------------------------------------------------------

Operation close_session(Shard& shard, std::string_view session_id, const Note& note) {
  if (auto wrong = check_note(note)) return *wrong;
  const Session* const session = shard.book().find_session(shard.book().session_key(session_id));
  if (session == nullptr) {
    return refusal(Refusal::Code::not_found,
                   fmt::format("no session {} is open; see: farthing session list", session_id));
  }
  shard.close_session(*session, EntryKind::session_closed, note);
  return Done{shard.book().last()};
}

// --- Import --------------------------------------------------------------------------------------

base::Result<ImportEffect, Refusal> check_import(const Shard& shard, const ImportRow& row) {
  const Book& book = shard.book();
  const Account* const account = book.find_account(row.account);
  const auto known = book.find_subscriber(row.msisdn);
  if (known) {
    if (account == nullptr || known->account != account) {
      return taken(shard, row.msisdn).error();
    }
    return ImportEffect::nothing;
  }
  if (row.imsi.kind() != Identity::Kind::none && book.find_subscriber(row.imsi)) {
    return taken(shard, row.imsi).error();
  }
  if (account != nullptr && account->subscribers.size() >= subscribers_max) {
    return refusal(Refusal::Code::refused,
                   fmt::format("an account has at most {} subscribers", subscribers_max));
  }
  return account == nullptr ? ImportEffect::new_account : ImportEffect::new_subscriber;
}

Operation import_row(Shard& shard, const ImportRow& row, const Note& note) {
  const auto effect = check_import(shard, row);
  if (!effect.has_value()) return effect.error();
  if (*effect == ImportEffect::nothing) return Done{shard.book().last(), true};
  Entry entry;
  const Account* const account = shard.book().find_account(row.account);
  if (*effect == ImportEffect::new_account) {
    entry.kind = EntryKind::account_created;
    entry.account = AccountNumber(shard.book().account_count() + 1);
    entry.account_opening =
        AccountOpening{row.account, static_cast<std::uint8_t>(row.kind), row.credit_limit};
    if (row.balance.micros != 0) {
      entry.legs = {{Side::top_up, Leg::no_segment, {}, -row.balance.micros},
                    {Side::main, Leg::no_segment, {}, row.balance.micros}};
    }
    entry.subscriber = SubscriberNumber(1);
  } else {
    entry = entry_for(*account, EntryKind::subscriber_added, note);
    entry.subscriber =
        SubscriberNumber(static_cast<std::uint16_t>(account->subscribers.size() + 1));
  }
  entry.note = note;
  entry.subscriber_opening = SubscriberOpening{entry.subscriber, row.msisdn, row.imsi};
  if (!row.attributes.empty()) {
    ProfileChange& profile = entry.profile_change.emplace();
    profile.number = entry.subscriber;
    for (const auto& [name, value] : row.attributes) profile.attributes.push_back({name, value});
  }
  return Done{shard.enter(entry)};
}

}  // namespace farthing::engine
