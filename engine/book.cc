#include "engine/book.h"

#include "engine/attributes.h"
#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/base/wide.h"

#include <algorithm>
#include <utility>

namespace farthing::engine {

namespace {

constexpr Duration grace_after_start_max = std::chrono::minutes(10);

std::int64_t seconds_of(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

bool is_within(base::Int128 value, base::Int128 low, base::Int128 high) {
  return value >= low && value <= high;
}

// The session's hold or grant, begun with nothing where there is none yet.
BucketHold& hold_of(Session& session, std::uint16_t segment, BucketNumber bucket) {
  auto place = std::ranges::lower_bound(
      session.holds, std::pair(segment, bucket), {},
      [](const BucketHold& hold) { return std::pair(hold.segment, hold.bucket); });
  if (place == session.holds.end() || place->segment != segment || place->bucket != bucket) {
    place = session.holds.insert(place, {segment, bucket, 0});
  }
  return *place;
}

HeldGrant& grant_of(Session& session, std::uint16_t segment, std::uint32_t services) {
  auto place = std::ranges::lower_bound(
      session.grants, std::pair(segment, services), {},
      [](const HeldGrant& grant) { return std::pair(grant.segment, grant.services); });
  if (place == session.grants.end() || place->segment != segment || place->services != services) {
    place = session.grants.insert(place, {segment, services, 0});
  }
  return *place;
}

}  // namespace

Book::Book(BookOptions options) : options_(options), duplicates_(options.duplicates) {}
Book::~Book() = default;

const char* Book::apply(const Entry& entry, Sequence own, Time now) {
  Account* account = this->account(entry.account);
  Session* session = nullptr;
  if (entry.session && entry.session->session.value != 0) {
    auto found = sessions_by_number_.find(entry.session->session.value);
    if (found == sessions_by_number_.end()) return "it continues a session that is not open";
    session = found->second;
  }
  if (const char* wrong = check(entry, own, account, session)) return wrong;

  last_ = own;
  if (entry.kind == EntryKind::server_started) {
    started_at_ = now;
    return nullptr;
  }
  if (entry.tariff) {
    tariffs_.push_back({entry.tariff->version, entry.tariff->source_hash, now});
    return nullptr;
  }
  if (entry.account_opening) account = &open_account(*entry.account_opening);
  change_account(*account, entry);
  if (entry.session && session == nullptr) session = &open_session(*account, entry, own, now);
  move_legs(*account, session, entry);
  if (session != nullptr) change_session(*session, entry, own, now);
  if (!entry.session && entry.request && !entry.outcome.empty()) {
    duplicates_.insert(session_key(entry.session_id), entry.request->key, own, entry.outcome, now);
  }
  if (entry.note && !entry.note->request_id.empty()) {
    Money amount;
    for (const Leg& leg : entry.legs) {
      if (leg.side == Side::main) amount = Money(amount.micros + leg.amount);
    }
    admin_requests_.try_emplace(std::string(entry.note->request_id),
                                AdminRequest{entry.kind, entry.account, amount, own});
  }
  account->last = own;
  return nullptr;
}

// What must hold before anything is changed. Nothing here can fail for an entry that decide()
// wrote; in recovery it is the proof that the ledger means what it says.
const char* Book::check(const Entry& entry, Sequence own, const Account* account,
                        const Session* session) const {
  if (own.value != last_.value + 1) return "its number does not follow the one before";
  if (!is_balanced(entry)) return "its legs do not add up to zero";
  if (entry.kind == EntryKind::server_started || entry.tariff) {
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
      if (identity.kind() != Identity::Kind::none && identities_.contains(identity)) {
        return "its subscriber's identity is taken";
      }
    }
  }
  if (entry.subscriber_switch &&
      (account == nullptr || account->subscriber(entry.subscriber_switch->number) == nullptr)) {
    return "it changes a subscriber that does not exist";
  }
  if (session != nullptr) {
    if (session->account != account) return "its session is another account's";
    if (session->last != entry.session->previous)
      return "it does not follow its session's last entry";
  } else if (entry.session && (entry.session_id.empty() ||
                               sessions_by_key_.contains(session_key(entry.session_id)))) {
    return "it opens a session that is open";
  }
  return check_amounts(entry, account, session);
}

const char* Book::check_opening(const Entry& entry) const {
  if (entry.account.value != accounts_.size() + 1) return "its account's number is out of order";
  if (names_.contains(entry.account_opening->name)) return "its account exists";
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
  bool moves_units = false;
  base::Int128 main = account == nullptr ? 0 : account->main_micros;
  base::Int128 reserved = account == nullptr ? 0 : account->reserved_micros;
  base::Int128 overage = account == nullptr ? 0 : account->overage_micros;
  for (const Leg& leg : entry.legs) {
    if (leg.segment != Leg::no_segment && leg.segment >= segments) {
      return "it charges an unknown price segment";
    }
    if (leg.side == Side::main) main += leg.amount;
    if (leg.side == Side::reserved) reserved += leg.amount;
    if (leg.side == Side::overage) overage -= leg.amount;
    moves_units = moves_units || is_units(leg.side);
  }
  const base::Int128 limit = account_money_max.micros;
  if (!is_within(main, -4 * limit, 4 * limit) || !is_within(reserved, 0, 4 * limit) ||
      !is_within(overage, 0, INT64_MAX)) {
    return "it leaves an amount out of range";
  }
  return moves_units ? check_units(entry, account) : nullptr;
}

const char* Book::check_units(const Entry& entry, const Account* account) const {
  std::size_t known = 0;
  for (const Leg& leg : entry.legs) known += is_units(leg.side) ? 0 : 1;
  // Of one bucket, free and held as they will be; false: below zero or over the range.
  auto fits = [&entry, &known](BucketNumber bucket, base::Int128 free, base::Int128 held) {
    for (const Leg& leg : entry.legs) {
      if (!is_units(leg.side) || leg.bucket != bucket) continue;
      ++known;
      if (leg.side == Side::allowance) free += leg.amount;
      if (leg.side == Side::allowance_reserved) held += leg.amount;
    }
    return is_within(free, 0, INT64_MAX) && is_within(held, 0, INT64_MAX);
  };
  bool fit = !entry.bucket_opening || fits(entry.bucket_opening->number, 0, 0);
  if (account != nullptr) {
    for (const Bucket& bucket : account->buckets) {
      fit = fit && fits(bucket.number, bucket.remaining, bucket.reserved);
    }
  }
  if (!fit) return "it leaves a bucket below zero";
  return known == entry.legs.size() ? nullptr : "it moves units of an unknown bucket";
}

Account& Book::open_account(const AccountOpening& opening) {
  Account& account = accounts_.emplace_back();
  account.number = AccountNumber(accounts_.size());
  account.kind = static_cast<AccountKind>(opening.kind);
  account.name = opening.name;
  account.credit_limit_micros = opening.credit_limit.micros;
  names_.emplace(account.name, account.number);
  return account;
}

void Book::change_account(Account& account, const Entry& entry) {
  if (entry.subscriber_opening) {
    const SubscriberOpening& opening = *entry.subscriber_opening;
    account.subscribers.push_back({opening.msisdn, opening.imsi});
    for (Identity identity : {opening.msisdn, opening.imsi}) {
      if (identity.kind() == Identity::Kind::none) continue;
      identities_.emplace(identity, SubscriberRef{account.number, opening.number});
    }
  }
  if (entry.subscriber_switch) {
    account.subscribers[entry.subscriber_switch->number.value - 1u].barred =
        entry.subscriber_switch->barred;
  }
  if (entry.bucket_opening) {
    const BucketOpening& opening = *entry.bucket_opening;
    account.bucket_count = opening.number.value;
    account.buckets.push_back({opening.number, opening.owner, opening.unit,
                               std::string(opening.offer), opening.valid_from, opening.valid_to, 0,
                               0, opening.coverage});
  }
}

void Book::move_legs(Account& account, Session* session, const Entry& entry) {
  for (const SegmentOpening& opening : entry.openings) {
    if (session == nullptr) break;  // an event's: nothing goes on
    session->segments.push_back({opening.rating_group, opening.service, opening.version,
                                 opening.rule, opening.terms, opening.quota});
  }
  bool holds_changed = false;
  for (const Leg& leg : entry.legs) {
    Segment* segment = session == nullptr || leg.segment == Leg::no_segment
                           ? nullptr
                           : &session->segments[leg.segment];
    switch (leg.side) {
      case Side::main:
        account.main_micros += leg.amount;
        break;
      case Side::reserved:
        account.reserved_micros += leg.amount;
        if (segment != nullptr) segment->reserved_micros += leg.amount;
        break;
      case Side::revenue:
        if (segment != nullptr) segment->charged_micros += leg.amount;
        break;
      case Side::overage:
        account.overage_micros -= leg.amount;
        break;
      case Side::allowance:
        account.bucket(leg.bucket)->remaining += leg.amount;
        break;
      case Side::allowance_reserved: {
        account.bucket(leg.bucket)->reserved += leg.amount;
        if (segment == nullptr) break;
        hold_of(*session, leg.segment, leg.bucket).units += leg.amount;
        holds_changed = true;
        break;
      }
      case Side::consumed:
        if (segment != nullptr) segment->consumed_units += leg.amount;
        break;
      case Side::top_up:
      case Side::adjustment:
      case Side::granted:
      case Side::expired:
        break;
    }
  }
  if (holds_changed)
    std::erase_if(session->holds, [](const BucketHold& h) { return h.units == 0; });
  if (entry.bucket_closing) {
    std::erase_if(account.buckets,
                  [&](const Bucket& bucket) { return bucket.number == *entry.bucket_closing; });
  }
}

Session& Book::open_session(Account& account, const Entry& entry, Sequence own, Time now) {
  if (session_pool_.empty()) session_pool_.push_back(&session_memory_.emplace_back());
  Session& session = *session_pool_.back();
  session_pool_.pop_back();
  session.number = SessionNumber(own.value);
  session.key = session_key(entry.session_id);
  session.account = &account;
  session.subscriber = entry.subscriber;
  session.id = entry.session_id;
  session.service_context = entry.service_context;
  session.opened_at = session.heard_at = now;
  session.validity_seconds = entry.validity_seconds.value_or(0);
  session.account_next = account.sessions;
  if (account.sessions != nullptr) account.sessions->account_previous = &session;
  account.sessions = &session;
  ++account.session_count;
  sessions_by_key_.emplace(session.key, &session);
  sessions_by_number_.emplace(session.number.value, &session);
  enter_wheel(session);
  return session;
}

void Book::change_session(Session& session, const Entry& entry, Sequence own, Time now) {
  session.last = own;
  session.heard_at = now;
  if (!entry.attributes.empty()) merge_attributes(session.attributes, entry.attributes, merged_);
  if (entry.validity_seconds && *entry.validity_seconds != session.validity_seconds) {
    session.validity_seconds = *entry.validity_seconds;
    leave_wheel(session);  // it may end sooner now
    enter_wheel(session);
  }
  for (const SegmentUse& use : entry.uses) {
    std::uint64_t& used = session.segments[use.index].used;
    if (__builtin_add_overflow(used, use.units, &used)) used = UINT64_MAX;
  }
  if (entry.request && !entry.uses.empty()) session.rated_at = entry.request->rated_at;
  for (const GrantChange& change : entry.grants) {
    grant_of(session, change.segment, change.services).units = change.units;
  }
  if (!entry.grants.empty()) {
    std::erase_if(session.grants, [](const HeldGrant& grant) { return grant.units == 0; });
  }
  if (entry.request && !entry.outcome.empty()) remember_outcome(session, entry, own, now);
  if (entry.kind == EntryKind::session_terminated || entry.kind == EntryKind::session_expired ||
      entry.kind == EntryKind::session_closed) {
    close_session(session, now);
  }
}

void Book::remember_outcome(Session& session, const Entry& entry, Sequence own, Time now) {
  RememberedOutcome& place = session.outcomes[session.outcome_count % Session::outcomes_max];
  if (session.outcome_count >= Session::outcomes_max) {
    duplicates_.insert(session.key, place.key, place.sequence, place.outcome, now);
  }
  session.outcome_numbers[session.outcome_count % Session::outcomes_max] =
      entry.request->key.number;
  place.key = entry.request->key;
  place.sequence = own;
  place.outcome = entry.outcome;
  ++session.outcome_count;
}

void Book::close_session(Session& session, Time now) {
  const std::uint32_t count = session.outcome_count;
  const std::uint32_t kept = std::min<std::uint32_t>(count, Session::outcomes_max);
  for (std::uint32_t i = count - kept; i != count; ++i) {
    const RememberedOutcome& remembered = session.outcomes[i % Session::outcomes_max];
    duplicates_.insert(session.key, remembered.key, remembered.sequence, remembered.outcome, now);
  }
  leave_wheel(session);
  sessions_by_key_.erase(session.key);
  sessions_by_number_.erase(session.number.value);
  Account& account = *session.account;
  if (session.account_previous != nullptr) {
    session.account_previous->account_next = session.account_next;
  } else {
    account.sessions = session.account_next;
  }
  if (session.account_next != nullptr) {
    session.account_next->account_previous = session.account_previous;
  }
  --account.session_count;
  session.clear();
  session_pool_.push_back(&session);
}

Account* Book::account(AccountNumber number) {
  if (number.value == 0 || number.value > accounts_.size()) return nullptr;
  return &accounts_[number.value - 1];
}

const Account* Book::account(AccountNumber number) const {
  return const_cast<Book*>(this)->account(number);
}

const Account* Book::find_account(std::string_view name) const {
  auto found = names_.find(name);
  if (found == names_.end() && name.starts_with('+')) found = names_.find(name.substr(1));
  return found == names_.end() ? nullptr : account(found->second);
}

std::optional<SubscriberRef> Book::find_subscriber(Identity identity) const {
  auto found = identities_.find(identity);
  if (found == identities_.end()) return std::nullopt;
  return found->second;
}

SessionId128 Book::session_key(std::string_view session_id) const {
  const XXH128_hash_t hash =
      XXH3_128bits_withSeed(session_id.data(), session_id.size(), options_.session_key_seed);
  return {hash.low64, hash.high64};
}

const Session* Book::find_session(const SessionId128& key) const {
  auto found = sessions_by_key_.find(key);
  return found == sessions_by_key_.end() ? nullptr : found->second;
}

const Session* Book::find_session(SessionNumber number) const {
  auto found = sessions_by_number_.find(number.value);
  return found == sessions_by_number_.end() ? nullptr : found->second;
}

void Book::note_fingerprint(const Session& session, std::uint64_t fingerprint) {
  const_cast<Session&>(session).attributes_hash = fingerprint;
}

const AdminRequest* Book::find_admin_request(std::string_view request_id) const {
  auto found = admin_requests_.find(std::string(request_id));
  return found == admin_requests_.end() ? nullptr : &found->second;
}

Time Book::expiry_of(const Session& session) const {
  const Duration grace =
      std::min<Duration>(std::chrono::seconds(session.validity_seconds), grace_after_start_max);
  return std::max(session.deadline(), started_at_ + grace);
}

void Book::enter_wheel(Session& session) {
  // One second later than it expires, so that whatever is in a second that has begun is due. At
  // least the second that is looked at next: an expiry in the past is found at once.
  const std::int64_t second = std::max(seconds_of(expiry_of(session)) + 1, wheel_at_s_);
  enter_slot(session, second % wheel_seconds);
}

void Book::enter_slot(Session& session, std::int64_t slot) {
  session.wheel_slot = slot;
  Session*& head = wheel_[static_cast<std::size_t>(session.wheel_slot)];
  session.wheel_previous = nullptr;
  session.wheel_next = head;
  if (head != nullptr) head->wheel_previous = &session;
  head = &session;
}

void Book::leave_wheel(Session& session) {
  if (session.wheel_previous != nullptr) {
    session.wheel_previous->wheel_next = session.wheel_next;
  } else {
    wheel_[static_cast<std::size_t>(session.wheel_slot)] = session.wheel_next;
  }
  if (session.wheel_next != nullptr) session.wheel_next->wheel_previous = session.wheel_previous;
  session.wheel_previous = session.wheel_next = nullptr;
  session.wheel_slot = -1;
}

const Session* Book::next_expired(Time now) {
  const std::int64_t now_s = seconds_of(now);
  wheel_at_s_ = std::max(wheel_at_s_, now_s - wheel_seconds + 1);  // one round sees every session
  while (true) {
    while (Session* const due = wheel_[due_slot]) {
      if (expiry_of(*due) <= now) return due;
      leave_wheel(*due);  // heard of since it was found due
      enter_wheel(*due);
    }
    if (wheel_at_s_ > now_s) return nullptr;
    sweep_slot(wheel_at_s_ % wheel_seconds, now);
    ++wheel_at_s_;
  }
}

// Looks at each session of a slot once: those that are due, and those that have become due later.
void Book::sweep_slot(std::int64_t slot, Time now) {
  for (Session* at = wheel_[static_cast<std::size_t>(slot)]; at != nullptr;) {
    Session* const next = at->wheel_next;
    const Time expiry = expiry_of(*at);
    if (expiry <= now) {
      leave_wheel(*at);
      enter_slot(*at, due_slot);
    } else if ((seconds_of(expiry) + 1) % wheel_seconds != slot) {
      leave_wheel(*at);
      enter_wheel(*at);
    }
    at = next;
  }
}

}  // namespace farthing::engine
