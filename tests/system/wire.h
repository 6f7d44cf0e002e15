// A Diameter connection as a test's client has it: whole frames in and out of a TCP socket. What
// goes over it can be written down as a capture file, for other programs to read.
//
// Threads: one. Errors: what does not come in time throws (the test fails).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"

namespace farthing::test {

using Octets = std::vector<std::uint8_t>;

class Wire {
 public:
  // On loopback, or at another IPv4 address.
  explicit Wire(std::uint16_t port, const char* address = "127.0.0.1");
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // All of it, or false when the other side has closed.
  bool send(const Octets& octets);
  // The next frame, or nothing when the other side has closed.
  std::optional<Octets> receive();
  // Sends a request and waits for its answer; throws if the connection is closed instead.
  Octets ask(const Octets& request);

  // Everything exchanged so far, as a pcap file of Ethernet, IPv4 and TCP headers with the server
  // at port 3868, one frame a packet.
  std::string capture() const;

 private:
  struct Exchanged {
    bool from_client;
    Octets octets;
  };

  int socket_ = -1;
  Octets unread_;
  std::vector<Exchanged> exchanged_;
};

// The requests of a client of ours, built with the writer that the server uses.
Octets capabilities_request(std::string_view origin_host = "client.example");

struct CreditRequest {
  std::string session = "client.example;1;1";
  std::string context = "32251@3gpp.org";
  std::string msisdn = "8613800138000";
  std::uint32_t type = 1;  // RFC 8506 8.3: I 1, U 2, T 3
  std::uint32_t number = 0;
  std::uint32_t rating_group = 10;
  std::optional<std::uint64_t> requested_octets;
  std::optional<std::uint64_t> used_octets;
  std::optional<std::uint32_t> requested_seconds;
  std::optional<std::uint32_t> used_seconds;
  std::optional<base::Time> at;  // Event-Timestamp
  std::string called;            // Called-Party-Address
};
Octets credit_request(const CreditRequest& request);

std::uint32_t command_of(const Octets& frame);
// The command level's Result-Code; 0 when it has none. Throws if the frame is not well-formed.
std::uint32_t result_of(const Octets& answer);

}  // namespace farthing::test
