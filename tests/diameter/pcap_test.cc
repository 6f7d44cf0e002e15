// Captures as they are taken: packets in any order and twice, from the middle of a connection, on
// other links, over IPv6 and SCTP. Whatever the way, the messages are the same.
#include "diameter/pcap.h"

#include "diameter/byte_order.h"
#include "tests/diameter/captures.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace farthing::diameter {
namespace {

using testing::Octets;

// The packets of a capture file, without their record headers.
std::vector<std::string> packets_of(const std::string& records) {
  std::vector<std::string> packets;
  for (std::size_t at = 0; at < records.size();) {
    const auto* const size = reinterpret_cast<const std::uint8_t*>(&records[at + 8]);
    const std::size_t bytes = size[0] | size[1] << 8 | size[2] << 16;
    packets.push_back(records.substr(at + 16, bytes));
    at += 16 + bytes;
  }
  return packets;
}

std::string le32(std::uint32_t value) {
  std::string text;
  for (int shift = 0; shift < 32; shift += 8) text += static_cast<char>(value >> shift);
  return text;
}

std::string file_of(const std::vector<std::string>& packets, std::uint32_t link = 1) {
  std::string file = PcapWriter::file_header().substr(0, 20) + le32(link);
  std::uint32_t second = 0;
  for (const std::string& packet : packets) {
    const auto size = static_cast<std::uint32_t>(packet.size());
    file += le32(++second) + le32(0) + le32(size) + le32(size) + packet;
  }
  return file;
}

std::vector<Octets> client_frames(const std::string& file) {
  const auto read = read_pcap(file);
  EXPECT_TRUE(read.has_value()) << read.error();
  std::vector<Octets> frames;
  for (const CapturedMessage& message : *read) {
    if (message.from_client) frames.push_back(message.frame);
  }
  return frames;
}

// What the client of a captured session sent, as Ethernet packets with the opening of its
// connection in front.
struct Sent {
  std::vector<Octets> frames;
  std::vector<std::string> packets;

  Sent() {
    PcapWriter writer;
    std::string records;
    for (const CapturedMessage& message : testing::read_capture("open5gs-smf-2.7.7-session.pcap")) {
      if (!message.from_client) continue;
      frames.push_back(message.frame);
      records += writer.packets(7, true, base::Time(), message.frame);
    }
    packets = packets_of(records);
  }
};

TEST(Pcap, WhatIsWrittenIsRead) {
  const Sent sent;
  EXPECT_GT(sent.frames.size(), 3u);
  EXPECT_EQ(client_frames(file_of(sent.packets)), sent.frames);
}

TEST(Pcap, LongMessagesTakeSeveralSegments) {
  Octets frame(200'000, 0);
  frame[0] = 1;
  store_u24(&frame[1], static_cast<std::uint32_t>(frame.size()));
  frame[4] = 0x80;
  PcapWriter writer;
  const base::Time at{base::Duration(1'500'000)};
  const auto read = read_pcap(PcapWriter::file_header() + writer.packets(70'000, true, at, frame));
  ASSERT_TRUE(read.has_value());
  ASSERT_EQ(read->size(), 1u);
  EXPECT_EQ(read->front().frame, frame);
  EXPECT_EQ(read->front().at, at);
}

RC_GTEST_PROP(Pcap, PacketsComeInAnyOrderAndTwice, ()) {
  const Sent sent;
  std::vector<std::string> packets(sent.packets.begin() + 2, sent.packets.end());
  const std::size_t original = packets.size();
  for (std::size_t i = *rc::gen::inRange<std::size_t>(0, 4); i > 0; --i) {
    packets.push_back(packets[*rc::gen::inRange<std::size_t>(0, original)]);
  }
  for (std::size_t i = packets.size(); i > 1; --i) {
    std::swap(packets[i - 1], packets[*rc::gen::inRange<std::size_t>(0, i)]);
  }
  packets.insert(packets.begin(), sent.packets.begin(), sent.packets.begin() + 2);
  RC_ASSERT(client_frames(file_of(packets)) == sent.frames);
}

TEST(Pcap, ACaptureBeginsInTheMiddleOfAConnection) {
  const Sent sent;
  const std::vector<std::string> packets(sent.packets.begin() + 3, sent.packets.end());
  EXPECT_EQ(client_frames(file_of(packets)),
            std::vector<Octets>(sent.frames.begin() + 1, sent.frames.end()));
}

TEST(Pcap, WhatWasLostIsSkippedAndTheRestIsRead) {
  PcapWriter writer;
  std::vector<std::string> packets;
  const Sent sent;
  std::vector<Octets> frames;
  for (int i = 0; i < 400; ++i) {
    const Octets& frame = sent.frames[1 + static_cast<std::size_t>(i) % 2];
    for (std::string& packet : packets_of(writer.packets(1, true, base::Time(), frame))) {
      packets.push_back(std::move(packet));
    }
    frames.push_back(frame);
  }
  packets.erase(packets.begin() + 2 + 10);  // the eleventh message
  const std::vector<Octets> read = client_frames(file_of(packets));
  EXPECT_EQ(read.size(), frames.size() - 1);
}

TEST(Pcap, OtherLinks) {
  const Sent sent;
  std::vector<std::string> tagged, cooked, cooked_2, ip, as_ipv6;
  for (const std::string& packet : sent.packets) {
    const std::string network = packet.substr(14);
    tagged.push_back(std::string(12, 'm') + std::string("\x81\x00\x00\x05\x08\x00", 6) + network);
    cooked.push_back(std::string(14, '\0') + std::string("\x08\x00", 2) + network);
    cooked_2.push_back(std::string("\x08\x00", 2) + std::string(18, '\0') + network);
    ip.push_back(network);
    const std::string tcp = network.substr(20);
    const auto high = static_cast<char>(tcp.size() >> 8);
    const auto low = static_cast<char>(tcp.size());
    as_ipv6.push_back(std::string("\x60\0\0\0", 4) + high + low + std::string("\x06\x40", 2) +
                      std::string(16, 'c') + std::string(16, 's') + tcp);
  }
  EXPECT_EQ(client_frames(file_of(tagged, 1)), sent.frames);
  EXPECT_EQ(client_frames(file_of(cooked, 113)), sent.frames);
  EXPECT_EQ(client_frames(file_of(cooked_2, 276)), sent.frames);
  EXPECT_EQ(client_frames(file_of(ip, 101)), sent.frames);
  EXPECT_EQ(client_frames(file_of(as_ipv6, 101)), sent.frames);
  EXPECT_FALSE(read_pcap(file_of(ip, 147)).has_value());
}

// One DATA chunk (RFC 9260 3.3.1) in a packet of IPv4.
std::string sctp_packet(std::uint32_t number, std::uint8_t flags, const std::string& data) {
  const auto be16 = [](std::size_t value) {
    return std::string{static_cast<char>(value >> 8), static_cast<char>(value)};
  };
  const auto be32 = [&](std::uint32_t value) { return be16(value >> 16) + be16(value & 0xffff); };
  std::string chunk = std::string{'\0', static_cast<char>(flags)} + be16(16 + data.size()) +
                      be32(number) + be32(0) + be32(46) + data;
  chunk.resize((chunk.size() + 3) / 4 * 4);
  const std::string sctp = be16(40'000) + be16(3868) + be32(1) + be32(0) + chunk;
  return std::string("\x45\0", 2) + be16(20 + sctp.size()) + be32(0x00004000) +
         std::string("\x40\x84\0\0", 4) + be32(0x0a000002) + be32(0x0a000001) + sctp;
}

TEST(Pcap, Sctp) {
  const Sent sent;
  std::vector<std::string> packets;
  std::uint32_t number = 5;
  for (const Octets& frame : sent.frames) {
    const std::string data(frame.begin(), frame.end());
    if (number % 2 == 0) {
      packets.push_back(sctp_packet(number++, 3, data));
      packets.push_back(packets.back());  // twice
    } else {
      packets.push_back(sctp_packet(number++, 2, data.substr(0, 100)));
      packets.push_back(sctp_packet(number++, 0, data.substr(100, 20)));
      packets.push_back(sctp_packet(number++, 1, data.substr(120)));
    }
  }
  EXPECT_EQ(client_frames(file_of(packets, 101)), sent.frames);
}

}  // namespace
}  // namespace farthing::diameter
