// Write-back: rounds that bring what has changed in the book into the checkpoint.
//
// A round has a position: everything up to that entry is in the checkpoint once the round is
// durable, and a start replays only what follows. It is filled a step at a time between requests,
// so that none waits for it; handed to the store only when everything that its rows say is durable
// in the ledger; and written by the store's own thread. One round at a time.
//
// Threads: one, the shard's. Ownership: `book` and `store` outlive it.
#pragma once

#include "engine/book.h"
#include "storage/ledger_store.h"

#include <cstddef>
#include <cstdint>

namespace farthing::engine {

class WriteBack {
 public:
  WriteBack(Book& book, storage::LedgerStore& store, std::size_t changes_expected = 0)
      : book_(book), store_(store) {
    changes_.reserve(changes_expected);
  }

  // The position of the newest durable round.
  void recover(Sequence position) { position_ = position; }
  Sequence position() const { return position_; }

  bool under_way() const { return phase_ != Phase::idle; }
  // Filled, but something that its rows say is not durable yet.
  bool is_waiting() const { return phase_ == Phase::filled; }
  // There are rows to be found, or there will be.
  bool has_rounds() const { return position_.value != 0 || under_way(); }
  // Something has happened since the position.
  bool has_work() const { return book_.last() > position_; }
  std::uint64_t rounds_written() const { return round_written_; }

  // REQUIRES: none under way.
  void begin();
  // Takes up to `rows` rows into the round; hands it over once that is allowed: everything up to
  // `durable` is. True: there is more to fill.
  bool step(std::size_t rows, Sequence durable);
  // The store has written the round.
  void written();

 private:
  enum class Phase { idle, filling, filled, writing };
  bool fill(std::size_t rows);

  Book& book_;
  storage::LedgerStore& store_;
  Phase phase_ = Phase::idle;
  Sequence position_;
  Sequence next_position_;  // of the round under way
  std::uint64_t round_ = 0;
  std::uint64_t round_written_ = 0;
  storage::Round rows_;
  Book::Changes changes_;
};

}  // namespace farthing::engine
