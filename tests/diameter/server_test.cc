#include "diameter/server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>

#include "diameter/writer.h"
#include "tests/diameter/captures.h"
#include "tests/diameter/server_fixture.h"
#include "tests/diameter/test_client.h"

namespace farthing::diameter {
namespace {

using namespace std::chrono_literals;
using testing::Octets;
using testing::result_of;
using testing::ServerTest;
using testing::TestClient;
using testing::write_ccr;

TEST_F(ServerTest, ServesManyPeers) {
  start();
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<TestClient>(port));
    ASSERT_EQ(clients.back()->exchange_capabilities("client" + std::to_string(i)), 2001u);
  }
  EXPECT_EQ(metrics().peers_open, 50u);
  for (std::uint32_t round = 0; round < 3; ++round) {
    for (auto& client : clients) expect_served(*client, round);
  }
  EXPECT_EQ(application.requests, 150);
  std::vector<PeerStatus> peers;
  run([&] { peers = server->peers(); });
  ASSERT_EQ(peers.size(), 50u);
  EXPECT_EQ(peers[0].origin_host, "client0");
  EXPECT_EQ(peers[0].state, PeerState::open);
  EXPECT_EQ(peers[0].remote_address, "127.0.0.1");
  clients.clear();
  EXPECT_TRUE(comes_true([&] { return application.closed == 50; }));
  EXPECT_EQ(metrics().peers_open, 0u);
}

TEST_F(ServerTest, LosesNothingThatFollowsTheCer) {
  start();
  TestClient client(port);
  Buffer all;
  testing::write_cer(all, "client.example");
  for (std::uint32_t i = 0; i < 2000; ++i) write_ccr(all, i);
  client.send(all.bytes());
  EXPECT_EQ(result_of(*client.receive()), 2001u);
  for (std::uint32_t i = 0; i < 2000; ++i) {
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value());
    ASSERT_EQ(load_u32(&(*answer)[16]), i);
  }
  EXPECT_LT(application.turns, 2000) << "many requests are taken in one turn";
  const Metrics after = metrics();
  EXPECT_EQ(after.messages_in, 2001u);
  EXPECT_EQ(after.messages_out, 2001u);
  EXPECT_EQ(after.octets_in, all.size());
}

TEST_F(ServerTest, TakesFramesOfAnySplit) {
  start();
  TestClient client(port);
  ASSERT_EQ(client.exchange_capabilities(), 2001u);
  Buffer request;
  write_ccr(request, 7);
  for (std::size_t split = 1; split < request.size(); ++split) {
    client.send(request.bytes().first(split));
    client.send(request.bytes().subspan(split));
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value()) << split;
    EXPECT_EQ(result_of(*answer), 2001u);
  }
}

TEST_F(ServerTest, ServesOnWhileOthersMisbehave) {
  start();
  TestClient good(port);
  ASSERT_EQ(good.exchange_capabilities(), 2001u);
  Buffer valid;
  write_ccr(valid, 1);
  Octets oversize = {1, 1, 0, 4, 0xc0, 0, 1, 0x10};
  Octets tiny = {1, 0, 0, 16, 0xc0, 0, 1, 0x10};
  Octets odd = {1, 0, 0, 22, 0xc0, 0, 1, 0x10};
  Octets version = {2, 0, 0, 20, 0xc0, 0, 1, 0x10};
  Octets garbage(5000, 0xa5);
  Octets before_cer(valid.data(), valid.data() + valid.size());
  std::uint32_t id = 100;
  for (const Octets& bad : {oversize, tiny, odd, version, garbage, before_cer}) {
    TestClient fresh(port);
    fresh.send(bad);
    EXPECT_TRUE(fresh.is_closed_by_server());
    expect_served(good, ++id);
  }
  for (const Octets& bad : {oversize, tiny, odd, version, garbage}) {
    TestClient open(port);
    ASSERT_EQ(open.exchange_capabilities("bad.example"), 2001u);
    open.send(valid.bytes());
    open.send(bad);
    ASSERT_TRUE(open.receive().has_value()) << "what was asked before is answered";
    EXPECT_TRUE(open.is_closed_by_server());
    expect_served(good, ++id);
  }
  TestClient cut(port);
  ASSERT_EQ(cut.exchange_capabilities("cut.example"), 2001u);
  cut.send(valid.bytes().first(50));
  expect_served(good, ++id);
}

TEST_F(ServerTest, RefusesBadMessagesAndGoesOnWithTheSamePeer) {
  start();
  TestClient client(port);
  ASSERT_EQ(client.exchange_capabilities(), 2001u);
  const auto exchange = [&](const std::function<void(Writer&)>& body) {
    Buffer request;
    Writer writer(request);
    writer.begin(Header{0xc0, 272, 4, 1, 1});
    body(writer);
    writer.finish();
    client.send(request.bytes());
    const auto answer = client.receive();
    return answer ? result_of(*answer) : 0;
  };
  EXPECT_EQ(exchange([](Writer& w) { w.put_text(AvpId::session_id, std::string_view("a\0b", 3)); }),
            5004u);
  EXPECT_EQ(exchange([](Writer& w) {
              for (int i = 0; i < 64; ++i) w.put_text(AvpId::origin_host, "client.example");
            }),
            5009u);
  EXPECT_EQ(exchange([](Writer& w) { w.put_address(AvpId::pdp_address, {99, {}}); }), 5004u);
  Buffer nested;
  {
    // A group in a group in a group, a thousand times over.
    const std::uint32_t levels = 1000;
    Writer writer(nested);
    writer.begin(Header{0xc0, 272, 4, 1, 1});
    for (std::uint32_t i = 0; i < levels; ++i) {
      std::uint8_t* at = nested.extend(8);
      store_u32(at, 456);
      store_u32(at + 4, 0x40000000 | 8 * (levels - i));
    }
    writer.finish();
  }
  client.send(nested.bytes());
  EXPECT_EQ(result_of(*client.receive()), 5004u);
  expect_served(client, 42);
  EXPECT_EQ(metrics().errors.at(5004), 3u);
}

TEST_F(ServerTest, FlushesTheRefusalOfACerBeforeClosing) {
  start();
  TestClient client(port);
  client.send(testing::captured_request("kamailio-5.6.3-call-first-cer-without-address.pcap", 257));
  const auto answer = client.receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(result_of(*answer), 5005u);
  EXPECT_TRUE(client.is_closed_by_server());
  TestClient again(port);
  EXPECT_EQ(again.exchange_capabilities(), 2001u);
}

TEST_F(ServerTest, HoldsAnswersUntilTheyAreReleased) {
  application.holds = true;
  start();
  TestClient one(port);
  TestClient two(port);
  ASSERT_EQ(one.exchange_capabilities("one"), 2001u);
  ASSERT_EQ(two.exchange_capabilities("two"), 2001u);
  Buffer request;
  write_ccr(request, 1);
  one.send(request.bytes());
  two.send(request.bytes());
  ASSERT_TRUE(comes_true([&] { return application.requests == 2; }));
  run([&] {
    EXPECT_TRUE(server->has_held());
    server->seal_held();
    EXPECT_FALSE(server->has_held());
  });
  one.send(request.bytes());
  ASSERT_TRUE(comes_true([&] { return application.requests == 3; }));
  EXPECT_EQ(metrics().messages_out, 2u) << "the two CEAs, nothing held";
  server->post([&] { server->release_held(); });
  EXPECT_TRUE(one.receive().has_value());
  EXPECT_TRUE(two.receive().has_value());
  EXPECT_EQ(metrics().messages_out, 4u) << "the next generation is still held";
  server->post([&] {
    server->seal_held();
    server->release_held();
  });
  EXPECT_TRUE(one.receive().has_value());
}

TEST_F(ServerTest, DropsWhatWasHeldForAPeerThatWentAway) {
  application.holds = true;
  start();
  TestClient stays(port);
  ASSERT_EQ(stays.exchange_capabilities("stays"), 2001u);
  Buffer request;
  write_ccr(request, 1);
  {
    TestClient goes(port);
    ASSERT_EQ(goes.exchange_capabilities("goes"), 2001u);
    goes.send(request.bytes());
    ASSERT_TRUE(comes_true([&] { return application.requests == 1; }));
  }
  stays.send(request.bytes());
  ASSERT_TRUE(comes_true([&] { return application.requests == 2 && application.closed == 1; }));
  server->post([&] {
    server->seal_held();
    server->release_held();
  });
  EXPECT_TRUE(stays.receive().has_value());
}

TEST_F(ServerTest, StopsReadingFromAPeerThatDoesNotRead) {
  config.output_size_bytes_max = 256 << 10;
  application.padding = 4000;
  start();
  TestClient good(port);
  ASSERT_EQ(good.exchange_capabilities("good"), 2001u);
  TestClient slow(port, 4096);
  ASSERT_EQ(slow.exchange_capabilities("slow"), 2001u);
  Buffer batch;
  for (std::uint32_t i = 0; i < 100; ++i) write_ccr(batch, i);
  // Fills the socket's buffers and our queue until nothing more is taken.
  std::size_t sent = 0;
  ASSERT_TRUE(comes_true([&] {
    // Only whole batches, so that the stream stays one of messages.
    const std::size_t at = sent % batch.size();
    sent += slow.send_some(batch.bytes().subspan(at));
    return metrics().reads_paused > 0;
  }));
  std::vector<PeerStatus> peers;
  run([&] { peers = server->peers(); });
  // Bounded by the limit and what is answered in one go.
  EXPECT_LT(peers[1].waiting_size_bytes, config.output_size_bytes_max + 100 * 4200);
  expect_served(good, 5);

  // It reads again: everything comes, and more is taken.
  const std::size_t whole = sent / (batch.size() / 100);
  for (std::size_t i = 0; i < whole; ++i) ASSERT_TRUE(slow.receive().has_value()) << i;
  EXPECT_EQ(static_cast<std::size_t>(application.requests), whole + 1);
}

TEST_F(ServerTest, ClosesAPeerThatNeverReads) {
  config.output_size_bytes_max = 64 << 10;
  application.padding = 4000;
  start();
  TestClient slow(port, 4096);
  ASSERT_EQ(slow.exchange_capabilities("slow"), 2001u);
  Buffer batch;
  for (std::uint32_t i = 0; i < 100; ++i) write_ccr(batch, i);
  std::size_t sent = 0;
  EXPECT_TRUE(comes_true([&] {
    sent += slow.send_some(batch.bytes().subspan(sent % batch.size()));
    advance(10ms);
    return application.closed == 1;
  }));
  EXPECT_EQ(metrics().stalled_closed, 1u);
}

TEST_F(ServerTest, AsksAndClosesSilentPeers) {
  start();
  TestClient silent(port);
  ASSERT_EQ(silent.exchange_capabilities(), 2001u);
  advance(33s);
  const auto dwr = silent.receive();
  ASSERT_TRUE(dwr.has_value());
  EXPECT_EQ(load_u24(&(*dwr)[5]), command::device_watchdog);
  advance(33s);
  std::vector<PeerStatus> peers;
  ASSERT_TRUE(comes_true([&] {
    run([&] { peers = server->peers(); });
    return peers[0].is_suspect;
  }));
  advance(33s);
  EXPECT_TRUE(silent.is_closed_by_server());
}

TEST_F(ServerTest, ClosesConnectionsWithoutACer) {
  start();
  TestClient silent(port);
  ASSERT_TRUE(comes_true([&] { return metrics().connections == 1; }));
  advance(11s);
  EXPECT_TRUE(silent.is_closed_by_server());
}

TEST_F(ServerTest, BoundsTheConnections) {
  config.connections_max = 2;
  start();
  TestClient one(port);
  TestClient two(port);
  ASSERT_EQ(one.exchange_capabilities("one"), 2001u);
  ASSERT_EQ(two.exchange_capabilities("two"), 2001u);
  TestClient three(port);
  EXPECT_TRUE(three.is_closed_by_server());
  EXPECT_EQ(metrics().connections_refused, 1u);
  expect_served(one, 1);
}

TEST_F(ServerTest, SaysGoodbyeWhenItStops) {
  start();
  TestClient polite(port);
  TestClient silent(port);
  TestClient half(port);
  ASSERT_EQ(polite.exchange_capabilities("polite"), 2001u);
  ASSERT_EQ(silent.exchange_capabilities("silent"), 2001u);
  ASSERT_TRUE(comes_true([&] { return metrics().connections == 3; }));
  std::promise<void> stopped;
  run([&] { server->stop([&] { stopped.set_value(); }); });
  const auto dpr = polite.receive();
  ASSERT_TRUE(dpr.has_value());
  EXPECT_EQ(load_u24(&(*dpr)[5]), command::disconnect_peer);
  Octets dpa(dpr->begin(), dpr->begin() + 20);
  dpa[4] = 0;
  store_u24(&dpa[1], 20);
  polite.send(dpa);
  EXPECT_TRUE(polite.is_closed_by_server());
  EXPECT_TRUE(half.is_closed_by_server());
  auto future = stopped.get_future();
  EXPECT_EQ(future.wait_for(0s), std::future_status::timeout) << "the silent one has two seconds";
  advance(3s);
  EXPECT_EQ(future.wait_for(10s), std::future_status::ready);
  EXPECT_FALSE(TestClient(port).is_connected());
}

TEST_F(ServerTest, ListensOnIpv6) {
  config.listen[0].address = "::1";
  start();
  if (::testing::Test::HasFatalFailure()) return;
  EXPECT_EQ(server->endpoint(), "[::1]:" + std::to_string(port));
  TestClient client(port, 0, true);
  if (!client.is_connected()) GTEST_SKIP() << "no IPv6 here";
  EXPECT_EQ(client.exchange_capabilities(), 2001u);
}

TEST_F(ServerTest, AsksThePeerOfAName) {
  start();
  TestClient other(port);
  TestClient owner(port);
  ASSERT_EQ(other.exchange_capabilities("other.example"), 2001u);
  ASSERT_EQ(owner.exchange_capabilities("owner.example"), 2001u);
  server->post([&] {
    Peer* const peer = server->find_peer("Owner.Example");
    ASSERT_NE(peer, nullptr);
    EXPECT_EQ(server->find_peer("nobody.example"), nullptr);
    const auto header = peer->begin_request({command::abort_session, 4, 99});
    ASSERT_TRUE(header);
    Writer writer(peer->ready_buffer());
    writer.begin(*header);
    writer.put_text(AvpId::session_id, "session");
    writer.finish();
  });
  const auto request = owner.receive();
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(load_u24(&(*request)[5]), command::abort_session);
  Octets answer(request->begin(), request->begin() + 20);
  answer[4] = 0x40;
  store_u24(&answer[1], 20);
  owner.send(answer);
  EXPECT_TRUE(comes_true([&] { return application.answered == 99; }));
}

TEST_F(ServerTest, ListensOnSeveralAddresses) {
  config.listen = {{"127.0.0.1", 0}, {"127.0.0.2", 0}};
  config.connections_max = 2;
  start();
  EXPECT_EQ(server->endpoint(1), "127.0.0.2:" + std::to_string(server->port(1)));
  EXPECT_NE(server->port(1), port);
  TestClient one(port);
  ASSERT_EQ(one.exchange_capabilities("one"), 2001u);
  TestClient two(server->port(1), 0, false, "127.0.0.2");
  ASSERT_EQ(two.exchange_capabilities("two"), 2001u);
  expect_served(two, 1);
  EXPECT_EQ(metrics().peers_open, 2u);
  TestClient three(port);
  EXPECT_TRUE(three.is_closed_by_server()) << "the bound is that of all listeners";
}

TEST_F(ServerTest, SaysWhyItCannotListen) {
  start();
  ServerConfig same = config;
  same.listen[0].port = port;
  Server second(io(), same, application);
  const auto in_use = second.listen();
  ASSERT_TRUE(in_use.has_error());
  EXPECT_NE(in_use.error().find("127.0.0.1 port " + std::to_string(port)), std::string::npos);
  same.listen[0].address = "localhost:3868";
  Server third(io(), same, application);
  EXPECT_EQ(third.listen().error(), "not an IP address: localhost:3868");
}

// Writes messages of ours as a capture: Ethernet-less IPv4 and TCP, one message a packet.
void write_capture(const std::filesystem::path& path, const std::vector<Octets>& frames) {
  std::ofstream out(path, std::ios::binary);
  const auto put = [&](std::initializer_list<int> octets) {
    for (const int octet : octets) out.put(static_cast<char>(octet));
  };
  const auto put_le32 = [&](std::size_t value) {
    for (int shift = 0; shift < 32; shift += 8) out.put(static_cast<char>(value >> shift));
  };
  const auto put_be32 = [&](std::size_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out.put(static_cast<char>(value >> shift));
  };
  put_le32(0xa1b2c3d4);
  put({2, 0, 4, 0});
  put_le32(0);
  put_le32(0);
  put_le32(65535);
  put_le32(101);  // Raw IP.
  std::size_t sequence = 1;
  for (const Octets& frame : frames) {
    const std::size_t size = 40 + frame.size();
    put_le32(1700000000);
    put_le32(0);
    put_le32(size);
    put_le32(size);
    put({0x45, 0, static_cast<int>(size >> 8), static_cast<int>(size & 255), 0, 1, 0, 0, 64, 6, 0,
         0});
    put({127, 0, 0, 1, 127, 0, 0, 1});
    put({0x0f, 0x1c, 0xc0, 0});  // From port 3868.
    put_be32(sequence);
    put_be32(1);
    put({0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0});
    out.write(reinterpret_cast<const char*>(frame.data()),
              static_cast<std::streamsize>(frame.size()));
    sequence += frame.size();
  }
}

TEST_F(ServerTest, SendsNothingThatTsharkFindsMalformed) {
  if (std::system("command -v tshark > /dev/null 2>&1") != 0) GTEST_SKIP() << "no tshark here";
  start();
  std::vector<Octets> sent;
  const auto keep = [&](std::optional<Octets> frame) {
    ASSERT_TRUE(frame.has_value());
    sent.push_back(*frame);
  };
  {
    TestClient refused(port);
    refused.send(
        testing::captured_request("kamailio-5.6.3-call-first-cer-without-address.pcap", 257));
    keep(refused.receive());
  }
  TestClient client(port);
  client.send(testing::captured_request("open5gs-smf-2.7.7-session.pcap", 257));
  keep(client.receive());
  const Octets request = testing::captured_request("open5gs-smf-2.7.7-session.pcap", 272, 1);
  client.send(request);
  keep(client.receive());
  for (const std::uint32_t command : {999u, 280u}) {
    Octets other = request;
    store_u24(&other[5], command);
    if (command == 280) store_u32(&other[8], 0);
    client.send(other);
    keep(client.receive());
  }
  Octets unsupported = request;
  unsupported[20 + 2] = 0xee;  // The first AVP's code: mandatory and unknown.
  client.send(unsupported);
  keep(client.receive());
  advance(33s);
  keep(client.receive());  // DWR
  run([&] { server->stop([] {}); });
  keep(client.receive());  // DPR

  const auto path =
      std::filesystem::temp_directory_path() / ("farthing-" + std::to_string(::getpid()) + ".pcap");
  write_capture(path, sent);
  const std::string shark = "tshark -r " + path.string() + " -d tcp.port==3868,diameter ";
  const auto count = [&](const std::string& filter) {
    std::FILE* pipe = ::popen((shark + "-Y '" + filter + "' 2>/dev/null | wc -l").c_str(), "r");
    int lines = -1;
    EXPECT_EQ(std::fscanf(pipe, "%d", &lines), 1);
    ::pclose(pipe);
    return lines;
  };
  EXPECT_EQ(count("diameter"), static_cast<int>(sent.size()));
  EXPECT_EQ(count("_ws.malformed"), 0);
  EXPECT_EQ(count("_ws.expert.severity >= 8388608"), 0) << "errors of the dissector";
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace farthing::diameter
