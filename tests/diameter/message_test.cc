#include "diameter/message.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "diameter/writer.h"
#include "tests/diameter/captures.h"

namespace farthing::diameter {
namespace {

using testing::Octets;

// Builds frames octet by octet, wrong ones too.
class Frame {
 public:
  explicit Frame(std::uint8_t flags = 0xc0, std::uint32_t command = 272,
                 std::uint32_t application = 4) {
    add_u32(0x01000000);
    add_u32(std::uint32_t{flags} << 24 | command);
    add_u32(application);
    add_u32(0x11111111);
    add_u32(0x22222222);
  }
  Frame& add_u32(std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      octets_.push_back(static_cast<std::uint8_t>(value >> shift));
    }
    return *this;
  }
  // An AVP whose length field may say something else than the truth.
  Frame& avp(std::uint32_t code, std::uint8_t flags, const Octets& value, int length_error = 0,
             std::uint32_t vendor = 0) {
    const std::size_t header = (flags & 0x80) != 0 ? 12 : 8;
    add_u32(code);
    add_u32(std::uint32_t{flags} << 24 | ((static_cast<std::uint32_t>(header + value.size()) +
                                           static_cast<std::uint32_t>(length_error)) &
                                          0xffffff));
    if (header == 12) add_u32(vendor);
    octets_.insert(octets_.end(), value.begin(), value.end());
    while (octets_.size() % 4 != 0) octets_.push_back(0);
    return *this;
  }
  Frame& text(std::uint32_t code, const std::string& value) {
    return avp(code, 0x40, Octets(value.begin(), value.end()));
  }
  Octets octets() const {
    Octets copy = octets_;
    store_u24(&copy[1], static_cast<std::uint32_t>(copy.size()));
    return copy;
  }
  Octets body() const { return Octets(octets_.begin() + 20, octets_.end()); }

 private:
  Octets octets_;
};

DecodeError error_of(const Octets& frame, Message& message) {
  auto result = decode(frame, message);
  EXPECT_TRUE(result.has_error());
  return result.has_error() ? result.error() : DecodeError{};
}

// The decoded Failed-AVP: what an answer with it holds, as (code, depth, value size) from the group
// on.
struct FailedRow {
  std::uint32_t code;
  int depth;
  std::uint32_t size_bytes;
  bool operator==(const FailedRow&) const = default;
};

FailedRow innermost_failed(const DecodeError& error) {
  Buffer buffer;
  Writer writer(buffer);
  writer.begin(Header{0x40, 272, 4, 1, 1});
  EXPECT_TRUE(error.failed_avp.has_value());
  writer.put_failed_avp(*error.failed_avp);
  writer.finish();
  // Failed-AVP is not descended into, so its value is looked through as a message of its own.
  Message message;
  EXPECT_TRUE(decode(buffer.bytes(), message).has_value());
  Bytes inside = message.find(AvpId::failed_avp)->bytes();
  int depth = 0;
  for (;;) {
    const std::uint32_t code = load_u32(inside.data());
    const std::size_t header = (inside[4] & 0x80) != 0 ? 12 : 8;
    const std::uint32_t size = load_u24(inside.data() + 5);
    if (depth == error.failed_avp->groups_count) {
      return {code, depth, static_cast<std::uint32_t>(size - header)};
    }
    inside = inside.subspan(header);
    ++depth;
  }
}

TEST(Decode, ReadsEveryCapturedMessage) {
  Message message;
  std::size_t requests = 0;
  for (const Octets& frame : testing::all_captured_frames()) {
    auto result = decode(frame, message);
    ASSERT_TRUE(result.has_value()) << name(result.error().code) << " at " << result.error().offset;
    EXPECT_NE(message.find(AvpId::origin_host), nullptr);
    for (const Avp& avp : message.tape()) EXPECT_NE(avp.id, AvpId::unknown) << avp.code;
    requests += message.header().is_request();
  }
  EXPECT_EQ(requests, 25u);
}

TEST(Decode, ReadsTheFieldsOfARealRequest) {
  const Octets frame = testing::captured_request("open5gs-smf-2.7.7-session.pcap", 272, 1);
  Message message;
  ASSERT_TRUE(decode(frame, message).has_value());
  EXPECT_TRUE(message.header().is_request());
  EXPECT_EQ(message.header().application, 4u);
  EXPECT_EQ(message.find(AvpId::cc_request_type)->u32(), 2u);
  EXPECT_EQ(message.find(AvpId::cc_request_number)->u32(), 1u);
  EXPECT_EQ(message.find(AvpId::service_context_id)->text(), "32251@3gpp.org");
  const Avp* mscc = message.find(AvpId::multiple_services_credit_control);
  ASSERT_NE(mscc, nullptr);
  const Avp* rsu = message.find(*mscc, AvpId::requested_service_unit);
  ASSERT_NE(rsu, nullptr);
  EXPECT_EQ(message.find(*rsu, AvpId::cc_total_octets)->u64(), 1000000u);
  const Avp* si = message.find(AvpId::service_information);
  const Avp* ps = message.find(*si, AvpId::ps_information);
  EXPECT_EQ(message.find(*ps, AvpId::pdp_address)->address().family, Address::ipv4);
  EXPECT_EQ(message.find(AvpId::cc_total_octets), nullptr) << "only the top level is searched";
  const auto year = std::chrono::year_month_day(
      std::chrono::floor<std::chrono::days>(message.find(AvpId::event_timestamp)->time()));
  EXPECT_GE(int{year.year()}, 2020);
}

TEST(Decode, StepsOverSubtrees) {
  const Octets inner = Frame().avp(420, 0x40, {0, 0, 0, 9}).avp(421, 0x40, Octets(8)).body();
  const Octets group = Frame().avp(446, 0x40, inner).avp(432, 0x40, {0, 0, 0, 7}).body();
  const Octets frame = Frame().avp(456, 0x40, group).avp(415, 0x40, {0, 0, 0, 5}).octets();
  Message message;
  ASSERT_TRUE(decode(frame, message).has_value());
  std::vector<AvpId> top;
  for (const Avp& avp : message.avps()) top.push_back(avp.id);
  EXPECT_EQ(top, (std::vector{AvpId::multiple_services_credit_control, AvpId::cc_request_number}));
  const Avp& mscc = message.tape()[0];
  std::vector<AvpId> inside;
  for (const Avp& avp : message.children(mscc)) inside.push_back(avp.id);
  EXPECT_EQ(inside, (std::vector{AvpId::used_service_unit, AvpId::rating_group}));
  EXPECT_EQ(message.find(mscc, AvpId::rating_group)->u32(), 7u);
}

TEST(Decode, BearsAMissingPaddingAtTheEndOfAGroup) {
  Octets inside = Frame().text(444, "49170").body();
  inside.resize(8 + 5);  // The group's length leaves out the padding of its last AVP.
  const Octets frame = Frame().avp(443, 0x40, inside).avp(415, 0x40, {0, 0, 0, 5}).octets();
  Message message;
  ASSERT_TRUE(decode(frame, message).has_value());
  EXPECT_EQ(message.find(AvpId::cc_request_number)->u32(), 5u);
}

TEST(Decode, RefusesLengthsThatCannotBe) {
  struct Row {
    const char* what;
    Octets frame;
    FailedRow failed;
  };
  const Octets four = {0, 0, 0, 1};
  const Row rows[] = {
      {"length 0", Frame().avp(415, 0x40, four, -12).octets(), {415, 0, 4}},
      {"length 7", Frame().avp(415, 0x40, four, -5).octets(), {415, 0, 4}},
      {"past the end", Frame().avp(415, 0x40, four, 4).octets(), {415, 0, 4}},
      {"16 MiB", Frame().avp(263, 0x40, four, 0xfffff0).octets(), {263, 0, 0}},
      {"vendor without room", Frame().avp(873, 0xc0, {}, -1, 10415).octets(), {873, 0, 0}},
      {"an address, too short a length", Frame().avp(257, 0x40, four, -8).octets(), {257, 0, 6}},
      {"three octets for a number", Frame().avp(415, 0x40, {0, 0, 1}).octets(), {415, 0, 3}},
      {"eight octets for four", Frame().avp(415, 0x40, Octets(8)).octets(), {415, 0, 8}},
      {"four octets for eight", Frame().avp(421, 0x40, four).octets(), {421, 0, 4}},
      {"an address without family", Frame().avp(257, 0x40, {1}).octets(), {257, 0, 1}},
      {"an IPv4 address of 5", Frame().avp(257, 0x40, {0, 1, 1, 2, 3, 4, 5}).octets(), {257, 0, 7}},
      {"an IPv6 address of 4", Frame().avp(257, 0x40, {0, 2, 1, 2, 3, 4}).octets(), {257, 0, 6}},
      {"inside, past the group's end",
       Frame()
           .avp(456, 0x40, Frame().avp(432, 0x40, four, 4).body())
           .add_u32(0)
           .add_u32(0)
           .octets(),
       {432, 1, 4}},
      {"a header cut off in a group", Frame().avp(456, 0x40, {0, 0, 1, 176}).octets(), {432, 1, 4}},
  };
  Message message;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const DecodeError error = error_of(row.frame, message);
    EXPECT_EQ(error.code, ResultCode::invalid_avp_length);
    EXPECT_FALSE(error.is_fatal());
    EXPECT_EQ(innermost_failed(error), row.failed);
  }
}

TEST(Decode, RefusesWrongValues) {
  struct Row {
    const char* what;
    Octets frame;
    ResultCode code;
    std::uint32_t failed_code;
  };
  const Octets four = {0, 0, 0, 1};
  const Row rows[] = {
      {"NUL in Session-Id", Frame().text(263, std::string("a\0b", 3)).octets(),
       ResultCode::invalid_avp_value, 263},
      {"NUL far in Session-Id",
       Frame().text(263, "0123456789abcdef" + std::string(1, '\0')).octets(),
       ResultCode::invalid_avp_value, 263},
      {"newline in Origin-Host", Frame().text(264, "host.example\n").octets(),
       ResultCode::invalid_avp_value, 264},
      {"not UTF-8", Frame().text(263, "abc\xff").octets(), ResultCode::invalid_avp_value, 263},
      {"overlong UTF-8", Frame().text(263, "abc\xc0\x80").octets(), ResultCode::invalid_avp_value,
       263},
      {"empty Origin-Host", Frame().text(264, "").octets(), ResultCode::invalid_avp_value, 264},
      {"address family 99", Frame().avp(257, 0x40, {0, 99, 1, 2}).octets(),
       ResultCode::invalid_avp_value, 257},
      {"reserved bit", Frame().avp(415, 0x41, four).octets(), ResultCode::invalid_avp_bits, 415},
      {"vendor zero", Frame().avp(415, 0xc0, four, 0, 0).octets(), ResultCode::invalid_avp_bits,
       415},
      {"unknown and mandatory", Frame().avp(60000, 0x40, four).octets(),
       ResultCode::avp_unsupported, 60000},
      {"unknown and mandatory, of a vendor", Frame().avp(1, 0xc0, four, 0, 4242).octets(),
       ResultCode::avp_unsupported, 1},
  };
  Message message;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const DecodeError error = error_of(row.frame, message);
    EXPECT_EQ(error.code, row.code) << name(error.code);
    EXPECT_EQ(error.offset, 20u);
    EXPECT_EQ(innermost_failed(error).code, row.failed_code);
  }
}

TEST(Decode, BearsWhatRealClientsDo) {
  const Octets four = {0, 0, 0, 1};
  Message message;
  const Octets frames[] = {
      Frame().avp(60000, 0, four).octets(),   // Unknown, not mandatory.
      Frame().avp(480, 0x40, four).octets(),  // Accounting AVPs with M.
      Frame().avp(55, 0, four).octets(),      // M clear where the RFC wants it.
      Frame().text(264, "a.example").text(264, "a.example").octets(),
      Frame().text(263, "s\xc3\xa4").octets(),  // UTF-8 is no control character.
      Frame().octets(),                         // No AVP at all: the command's business.
      Frame(0xcf).octets(),                     // Reserved bits of the header (RFC 6733 3).
  };
  for (const Octets& frame : frames) EXPECT_TRUE(decode(frame, message).has_value());
  ASSERT_TRUE(decode(frames[3], message).has_value());
  EXPECT_EQ(message.find(AvpId::origin_host), &message.tape()[0]) << "the first one counts";
}

TEST(Decode, RefusesSixtyFourOriginHosts) {
  Frame frame;
  frame.text(263, "session");
  for (int i = 0; i < 64; ++i) frame.text(264, "host" + std::to_string(10 + i));
  Message message;
  const Octets octets = frame.octets();
  const DecodeError error = error_of(octets, message);
  EXPECT_EQ(error.code, ResultCode::avp_occurs_too_many_times);
  EXPECT_EQ(innermost_failed(error), (FailedRow{264, 0, 6}));
  EXPECT_EQ(message.tape().size(), 65u) << "the rest is decoded for the answer's sake";
}

TEST(Decode, RefusesEndlessNesting) {
  for (const std::size_t levels : {8u, 9u, 100u, 1000u}) {
    Octets inside = levels == 8 ? Octets() : Octets(8);
    for (std::size_t i = 0; i < levels; ++i) inside = Frame().avp(456, 0x40, inside).body();
    Frame frame;
    for (std::size_t i = 0; i + 4 <= inside.size(); i += 4) frame.add_u32(load_u32(&inside[i]));
    Message message;
    const Octets octets = frame.octets();
    if (levels == 8) {
      EXPECT_TRUE(decode(octets, message).has_value());
      continue;
    }
    const DecodeError error = error_of(octets, message);
    EXPECT_EQ(error.code, ResultCode::invalid_avp_value);
    EXPECT_EQ(innermost_failed(error), (FailedRow{456, 7, 0}));
  }
}

TEST(Decode, RefusesMoreAvpsThanItHolds) {
  Frame frame;
  for (std::size_t i = 0; i < avps_max; ++i) frame.avp(432, 0x40, {0, 0, 0, 1});
  Message message;
  EXPECT_TRUE(decode(frame.octets(), message).has_value());
  frame.avp(439, 0x40, {0, 0, 0, 1});
  const Octets octets = frame.octets();
  const DecodeError error = error_of(octets, message);
  EXPECT_EQ(error.code, ResultCode::avp_occurs_too_many_times);
  EXPECT_EQ(innermost_failed(error), (FailedRow{439, 0, 0}));
}

TEST(Decode, RefusesHeaders) {
  Message message;
  EXPECT_EQ(error_of(Frame(0xe0).octets(), message).code, ResultCode::invalid_hdr_bits);
  EXPECT_EQ(message.header().hop_by_hop, 0x11111111u);
  EXPECT_EQ(message.header().end_to_end, 0x22222222u);
  EXPECT_FALSE(decode(Frame(0x20).octets(), message).has_error()) << "E in an answer is in order";

  Octets frame = Frame().octets();
  frame[0] = 2;
  EXPECT_TRUE(error_of(frame, message).is_fatal());
  frame = Frame().octets();
  frame[3] = 24;
  EXPECT_TRUE(error_of(frame, message).is_fatal());
  EXPECT_TRUE(error_of(Octets(19), message).is_fatal());
  EXPECT_TRUE(error_of(Octets(), message).is_fatal());
}

TEST(Decode, GivesTheFirstErrorAndDecodesOn) {
  const Octets frame = Frame()
                           .avp(60000, 0x40, {})
                           .text(263, std::string("a\0", 2))
                           .avp(415, 0x40, {0, 0, 0, 7})
                           .octets();
  Message message;
  EXPECT_EQ(error_of(frame, message).code, ResultCode::avp_unsupported);
  ASSERT_NE(message.find(AvpId::cc_request_number), nullptr);
  EXPECT_EQ(message.find(AvpId::cc_request_number)->u32(), 7u);
}

TEST(FrameSize, BelievesOnlySoundLengths) {
  const auto size_of = [](std::uint32_t first) {
    std::uint8_t octets[4];
    store_u32(octets, first);
    return frame_size(octets, 65536);
  };
  EXPECT_EQ(*size_of(0x01000014), 20u);
  EXPECT_EQ(*size_of(0x01010000), 65536u);
  EXPECT_EQ(size_of(0x01010004).error(), ResultCode::invalid_message_length);
  EXPECT_EQ(size_of(0x01000010).error(), ResultCode::invalid_message_length);
  EXPECT_EQ(size_of(0x01000016).error(), ResultCode::invalid_message_length);
  EXPECT_EQ(size_of(0x02000014).error(), ResultCode::unsupported_version);
  EXPECT_EQ(size_of(0x47455420).error(), ResultCode::unsupported_version) << "GET ";
}

TEST(FailedAvp, GivesExamplesOfWhatIsMissing) {
  EXPECT_EQ(innermost_failed({ResultCode::missing_avp, 0, FailedAvp::missing(AvpId::session_id)}),
            (FailedRow{263, 0, 0}));
  EXPECT_EQ(
      innermost_failed({ResultCode::missing_avp, 0, FailedAvp::missing(AvpId::host_ip_address)}),
      (FailedRow{257, 0, 6}));
  const Octets group = Frame().avp(446, 0x40, Frame().avp(420, 0x40, {0, 0, 0, 1}).body()).body();
  const Octets frame = Frame().avp(456, 0x40, group).octets();
  Message message;
  ASSERT_TRUE(decode(frame, message).has_value());
  EXPECT_EQ(innermost_failed(
                {ResultCode::invalid_avp_value, 0, FailedAvp::of(message, message.tape()[2])}),
            (FailedRow{420, 2, 4}));
  EXPECT_EQ(
      innermost_failed({ResultCode::missing_avp, 0,
                        FailedAvp::missing_in(message, message.tape()[0], AvpId::rating_group)}),
      (FailedRow{432, 1, 4}));
}

TEST(Time, TurnsOverIn2036) {
  using namespace std::chrono;
  EXPECT_EQ(time_from_wire(2208988800), base::Time(0s));
  EXPECT_EQ(time_from_wire(0xffffffff), base::Time(sys_days(2036y / 2 / 7)) + 6h + 28min + 15s);
  EXPECT_EQ(time_from_wire(0), base::Time(sys_days(2036y / 2 / 7)) + 6h + 28min + 16s);
  for (const std::uint32_t seconds : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xe0000000u, 0xffffffffu}) {
    EXPECT_EQ(time_to_wire(time_from_wire(seconds)), seconds);
  }
}

}  // namespace
}  // namespace farthing::diameter
