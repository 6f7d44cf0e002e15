// A Peer without a socket, and the messages of its other side, for tests of the base protocol.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "diameter/peer.h"
#include "diameter/writer.h"
#include "tests/diameter/captures.h"

namespace farthing::diameter::testing {

// Answers every request with 2001, ready or held.
class PeerApplication : public Application {
 public:
  void on_request(Peer& peer, const Message& request) override {
    requests.push_back(request.header().end_to_end);
    Writer writer(holds ? peer.held_buffer() : peer.ready_buffer());
    writer.begin_answer(request.header());
    writer.put_result(ResultCode::success);
    writer.finish();
  }
  void on_peer_open(Peer& /*peer*/) override { ++opened; }
  void on_peer_closed(Peer& /*peer*/) override { ++closed; }
  void on_peer_restarted(Peer& peer, std::uint32_t before, std::uint32_t after) override {
    restarts.push_back(peer.origin_host() + " " + std::to_string(before) + " " +
                       std::to_string(after));
  }

  void on_answer(Peer& peer, const Message& answer, std::uint64_t id) override {
    const Avp* result = answer.find(AvpId::result_code);
    ends.push_back(std::to_string(id) + " answered " +
                   std::to_string(result == nullptr ? 0 : result->u32()) + " by " +
                   peer.origin_host());
  }
  void on_request_lost(std::uint64_t id, RequestLost why) override {
    constexpr const char* names[] = {"timeout", "peer_gone", "unreadable"};
    ends.push_back(std::to_string(id) + " lost " + names[static_cast<std::size_t>(why)]);
  }

  bool holds = false;
  int opened = 0;
  int closed = 0;
  std::vector<std::uint32_t> requests;
  std::vector<std::string> restarts;
  std::vector<std::string> ends;  // Of requests of our own.
};

// A CER to be bent: what is left out or added is up to the test.
struct Cer {
  bool has_host = true;
  bool has_realm = true;
  bool has_address = true;
  std::string host = "client.example";
  std::vector<std::uint32_t> auth_ids = {4};
  std::vector<std::uint32_t> vendor_auth_ids = {};
  std::vector<std::uint32_t> inband_security = {};
  std::optional<std::uint32_t> state_id = {};

  void write(Buffer& out) const {
    Writer writer(out);
    writer.begin(Header{0x80, 257, 0, 1, 1});
    if (has_host) writer.put_text(AvpId::origin_host, host);
    if (has_realm) writer.put_text(AvpId::origin_realm, "example");
    const std::uint8_t address[] = {127, 0, 0, 1};
    if (has_address) writer.put_address(AvpId::host_ip_address, {Address::ipv4, address});
    writer.put_u32(AvpId::vendor_id, 0);
    writer.put_text(AvpId::product_name, "test");
    if (state_id) writer.put_u32(AvpId::origin_state_id, *state_id);
    for (const std::uint32_t id : auth_ids) writer.put_u32(AvpId::auth_application_id, id);
    for (const std::uint32_t id : vendor_auth_ids) {
      writer.begin_group(AvpId::vendor_specific_application_id);
      writer.put_u32(AvpId::vendor_id, 10415);
      writer.put_u32(AvpId::auth_application_id, id);
      writer.end_group();
    }
    for (const std::uint32_t id : inband_security) writer.put_u32(AvpId::inband_security_id, id);
    writer.finish();
  }
};

inline void write_request(Buffer& out, std::uint32_t end_to_end, std::uint32_t command = 272,
                          std::uint32_t application = 4) {
  Writer writer(out);
  writer.begin(Header{0xc0, command, application, 100, end_to_end});
  writer.put_text(AvpId::session_id, "session");
  writer.put_text(AvpId::origin_host, "client.example");
  writer.put_text(AvpId::origin_realm, "example");
  writer.put_text(AvpId::destination_realm, "Farthing.Example");
  writer.finish();
}

class PeerTest : public ::testing::Test {
 protected:
  PeerTest() {
    config.identity = {"ocs.farthing.example", "farthing.example", 7};
    config.peers_allowed = {{"*", *IpNetwork::parse("127.0.0.0/8")}};
    config.now = [this] { return now; };
    config.log = [this](LogLevel, std::string_view line) { lines.emplace_back(line); };
  }

  Peer& peer() {
    if (!peer_) {
      context_ = std::make_unique<PeerContext>(config, application);
      make_peer();
    }
    return *peer_;
  }
  void make_peer(const char* remote = "127.0.0.1") {
    peer_ = std::make_unique<Peer>(*context_, ++ids_, *IpAddress::parse(remote),
                                   *IpAddress::parse("127.0.0.1"));
  }
  void open() {
    send_cer({});
    ASSERT_EQ(take_one_result(), 2001u);
    ASSERT_EQ(peer().state(), PeerState::open);
  }
  void send_cer(const Cer& cer) {
    Buffer out;
    cer.write(out);
    EXPECT_EQ(peer().receive(out.bytes(), now), out.size());
  }
  void send(Bytes octets) { peer().receive(octets, now); }

  // What the peer has to say, message by message.
  std::vector<Octets> take() {
    Buffer out;
    peer().take_ready(out);
    peer().unlist_ready();
    std::erase(context_->ready, peer_.get());
    std::vector<Octets> frames;
    for (std::size_t at = 0; at < out.size();) {
      const std::size_t size = load_u24(out.data() + at + 1);
      frames.emplace_back(out.data() + at, out.data() + at + size);
      at += size;
    }
    return frames;
  }
  const Message& take_one() {
    last_ = take();
    EXPECT_EQ(last_.size(), 1u);
    // Not every answer decodes without an error: a refused Session-Id is sent back as it came.
    if (last_.size() == 1) decodes_ = decode(last_[0], message_).has_value();
    return message_;
  }
  std::uint32_t take_one_result() {
    const Avp* result = take_one().find(AvpId::result_code);
    return result == nullptr ? 0 : result->u32();
  }

  MonotonicTime now{};
  ServerConfig config;
  PeerApplication application;
  std::vector<std::string> lines;

  std::unique_ptr<PeerContext> context_;
  std::unique_ptr<Peer> peer_;

 private:
  std::uint64_t ids_ = 0;
  std::vector<Octets> last_;
  Message message_;

 protected:
  bool decodes_ = true;
};

}  // namespace farthing::diameter::testing
