// A peer that connects a second time, or that we connect to while it connects to us.
#include <gtest/gtest.h>

#include "diameter/capabilities.h"
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

class ElectionTest : public ServerTest {
 protected:
  static void send_cer(TestClient& client, std::string_view host = "pgw.example") {
    Buffer cer;
    testing::write_cer(cer, host);
    client.send(cer.bytes());
  }
  static std::uint32_t command_of(const std::optional<Octets>& frame) {
    return frame ? load_u24(&(*frame)[5]) : 0;
  }
  static void answer(TestClient& client, const Octets& request) {
    Octets answer(request.begin(), request.begin() + 20);
    answer[4] = 0;
    store_u24(&answer[1], 20);
    client.send(answer);
  }
};

TEST_F(ElectionTest, ASecondConnectionIsRefusedBesideOneThatLives) {
  start();
  TestClient first(port);
  ASSERT_EQ(first.exchange_capabilities("pgw.example"), 2001u);
  TestClient second(port);
  send_cer(second, "PGW.example");
  const auto dwr = first.receive();
  ASSERT_EQ(command_of(dwr), command::device_watchdog) << "the first one is asked";
  answer(first, *dwr);
  const auto cea = second.receive();
  ASSERT_TRUE(cea.has_value());
  EXPECT_EQ(result_of(*cea), 4003u);
  EXPECT_TRUE(second.is_closed_by_server());
  expect_served(first, 1);
  EXPECT_EQ(application.opened, 1);
}

TEST_F(ElectionTest, AnyMessageShowsThatItLives) {
  start();
  TestClient first(port);
  ASSERT_EQ(first.exchange_capabilities("pgw.example"), 2001u);
  TestClient second(port);
  send_cer(second);
  ASSERT_EQ(command_of(first.receive()), command::device_watchdog);
  expect_served(first, 1);
  EXPECT_EQ(result_of(second.receive().value_or(Octets(20))), 4003u);
}

TEST_F(ElectionTest, ASecondConnectionTakesThePlaceOfADeadOne) {
  start();
  TestClient first(port);
  ASSERT_EQ(first.exchange_capabilities("pgw.example"), 2001u);
  TestClient second(port);
  Buffer all;
  testing::write_cer(all, "pgw.example");
  write_ccr(all, 5);
  second.send(all.bytes());
  ASSERT_EQ(command_of(first.receive()), command::device_watchdog);
  EXPECT_EQ(application.opened, 1);
  advance(2s);
  EXPECT_EQ(result_of(second.receive().value_or(Octets(20))), 2001u);
  const auto served = second.receive();
  ASSERT_TRUE(served.has_value()) << "what followed the CER is not lost";
  EXPECT_EQ(load_u32(&(*served)[16]), 5u);
  EXPECT_TRUE(first.is_closed_by_server());
  expect_served(second, 6);
  EXPECT_EQ(application.opened, 2);
  EXPECT_TRUE(comes_true([&] { return application.closed == 1; }));
}

TEST_F(ElectionTest, ASuspectConnectionIsReplacedAtOnce) {
  start();
  TestClient first(port);
  ASSERT_EQ(first.exchange_capabilities("pgw.example"), 2001u);
  advance(33s);
  ASSERT_TRUE(first.receive().has_value());
  advance(33s);
  ASSERT_TRUE(comes_true([&] {
    std::vector<PeerStatus> peers;
    run([&] { peers = server->peers(); });
    return peers.size() == 1 && peers[0].is_suspect;
  }));
  TestClient second(port);
  EXPECT_EQ(second.exchange_capabilities("pgw.example"), 2001u);
  EXPECT_TRUE(first.is_closed_by_server());
}

TEST_F(ElectionTest, ThirdWaitsForThoseBeforeIt) {
  start();
  TestClient first(port);
  ASSERT_EQ(first.exchange_capabilities("pgw.example"), 2001u);
  TestClient second(port);
  send_cer(second);
  TestClient third(port);
  send_cer(third);
  ASSERT_TRUE(comes_true([&] { return metrics().messages_in == 3; }));
  advance(2s);
  // One of the two takes the place of the first; the other is asked about, and refused.
  EXPECT_EQ(result_of(second.receive().value_or(Octets(20))), 2001u);
  const auto dwr = second.receive();
  ASSERT_EQ(command_of(dwr), command::device_watchdog);
  answer(second, *dwr);
  EXPECT_EQ(result_of(third.receive().value_or(Octets(20))), 4003u);
  expect_served(second, 1);
}

TEST_F(ElectionTest, AProfileMayAllowSeveralConnections) {
  config.peers_allowed[0].profile.several_connections = true;
  start();
  TestClient first(port);
  TestClient second(port);
  EXPECT_EQ(first.exchange_capabilities("pgw.example"), 2001u);
  EXPECT_EQ(second.exchange_capabilities("pgw.example"), 2001u);
  expect_served(first, 1);
  expect_served(second, 2);
}

TEST(Election, GoesByTheOctetsOfTheNames) {
  EXPECT_TRUE(wins_election("b.example", "a.example"));
  EXPECT_FALSE(wins_election("a.example", "b.example"));
  EXPECT_TRUE(wins_election("a.example.org", "a.example"));
  EXPECT_FALSE(wins_election("a", "a"));
}

}  // namespace
}  // namespace farthing::diameter
