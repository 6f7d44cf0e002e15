// More than can be done: what a server turns away, and that it does not make others wait.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <vector>

#include "tests/diameter/server_fixture.h"
#include "tests/diameter/test_client.h"

namespace farthing::diameter {
namespace {

using namespace std::chrono_literals;
using testing::result_of;
using testing::ServerTest;
using testing::TestClient;
using testing::write_ccr;

// A millisecond a request, by the server's clock. Turns away whatever it may.
class SlowApplication final : public testing::ServerApplication {
 public:
  explicit SlowApplication(std::atomic<std::int64_t>& now_ns) : now_ns_(now_ns) {}

  void on_request(Peer& peer, const Message& request) override {
    ServerApplication::on_request(peer, request);
    now_ns_ += std::chrono::nanoseconds(requests == stands_still_at ? 5s : cost).count();
    order.push_back(peer.origin_host());
  }
  bool turns_away(Peer& peer, Bytes frame, Pressure pressure) override {
    ++(pressure == Pressure::high ? high : some);
    write_error(peer, frame);
    return true;
  }

  std::chrono::milliseconds cost = 1ms;
  int stands_still_at = 0;         // with this request, for 5 s
  std::vector<std::string> order;  // whose requests were served
  std::atomic<int> some = 0;
  std::atomic<int> high = 0;

 private:
  static void write_error(Peer& peer, Bytes frame) {
    Writer writer(peer.ready_buffer());
    Header header;
    header.command = 272;
    header.application = 4;
    header.end_to_end = load_u32(frame.data() + 16);
    writer.begin_answer(header, true);
    writer.put_result(ResultCode::too_busy);
    writer.finish();
  }

  std::atomic<std::int64_t>& now_ns_;
};

class PressureTest : public ServerTest {
 protected:
  PressureTest() : slow(now_ns) {}
  testing::ServerApplication& served_application() override { return slow; }
  // What is sent meanwhile lies in the socket when the server goes on.
  void while_it_is_busy(const std::function<void()>& send) {
    std::promise<void> go;
    server->post([waits = go.get_future().share()] { waits.wait(); });
    send();
    go.set_value();
  }

  SlowApplication slow;
};

Buffer flood(std::uint32_t count) {
  Buffer all;
  for (std::uint32_t i = 0; i < count; ++i) write_ccr(all, i);
  return all;
}

TEST_F(PressureTest, TurnsAwayWhatWouldWaitTooLong) {
  start();
  TestClient client(port);
  ASSERT_EQ(client.exchange_capabilities(), 2001u);
  constexpr std::uint32_t count = 3000;
  client.send(flood(count).bytes());
  std::uint32_t served = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value()) << i;
    if (result_of(*answer) == 2001u) ++served;
  }
  EXPECT_EQ(static_cast<int>(count - served), slow.some + slow.high);
  EXPECT_GT(slow.some + slow.high, 0);
  EXPECT_EQ(static_cast<int>(served), slow.requests);
  EXPECT_GE(served, 50u) << "so many can wait";
  expect_served(client, 7);
  EXPECT_EQ(metrics().messages_in, count + 2u);
}

TEST_F(PressureTest, AFloodDoesNotMakeOthersWait) {
  slow.cost = 0ms;
  start();
  TestClient flooding(port);
  ASSERT_EQ(flooding.exchange_capabilities("flooding"), 2001u);
  TestClient other(port);
  ASSERT_EQ(other.exchange_capabilities("other"), 2001u);
  Buffer request;
  write_ccr(request, 1);
  while_it_is_busy([&] {
    flooding.send(flood(400).bytes());
    other.send(request.bytes());
  });
  ASSERT_TRUE(other.receive().has_value());
  ASSERT_TRUE(comes_true([&] { return slow.requests == 401; }));
  run([&] {
    const auto at = std::ranges::find(slow.order, "other") - slow.order.begin();
    EXPECT_LE(at, 200) << "a few turns of the other's";
  });
}

TEST_F(PressureTest, AStandstillIsNoPace) {
  slow.cost = 0ms;
  slow.stands_still_at = 100;
  start();
  TestClient client(port);
  ASSERT_EQ(client.exchange_capabilities(), 2001u);
  constexpr std::uint32_t count = 1500;
  for (int round = 0; round < 3; ++round) {
    client.send(flood(count).bytes());
    for (std::uint32_t i = 0; i < count; ++i) ASSERT_TRUE(client.receive().has_value()) << i;
  }
  EXPECT_EQ(slow.some + slow.high, 0);
}

TEST_F(PressureTest, APeerHasItsOwnLimit) {
  slow.cost = 0ms;
  config.peers_allowed[0].profile.requests_per_second = 100;
  start();
  TestClient limited(port);
  ASSERT_EQ(limited.exchange_capabilities("limited"), 2001u);
  const auto ask = [&](std::uint32_t count) {
    const Buffer all = flood(count);
    limited.send(all.bytes());
    std::uint32_t served = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto answer = limited.receive();
      if (answer && result_of(*answer) == 2001u) ++served;
    }
    return served;
  };
  EXPECT_EQ(ask(100), 100u);
  EXPECT_EQ(ask(40), 0u);
  EXPECT_EQ(slow.some, 40);
  EXPECT_EQ(slow.high, 0);
  EXPECT_EQ(ask(40), 0u);
  EXPECT_GT(slow.high, 0) << "far above it, nothing that can be done without is served";
  advance(3s);
  EXPECT_EQ(ask(100), 100u);
}

}  // namespace
}  // namespace farthing::diameter
