#include "engine/write_back.h"

#include "engine/base/assert.h"

#include <bit>

namespace farthing::engine {

void WriteBack::begin() {
  FARTHING_ASSERT(!under_way());
  ++round_;
  next_position_ = book_.last();
  book_.begin_round(round_, rows_, changes_);
  const auto position = std::bit_cast<std::array<char, 8>>(next_position_.value);
  rows_.put(storage::Table::meta, meta_position_key, {position.data(), position.size()});
  rows_.put(storage::Table::meta, meta_book_key, encode_book_state(book_.state()));
  phase_ = Phase::filling;
}

bool WriteBack::step(std::size_t rows, Sequence durable) {
  if (phase_ == Phase::filling && !fill(rows)) {
    book_.end_round();
    phase_ = Phase::filled;
  }
  if (phase_ == Phase::filled && book_.newest_written() <= durable) {
    phase_ = Phase::writing;
    store_.write_round(rows_);
  }
  return phase_ == Phase::filling;
}

// Accounts, then sessions, then the small things. Lists shrink from behind.
bool WriteBack::fill(std::size_t rows) {
  for (; rows > 0 && !changes_.accounts.empty(); --rows) {
    book_.write_row(*changes_.accounts.back());
    changes_.accounts.pop_back();
  }
  for (; rows > 0 && !changes_.sessions.empty(); --rows) {
    const auto [session, number] = changes_.sessions.back();
    changes_.sessions.pop_back();
    // Ended meanwhile: it was written when it did. Its place may be another session's by now.
    if (session->number == number) book_.write_row(*session);
  }
  for (; rows > 0 && !changes_.closed.empty(); --rows) {
    rows_.erase(storage::Table::sessions, view(number_key(changes_.closed.back().value)));
    changes_.closed.pop_back();
  }
  for (; rows > 0 && !changes_.admin_requests.empty(); --rows) {
    book_.write_row(changes_.admin_requests.back());
    changes_.admin_requests.pop_back();
  }
  return rows == 0 || book_.duplicates().fill_round(rows_, rows);
}

void WriteBack::written() {
  FARTHING_ASSERT(phase_ == Phase::writing);
  phase_ = Phase::idle;
  position_ = next_position_;
  round_written_ = round_;
  rows_.clear();
  book_.round_written(round_);
}

}  // namespace farthing::engine
