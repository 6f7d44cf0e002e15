// Application: what stands on top of the base protocol and answers its requests.
//
// All calls come on the thread that runs the server's io_context.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "diameter/message.h"
#include "diameter/own_request.h"

namespace farthing::diameter {

class Peer;

// How much a peer's requests have to wait, as far as it matters.
enum class Pressure : std::uint8_t {
  none,
  some,  // What begins something is too much.
  high,  // So is all that can be done without.
};

class Application {
 public:
  virtual ~Application() = default;

  // A well-formed request with one of the served commands, from an open peer. The message and what
  // it views are gone after the call. The answer, one whole message, is encoded straight into
  // peer.ready_buffer(): sent at the end of this read turn, or
  // peer.held_buffer(): kept until the batch that is now being gathered is released (Server).
  // It may also be written later, while the peer is there (until on_peer_closed).
  virtual void on_request(Peer& peer, const Message& request) = 0;

  // A request of an open peer that has just been read, while what came before it waits. True: it
  // has been answered into peer.ready_buffer(), and will not be handed over. Any octets; the length
  // is right.
  virtual bool turns_away(Peer& /*peer*/, Bytes /*frame*/, Pressure /*pressure*/) { return false; }

  // Messages that have come and will be handed over next, in order; whole frames, not looked at
  // yet. A hint: the time to have what they need brought nearer.
  static constexpr std::size_t ahead_max = 32;
  virtual void on_frames_ahead(std::span<const Bytes> /*frames*/) {}

  // After everything that one read brought was handed over: the time to pass on what was gathered.
  virtual void on_turn_end() {}

  // For each request that Peer::begin_request began exactly one of these two comes, once. An answer
  // may be an error (its E bit, its Result-Code).
  virtual void on_answer(Peer& /*peer*/, const Message& /*answer*/, std::uint64_t /*request_id*/) {}
  virtual void on_request_lost(std::uint64_t /*request_id*/, RequestLost /*why*/) {}

  // Requests that it has taken and not answered into a buffer yet: a server that stops waits for
  // them.
  virtual std::size_t unanswered() const { return 0; }

  virtual void on_peer_open(Peer& /*peer*/) {}
  // The peer and its buffers are gone after the call, with what was held for it.
  virtual void on_peer_closed(Peer& /*peer*/) {}
  // The Origin-State-Id of this Origin-Host has risen: it lost its sessions (RFC 6733 8.16).
  virtual void on_peer_restarted(Peer& /*peer*/, std::uint32_t /*state_id_before*/,
                                 std::uint32_t /*state_id*/) {}
};

}  // namespace farthing::diameter
