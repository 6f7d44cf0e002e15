#include "engine/book.h"

#include "engine/attributes.h"
#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/base/saturating.h"
#include "engine/counting.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace farthing::engine {

namespace {

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

ShareUse& share_use_of(Session& session, std::uint16_t segment, BucketNumber bucket) {
  auto place = std::ranges::lower_bound(
      session.share_uses, std::pair(segment, bucket), {},
      [](const ShareUse& use) { return std::pair(use.segment, use.bucket); });
  if (place == session.share_uses.end() || place->segment != segment || place->bucket != bucket) {
    place = session.share_uses.insert(place, {segment, bucket, 0, 0});
  }
  return *place;
}

HeldGrant& grant_of(Session& session, std::uint16_t segment, std::uint32_t services) {
  auto place = std::ranges::lower_bound(
      session.grants, std::pair(segment, services), {},
      [](const HeldGrant& grant) { return std::pair(grant.segment, grant.services); });
  if (place == session.grants.end() || place->segment != segment || place->services != services) {
    place = session.grants.insert(place, {segment, FinalUnit::none, services, 0});
  }
  return *place;
}

}  // namespace

Book::Book(BookOptions options)
    : options_(options),
      accounts_(options.accounts_memory_bytes),
      sessions_by_key_(options.sessions_expected),
      duplicates_(options.duplicates, options.changes_expected) {
  sessions_by_number_.reserve(options.sessions_expected);
  changes_.reserve(options.changes_expected);
}
Book::~Book() = default;

const char* Book::apply(const Entry& entry, Sequence own, Time now, const Session* known) {
  Account* account = nullptr;
  Session* session = const_cast<Session*>(known);
  if (session != nullptr) {
    if (!entry.session || session->number != entry.session->session) return "it is no session's";
    account = session->account;
    if (account->number != entry.account) return "its session is another account's";
  } else {
    account = accounts_.find(entry.account);
    if (entry.session && entry.session->session.value != 0) {
      const auto found = sessions_by_number_.find(entry.session->session.value);
      if (found == sessions_by_number_.end()) return "it continues a session that is not open";
      session = found->second;
    }
  }
  if (const char* wrong = check(entry, own, account, session)) return wrong;

  apply_to_book(account, entry, own, now);
  if (entry.account.value == 0) return nullptr;
  apply_to_account(account, entry, own);
  if (account == nullptr) account = accounts_.find(entry.account);
  if (entry.session) apply_to_session(*account, session, entry, own, now);
  return nullptr;
}

const char* Book::replay(const Entry& entry, Sequence own, Time now) {
  Account* const account = accounts_.find(entry.account);
  Session* session = nullptr;
  if (entry.session) {
    const std::uint64_t number =
        entry.session->session.value != 0 ? entry.session->session.value : own.value;
    const auto found = sessions_by_number_.find(number);
    if (found != sessions_by_number_.end()) session = found->second;
  }
  const bool account_done = account != nullptr && account->last >= own;
  const bool session_done = session != nullptr && session->last >= own;
  if (!account_done && !session_done) return apply(entry, own, now);

  // The rows ran ahead of the checkpoint's position: what they hold was checked when it was live.
  if (own.value != last_.value + 1) return "its number does not follow the one before";
  if (!is_balanced(entry)) return "its legs do not add up to zero";
  if (!account_done && (account == nullptr || account->last != entry.previous)) {
    return "it does not follow its account's last entry";
  }
  if (account_done && entry.subscriber_opening) {
    // Since its row was loaded, another one may have borne and given up its numbers.
    accounts_.index_subscriber(*account, entry.subscriber_opening->number);
  }
  const bool opens = entry.session && entry.session->session.value == 0;
  if (entry.session && !session_done && !opens &&
      (session == nullptr || session->last != entry.session->previous)) {
    return "it does not follow its session's last entry";
  }
  apply_to_book(account, entry, own, now);
  if (!account_done) apply_to_account(account, entry, own);
  if (entry.session && !session_done) apply_to_session(*account, session, entry, own, now);
  return nullptr;
}

// What an entry does beside its account (nullptr: it opens it) and session.
void Book::apply_to_book(const Account* account, const Entry& entry, Sequence own, Time now) {
  last_ = own;
  if (entry.kind == EntryKind::server_started) wheel_.set_started_at(now);
  if (entry.tariff) tariffs_.push_back(loaded_by(*entry.tariff, now));
  if (entry.account_opening) ++account_count_;
  if (!entry.session && entry.request && !entry.outcome.empty()) {
    duplicates_.insert(
        DuplicateTable::key_of_request(session_key(entry.session_id), entry.request->key), own,
        now);
  }
  if (entry.note && !entry.note->request_id.empty()) {
    Money amount;
    for (const Leg& leg : entry.legs) {
      if (leg.side == Side::main) amount = Money(amount.micros + leg.amount);
    }
    std::string id(entry.note->request_id);
    const std::uint64_t content = account == nullptr ? 0 : request_content(*account, entry);
    const KnownRequest known{{entry.kind, entry.account, amount, own, content}, 0, true};
    if (admin_requests_.try_emplace(id, known).second) {
      changes_.admin_requests.push_back(std::move(id));
    }
  }
}

void Book::apply_to_account(Account* account, const Entry& entry, Sequence own) {
  if (entry.account_opening) account = &open_account(entry);
  change_account(*account, entry);
  move_account_legs(*account, entry);
  count(*account, entry);
  account->last = own;
  if (entry.subscriber_opening || entry.profile_change || entry.chosen ||
      !entry.bucket_openings.empty() || !entry.bucket_closings.empty() || entry.subscription ||
      entry.commitment || entry.plan || !entry.counter_openings.empty() ||
      !entry.ceilings.empty()) {
    accounts_.resized(*account);
  }
  note_change(*account);
}

void Book::apply_to_session(Account& account, Session* session, const Entry& entry, Sequence own,
                            Time now) {
  const bool closes = entry.kind == EntryKind::session_terminated ||
                      entry.kind == EntryKind::session_expired ||
                      entry.kind == EntryKind::session_closed;
  if (session == nullptr) {
    session = &open_session(account, entry, own, now);
  } else if (closes && is_row_due(*session)) {
    write_row(*session);
  }
  move_session_legs(*session, entry);
  hold_counted(*session, entry);
  for (const ShareUse& more : entry.share_uses) {
    ShareUse& use = share_use_of(*session, more.segment, more.bucket);
    use.fallen_micros += more.fallen_micros;
    use.paid_micros += more.paid_micros;
  }
  session->last = own;
  session->heard_at = now;
  if (!entry.attributes.empty()) merge_attributes(session->attributes, entry.attributes, merged_);
  if (entry.validity_seconds && *entry.validity_seconds != session->validity_seconds) {
    session->validity_seconds = *entry.validity_seconds;
    wheel_.leave(*session);  // it may end sooner now
    wheel_.enter(*session);
  }
  for (const SegmentUse& use : entry.uses) {
    std::uint64_t& used = session->segments[use.index].used;
    used = base::saturating_add(used, use.units);
  }
  if (entry.request && !entry.uses.empty()) session->rated_at = entry.request->rated_at;
  for (const GrantChange& change : entry.grants) {
    HeldGrant& grant = grant_of(*session, change.segment, change.services);
    grant.units = change.units;
    grant.final_unit = change.final_unit;
  }
  if (!entry.grants.empty()) {
    std::erase_if(session->grants, [](const HeldGrant& grant) { return grant.is_over(); });
  }
  if (entry.request && !entry.outcome.empty()) remember_request(*session, entry, own);
  if (closes) {
    close_session(*session, now);
  } else {
    note_change(*session);
  }
}

Account& Book::open_account(const Entry& entry) {
  Account& account = accounts_.add(entry.account);
  account.kind = static_cast<AccountKind>(entry.account_opening->kind);
  account.name = entry.account_opening->name;
  account.credit_limit_micros = entry.account_opening->credit_limit.micros;
  accounts_.index(account);
  return account;
}

void Book::change_account(Account& account, const Entry& entry) {
  if (entry.subscriber_opening) {
    const SubscriberOpening& opening = *entry.subscriber_opening;
    account.subscribers.push_back({opening.msisdn, opening.imsi, LifeState::active, nullptr});
    accounts_.index_subscriber(account, opening.number);
  }
  if (entry.state_change) {
    const auto [number, state] = *entry.state_change;
    if (state == LifeState::terminated) accounts_.forget_subscriber(account, number);
    account.subscribers[number.value - 1u].state = state;
  }
  if (entry.profile_change) {
    Subscriber& subscriber = account.subscribers[entry.profile_change->number.value - 1u];
    subscriber.profile = change_profile(subscriber.profile.get(), *entry.profile_change);
  }
  if (entry.chosen) {
    account.subscribers[entry.chosen->owner.value - 1u].chosen =
        std::make_shared<const ChosenList>(*entry.chosen);
  }
  if (entry.terms) account.terms = *entry.terms;
  change_buckets(account, entry);
  if (entry.subscription) change_subscription(account, *entry.subscription);
  if (entry.commitment) change_commitment(account, *entry.commitment);
  if (entry.plan) change_plan(account, *entry.plan);
  if (entry.subscription || entry.commitment || entry.plan) find_due(account);
  for (const PayerChange& payer : entry.payers) change_payer(account, payer);
  if (entry.budget) account.budget = entry.budget->amount ? entry.budget : std::nullopt;
  for (const OwnCeiling& after : entry.ceilings) change_ceiling(account, after);
}

void Book::change_buckets(Account& account, const Entry& entry) {
  for (const BucketOpening& opening : entry.bucket_openings) {
    account.bucket_count = std::max(account.bucket_count, opening.number.value);
    account.buckets.push_back({opening.number, opening.owner, opening.unit,
                               std::string(opening.offer), opening.valid_from, opening.valid_to, 0,
                               0, opening.coverage, opening.priority, limits_of(opening),
                               opening.is_lent});
  }
  for (const BucketExtension& extension : entry.bucket_extensions) {
    account.bucket(extension.number)->valid_to = extension.valid_to;
  }
  for (const LimitChange& change : entry.limit_changes) {
    account.bucket(change.bucket)->limits[change.limit].remaining += change.units;
  }
}

void Book::change_ceiling(Account& account, const OwnCeiling& after) {
  // What was done in periods that ended so long before the one at hand matters no more.
  const Time over = after.periods[0].span.from - counters_kept;
  std::erase_if(account.ceilings, [&](const OwnCeiling& known) {
    const bool is_it = known.owner == after.owner && known.name == after.name;
    return is_it || (!known.lowered && known.periods[0].span.to < over);
  });
  if (after != OwnCeiling{after.owner, after.name, after.unit, {}, {}}) {
    account.ceilings.push_back(after);
  }
}

void Book::change_payer(Account& account, const PayerChange& after) {
  const auto known = std::ranges::find(account.payers, after.bucket,
                                       [](const Payer& payer) { return payer.terms.bucket; });
  if (known == account.payers.end()) {
    account.payers.push_back({after, 0});
    return;
  }
  if (known->terms.month != after.month) known->spent_micros = 0;
  known->terms = after;
}

void Book::change_subscription(Account& account, const Subscription& after) {
  account.bucket_count = std::max(account.bucket_count, after.number.value);
  const auto known = std::ranges::find(account.subscriptions, after.number, &Subscription::number);
  if (known == account.subscriptions.end()) {
    if (!after.is_gone()) account.subscriptions.push_back(after);
  } else if (after.is_gone()) {
    account.subscriptions.erase(known);
  } else {
    *known = after;
  }
}

// What is due may have changed.
void Book::find_due(Account& account) {
  const Time before = account.due_at;
  account.find_due();
  if (account.due_at != before && account.due_at != never) {
    due_.note(account.number, account.due_at);
  }
}

void Book::move_account_legs(Account& account, const Entry& entry) {
  for (const Leg& leg : entry.legs) {
    switch (leg.side) {
      case Side::main:
        account.main_micros += leg.amount;
        break;
      case Side::reserved:
        account.reserved_micros += leg.amount;
        break;
      case Side::overage:
        account.overage_micros -= leg.amount;
        break;
      case Side::allowance:
      case Side::bucket:
        account.bucket(leg.bucket)->remaining += leg.amount;
        break;
      case Side::allowance_reserved:
      case Side::bucket_reserved:
        account.bucket(leg.bucket)->reserved += leg.amount;
        break;
      case Side::revenue:
      case Side::consumed:
      case Side::top_up:
      case Side::adjustment:
      case Side::granted:
      case Side::expired:
      case Side::gift:
      case Side::lent:
      case Side::deposit:  // what is left of plans follows from them
        break;
    }
  }
  if (!account.payers.empty() && !entry.payment) note_spending(account, entry);
  for (const BucketNumber closed : entry.bucket_closings) {
    std::erase_if(account.buckets,
                  [closed](const Bucket& bucket) { return bucket.number == closed; });
    std::erase_if(account.payers,
                  [closed](const Payer& payer) { return payer.terms.bucket == closed; });
  }
}

// What was lent and is not held any more, payers have paid.
void Book::note_spending(Account& account, const Entry& entry) {
  for (Payer& payer : account.payers) {
    for (const Leg& leg : entry.legs) {
      if (leg.side != Side::lent && leg.side != Side::bucket_reserved) continue;
      if (leg.bucket == payer.terms.bucket) payer.spent_micros -= leg.amount;
    }
  }
}

void Book::move_session_legs(Session& session, const Entry& entry) {
  for (const SegmentOpening& opening : entry.openings) {
    session.segments.push_back({opening.rating_group, opening.service, opening.version,
                                opening.rule, opening.terms, opening.quota, opening.situations});
  }
  bool holds_changed = false;
  for (const Leg& leg : entry.legs) {
    if (leg.segment == Leg::no_segment) continue;
    Segment& segment = session.segments[leg.segment];
    if (leg.side == Side::reserved) segment.reserved_micros += leg.amount;
    if (leg.side == Side::revenue) segment.charged_micros += leg.amount;
    if (leg.side == Side::consumed) segment.consumed_units += leg.amount;
    if (is_bucket_money(leg.side)) segment.bucket_micros -= leg.amount;
    if (leg.side == Side::allowance_reserved || leg.side == Side::bucket_reserved) {
      hold_of(session, leg.segment, leg.bucket).units += leg.amount;
      holds_changed = true;
    }
  }
  if (holds_changed) {
    std::erase_if(session.holds, [](const BucketHold& hold) { return hold.units == 0; });
  }
}

Session& Book::new_session(SessionNumber number) {
  if (session_pool_.empty()) session_pool_.push_back(&session_memory_.emplace_back());
  Session& session = *session_pool_.back();
  session_pool_.pop_back();
  session.number = number;
  return session;
}

// REQUIRES: its id, times and validity are there.
void Book::link_session(Session& session, Account& account) {
  session.key = session_key(session.id);
  session.account = &account;
  session.account_next = account.sessions;
  if (account.sessions != nullptr) account.sessions->account_previous = &session;
  account.sessions = &session;
  ++account.session_count;
  sessions_by_key_.insert(session);
  sessions_by_number_.emplace(session.number.value, &session);
  wheel_.enter(session);
}

Session& Book::open_session(Account& account, const Entry& entry, Sequence own, Time now) {
  Session& session = new_session(SessionNumber(own.value));
  session.subscriber = entry.subscriber;
  session.id = entry.session_id;
  session.service_context = entry.service_context;
  session.opened_at = session.heard_at = now;
  session.validity_seconds = entry.validity_seconds.value_or(0);
  link_session(session, account);
  return session;
}

void Book::remember_request(Session& session, const Entry& entry, Sequence own) {
  const std::size_t at = session.request_count % Session::remembered_max;
  RememberedRequest& place = session.requests[at];
  if (session.request_count >= Session::remembered_max) {
    session.forgotten_number_max =
        std::max<std::int64_t>(session.forgotten_number_max, place.key.number);
  }
  session.request_numbers[at] = entry.request->key.number;
  place = {entry.request->key, own};
  session.last_outcome = entry.outcome;
  ++session.request_count;
}

void Book::close_session(Session& session, Time now) {
  duplicates_.insert(DuplicateTable::key_of_session(session.key), session.last, now);
  if (session.has_row) changes_.closed.push_back(session.number);
  wheel_.leave(session);
  sessions_by_key_.erase(session);
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

// --- Looking things up ---------------------------------------------------------------------------
// To find an account is to touch it, which eviction heeds and no reader sees.

const Account* Book::account(AccountNumber number) const {
  return const_cast<Book*>(this)->accounts_.find(number);
}

bool Book::pin(AccountNumber number) const {
  Account* const account = const_cast<Book*>(this)->accounts_.find(number);
  if (account != nullptr) account->is_pinned = true;
  return account != nullptr;
}

const Account* Book::find_account(std::string_view name) const {
  AccountTable& accounts = const_cast<Book*>(this)->accounts_;
  const Account* found = accounts.find(name);
  if (found == nullptr && name.starts_with('+')) found = accounts.find(name.substr(1));
  return found;
}

std::optional<SubscriberRef> Book::find_subscriber(Identity identity) const {
  return const_cast<Book*>(this)->accounts_.find(identity);
}

SessionId128 Book::session_key(std::string_view session_id) const {
  const XXH128_hash_t hash =
      XXH3_128bits_withSeed(session_id.data(), session_id.size(), options_.session_key_seed);
  return {hash.low64, hash.high64};
}

void Book::set_session_key_seed(std::uint64_t seed) {
  FARTHING_ASSERT(sessions_by_key_.size() == 0);
  options_.session_key_seed = seed;
}

const Session* Book::find_session(const SessionId128& key) const {
  return sessions_by_key_.find(key);
}

void Book::expect(std::span<const std::string_view> session_ids) const {
  constexpr std::size_t line_bytes = 64;
  constexpr std::size_t at_once = 32;
  constexpr std::size_t hot_bytes = offsetof(Session, requests);
  auto prefetch = [](const void* from, std::size_t bytes) {
    const char* at = static_cast<const char*>(from);
    for (const char* const end = at + bytes; at < end; at += line_bytes) __builtin_prefetch(at, 1);
  };
  std::array<SessionId128, at_once> keys{};
  std::array<const Session*, at_once> sessions{};
  const std::size_t count = std::min(session_ids.size(), at_once);
  // In steps, of which none waits for another session's.
  for (std::size_t i = 0; i < count; ++i) {
    keys[i] = session_key(session_ids[i]);
    sessions_by_key_.prefetch(keys[i]);
  }
  for (std::size_t i = 0; i < count; ++i) {
    sessions[i] = sessions_by_key_.hint(keys[i]);
    if (sessions[i] != nullptr) prefetch(sessions[i], hot_bytes);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Session* const session = sessions[i];
    if (session == nullptr) continue;
    prefetch(session->account, sizeof(Account));
    prefetch(session->segments.data(), session->segments.empty() ? 0 : sizeof(Segment));
    prefetch(session->grants.data(), session->grants.empty() ? 0 : sizeof(HeldGrant));
    prefetch(session->last_outcome.data(), 1);
    prefetch(&session->requests[session->request_count % Session::remembered_max],
             sizeof(RememberedRequest));
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (sessions[i] == nullptr) continue;
    const Account& account = *sessions[i]->account;
    prefetch(account.subscribers.data(), account.subscribers.empty() ? 0 : sizeof(Subscriber));
    prefetch(account.buckets.data(), account.buckets.empty() ? 0 : sizeof(Bucket));
  }
}

const Session* Book::find_session(SessionNumber number) const {
  auto found = sessions_by_number_.find(number.value);
  return found == sessions_by_number_.end() ? nullptr : found->second;
}

void Book::note_fingerprint(const Session& session, std::uint64_t fingerprint) {
  const_cast<Session&>(session).attributes_hash = fingerprint;
}

const AdminRequest* Book::find_admin_request(std::string_view request_id) const {
  const auto found = admin_requests_.find(std::string(request_id));
  return found == admin_requests_.end() ? nullptr : &found->second.request;
}

// --- Rows in -------------------------------------------------------------------------------------

void Book::recover(Sequence position, const BookState& state) {
  FARTHING_ASSERT(last_.value == 0);
  last_ = position;
  account_count_ = state.account_count;
  options_.session_key_seed = state.session_key_seed;
  wheel_.set_started_at(state.started_at);
  tariffs_ = state.tariffs;
  duplicates_.recover(state.duplicates);
}

const Account* Book::load_account(AccountNumber number, std::string_view row) {
  if (const Account* known = account(number)) return known;
  Account read;
  if (number.value == 0 || !decode_account(row, read)) return nullptr;
  read.number = number;
  return &load_account(std::move(read));
}

const Account& Book::load_account(Account&& read) {
  if (const Account* known = this->account(read.number)) return *known;
  Account& account = accounts_.add(read.number);
  const std::uint32_t memory_bytes = account.memory_bytes;
  account = std::move(read);
  account.memory_bytes = memory_bytes;
  account.is_touched = true;
  account.is_name_indexed = true;
  account.subscribers_indexed = static_cast<std::uint16_t>(account.subscribers.size());
  account.due_indexed = account.due_at;
  account.stamp = stamp_;
  accounts_.index(account);
  return account;
}

bool Book::load_session(SessionNumber number, std::string_view row) {
  Session& session = new_session(number);
  AccountNumber owner;
  Account* account = nullptr;
  if (decode_session(row, session, owner)) account = accounts_.find(owner);
  if (account == nullptr || number.value == 0 || sessions_by_number_.contains(number.value) ||
      sessions_by_key_.find(session_key(session.id)) != nullptr) {
    session.clear();
    session_pool_.push_back(&session);
    return false;
  }
  session.has_row = true;
  link_session(session, *account);
  return true;
}

void Book::load_admin_request(std::string_view request_id, const AdminRequest& request) {
  admin_requests_.try_emplace(std::string(request_id), KnownRequest{request, round_ + 1, false});
}

// --- Rows out ------------------------------------------------------------------------------------

void Book::Changes::reserve(std::size_t changes) {
  accounts.reserve(changes);
  sessions.reserve(changes);
  closed.reserve(changes);
}

void Book::Changes::clear() {
  accounts.clear();
  sessions.clear();
  closed.clear();
  admin_requests.clear();
}

void Book::note_change(Account& account) {
  account.stamp = stamp_;
  if (account.is_changed) return;
  account.is_changed = true;
  changes_.accounts.push_back(&account);
}

void Book::note_change(Session& session) {
  if (session.is_changed) return;
  session.is_changed = true;
  session.changed_round = round_;
  changes_.sessions.emplace_back(&session, session.number);
}

// The round being filled has yet to take its row.
bool Book::is_row_due(const Session& session) const {
  return rows_ != nullptr && session.is_changed && session.changed_round < round_;
}

BookState Book::state() const {
  return {account_count_, options_.session_key_seed, wheel_.started_at(), tariffs_,
          duplicates_.buckets()};
}

void Book::begin_round(std::uint64_t round, storage::Round& rows, Changes& changes) {
  FARTHING_ASSERT(rows_ == nullptr);
  round_ = round;
  rows_ = &rows;
  newest_written_ = last_;
  changes.clear();
  std::swap(changes_, changes);
  duplicates_.begin_round();
}

Sequence Book::write_row(Account& account) {
  row_.clear();
  encode_account(account, row_);
  rows_->put(storage::Table::accounts, view(number_key(account.number.value)), row_);
  if (!account.is_name_indexed) {
    rows_->put(storage::Table::index, index_key_of_name(account.name),
               encode_index({account.number, {}}));
    account.is_name_indexed = true;
  }
  for (; account.subscribers_indexed < account.subscribers.size();) {
    const SubscriberNumber number(++account.subscribers_indexed);
    const Subscriber& subscriber = *account.subscriber(number);
    if (subscriber.state == LifeState::terminated) continue;  // the row may be another's by now
    for (Identity identity : {subscriber.msisdn, subscriber.imsi}) {
      if (identity.kind() == Identity::Kind::none) continue;
      rows_->put(storage::Table::index, index_key(identity),
                 encode_index({account.number, number}));
    }
  }
  if (account.due_at != account.due_indexed) {
    const std::string key = index_key_of_due(account.number);
    if (account.due_at == never) {
      rows_->erase(storage::Table::index, key);
    } else {
      rows_->put(storage::Table::index, key, encode_due(account.due_at));
    }
    account.due_indexed = account.due_at;
  }
  account.is_changed = false;
  account.written_round = round_;
  newest_written_ = std::max(newest_written_, account.last);
  return account.last;
}

Sequence Book::write_row(Session& session) {
  row_.clear();
  encode_session(session, row_);
  rows_->put(storage::Table::sessions, view(number_key(session.number.value)), row_);
  session.is_changed = false;
  session.has_row = true;
  newest_written_ = std::max(newest_written_, session.last);
  return session.last;
}

void Book::write_row(const std::string& admin_request_id) {
  const auto found = admin_requests_.find(admin_request_id);
  FARTHING_ASSERT(found != admin_requests_.end());
  rows_->put(storage::Table::index, index_key_of_request(admin_request_id),
             encode_admin_request(found->second.request));
  found->second.round = round_;
  found->second.is_changed = false;
}

void Book::end_round() { rows_ = nullptr; }

void Book::round_written(std::uint64_t round) {
  round_written_ = round;
  duplicates_.round_written();
  erase_if(admin_requests_, [round](const auto& known) {
    return !known.second.is_changed && known.second.round <= round;
  });
}

}  // namespace farthing::engine
