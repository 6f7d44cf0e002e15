// Tracer: picks the messages that somebody follows (farthing trace) out of all that come and go.
//
// While nobody does, it is not there for the server: not a branch more on the way of a request than
// the one that finds no tap. Threads: the server's. Ownership: queues belong to those who tell
// them; a trace whose queue is gone ends by itself.
#pragma once

#include "diameter/message_tap.h"
#include "engine/admin/trace.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace farthing::tools {

class Tracer final : public diameter::MessageTap {
 public:
  explicit Tracer(base::Clock clock) : clock_(std::move(clock)) {}

  void begin(engine::admin::TraceWish wish, std::weak_ptr<engine::admin::TraceQueue> queue);
  // Ends traces that nobody reads any more. True: there are others.
  bool review();

  void on_received(const diameter::Peer& peer, diameter::Bytes frame) override;
  void on_sent(const diameter::Peer& peer, diameter::Bytes frame) override;
  // In which ledger entry the answer to a request stands.
  void note_entry(std::uint64_t peer_id, std::uint32_t hop_by_hop, engine::Sequence entry);

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  struct Trace {
    engine::admin::TraceWish wish;
    std::weak_ptr<engine::admin::TraceQueue> queue;
    std::unordered_set<std::string, TextHash, std::equal_to<>> sessions;
    std::deque<std::string> sessions_in_order;  // the oldest are forgotten

    void learn(std::string session_id);
  };
  struct Request {
    std::uint64_t peer_id;
    std::uint32_t hop_by_hop;

    friend bool operator==(const Request&, const Request&) = default;
  };
  struct RequestHash {
    std::size_t operator()(const Request& request) const {
      return std::hash<std::uint64_t>()(request.peer_id << 32 ^ request.hop_by_hop);
    }
  };

  bool is_wanted(Trace& trace, std::string_view peer, diameter::Bytes frame) const;
  void show(const diameter::Peer& peer, diameter::Bytes frame, bool is_received,
            engine::Sequence entry);

  base::Clock clock_;
  std::deque<Trace> traces_;
  std::unordered_map<Request, engine::Sequence, RequestHash> entries_;  // of answers not sent yet
};

}  // namespace farthing::tools
