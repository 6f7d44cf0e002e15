// Requests of our own to a peer (RFC 6733 6.1.1, 6.1.3): what is under way, until its answer comes.
//
// Bounded by the caller of add(). One thread, as the Peer that owns it. Times are the server's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "diameter/message.h"
#include "diameter/peer_state.h"

namespace farthing::diameter {

// A request to begin (Peer::begin_request).
struct OwnRequest {
  std::uint32_t command = 0;
  std::uint32_t application = application::credit_control;
  std::uint64_t id = 0;  // The application's own: it comes back with the answer or the loss.
  std::chrono::milliseconds timeout{10'000};
  // Of a request that this one repeats, over another connection maybe: it keeps that number and has
  // the T flag (RFC 6733 5.5.4).
  std::optional<std::uint32_t> repeated_end_to_end = {};
};

// Why there will be no answer.
enum class RequestLost : std::uint8_t {
  timeout,
  peer_gone,   // Or going: the connection is no longer open.
  unreadable,  // It came, and could not be decoded.
};

// Those under way over one connection, by Hop-by-Hop Identifier.
class OwnRequests {
 public:
  struct Entry {
    std::uint32_t hop_by_hop;
    std::uint32_t command;
    std::uint32_t application;
    std::uint64_t id;
    MonotonicTime deadline;
  };

  std::size_t size() const { return entries_.size(); }
  void add(const Entry& entry) { entries_.push_back(entry); }
  // Takes the one that this is the answer to off the list, and returns its id.
  std::optional<std::uint64_t> take(const Header& answer);
  // Takes those off the list whose time is over by `now`, or all of them.
  std::vector<std::uint64_t> take_expired(MonotonicTime now);
  std::vector<std::uint64_t> take_all() { return take_expired(MonotonicTime::max()); }

 private:
  std::vector<Entry> entries_;
};

}  // namespace farthing::diameter
