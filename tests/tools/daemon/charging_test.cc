#include "tools/daemon/charging.h"

#include "diameter/peer.h"
#include "diameter/writer.h"
#include "tests/support/test_engine.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace farthing::tools {
namespace {

using diameter::AvpId;
using engine::Money;

constexpr const char* anna = "8613800138000";

engine::ShardOptions nobody_stays() {
  engine::ShardOptions options;
  options.accounts_memory_bytes = 1;  // everything that may leave memory does
  return options;
}

// The application over an engine whose accounts have all to be read, and one open peer.
class Charging : public testing::Test {
 protected:
  Charging() {
    config_.identity = {"ocs.farthing.example", "farthing.example", 1};
    config_.peers_allowed.emplace_back().network = *diameter::IpNetwork::parse("127.0.0.0/8");
    config_.now = [this] { return now_; };
    engine_.checkpoint();
    for (int i = 0; i < 4; ++i) engine_.shard().end_turn();
    EXPECT_EQ(engine_.shard().book().accounts().size(), 0u);
    engine::Shard::Hooks hooks;
    hooks.fetched = [this](std::uint64_t ticket) { charging_.fetched(ticket); };
    engine_.shard().set_hooks(std::move(hooks));
    open();
  }

  void open() {
    diameter::Buffer cer;
    diameter::Writer writer(cer);
    writer.begin(
        {diameter::command_flag::request, diameter::command::capabilities_exchange, 0, 1, 1});
    writer.put_text(AvpId::origin_host, "pgw.example");
    writer.put_text(AvpId::origin_realm, "example");
    const std::uint8_t here[] = {127, 0, 0, 1};
    writer.put_address(AvpId::host_ip_address, {diameter::Address::ipv4, here});
    writer.put_u32(AvpId::vendor_id, 0);
    writer.put_text(AvpId::product_name, "test");
    writer.put_u32(AvpId::auth_application_id, diameter::application::credit_control);
    writer.finish();
    peer_.receive(cer.bytes(), now_);
    diameter::Buffer cea;
    peer_.take_ready(cea);
    ASSERT_EQ(peer_.state(), diameter::PeerState::open);
  }

  // An event of one message, or a session's request with its report.
  void send(engine::RequestType type, const std::string& session, std::uint64_t used_octets = 0) {
    const bool is_event = type == engine::RequestType::event;
    diameter::Buffer frame;
    diameter::Writer writer(frame);
    writer.begin({diameter::command_flag::request, diameter::command::credit_control, 4, 7, 7});
    writer.put_text(AvpId::session_id, session);
    writer.put_text(AvpId::origin_host, "pgw.example");
    writer.put_text(AvpId::origin_realm, "example");
    writer.put_text(AvpId::destination_realm, "farthing.example");
    writer.put_text(AvpId::service_context_id, is_event ? "32274@3gpp.org" : "32251@3gpp.org");
    writer.put_u32(AvpId::cc_request_type, static_cast<std::uint32_t>(type));
    writer.put_u32(AvpId::cc_request_number, type == engine::RequestType::update ? 1 : 0);
    writer.begin_group(AvpId::subscription_id);
    writer.put_u32(AvpId::subscription_id_type, 0);
    writer.put_text(AvpId::subscription_id_data, anna);
    writer.end_group();
    if (is_event) writer.put_u32(AvpId::requested_action, 0);
    writer.begin_group(AvpId::multiple_services_credit_control);
    writer.begin_group(AvpId::requested_service_unit);
    writer.end_group();
    if (used_octets > 0) {
      writer.begin_group(AvpId::used_service_unit);
      writer.put_u64(AvpId::cc_total_octets, used_octets);
      writer.end_group();
    }
    writer.end_group();
    writer.finish();
    peer_.receive(frame.bytes(), now_);
  }

  // What was asked for is read, and decided.
  void read_on() {
    do {
      engine_.sync();
    } while (engine_.store().read_next());
    engine_.sync();
  }

  Money balance() { return engine_.shard().book().find_account(anna)->balance(); }

  test::TestEngine engine_{nobody_stays()};
  diameter::MonotonicTime now_{};
  diameter::ServerConfig config_;
  tools::Charging charging_{{"ocs.farthing.example", "farthing.example", 1},
                            engine_.shard(),
                            [](std::string_view) { return nullptr; },
                            [this] { return now_; }};
  diameter::PeerContext context_{config_, charging_};
  diameter::Peer peer_{context_, 1, *diameter::IpAddress::parse("127.0.0.1"),
                       *diameter::IpAddress::parse("127.0.0.1")};
};

TEST_F(Charging, WhatHadToWaitIsDecidedWhenItCan) {
  send(engine::RequestType::event, "e");
  now_ += std::chrono::seconds(9);
  read_on();
  EXPECT_EQ(balance(), Money(99'900'000));
}

// After its Tx a client has served an event, or refused it, by itself (RFC 8506 13): an answer is
// of no use, and a charge would be one for nothing.
TEST_F(Charging, WhatItsClientHasGivenUpIsNotChargedLate) {
  send(engine::RequestType::event, "e");
  send(engine::RequestType::initial, "s");
  now_ += std::chrono::seconds(10);
  read_on();
  EXPECT_EQ(engine_.shard().book().session_count(), 0u);
  // What comes again in time is the only one.
  send(engine::RequestType::event, "e");
  read_on();
  EXPECT_EQ(balance(), Money(99'900'000));
}

}  // namespace
}  // namespace farthing::tools
