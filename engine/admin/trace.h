// Messages of clients told to somebody who looks (farthing trace): what is looked for, and the
// bounded queue between the thread that sees them and the one that tells them. Here they are octets
// only; what stands in them is the program's to know.
//
// A trace lives as long as its queue: whoever tells it owns that, who fills it holds it weakly.
// Threads: any. Bounded: messages for which there is no room are counted, nobody waits.
#pragma once

#include "engine/base/time.h"
#include "engine/types.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace farthing::engine::admin {

// Messages of a peer, or of sessions: those named, and those opened by one of the identities.
struct TraceWish {
  std::string peer;  // Origin-Host
  std::vector<Identity> identities;
  std::vector<std::string> sessions;
};

struct TracedMessage {
  base::Time at;
  std::uint64_t connection = 0;
  std::string peer;  // "": before it has said its name
  std::string address;
  bool is_received = false;
  std::vector<std::uint8_t> frame;
  Sequence entry;  // of an answer: where it stands in the ledger; 0: nowhere
};

class TraceQueue {
 public:
  void push(TracedMessage message);

  struct Taken {
    std::vector<TracedMessage> messages;
    std::uint64_t lost = 0;  // since the last call
  };
  // Waits for the first one, so long at most.
  Taken take(std::chrono::milliseconds most);

 private:
  std::mutex mutex_;
  std::condition_variable come_;
  std::deque<TracedMessage> messages_;
  std::size_t bytes_ = 0;
  std::uint64_t lost_ = 0;
};

// Fills the queue from now on, for as long as it is there.
using BeginTrace = std::function<void(TraceWish wish, std::weak_ptr<TraceQueue> queue)>;

}  // namespace farthing::engine::admin
