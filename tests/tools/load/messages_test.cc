#include "tools/load/messages.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace farthing::load {
namespace {

using testing::HasSubstr;
using testing::Not;

CcrFields update() {
  CcrFields fields;
  fields.type = RequestType::update;
  fields.number = 7;
  fields.serial = 42;
  fields.hop_by_hop = 0x01020304;
  fields.end_to_end = 0x05060708;
  fields.msisdn = 8'619'900'000'017;
  fields.input_octets = 0x1112131415161718;
  fields.output_octets = 0x2122232425262728;
  return fields;
}

std::string request(const CcrFields& fields) {
  const CcrTemplates templates("load-1.farthing.example", 1'700'000'000);
  std::string out;
  templates.append(out, fields);
  return out;
}

TEST(Messages, AnUpdateIsAsLongAsARealOneAndHasItsFields) {
  const std::string message = request(update());
  EXPECT_EQ(message.size(), 572u);  // as Open5GS sends it
  EXPECT_EQ(message_length(message), message.size());
  EXPECT_EQ(message.substr(0, 1), "\x01");
  EXPECT_EQ(message.substr(4, 1), "\xc0");
  EXPECT_EQ(message.substr(12, 8), "\x01\x02\x03\x04\x05\x06\x07\x08");
  EXPECT_THAT(message, HasSubstr("load-1.farthing.example;1700000000;0000000042"));
  EXPECT_THAT(message, HasSubstr("8619900000017"));
  EXPECT_THAT(message, HasSubstr(imsi_of(8'619'900'000'017)));
  EXPECT_THAT(message, HasSubstr("\x11\x12\x13\x14\x15\x16\x17\x18"));
  EXPECT_THAT(message, HasSubstr("\x21\x22\x23\x24\x25\x26\x27\x28"));
}

TEST(Messages, TIsSetOnlyOnWhatWasSentBefore) {
  CcrFields fields = update();
  fields.sent_before = true;
  EXPECT_EQ(request(fields).substr(4, 1), "\xd0");
}

TEST(Messages, AnInitialRequestReportsNothingAndATerminationAsksForNothing) {
  CcrFields fields = update();
  const std::string requested("\0\0\x01\xb5", 4);  // Requested-Service-Unit
  const std::string used("\0\0\x01\xbe", 4);       // Used-Service-Unit
  EXPECT_THAT(request(fields), HasSubstr(requested));
  EXPECT_THAT(request(fields), HasSubstr(used));
  fields.type = RequestType::initial;
  EXPECT_THAT(request(fields), HasSubstr(requested));
  EXPECT_THAT(request(fields), Not(HasSubstr(used)));
  fields.type = RequestType::termination;
  EXPECT_THAT(request(fields), Not(HasSubstr(requested)));
  EXPECT_THAT(request(fields), HasSubstr(used));
}

TEST(Messages, EventTimeIsSecondsSince1900) {
  CcrTemplates templates("a", 1);
  templates.set_event_time(0);
  std::string out;
  templates.append(out, update());
  EXPECT_THAT(out, HasSubstr("\x83\xaa\x7e\x80"));  // 2,208,988,800
}

TEST(Messages, EveryMessageOfOursIsReadableByParseAnswer) {
  for (const std::string& message :
       {request(update()), capabilities_request("a.b"), disconnect_request("a.b")}) {
    ASSERT_EQ(message.size() % 4, 0u);
    const auto parsed = parse_answer(message);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_TRUE(parsed->is_request);
    EXPECT_EQ(parsed->result, 0u);
  }
}

TEST(Messages, WatchdogsAreAnsweredAndTheUnknownIsRefused) {
  std::string watchdog = capabilities_request("ocs");
  watchdog[6] = 1;
  watchdog[7] = 0x18;  // 280
  watchdog.replace(12, 8, "hophend2");
  auto answer = parse_answer(answer_to(watchdog, "load"));
  ASSERT_TRUE(answer.has_value());
  EXPECT_FALSE(answer->is_request);
  EXPECT_EQ(answer->command, command_device_watchdog);
  EXPECT_EQ(answer->result, 2001u);
  EXPECT_EQ(answer->hop_by_hop, 0x686f7068u);
  watchdog[7] = 0x19;
  answer = parse_answer(answer_to(watchdog, "load"));
  EXPECT_EQ(answer->result, 3001u);
}

TEST(Messages, LengthIsToldFromFourBytes) {
  EXPECT_FALSE(message_length(std::string_view("\x01\0\0", 3)).has_value());
  EXPECT_EQ(message_length(std::string_view("\x01\0\0\x14", 4)), 20u);
  EXPECT_EQ(message_length(std::string_view("\x01\0\0\x13", 4)), 0u);
  EXPECT_EQ(message_length("HTTP/1.1"), 0u);
}

TEST(Messages, HostileAnswersAreNothing) {
  const std::string good = request(update());
  EXPECT_TRUE(rc::check([&good] {
    std::string bad = good;
    const auto at = *rc::gen::inRange<std::size_t>(20, bad.size());
    bad[at] = static_cast<char>(*rc::gen::inRange(0, 256));
    bad.resize(*rc::gen::inRange<std::size_t>(20, bad.size()));
    (void)parse_answer(bad);  // whatever it is, it reads within the bytes (asan)
  }));
}

}  // namespace
}  // namespace farthing::load
