// A shard: the accounts that one thread owns, and the batch of ledger entries that it gathers.
//
// Every request is decided on the spot, its entry appended to the batch at hand and applied. An
// answer may leave only when its entry, and the newest entry of every account it read, is durable:
// so an answer is either ready or held, and the shard says when what is held may go. While the
// store writes one batch, the next gathers; there is no timer. Two generations of held answers
// exist, then: of the batch being committed and of the one being gathered.
//
// Not everything is in memory: a request for an account that was evicted, or one that may have been
// answered long ago, waits for a reading (Hold::fetching) while others go on. What has changed is
// written back to the checkpoint in rounds (write_back.h), paced by tick().
//
// Threads: one; all calls come from it. The store calls back on its own threads: whoever builds a
// shard brings those calls (durable, round_written, Hooks::post) to this thread. Time comes from
// the clock given, once a batch.
#pragma once

#include "engine/base/hash.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/book.h"
#include "engine/client_notice.h"
#include "engine/decide.h"
#include "engine/fetch.h"
#include "engine/look_up.h"
#include "engine/metrics.h"
#include "engine/payers.h"
#include "engine/renewal.h"
#include "engine/write_back.h"
#include "storage/ledger_store.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farthing::engine {

struct ShardOptions {
  BookOptions book;
  std::uint64_t disk_reserve_bytes = 1u << 30;  // below: no new sessions and no events
  std::size_t batch_bytes_max = 64u << 20;  // a fuller batch sheds requests until the store is free
  std::uint64_t accounts_memory_bytes = 0;  // more, and accounts are evicted; 0: never
  Duration checkpoint_interval = std::chrono::seconds(30);
  std::size_t checkpoint_rows_max = 500'000;  // so much changed, and a round begins at once
  std::size_t checkpoint_rows_a_step = 32;
  std::size_t fetches_waiting_max = 8192;  // more requests that would have to wait are turned away
};

// A tariff's source (tariffs/tariff_source.h) or a table's as the store keeps it. It may be large:
// made before the shard is visited, so that no request waits for it.
struct SourceDocument {
  SourceDocument(std::string bytes) : source(std::move(bytes)), hash(base::hash64(source)) {}

  std::string source;
  std::uint64_t hash;
};

struct RecoveryError {
  Sequence sequence;  // of the entry at which it stopped; 0: none
  std::string message;
};

class Shard {
 public:
  // `store` outlives the shard.
  Shard(storage::LedgerStore& store, ShardOptions options, base::Clock clock);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // --- Start -------------------------------------------------------------------------------------
  // Takes the checkpoint, folds in what the ledger has after it, compiles the tariffs it names,
  // then enters the start itself. `progress` is called now and then with the sequence reached.
  base::Result<void, RecoveryError> recover(const std::function<void(Sequence)>& progress);

  // --- Credit control ----------------------------------------------------------------------------
  enum class Hold : std::uint8_t {
    ready,     // the answer may go
    held,      // when what was entered until now is durable
    fetching,  // there is none yet: hand the request in again from Hooks::fetched, in the same
               // order
  };
  // Decides the request; the answer is answer() until the next call. Sorts its attributes.
  Hold handle(Request& request);
  std::uint64_t fetch_ticket() const { return ticket_; }  // of the last request that waits
  const Answer& answer() const { return decision_.answer; }
  // The ledger entry that the answer stands in; 0: in none.
  Sequence answered_in() const { return answered_in_; }
  // Requests of these sessions are at hand: a hint that makes them cheaper.
  void expect(std::span<const std::string_view> session_ids) const { book_.expect(session_ids); }

  // --- Batches -----------------------------------------------------------------------------------
  // Called when a batch is handed to the store (what is held since the last call waits for it) and
  // when the batch handed over last is durable (what waits for it may go).
  struct Hooks {
    std::function<void()> sealed = {};
    std::function<void()> released = {};
    // The requests that wait under this ticket can be decided, now, before this returns.
    std::function<void(std::uint64_t ticket)> fetched = {};
    // Called on the store's threads: brings the call to the shard's, then end_turn(). Without it
    // the store is one that calls back on the shard's own thread.
    std::function<void(std::function<void()>)> post = {};
    // A client is to be told; what it is told of is durable.
    std::function<void(const ClientNotice&)> notice = {};
  };
  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }
  void end_turn();  // no more requests at hand: hands the batch over if the store is free
  void durable(Sequence last);
  bool idle() const { return !committing_ && gathered_ == 0; }
  // Calls back once everything entered so far is durable (at once if it is).
  void when_durable(std::function<void()> done);

  // --- Upkeep ------------------------------------------------------------------------------------
  // A client started again and knows nothing of its sessions any more (RFC 6733 8.16): those that
  // were last heard of before now are closed, in the ticks that follow.
  void client_restarted(std::string_view origin_host);
  // Closes sessions unheard of for too long, forgets old duplicates, writes back; to be called
  // every 100 ms or so. Bounded work a call; true: there is more to do, in a millisecond.
  bool tick();
  // Traffic changes more than one round takes while another is under way: tick() should be called
  // again in a tenth of that.
  bool is_behind() const;
  void round_written();
  // Writes everything back, as fast as it can (before a stop): calls back when there is nothing
  // left to replay.
  void checkpoint(std::function<void()> done);
  // Calls back once all of these that exist are in the book (and there is room, where that is
  // needed), at once if they are; until the call returns they stay there. The error is for people;
  // "": there was none.
  void when_here(Needs needs, std::function<void(std::string_view error)> done);

  // --- For operations.h and those who read -------------------------------------------------------
  const Book& book() const { return book_; }
  const tariffs::TariffHistory& tariffs() const { return *tariffs_; }
  std::shared_ptr<const tariffs::TariffHistory> tariffs_shared() const { return tariffs_; }
  const storage::LedgerStore& store() const { return store_; }
  Time now();  // the batch's time: taken once, at its first request
  Sequence next_sequence() const { return Sequence(book_.last().value + 1); }
  // Work of other threads on what the shard has; how long it takes is measured.
  void visit(const std::function<void(Shard&)>& work);
  // Enters an entry made by operations.h and applies it. REQUIRES: it follows what the book holds.
  // `session`: the open one that it continues, where the caller has it.
  Sequence enter(const Entry& entry, const Session* session = nullptr);
  // Enters the tariff as the next version and puts it in force from its time on. `note`: who did it
  // and why. `only`: for subscribers of whom this is said; nullopt: for all.
  Sequence enter_tariff(std::shared_ptr<const tariffs::Tariff> tariff, SourceDocument document,
                        const Note& note = {},
                        const std::optional<tariffs::SubscriberAttribute>& only = std::nullopt);
  // Enters the table of ported numbers, which takes the place of the one before at once.
  // `document`: the file that it was read from.
  Sequence enter_numbers(std::shared_ptr<const tariffs::PortedNumbers> numbers,
                         SourceDocument document, const Note& note);
  // nullptr: none was ever loaded.
  const std::shared_ptr<const tariffs::PortedNumbers>& ported() const { return look_up_.ported(); }
  // Enters the cut, with the folder in which its opening balances are.
  Sequence enter_cut(const LedgerCut& cut, const std::string& archive);
  // `note`: who did it and why, where it was somebody.
  void close_session(const Session& session, EntryKind kind, const Note& note = {});
  // Enters what is due of the account's subscriptions. `again`: money has come in.
  void renew(const Account& account, bool again = false);

  ShardMetrics& metrics() { return metrics_; }

 private:
  std::optional<RecoveryError> recover_checkpoint();
  const char* replay_entry(const Entry& entry, Sequence own, Time now);
  const char* load_from_store(AccountNumber number);
  base::Result<void, RecoveryError> recover_tariffs();
  base::Result<void, RecoveryError> recover_numbers();
  Hold decide_request(Request& request);
  void sell_passes(const Situation& situation, const Request& request);
  bool answer_again(const Request& request, const SessionId128& key, const Session* session,
                    Hold& hold);
  bool answer_from_ledger(const Request& request, const SessionId128& key, OutcomeQuestion question,
                          Hold& hold);
  enum class Found { yes, no, missing, unreadable };
  Found find_payers(const Account& account) const;
  Found look_up(const SubscriberRef& who, const Session* session, Request& request);
  std::optional<Hold> wait_for_others(const SubscriberRef& who, const Session* session,
                                      const SessionId128& key, Request& request);
  const Fetch::Closed* closed_session(const Request& request, const SessionId128& key) const;
  Found find_account(const Request& request, SubscriberRef& found) const;
  bool may_be_elsewhere(Identity identity) const;
  bool was_asked(Identity identity) const;
  bool is_missing(const Needs& needs) const;
  Hold ask(const Request& request, const SessionId128& key, std::optional<OutcomeQuestion> question,
           const Account* member = nullptr, std::optional<Identity> other = std::nullopt);
  Hold wait_for(const SessionId128& key, std::uint64_t ticket);
  void submit_fetches();
  void read(std::shared_ptr<std::vector<Fetch>> batch);
  void take_fetched(std::vector<Fetch>& fetches);
  void load(Fetch& fetch);
  void answer_waiting(const Fetch& fetch);
  void make_filter();
  bool write_back(Time now);
  bool renew_some(Time now);
  void renew_when_here(std::vector<AccountNumber> accounts);
  void tell_clients(const Entry& entry);
  bool close_lost_sessions();
  std::optional<RecoveryError> recover_dues();
  const char* recover_payers();
  void evict();
  void serve_waiting_for_room();
  // Measures what the shard's thread spends between requests.
  template <class Work>
  void upkeep(Work&& work);
  template <class Work>
  void time(Pauses& pauses, Work&& work);
  void refuse(Outcome outcome);
  Hold refuse_when_durable(Outcome outcome);
  Hold hold_until(Sequence sequence);
  void hand_over();
  void count(const Request& request);

  storage::LedgerStore& store_;
  ShardOptions options_;
  base::Clock clock_;
  Book book_;
  std::shared_ptr<const tariffs::TariffHistory> tariffs_;
  bool sells_passes_ = false;  // any version does
  Decision decision_;
  std::string outcome_read_;  // that decision_.answer views where it was read from the ledger
  Sequence answered_in_;
  Hooks hooks_;

  // The batch being gathered.
  std::string batch_;
  std::uint32_t gathered_ = 0;
  std::vector<storage::Document> documents_;
  Time batch_now_;
  bool time_taken_ = false;  // for this batch
  // The batch being committed.
  bool committing_ = false;
  Time handed_over_at_;
  Sequence durable_;
  // Requests whose answers are held, by when they were read: gathering, committing.
  struct Arrival {
    Time at;
    std::uint64_t requests = 0;
  };
  std::vector<Arrival> arrivals_[2];
  std::vector<std::function<void()>> waiting_[2];
  bool held_ = false;  // anything held since the last seal

  // Of the request at hand.
  LookUp look_up_;
  std::vector<Lending> lendings_;
  Entry payment_;

  // Renewals that nobody has asked for.
  std::vector<AccountNumber> due_;  // taken out of the book's index, a step's worth
  std::size_t renewals_fetching_ = 0;

  // Clients that lost their sessions, one after the other.
  struct LostClient {
    std::string origin_host;
    Time restarted_at;
    std::size_t next_slot = 0;  // of the wheel of sessions
  };
  std::deque<LostClient> lost_clients_;
  std::vector<ClientNotice> notices_;

  // Write-back.
  WriteBack write_back_;
  Time round_begun_at_;
  std::function<void()> checkpoint_done_;
  struct WaitingForRoom {
    Needs needs;
    std::function<void(std::string_view error)> done;
  };
  std::vector<WaitingForRoom> waiting_for_room_;

  // Fetching: one reading at a time, of all that was wanted when it began.
  std::deque<Fetch> wanted_;
  std::uint64_t readings_ = 0;       // under way, begun and taken in in this order
  std::uint64_t reading_stamp_ = 0;  // nothing loaded or changed since it began may be evicted
  bool making_filter_ = false;
  Fetch half_made_;  // a filter that needs another piece
  std::uint64_t ticket_ = 0;
  std::uint64_t last_ticket_ = 0;
  struct Waiting {
    std::uint64_t ticket = 0;
    std::size_t requests = 0;
  };
  boost::unordered_flat_map<SessionId128, Waiting> sessions_waiting_;
  std::size_t requests_waiting_ = 0;  // all together
  const Fetch* answered_ = nullptr;   // what the requests at hand have waited for

  ShardMetrics metrics_;
};

}  // namespace farthing::engine
