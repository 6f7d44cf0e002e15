// Credit control as the application of the Diameter server: requests in, answers into the peers'
// buffers; those that have to wait for a reading are kept as they came and decided when it is done.
// And the other way round: clients are asked to ask again, or to end a session, when somebody else
// has done something to its account.
//
// Threads: the one of the server and the shard. Bounded: the shard turns away what would be too
// many to wait.
#pragma once

#include "diameter/admission.h"
#include "diameter/application.h"
#include "diameter/credit_control.h"
#include "diameter/session_requests.h"
#include "engine/shard.h"

#include <cstddef>
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

namespace farthing::tools {

class Tracer;

class Charging final : public diameter::Application {
 public:
  using Now = std::function<diameter::MonotonicTime()>;

  // `shard` outlives this; `find_peer` as in SessionRequests.
  Charging(
      const diameter::Identity& identity, engine::Shard& shard,
      diameter::SessionRequests::FindPeer find_peer,
      Now now = [] { return std::chrono::steady_clock::now(); });

  void on_request(diameter::Peer& peer, const diameter::Message& request) override;
  bool turns_away(diameter::Peer& peer, diameter::Bytes frame,
                  diameter::Pressure pressure) override {
    return admission_.turns_away(frame, pressure, peer);
  }
  void on_frames_ahead(std::span<const diameter::Bytes> frames) override;
  void on_turn_end() override { shard_.end_turn(); }
  void on_answer(diameter::Peer& peer, const diameter::Message& answer,
                 std::uint64_t request_id) override;
  void on_request_lost(std::uint64_t request_id, diameter::RequestLost why) override;
  void on_peer_closed(diameter::Peer& peer) override;
  void on_peer_restarted(diameter::Peer& peer, std::uint32_t state_id_before,
                         std::uint32_t state_id) override;
  std::size_t unanswered() const override;

  // Told where answers stand in the ledger; nullptr: nobody is.
  void set_tracer(Tracer* tracer) { tracer_ = tracer; }

  // What those that wait under the ticket needed is there.
  void fetched(std::uint64_t ticket);
  void tell(const engine::ClientNotice& notice);
  void tick();

  const diameter::Admission& admission() const { return admission_; }
  const diameter::SessionRequests::Metrics& session_requests() const {
    return session_requests_.metrics();
  }

 private:
  struct Waiting {
    diameter::Peer* peer = nullptr;  // nullptr: it has gone, and nobody wants the answer
    std::vector<unsigned char> frame;
    diameter::MonotonicTime came_at;
  };

  bool is_too_late(const Waiting& waiting, const diameter::Message& request) const;

  diameter::Admission admission_;
  diameter::CreditControl credit_control_;
  engine::Shard& shard_;
  Now now_;
  diameter::SessionRequests session_requests_;
  std::unordered_map<std::uint64_t, std::vector<Waiting>> waiting_;  // by ticket, in order
  Tracer* tracer_ = nullptr;
  diameter::Message again_;
  std::uint64_t served_ = 0;  // since the last review of admission
  diameter::MonotonicTime reviewed_at_{};
};

}  // namespace farthing::tools
