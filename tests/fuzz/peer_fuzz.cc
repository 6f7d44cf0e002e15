// The peer state machine under anything that clients, the clock and the application can do: up to
// four connections, inbound and outbound, of which some claim each other's name.
//
// Input: steps, an octet each (the high half says what, the low half to whom), with what they need
// behind. Played twice, the second time read a few octets at a time: what comes of it is the same.
#include "diameter/peer.h"
#include "diameter/writer.h"
#include "engine/base/assert.h"
#include "tests/fuzz/input.h"

#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace farthing::diameter {
namespace {

constexpr std::size_t connections = 4;
constexpr std::size_t whole = 1u << 20;
constexpr std::size_t a_few = 7;
constexpr std::array hosts = {"client.example", "CLIENT.example", "agent.example", "z.example"};

class FuzzPeer : public Peer {
 public:
  using Peer::Peer;
  bool is_secure() const override { return has_tls; }
  bool has_certificate_of(std::string_view origin_host) const override {
    return has_tls && origin_host == hosts[0];
  }

  bool has_tls = false;
};

struct Connection {
  std::unique_ptr<FuzzPeer> peer;
  std::vector<std::uint8_t> unread;
  std::vector<Header> asked;  // requests of ours that the other side may answer
  std::uint64_t answers = 0;
};

class World : public Application {
 public:
  explicit World(std::size_t chunk) : chunk_(chunk), context_(config_, *this) {
    config_.identity = {"ocs.example", "example", 7};
    config_.peers_allowed.push_back({hosts[0], *IpNetwork::parse("127.0.0.0/8")});
    config_.peers_allowed.back().certificate_required = true;
    config_.peers_allowed.push_back({hosts[3], *IpNetwork::parse("*")});
    config_.peers_allowed.back().profile.several_connections = true;
    config_.peers_allowed.push_back({"*", *IpNetwork::parse("127.0.0.0/8")});
    config_.peers_allowed.back().profile.destinations = PeerProfile::Destinations::own;
    config_.message_size_bytes_max = 4096;
    config_.own_requests_max = 4;
    config_.has_inband_tls = true;
    config_.now = [this] { return now_; };
    agent_.origin_host = hosts[2];
    for (Connection& one : connections_) connect(one, false);
  }
  ~World() override {
    for (Connection& one : connections_) one.peer.reset();
  }

  // What was seen of it from outside.
  std::string play(test::FuzzInput input) {
    while (!input.is_empty()) {
      step(input);
      check();
    }
    for (Connection& one : connections_) end(one);
    check();
    FARTHING_ASSERT(under_way_.empty() && known_.empty());
    return std::move(seen_);
  }

  void on_request(Peer& peer, const Message& request) override {
    FARTHING_ASSERT(known_.contains(peer.id()) && peer.state() == PeerState::open);
    FARTHING_ASSERT(request.header().is_request());
    note("request", peer.id());
    Writer writer(holds_ ? peer.held_buffer() : peer.ready_buffer());
    writer.begin_answer(request.header());
    writer.put_result(ResultCode::success);
    writer.finish();
  }
  void on_answer(Peer& peer, const Message& answer, std::uint64_t id) override {
    FARTHING_ASSERT(!answer.header().is_request() && known_.contains(peer.id()));
    FARTHING_ASSERT(under_way_.erase(id) == 1);
    note("answer", id);
  }
  void on_request_lost(std::uint64_t id, RequestLost why) override {
    FARTHING_ASSERT(under_way_.erase(id) == 1);
    note("lost", id * 4 + static_cast<std::uint64_t>(why));
  }
  void on_peer_open(Peer& peer) override {
    FARTHING_ASSERT(known_.insert(peer.id()).second);
    FARTHING_ASSERT(!peer.origin_host().empty());
    note("open", peer.id());
  }
  void on_peer_closed(Peer& peer) override {
    FARTHING_ASSERT(known_.erase(peer.id()) == 1);
    note("closed", peer.id());
  }
  void on_peer_restarted(Peer& peer, std::uint32_t before, std::uint32_t after) override {
    FARTHING_ASSERT(before < after && known_.contains(peer.id()));
    note("restarted", after);
  }

 private:
  void note(std::string_view what, std::uint64_t number) {
    seen_ += what;
    seen_ += ' ' + std::to_string(number) + '\n';
  }

  void connect(Connection& one, bool outbound) {
    one.unread.clear();
    one.asked.clear();
    one.answers = 0;
    one.peer =
        std::make_unique<FuzzPeer>(context_, ++last_id_, *IpAddress::parse("127.0.0.1"),
                                   *IpAddress::parse("127.0.0.1"), outbound ? &agent_ : nullptr);
    if (outbound) one.peer->send_cer();
  }

  // The transport is gone.
  void end(Connection& one) {
    one.peer->disconnected(now_);
    take(one);
    FARTHING_ASSERT(one.peer->state() == PeerState::closed);
  }

  void step(test::FuzzInput& input) {
    const std::uint32_t octet = input.octet();
    Connection& one = connections_[octet % connections];
    const bool flag = (octet & 8) != 0;
    switch (octet >> 4) {
      case 0:
        return hear(one, input.octets(input.u16()));
      case 1:
        return hear(one, message(input, one));
      case 2:
        return pass(std::chrono::milliseconds(100) * input.octet());
      case 3:
        return ask(*one.peer, flag);
      case 4:
        return take(one);
      case 5:
        holds_ = flag;
        return;
      case 6:
        return commit();
      case 7:
        return one.peer->stop(now_, flag ? disconnect_cause::busy : disconnect_cause::rebooting);
      case 8:
        return secure(one);
      case 9:
        end(one);
        return connect(one, flag);
      default:  // as the smaller halves do, so that few octets mean nothing
        return hear(one, message(input, one));
    }
  }

  void hear(Connection& one, Bytes octets) {
    if (one.peer->state() == PeerState::closed) return;  // the server reads no more
    one.unread.insert(one.unread.end(), octets.begin(), octets.end());
    read(one);
  }

  // What has come is handed over as the server does, in pieces of at most chunk_ more octets.
  void read(Connection& one) {
    std::size_t have = std::min(chunk_, one.unread.size());
    while (have > 0) {
      // A copy of its own, so that a sanitizer sees what is read past its end.
      const std::vector<std::uint8_t> input(one.unread.begin(),
                                            one.unread.begin() + static_cast<std::ptrdiff_t>(have));
      const PeerState before = one.peer->state();
      const std::size_t done = one.peer->receive(input, now_);
      FARTHING_ASSERT(done <= have);
      // What waits for others to decide takes nothing.
      const bool waits = before == PeerState::securing || before == PeerState::electing;
      FARTHING_ASSERT(!waits || (done == 0 && one.peer->state() == before));
      one.unread.erase(one.unread.begin(), one.unread.begin() + static_cast<std::ptrdiff_t>(done));
      const PeerState state = one.peer->state();
      if (state == PeerState::draining || state == PeerState::closed) one.unread.clear();
      if (state == PeerState::securing && !one.unread.empty()) return end(one);
      const std::size_t next = std::min(have - done + chunk_, one.unread.size());
      if (next == have - done) return;
      have = next;
    }
  }

  void pass(std::chrono::milliseconds time) {
    now_ += time;
    for (Connection& one : connections_) {
      one.peer->check_deadlines(now_);
      read(one);
    }
  }

  void ask(Peer& peer, bool aborts) {
    const std::uint32_t command = aborts ? command::abort_session : command::re_auth;
    const auto header = peer.begin_request({.command = command, .id = ++last_request_});
    if (!header) return;
    under_way_.insert(last_request_);
    Writer writer(peer.ready_buffer());
    writer.begin(*header);
    writer.put_text(AvpId::session_id, "session");
    writer.finish();
  }

  // What the peer has to say: whole messages, no more answers than it was sent requests.
  void take(Connection& one) {
    Buffer out;
    one.peer->take_ready(out);
    one.peer->unlist_ready();
    std::erase(context_.ready, one.peer.get());
    seen_.append(reinterpret_cast<const char*>(out.data()), out.size());
    for (std::size_t at = 0; at < out.size();) {
      const auto size = frame_size(out.data() + at, 0xffffff);
      FARTHING_ASSERT(size.has_value() && *size <= out.size() - at);
      const auto read = decode(out.bytes().subspan(at, *size), context_.message);
      FARTHING_ASSERT(read.has_value() || !read.error().is_fatal());
      const Header& header = context_.message.header();
      if (header.is_request()) {
        FARTHING_ASSERT(read.has_value());
        if (one.asked.size() == 8) one.asked.erase(one.asked.begin());
        one.asked.push_back(header);
      } else {
        ++one.answers;
      }
      at += *size;
    }
  }

  void commit() {
    for (Peer* peer : std::exchange(context_.gathering, {})) {
      peer->seal_held();
      context_.committing.push_back(peer);
    }
    for (Peer* peer : std::exchange(context_.committing, {})) peer->release_held();
  }

  void secure(Connection& one) {
    if (one.peer->state() != PeerState::securing) return;
    one.peer->has_tls = true;
    one.peer->secured(now_);
  }

  // A whole message as a peer sends it.
  Bytes message(test::FuzzInput& input, const Connection& one) {
    const std::uint32_t kind = input.below(8);
    const std::uint32_t drawn = input.octet();
    message_.clear();
    Writer writer(message_);
    if (kind < 4) {
      constexpr std::array commands = {command::capabilities_exchange, command::device_watchdog,
                                       command::disconnect_peer, command::credit_control};
      const bool is_base = kind < 3;
      writer.begin({command_flag::request, commands[kind], is_base ? 0u : 4u, drawn, drawn});
    } else {  // the answer to something that was asked
      const std::size_t back = std::min<std::size_t>(kind - 4, one.asked.size());
      const Header header = back == 0 ? Header{0, command::device_watchdog, 0, drawn, drawn}
                                      : one.asked[one.asked.size() - back];
      writer.begin_answer(header);
      writer.put_result(drawn == 0 ? ResultCode::success : static_cast<ResultCode>(drawn));
    }
    put_content(writer, input, drawn);
    writer.finish();
    return message_.bytes();
  }

  // What a CER or a CEA has to say, and less.
  static void put_content(Writer& writer, test::FuzzInput& input, std::uint32_t drawn) {
    const std::uint32_t left_out = input.octet();
    const std::uint8_t address[] = {127, 0, 0, 1};
    writer.put_text(AvpId::origin_host, hosts[drawn % hosts.size()]);
    if ((left_out & 1) == 0) writer.put_text(AvpId::origin_realm, "example");
    if ((left_out & 2) == 0) writer.put_address(AvpId::host_ip_address, {Address::ipv4, address});
    if ((left_out & 4) == 0) writer.put_u32(AvpId::vendor_id, 0);
    if ((left_out & 8) == 0) writer.put_text(AvpId::product_name, "fuzz");
    if ((left_out & 16) == 0) writer.put_u32(AvpId::auth_application_id, 4);
    if ((left_out & 32) != 0) writer.put_u32(AvpId::origin_state_id, drawn);
    if ((left_out & 64) != 0) writer.put_u32(AvpId::inband_security_id, drawn % 2);
    if ((left_out & 128) != 0) writer.put_text(AvpId::destination_realm, "elsewhere.example");
  }

  void check() {
    std::size_t open = 0;
    for (const Connection& one : connections_) {
      const Peer& peer = *one.peer;
      const PeerState state = peer.state();
      if (state == PeerState::open || state == PeerState::closing) ++open;
      const auto named = context_.open_peers.named(peer.origin_host());
      const bool is_named = std::ranges::find(named, &peer) != named.end();
      FARTHING_ASSERT(is_named == (state == PeerState::open));
      if (state == PeerState::open) FARTHING_ASSERT(known_.contains(peer.id()));
      if (state == PeerState::closed) FARTHING_ASSERT(!known_.contains(peer.id()));
      FARTHING_ASSERT(one.answers <= context_.metrics.messages_in);
    }
    FARTHING_ASSERT(context_.metrics.peers_open == open);
    FARTHING_ASSERT(under_way_.size() <= connections * config_.own_requests_max);
  }

  const std::size_t chunk_;
  ServerConfig config_;
  PeerContext context_;
  PeerRule agent_;
  MonotonicTime now_{std::chrono::hours(1)};
  bool holds_ = false;
  std::array<Connection, connections> connections_;
  Buffer message_;
  std::uint64_t last_id_ = 0;
  std::uint64_t last_request_ = 0;
  std::set<std::uint64_t> known_;      // peers that the application was told of
  std::set<std::uint64_t> under_way_;  // requests of ours
  std::string seen_;
};

}  // namespace
}  // namespace farthing::diameter

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace farthing::diameter;
  const farthing::test::FuzzInput input({data, size});
  const auto at_once = std::make_unique<World>(whole);
  const auto by_the_few = std::make_unique<World>(a_few);
  FARTHING_ASSERT(at_once->play(input) == by_the_few->play(input));
  return 0;
}
