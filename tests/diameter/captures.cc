#include "tests/diameter/captures.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "diameter/byte_order.h"

namespace farthing::diameter::testing {

const std::vector<std::string>& capture_names() {
  static const std::vector<std::string> names = {
      "kamailio-5.6.3-call.pcap", "kamailio-5.6.3-call-first-cer-without-address.pcap",
      "open5gs-smf-2.7.7-session.pcap", "open5gs-smf-2.7.7-reauth.pcap"};
  return names;
}

std::vector<CapturedMessage> read_capture(const std::string& name) {
  std::ifstream in(std::string(FARTHING_FIXTURES) + "/captures/" + name, std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  auto messages = read_pcap(file);
  if (!messages.has_value()) throw std::runtime_error(name + " " + messages.error());
  return std::move(*messages);
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
