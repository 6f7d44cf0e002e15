// Appends and rounds without a pause, of contents that show whether anything is missing: record n
// has the body "n;xxx" and sets a document to n, round n gives every row of two tables the value n.
//
// Threads: run() may be called on any one thread; what it wrote is checked when the store has been
// opened again, or in a copy.
#pragma once

#include "storage/ledger_store.h"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

namespace farthing::storage {

class Traffic {
 public:
  // Goes on where the store's contents end. `durable` is called as the store calls Durable.
  Traffic(LedgerStore& store, std::size_t body_bytes, std::function<void(Sequence)> durable = {});
  // Waits for the append and the round under way, unless fail() was called.
  ~Traffic();

  // Until stop() or fail() is called, by whatever thread.
  void run();
  void stop();
  // The store failed a write: nothing that is under way ends.
  void fail();
  Sequence last_durable() const;
  // The number of the last round that the store called written, counted from the store's first.
  std::uint64_t rounds_written() const;

 private:
  void write_round();

  LedgerStore& store_;
  const std::size_t body_bytes_;

  mutable std::mutex mutex_;  // guards the next six
  std::condition_variable changed_;
  std::uint64_t durable_;
  std::uint64_t rounds_written_ = 0;
  bool append_under_way_ = false;
  bool round_under_way_ = false;
  bool stop_ = false;
  bool failed_ = false;

  std::uint64_t rounds_ = 0;
  Round round_;
};

// The end of what the checkpoint of the store has folded.
LedgerEnd folded_end(const LedgerStore& store);

// Nothing wrong, or the first thing that is: every record from the first kept, in order, as traffic
// wrote it; the newest document; the checkpoint of one whole round, not ahead of the ledger.
std::string wrong_with_traffic(const LedgerStore& store);

}  // namespace farthing::storage
