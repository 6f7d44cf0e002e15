// Requests of ours about open sessions: Re-Auth-Request, so that a client asks for credit again
// (RFC 8506 5.5, 5.6.4), and Abort-Session-Request, so that it ends one (RFC 6733 8.5).
//
// One of a session is under way at a time: who is asked to ask again while it is, will find what
// was done meanwhile when it does. An answer that does not come, or a connection that goes, makes
// it be sent again over the connection that the client has then, with the T flag, `tries_max` times
// in all and for `patience`; after that the session's validity ends it. Clients whose profile says
// that they know the one or the other not are not sent it. Bounded: with `sessions_max` under way
// no more are begun.
//
// Threads: the server's. Time comes in from outside.
#pragma once

#include "diameter/error_answer.h"
#include "diameter/message.h"
#include "diameter/own_request.h"
#include "engine/client_notice.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace farthing::diameter {

class Peer;

class SessionRequests {
 public:
  static constexpr int tries_max = 3;
  static constexpr std::chrono::seconds answer_timeout{5};
  // So long a client that said that it will ask again (RAA 2002) is waited for.
  static constexpr std::chrono::seconds asking_timeout{10};
  static constexpr std::chrono::seconds retry_after{2};
  static constexpr std::chrono::seconds patience{60};
  static constexpr std::size_t sessions_max = 100'000;

  // The open peer of an Origin-Host, good until control goes back; nullptr: none.
  using FindPeer = std::function<Peer*(std::string_view origin_host)>;
  // A client knows nothing of a session (5002): it is over.
  using Unknown = std::function<void(std::string_view session_id)>;

  struct Metrics {
    std::uint64_t reauths_sent = 0;
    std::uint64_t aborts_sent = 0;
    std::uint64_t repeated = 0;  // of both
    std::uint64_t given_up = 0;  // not answered, or nobody to send it to
    std::uint64_t not_able = 0;  // by their peers' profiles
    std::uint64_t unknown = 0;   // answered 5002
  };

  SessionRequests(Identity identity, FindPeer find_peer, Unknown unknown)
      : identity_(std::move(identity)),
        find_peer_(std::move(find_peer)),
        unknown_(std::move(unknown)) {}

  // What it makes ready Server::flush sends.
  void send(const engine::ClientNotice& notice, MonotonicTime now);
  // The client has sent a request of this session: what it was asked to do, it does.
  void heard(std::string_view session_id);
  void on_answer(const Message& answer, std::uint64_t request, MonotonicTime now);
  void on_lost(std::uint64_t request, MonotonicTime now);
  void check_deadlines(MonotonicTime now);

  const Metrics& metrics() const { return metrics_; }
  std::size_t under_way() const { return pending_.size(); }

 private:
  struct Pending {
    engine::ClientNotice notice;
    int tries = 0;
    MonotonicTime begun_at;
    bool is_answered = false;  // and the client is going to ask
    std::optional<std::uint32_t> end_to_end;
    MonotonicTime deadline;  // of the next try, or of the waiting
  };
  using PendingMap = std::unordered_map<std::uint64_t, Pending>;  // by request
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };

  void try_now(std::uint64_t request, Pending& pending, MonotonicTime now);
  void wait_until(Pending& pending, MonotonicTime deadline);
  void write(const engine::ClientNotice& notice, const Header& header, Peer& peer) const;
  void forget(PendingMap::iterator which);

  Identity identity_;
  FindPeer find_peer_;
  Unknown unknown_;
  PendingMap pending_;
  std::unordered_map<std::string, std::uint64_t, TextHash, std::equal_to<>> by_session_;
  MonotonicTime next_deadline_ = MonotonicTime::max();  // none is sooner
  std::uint64_t last_request_ = 0;
  Metrics metrics_;
};

}  // namespace farthing::diameter
