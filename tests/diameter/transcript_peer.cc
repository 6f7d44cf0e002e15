#include "tests/diameter/transcript_peer.h"

#include "diameter/writer.h"
#include "engine/operations.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace farthing::test {

using diameter::AvpId;

TranscriptPeer::TranscriptPeer(TestEngine& engine, diameter::Identity identity)
    : engine_(engine),
      session_requests_(
          identity,
          [this](std::string_view host) {
            return peer_ && peer_->origin_host() == host ? peer_.get() : nullptr;
          },
          [this](std::string_view session_id) {
            (void)engine::close_session(engine_.shard(), session_id);
          }) {
  config_.identity = std::move(identity);
  config_.peers_allowed.emplace_back().network = *diameter::IpNetwork::parse("127.0.0.0/8");
  config_.watchdog_interval = std::chrono::hours(24);  // a transcript has other things to say
  config_.now = [this] { return now(); };
  engine_.on_notice(
      [this](const engine::ClientNotice& notice) { session_requests_.send(notice, now()); });
  connect("pgw.example", 1);
}

diameter::MonotonicTime TranscriptPeer::now() const {
  return diameter::MonotonicTime(engine_.now().time_since_epoch());
}

void TranscriptPeer::use_profile(const diameter::PeerProfile& profile) {
  config_.peers_allowed.front().profile = profile;
}

void TranscriptPeer::connect(const std::string& host, std::uint32_t state_id) {
  disconnect();
  if (!context_) context_.emplace(config_, *this);
  const auto address = *diameter::IpAddress::parse("127.0.0.1");
  peer_ = std::make_unique<diameter::Peer>(*context_, ++peers_, address, address);
  diameter::Buffer cer;
  diameter::Writer writer(cer);
  writer.begin(
      {diameter::command_flag::request, diameter::command::capabilities_exchange, 0, 1, 1});
  writer.put_text(AvpId::origin_host, host);
  writer.put_text(AvpId::origin_realm, "example");
  const std::uint8_t here[] = {127, 0, 0, 1};
  writer.put_address(AvpId::host_ip_address, {diameter::Address::ipv4, here});
  writer.put_u32(AvpId::vendor_id, 0);
  writer.put_text(AvpId::product_name, "transcript");
  writer.put_u32(AvpId::origin_state_id, state_id);
  writer.put_u32(AvpId::auth_application_id, diameter::application::credit_control);
  writer.finish();
  peer_->receive(cer.bytes(), now());
  diameter::Buffer cea;
  peer_->take_ready(cea);
  if (peer_->state() != diameter::PeerState::open) throw std::runtime_error("the peer is refused");
}

void TranscriptPeer::disconnect() {
  if (peer_) peer_->disconnected(now());
  peer_.reset();
}

void TranscriptPeer::answer(std::uint32_t result) {
  diameter::Buffer answer;
  diameter::Writer writer(answer);
  writer.begin_answer(last_, result / 1000 == 3);
  writer.put_u32(AvpId::result_code, result);
  writer.finish();
  if (peer_) peer_->receive(answer.bytes(), now());
}

std::vector<std::string> TranscriptPeer::sent() {
  if (peer_) peer_->check_deadlines(now());
  session_requests_.check_deadlines(now());
  std::vector<std::string> lines;
  if (!peer_) return lines;
  diameter::Buffer out;
  peer_->take_ready(out);
  for (diameter::Bytes left = out.bytes(); left.size() >= diameter::header_size_bytes;) {
    const std::size_t size = diameter::load_u24(left.data() + 1);
    const std::uint32_t command = diameter::load_u24(left.data() + 5);
    const bool is_ours =
        command == diameter::command::re_auth || command == diameter::command::abort_session;
    if (is_ours) lines.push_back(describe(left.first(size)));  // not the watchdog's
    left = left.subspan(size);
  }
  return lines;
}

std::string TranscriptPeer::describe(diameter::Bytes frame) {
  if (!diameter::decode(frame, message_).has_value()) return "? malformed";
  last_ = message_.header();
  std::string line = last_.command == diameter::command::re_auth ? "? RAR" : "? ASR";
  if (last_.is_retransmitted()) line += " T";
  for (const diameter::Avp& avp : message_.avps()) {
    if (avp.id == AvpId::session_id) line += fmt::format(" session={}", avp.text());
    if (avp.id == AvpId::rating_group) line += fmt::format(" rg={}", avp.u32());
    if (avp.id == AvpId::re_auth_request_type) line += fmt::format(" type={}", avp.u32());
    if (avp.id == AvpId::auth_application_id) line += fmt::format(" application={}", avp.u32());
    if (avp.id == AvpId::destination_host) line += fmt::format(" to={}", avp.text());
  }
  return line;
}

void TranscriptPeer::on_request(diameter::Peer& /*peer*/, const diameter::Message& /*request*/) {
  throw std::runtime_error("requests of a transcript do not go through its peer");
}

void TranscriptPeer::on_answer(diameter::Peer& /*peer*/, const diameter::Message& answer,
                               std::uint64_t request_id) {
  session_requests_.on_answer(answer, request_id, now());
}

void TranscriptPeer::on_request_lost(std::uint64_t request_id, diameter::RequestLost /*why*/) {
  session_requests_.on_lost(request_id, now());
}

void TranscriptPeer::on_peer_restarted(diameter::Peer& peer, std::uint32_t /*state_id_before*/,
                                       std::uint32_t /*state_id*/) {
  engine_.shard().client_restarted(peer.origin_host());
}

}  // namespace farthing::test
