#include "diameter/pcap.h"

#include "diameter/byte_order.h"
#include "diameter/message.h"
#include "diameter/raw_avps.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace farthing::diameter {

namespace {

constexpr std::size_t file_header_bytes = 24;
constexpr std::size_t packet_header_bytes = 16;
constexpr std::uint32_t pcap_magic = 0xa1b2c3d4;
constexpr std::uint32_t pcap_magic_nanoseconds = 0xa1b23c4d;
constexpr std::uint32_t message_bytes_max = 1u << 24;
constexpr std::uint16_t server_port = 3868;
constexpr std::uint16_t server_port_tls = 5868;
constexpr std::size_t segments_ahead_max = 256;  // then what is missing is missing

// What a capture was taken on: where its packets say what they carry, and where that begins.
struct LinkType {
  std::uint32_t number;
  std::size_t protocol_at;
  std::size_t header_bytes;
};
constexpr std::uint32_t link_type_ethernet = 1;
constexpr std::array link_types = {
    LinkType{link_type_ethernet, 12, 14},
    LinkType{113, 14, 16},  // Linux, "any", version 1
    LinkType{276, 0, 20},   // and 2
    LinkType{101, 0, 0},    // IP alone
    LinkType{228, 0, 0},    // IPv4 alone
    LinkType{229, 0, 0},    // IPv6 alone
};

// In the byte order of the machine that wrote the file: little-endian ones are read.
std::uint32_t load_le32(const std::uint8_t* at) {
  return at[0] | at[1] << 8 | at[2] << 16 | static_cast<std::uint32_t>(at[3]) << 24;
}

bool begins_message(Bytes octets) {
  if (octets.size() < header_size_bytes) return false;
  constexpr std::uint8_t reserved_flags = 0x0f;
  return frame_size(octets.data(), message_bytes_max).has_value() &&
         (octets[4] & reserved_flags) == 0;
}

// One direction of a connection: whole messages out of segments that come in any order, and twice.
class Direction {
 public:
  explicit Direction(std::size_t number) : number_(number) {}

  void begin(std::uint32_t next, bool from_client) {
    is_begun_ = true;
    next_ = next;
    from_client_ = from_client;
  }
  void add(std::uint32_t sequence, Bytes payload, base::Time at) {
    if (payload.empty()) return;
    if (!is_begun_) {  // the capture began later than the connection
      if (!begins_message(payload)) return;
      is_begun_ = true;
      next_ = sequence;
    }
    const auto ahead = static_cast<std::int32_t>(sequence - next_);
    if (ahead <= 0) {
      const auto known = static_cast<std::size_t>(-static_cast<std::int64_t>(ahead));
      if (known < payload.size()) take(payload.subspan(known), at);
    } else {
      waiting_.try_emplace(sequence, payload.begin(), payload.end());
      if (waiting_.size() > segments_ahead_max) skip_what_is_missing();
    }
    take_waiting(at);
  }
  // Of SCTP: in order, and whole or in pieces.
  void add_piece(bool is_first, bool is_last, Bytes payload, base::Time at) {
    if (is_first) octets_.clear();
    octets_.insert(octets_.end(), payload.begin(), payload.end());
    if (is_last) take({}, at);
  }
  void is_of(std::uint16_t from_port, std::uint16_t to_port) {
    const auto is_known = [](std::uint16_t p) { return p == server_port || p == server_port_tls; };
    if (!from_client_ && is_known(from_port) != is_known(to_port)) from_client_ = is_known(to_port);
  }

  std::vector<CapturedMessage> messages() && {
    for (CapturedMessage& message : messages_) {
      message.from_client = from_client_.value_or(begins_as_client());
    }
    return std::move(messages_);
  }

 private:
  void take(Bytes payload, base::Time at) {
    octets_.insert(octets_.end(), payload.begin(), payload.end());
    next_ += static_cast<std::uint32_t>(payload.size());
    std::size_t done = 0;
    while (begins_message(Bytes(octets_).subspan(done))) {
      const std::size_t size = *frame_size(&octets_[done], message_bytes_max);
      if (size > octets_.size() - done) break;
      const auto begin = octets_.begin() + static_cast<std::ptrdiff_t>(done);
      messages_.push_back({false, number_, at, {begin, begin + static_cast<std::ptrdiff_t>(size)}});
      done += size;
    }
    octets_.erase(octets_.begin(), octets_.begin() + static_cast<std::ptrdiff_t>(done));
    // Not Diameter: whatever follows is looked at anew where a segment begins.
    const bool is_whole_header = octets_.size() >= header_size_bytes;
    if (is_whole_header && !begins_message(octets_)) lose();
  }
  void take_waiting(base::Time at) {
    while (is_begun_ && !waiting_.empty()) {
      const auto first = std::ranges::min_element(waiting_, {}, [this](const auto& segment) {
        return static_cast<std::int32_t>(segment.first - next_);
      });
      const auto ahead = static_cast<std::int32_t>(first->first - next_);
      if (ahead > 0) return;
      const auto known = static_cast<std::size_t>(-static_cast<std::int64_t>(ahead));
      const std::vector<std::uint8_t> segment = std::move(first->second);
      waiting_.erase(first);
      if (known < segment.size()) take(Bytes(segment).subspan(known), at);
    }
  }
  void skip_what_is_missing() {
    octets_.clear();
    const auto begins = std::ranges::find_if(
        waiting_, [](const auto& segment) { return begins_message(segment.second); });
    if (begins == waiting_.end()) {
      waiting_.clear();
      return lose();
    }
    next_ = begins->first;
  }
  void lose() {
    octets_.clear();
    is_begun_ = false;
  }
  // A client asks for credit, or begins the exchange of capabilities.
  bool begins_as_client() const {
    if (messages_.empty()) return false;
    const Header header = header_of(messages_.front().frame);
    return header.is_request() && (header.command == command::credit_control ||
                                   header.command == command::capabilities_exchange);
  }

  const std::size_t number_;
  bool is_begun_ = false;
  std::uint32_t next_ = 0;
  std::optional<bool> from_client_;
  std::vector<std::uint8_t> octets_;  // of a message that is not whole yet
  std::map<std::uint32_t, std::vector<std::uint8_t>> waiting_;  // segments, by sequence number
  std::vector<CapturedMessage> messages_;
};

// A packet of IP, taken apart as far as it is any of TCP or SCTP.
struct Transport {
  Bytes addresses;
  std::uint8_t protocol = 0;
  Bytes payload;
};

std::optional<Transport> transport_of(Bytes ip) {
  constexpr std::uint16_t fragment = 0x3fff;  // more to come, or not the first
  if (ip.size() < 20) return std::nullopt;
  if (ip[0] >> 4 == 4) {
    const std::size_t header = (ip[0] & 15) * 4u;
    const std::size_t size = load_u16(&ip[2]);
    if (header < 20 || size > ip.size() || size < header) return std::nullopt;
    if ((load_u16(&ip[6]) & fragment) != 0) return std::nullopt;
    return Transport{ip.subspan(12, 8), ip[9], ip.subspan(header, size - header)};
  }
  constexpr std::size_t ipv6_header = 40;
  if (ip[0] >> 4 != 6 || ip.size() < ipv6_header) return std::nullopt;
  const std::size_t size = load_u16(&ip[4]);
  if (size > ip.size() - ipv6_header) return std::nullopt;
  return Transport{ip.subspan(8, 32), ip[6], ip.subspan(ipv6_header, size)};
}

class Capture {
 public:
  explicit Capture(const LinkType& link) : link_(link) {}

  void add(Bytes packet, base::Time at) {
    const auto transport = transport_of(network_layer(packet));
    constexpr std::uint8_t tcp = 6;
    constexpr std::uint8_t sctp = 132;
    if (!transport || transport->payload.size() < 12) return;
    if (transport->protocol == tcp) add_tcp(*transport, at);
    if (transport->protocol == sctp) add_sctp(*transport, at);
  }

  std::vector<CapturedMessage> messages() && {
    std::vector<Direction*> in_order(directions_.size());
    for (auto& [key, numbered] : directions_) in_order[numbered.first] = &numbered.second;
    std::vector<CapturedMessage> all;
    for (Direction* direction : in_order) {
      std::ranges::move(std::move(*direction).messages(), std::back_inserter(all));
    }
    return all;
  }

 private:
  // Past the header of the link, and VLAN tags in it.
  Bytes network_layer(Bytes packet) const {
    constexpr std::uint16_t ipv4 = 0x0800;
    constexpr std::uint16_t ipv6 = 0x86dd;
    if (link_.header_bytes == 0) return packet;
    std::size_t protocol_at = link_.protocol_at;
    std::size_t header = link_.header_bytes;
    while (header <= packet.size()) {
      const std::uint16_t protocol = load_u16(&packet[protocol_at]);
      if (protocol == ipv4 || protocol == ipv6) return packet.subspan(header);
      if (protocol != 0x8100 && protocol != 0x88a8) break;
      protocol_at = header + 2;
      header += 4;
    }
    return {};
  }

  Direction& direction_of(const Transport& transport) {
    std::vector<std::uint8_t> key(transport.addresses.begin(), transport.addresses.end());
    key.insert(key.end(), transport.payload.begin(), transport.payload.begin() + 4);  // both ports
    key.push_back(transport.protocol);
    const std::size_t number = directions_.size();
    return directions_.try_emplace(key, number, Direction(number)).first->second.second;
  }

  void add_tcp(const Transport& transport, base::Time at) {
    constexpr std::uint8_t syn = 0x02;
    constexpr std::uint8_t ack = 0x10;
    const Bytes tcp = transport.payload;
    if (tcp.size() < 20) return;
    const std::size_t header = (tcp[12] >> 4) * 4u;
    if (header < 20 || header > tcp.size()) return;
    const std::uint32_t sequence = load_u32(&tcp[4]);
    Direction& direction = direction_of(transport);
    if ((tcp[13] & syn) != 0) return direction.begin(sequence + 1, (tcp[13] & ack) == 0);
    direction.is_of(load_u16(tcp.data()), load_u16(&tcp[2]));
    direction.add(sequence, tcp.subspan(header), at);
  }

  // DATA chunks (RFC 9260 3.3.1), each once.
  void add_sctp(const Transport& transport, base::Time at) {
    constexpr std::size_t data_header = 16;
    constexpr std::uint8_t last = 0x01;
    constexpr std::uint8_t first = 0x02;
    Bytes chunks = transport.payload.subspan(12);
    Direction& direction = direction_of(transport);
    direction.is_of(load_u16(transport.payload.data()), load_u16(&transport.payload[2]));
    while (chunks.size() >= 4) {
      const std::size_t size = load_u16(&chunks[2]);
      if (size < 4 || size > chunks.size()) return;
      if (chunks[0] == 0 && size > data_header &&
          seen_[&direction].insert(load_u32(&chunks[4])).second) {
        direction.add_piece((chunks[1] & first) != 0, (chunks[1] & last) != 0,
                            chunks.subspan(data_header, size - data_header), at);
      }
      chunks = chunks.subspan(std::min((size + 3) & ~std::size_t{3}, chunks.size()));
    }
  }

  const LinkType& link_;
  // By the order of their first packet: addresses, ports and protocol.
  std::map<std::vector<std::uint8_t>, std::pair<std::size_t, Direction>> directions_;
  std::map<const Direction*, std::set<std::uint32_t>> seen_;  // of SCTP: transmission numbers
};

}  // namespace

base::Result<std::vector<CapturedMessage>, std::string> read_pcap(std::string_view pcap) {
  const Bytes file(reinterpret_cast<const std::uint8_t*>(pcap.data()), pcap.size());
  if (file.size() < file_header_bytes) return std::string("is too short for a capture");
  const std::uint32_t magic = load_le32(file.data());
  if (magic != pcap_magic && magic != pcap_magic_nanoseconds) {
    return std::string(
        "is not a little-endian pcap file (pcapng: convert it with editcap -F pcap)");
  }
  const auto link = std::ranges::find(link_types, load_le32(&file[20]), &LinkType::number);
  if (link == link_types.end()) {
    return std::string("was not taken on Ethernet, on Linux's \"any\", or of IP alone");
  }
  const std::uint32_t parts_a_us = magic == pcap_magic ? 1 : 1000;
  Capture capture(*link);
  for (std::size_t at = file_header_bytes; at + packet_header_bytes <= file.size();) {
    const base::Time when{std::chrono::seconds(load_le32(&file[at])) +
                          base::Duration(load_le32(&file[at + 4]) / parts_a_us)};
    const std::size_t size = load_le32(&file[at + 8]);
    at += packet_header_bytes;
    if (size > file.size() - at) return std::string("ends in the middle of a packet");
    capture.add(file.subspan(at, size), when);
    at += size;
  }
  return std::move(capture).messages();
}

// --- Writing -------------------------------------------------------------------------------------

namespace {

constexpr std::size_t segment_bytes_max = 60'000;

void put_le32(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift);
}
void put_be16(std::string& out, std::uint32_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value);
}
void put_be32(std::string& out, std::uint32_t value) {
  put_be16(out, value >> 16);
  put_be16(out, value & 0xffff);
}

}  // namespace

struct PcapWriter::Packet {
  std::uint64_t connection;
  bool from_client;
  base::Time at;
  std::uint8_t tcp_flags;
  Bytes payload;
};

std::string PcapWriter::file_header() {
  std::string out;
  for (const std::uint32_t word : {pcap_magic, 0x00040002u, 0u, 0u, 0x40000u, link_type_ethernet}) {
    put_le32(out, word);
  }
  return out;
}

std::string PcapWriter::packets(std::uint64_t connection, bool from_client, base::Time at,
                                Bytes frame) {
  constexpr std::uint8_t syn = 0x02;
  constexpr std::uint8_t ack = 0x10;
  constexpr std::uint8_t push = 0x08;
  std::string out;
  if (sent_.try_emplace(connection).second) {
    out += packet({connection, true, at, syn, {}});
    out += packet({connection, false, at, syn | ack, {}});
  }
  while (!frame.empty()) {
    const Bytes segment = frame.first(std::min(frame.size(), segment_bytes_max));
    out += packet({connection, from_client, at, push | ack, segment});
    frame = frame.subspan(segment.size());
  }
  return out;
}

// Ethernet, IPv4, TCP.
std::string PcapWriter::packet(const Packet& packet) {
  constexpr std::uint32_t server = 10u << 24 | 1;
  const std::uint32_t client = 10u << 24 | 1u << 16 | (packet.connection & 0xffff);
  const auto client_port = static_cast<std::uint16_t>(20'000 + (packet.connection >> 16) % 40'000);
  std::array<std::uint32_t, 2>& sent = sent_[packet.connection];

  std::string out(12, '\0');  // no stations
  put_be16(out, 0x0800);
  put_be16(out, 0x4500);
  put_be16(out, static_cast<std::uint32_t>(40 + packet.payload.size()));
  put_be32(out, 0x00004000);  // no fragments
  put_be16(out, 64 << 8 | 6);
  put_be16(out, 0);
  put_be32(out, packet.from_client ? client : server);
  put_be32(out, packet.from_client ? server : client);
  put_be16(out, packet.from_client ? client_port : server_port);
  put_be16(out, packet.from_client ? server_port : client_port);
  put_be32(out, sent[packet.from_client]);
  put_be32(out, sent[!packet.from_client]);
  put_be16(out, 0x5000u | packet.tcp_flags);
  put_be16(out, 0xffff);
  put_be32(out, 0);
  out.append(packet.payload.begin(), packet.payload.end());
  sent[packet.from_client] += static_cast<std::uint32_t>(packet.payload.size());
  if (packet.payload.empty()) ++sent[packet.from_client];  // a SYN counts

  const std::int64_t us = packet.at.time_since_epoch().count();
  std::string record;
  put_le32(record, static_cast<std::uint32_t>(us / 1'000'000));
  put_le32(record, static_cast<std::uint32_t>(us % 1'000'000));
  put_le32(record, static_cast<std::uint32_t>(out.size()));
  put_le32(record, static_cast<std::uint32_t>(out.size()));
  return record + out;
}

}  // namespace farthing::diameter
