// The captured sessions of two real clients, played against the server frame by frame, unchanged.
// Prices are the demo's (tariffs/samples/demo.yaml); the sums are done by hand beside each test.
#include <gtest/gtest.h>

#include <memory>

#include "diameter/byte_order.h"
#include "diameter/dictionary.h"
#include "diameter/message.h"
#include "tests/diameter/captures.h"
#include "tests/system/process.h"
#include "tests/system/wire.h"

namespace farthing::test {
namespace {

using diameter::Avp;
using diameter::AvpId;
using diameter::Message;

// What a client gets back for one of its requests.
struct Answer {
  Octets frame;
  std::unique_ptr<Message> message = std::make_unique<Message>();

  explicit Answer(Octets octets) : frame(std::move(octets)) {
    EXPECT_TRUE(diameter::decode({frame.data(), frame.size()}, *message).has_value());
  }

  bool has(AvpId id) const { return message->find(id) != nullptr; }
  std::uint32_t u32(AvpId id) const { return has(id) ? message->find(id)->u32() : 0; }
  // An AVP of its one MSCC, at the path given.
  const Avp* in_mscc(std::initializer_list<AvpId> path) const {
    const Avp* at = message->find(AvpId::multiple_services_credit_control);
    for (const AvpId id : path) {
      if (at == nullptr) return nullptr;
      at = message->find(*at, id);
    }
    return at;
  }
};

class ReplayTest : public ::testing::Test {
 protected:
  // The client's frames of a capture, in order.
  static std::vector<Octets> frames_of(const std::string& capture) {
    std::vector<Octets> frames;
    for (auto& message : diameter::testing::read_capture(capture)) {
      if (message.from_client) frames.push_back(std::move(message.frame));
    }
    return frames;
  }

  // What every answer owes its request: RFC 6733 3 and 6.2, RFC 8506 3.2.
  static void expect_answers(const Octets& request, const Answer& answer) {
    Message asked;
    ASSERT_TRUE(diameter::decode({request.data(), request.size()}, asked).has_value());
    const diameter::Header& header = answer.message->header();
    EXPECT_FALSE(header.is_request());
    EXPECT_FALSE(header.is_error());
    EXPECT_EQ(header.command, asked.header().command);
    EXPECT_EQ(header.application, asked.header().application);
    EXPECT_EQ(header.hop_by_hop, asked.header().hop_by_hop);
    EXPECT_EQ(header.end_to_end, asked.header().end_to_end);
    ASSERT_TRUE(answer.has(AvpId::origin_host));
    EXPECT_EQ(answer.message->find(AvpId::origin_host)->text(), "ocs.farthing.example");
    ASSERT_TRUE(answer.has(AvpId::origin_realm));
    EXPECT_EQ(answer.message->find(AvpId::origin_realm)->text(), "farthing.example");
    if (header.command != diameter::command::credit_control) return;
    ASSERT_FALSE(answer.message->avps().empty());
    EXPECT_EQ(answer.message->avps().begin()->id, AvpId::session_id) << "Session-Id is not first";
    EXPECT_EQ(answer.message->find(AvpId::session_id)->text(),
              asked.find(AvpId::session_id)->text());
    EXPECT_EQ(answer.u32(AvpId::auth_application_id), 4u);
    EXPECT_EQ(answer.u32(AvpId::cc_request_type), asked.find(AvpId::cc_request_type)->u32());
    EXPECT_EQ(answer.u32(AvpId::cc_request_number), asked.find(AvpId::cc_request_number)->u32());
  }

  // Plays one request and checks what every answer must have.
  Answer play(const Octets& request) {
    Answer answer(wire_.ask(request));
    expect_answers(request, answer);
    return answer;
  }

  // Open5GS: a grant of total octets as asked, and nothing that it did not ask for.
  static void expect_grant(const Answer& answer, std::uint64_t octets) {
    const Avp* granted = answer.in_mscc({AvpId::granted_service_unit, AvpId::cc_total_octets});
    ASSERT_NE(granted, nullptr);
    EXPECT_EQ(granted->u64(), octets);
    EXPECT_EQ(answer.in_mscc({AvpId::granted_service_unit, AvpId::cc_time}), nullptr);
    EXPECT_EQ(answer.in_mscc({AvpId::rating_group}), nullptr) << "it sent none";
    expect_granted_well(answer);
  }
  // Kamailio: a grant of seconds, for the service that it named.
  static void expect_seconds(const Answer& answer, std::uint32_t seconds) {
    const Avp* granted = answer.in_mscc({AvpId::granted_service_unit, AvpId::cc_time});
    ASSERT_NE(granted, nullptr);
    EXPECT_EQ(granted->u32(), seconds);
    ASSERT_NE(answer.in_mscc({AvpId::rating_group}), nullptr);
    EXPECT_EQ(answer.in_mscc({AvpId::rating_group})->u32(), 100u);
    ASSERT_NE(answer.in_mscc({AvpId::service_identifier}), nullptr);
    EXPECT_EQ(answer.in_mscc({AvpId::service_identifier})->u32(), 1000u);
    expect_granted_well(answer);
  }
  static void expect_granted_well(const Answer& answer) {
    ASSERT_NE(answer.in_mscc({AvpId::result_code}), nullptr);
    EXPECT_EQ(answer.in_mscc({AvpId::result_code})->u32(), 2001u);
    ASSERT_NE(answer.in_mscc({AvpId::validity_time}), nullptr);
    EXPECT_EQ(answer.in_mscc({AvpId::validity_time})->u32(), 3600u);
    EXPECT_EQ(answer.in_mscc({AvpId::final_unit_indication}), nullptr);
  }

  TempFolder folder_;
  Farthingd server_ = Farthingd::demo(folder_);
  Wire wire_{server_.port()};
};

// 0.08 a MiB in steps of 1 KiB, no rating group: 6000 octets are 6 steps, 6 x 0.08 / 1024 =
// 0.00046875; 17,000 and 17,030 are 17, 0.001328125; 17,430 are 18, 0.00140625.
TEST_F(ReplayTest, open5gs_session) {
  const auto frames = frames_of("open5gs-smf-2.7.7-session.pcap");
  ASSERT_EQ(frames.size(), 6u);
  EXPECT_EQ(play(frames[0]).u32(AvpId::result_code), 2001u);
  const std::vector<std::string> balances = {"100.000000", "99.999531", "99.998672", "99.998672"};
  for (std::size_t n = 0; n < balances.size(); ++n) {
    const Answer answer = play(frames[n + 1]);
    EXPECT_EQ(answer.u32(AvpId::result_code), 2001u);
    expect_grant(answer, 1'000'000);
    EXPECT_EQ(server_.balance("491700000001"), balances[n]);
  }
  EXPECT_EQ(play(frames[5]).u32(AvpId::result_code), 2001u);
  EXPECT_EQ(server_.balance("491700000001"), "99.998594");
  EXPECT_EQ(server_.reserved("491700000001"), "0.000000");
}

// The answer to a Re-Auth-Request that this server never sent gets nothing back, and does no harm.
// 400 octets are one step: 0.08 / 1024 = 0.000078125.
TEST_F(ReplayTest, open5gs_answers_an_unasked_reauth) {
  const auto frames = frames_of("open5gs-smf-2.7.7-reauth.pcap");
  ASSERT_EQ(frames.size(), 4u);
  EXPECT_EQ(play(frames[0]).u32(AvpId::result_code), 2001u);
  expect_grant(play(frames[1]), 1'000'000);
  ASSERT_EQ(command_of(frames[2]), diameter::command::re_auth);
  ASSERT_TRUE(wire_.send(frames[2]));
  EXPECT_EQ(play(frames[3]).u32(AvpId::result_code), 2001u);
  EXPECT_EQ(server_.balance("491700000001"), "99.999922");
  EXPECT_EQ(server_.reserved("491700000001"), "0.000000");
}

// 0.15 a minute in steps of a second: 3 + 3 + 3 + 3 seconds are 0.03. The calling party is not
// among the demo's subscribers.
TEST_F(ReplayTest, kamailio_call) {
  const auto frames = frames_of("kamailio-5.6.3-call.pcap");
  ASSERT_EQ(frames.size(), 7u);
  ASSERT_EQ(server_.farthing({"account", "create", "caller", "--kind", "prepaid"}).code, 0);
  ASSERT_EQ(server_.farthing({"subscriber", "add", "491700000021", "--account", "caller"}).code, 0);
  ASSERT_EQ(server_.farthing({"balance", "topup", "caller", "10"}).code, 0);
  EXPECT_EQ(play(frames[0]).u32(AvpId::result_code), 2001u);  // capabilities
  EXPECT_EQ(play(frames[1]).u32(AvpId::result_code), 2001u);  // watchdog
  for (std::size_t n = 2; n < 6; ++n) {
    const Answer answer = play(frames[n]);
    EXPECT_EQ(answer.u32(AvpId::result_code), 2001u);
    expect_seconds(answer, 5);
  }
  EXPECT_EQ(server_.balance("caller"), "9.977500");
  EXPECT_EQ(server_.reserved("caller"), "0.012500");
  EXPECT_EQ(play(frames[6]).u32(AvpId::result_code), 2001u);
  EXPECT_EQ(server_.balance("caller"), "9.970000");
  EXPECT_EQ(server_.reserved("caller"), "0.000000");
}

// Kamailio's first capabilities request now and then lacks Host-IP-Address: refused, and served
// when it comes again. 3 + 3 + 3 + 3 + 1 seconds are 0.0325.
TEST_F(ReplayTest, kamailio_call_after_a_refused_capabilities_exchange) {
  const auto frames = frames_of("kamailio-5.6.3-call-first-cer-without-address.pcap");
  ASSERT_EQ(frames.size(), 8u);
  {
    Wire first(server_.port());
    const Answer refused(first.ask(frames[0]));
    EXPECT_EQ(refused.u32(AvpId::result_code), 5005u);
    const Avp* failed = refused.message->find(AvpId::failed_avp);
    ASSERT_NE(failed, nullptr);
    // The example of what is missing: its code, 257, is enough to look at.
    ASSERT_GE(failed->size_bytes, 8u);
    EXPECT_EQ(diameter::load_u32(failed->data), 257u);
  }
  EXPECT_EQ(play(frames[1]).u32(AvpId::result_code), 2001u);
  for (std::size_t n = 2; n < 7; ++n) expect_seconds(play(frames[n]), 5);
  EXPECT_EQ(play(frames[7]).u32(AvpId::result_code), 2001u);
  EXPECT_EQ(server_.balance("491700000001"), "99.967500");
  EXPECT_EQ(server_.reserved("491700000001"), "0.000000");
}

}  // namespace
}  // namespace farthing::test
