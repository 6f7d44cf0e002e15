// Credit control as the application of the Diameter servers: requests in, answers into the peers'
// buffers; those that have to wait for a reading are kept as they came and decided when it is done.
//
// Threads: the one of the servers and the shard. Bounded: the shard turns away what would be too
// many to wait.
#pragma once

#include "diameter/application.h"
#include "diameter/credit_control.h"
#include "engine/shard.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace farthing::tools {

class Charging final : public diameter::Application {
 public:
  // `shard` outlives this.
  Charging(diameter::Identity identity, engine::Shard& shard)
      : credit_control_(std::move(identity), shard), shard_(shard) {}

  void on_request(diameter::Peer& peer, const diameter::Message& request) override;
  void on_frames_ahead(std::span<const diameter::Bytes> frames) override;
  void on_turn_end() override { shard_.end_turn(); }
  void on_peer_closed(diameter::Peer& peer) override;
  std::size_t unanswered() const override;

  // What those that wait under the ticket needed is there.
  void fetched(std::uint64_t ticket);

 private:
  struct Waiting {
    diameter::Peer* peer = nullptr;  // nullptr: it has gone, and nobody wants the answer
    std::vector<unsigned char> frame;
  };

  diameter::CreditControl credit_control_;
  engine::Shard& shard_;
  std::unordered_map<std::uint64_t, std::vector<Waiting>> waiting_;  // by ticket, in order
  diameter::Message again_;
};

}  // namespace farthing::tools
