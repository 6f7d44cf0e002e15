#include "engine/shard.h"

#include "engine/attributes.h"
#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/outcome.h"
#include "tariffs/tariff_file.h"

#include <fmt/format.h>

#include <utility>

namespace farthing::engine {

namespace {

constexpr int expiries_per_tick_max = 2000;

std::uint64_t elapsed_us(Time from, Time to) {
  return to > from ? static_cast<std::uint64_t>((to - from).count()) : 0;
}

}  // namespace

std::string tariff_document_key(tariffs::TariffVersion version) {
  return fmt::format("tariff/{:08}", version.value);
}

Shard::Shard(storage::LedgerStore& store, ShardOptions options, base::Clock clock)
    : store_(store),
      options_(options),
      clock_(std::move(clock)),
      book_(options.book),
      tariffs_(std::make_shared<tariffs::TariffHistory>()) {}

// --- Start ---------------------------------------------------------------------------------------

base::Result<void, RecoveryError> Shard::recover(const std::function<void(Sequence)>& progress) {
  RecoveryError wrong;
  Entry entry;
  std::uint64_t records = 0;
  auto scanned = store_.scan(Sequence(1), [&](const storage::Record& record) {
    std::string_view body = record.body;
    Sequence own = record.header.first;
    for (std::uint32_t i = 0; i < record.header.count; ++i, ++own.value) {
      const char* why = "its bytes are no entry of this format";
      if (decode_entry(body, own, entry)) why = book_.apply(entry, own, record.header.now);
      if (why != nullptr) {
        wrong = {own, fmt::format("ledger entry {}: {}", own.value, why)};
        return false;
      }
    }
    if (!body.empty()) {
      wrong = {own, fmt::format("ledger record {}: bytes behind its last entry",
                                record.header.first.value)};
      return false;
    }
    book_.duplicates().durable(book_.last());
    if (++records % 1024 == 0) progress(book_.last());
    return true;
  });
  if (!scanned.has_value()) return RecoveryError{scanned.error().sequence, scanned.error().message};
  if (!wrong.message.empty()) return wrong;
  durable_ = book_.last();
  batch_now_ = store_.end().now;

  for (const TariffLoaded& loaded : book_.tariffs()) {
    const std::string key = tariff_document_key(loaded.version);
    const std::optional<std::string> source = store_.document(key);
    if (!source || base::hash64(*source) != loaded.source_hash) {
      return RecoveryError{
          {},
          fmt::format("the source of tariff version {} is {}; restore the data "
                      "folder from a copy",
                      loaded.version.value, source ? "not the one loaded" : "missing")};
    }
    auto compiled = tariffs::compile_tariff(key, *source);
    if (!compiled.has_value()) {
      return RecoveryError{
          {},
          fmt::format("tariff version {} does not compile: {}", loaded.version.value,
                      tariffs::to_string(compiled.error().front()))};
    }
    tariffs_ = tariffs_->with(*compiled, loaded.loaded_at);
  }

  Entry start;
  start.kind = EntryKind::server_started;
  enter(start);
  metrics_.accounts.set(book_.account_count());
  metrics_.sequence.set(durable_.value);
  return {};
}

// --- Credit control ------------------------------------------------------------------------------

Shard::Hold Shard::handle(Request& request) {
  const Hold hold = decide_request(request);
  count(request);
  if (hold == Hold::held) {
    held_ = true;
    std::vector<Arrival>& arrivals = arrivals_[0];
    if (arrivals.empty() || arrivals.back().at != batch_now_) arrivals.push_back({batch_now_, 0});
    ++arrivals.back().requests;
  }
  return hold;
}

Shard::Hold Shard::decide_request(Request& request) {
  const Time now = this->now();
  sort_attributes(request.attributes);
  request.attributes_hash = attributes_fingerprint(request.attributes);

  const RequestType type = request.key.type;
  const SessionId128 key = book_.session_key(request.session_id);
  const Session* const session = type == RequestType::event ? nullptr : book_.find_session(key);
  Sequence entered;
  if (answer_again(request, key, session, entered)) return hold_until(entered);

  const bool begins = type == RequestType::initial || type == RequestType::event;
  if (session == nullptr && !begins) return refuse_when_durable(Outcome::unknown_session);
  if (batch_.size() > options_.batch_bytes_max ||
      (begins && store_.free_disk_bytes() < options_.disk_reserve_bytes)) {
    refuse(Outcome::too_busy);
    return Hold::ready;
  }
  const Account* account = nullptr;
  SubscriberNumber subscriber;
  if (session != nullptr) {
    account = session->account;
    subscriber = session->subscriber;
  } else {
    for (Identity identity : request.identities) {
      const std::optional<SubscriberRef> found = book_.find_subscriber(identity);
      if (!found) continue;
      const Account* const owner = book_.account(found->account);
      if (account == nullptr) {
        account = owner;
        subscriber = found->subscriber;
      } else if (account != owner) {  // identities of two accounts: nobody knows who is to pay
        account = nullptr;
        break;
      }
    }
    if (account == nullptr) return refuse_when_durable(Outcome::user_unknown);
  }

  decide(Situation{*account, subscriber, session, *tariffs_, now}, request, decision_);
  if (!decision_.has_entry) return hold_until(book_.last());
  if (session != nullptr && session->attributes_hash != request.attributes_hash) {
    book_.note_fingerprint(*session, request.attributes_hash);
  }
  return hold_until(enter(decision_.entry));
}

// A repeated request gets the answer that it got, from the session's memory, the table of
// duplicates or the ledger.
bool Shard::answer_again(const Request& request, const SessionId128& key, const Session* session,
                         Sequence& entered) {
  if (session != nullptr) {
    if (const RememberedOutcome* same = session->find_outcome(request.key, request.retransmitted)) {
      entered = same->sequence;
      metrics_.duplicates.add();
      return decode_outcome(same->outcome, decision_.answer);
    }
  }
  const auto found = book_.duplicates().find(key, request.key, request.retransmitted);
  if (!found) return false;
  entered = found->sequence;
  metrics_.duplicates.add();
  const bool read = found->outcome != nullptr ? decode_outcome(*found->outcome, decision_.answer)
                                              : read_outcome(found->sequence);
  // It is no new request, even where its answer cannot be found: it must not be charged twice.
  if (!read) refuse(Outcome::unable_to_comply);
  return true;
}

bool Shard::read_outcome(Sequence sequence) {
  metrics_.duplicates_read.add();
  auto record = store_.read(sequence, read_buffer_);
  if (!record.has_value()) return false;
  std::string_view body = record->body;
  Sequence own = record->header.first;
  for (; own.value <= sequence.value; ++own.value) {
    if (!decode_entry(body, own, read_entry_)) return false;
  }
  return decode_outcome(read_entry_.outcome, decision_.answer);
}

void Shard::refuse(Outcome outcome) {
  decision_.answer.clear();
  decision_.answer.outcome = outcome;
}

// That a session or a subscriber is not there was read from the book as a whole: an entry that
// closed it, say, may still be lost.
Shard::Hold Shard::refuse_when_durable(Outcome outcome) {
  refuse(outcome);
  return hold_until(book_.last());
}

Shard::Hold Shard::hold_until(Sequence sequence) {
  return sequence <= durable_ ? Hold::ready : Hold::held;
}

void Shard::count(const Request& request) {
  const Answer& answer = decision_.answer;
  const auto type = static_cast<std::size_t>(request.key.type) - 1;
  metrics_.requests[type][static_cast<std::size_t>(answer.outcome)].add();
  for (std::size_t i = 0; i < answer.service_count; ++i) {
    metrics_.services[static_cast<std::size_t>(answer.services[i].outcome)].add();
  }
}

// --- Batches -------------------------------------------------------------------------------------

Time Shard::now() {
  if (!time_taken_) batch_now_ = std::max(batch_now_, clock_());
  time_taken_ = true;
  return batch_now_;
}

Sequence Shard::enter(const Entry& entry) {
  const Time at = now();
  const Sequence own = next_sequence();
  encode_entry(entry, own, batch_);
  ++gathered_;
  const char* wrong = book_.apply(entry, own, at);
  if (wrong != nullptr) fmt::print(stderr, "farthing: entry {}: {}\n", own.value, wrong);
  FARTHING_ASSERT(wrong == nullptr);
  return own;
}

Sequence Shard::enter_tariff(std::shared_ptr<const tariffs::Tariff> tariff, std::string source) {
  Entry entry;
  entry.kind = EntryKind::tariff_loaded;
  const Time loaded_at = now();
  tariffs_ = tariffs_->with(std::move(tariff), loaded_at);
  const tariffs::TariffVersion version = tariffs_->versions().back().version;
  entry.tariff = TariffLoading{version, base::hash64(source)};
  documents_.push_back({tariff_document_key(version), std::move(source)});
  return enter(entry);
}

void Shard::end_turn() {
  if (!committing_ && gathered_ > 0) hand_over();
  if (gathered_ == 0) time_taken_ = false;
}

void Shard::hand_over() {
  metrics_.batches.add();
  metrics_.batch_entries.add(gathered_);
  metrics_.gathering_bytes.set(0);
  metrics_.sessions_open.set(book_.session_count());
  metrics_.accounts.set(book_.account_count());
  metrics_.duplicates_evicted.set(book_.duplicates().evicted_early());
  std::swap(arrivals_[0], arrivals_[1]);
  std::swap(waiting_[0], waiting_[1]);
  held_ = false;
  committing_ = true;
  handed_over_at_ = clock_();
  const std::uint32_t count = std::exchange(gathered_, 0);
  time_taken_ = false;
  if (hooks_.sealed) hooks_.sealed();
  store_.append(batch_, count, batch_now_, documents_);
  batch_.clear();
  documents_.clear();
}

void Shard::durable(Sequence last) {
  FARTHING_ASSERT(committing_);
  committing_ = false;
  durable_ = last;
  book_.duplicates().durable(last);
  const Time at = clock_();
  metrics_.sequence.set(last.value);
  metrics_.commit_us.record(elapsed_us(handed_over_at_, at));
  for (const Arrival& arrival : arrivals_[1]) {
    metrics_.request_us.record(elapsed_us(arrival.at, at), arrival.requests);
  }
  arrivals_[1].clear();
  if (hooks_.released) hooks_.released();
  std::vector<std::function<void()>> done;
  done.swap(waiting_[1]);
  for (const auto& call : done) call();

  if (committing_) return;  // a caller has handed the next batch over
  if (gathered_ > 0) {
    metrics_.gathering_bytes.set(batch_.size());
    hand_over();
  } else if (held_ || !waiting_[0].empty()) {
    // Answers without entries, held for the batch that has just become durable.
    held_ = false;
    std::swap(arrivals_[0], arrivals_[1]);
    arrivals_[1].clear();
    if (hooks_.sealed) hooks_.sealed();
    if (hooks_.released) hooks_.released();
    done.clear();
    done.swap(waiting_[0]);
    for (const auto& call : done) call();
  }
}

void Shard::when_durable(std::function<void()> done) {
  if (idle()) {
    done();
    return;
  }
  waiting_[0].push_back(std::move(done));
}

bool Shard::tick() {
  const Time now = this->now();
  book_.duplicates().expire(now);
  for (int i = 0; i < expiries_per_tick_max; ++i) {
    const Session* const session = book_.next_expired(now);
    if (session == nullptr) return false;
    close_session(*session, EntryKind::session_expired);
    metrics_.sessions_expired.add();
  }
  return true;
}

void Shard::close_session(const Session& session, EntryKind kind) {
  decide_end(session, kind, decision_);
  enter(decision_.entry);
}

}  // namespace farthing::engine
