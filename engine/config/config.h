// The server's configuration: plain data, with every default in this one place, and the YAML file
// (farthing.yaml) that sets it.
//
// docs/farthing.sample.yaml documents each key. A file is refused whole, with every error's line
// and column: unknown keys, keys written twice, values out of range, a path that a socket cannot
// have. Nothing is looked up: no file is opened, no name resolved. Threads: no shared state.
#pragma once

#include "diameter/peer_profile.h"
#include "engine/base/result.h"
#include "tariffs/file_error.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine {

// Where to listen. The address is an IPv4 or IPv6 address without brackets.
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;  // 0: any that is free

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// Who may connect: name and network must both fit; the first line that fits holds.
struct AllowedPeer {
  std::string origin_host = "*";  // a DiameterIdentity, or "*" for any
  std::string from = "*";         // "10.0.0.0/8", "192.0.2.7", "2001:db8::/32", or "*" for anywhere
  diameter::PeerProfile profile{};    // what is special about it
  bool certificate_required = false;  // only over TLS, with one that names its Origin-Host

  friend bool operator==(const AllowedPeer&, const AllowedPeer&) = default;
};

// A peer that the server connects to.
struct ConnectedPeer {
  Endpoint to;
  std::string origin_host;
  bool tls = false;
  diameter::PeerProfile profile{};

  friend bool operator==(const ConnectedPeer&, const ConnectedPeer&) = default;
};

// The Diameter agent before this and other servers (diameter/agent). The server does not use it:
// `farthing agent config` writes freeDiameter's configuration from it.
struct AgentConfig {
  struct Server {
    std::string origin_host;
    Endpoint to;

    friend bool operator==(const Server&, const Server&) = default;
  };

  std::string identity;  // its Origin-Host
  std::string realm;
  Endpoint listen;                // not loopback, which freeDiameter does not take
  std::uint16_t tls_port = 5658;  // RFC 6733 2.1
  std::string certificate;        // files; freeDiameter does not start without them
  std::string key;
  std::string ca;
  std::string map;  // file: which server owns whom
  std::string extension = "/usr/lib/farthing/rt_farthing.fdx";
  bool sctp = false;
  std::vector<std::string> clients;      // who may connect without TLS; "*.example": all of it
  std::vector<std::string> tls_clients;  // and with it
  std::vector<Server> servers;

  friend bool operator==(const AgentConfig&, const AgentConfig&) = default;
};

enum class Destinations : std::uint8_t { any, own };
enum class RecordFormat : std::uint8_t { csv, json };
enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct Config {
  std::string data = "/var/lib/farthing";  // folder
  std::string tariff;                      // file, loaded where the data has no tariff; "": none

  std::string origin_host = "ocs.farthing.example";
  std::string origin_realm = "farthing.example";
  std::string product_name = "Farthing";
  Destinations destinations = Destinations::any;
  std::vector<Endpoint> listen = {{"127.0.0.1", 3868}};
  std::vector<Endpoint> listen_tls;  // TLS from the first octet on

  struct Tls {
    std::string certificate;  // file; "": there is no TLS
    std::string key;          // file
    std::string ca;           // file; "": peers are not asked for certificates
    bool inband = false;

    friend bool operator==(const Tls&, const Tls&) = default;
  } tls;
  std::vector<AllowedPeer> peers = {{"*", "127.0.0.0/8"}, {"*", "::1"}};
  std::vector<ConnectedPeer> connect;
  std::optional<AgentConfig> agent;
  std::chrono::seconds reconnect{30};
  std::chrono::seconds watchdog{30};

  struct Limits {
    std::uint64_t message_bytes = 64 << 10;
    std::uint64_t peer_output_bytes = 4 << 20;
    std::uint64_t peer_input_bytes = 4 << 20;
    std::uint64_t connections = 1024;

    friend bool operator==(const Limits&, const Limits&) = default;
  } limits;

  std::string api_socket;  // "": api.sock in the data folder
  std::optional<Endpoint> metrics_listen;

  std::uint64_t accounts_memory_bytes = std::uint64_t{1} << 30;
  std::uint64_t storage_reserve_bytes = std::uint64_t{1} << 30;
  std::chrono::seconds checkpoint_interval{30};
  std::chrono::seconds duplicates_window{24 * 3600};
  std::uint64_t duplicates_bytes = std::uint64_t{2} << 30;

  struct Records {
    std::string folder;  // "": none are written
    RecordFormat format = RecordFormat::csv;
    std::uint64_t rotate_bytes = 64 << 20;
    std::chrono::seconds rotate_after{15 * 60};

    friend bool operator==(const Records&, const Records&) = default;
  } records;

  struct Retention {
    std::chrono::seconds after{0};  // 0: nothing is ever removed
    std::string archive;            // folder

    friend bool operator==(const Retention&, const Retention&) = default;
  } retention;

  LogLevel log_level = LogLevel::info;
  std::string log_file;  // "": standard error

  friend bool operator==(const Config&, const Config&) = default;
};

// A socket's path has at most so many bytes (sun_path of unix(7), less its final NUL).
constexpr std::size_t socket_path_bytes_max = 107;

// The API's socket: as configured, else api.sock in the data folder.
std::string api_socket_path(const Config& config);

// `file_name` is only what errors are headed with.
base::Result<Config, std::vector<tariffs::FileError>> parse_config(std::string_view file_name,
                                                                   std::string_view text);

// "127.0.0.1:3868" and "[::1]:3868"; also for command lines.
std::optional<Endpoint> parse_endpoint(std::string_view text);
std::string to_string(const Endpoint& endpoint);

std::string_view log_level_name(LogLevel level);

}  // namespace farthing::engine
