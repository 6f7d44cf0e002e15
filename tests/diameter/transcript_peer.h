// The client of a transcript as a peer of the server, without a socket: what the server asks of it
// by itself, and what it answers to that.
//
//   ? RAR session=a rg=10          what the server sent: RAR or ASR, T where it is sent again
//   ! answer 2002                  the client answers the last of them
//   ! connect pgw.example 7        it connects under this Origin-Host with this Origin-State-Id
//   ! disconnect                   its connection is gone
//
// Time is the engine's.
#pragma once

#include "diameter/peer.h"
#include "diameter/session_requests.h"
#include "tests/support/test_engine.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::test {

class TranscriptPeer final : public diameter::Application {
 public:
  // Connected, as pgw.example. `engine` outlives it.
  TranscriptPeer(TestEngine& engine, diameter::Identity identity);

  void use_profile(const diameter::PeerProfile& profile);
  void connect(const std::string& host, std::uint32_t state_id);
  void disconnect();
  void answer(std::uint32_t result);
  void heard(std::string_view session_id) { session_requests_.heard(session_id); }
  // Looks at deadlines; returns what was sent since the last call, as lines of a transcript.
  std::vector<std::string> sent();

  void on_request(diameter::Peer& peer, const diameter::Message& request) override;
  void on_answer(diameter::Peer& peer, const diameter::Message& answer,
                 std::uint64_t request_id) override;
  void on_request_lost(std::uint64_t request_id, diameter::RequestLost why) override;
  void on_peer_restarted(diameter::Peer& peer, std::uint32_t state_id_before,
                         std::uint32_t state_id) override;

 private:
  diameter::MonotonicTime now() const;
  std::string describe(diameter::Bytes frame);

  TestEngine& engine_;
  diameter::ServerConfig config_;
  std::optional<diameter::PeerContext> context_;
  std::unique_ptr<diameter::Peer> peer_;
  std::uint64_t peers_ = 0;
  diameter::SessionRequests session_requests_;
  diameter::Header last_;  // of what was sent last
  diameter::Message message_;
};

}  // namespace farthing::test
