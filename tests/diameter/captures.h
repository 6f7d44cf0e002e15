// The Diameter messages in the captures of tests/fixtures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "diameter/pcap.h"

namespace farthing::diameter::testing {

using Octets = std::vector<std::uint8_t>;

// The names of the capture files.
const std::vector<std::string>& capture_names();

// The messages of one capture, the client's and the server's each in their order.
std::vector<CapturedMessage> read_capture(const std::string& name);

// The messages of all captures.
std::vector<Octets> all_captured_frames();

// The n-th client message of a command.
Octets captured_request(const std::string& name, std::uint32_t command, std::size_t n = 0);

}  // namespace farthing::diameter::testing
