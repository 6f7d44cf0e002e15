#include "diameter/admission.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <random>

#include "tests/diameter/peer_fixture.h"

namespace farthing::diameter {
namespace {

using testing::Octets;

// A request of credit control, and what it says.
struct Ccr {
  std::uint32_t type = 1;
  std::optional<std::uint32_t> action = {};
  bool reports = false;
  bool knows_overload = false;
  const char* proxy = nullptr;

  Octets octets() const {
    Buffer out;
    Writer writer(out);
    writer.begin(Header{0xc0, command::credit_control, application::credit_control, 11, 22});
    writer.put_text(AvpId::session_id, "pgw;1;2");
    writer.put_text(AvpId::origin_host, "client.example");
    writer.put_u32(AvpId::cc_request_type, type);
    if (action) writer.put_u32(AvpId::requested_action, *action);
    writer.begin_group(AvpId::multiple_services_credit_control);
    writer.put_u32(AvpId::rating_group, 10);
    writer.begin_group(reports ? AvpId::used_service_unit : AvpId::requested_service_unit);
    writer.put_u64(AvpId::cc_total_octets, 1000);
    writer.end_group();
    writer.end_group();
    if (knows_overload) {
      writer.begin_group(AvpId::oc_supported_features);
      writer.end_group();
    }
    if (proxy != nullptr) {
      writer.begin_group(AvpId::proxy_info);
      writer.put_text(AvpId::proxy_host, proxy);
      writer.put_text(AvpId::proxy_state, "abc");
      writer.end_group();
    }
    writer.finish();
    return {out.data(), out.data() + out.size()};
  }
};

class AdmissionTest : public testing::PeerTest {
 protected:
  AdmissionTest() : admission({"ocs.farthing.example", "farthing.example"}, 1000) { open(); }

  bool turns_away(const Octets& frame, Pressure pressure) {
    return admission.turns_away(frame, pressure, peer());
  }
  // The answer to one that is turned away.
  Message& answer_to(const Ccr& ccr) {
    EXPECT_TRUE(turns_away(ccr.octets(), Pressure::high));
    const auto frames = take();
    EXPECT_EQ(frames.size(), 1u);
    frame_ = frames.at(0);
    EXPECT_TRUE(decode(frame_, answer_).has_value());
    return answer_;
  }

  Admission admission;

 private:
  Octets frame_;
  Message answer_;
};

TEST_F(AdmissionTest, WhatBeginsSomethingGoesFirstAndReportsNever) {
  struct Case {
    Ccr ccr;
    bool some;
    bool high;
  };
  const Case cases[] = {
      {{.type = 1}, true, true},
      {{.type = 2}, false, true},
      {{.type = 2, .reports = true}, false, false},
      {{.type = 3}, false, false},
      {{.type = 3, .reports = true}, false, false},
      {{.type = 4, .action = 0}, true, true},    // DIRECT_DEBITING
      {{.type = 4, .action = 1}, false, false},  // REFUND_ACCOUNT
      {{.type = 4, .action = 2}, true, true},    // CHECK_BALANCE
      {{.type = 4, .action = 3}, true, true},    // PRICE_ENQUIRY
      {{.type = 1, .reports = true}, false, false},
      {{.type = 7}, false, false},  // decoding it says what is wrong
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.ccr.type);
    EXPECT_FALSE(turns_away(one.ccr.octets(), Pressure::none));
    EXPECT_EQ(turns_away(one.ccr.octets(), Pressure::some), one.some);
    EXPECT_EQ(turns_away(one.ccr.octets(), Pressure::high), one.high);
  }
  EXPECT_EQ(admission.turned_away()[0], 8u);
  EXPECT_EQ(admission.turned_away()[1], 1u);
}

TEST_F(AdmissionTest, TheAnswerIsAProtocolErrorOfTheRequest) {
  const Message& answer = answer_to({.proxy = "agent.example"});
  EXPECT_EQ(answer.header().flags, command_flag::proxiable | command_flag::error);
  EXPECT_EQ(answer.header().hop_by_hop, 11u);
  EXPECT_EQ(answer.header().end_to_end, 22u);
  EXPECT_EQ(answer.find(AvpId::result_code)->u32(), 3004u);
  EXPECT_EQ(answer.find(AvpId::session_id)->text(), "pgw;1;2");
  EXPECT_EQ(answer.find(AvpId::origin_host)->text(), "ocs.farthing.example");
  const Avp* const proxy = answer.find(AvpId::proxy_info);
  ASSERT_NE(proxy, nullptr);
  EXPECT_EQ(answer.find(*proxy, AvpId::proxy_host)->text(), "agent.example");
  EXPECT_EQ(answer.find(AvpId::oc_supported_features), nullptr) << "it does not know it";
}

TEST_F(AdmissionTest, ClientsThatKnowItAreToldByHowMuchToReduce) {
  EXPECT_NE(answer_to({.knows_overload = true}).find(AvpId::oc_supported_features), nullptr);
  for (int i = 0; i < 49; ++i) turns_away(Ccr{}.octets(), Pressure::some);
  take();
  EXPECT_FALSE(admission.report().has_value());
  admission.review(50);
  ASSERT_TRUE(admission.report().has_value());
  EXPECT_EQ(admission.report()->reduction_percent, 50u);
  EXPECT_EQ(admission.report()->sequence, 1001u);
  const Message& answer = answer_to({.knows_overload = true});
  const Avp* const report = answer.find(AvpId::oc_olr);
  ASSERT_NE(report, nullptr);
  EXPECT_EQ(answer.find(*report, AvpId::oc_reduction_percentage)->u32(), 50u);
  EXPECT_EQ(answer.find(*report, AvpId::oc_report_type)->u32(), 0u);
  EXPECT_EQ(answer.find(*report, AvpId::oc_validity_duration)->u32(), 10u);
  EXPECT_EQ(answer.find(*report, AvpId::oc_sequence_number)->u64(), 1001u);

  // Half of what they sent is let through, and a tenth of that is still too much.
  for (int i = 0; i < 9; ++i) turns_away(Ccr{}.octets(), Pressure::some);
  admission.review(90);
  EXPECT_EQ(admission.report()->reduction_percent, 55u);
}

TEST_F(AdmissionTest, WhenItIsOverTheyAreToldSoForAWhile) {
  turns_away(Ccr{}.octets(), Pressure::some);
  admission.review(1);
  std::uint32_t before = 100;
  int reviews = 0;
  while (admission.report()->validity_seconds > 0) {
    ASSERT_LT(admission.report()->reduction_percent, before);
    before = admission.report()->reduction_percent;
    admission.review(100);
    ASSERT_LT(++reviews, 20);
  }
  EXPECT_EQ(admission.report()->reduction_percent, 0u);
  for (int i = 0; i < 40; ++i) admission.review(100);
  EXPECT_FALSE(admission.report().has_value());
}

TEST_F(AdmissionTest, LeavesOtherMessagesAlone) {
  Octets answer = Ccr{}.octets();
  answer[4] = 0x40;
  EXPECT_FALSE(turns_away(answer, Pressure::high));
  Octets other = Ccr{}.octets();
  other[11] = 3;  // another application
  EXPECT_FALSE(turns_away(other, Pressure::high));
  Buffer dwr;
  testing::write_request(dwr, 1, command::device_watchdog, 0);
  EXPECT_FALSE(turns_away({dwr.data(), dwr.data() + dwr.size()}, Pressure::high));
}

TEST_F(AdmissionTest, TakesAnyOctets) {
  std::mt19937 random(1);
  const Octets sound = Ccr{.knows_overload = true, .proxy = "agent.example"}.octets();
  for (int i = 0; i < 20'000; ++i) {
    Octets frame = sound;
    for (unsigned n = 1 + random() % 4; n > 0; --n) {
      frame[4 + random() % (frame.size() - 4)] = static_cast<std::uint8_t>(random());
    }
    frame.resize(random() % (frame.size() + 1));
    if (turns_away(frame, Pressure::high)) {
      for (const Octets& answer : take()) {
        Message message;
        EXPECT_TRUE(decode(answer, message).has_value() || answer.size() > 20);
      }
    }
  }
}

}  // namespace
}  // namespace farthing::diameter
