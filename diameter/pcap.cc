#include "diameter/pcap.h"

#include "diameter/byte_order.h"
#include "diameter/message.h"

#include <map>

namespace farthing::diameter {

namespace {

constexpr std::size_t file_header_bytes = 24;
constexpr std::size_t packet_header_bytes = 16;
constexpr std::size_t ethernet_header_bytes = 14;
constexpr std::uint32_t pcap_magic = 0xa1b2c3d4;
constexpr std::uint32_t pcap_magic_nanoseconds = 0xa1b23c4d;
constexpr std::uint32_t link_type_ethernet = 1;
constexpr std::uint32_t message_bytes_max = 1u << 24;

// In the byte order of the machine that wrote the file: little-endian ones are read.
std::uint32_t load_le32(const std::uint8_t* at) {
  return at[0] | at[1] << 8 | at[2] << 16 | static_cast<std::uint32_t>(at[3]) << 24;
}

struct Stream {
  bool begun = false;
  bool from_client = false;
  std::uint32_t next = 0;
  std::vector<std::uint8_t> octets;
};

// By the order of their first packet: client and server address and port.
using Streams = std::map<std::vector<std::uint8_t>, std::pair<std::size_t, Stream>>;

void add_packet(Bytes packet, Streams& streams) {
  if (packet.size() < ethernet_header_bytes + 20 || load_u16(&packet[12]) != 0x0800) return;
  const Bytes ip = packet.subspan(ethernet_header_bytes);
  const std::size_t ip_header = (ip[0] & 15) * 4u;
  const std::size_t ip_size = load_u16(&ip[2]);
  if (ip[9] != 6 || ip_header < 20 || ip_size > ip.size() || ip_size < ip_header + 20) return;
  const Bytes tcp = ip.subspan(ip_header, ip_size - ip_header);
  const std::size_t tcp_header = (tcp[12] >> 4) * 4u;
  if (tcp_header < 20 || tcp_header > tcp.size()) return;
  const Bytes payload = tcp.subspan(tcp_header);

  std::vector<std::uint8_t> key(ip.begin() + 12, ip.begin() + 20);  // both addresses
  key.insert(key.end(), tcp.begin(), tcp.begin() + 4);              // both ports
  Stream& stream = streams.try_emplace(key, streams.size(), Stream{}).first->second.second;
  const std::uint32_t sequence = load_u32(&tcp[4]);
  const bool syn = (tcp[13] & 2) != 0;
  if (syn) {
    stream.begun = true;
    stream.next = sequence + 1;
    stream.from_client = (tcp[13] & 16) == 0;
    return;
  }
  if (!stream.begun || payload.empty() || sequence != stream.next) return;
  stream.octets.insert(stream.octets.end(), payload.begin(), payload.end());
  stream.next += static_cast<std::uint32_t>(payload.size());
}

}  // namespace

base::Result<std::vector<CapturedMessage>, std::string> read_pcap(std::string_view pcap) {
  const Bytes file(reinterpret_cast<const std::uint8_t*>(pcap.data()), pcap.size());
  if (file.size() < file_header_bytes) return std::string("is too short for a capture");
  const std::uint32_t magic = load_le32(file.data());
  if (magic != pcap_magic && magic != pcap_magic_nanoseconds) {
    return std::string(
        "is not a little-endian pcap file (pcapng: convert it with editcap -F pcap)");
  }
  if (load_le32(&file[20]) != link_type_ethernet) return std::string("was not taken on Ethernet");

  Streams streams;
  for (std::size_t at = file_header_bytes; at + packet_header_bytes <= file.size();) {
    const std::size_t size = load_le32(&file[at + 8]);
    at += packet_header_bytes;
    if (size > file.size() - at) return std::string("ends in the middle of a packet");
    add_packet(file.subspan(at, size), streams);
    at += size;
  }
  std::vector<const Stream*> in_order(streams.size());
  for (const auto& [key, numbered] : streams) in_order[numbered.first] = &numbered.second;

  std::vector<CapturedMessage> messages;
  for (std::size_t number = 0; number < in_order.size(); ++number) {
    const Stream* const stream = in_order[number];
    const std::vector<std::uint8_t>& octets = stream->octets;
    for (std::size_t at = 0; at + header_size_bytes <= octets.size();) {
      const auto size = frame_size(&octets[at], message_bytes_max);
      if (!size.has_value() || *size > octets.size() - at) break;  // not Diameter, or cut off
      const auto begin = octets.begin() + static_cast<std::ptrdiff_t>(at);
      messages.push_back({stream->from_client, number, {begin, begin + *size}});
      at += *size;
    }
  }
  return messages;
}

}  // namespace farthing::diameter
