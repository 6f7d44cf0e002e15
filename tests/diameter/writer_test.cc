#include "diameter/writer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <random>

#include "diameter/error_answer.h"
#include "tests/diameter/captures.h"

namespace farthing::diameter {
namespace {

using testing::Octets;

Octets octets_of(const Buffer& buffer) { return {buffer.data(), buffer.data() + buffer.size()}; }

TEST(Writer, WritesTheOctetsOfTheRfc) {
  Buffer buffer;
  Writer writer(buffer);
  writer.begin_answer(Header{0xd0, 272, 4, 0x01020304, 0x05060708});
  writer.put_text(AvpId::session_id, "abcde");
  writer.put_u32(AvpId::cc_request_number, 7);
  writer.begin_group(AvpId::service_information);
  writer.put_u32(AvpId::time_quota_threshold, 9);
  writer.end_group();
  EXPECT_EQ(writer.finish(), 76u);
  const Octets expected = {
      1, 0, 0, 76,   0x40, 0, 1, 0x10, 0,   0,   0,    4,    1,   2, 3, 4,
      5, 6, 7, 8,                                                           // Header; P kept.
      0, 0, 1, 7,    0x40, 0, 0, 13,   'a', 'b', 'c',  'd',  'e', 0, 0, 0,  // Padded.
      0, 0, 1, 0x9f, 0x40, 0, 0, 12,   0,   0,   0,    7,                   //
      0, 0, 3, 0x69, 0xc0, 0, 0, 28,   0,   0,   0x28, 0xaf,                // Group of 3GPP.
      0, 0, 3, 0x64, 0xc0, 0, 0, 16,   0,   0,   0x28, 0xaf, 0,   0, 0, 9};
  EXPECT_EQ(octets_of(buffer), expected);
}

TEST(Writer, EncodesAllTypesSoThatTheyDecodeTheSame) {
  rc::check([](std::uint32_t u32, std::int32_t i32, std::uint64_t u64, std::int64_t i64,
               const std::vector<std::uint8_t>& octets, std::uint32_t time) {
    Buffer buffer;
    Writer writer(buffer);
    writer.begin(Header{0x80, 272, 4, u32, time});
    writer.put_u32(AvpId::rating_group, u32);
    writer.put_i32(AvpId::exponent, i32);
    writer.begin_group(AvpId::used_service_unit);
    writer.put_u64(AvpId::cc_total_octets, u64);
    writer.begin_group(AvpId::unit_value);
    writer.put_i64(AvpId::value_digits, i64);
    writer.end_group();
    writer.end_group();
    writer.put_bytes(AvpId::class_avp, octets);
    writer.put_time(AvpId::event_timestamp, time_from_wire(time));
    writer.put_address(AvpId::pdp_address, {Address::ipv4, Bytes(buffer.data(), 4)});
    RC_ASSERT(writer.finish() == buffer.size());

    Message message;
    RC_ASSERT(decode(buffer.bytes(), message).has_value());
    RC_ASSERT(message.header().hop_by_hop == u32);
    RC_ASSERT(message.header().end_to_end == time);
    RC_ASSERT(message.find(AvpId::rating_group)->u32() == u32);
    RC_ASSERT(message.find(AvpId::exponent)->i32() == i32);
    const Avp* usu = message.find(AvpId::used_service_unit);
    RC_ASSERT(message.find(*usu, AvpId::cc_total_octets)->u64() == u64);
    const Avp* value = message.find(*usu, AvpId::unit_value);
    RC_ASSERT(message.find(*value, AvpId::value_digits)->i64() == i64);
    const Bytes read = message.find(AvpId::class_avp)->bytes();
    RC_ASSERT(std::vector<std::uint8_t>(read.begin(), read.end()) == octets);
    RC_ASSERT(time_to_wire(message.find(AvpId::event_timestamp)->time()) == time);
    RC_ASSERT(message.find(AvpId::pdp_address)->address().octets.size() == 4u);
  });
}

// Writes a message again from its tape.
void rewrite(const Message& message, AvpRange avps, Writer& writer) {
  for (const Avp& avp : avps) {
    const bool is_group =
        definition(avp.id).type == AvpType::grouped && avp.id != AvpId::failed_avp;
    if (!is_group) {
      writer.copy(avp);
      continue;
    }
    writer.begin_group(avp.id);
    rewrite(message, message.children(avp), writer);
    writer.end_group();
  }
}

TEST(Writer, WritesCapturedMessagesAgain) {
  Message message;
  for (const Octets& frame : testing::all_captured_frames()) {
    ASSERT_TRUE(decode(frame, message).has_value());
    Buffer buffer;
    Writer writer(buffer);
    writer.begin(message.header());
    rewrite(message, message.avps(), writer);
    writer.finish();
    // Groups take their M bit from the dictionary; all else must be the same octets.
    Message again;
    ASSERT_TRUE(decode(buffer.bytes(), again).has_value());
    ASSERT_EQ(again.tape().size(), message.tape().size());
    EXPECT_EQ(buffer.size(), frame.size());
    for (std::size_t i = 0; i < again.tape().size(); ++i) {
      EXPECT_EQ(again.tape()[i].code, message.tape()[i].code);
      EXPECT_EQ(again.tape()[i].size_bytes, message.tape()[i].size_bytes);
      EXPECT_EQ(again.tape()[i].end, message.tape()[i].end);
    }
  }
}

TEST(Writer, AppendsMessagesAndTakesThemBack) {
  Buffer buffer;
  Writer writer(buffer);
  writer.begin(Header{0x80, 280, 0, 1, 2});
  EXPECT_EQ(writer.finish(), 20u);
  writer.begin(Header{0x80, 280, 0, 3, 4});
  writer.put_text(AvpId::origin_host, "host");
  EXPECT_EQ(writer.finish(), 32u);
  writer.begin(Header{0x80, 280, 0, 5, 6});
  writer.discard();
  EXPECT_EQ(buffer.size(), 52u);
  EXPECT_EQ(load_u24(buffer.data() + 1), 20u);
  EXPECT_EQ(load_u24(buffer.data() + 21), 32u);
}

TEST(Buffer, GrowsAndKeepsItsContent) {
  Buffer buffer;
  std::vector<std::uint8_t> expected;
  for (std::size_t i = 0; i < 5000; ++i) {
    const std::uint8_t octet = static_cast<std::uint8_t>(i * 7);
    buffer.append({&octet, 1});
    expected.push_back(octet);
  }
  EXPECT_EQ(octets_of(buffer), expected);
  buffer.drop_front(4999);
  ASSERT_EQ(buffer.size(), 1u);
  EXPECT_EQ(*buffer.data(), expected.back());
}

const Identity identity{"ocs.farthing.example", "farthing.example", 1};

TEST(ErrorAnswer, CarriesWhatTheClientNeeds) {
  Buffer request;
  Writer writer(request);
  writer.begin(Header{0xc0, 272, 4, 77, 88});
  writer.put_text(AvpId::session_id, "client;1;2");
  writer.put_u32(AvpId::cc_request_type, 2);
  writer.put_u32(AvpId::cc_request_number, 5);
  for (const std::string_view host : {"first.proxy", "second.proxy"}) {
    writer.begin_group(AvpId::proxy_info);
    writer.put_text(AvpId::proxy_host, host);
    writer.put_text(AvpId::proxy_state, "odd");
    writer.end_group();
  }
  writer.finish();
  Message message;
  ASSERT_TRUE(decode(request.bytes(), message).has_value());

  Buffer answer;
  write_error_answer(answer, message, identity, ResultCode::missing_avp,
                     FailedAvp::missing(AvpId::service_context_id),
                     "Service-Context-Id is missing");
  Message decoded;
  ASSERT_TRUE(decode(answer.bytes(), decoded).has_value());
  EXPECT_FALSE(decoded.header().is_request());
  EXPECT_FALSE(decoded.header().is_error());
  EXPECT_EQ(decoded.header().hop_by_hop, 77u);
  EXPECT_EQ(decoded.header().end_to_end, 88u);
  EXPECT_EQ(decoded.tape()[0].id, AvpId::session_id);
  EXPECT_EQ(decoded.find(AvpId::result_code)->u32(), 5005u);
  EXPECT_EQ(decoded.find(AvpId::cc_request_type)->u32(), 2u);
  EXPECT_EQ(decoded.find(AvpId::cc_request_number)->u32(), 5u);
  EXPECT_EQ(decoded.find(AvpId::auth_application_id)->u32(), 4u);
  std::vector<std::string_view> hosts;
  for (const Avp& avp : decoded.avps()) {
    if (avp.id != AvpId::proxy_info) continue;
    hosts.push_back(decoded.find(avp, AvpId::proxy_host)->text());
    EXPECT_EQ(decoded.find(avp, AvpId::proxy_state)->text(), "odd");
  }
  EXPECT_EQ(hosts, (std::vector<std::string_view>{"first.proxy", "second.proxy"}));

  answer.clear();
  write_error_answer(answer, message, identity, ResultCode::too_busy);
  ASSERT_TRUE(decode(answer.bytes(), decoded).has_value());
  EXPECT_TRUE(decoded.header().is_error()) << "3xxx (RFC 6733 7.1.3)";
}

// Whatever arrives is decoded or refused, and every refusal can be answered by a sound message.
void survive(Bytes frame) {
  static Message message;
  static Message answer;
  auto result = decode(frame, message);
  for (const Avp& avp : message.tape()) {
    ASSERT_GE(avp.data, frame.data());
    ASSERT_LE(avp.data + avp.size_bytes, frame.data() + frame.size());
    ASSERT_LE(avp.end, message.tape().size());
  }
  if (result.has_value() || result.error().is_fatal()) return;
  Buffer out;
  write_error_answer(out, message, identity, result.error().code, result.error().failed_avp);
  auto again = decode(out.bytes(), answer);
  // What is echoed may itself be refused (a NUL in the Session-Id), but never its structure.
  if (!again.has_value()) {
    ASSERT_NE(again.error().code, ResultCode::invalid_message_length);
    ASSERT_NE(again.error().code, ResultCode::unsupported_version);
  }
}

TEST(Fuzz, SurvivesMutatedMessages) {
  const std::vector<Octets> seeds = testing::all_captured_frames();
  std::mt19937_64 random(20240607);
  for (int round = 0; round < 20000; ++round) {
    Octets frame = seeds[random() % seeds.size()];
    for (std::size_t changes = 1 + random() % 4; changes > 0; --changes) {
      const std::size_t at = 20 + random() % (frame.size() - 20);
      switch (random() % 4) {
        case 0:
          frame[at] = static_cast<std::uint8_t>(random());
          break;
        case 1:
          frame[at] ^= static_cast<std::uint8_t>(1u << random() % 8);
          break;
        case 2:
          frame[at & ~3u] = 0xff;
          break;
        default:
          frame.resize(std::max<std::size_t>(24, at & ~3u));
      }
    }
    store_u24(&frame[1], static_cast<std::uint32_t>(frame.size()));
    // Its own allocation: the sanitizers then see a step past the end.
    const Octets exact(frame.begin(), frame.end());
    ASSERT_NO_FATAL_FAILURE(survive(exact)) << "round " << round;
  }
}

TEST(Fuzz, SurvivesEveryTruncation) {
  for (const Octets& frame : testing::all_captured_frames()) {
    for (std::size_t size = 0; size < frame.size(); ++size) {
      Octets cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_NO_FATAL_FAILURE(survive(cut));
      if (size < 20 || size % 4 != 0) continue;
      store_u24(&cut[1], static_cast<std::uint32_t>(size));
      ASSERT_NO_FATAL_FAILURE(survive(cut));
    }
  }
}

TEST(Fuzz, SurvivesRandomBodies) {
  rc::check([](std::vector<std::uint8_t> body) {
    body.resize(body.size() & ~std::size_t{3});
    Octets frame = {1, 0, 0, 0, 0xc0, 0, 1, 0x10, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2};
    frame.insert(frame.end(), body.begin(), body.end());
    store_u24(&frame[1], static_cast<std::uint32_t>(frame.size()));
    survive(frame);
  });
}

}  // namespace
}  // namespace farthing::diameter
