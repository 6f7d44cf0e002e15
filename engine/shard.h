// A shard: the accounts that one thread owns, and the batch of ledger entries that it gathers.
//
// Every request is decided on the spot, its entry appended to the batch at hand and applied. An
// answer may leave only when its entry, and the newest entry of every account it read, is durable:
// so an answer is either ready or held, and the shard says when what is held may go. While the
// store writes one batch, the next gathers; there is no timer. Two generations of held answers
// exist, then: of the batch being committed and of the one being gathered.
//
// Threads: one; all calls come from it. The store calls back on its own thread: whoever builds a
// shard brings that call (durable) to this thread. Time comes from the clock given, once a batch.
#pragma once

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/book.h"
#include "engine/decide.h"
#include "engine/metrics.h"
#include "storage/ledger_store.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine {

struct ShardOptions {
  BookOptions book;
  std::uint64_t disk_reserve_bytes = 1u << 30;  // below: no new sessions and no events
  std::size_t batch_bytes_max = 64u << 20;  // a fuller batch sheds requests until the store is free
};

struct RecoveryError {
  Sequence sequence;  // of the entry at which it stopped; 0: none
  std::string message;
};

// The document (storage/ledger_store.h) that holds the source of a tariff version.
std::string tariff_document_key(tariffs::TariffVersion version);

class Shard {
 public:
  // `store` outlives the shard.
  Shard(storage::LedgerStore& store, ShardOptions options, base::Clock clock);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // --- Start -------------------------------------------------------------------------------------
  // Folds the whole ledger in and compiles the tariffs it names, then enters the start itself.
  // `progress` is called now and then with the sequence reached.
  base::Result<void, RecoveryError> recover(const std::function<void(Sequence)>& progress);

  // --- Credit control ----------------------------------------------------------------------------
  enum class Hold : std::uint8_t { ready, held };
  // Decides the request; the answer is answer() until the next call. Sorts its attributes.
  Hold handle(Request& request);
  const Answer& answer() const { return decision_.answer; }

  // --- Batches -----------------------------------------------------------------------------------
  // Called when a batch is handed to the store (what is held since the last call waits for it) and
  // when the batch handed over last is durable (what waits for it may go).
  struct Hooks {
    std::function<void()> sealed;
    std::function<void()> released;
  };
  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }
  void end_turn();  // no more requests at hand: hands the batch over if the store is free
  void durable(Sequence last);
  bool idle() const { return !committing_ && gathered_ == 0; }
  // Calls back once everything entered so far is durable (at once if it is).
  void when_durable(std::function<void()> done);

  // Closes sessions unheard of for too long and forgets old duplicates; to be called every second
  // or so. Bounded work a call; true: there is more to do.
  bool tick();

  // --- For operations.h and those who read -------------------------------------------------------
  const Book& book() const { return book_; }
  const tariffs::TariffHistory& tariffs() const { return *tariffs_; }
  std::shared_ptr<const tariffs::TariffHistory> tariffs_shared() const { return tariffs_; }
  const storage::LedgerStore& store() const { return store_; }
  Time now();  // the batch's time: taken once, at its first request
  Sequence next_sequence() const { return Sequence(book_.last().value + 1); }
  // Enters an entry made by operations.h and applies it. REQUIRES: it follows what the book holds.
  Sequence enter(const Entry& entry);
  // Enters the tariff as the next version and puts it in force from its time on.
  Sequence enter_tariff(std::shared_ptr<const tariffs::Tariff> tariff, std::string source);
  void close_session(const Session& session, EntryKind kind);

  ShardMetrics& metrics() { return metrics_; }

 private:
  Hold decide_request(Request& request);
  bool answer_again(const Request& request, const SessionId128& key, const Session* session,
                    Sequence& entered);
  bool read_outcome(Sequence sequence);
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
  Decision decision_;
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

  Entry read_entry_;
  std::string read_buffer_;
  ShardMetrics metrics_;
};

}  // namespace farthing::engine
