// Finds open sessions by the keyed hash of their Session-Id.
//
// Open addressing in one array, sixteen octets a place: a look-up waits for one cache line of the
// directory, and for one that was asked for beforehand, not even that. Half of the places at least
// are free.
//
// Ownership: the sessions are the book's; none moves while it is in here. Threads: one, the
// shard's.
#pragma once

#include "engine/account.h"
#include "engine/base/assert.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace farthing::engine {

class SessionDirectory {
 public:
  // Growing a full directory under traffic would stall it.
  explicit SessionDirectory(std::size_t sessions_expected = 0)
      : places_(std::bit_ceil(std::max(2 * sessions_expected, places_least))) {}

  std::size_t size() const { return size_; }

  Session* find(const SessionId128& key) const {
    for (std::size_t at = home(key.low);; at = next(at)) {
      const Place& place = places_[at];
      if (place.session == nullptr) return nullptr;
      if (place.low == key.low && place.session->key == key) return place.session;
    }
  }

  // A look-up in two halves, for several at once: none waits for another, and no session's memory
  // is looked at. What hint() gives is most likely the session.
  void prefetch(const SessionId128& key) const { __builtin_prefetch(&places_[home(key.low)]); }
  const Session* hint(const SessionId128& key) const {
    std::size_t at = home(key.low);
    while (places_[at].session != nullptr && places_[at].low != key.low) at = next(at);
    return places_[at].session;
  }

  // REQUIRES: its key is there, and no session in here has the same.
  void insert(Session& session) {
    if (2 * (size_ + 1) > places_.size()) grow();
    put({session.key.low, &session});
    ++size_;
  }

  // REQUIRES: it is in here, with the key it came with.
  void erase(const Session& session) {
    std::size_t hole = home(session.key.low);
    while (places_[hole].session != &session) {
      FARTHING_ASSERT(places_[hole].session != nullptr);
      hole = next(hole);
    }
    // Those behind it that may stand nearer to their home move up, so that no look-up stops short.
    for (std::size_t at = next(hole); places_[at].session != nullptr; at = next(at)) {
      const std::size_t way = distance(home(places_[at].low), at);
      if (way < distance(hole, at)) continue;
      places_[hole] = places_[at];
      hole = at;
    }
    places_[hole] = {};
    --size_;
  }

 private:
  struct Place {
    std::uint64_t low = 0;  // of the session's key: says where its home is
    Session* session = nullptr;
  };
  static constexpr std::size_t places_least = 64;

  std::size_t home(std::uint64_t low) const { return low & (places_.size() - 1); }
  std::size_t next(std::size_t at) const { return (at + 1) & (places_.size() - 1); }
  std::size_t distance(std::size_t from, std::size_t to) const {
    return (to - from) & (places_.size() - 1);
  }

  void put(const Place& place) {
    std::size_t at = home(place.low);
    while (places_[at].session != nullptr) at = next(at);
    places_[at] = place;
  }

  void grow() {
    std::vector<Place> old(2 * places_.size());
    old.swap(places_);
    for (const Place& place : old) {
      if (place.session != nullptr) put(place);
    }
  }

  std::vector<Place> places_;
  std::size_t size_ = 0;
};

}  // namespace farthing::engine
