// What a connection does on every event: the peer state machine of RFC 6733 5.6 as one table, and
// the watchdog of RFC 3539 3.4.1. Pure: no sockets, no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace farthing::diameter {

// A time that never steps back, for deadlines only. It comes in from outside.
using MonotonicTime = std::chrono::steady_clock::time_point;

enum class PeerState : std::uint8_t {
  wait_cer,  // Connected to us; nothing but a CER is listened to.
  wait_cea,  // We connected and sent a CER (Wait-I-CEA); nothing but a CEA is listened to.
  electing,  // Its CER came while another connection of that name is open; who lives is asked.
  securing,  // The CEA that agrees to TLS is sent, and the handshake to come.
  open,      // R-Open of the RFC.
  closing,   // A DPR went out, or a DPA: the other side is to close.
  draining,  // What is written goes out, then we close; nothing is listened to.
  closed,
};

enum class PeerEvent : std::uint8_t {
  cer_accepted,
  cer_accepted_securing,  // With TLS to come.
  secured,                // The handshake succeeded, and the peer is who it says.
  cer_refused,
  cer_contested,
  cea_accepted,
  cea_refused,
  replaced,  // By another connection of the same peer (RFC 6733 5.6.4).
  dwr,
  dwa,
  dpr,
  dpa,
  request,          // Any other one.
  answer,           // Any other one.
  broken,           // Octets that are not Diameter.
  stop,             // We are to go away.
  deadline,         // The state took too long.
  watchdog_failed,  // Nothing was heard for too long.
  disconnected,     // The transport is gone.
};

enum class PeerAction : std::uint8_t {
  ignore,
  send_cea,
  send_dwa,
  note_dwa,
  send_dpa,
  send_dpr,
  deliver,  // Hand the request or answer on.
};

struct PeerTransition {
  PeerAction action;
  PeerState next;
  bool operator==(const PeerTransition&) const = default;
};

PeerTransition transition(PeerState state, PeerEvent event);

std::string_view name(PeerState state);

// RFC 3539 3.4.1. Time comes in with every call. A connection that fails is closed, and the client
// connects anew: of the RFC's states these are OKAY (alive), OKAY with Pending (asked) and SUSPECT.
class Watchdog {
 public:
  enum class Verdict : std::uint8_t { nothing, send_dwr, failed };

  // `interval` is Tw with its jitter; it starts to run at `now`.
  void start(MonotonicTime now, std::chrono::milliseconds interval);
  void on_message(MonotonicTime now);  // Anything that the peer sent.
  void on_dwa(MonotonicTime now);
  // To be called now and then. With send_dwr the next interval starts.
  Verdict check(MonotonicTime now, std::chrono::milliseconds next_interval);

  bool is_suspect() const { return state_ == State::suspect; }

 private:
  enum class State : std::uint8_t { alive, asked, suspect };

  void restart(MonotonicTime now) { deadline_ = now + interval_; }

  State state_ = State::alive;
  std::chrono::milliseconds interval_{30000};
  MonotonicTime deadline_{};
};

}  // namespace farthing::diameter
