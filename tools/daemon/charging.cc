#include "tools/daemon/charging.h"

#include "diameter/peer.h"
#include "engine/base/assert.h"

#include <array>
#include <string_view>
#include <utility>

namespace farthing::tools {

void Charging::on_request(diameter::Peer& peer, const diameter::Message& request) {
  const engine::Shard::Hold hold = credit_control_.decide(request);
  switch (hold) {
    case engine::Shard::Hold::ready:
      return credit_control_.write(request, peer.ready_buffer());
    case engine::Shard::Hold::held:
      return credit_control_.write(request, peer.held_buffer());
    case engine::Shard::Hold::fetching:
      break;
  }
  const diameter::Bytes frame = request.frame();
  waiting_[shard_.fetch_ticket()].push_back({&peer, {frame.begin(), frame.end()}});
}

void Charging::on_frames_ahead(std::span<const diameter::Bytes> frames) {
  std::array<std::string_view, ahead_max> ids;
  std::size_t count = 0;
  for (const diameter::Bytes frame : frames) {
    const std::string_view id = diameter::session_id_of(frame);
    if (!id.empty()) ids[count++] = id;
  }
  shard_.expect({ids.data(), count});
}

void Charging::on_peer_closed(diameter::Peer& peer) {
  for (auto& [ticket, requests] : waiting_) {
    for (Waiting& waiting : requests) {
      if (waiting.peer == &peer) waiting.peer = nullptr;
    }
  }
}

std::size_t Charging::unanswered() const { return waiting_.size(); }

void Charging::fetched(std::uint64_t ticket) {
  auto requests = waiting_.extract(ticket);
  if (requests.empty()) return;
  for (const Waiting& waiting : requests.mapped()) {
    // Its client sends it again over another connection, and then it is decided.
    if (waiting.peer == nullptr) continue;
    const auto decoded = diameter::decode(waiting.frame, again_);
    FARTHING_ASSERT(decoded.has_value());  // it was when it came
    on_request(*waiting.peer, again_);
  }
}

}  // namespace farthing::tools
