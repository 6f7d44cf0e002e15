#include "tests/diameter/captures.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>

#include "diameter/byte_order.h"

namespace farthing::diameter::testing {

namespace {

std::uint32_t load_le32(const std::uint8_t* at) {
  return at[0] | at[1] << 8 | at[2] << 16 | static_cast<std::uint32_t>(at[3]) << 24;
}

struct Stream {
  bool from_client = false;
  std::uint32_t next = 0;
  Octets octets;
};

// Ethernet, IPv4 and TCP headers; adds the payload to the stream of its direction.
void add_packet(const std::uint8_t* packet, std::size_t size,
                std::map<std::uint32_t, Stream>& streams) {
  if (size < 54 || load_u16(packet + 12) != 0x0800 || packet[23] != 6) return;
  const std::uint8_t* ip = packet + 14;
  const std::size_t ip_header = (ip[0] & 15) * 4u;
  const std::uint8_t* tcp = ip + ip_header;
  const std::size_t headers = ip_header + (tcp[12] >> 4) * 4u;
  const std::size_t payload_size = load_u16(ip + 2) - headers;
  const bool is_syn = (tcp[13] & 2) != 0;
  Stream& stream = streams[load_u32(tcp)];
  const std::uint32_t sequence = load_u32(tcp + 4);
  if (is_syn) {
    stream.next = sequence + 1;
    stream.from_client = (tcp[13] & 16) == 0;
    return;
  }
  if (payload_size == 0 || sequence != stream.next) return;  // Nothing, or sent again.
  const std::uint8_t* payload = ip + headers;
  stream.octets.insert(stream.octets.end(), payload, payload + payload_size);
  stream.next += static_cast<std::uint32_t>(payload_size);
}

}  // namespace

const std::vector<std::string>& capture_names() {
  static const std::vector<std::string> names = {
      "kamailio-5.6.3-call.pcap", "kamailio-5.6.3-call-first-cer-without-address.pcap",
      "open5gs-smf-2.7.7-session.pcap", "open5gs-smf-2.7.7-reauth.pcap"};
  return names;
}

std::vector<CapturedMessage> read_capture(const std::string& name) {
  std::ifstream in(std::string(FARTHING_FIXTURES) + "/captures/" + name, std::ios::binary);
  const Octets file{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (file.size() < 24 || load_le32(file.data()) != 0xa1b2c3d4) {
    throw std::runtime_error("not a capture: " + name);
  }
  std::map<std::uint32_t, Stream> streams;  // By both ports.
  for (std::size_t at = 24; at + 16 <= file.size();) {
    const std::uint32_t size = load_le32(&file[at + 8]);
    add_packet(&file[at + 16], size, streams);
    at += 16 + size;
  }
  std::vector<CapturedMessage> messages;
  for (const auto& [ports, stream] : streams) {
    for (std::size_t at = 0; at + 20 <= stream.octets.size();) {
      const std::uint8_t* frame = &stream.octets[at];
      const std::uint32_t size = load_u24(frame + 1);
      messages.push_back({stream.from_client, Octets(frame, frame + size)});
      at += size;
    }
  }
  return messages;
}

std::vector<Octets> all_captured_frames() {
  std::vector<Octets> frames;
  for (const std::string& name : capture_names()) {
    for (CapturedMessage& message : read_capture(name)) {
      frames.push_back(std::move(message.frame));
    }
  }
  return frames;
}

Octets captured_request(const std::string& name, std::uint32_t command, std::size_t n) {
  for (CapturedMessage& message : read_capture(name)) {
    if (!message.from_client || load_u24(&message.frame[5]) != command) continue;
    if (n-- == 0) return std::move(message.frame);
  }
  throw std::runtime_error("no such message in " + name);
}

}  // namespace farthing::diameter::testing
