// What must hold of an entry before it changes anything. Nothing here can fail for an entry that
// decide() wrote; in recovery it is the proof that the ledger means what it says.
#include "engine/base/wide.h"
#include "engine/book.h"
#include "engine/counting.h"

#include <algorithm>

namespace farthing::engine {

namespace {

bool is_within(base::Int128 value, base::Int128 low, base::Int128 high) {
  return value >= low && value <= high;
}

}  // namespace

const char* Book::check(const Entry& entry, Sequence own, const Account* account,
                        const Session* session) const {
  if (own.value != last_.value + 1) return "its number does not follow the one before";
  if (!is_balanced(entry)) return "its legs do not add up to zero";
  if ((entry.kind == EntryKind::ledger_cut) != entry.cut.has_value()) {
    return "it is no cut of the ledger";
  }
  if (entry.kind == EntryKind::server_started || entry.tariff || entry.numbers || entry.cut) {
    return entry.account.value == 0 ? nullptr : "it names an account where none belongs";
  }
  if (entry.account_opening) {
    if (const char* wrong = check_opening(entry)) return wrong;
  } else if (account == nullptr) {
    return "its account does not exist";
  } else if (entry.previous != account->last) {
    return "it does not follow its account's last entry";
  }
  if (entry.subscriber_opening) {
    const std::size_t known = account == nullptr ? 0 : account->subscribers.size();
    if (entry.subscriber_opening->number.value != known + 1)
      return "its subscriber is out of order";
    for (Identity identity : {entry.subscriber_opening->msisdn, entry.subscriber_opening->imsi}) {
      if (identity.kind() == Identity::Kind::none) continue;
      const auto bearer = find_subscriber(identity);
      // In recovery a row may be ahead that says who bears it later.
      if (bearer && bearer->account->last < own) return "its subscriber's identity is taken";
    }
  }
  if (entry.state_change) {
    const Subscriber* const who =
        account == nullptr ? nullptr : account->subscriber(entry.state_change->number);
    const bool is_new =
        entry.subscriber_opening && entry.subscriber_opening->number == entry.state_change->number;
    if (who == nullptr && !is_new) return "it changes a subscriber that does not exist";
    if (who != nullptr && who->state == LifeState::terminated)
      return "it changes a subscriber that is terminated";
  }
  if (entry.profile_change) {
    if (const char* wrong = check_profile(entry, account)) return wrong;
  }
  if (session != nullptr) {
    if (session->account != account) return "its session is another account's";
    if (session->last != entry.session->previous)
      return "it does not follow its session's last entry";
  } else if (entry.session && (entry.session_id.empty() ||
                               sessions_by_key_.find(session_key(entry.session_id)) != nullptr)) {
    return "it opens a session that is open";
  }
  if (entry.subscription || !entry.bucket_extensions.empty()) {
    if (const char* wrong = check_subscription(entry, account)) return wrong;
  }
  if (!entry.payers.empty()) {
    if (const char* wrong = check_payers(entry, account)) return wrong;
  }
  for (const OwnCeiling& ceiling : entry.ceilings) {
    if (account == nullptr) return "it changes a ceiling of no account";
    if (ceiling.owner.value != 0 && account->subscriber(ceiling.owner) == nullptr) {
      return "it changes a ceiling of an unknown subscriber";
    }
  }
  if (entry.chosen && (account == nullptr || account->subscriber(entry.chosen->owner) == nullptr)) {
    return "it changes the chosen numbers of an unknown subscriber";
  }
  if (const char* wrong = check_commitment(entry, account)) return wrong;
  if (const char* wrong = check_plan(entry, account)) return wrong;
  if (const char* wrong = check_limits(entry, account)) return wrong;
  if (const char* wrong = check_counters(entry, account, session)) return wrong;
  if ((entry.kind == EntryKind::payer_budget_changed) && !entry.budget) return "it has no budget";
  return check_amounts(entry, account, session);
}

const char* Book::check_profile(const Entry& entry, const Account* account) const {
  const ProfileChange& change = *entry.profile_change;
  const Subscriber* const known = account == nullptr ? nullptr : account->subscriber(change.number);
  const bool is_new = entry.subscriber_opening && entry.subscriber_opening->number == change.number;
  if (known == nullptr && !is_new) return "it changes a subscriber that does not exist";
  return wrong_with(
      change_profile(known == nullptr ? nullptr : known->profile.get(), change).get());
}

const char* Book::check_subscription(const Entry& entry, const Account* account) const {
  if (account == nullptr) return "it changes a subscription of no account";
  const auto is_there = [&](BucketNumber bucket) {
    return account->bucket(bucket) != nullptr ||
           std::ranges::find(entry.bucket_openings, bucket, &BucketOpening::number) !=
               entry.bucket_openings.end();
  };
  for (const BucketExtension& extension : entry.bucket_extensions) {
    if (!is_there(extension.number)) return "it extends an unknown bucket";
  }
  if (!entry.subscription) return nullptr;
  const Subscription& after = *entry.subscription;
  if (account->subscription(after.number) == nullptr &&
      after.number.value <= account->bucket_count) {
    return "it changes an unknown subscription";
  }
  return std::ranges::all_of(after.buckets, is_there) ? nullptr
                                                      : "its subscription has an unknown bucket";
}

const char* Book::check_payers(const Entry& entry, const Account* account) const {
  const auto is_lent = [&](BucketNumber number) {
    const Bucket* const bucket = account == nullptr ? nullptr : account->bucket(number);
    if (bucket != nullptr) return bucket->is_lent;
    const auto opening = std::ranges::find(entry.bucket_openings, number, &BucketOpening::number);
    return opening != entry.bucket_openings.end() && opening->is_lent;
  };
  for (const PayerChange& payer : entry.payers) {
    if (!is_lent(payer.bucket)) return "its payer's bucket is none of lent money";
    if (payer.account == entry.account) return "an account cannot pay for itself";
  }
  return nullptr;
}

const char* Book::check_opening(const Entry& entry) const {
  if (entry.account.value != account_count_ + 1) return "its account's number is out of order";
  if (find_account(entry.account_opening->name) != nullptr) return "its account exists";
  if (entry.account_opening->kind > static_cast<std::uint8_t>(AccountKind::hybrid)) {
    return "its account is of no known kind";
  }
  return nullptr;
}

const char* Book::check_amounts(const Entry& entry, const Account* account,
                                const Session* session) const {
  const std::size_t segments_before = session == nullptr ? 0 : session->segments.size();
  const std::size_t segments = segments_before + entry.openings.size();
  if (segments >= Leg::no_segment) return "it has too many price segments";
  for (std::size_t i = 0; i < entry.openings.size(); ++i) {
    if (entry.openings[i].index != segments_before + i)
      return "its price segments are out of order";
  }
  for (const SegmentUse& use : entry.uses) {
    if (use.index >= segments) return "it reports usage of an unknown price segment";
  }
  for (const GrantChange& grant : entry.grants) {
    if (grant.segment >= segments) return "it grants units of an unknown price segment";
  }
  bool names_buckets = false;
  base::Int128 main = account == nullptr ? 0 : account->main_micros;
  base::Int128 reserved = account == nullptr ? 0 : account->reserved_micros;
  base::Int128 overage = account == nullptr ? 0 : account->overage_micros;
  for (const ShareUse& use : entry.share_uses) {
    if (use.segment >= segments) return "a payer's share is of an unknown price segment";
  }
  for (const Leg& leg : entry.legs) {
    if (leg.segment != Leg::no_segment && leg.segment >= segments) {
      return "it charges an unknown price segment";
    }
    if (leg.side == Side::main) main += leg.amount;
    if (leg.side == Side::reserved) reserved += leg.amount;
    if (leg.side == Side::overage) overage -= leg.amount;
    names_buckets = names_buckets || names_bucket(leg.side);
  }
  const base::Int128 limit = account_money_max.micros;
  if (!is_within(main, -4 * limit, 4 * limit) || !is_within(reserved, 0, 4 * limit) ||
      !is_within(overage, 0, INT64_MAX)) {
    return "it leaves an amount out of range";
  }
  return names_buckets ? check_buckets(entry, account) : nullptr;
}

const char* Book::check_limits(const Entry& entry, const Account* account) {
  for (const LimitChange& change : entry.limit_changes) {
    const Bucket* const bucket = account == nullptr ? nullptr : account->bucket(change.bucket);
    if (bucket == nullptr || change.limit >= bucket->limits.size()) {
      return "it changes an unknown limit of a bucket";
    }
    const base::Int128 left = base::Int128{bucket->limits[change.limit].remaining} + change.units;
    if (!is_within(left, 0, INT64_MAX)) return "it leaves a limit of a bucket below zero";
  }
  return nullptr;
}

const char* Book::check_buckets(const Entry& entry, const Account* account) const {
  if (entry.payment) {
    const bool lends = std::ranges::all_of(entry.legs, [](const Leg& leg) {
      return leg.side == Side::main || (leg.side == Side::lent && leg.bucket.value == 0);
    });
    return lends ? nullptr : "it pays for another account with what is not money";
  }
  std::size_t known = 0;
  for (const Leg& leg : entry.legs) known += names_bucket(leg.side) ? 0 : 1;
  // Of one bucket, free and held as they will be; false: below zero or over the range.
  auto fits = [&entry, &known](BucketNumber bucket, Unit unit, base::Int128 free,
                               base::Int128 held) {
    const BucketSides sides = sides_of(unit);
    for (const Leg& leg : entry.legs) {
      if (!names_bucket(leg.side) || leg.bucket != bucket ||
          is_units(leg.side) != (unit != Unit::money)) {
        continue;
      }
      ++known;
      if (leg.side == sides.free) free += leg.amount;
      if (leg.side == sides.held) held += leg.amount;
    }
    return is_within(free, 0, INT64_MAX) && is_within(held, 0, INT64_MAX);
  };
  bool fit = true;
  for (const BucketOpening& opening : entry.bucket_openings) {
    fit = fit && fits(opening.number, opening.unit, 0, 0);
  }
  if (account != nullptr) {
    for (const Bucket& bucket : account->buckets) {
      fit = fit && fits(bucket.number, bucket.unit, bucket.remaining, bucket.reserved);
    }
  }
  if (!fit) return "it leaves a bucket below zero";
  return known == entry.legs.size() ? nullptr : "it moves what is in an unknown bucket";
}

}  // namespace farthing::engine
