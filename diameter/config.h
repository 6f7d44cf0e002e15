// What a Diameter server is told: who it is, who may connect, its limits, and where time, chance
// and log lines come from and go to. Plain values; the defaults are those of a server on a direct
// link.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diameter/dictionary.h"
#include "diameter/error_answer.h"
#include "diameter/network.h"
#include "diameter/peer_profile.h"
#include "diameter/peer_state.h"
#include "diameter/tls.h"

namespace farthing::diameter {

// One line of the list of those who may connect: name and network must both fit. The first line
// that fits a peer holds for it.
struct PeerRule {
  std::string origin_host = "*";  // Exactly (letter case does not count), or "*" for any.
  IpNetwork network{};            // Where it connects from; the default is everywhere.
  PeerProfile profile{};
  // Only over TLS, with a certificate that names its Origin-Host (RFC 6733 13.1).
  bool certificate_required = false;
};

// A peer that we connect to.
struct ConnectTarget {
  std::string address;  // IPv4 or IPv6.
  std::uint16_t port = 3868;
  // TLS from the first octet on; its certificate must name the Origin-Host, whatever the rule says.
  bool is_tls = false;
  PeerRule rule{};  // The Origin-Host that it must have, and its profile.
};

// A command that is handed to the application.
struct ServedCommand {
  std::uint32_t application;
  std::uint32_t command;
};

enum class LogLevel : std::uint8_t { info, warning, error };

struct ListenAddress {
  std::string address = "127.0.0.1";  // IPv4 or IPv6.
  std::uint16_t port = 3868;          // 0 picks a free one.
  bool is_tls = false;                // From the first octet on (RFC 6733 2.1: port 5658).
};

struct ServerConfig {
  std::vector<ListenAddress> listen = {{}};

  std::optional<TlsFiles> tls;  // Needed where TLS is asked for anywhere.
  // A peer whose CER offers TLS (Inband-Security-Id) gets it on the connection that it has, after
  // the CEA: the way of RFC 3588, which RFC 6733 13.1 keeps for older peers.
  bool has_inband_tls = false;

  Identity identity;
  std::string product_name = "Farthing";
  std::uint32_t vendor_id = 0;
  std::optional<std::uint32_t> firmware_revision;
  // What the CEA says: Auth-Application-Id, the same inside Vendor-Specific-Application-Id with
  // 3GPP's vendor id, and Supported-Vendor-Id.
  std::vector<std::uint32_t> applications = {application::credit_control};
  std::vector<std::uint32_t> supported_vendors = {vendor::tgpp};
  std::vector<ServedCommand> served = {{application::credit_control, command::credit_control}};
  // Host-IP-Address of the CEA; empty: the local address of each connection.
  std::vector<IpAddress> host_ip_addresses;

  std::vector<PeerRule> peers_allowed;  // Nobody, if empty.
  std::vector<ConnectTarget> connect;
  // false: requests with another Destination-Realm are answered 3003, another Destination-Host
  // 3002. A peer's profile may say otherwise.
  bool serves_any_destination = true;

  std::chrono::milliseconds watchdog_interval{30'000};  // Tw of RFC 3539, 6 s at least.
  std::chrono::milliseconds watchdog_jitter{2'000};     // Up to so much more or less.
  std::chrono::milliseconds cer_timeout{10'000};        // Handshake and CER together.
  std::chrono::milliseconds election_timeout{2'000};  // For the older connection to show it lives.
  std::chrono::milliseconds reconnect_interval{30'000};  // Tc of RFC 6733 2.1,
  std::chrono::milliseconds reconnect_jitter{2'000};     // up to so much more.
  std::chrono::milliseconds closing_timeout{2'000};   // For the DPA, and for what is still to send.
  std::chrono::milliseconds draining_timeout{5'000};  // For answers to what was read, at a stop.
  std::chrono::milliseconds message_timeout{10'000};  // From a message's first octet to its last.
  std::chrono::milliseconds stalled_timeout{30'000};  // Output of which not an octet is taken.
  std::chrono::milliseconds tick_interval{200};       // How often deadlines are looked at.

  std::uint32_t message_size_bytes_max = 65'536;
  std::size_t output_size_bytes_max = 4u << 20;  // Of one peer: ready, held and being written.
  std::size_t input_size_bytes_max = 4u << 20;   // Of one peer: read, and not worked on yet.
  // How long requests may wait until those that begin something, or all that can be done without,
  // are too much. Three quarters of the input above are too much, too.
  std::chrono::milliseconds begins_wait_max{25};
  std::chrono::milliseconds asks_wait_max{200};
  std::size_t connections_max = 1'024;
  std::size_t own_requests_max = 256;  // Of ours under way to one peer.

  std::function<MonotonicTime()> now = [] { return std::chrono::steady_clock::now(); };
  std::function<std::uint32_t()> random;  // For jitter and End-to-End-Ids; none: a fixed sequence.
  std::function<void(LogLevel, std::string_view)> log = [](LogLevel, std::string_view) {};
};

}  // namespace farthing::diameter
