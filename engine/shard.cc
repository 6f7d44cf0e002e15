#include "engine/shard.h"

#include "engine/archive.h"
#include "engine/attributes.h"
#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/opening.h"
#include "engine/outcome.h"
#include "engine/tariff_versions.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <utility>

namespace farthing::engine {

namespace {

constexpr int expiries_per_tick_max = 2000;
// What was read is loaded in one go, while requests wait.
constexpr std::size_t fetches_a_reading = 16;
// While what one has found is taken in, the reading thread is at the next.
constexpr std::uint64_t readings_max = 2;
constexpr std::size_t evictions_looked_at = 64;
constexpr int evictions_a_turn = 8;  // so many times
constexpr std::size_t renewals_a_step = 32;
constexpr std::size_t lost_looked_at_per_tick = 512;
constexpr std::size_t renewals_fetching_max = 4;              // steps' worth of accounts being read
constexpr Duration renewal_retry = std::chrono::seconds(10);  // where a row could not be read

// For a metric only: nothing is decided by it.
std::uint64_t thread_cpu_us() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(used.tv_nsec) / 1000;
}

std::uint64_t elapsed_us(Time from, Time to) {
  return to > from ? static_cast<std::uint64_t>((to - from).count()) : 0;
}

// Whether the answer to the question asked holds for the one to be asked now. Of requests that
// waited together the first may be what the second repeats.
bool covers(const OutcomeQuestion& asked, const OutcomeQuestion& now) {
  auto knows = [](const DuplicateTable::Places& before, const DuplicateTable::Places& after) {
    return std::ranges::all_of(after.entries, [&before](Sequence entry) {
      return std::ranges::find(before.entries, entry) != before.entries.end();
    });
  };
  return asked.key == now.key && asked.number_alone == now.number_alone && asked.at == now.at &&
         asked.behind == now.behind && knows(asked.session_places, now.session_places) &&
         knows(asked.request_places, now.request_places);
}

}  // namespace

Shard::Shard(storage::LedgerStore& store, ShardOptions options, base::Clock clock)
    : store_(store),
      options_(options),
      clock_(std::move(clock)),
      book_(options.book),
      tariffs_(std::make_shared<tariffs::TariffHistory>()),
      write_back_(book_, store, options.book.changes_expected) {}

// --- Credit control ------------------------------------------------------------------------------

Shard::Hold Shard::handle(Request& request) {
  const Hold hold = decide_request(request);
  if (hold == Hold::fetching) return hold;
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
  answered_in_ = Sequence();
  sort_attributes(request.attributes);
  request.attributes_hash = attributes_fingerprint(request.attributes);

  const RequestType type = request.key.type;
  const SessionId128 key = book_.session_key(request.session_id);
  if (!sessions_waiting_.empty()) {  // requests of one session are decided in order
    if (const auto waiting = sessions_waiting_.find(key); waiting != sessions_waiting_.end()) {
      return wait_for(key, waiting->second.ticket);
    }
  }
  const Session* const session = type == RequestType::event ? nullptr : book_.find_session(key);
  Hold hold{};
  if (answer_again(request, key, session, hold)) return hold;

  const bool begins = type == RequestType::initial || type == RequestType::event;
  const Fetch::Closed* const closed = begins ? nullptr : closed_session(request, key);
  if (session == nullptr && !begins && closed == nullptr) {
    return refuse_when_durable(Outcome::unknown_session);
  }
  if (batch_.size() > options_.batch_bytes_max ||
      (begins && store_.free_disk_bytes() < options_.disk_reserve_bytes)) {
    refuse(Outcome::too_busy);
    return Hold::ready;
  }
  SubscriberRef who;
  if (session != nullptr) {
    who = {session->account, session->subscriber};
  } else if (closed != nullptr) {
    who = {book_.account(closed->account), closed->subscriber};
  } else {
    switch (find_account(request, who)) {
      case Found::yes:
        break;
      case Found::no:
        return refuse_when_durable(Outcome::user_unknown);
      case Found::unreadable:
        refuse(Outcome::unable_to_comply);
        return Hold::ready;
      case Found::missing:
        return ask(request, key, std::nullopt);
    }
  }

  if (const std::optional<Hold> wait = wait_for_others(who, session, key, request)) return *wait;

  find_lendings(*who.account, who.subscriber, book_, *tariffs_, now, lendings_);
  const Situation situation{*who.account, who.subscriber, session, *tariffs_, now, lendings_};
  if (closed != nullptr) {
    decide_late(situation, request, decision_);
  } else {
    if (sells_passes_) sell_passes(situation, request);
    decide(situation, request, decision_);
  }
  if (!decision_.has_entry) return hold_until(book_.last());
  if (session != nullptr && session->attributes_hash != request.attributes_hash) {
    book_.note_fingerprint(*session, request.attributes_hash);
  }
  const Sequence entered = enter(decision_.entry, session);
  answered_in_ = entered;
  // What payers have was read, too.
  return hold_until(who.account->payers.empty() ? entered : book_.last());
}

// What the request needs and its subscriber does not have is bought first.
void Shard::sell_passes(const Situation& situation, const Request& request) {
  for (std::size_t i = 0; i < request.service_count; ++i) {
    const std::optional<Pass> pass = find_pass(situation, request, decision_);
    if (!pass) return;
    const std::optional<Entry> entry = buy_pass(situation.account, situation.subscriber,
                                                *pass->tariff, *pass->offer, pass->from, now());
    if (!entry) return;
    enter(*entry);
  }
}

// A repeated request gets the answer that it got. False: it is none, as far as anybody knows.
bool Shard::answer_again(const Request& request, const SessionId128& key, const Session* session,
                         Hold& hold) {
  OutcomeQuestion question;
  if (session != nullptr) {
    if (const RememberedRequest* same = session->find_request(request.key, request.retransmitted)) {
      if (same == &session->newest_request()) {
        metrics_.duplicates.add();
        answered_in_ = same->sequence;
        const bool decoded = decode_outcome(session->last_outcome, decision_.answer);
        FARTHING_ASSERT(decoded);
        hold = hold_until(same->sequence);
        return true;
      }
      question.at = same->sequence;
    } else if (request.key.number <= session->forgotten_number_max) {
      question.behind = session->oldest_request().sequence;
    } else {
      return false;
    }
  } else {
    question.request = DuplicateTable::key_of_request(key, request.key);
    question.session = DuplicateTable::key_of_session(key);
    book_.duplicates().find(question.request, question.request_places);
    book_.duplicates().find(question.session, question.session_places);
    if (question.request_places.empty() && question.session_places.empty()) return false;
  }
  return answer_from_ledger(request, key, std::move(question), hold);
}

bool Shard::answer_from_ledger(const Request& request, const SessionId128& key,
                               OutcomeQuestion question, Hold& hold) {
  question.key = request.key;
  question.number_alone = request.retransmitted;
  const bool is_answered = answered_ != nullptr && answered_->session == key &&
                           answered_->question && covers(*answered_->question, question);
  if (!is_answered) {
    hold = ask(request, key, std::move(question));
    return true;
  }
  if (answered_->outcome) {
    metrics_.duplicates.add();
    metrics_.duplicates_read.add();
    answered_in_ = answered_->outcome->sequence;
    hold = hold_until(answered_in_);
    outcome_read_ = answered_->outcome->bytes;  // the answer views it
    if (decode_outcome(outcome_read_, decision_.answer)) return true;
  } else if (answered_->error.empty() && question.at.value == 0 &&
             !(answered_->given_up && request.retransmitted)) {
    return false;
  }
  // It is no new request, or nobody can tell: it must not be charged twice.
  refuse(Outcome::unable_to_comply);
  hold = Hold::ready;
  return true;
}

// The closed session that a request never answered is of; nullptr: there is none, the request comes
// behind its end, or nobody can tell that it was not answered. A termination ends a session, so
// none was answered where the server ended it by itself: this one is its last request.
const Fetch::Closed* Shard::closed_session(const Request& request, const SessionId128& key) const {
  if (answered_ == nullptr || answered_->session != key || !answered_->question) return nullptr;
  if (!answered_->error.empty() || !answered_->closed) return nullptr;
  const Fetch::Closed& closed = *answered_->closed;
  const bool is_last = !closed.by_client && request.key.type == RequestType::termination;
  const bool is_inside = closed.is_whole && closed.number && request.key.number < *closed.number;
  if (!is_last && !is_inside) return nullptr;
  return book_.account(closed.account) == nullptr ? nullptr : &closed;
}

// Whose the request's identities are.
Shard::Found Shard::find_account(const Request& request, SubscriberRef& found) const {
  bool is_missing = false;
  for (Identity identity : request.identities) {
    const std::optional<SubscriberRef> here = book_.find_subscriber(identity);
    if (here && found.account != nullptr && found.account != here->account) {
      return Found::no;  // identities of two accounts: nobody knows who is to pay
    }
    if (here && found.account == nullptr) found = *here;
    if (here || !may_be_elsewhere(identity)) continue;
    if (!was_asked(identity)) {
      is_missing = true;
    } else if (!answered_->error.empty()) {
      return Found::unreadable;
    }
  }
  if (is_missing) return Found::missing;
  return found.account == nullptr ? Found::no : Found::yes;
}

// Read for this request; where it is nobody's all the same, it is nobody's, or was until just now.
bool Shard::was_asked(Identity identity) const {
  if (answered_ == nullptr) return false;
  const std::vector<Identity>& asked = answered_->needs.identities;
  return std::ranges::find(asked, identity) != asked.end();
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

Sequence Shard::enter(const Entry& entry, const Session* session) {
  const Time at = now();
  const Sequence own = next_sequence();
  encode_entry(entry, own, batch_);
  ++gathered_;
  const char* wrong = book_.apply(entry, own, at, session);
  if (wrong != nullptr) fmt::print(stderr, "farthing: entry {}: {}\n", own.value, wrong);
  FARTHING_ASSERT(wrong == nullptr);
  if (moves_lent_money(entry) && !entry.payment) {
    for (const Payer& payer : book_.account(entry.account)->payers) {
      if (pay_for(entry, own, payer.terms, book_, payment_)) enter(payment_);
    }
  }
  if (hooks_.notice) tell_clients(entry);
  return own;
}

// Once the entry is durable.
void Shard::tell_clients(const Entry& entry) {
  if (!may_concern_clients(entry)) return;
  const Account* const account = book_.account(entry.account);
  if (account == nullptr) return;
  notices_.clear();
  find_notices(entry, *account, notices_);
  if (notices_.empty()) return;
  when_durable([this, notices = std::move(notices_)] {
    for (const ClientNotice& notice : notices) hooks_.notice(notice);
  });
}

Sequence Shard::enter_tariff(std::shared_ptr<const tariffs::Tariff> tariff, SourceDocument document,
                             const Note& note,
                             const std::optional<tariffs::SubscriberAttribute>& only) {
  Entry entry;
  entry.kind = EntryKind::tariff_loaded;
  if (!note.operator_name.empty() || !note.reason.empty()) entry.note = note;
  const Time loaded_at = now();
  sells_passes_ = sells_passes_ || tariff->has_passes();
  look_up_.add(*tariff);
  tariffs_ = tariffs_->with(std::move(tariff), loaded_at, only);
  const tariffs::TariffVersion version = tariffs_->versions().back().version;
  entry.tariff = TariffLoading{version, document.hash};
  if (only) {
    entry.tariff->only_name = only->name;
    entry.tariff->only_value = only->value;
  }
  documents_.push_back({tariff_document_key(version), std::move(document.source)});
  return enter(entry);
}

Sequence Shard::enter_cut(const LedgerCut& cut, const std::string& archive) {
  Entry entry;
  entry.kind = EntryKind::ledger_cut;
  entry.cut = cut;
  documents_.push_back({cut_document_key(cut.end.last), encode_cut(cut)});
  documents_.push_back({std::string(archive_document_key), archive});
  return enter(entry);
}

void Shard::end_turn() {
  if (!committing_ && gathered_ > 0) hand_over();
  if (gathered_ == 0) time_taken_ = false;
  submit_fetches();
  evict();
}

void Shard::hand_over() {
  metrics_.batches.add();
  metrics_.batch_entries.add(gathered_);
  metrics_.gathering_bytes.set(0);
  metrics_.sessions_open.set(book_.session_count());
  metrics_.accounts.set(book_.account_count());
  metrics_.accounts_resident.set(book_.accounts().size());
  metrics_.accounts_bytes.set(book_.accounts().memory_bytes());
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

  if (write_back_.is_waiting()) write_back_.step(0, durable_);
  submit_fetches();
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

// --- Upkeep --------------------------------------------------------------------------------------

template <class Work>
void Shard::time(Pauses& pauses, Work&& work) {
  const Time begun = clock_();
  const std::uint64_t cpu_begun = thread_cpu_us();
  work();
  pauses.us.record(elapsed_us(begun, clock_()));
  pauses.cpu_us.record(thread_cpu_us() - cpu_begun);
}

template <class Work>
void Shard::upkeep(Work&& work) {
  time(metrics_.upkeep, std::forward<Work>(work));
}

void Shard::visit(const std::function<void(Shard&)>& work) {
  time(metrics_.visits, [&] { work(*this); });
}

bool Shard::tick() {
  const Time now = this->now();
  book_.duplicates().expire(now);
  make_filter();
  bool more = write_back(now);
  more = renew_some(now) || more;
  more = close_lost_sessions() || more;
  for (int i = 0; i < expiries_per_tick_max; ++i) {
    const Session* const session = book_.next_expired(now);
    if (session == nullptr) return more;
    close_session(*session, EntryKind::session_expired);
    metrics_.sessions_expired.add();
  }
  return true;
}

void Shard::client_restarted(std::string_view origin_host) {
  const auto known = std::ranges::find(lost_clients_, origin_host, &LostClient::origin_host);
  if (known != lost_clients_.end()) lost_clients_.erase(known);
  lost_clients_.push_back({std::string(origin_host), now()});
}

// Some slots of the wheel a call; a session that the wheel moves meanwhile may be passed over, and
// is supervised as before. True: there are more.
bool Shard::close_lost_sessions() {
  if (lost_clients_.empty()) return false;
  LostClient& client = lost_clients_.front();
  std::vector<const Session*> lost;
  std::size_t looked_at = 0;
  while (looked_at < lost_looked_at_per_tick && client.next_slot < ExpiryWheel::slots) {
    book_.visit_wheel(client.next_slot++, [&](const Session& session) {
      ++looked_at;
      if (session.heard_at < client.restarted_at && is_of_client(session, client.origin_host)) {
        lost.push_back(&session);
      }
    });
  }
  for (const Session* session : lost) {
    close_session(*session, EntryKind::session_closed,
                  {"farthing", "its client has started again", ""});
  }
  if (client.next_slot == ExpiryWheel::slots) lost_clients_.pop_front();
  return !lost_clients_.empty();
}

// Begins a round when it is time, and fills it on. True: it is being filled.
bool Shard::write_back(Time now) {
  if (!write_back_.under_way()) {
    const bool is_time = now - round_begun_at_ >= options_.checkpoint_interval ||
                         book_.changed() >= options_.checkpoint_rows_max ||
                         book_.duplicates().unwritten() >= options_.checkpoint_rows_max ||
                         checkpoint_done_ != nullptr;
    if (!is_time || !write_back_.has_work()) return false;
    round_begun_at_ = now;
    upkeep([this] { write_back_.begin(); });
  }
  const std::size_t rows = checkpoint_done_ ? SIZE_MAX : options_.checkpoint_rows_a_step;
  bool more = false;
  upkeep([&] { more = write_back_.step(rows, durable_); });
  return more;
}

bool Shard::is_behind() const {
  return write_back_.under_way() && book_.changed() >= options_.checkpoint_rows_max;
}

void Shard::round_written() {
  upkeep([this] { write_back_.written(); });
  metrics_.rounds.add();
  metrics_.checkpoint_position.set(write_back_.position().value);
  serve_waiting_for_room();
  if (checkpoint_done_ == nullptr) return;
  if (write_back_.has_work()) {
    write_back(now());
  } else {
    std::exchange(checkpoint_done_, nullptr)();
  }
}

void Shard::checkpoint(std::function<void()> done) {
  FARTHING_ASSERT(checkpoint_done_ == nullptr);
  if (!write_back_.under_way() && !write_back_.has_work()) {
    done();
    return;
  }
  checkpoint_done_ = std::move(done);
  write_back(now());
}

void Shard::evict() {
  const std::uint64_t most = options_.accounts_memory_bytes;
  if (most == 0) return;
  const std::uint64_t before =
      readings_ > 0 ? reading_stamp_ - readings_ + 1 : UINT64_MAX;  // the first under way
  for (int i = 0; i < evictions_a_turn && book_.accounts().memory_bytes() > most; ++i) {
    std::size_t evicted = 0;
    upkeep([&] { evicted = book_.evict(evictions_looked_at, before); });
    metrics_.accounts_evicted.add(evicted);
    if (evicted == 0) return;
  }
}

// --- Fetching ------------------------------------------------------------------------------------

bool Shard::may_be_elsewhere(Identity identity) const {
  return !book_.is_everything_here() && !book_.accounts().is_nobody(identity);
}

// The request waits until what it needs is here.
Shard::Hold Shard::ask(const Request& request, const SessionId128& key,
                       std::optional<OutcomeQuestion> question, const Account* member,
                       std::optional<Identity> other) {
  Fetch fetch;
  fetch.ticket = ++last_ticket_;
  fetch.session = key;
  if (question) {
    for (Sequence place : {question->at, question->behind}) {
      fetch.not_before = std::max(fetch.not_before, place);
    }
    for (const auto* places : {&question->session_places, &question->request_places}) {
      for (Sequence place : places->entries) {
        fetch.not_before = std::max(fetch.not_before, place);
      }
    }
  }
  fetch.question = std::move(question);
  // Also what is here: it may have been evicted when the reading is done.
  for (Identity identity : request.identities) {
    if (!book_.accounts().is_nobody(identity)) fetch.needs.identities.push_back(identity);
  }
  if (member != nullptr) {
    for (const Payer& payer : member->payers) fetch.needs.numbers.push_back(payer.terms.account);
  }
  if (other) fetch.needs.identities.push_back(*other);
  const Hold hold = wait_for(key, fetch.ticket);
  if (hold == Hold::fetching) wanted_.push_back(std::move(fetch));
  return hold;
}

Shard::Hold Shard::wait_for(const SessionId128& key, std::uint64_t ticket) {
  if (requests_waiting_ >= options_.fetches_waiting_max) {
    refuse(Outcome::too_busy);
    return Hold::ready;
  }
  ++requests_waiting_;
  Waiting& waiting = sessions_waiting_[key];
  waiting.ticket = ticket_ = ticket;
  ++waiting.requests;
  return Hold::fetching;
}

void Shard::submit_fetches() {
  while (readings_ < readings_max && !wanted_.empty()) {
    auto batch = std::make_shared<std::vector<Fetch>>();
    std::vector<Fetch> not_yet;
    for (std::size_t n = std::min(wanted_.size(), fetches_a_reading); n > 0; --n) {
      Fetch& first = wanted_.front();
      (first.not_before <= durable_ ? *batch : not_yet).push_back(std::move(first));
      wanted_.pop_front();
    }
    std::ranges::move(not_yet, std::back_inserter(wanted_));
    if (batch->empty()) return;
    read(std::move(batch));
  }
}

void Shard::read(std::shared_ptr<std::vector<Fetch>> batch) {
  ++readings_;
  book_.set_stamp(++reading_stamp_);
  metrics_.fetches.add(batch->size());
  store_.read_later([this, batch] {
    for (Fetch& fetch : *batch) run_fetch(store_, fetch);
    if (hooks_.post) {
      hooks_.post([this, batch] { take_fetched(*batch); });
    } else {
      take_fetched(*batch);
    }
  });
}

void Shard::take_fetched(std::vector<Fetch>& fetches) {
  --readings_;
  submit_fetches();  // the reading thread goes on while these are answered
  upkeep([&] {
    for (Fetch& fetch : fetches) load(fetch);
  });
  for (const Fetch& fetch : fetches) {
    if (fetch.done) {
      fetch.done(fetch.error);
    } else if (!fetch.filter_bucket) {
      answer_waiting(fetch);
    }
  }
  make_filter();     // the next piece, behind the requests that wait
  submit_fetches();  // what was wanted meanwhile
}

void Shard::load(Fetch& fetch) {
  for (Account& account : fetch.accounts) book_.load_account(std::move(account));
  for (const auto& [id, request] : fetch.admin_requests) book_.load_admin_request(id, request);
  if (fetch.filter_bucket) {
    making_filter_ = false;
    if (fetch.filter_complete && fetch.error.empty()) {
      book_.duplicates().set_filter(*fetch.filter_bucket, std::move(fetch.filter));
    } else if (fetch.error.empty()) {
      half_made_ = std::move(fetch);
    }
    return;
  }
  if (!fetch.error.empty()) {
    metrics_.fetches_failed.add();
    return;
  }
  for (Identity identity : fetch.needs.identities) {
    if (!book_.find_subscriber(identity)) book_.note_nobody(identity);
  }
}

void Shard::answer_waiting(const Fetch& fetch) {
  const auto waiting = sessions_waiting_.find(fetch.session);
  FARTHING_ASSERT(waiting != sessions_waiting_.end() && waiting->second.ticket == fetch.ticket);
  requests_waiting_ -= waiting->second.requests;
  sessions_waiting_.erase(waiting);
  answered_ = &fetch;
  if (hooks_.fetched) hooks_.fetched(fetch.ticket);
  answered_ = nullptr;
}

// Filters of the table of duplicates are made one after the other, a piece at a time.
void Shard::make_filter() {
  if (making_filter_) return;
  const std::optional<std::uint32_t> bucket = book_.duplicates().bucket_without_filter();
  if (!bucket) return;
  making_filter_ = true;
  Fetch fetch = std::exchange(half_made_, Fetch());
  fetch.filter_bucket = bucket;
  fetch.filter_keys_max = book_.duplicates().bucket_keys_max();
  wanted_.push_back(std::move(fetch));
}

void Shard::when_here(Needs needs, std::function<void(std::string_view error)> done) {
  if (needs.room && is_behind()) {
    waiting_for_room_.push_back({std::move(needs), std::move(done)});
    return;
  }
  if (!is_missing(needs)) {
    done({});
    return;
  }
  Fetch fetch;
  fetch.needs = std::move(needs);
  fetch.done = std::move(done);
  wanted_.push_back(std::move(fetch));
}

void Shard::serve_waiting_for_room() {
  for (WaitingForRoom& waiting : std::exchange(waiting_for_room_, {})) {
    when_here(std::move(waiting.needs), std::move(waiting.done));
  }
}

bool Shard::is_missing(const Needs& needs) const {
  auto is_request_missing = [this](const std::string& id) {
    return write_back_.has_rounds() && book_.find_admin_request(id) == nullptr;
  };
  if (std::ranges::any_of(needs.request_ids, is_request_missing)) return true;
  if (book_.is_everything_here()) return false;
  return std::ranges::any_of(needs.identities,
                             [this](Identity identity) {
                               return !book_.find_subscriber(identity) &&
                                      may_be_elsewhere(identity);
                             }) ||
         std::ranges::any_of(
             needs.names,
             [this](const std::string& name) { return book_.find_account(name) == nullptr; }) ||
         std::ranges::any_of(needs.numbers, [this](AccountNumber number) {
           return book_.account(number) == nullptr;
         });
}

// --- Renewals ------------------------------------------------------------------------------------

void Shard::renew(const Account& account, bool again) {
  const Time at = now();
  if (account.due_at > at && !again) return;
  while (const std::optional<Entry> entry = decide_due(account, *tariffs_, at, again)) {
    enter(*entry);
    metrics_.renewals.add();
  }
}

// Of the accounts that nobody asks for, a step's worth. True: there are more.
bool Shard::renew_some(Time now) {
  if (renewals_fetching_ >= renewals_fetching_max || batch_.size() > options_.batch_bytes_max) {
    return false;
  }
  due_.clear();
  book_.take_due(now, renewals_a_step, due_);
  if (due_.empty()) return false;
  std::vector<AccountNumber> elsewhere;
  for (const AccountNumber number : due_) {
    if (const Account* const account = book_.account(number)) {
      renew(*account);
    } else {
      elsewhere.push_back(number);
    }
  }
  if (!elsewhere.empty()) renew_when_here(std::move(elsewhere));
  return true;
}

void Shard::renew_when_here(std::vector<AccountNumber> accounts) {
  Needs needs;
  needs.numbers = accounts;
  ++renewals_fetching_;
  when_here(std::move(needs), [this, accounts = std::move(accounts)](std::string_view error) {
    --renewals_fetching_;
    for (const AccountNumber number : accounts) {
      if (const Account* const account = book_.account(number)) {
        renew(*account);
      } else if (!error.empty()) {
        book_.note_due(number, now() + renewal_retry);
      }
    }
  });
}

void Shard::close_session(const Session& session, EntryKind kind, const Note& note) {
  decide_end(session, kind, decision_);
  if (!note.operator_name.empty() || !note.reason.empty()) decision_.entry.note = note;
  enter(decision_.entry, &session);
}

}  // namespace farthing::engine
