// The Diameter messages in a capture file (pcap; Ethernet, Linux's "any" or IP alone; IPv4 and
// IPv6; TCP and SCTP): each direction of each connection put together in the order of its sequence
// numbers, from the first message on that begins a segment.
//
// The file is hostile until checked: an error says what is wrong with it. Other packets, fragments
// of IP, and messages of which a part is missing are passed over.
#pragma once

#include "diameter/buffer.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::diameter {

struct CapturedMessage {
  bool from_client = false;
  std::size_t stream = 0;  // one direction of one connection, counted in the order they begin
  base::Time at;           // of the packet that made it whole
  std::vector<std::uint8_t> frame;
};

// The client's and the server's messages, each in their order, the client's of one connection
// before the next's. `pcap` is the file's content.
base::Result<std::vector<CapturedMessage>, std::string> read_pcap(std::string_view pcap);

// Messages as a capture file that read_pcap and tshark read. The server is 10.0.0.1, port 3868; the
// client of each connection has an address of its own in 10.1.0.0/16. Checksums are left 0, as a
// network card shows them that makes them itself.
class PcapWriter {
 public:
  static std::string file_header();
  // The packets that carry a message, and before its first those that open its connection. Times do
  // not go back within a file.
  std::string packets(std::uint64_t connection, bool from_client, base::Time at, Bytes frame);

 private:
  struct Packet;
  std::string packet(const Packet& packet);

  // Of each connection: octets sent by its server and by its client.
  std::map<std::uint64_t, std::array<std::uint32_t, 2>> sent_;
};

}  // namespace farthing::diameter
