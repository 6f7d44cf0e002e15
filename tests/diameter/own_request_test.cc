#include "diameter/own_request.h"

#include <gmock/gmock.h>

#include "tests/diameter/peer_fixture.h"

namespace farthing::diameter {
namespace {

using namespace std::chrono_literals;
using testing::Cer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::PeerTest;

class OwnRequestTest : public PeerTest {
 protected:
  std::optional<Header> ask(std::uint64_t id, std::chrono::milliseconds timeout = 10s) {
    const auto header = peer().begin_request({command::re_auth, 4, id, timeout});
    if (!header) return header;
    Writer writer(peer().ready_buffer());
    writer.begin(*header);
    writer.put_text(AvpId::session_id, "session");
    writer.finish();
    return header;
  }
  void answer(Header request, std::uint32_t result = 2002) {
    Buffer out;
    Writer writer(out);
    writer.begin_answer(request, result / 1000 == 3);
    writer.put_u32(AvpId::result_code, result);
    writer.finish();
    send(out.bytes());
  }
};

TEST_F(OwnRequestTest, IsSentAndItsAnswerFindsIt) {
  open();
  const auto first = ask(71);
  const auto second = ask(72);
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->hop_by_hop, second->hop_by_hop);
  const auto sent = take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0][4], 0xc0) << "R and P";
  EXPECT_EQ(load_u24(&sent[0][5]), 258u);
  EXPECT_EQ(load_u32(&sent[0][12]), first->hop_by_hop);
  answer(*second);
  answer(*first, 3002);
  EXPECT_THAT(application.ends, ElementsAre("72 answered 2002 by client.example",
                                            "71 answered 3002 by client.example"));
  answer(*first);
  EXPECT_EQ(application.ends.size(), 2u) << "an answer counts once";
  EXPECT_EQ(context_->metrics.answers_ignored, 1u);
}

TEST_F(OwnRequestTest, AnAnswerMustFitCommandAndApplication) {
  open();
  const Header header = *ask(7);
  Header other = header;
  other.command = command::abort_session;
  answer(other);
  other = header;
  other.application = 0;
  answer(other);
  other = header;
  ++other.hop_by_hop;
  answer(other);
  EXPECT_THAT(application.ends, IsEmpty());
  EXPECT_EQ(context_->metrics.answers_ignored, 3u);
  answer(header);
  EXPECT_EQ(application.ends.size(), 1u);
}

TEST_F(OwnRequestTest, IsLostWhenItsTimeIsOver) {
  open();
  ask(1, 3s);
  ask(2, 5s);
  peer().check_deadlines(now + 2999ms);
  EXPECT_THAT(application.ends, IsEmpty());
  peer().check_deadlines(now + 3s);
  EXPECT_THAT(application.ends, ElementsAre("1 lost timeout"));
  peer().check_deadlines(now + 5s, false);
  EXPECT_THAT(application.ends, ElementsAre("1 lost timeout", "2 lost timeout"))
      << "also while nothing is read";
  EXPECT_EQ(context_->metrics.own_requests_lost, 2u);
}

TEST_F(OwnRequestTest, IsLostWithItsPeer) {
  open();
  ask(1);
  peer().disconnected(now);
  EXPECT_THAT(application.ends, ElementsAre("1 lost peer_gone"));
  EXPECT_FALSE(ask(2)) << "nobody is there";
  make_peer();
  open();
  ask(3);
  peer().stop(now);
  EXPECT_THAT(application.ends, ElementsAre("1 lost peer_gone", "3 lost peer_gone"));
  EXPECT_FALSE(ask(4));
}

TEST_F(OwnRequestTest, NeedsAnOpenPeer) {
  EXPECT_FALSE(peer().begin_request({command::re_auth, 4, 1}));
  EXPECT_THAT(application.ends, IsEmpty());
}

TEST_F(OwnRequestTest, IsBounded) {
  config.own_requests_max = 2;
  open();
  const auto first = ask(1);
  EXPECT_TRUE(ask(2));
  EXPECT_FALSE(ask(3));
  answer(*first);
  EXPECT_TRUE(ask(3));
}

TEST_F(OwnRequestTest, ARepeatedOneKeepsItsNumber) {
  open();
  const auto header = peer().begin_request({command::re_auth, 4, 1, 10s, 0xabcdu});
  ASSERT_TRUE(header);
  EXPECT_EQ(header->end_to_end, 0xabcdu);
  EXPECT_TRUE(header->is_retransmitted());
}

TEST_F(OwnRequestTest, AnAnswerThatCannotBeReadIsALoss) {
  open();
  const auto header = ask(5);
  Buffer out;
  Writer writer(out);
  writer.begin_answer(*header);
  std::uint8_t* at = out.extend(8);
  store_u32(at, 268);
  store_u32(at + 4, 0x40000008);  // a Result-Code without a value
  writer.finish();
  send(out.bytes());
  EXPECT_THAT(application.ends, ElementsAre("5 lost unreadable"));
  EXPECT_EQ(peer().state(), PeerState::open);
}

TEST_F(OwnRequestTest, GoesToTheOpenPeerOfAName) {
  config.peers_allowed[0].profile.several_connections = true;
  open();
  Peer& first = peer();
  EXPECT_EQ(context_->open_peers.best("CLIENT.example"), &first);
  EXPECT_EQ(context_->open_peers.best("other.example"), nullptr);
  auto older = std::move(peer_);
  make_peer();
  EXPECT_EQ(context_->open_peers.best("client.example"), &first) << "not open yet";
  open();
  EXPECT_EQ(context_->open_peers.best("client.example"), &peer());
  EXPECT_EQ(context_->open_peers.named("client.example").size(), 2u);
  now += 33s;
  peer().check_deadlines(now);
  now += 33s;
  peer().check_deadlines(now);
  ASSERT_TRUE(peer().is_suspect());
  EXPECT_EQ(context_->open_peers.best("client.example"), &first) << "that one is heard";
  first.disconnected(now);
  EXPECT_EQ(context_->open_peers.best("client.example"), &peer()) << "better than none";
  peer_.reset();
  EXPECT_EQ(context_->open_peers.best("client.example"), nullptr);
}

}  // namespace
}  // namespace farthing::diameter
