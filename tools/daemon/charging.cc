#include "tools/daemon/charging.h"

#include "diameter/peer.h"
#include "engine/base/assert.h"
#include "engine/operations.h"
#include "tools/daemon/tracer.h"

#include <array>
#include <string_view>
#include <utility>

namespace farthing::tools {

Charging::Charging(const diameter::Identity& identity, engine::Shard& shard,
                   diameter::SessionRequests::FindPeer find_peer, Now now)
    : admission_(identity, std::uint64_t{identity.origin_state_id} << 32),
      credit_control_(identity, shard, &admission_.report()),
      shard_(shard),
      now_(std::move(now)),
      session_requests_(identity, std::move(find_peer), [this](std::string_view session_id) {
        // Refused only where it has ended meanwhile.
        (void)engine::close_session(shard_, session_id,
                                    {"farthing", "its client does not know it", ""});
      }) {}

void Charging::on_request(diameter::Peer& peer, const diameter::Message& request) {
  ++served_;
  const engine::Shard::Hold hold =
      credit_control_.decide(request, peer.profile(), peer.origin_host());
  switch (hold) {
    case engine::Shard::Hold::ready:
      credit_control_.write(request, peer.ready_buffer());
      break;
    case engine::Shard::Hold::held:
      credit_control_.write(request, peer.held_buffer());
      break;
    case engine::Shard::Hold::fetching: {
      const diameter::Bytes frame = request.frame();
      waiting_[shard_.fetch_ticket()].push_back({&peer, {frame.begin(), frame.end()}, now_()});
      return;
    }
  }
  if (tracer_ != nullptr) {
    tracer_->note_entry(peer.id(), request.header().hop_by_hop, shard_.answered_in());
  }
  if (session_requests_.under_way() == 0) return;
  if (const diameter::Avp* session = request.find(diameter::AvpId::session_id)) {
    session_requests_.heard(session->text());
  }
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

void Charging::on_answer(diameter::Peer& /*peer*/, const diameter::Message& answer,
                         std::uint64_t request_id) {
  session_requests_.on_answer(answer, request_id, now_());
}

void Charging::on_request_lost(std::uint64_t request_id, diameter::RequestLost /*why*/) {
  session_requests_.on_lost(request_id, now_());
}

void Charging::on_peer_closed(diameter::Peer& peer) {
  for (auto& [ticket, requests] : waiting_) {
    for (Waiting& waiting : requests) {
      if (waiting.peer == &peer) waiting.peer = nullptr;
    }
  }
}

void Charging::on_peer_restarted(diameter::Peer& peer, std::uint32_t /*state_id_before*/,
                                 std::uint32_t /*state_id*/) {
  shard_.client_restarted(peer.origin_host());
}

// Its client has given up waiting (RFC 8506 13, Tx), and has served the event or refused it by
// itself: nothing new is begun or charged. What was used is reported once, however late.
bool Charging::is_too_late(const Waiting& waiting, const diameter::Message& request) const {
  if (now_() - waiting.came_at < waiting.peer->profile().tx) return false;
  const diameter::Avp* const type = request.find(diameter::AvpId::cc_request_type);
  if (type == nullptr) return false;
  const auto what = static_cast<engine::RequestType>(type->u32());
  return what == engine::RequestType::initial || what == engine::RequestType::event;
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
    if (!is_too_late(waiting, again_)) on_request(*waiting.peer, again_);
  }
}

void Charging::tell(const engine::ClientNotice& notice) { session_requests_.send(notice, now_()); }

void Charging::tick() {
  const diameter::MonotonicTime now = now_();
  session_requests_.check_deadlines(now);
  if (now - reviewed_at_ < std::chrono::seconds(1)) return;
  reviewed_at_ = now;
  admission_.review(std::exchange(served_, 0));
}

}  // namespace farthing::tools
