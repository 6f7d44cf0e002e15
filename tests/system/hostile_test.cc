// What one peer sends must not touch another: garbage, cut and oversized messages, absurd AVPs.
// While one misbehaves, a peer beside it has a session that goes on.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>

#include "diameter/buffer.h"
#include "diameter/dictionary.h"
#include "diameter/message.h"
#include "diameter/writer.h"
#include "tests/system/process.h"
#include "tests/system/wire.h"

namespace farthing::test {
namespace {

using diameter::AvpId;

class HostileTest : public ::testing::Test {
 protected:
  HostileTest() {
    EXPECT_EQ(result_of(good_.ask(capabilities_request("good.example"))), 2001u);
    expect_good_is_served();
  }

  // One more update of the good peer's session: 1 MiB used each time, at 0.10.
  void expect_good_is_served() {
    CreditRequest request;
    request.session = "good.example;1;1";
    request.type = number_ == 0 ? 1 : 2;
    request.number = number_;
    request.requested_octets = 1 << 20;
    if (number_ > 0) request.used_octets = 1 << 20;
    EXPECT_EQ(result_of(good_.ask(credit_request(request))), 2001u);
    const std::uint32_t tenths = 1000 - number_;
    EXPECT_EQ(server_.balance("8613800138000"),
              std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + "00000");
    ++number_;
  }

  // A connection whose capabilities are exchanged.
  std::unique_ptr<Wire> connect() {
    auto wire = std::make_unique<Wire>(server_.port());
    EXPECT_EQ(result_of(wire->ask(capabilities_request("bad.example"))), 2001u);
    return wire;
  }
  // It is closed without another answer.
  static void expect_closed(Wire& wire) { EXPECT_FALSE(wire.receive().has_value()); }

  // A sound request with something in place of its first AVP, the Session-Id.
  static Octets with_session(const std::string& session) {
    CreditRequest request;
    request.session = session;
    request.msisdn = "8613800138004";
    request.requested_octets = 1;
    return credit_request(request);
  }

  TempFolder folder_;
  Farthingd server_ = Farthingd::demo(folder_);

 private:
  Wire good_{server_.port()};
  std::uint32_t number_ = 0;
};

TEST_F(HostileTest, garbage_is_disconnected) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    Wire bad(server_.port());
    Octets garbage(1 + random() % 100'000);
    for (auto& octet : garbage) octet = static_cast<std::uint8_t>(random());
    garbage[0] = static_cast<std::uint8_t>(2 + random() % 254);  // no version of Diameter
    bad.send(garbage);
    expect_closed(bad);
  }
  expect_good_is_served();
}

TEST_F(HostileTest, garbage_after_a_sound_beginning_is_disconnected) {
  auto bad = connect();
  bad->send(Octets(1000, 0xff));
  while (bad->receive().has_value()) {
  }
  expect_good_is_served();
}

TEST_F(HostileTest, half_a_message_waits_and_harms_nobody) {
  auto bad = connect();
  const Octets request = with_session("bad.example;1;1");
  const auto half = request.begin() + static_cast<std::ptrdiff_t>(request.size() / 2);
  bad->send(Octets(request.begin(), half));
  expect_good_is_served();
  expect_good_is_served();
  bad->send(Octets(half, request.end()));
  EXPECT_EQ(result_of(bad->receive().value()), 2001u);
}

TEST_F(HostileTest, octet_by_octet_is_served) {
  auto slow = connect();
  for (const std::uint8_t octet : with_session("slow.example;1;1")) slow->send({octet});
  EXPECT_EQ(result_of(slow->receive().value()), 2001u);
}

TEST_F(HostileTest, oversized_and_undersized_lengths_are_disconnected) {
  for (const std::uint32_t length : {0xffffffu, 0x0ffffcu, 19u, 21u, 4u, 0u}) {
    auto bad = connect();
    Octets request = with_session("bad.example;1;1");
    request[1] = static_cast<std::uint8_t>(length >> 16);
    request[2] = static_cast<std::uint8_t>(length >> 8);
    request[3] = static_cast<std::uint8_t>(length);
    bad->send(request);
    while (bad->receive().has_value()) {
    }
  }
  expect_good_is_served();
}

// RFC 6733 5.6.1: the first message has to be a Capabilities-Exchange-Request.
TEST_F(HostileTest, request_before_the_capabilities_exchange_is_disconnected) {
  Wire bad(server_.port());
  bad.send(with_session("bad.example;1;1"));
  expect_closed(bad);
  expect_good_is_served();
}

TEST_F(HostileTest, nul_in_the_session_id_is_refused) {
  auto bad = connect();
  const Octets answer = bad->ask(with_session(std::string("bad\0example;1;1", 15)));
  // The answer repeats the Session-Id (RFC 6733 6.2), so it is no better than the request.
  const auto message = std::make_unique<diameter::Message>();
  EXPECT_FALSE(diameter::decode({answer.data(), answer.size()}, *message).has_value());
  ASSERT_NE(message->find(AvpId::result_code), nullptr);
  EXPECT_EQ(message->find(AvpId::result_code)->u32(), 5004u);
  // And the connection goes on.
  EXPECT_EQ(result_of(bad->ask(with_session("bad.example;1;2"))), 2001u);
  expect_good_is_served();
}

TEST_F(HostileTest, sixty_four_origin_hosts_are_refused) {
  diameter::Buffer buffer;
  diameter::Writer writer(buffer);
  writer.begin({diameter::command_flag::request, diameter::command::credit_control,
                diameter::application::credit_control, 7, 7});
  writer.put_text(AvpId::session_id, "bad.example;1;1");
  for (int n = 0; n < 64; ++n) writer.put_text(AvpId::origin_host, "bad.example");
  writer.finish();
  auto bad = connect();
  EXPECT_EQ(result_of(bad->ask({buffer.data(), buffer.data() + buffer.size()})), 5009u);
  expect_good_is_served();
}

TEST_F(HostileTest, wrong_address_family_is_refused) {
  diameter::Buffer buffer;
  diameter::Writer writer(buffer);
  writer.begin(
      {diameter::command_flag::request, diameter::command::capabilities_exchange, 0, 7, 7});
  writer.put_text(AvpId::origin_host, "bad.example");
  writer.put_text(AvpId::origin_realm, "bad.example");
  constexpr std::array<std::uint8_t, 3> octets = {1, 2, 3};
  writer.put_address(AvpId::host_ip_address, {diameter::Address::ipv4, octets});
  writer.put_u32(AvpId::vendor_id, 0);
  writer.put_text(AvpId::product_name, "bad");
  writer.put_u32(AvpId::auth_application_id, diameter::application::credit_control);
  writer.finish();
  Wire bad(server_.port());
  const std::uint32_t result = result_of(bad.ask({buffer.data(), buffer.data() + buffer.size()}));
  EXPECT_TRUE(result == 5004u || result == 5014u) << result;
  expect_good_is_served();
}

// Multiple-Services-Credit-Control in itself, as deep as a message can hold.
TEST_F(HostileTest, groups_without_end_are_refused) {
  constexpr std::size_t size = 40'000;
  Octets request = with_session("bad.example;1;1");
  for (std::size_t left = size; left >= 8; left -= 8) {
    for (const std::size_t octet :
         {std::size_t{0}, std::size_t{0}, std::size_t{1}, std::size_t{0xc8}, std::size_t{0x40},
          left >> 16, left >> 8 & 0xff, left & 0xff}) {
      request.push_back(static_cast<std::uint8_t>(octet));
    }
  }
  request[1] = 0;
  request[2] = static_cast<std::uint8_t>(request.size() >> 8);
  request[3] = static_cast<std::uint8_t>(request.size());
  auto bad = connect();
  const std::uint32_t result = result_of(bad->ask(request));
  EXPECT_TRUE(result >= 5000 && result < 6000) << result;
  expect_good_is_served();
}

// Every octet of a request changed in turn, to the extremes and a random one: an answer or a closed
// connection, and the server stands.
TEST_F(HostileTest, changed_octets_are_answered_or_disconnected) {
  std::mt19937 random(11);
  const Octets request = with_session("bad.example;1;1");
  std::unique_ptr<Wire> bad;
  for (std::size_t at = 4; at < request.size(); ++at) {  // Lengths have a test of their own.
    for (const auto to :
         {std::uint8_t{0}, std::uint8_t{0xff}, static_cast<std::uint8_t>(random())}) {
      if (bad == nullptr) bad = connect();
      Octets changed = request;
      changed[at] = to;
      // What looks like an answer gets none.
      const bool is_request = (changed[4] & diameter::command_flag::request) != 0;
      if (!bad->send(changed) || (is_request && !bad->receive().has_value())) bad.reset();
    }
  }
  expect_good_is_served();
}

}  // namespace
}  // namespace farthing::test
