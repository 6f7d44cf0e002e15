#include "diameter/session_requests.h"

#include "diameter/peer.h"
#include "diameter/writer.h"

#include <algorithm>
#include <vector>

namespace farthing::diameter {

using engine::ClientNotice;

void SessionRequests::send(const ClientNotice& notice, MonotonicTime now) {
  const auto known = by_session_.find(notice.session_id);
  if (known != by_session_.end()) {
    Pending& pending = pending_.at(known->second);
    // Who is to end need not ask again first; who was asked will ask.
    if (notice.kind != ClientNotice::Kind::end || pending.notice.kind == notice.kind) return;
    forget(pending_.find(known->second));
  }
  if (pending_.size() >= sessions_max) {
    ++metrics_.given_up;
    return;
  }
  const std::uint64_t request = ++last_request_;
  Pending& pending = pending_[request];
  pending.notice = notice;
  pending.begun_at = now;
  by_session_.emplace(notice.session_id, request);
  try_now(request, pending, now);
}

// Over the connection that the client has now; where it has none, later.
void SessionRequests::try_now(std::uint64_t request, Pending& pending, MonotonicTime now) {
  const bool ends = pending.notice.kind == ClientNotice::Kind::end;
  if (pending.tries >= tries_max || now - pending.begun_at > patience) {
    ++metrics_.given_up;
    return forget(pending_.find(request));
  }
  wait_until(pending, now + retry_after);
  Peer* peer = find_peer_(pending.notice.origin_host);
  if (peer == nullptr && !pending.notice.via.empty()) peer = find_peer_(pending.notice.via);
  if (peer == nullptr) return;
  if (ends ? !peer->profile().abort : !peer->profile().reauthorise) {
    ++metrics_.not_able;
    return forget(pending_.find(request));
  }
  OwnRequest own;
  own.command = ends ? command::abort_session : command::re_auth;
  own.id = request;
  own.timeout = answer_timeout;
  own.repeated_end_to_end = pending.end_to_end;
  const std::optional<Header> header = peer->begin_request(own);
  if (!header) return;
  ++pending.tries;
  if (pending.end_to_end) ++metrics_.repeated;
  ++(ends ? metrics_.aborts_sent : metrics_.reauths_sent);
  pending.end_to_end = header->end_to_end;
  pending.deadline = MonotonicTime::max();  // it is answered, or lost
  write(pending.notice, *header, *peer);
}

void SessionRequests::write(const ClientNotice& notice, const Header& header, Peer& peer) const {
  constexpr std::uint32_t authorize_only = 0;
  Writer writer(peer.ready_buffer());
  writer.begin(header);
  writer.put_text(AvpId::session_id, notice.session_id);
  writer.put_text(AvpId::origin_host, identity_.origin_host);
  writer.put_text(AvpId::origin_realm, identity_.origin_realm);
  writer.put_text(AvpId::destination_realm, notice.origin_realm);
  writer.put_text(AvpId::destination_host, notice.origin_host);
  writer.put_u32(AvpId::auth_application_id, application::credit_control);
  if (notice.kind == ClientNotice::Kind::ask_again) {
    writer.put_u32(AvpId::re_auth_request_type, authorize_only);
    if (notice.rating_group) writer.put_u32(AvpId::rating_group, notice.rating_group->value);
  }
  writer.finish();
}

void SessionRequests::heard(std::string_view session_id) {
  if (by_session_.empty()) return;
  const auto known = by_session_.find(session_id);
  if (known == by_session_.end()) return;
  const auto pending = pending_.find(known->second);
  // A request of a session that is to end may have been on its way: that goes on.
  if (pending->second.notice.kind == ClientNotice::Kind::ask_again) forget(pending);
}

void SessionRequests::on_answer(const Message& answer, std::uint64_t request, MonotonicTime now) {
  const auto found = pending_.find(request);
  if (found == pending_.end()) return;  // its client has asked before it answered
  constexpr auto code_of = [](ResultCode code) { return static_cast<std::uint32_t>(code); };
  const Avp* const result = answer.find(AvpId::result_code);
  const std::uint32_t code = result == nullptr ? 0 : result->u32();
  if (code == code_of(ResultCode::unknown_session_id)) {
    ++metrics_.unknown;
    const std::string session_id = found->second.notice.session_id;
    forget(found);
    return unknown_(session_id);
  }
  if (code == code_of(ResultCode::limited_success) &&
      found->second.notice.kind == ClientNotice::Kind::ask_again) {
    found->second.is_answered = true;
    wait_until(found->second, now + asking_timeout);
    return;
  }
  if (code == code_of(ResultCode::unable_to_deliver) || code == code_of(ResultCode::too_busy)) {
    wait_until(found->second, now + retry_after);
    return;
  }
  forget(found);  // done (2001), or it never will be
}

void SessionRequests::on_lost(std::uint64_t request, MonotonicTime now) {
  const auto found = pending_.find(request);
  if (found != pending_.end()) wait_until(found->second, now);
}

void SessionRequests::check_deadlines(MonotonicTime now) {
  if (now < next_deadline_) return;
  next_deadline_ = MonotonicTime::max();
  std::vector<std::uint64_t> due;
  for (const auto& [request, pending] : pending_) {
    if (pending.deadline <= now) {
      due.push_back(request);
    } else {
      next_deadline_ = std::min(next_deadline_, pending.deadline);
    }
  }
  for (const std::uint64_t request : due) {
    const auto found = pending_.find(request);
    if (found->second.is_answered) {
      forget(found);  // it said that it would, and its validity ends all the same
    } else {
      try_now(request, found->second, now);
    }
  }
}

void SessionRequests::wait_until(Pending& pending, MonotonicTime deadline) {
  pending.deadline = deadline;
  next_deadline_ = std::min(next_deadline_, deadline);
}

void SessionRequests::forget(PendingMap::iterator which) {
  by_session_.erase(which->second.notice.session_id);
  pending_.erase(which);
}

}  // namespace farthing::diameter
