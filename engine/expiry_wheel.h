// A timer wheel: open sessions by the second in which they expire, one list a second, later rounds
// in the same lists. A session heard of again stays where it is until its second comes round. One
// list more is of those found due.
//
// The lists go through the sessions (Session::wheel_*): nothing is allocated. Threads: the shard's.
// Ownership: none; a session leaves before it ends.
#pragma once

#include "engine/account.h"

#include <array>
#include <cstdint>

namespace farthing::engine {

class ExpiryWheel {
 public:
  // After a start, no session is given up before the clients had time to be heard (its validity, at
  // most 10 minutes).
  void set_started_at(Time at) { started_at_ = at; }
  Time started_at() const { return started_at_; }

  void enter(Session& session);
  void leave(Session& session);
  // A session whose time without news ran out before `now`, or nullptr.
  const Session* next_expired(Time now);

  // Every session is in one slot; a visitor changes none of them.
  static constexpr std::size_t slots = 4097;
  template <class Visit>
  void visit(std::size_t slot, Visit visit) const {
    for (const Session* at = slots_[slot]; at != nullptr; at = at->wheel_next) visit(*at);
  }

 private:
  static constexpr std::int64_t seconds = 4096;
  static constexpr std::int64_t due_slot = seconds;

  Time expiry_of(const Session& session) const;
  void enter_slot(Session& session, std::int64_t slot);
  void sweep(std::int64_t slot, Time now);

  std::array<Session*, slots> slots_{};
  static_assert(slots == seconds + 1);
  std::int64_t at_s_ = 0;  // every second before this one has been looked at
  Time started_at_;
};

}  // namespace farthing::engine
