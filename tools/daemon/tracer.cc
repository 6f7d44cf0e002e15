#include "tools/daemon/tracer.h"

#include "diameter/credit_control_request.h"
#include "diameter/peer.h"
#include "diameter/raw_avps.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace farthing::tools {

namespace {

using diameter::AvpId;
using diameter::Bytes;
using diameter::RawAvps;
using engine::Identity;

constexpr std::size_t sessions_max = 10'000;
constexpr std::size_t entries_max = 100'000;

AvpId id_of(const RawAvps& avps) { return diameter::find_avp(avps.vendor(), avps.code()); }

std::string_view text_of(Bytes value) {
  return {reinterpret_cast<const char*>(value.data()), value.size()};
}

std::optional<Identity> identity_in(Bytes subscription) {
  std::optional<diameter::SubscriptionIdType> type;
  std::string_view data;
  RawAvps avps(subscription);
  while (avps.next()) {
    if (id_of(avps) == AvpId::subscription_id_type && avps.value().size() == 4) {
      type = static_cast<diameter::SubscriptionIdType>(avps.u32());
    } else if (id_of(avps) == AvpId::subscription_id_data) {
      data = text_of(avps.value());
    }
  }
  return type ? diameter::identity_of(*type, data) : std::nullopt;
}

// Whether one of them is named anywhere that a request names its subscriber.
bool names(Bytes octets, const std::vector<Identity>& wanted, bool is_inside = false) {
  const auto is_wanted = [&wanted](const std::optional<Identity>& identity) {
    return identity && std::ranges::find(wanted, *identity) != wanted.end();
  };
  using Type = diameter::SubscriptionIdType;
  RawAvps avps(octets);
  while (avps.next()) {
    switch (id_of(avps)) {
      case AvpId::subscription_id:
        if (is_wanted(identity_in(avps.value()))) return true;
        break;
      case AvpId::service_information:
      case AvpId::subscription_id_extension:
        if (!is_inside && names(avps.value(), wanted, true)) return true;
        break;
      case AvpId::subscription_id_imsi:
        if (is_wanted(diameter::identity_of(Type::imsi, text_of(avps.value())))) return true;
        break;
      case AvpId::user_name:
      case AvpId::subscription_id_e164:
      case AvpId::subscription_id_sip_uri:
        if (is_wanted(diameter::identity_of(Type::e164, text_of(avps.value())))) return true;
        break;
      default:
        break;
    }
  }
  return false;
}

std::string_view find_text(Bytes frame, AvpId wanted) {
  RawAvps avps(diameter::body_of(frame));
  while (avps.next()) {
    if (id_of(avps) == wanted) return text_of(avps.value());
  }
  return {};
}

}  // namespace

void Tracer::Trace::learn(std::string session_id) {
  if (!sessions.insert(session_id).second) return;
  sessions_in_order.push_back(std::move(session_id));
  if (sessions_in_order.size() <= sessions_max) return;
  sessions.erase(sessions_in_order.front());
  sessions_in_order.pop_front();
}

void Tracer::begin(engine::admin::TraceWish wish, std::weak_ptr<engine::admin::TraceQueue> queue) {
  Trace& trace = traces_.emplace_back(Trace{std::move(wish), std::move(queue), {}, {}});
  for (std::string& session : trace.wish.sessions) trace.learn(std::move(session));
  trace.wish.sessions.clear();
}

bool Tracer::review() {
  std::erase_if(traces_, [](const Trace& trace) { return trace.queue.expired(); });
  if (traces_.empty()) entries_.clear();
  return !traces_.empty();
}

bool Tracer::is_wanted(Trace& trace, std::string_view peer, Bytes frame) const {
  if (!trace.wish.peer.empty()) return trace.wish.peer == peer;
  const std::string_view session = find_text(frame, AvpId::session_id);
  if (session.empty()) return false;
  if (trace.sessions.contains(session)) return true;
  if (!diameter::header_of(frame).is_request()) return false;  // its request was not wanted
  if (!names(diameter::body_of(frame), trace.wish.identities)) return false;
  trace.learn(std::string(session));  // its other messages may not name anybody
  return true;
}

void Tracer::show(const diameter::Peer& peer, Bytes frame, bool is_received,
                  engine::Sequence entry) {
  std::string_view host = peer.origin_host();
  if (host.empty() && is_received) host = find_text(frame, AvpId::origin_host);
  for (Trace& trace : traces_) {
    if (!is_wanted(trace, host, frame)) continue;
    const auto queue = trace.queue.lock();
    if (queue == nullptr) continue;
    queue->push({clock_(), peer.id(), std::string(host), peer.remote_address().to_string(),
                 is_received, std::vector(frame.begin(), frame.end()), entry});
  }
}

void Tracer::on_received(const diameter::Peer& peer, Bytes frame) { show(peer, frame, true, {}); }

void Tracer::on_sent(const diameter::Peer& peer, Bytes frame) {
  const diameter::Header header = diameter::header_of(frame);
  engine::Sequence entry;
  if (!header.is_request()) {
    const auto noted = entries_.extract({peer.id(), header.hop_by_hop});
    if (!noted.empty()) entry = noted.mapped();
  }
  show(peer, frame, false, entry);
}

// Answers that are never sent, of peers that go away, must not fill the memory.
void Tracer::note_entry(std::uint64_t peer_id, std::uint32_t hop_by_hop, engine::Sequence entry) {
  if (entries_.size() >= entries_max) entries_.clear();
  entries_[{peer_id, hop_by_hop}] = entry;
}

}  // namespace farthing::tools
