// The Diameter messages in a capture file (pcap, Ethernet, IPv4, TCP): each direction of each
// connection put together in the order of its sequence numbers.
//
// The file is hostile until checked: an error says what is wrong with it. What is no TCP over IPv4,
// and segments that do not continue what came before, are passed over.
#pragma once

#include "engine/base/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::diameter {

struct CapturedMessage {
  bool from_client = false;
  std::size_t stream = 0;  // one direction of one connection, counted in the order they begin
  std::vector<std::uint8_t> frame;
};

// The client's and the server's messages, each in their order, the client's of one connection
// before the next's. `pcap` is the file's content.
base::Result<std::vector<CapturedMessage>, std::string> read_pcap(std::string_view pcap);

}  // namespace farthing::diameter
