// How connections end: by their own fault, by ours, all at once; and how many there can be.
#include <gtest/gtest.h>

#include <future>

#include "diameter/file_limit.h"
#include "tests/diameter/captures.h"
#include "tests/diameter/server_fixture.h"

namespace farthing::diameter {
namespace {

using namespace std::chrono_literals;
using testing::Octets;
using testing::result_of;
using testing::ServerTest;
using testing::TestClient;
using testing::write_ccr;

class ClosingTest : public ServerTest {
 protected:
  static std::uint32_t command_of(const std::optional<Octets>& frame) {
    return frame ? load_u24(&(*frame)[5]) : 0;
  }
  static std::optional<std::uint32_t> cause_of(const Octets& dpr) {
    const auto message = std::make_unique<Message>();
    if (decode(dpr, *message).has_error()) return std::nullopt;
    return message->find(AvpId::disconnect_cause)->u32();
  }
};

TEST_F(ClosingTest, AMessageMustBecomeWholeInTime) {
  start();
  TestClient quick(port);
  TestClient slow(port);
  ASSERT_EQ(quick.exchange_capabilities("quick.example"), 2001u);
  ASSERT_EQ(slow.exchange_capabilities("slow.example"), 2001u);
  Buffer request;
  write_ccr(request, 1);
  // An octet a second: at the eleventh it is over, however lively that looks.
  for (std::size_t at = 0; at < 10; ++at) {
    const std::uint64_t before = metrics().octets_in;
    slow.send(request.bytes().subspan(at, 1));
    ASSERT_TRUE(comes_true([&] { return metrics().octets_in == before + 1; }));
    expect_served(quick, static_cast<std::uint32_t>(at));
    advance(1s);
  }
  EXPECT_TRUE(slow.is_closed_by_server());
  EXPECT_EQ(metrics().slow_closed, 1u);
  expect_served(quick, 99);
}

TEST_F(ClosingTest, WhatWasReadIsAnsweredBeforeTheGoodbye) {
  application.holds = true;
  start();
  TestClient client(port);
  ASSERT_EQ(client.exchange_capabilities(), 2001u);
  Buffer request;
  write_ccr(request, 1);
  client.send(request.bytes());
  ASSERT_TRUE(comes_true([&] { return application.requests == 1; }));
  application.waiting = 1;
  std::promise<void> stopped;
  run([&] {
    server->stop([&] { stopped.set_value(); });
    server->seal_held();
    server->release_held();
  });
  EXPECT_EQ(command_of(client.receive()), command::credit_control);
  EXPECT_EQ(metrics().messages_out, 2u) << "one is still to be answered";
  application.waiting = 0;
  const auto dpr = client.receive();
  ASSERT_EQ(command_of(dpr), command::disconnect_peer);
  EXPECT_EQ(cause_of(*dpr), disconnect_cause::rebooting);
  Octets dpa(dpr->begin(), dpr->begin() + 20);
  dpa[4] = 0;
  store_u24(&dpa[1], 20);
  client.send(dpa);
  EXPECT_TRUE(client.is_closed_by_server());
  advance(3s);  // The client has not closed its side.
  EXPECT_EQ(stopped.get_future().wait_for(10s), std::future_status::ready);
}

TEST_F(ClosingTest, DrainingIsBounded) {
  application.holds = true;
  start();
  TestClient client(port);
  ASSERT_EQ(client.exchange_capabilities(), 2001u);
  Buffer request;
  write_ccr(request, 1);
  client.send(request.bytes());
  ASSERT_TRUE(comes_true([&] { return application.requests == 1; }));
  std::promise<void> stopped;
  run([&] { server->stop([&] { stopped.set_value(); }); });
  for (int i = 0; i < 10; ++i) metrics();
  EXPECT_EQ(metrics().messages_out, 1u);
  advance(5s);
  EXPECT_EQ(command_of(client.receive()), command::disconnect_peer);
  advance(3s);
  EXPECT_EQ(stopped.get_future().wait_for(10s), std::future_status::ready);
}

TEST_F(ClosingTest, SaysWhyItDisconnects) {
  start();
  TestClient client(port);
  TestClient other(port);
  ASSERT_EQ(client.exchange_capabilities("client.example"), 2001u);
  ASSERT_EQ(other.exchange_capabilities("other.example"), 2001u);
  server->post([&] { server->disconnect("client.example", disconnect_cause::busy); });
  const auto dpr = client.receive();
  ASSERT_EQ(command_of(dpr), command::disconnect_peer);
  EXPECT_EQ(cause_of(*dpr), disconnect_cause::busy);
  expect_served(other, 1);
}

TEST_F(ClosingTest, RefusedPeersAreLoggedOnceAMinute) {
  config.peers_allowed = {{"known.example", *IpNetwork::parse("127.0.0.0/8")}};
  std::atomic<int> lines = 0;
  config.log = [&](LogLevel, std::string_view) { ++lines; };
  start();
  for (int i = 0; i < 20; ++i) {
    TestClient stranger(port);
    EXPECT_EQ(stranger.exchange_capabilities("stranger" + std::to_string(i)), 3010u);
  }
  EXPECT_EQ(lines, 1);
  advance(61s);
  TestClient stranger(port);
  EXPECT_EQ(stranger.exchange_capabilities("stranger"), 3010u);
  EXPECT_EQ(lines, 2);
  TearDown();
  server.reset();
}

TEST_F(ClosingTest, AThousandConnections) {
  constexpr std::uint32_t count = 1000;
  ASSERT_TRUE(raise_file_limit(2 * count + 100).has_value());
  config.connections_max = count;
  start();
  std::vector<std::unique_ptr<TestClient>> clients;
  for (std::uint32_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<TestClient>(port));
    ASSERT_EQ(clients.back()->exchange_capabilities("client" + std::to_string(i)), 2001u) << i;
  }
  EXPECT_EQ(metrics().peers_open, count);
  Buffer request;
  for (std::uint32_t i = 0; i < count; ++i) {
    request.clear();
    write_ccr(request, i);
    clients[i]->send(request.bytes());
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto answer = clients[i]->receive();
    ASSERT_TRUE(answer.has_value()) << i;
    ASSERT_EQ(load_u32(&(*answer)[16]), i);
  }
  TestClient one_more(port);
  EXPECT_TRUE(one_more.is_closed_by_server());
}

TEST(FileLimit, SaysHowFarItCouldBeRaised) {
  EXPECT_TRUE(raise_file_limit(16).has_value());
  const auto raised = raise_file_limit(std::uint64_t{1} << 40);
  ASSERT_TRUE(raised.has_error());
  EXPECT_NE(raised.error().find("and needs 1099511627776; raise the limit"), std::string::npos);
}

}  // namespace
}  // namespace farthing::diameter
