#include "diameter/peer.h"

#include "diameter/writer.h"
#include "tests/diameter/captures.h"
#include "tests/diameter/peer_fixture.h"

namespace farthing::diameter {
namespace {

using namespace std::chrono_literals;
using testing::Cer;
using testing::Octets;
using testing::PeerTest;
using testing::write_request;

TEST_F(PeerTest, ExchangesCapabilities) {
  Cer cer;
  cer.state_id = 5;
  send_cer(cer);
  const Message& cea = take_one();
  EXPECT_EQ(cea.header().command, 257u);
  EXPECT_EQ(cea.header().flags, 0);
  EXPECT_EQ(cea.find(AvpId::result_code)->u32(), 2001u);
  EXPECT_EQ(cea.find(AvpId::origin_host)->text(), "ocs.farthing.example");
  EXPECT_EQ(cea.find(AvpId::origin_state_id)->u32(), 7u);
  EXPECT_EQ(cea.find(AvpId::host_ip_address)->address().octets.size(), 4u);
  EXPECT_EQ(cea.find(AvpId::product_name)->text(), "Farthing");
  EXPECT_EQ(cea.find(AvpId::auth_application_id)->u32(), 4u);
  EXPECT_EQ(cea.find(AvpId::supported_vendor_id)->u32(), 10415u);
  const Avp* group = cea.find(AvpId::vendor_specific_application_id);
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(cea.find(*group, AvpId::vendor_id)->u32(), 10415u);
  EXPECT_EQ(cea.find(*group, AvpId::auth_application_id)->u32(), 4u);
  EXPECT_EQ(peer().origin_host(), "client.example");
  EXPECT_EQ(peer().origin_state_id(), 5u);
  EXPECT_EQ(application.opened, 1);
}

TEST_F(PeerTest, AcceptsAndRefusesCers) {
  struct Row {
    const char* what;
    Cer cer;
    std::uint32_t result;
    std::uint32_t failed_code;
  };
  const Row rows[] = {
      {"top level", {.auth_ids = {4}}, 2001, 0},
      {"in a group only", {.auth_ids = {}, .vendor_auth_ids = {4}}, 2001, 0},
      {"several groups", {.auth_ids = {}, .vendor_auth_ids = {16777238, 16777251, 4}}, 2001, 0},
      {"both kinds", {.auth_ids = {1, 4}, .vendor_auth_ids = {4}}, 2001, 0},
      {"relay", {.auth_ids = {0xffffffff}}, 2001, 0},
      {"TLS or nothing special", {.inband_security = {1, 0}}, 2001, 0},
      {"another application", {.auth_ids = {3}, .vendor_auth_ids = {16777238}}, 5010, 0},
      {"no application", {.auth_ids = {}}, 5010, 0},
      {"TLS only", {.inband_security = {1}}, 5017, 0},
      {"no Host-IP-Address", {.has_address = false}, 5005, 257},
      {"no Origin-Host", {.has_host = false}, 5005, 264},
      {"no Origin-Realm", {.has_realm = false}, 5005, 296},
      {"an Origin-Host with NUL", {.host = std::string("a\0b", 3)}, 5004, 264},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    peer();
    make_peer();
    send_cer(row.cer);
    const Message& cea = take_one();
    EXPECT_EQ(cea.find(AvpId::result_code)->u32(), row.result);
    EXPECT_EQ(peer().state(), row.result == 2001 ? PeerState::open : PeerState::draining);
    const Avp* failed = cea.find(AvpId::failed_avp);
    EXPECT_EQ(failed == nullptr ? 0 : load_u32(failed->data), row.failed_code);
    EXPECT_TRUE(decodes_);
  }
}

TEST_F(PeerTest, RefusesUnknownPeersAndLogsThemOnceAMinute) {
  config.peers_allowed = {{"GGSN.example", *IpNetwork::parse("127.0.0.0/8")},
                          {"*", *IpNetwork::parse("10.0.0.0/8")}};
  peer();
  for (int i = 0; i < 3; ++i) {
    make_peer();
    send_cer({});
    const Message& cea = take_one();
    EXPECT_EQ(cea.find(AvpId::result_code)->u32(), 3010u);
    EXPECT_TRUE(cea.header().is_error());
  }
  EXPECT_EQ(lines.size(), 1u);
  now += 61s;
  make_peer();
  send_cer({});
  EXPECT_EQ(lines.size(), 2u);
  make_peer();
  send_cer({.host = "ggsn.EXAMPLE"});
  EXPECT_EQ(peer().state(), PeerState::open);
  make_peer("10.9.8.7");
  send_cer({});
  EXPECT_EQ(peer().state(), PeerState::open);
}

TEST_F(PeerTest, TakesRealCersAndRequests) {
  for (const std::string& name : testing::capture_names()) {
    SCOPED_TRACE(name);
    peer();
    make_peer();
    const std::size_t before = application.requests.size();
    std::size_t requests = 0;
    for (const CapturedMessage& message : testing::read_capture(name)) {
      if (!message.from_client) continue;
      send(message.frame);
      for (const Octets& frame : take()) EXPECT_EQ(frame[0], 1);
      if (peer().state() == PeerState::draining) make_peer();  // Refused: it comes again.
      requests += load_u24(&message.frame[5]) == 272;
    }
    EXPECT_EQ(peer().state(), PeerState::open);
    EXPECT_EQ(application.requests.size() - before, requests);
  }
}

TEST_F(PeerTest, WorksForAnySplit) {
  Buffer input;
  Cer().write(input);
  for (std::uint32_t i = 1; i <= 3; ++i) write_request(input, i);
  for (std::size_t split = 0; split <= input.size(); ++split) {
    peer();
    make_peer();
    application.requests.clear();
    std::size_t done = peer().receive(input.bytes().first(split), now);
    EXPECT_LE(done, split);
    done += peer().receive(input.bytes().subspan(done), now);
    EXPECT_EQ(done, input.size());
    EXPECT_EQ(application.requests, (std::vector<std::uint32_t>{1, 2, 3}));
    EXPECT_EQ(take().size(), 4u);
  }
}

TEST_F(PeerTest, WorksOctetByOctet) {
  Buffer input;
  Cer().write(input);
  write_request(input, 9);
  std::size_t done = 0;
  for (std::size_t size = 1; size <= input.size(); ++size) {
    done += peer().receive(input.bytes().subspan(done, size - done), now);
  }
  EXPECT_EQ(application.requests, std::vector<std::uint32_t>{9});
  EXPECT_EQ(take().size(), 2u);
}

TEST_F(PeerTest, ClosesOnARequestBeforeTheCer) {
  Buffer input;
  write_request(input, 1);
  send(input.bytes());
  EXPECT_EQ(peer().state(), PeerState::closed);
  EXPECT_TRUE(take().empty());
  EXPECT_TRUE(application.requests.empty());
}

TEST_F(PeerTest, EndsWhenTheStreamIsNotDiameter) {
  const std::string http = "GET / HTTP/1.1\r\n\r\n";
  const Bytes garbage(reinterpret_cast<const std::uint8_t*>(http.data()), http.size());
  send(garbage);
  EXPECT_EQ(peer().state(), PeerState::closed);

  make_peer();
  open();
  Buffer input;
  write_request(input, 1);
  input.append(garbage);
  send(input.bytes());
  EXPECT_EQ(peer().state(), PeerState::draining) << "the first request's answer still goes out";
  EXPECT_EQ(take().size(), 1u);
  EXPECT_EQ(context_->metrics.broken_streams, 2u);
}

TEST_F(PeerTest, AnswersWhatItDoesNotServe) {
  struct Row {
    std::uint32_t command, application, result;
  };
  const Row rows[] = {{272, 4, 2001},         {999, 4, 3001},        {275, 4, 3001},
                      {999, 0, 3001},         {272, 16777238, 3007}, {316, 16777251, 3007},
                      {272, 0xffffffff, 3007}};
  open();
  for (const Row& row : rows) {
    Buffer input;
    write_request(input, 77, row.command, row.application);
    send(input.bytes());
    const Message& answer = take_one();
    EXPECT_EQ(answer.find(AvpId::result_code)->u32(), row.result);
    EXPECT_EQ(answer.header().is_error(), row.result / 1000 == 3);
    EXPECT_EQ(answer.header().end_to_end, 77u);
    EXPECT_EQ(answer.header().command, row.command);
  }
  EXPECT_EQ(context_->metrics.errors.at(3001), 3u);
}

TEST_F(PeerTest, AnswersMalformedRequestsAndGoesOn) {
  open();
  Buffer bad;
  write_request(bad, 5);
  bad.data()[20 + 8 + 2] = 0;  // A NUL in Session-Id.
  send(bad.bytes());
  const Message& answer = take_one();
  EXPECT_EQ(answer.tape()[0].id, AvpId::session_id);
  EXPECT_EQ(answer.find(AvpId::result_code)->u32(), 5004u);
  EXPECT_EQ(load_u32(answer.find(AvpId::failed_avp)->data), 263u);
  Buffer hosts;
  Writer writer(hosts);
  writer.begin(Header{0xc0, 272, 4, 1, 6});
  writer.put_text(AvpId::session_id, "session");
  for (int i = 0; i < 64; ++i) writer.put_text(AvpId::origin_host, "client.example");
  writer.finish();
  send(hosts.bytes());
  EXPECT_EQ(take_one_result(), 5009u);
  EXPECT_TRUE(application.requests.empty());
  Buffer good;
  write_request(good, 7);
  send(good.bytes());
  EXPECT_EQ(take_one_result(), 2001u);
  EXPECT_EQ(peer().state(), PeerState::open);
}

TEST_F(PeerTest, ChecksTheDestinationWhenTold) {
  config.serves_any_destination = false;
  open();
  const auto result_for = [&](const char* realm, const char* host) {
    Buffer input;
    Writer writer(input);
    writer.begin(Header{0xc0, 272, 4, 1, 1});
    if (realm != nullptr) writer.put_text(AvpId::destination_realm, realm);
    if (host != nullptr) writer.put_text(AvpId::destination_host, host);
    writer.finish();
    send(input.bytes());
    return take_one_result();
  };
  EXPECT_EQ(result_for("FARTHING.example", nullptr), 2001u);
  EXPECT_EQ(result_for(nullptr, "ocs.farthing.example"), 2001u);
  EXPECT_EQ(result_for("other.example", nullptr), 3003u);
  EXPECT_EQ(result_for("farthing.example", "ocs2.farthing.example"), 3002u);
}

TEST_F(PeerTest, IgnoresAnswersThatItDidNotAskFor) {
  open();
  Buffer input;
  write_request(input, 1);
  input.data()[4] = 0x40;  // No request any more.
  send(input.bytes());
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(context_->metrics.answers_ignored, 1u);
  EXPECT_EQ(peer().state(), PeerState::open);
}

TEST_F(PeerTest, KeepsAndAnswersTheWatchdog) {
  open();
  Buffer dwr;
  Writer writer(dwr);
  writer.begin(Header{0x80, 280, 0, 55, 66});
  writer.put_text(AvpId::origin_host, "client.example");
  writer.put_text(AvpId::origin_realm, "example");
  writer.finish();
  send(dwr.bytes());
  const Message& dwa = take_one();
  EXPECT_EQ(dwa.header().hop_by_hop, 55u);
  EXPECT_EQ(dwa.find(AvpId::result_code)->u32(), 2001u);
  EXPECT_EQ(dwa.find(AvpId::origin_state_id)->u32(), 7u);

  now += 33s;
  peer().check_deadlines(now);
  const Message& asked = take_one();
  EXPECT_EQ(asked.header().command, 280u);
  EXPECT_TRUE(asked.header().is_request());
  Buffer answer;
  Writer reply(answer);
  reply.begin_answer(asked.header());
  reply.put_result(ResultCode::success);
  reply.finish();
  now += 33s;
  peer().check_deadlines(now);
  EXPECT_TRUE(peer().is_suspect());
  send(answer.bytes());
  EXPECT_FALSE(peer().is_suspect());
  for (int i = 0; i < 3; ++i) {
    now += 33s;
    peer().check_deadlines(now);
  }
  EXPECT_EQ(peer().state(), PeerState::closed);
  EXPECT_EQ(context_->metrics.watchdogs_failed, 1u);
  EXPECT_EQ(application.closed, 1);
}

TEST_F(PeerTest, GivesUpWithoutACer) {
  peer();
  peer().check_deadlines(now + 9s);
  EXPECT_EQ(peer().state(), PeerState::wait_cer);
  peer().check_deadlines(now + 10s);
  EXPECT_EQ(peer().state(), PeerState::closed);
}

TEST_F(PeerTest, SaysGoodbye) {
  open();
  peer().stop(now);
  const Message& dpr = take_one();
  EXPECT_EQ(dpr.header().command, 282u);
  EXPECT_EQ(dpr.find(AvpId::disconnect_cause)->u32(), 0u) << "REBOOTING";
  EXPECT_EQ(peer().state(), PeerState::closing);
  Buffer late;
  write_request(late, 1);
  send(late.bytes());
  EXPECT_TRUE(application.requests.empty());
  Buffer dpa;
  Writer writer(dpa);
  writer.begin_answer(dpr.header());
  writer.put_result(ResultCode::success);
  writer.finish();
  send(dpa.bytes());
  EXPECT_EQ(peer().state(), PeerState::draining);

  make_peer();
  open();
  peer().stop(now);
  peer().check_deadlines(now + 2s);
  EXPECT_EQ(peer().state(), PeerState::closed) << "no DPA in time";
}

TEST_F(PeerTest, AnswersAGoodbye) {
  open();
  Buffer dpr;
  Writer writer(dpr);
  writer.begin(Header{0x80, 282, 0, 9, 9});
  writer.put_text(AvpId::origin_host, "client.example");
  writer.put_text(AvpId::origin_realm, "example");
  writer.put_u32(AvpId::disconnect_cause, 0);
  writer.finish();
  send(dpr.bytes());
  const Message& dpa = take_one();
  EXPECT_EQ(dpa.header().command, 282u);
  EXPECT_EQ(dpa.find(AvpId::result_code)->u32(), 2001u);
  EXPECT_EQ(peer().state(), PeerState::closing);
}

TEST_F(PeerTest, HoldsAnswersForTwoGenerations) {
  application.holds = true;
  open();
  Buffer one;
  write_request(one, 1);
  send(one.bytes());
  EXPECT_TRUE(take().empty());
  ASSERT_EQ(context_->gathering.size(), 1u);

  // As the server does: seal, gather the next batch, release.
  context_->committing.swap(context_->gathering);
  peer().seal_held();
  Buffer two;
  write_request(two, 2);
  send(two.bytes());
  EXPECT_EQ(context_->gathering.size(), 1u);
  EXPECT_TRUE(take().empty());
  peer().release_held();
  context_->committing.clear();
  EXPECT_EQ(take_one().header().end_to_end, 1u);

  context_->committing.swap(context_->gathering);
  peer().seal_held();
  peer_.reset();
  EXPECT_TRUE(context_->committing.empty()) << "what is held goes with the peer";
}

TEST_F(PeerTest, ReportsARestartedClient) {
  peer();
  for (const std::uint32_t state_id : {3u, 3u, 4u, 2u}) {
    make_peer();
    Cer cer;
    cer.state_id = state_id;
    send_cer(cer);
    take();
  }
  EXPECT_EQ(application.restarts, std::vector<std::string>{"client.example 3 4"});
}

TEST_F(PeerTest, HasTheProfileOfTheFirstLineThatFits) {
  PeerRule by_network;
  by_network.origin_host = "Client.Example";
  by_network.network = *IpNetwork::parse("10.0.0.0/8");
  by_network.profile.one_service = true;
  PeerRule by_name = by_network;
  by_name.network = {};
  by_name.profile.destinations = PeerProfile::Destinations::own;
  PeerRule rest;
  config.peers_allowed = {by_network, by_name, rest};
  EXPECT_EQ(peer().profile(), PeerProfile{}) << "nobody is known yet";
  open();
  EXPECT_EQ(peer().profile(), by_name.profile);
  // The profile says which destinations are served, whatever the server does.
  Buffer out;
  Writer writer(out);
  writer.begin(Header{0xc0, 272, 4, 1, 1});
  writer.put_text(AvpId::destination_host, "other.example");
  writer.finish();
  send(out.bytes());
  EXPECT_EQ(take_one_result(), 3002u);
}

}  // namespace
}  // namespace farthing::diameter
