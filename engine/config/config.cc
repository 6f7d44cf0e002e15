#include "engine/config/config.h"

#include "engine/base/assert.h"
#include "engine/config/peer_profiles.h"
#include "tariffs/yaml_reader.h"
#include "tariffs/yaml_scalar.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>

namespace farthing::engine {
namespace {

using std::chrono::seconds;
using tariffs::FileErrors;
using tariffs::FilePosition;
using tariffs::in_quotes;
using tariffs::YamlMap;
using tariffs::YamlNode;

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t gib = 1024 * mib;
constexpr std::uint64_t tib = 1024 * gib;

constexpr std::string_view identity_form = "a host name of letters, digits, '-', '_' and dots";
constexpr std::string_view endpoint_form = "ADDRESS:PORT such as 127.0.0.1:3868 or [::1]:3868";
constexpr std::string_view connect_form = "the ADDRESS:PORT of a peer such as 192.0.2.1:3868";
constexpr std::string_view ca_form = "tls: {ca: FILE}, the authorities that sign them";
constexpr std::string_view network_form =
    "an address, a network such as 10.0.0.0/8 without bits behind its prefix, or \"*\"";

struct Address {
  std::array<std::uint8_t, 16> octets{};
  std::size_t size = 0;  // 4 or 16
};

std::optional<Address> parse_address(std::string_view text) {
  const std::string terminated(text);
  Address address;
  if (inet_pton(AF_INET, terminated.c_str(), address.octets.data()) == 1) {
    address.size = 4;
    return address;
  }
  if (inet_pton(AF_INET6, terminated.c_str(), address.octets.data()) == 1) {
    address.size = 16;
    // An IPv4 address in IPv6's clothes (RFC 4291 2.5.5.2) has two prefix lengths: not guessed.
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::ranges::equal(std::span(address.octets).first(12), mapped)) return std::nullopt;
    return address;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t highest) {
  const std::optional<tariffs::Quantity> number = tariffs::parse_quantity(text);
  if (!number || !number->unit.empty() || number->number > highest) return std::nullopt;
  return number->number;
}

bool is_network(std::string_view text) {
  if (text == "*") return true;
  const std::size_t slash = text.find('/');
  const std::optional<Address> address = parse_address(text.substr(0, slash));
  if (!address) return false;
  if (slash == std::string_view::npos) return true;
  const std::optional<std::uint64_t> prefix =
      parse_number(text.substr(slash + 1), address->size * 8);
  if (!prefix) return false;
  for (std::size_t bit = *prefix; bit < address->size * 8; ++bit) {
    if ((address->octets[bit / 8] >> (7 - bit % 8) & 1) != 0) return false;
  }
  return true;
}

// A DiameterIdentity is a fully qualified host or realm name (RFC 6733 4.3.1).
bool is_identity(std::string_view text) {
  if (text.size() > 255) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    const bool is_label =
        !label.empty() && label.size() <= 63 && std::ranges::all_of(label, [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_';
        });
    if (!is_label || dot == std::string_view::npos) return is_label;
    text.remove_prefix(dot + 1);
  }
}

// Reads the file's keys into a Config that holds the defaults; what cannot be read keeps its own.
class Reader {
 public:
  Reader(Config& config, FileErrors& errors) : config_(config), errors_(errors) {}

  void read(const YamlNode& root);

 private:
  void read_identity(YamlMap& file, std::string_view key, std::string& into);
  void read_path(YamlMap& map, std::string_view key, std::string& into);
  void read_listen(const YamlNode& node, std::vector<Endpoint>& into);
  void read_tls(YamlMap& file);
  void read_peers(const YamlNode& node);
  void read_peer(const YamlNode& node);
  std::string read_peer_name(const YamlNode& node, bool may_be_any);
  void read_connect(const YamlNode& node);
  void read_agent(const YamlNode& node);
  void read_agent_clients(YamlMap& map, std::string_view key, std::vector<std::string>& into);
  void read_agent_servers(const YamlNode& node, std::vector<AgentConfig::Server>& into);
  void read_limits(const YamlNode& node);
  void read_api_and_metrics(YamlMap& file);
  void read_storage_and_duplicates(YamlMap& file);
  void read_records(const YamlNode& node);
  void read_retention(const YamlNode& node);
  void read_log(const YamlNode& node);
  void check_socket_path(FilePosition position);
  std::optional<Endpoint> read_endpoint(const YamlNode& node);
  std::optional<Endpoint> read_target(const YamlNode& node);

  template <class Value>
  static void set(Value& into, std::optional<Value> value) {
    if (value) into = std::move(*value);
  }
  void set_octets(YamlMap& map, std::string_view key, std::uint64_t lowest, std::uint64_t highest,
                  std::uint64_t& into) {
    if (const YamlNode* node = map.find(key)) {
      set(into, tariffs::read_octets(*node, errors_, lowest, highest));
    }
  }

  Config& config_;
  FileErrors& errors_;
  PeerProfiles profiles_;
};

void Reader::read(const YamlNode& root) {
  YamlMap file(root, "the configuration", errors_);
  file.require("data", "the folder of the ledger");
  read_path(file, "data", config_.data);
  read_path(file, "tariff", config_.tariff);
  read_identity(file, "origin_host", config_.origin_host);
  read_identity(file, "origin_realm", config_.origin_realm);
  if (const YamlNode* node = file.find("product_name")) {
    set(config_.product_name, tariffs::read_name(*node, errors_));
  }
  if (const YamlNode* node = file.find("destinations")) {
    const auto choice = tariffs::read_choice(*node, errors_, {"any", "own"});
    if (choice) config_.destinations = *choice == 0 ? Destinations::any : Destinations::own;
  }
  if (const YamlNode* node = file.find("listen")) read_listen(*node, config_.listen);
  read_tls(file);
  if (const YamlNode* node = file.find("profiles")) profiles_.read(*node, errors_);
  if (const YamlNode* node = file.find("peers")) read_peers(*node);
  if (const YamlNode* node = file.find("connect")) read_connect(*node);
  if (const YamlNode* node = file.find("agent")) read_agent(*node);
  if (const YamlNode* node = file.find("reconnect")) {
    set(config_.reconnect, tariffs::read_duration(*node, errors_, seconds(1), seconds(3600)));
  }
  if (const YamlNode* node = file.find("watchdog")) {
    set(config_.watchdog, tariffs::read_duration(*node, errors_, seconds(6), seconds(300)));
  }
  if (const YamlNode* node = file.find("limits")) read_limits(*node);
  read_api_and_metrics(file);
  read_storage_and_duplicates(file);
  if (const YamlNode* node = file.find("records")) read_records(*node);
  if (const YamlNode* node = file.find("retention")) read_retention(*node);
  if (const YamlNode* node = file.find("log")) read_log(*node);
  file.finish();
}

void Reader::read_identity(YamlMap& file, std::string_view key, std::string& into) {
  const YamlNode* node = file.require(key, identity_form);
  if (node == nullptr) return;
  const std::optional<std::string> text = tariffs::read_text(*node, errors_, identity_form);
  if (!text) return;
  if (!is_identity(*text)) {
    errors_.add(node->position, fmt::format("{} is no DiameterIdentity", in_quotes(*text)),
                identity_form);
    return;
  }
  into = *text;
}

void Reader::read_path(YamlMap& map, std::string_view key, std::string& into) {
  if (const YamlNode* node = map.find(key)) set(into, tariffs::read_text(*node, errors_, "a path"));
}

std::optional<Endpoint> Reader::read_endpoint(const YamlNode& node) {
  const std::optional<std::string> text = tariffs::read_text(node, errors_, endpoint_form);
  if (!text) return std::nullopt;
  std::optional<Endpoint> endpoint = parse_endpoint(*text);
  if (!endpoint) {
    errors_.add(node.position, fmt::format("{} is no address to listen on", in_quotes(*text)),
                endpoint_form);
  }
  return endpoint;
}

// Where somebody listens: not any free port.
std::optional<Endpoint> Reader::read_target(const YamlNode& node) {
  const std::optional<Endpoint> endpoint = read_endpoint(node);
  if (endpoint && endpoint->port == 0) {
    errors_.add(node.position, "port 0 cannot be connected to", connect_form);
  }
  return endpoint;
}

void Reader::read_listen(const YamlNode& node, std::vector<Endpoint>& into) {
  if (!tariffs::check_kind(node, YamlNode::Kind::sequence, errors_, "a list of ADDRESS:PORT")) {
    return;
  }
  constexpr std::size_t listen_max = 16;
  if (node.items.size() > listen_max) {
    errors_.add(node.position, fmt::format("there are {} addresses", node.items.size()),
                fmt::format("1 to {}", listen_max));
    return;
  }
  into.clear();
  for (const YamlNode& item : node.items) {
    const std::optional<Endpoint> endpoint = read_endpoint(item);
    if (!endpoint) continue;
    const auto has = [&](const std::vector<Endpoint>& list) {
      return std::ranges::find(list, *endpoint) != list.end();
    };
    if (endpoint->port != 0 && (has(config_.listen) || has(config_.listen_tls))) {
      errors_.add(item.position, fmt::format("{} is there already", in_quotes(item.text)),
                  "each address once");
    }
    into.push_back(*endpoint);
  }
}

void Reader::read_tls(YamlMap& file) {
  if (const YamlNode* node = file.find("listen_tls")) read_listen(*node, config_.listen_tls);
  const YamlNode* const plain = file.find("listen");
  const bool is_plain_empty =
      plain != nullptr && plain->kind == YamlNode::Kind::sequence && plain->items.empty();
  if (is_plain_empty && config_.listen_tls.empty()) {
    errors_.add(plain->position, "there are 0 addresses", "1 to 16, here or in listen_tls");
  }
  Config::Tls& tls = config_.tls;
  if (const YamlNode* node = file.find("tls")) {
    YamlMap map(*node, "tls", errors_);
    for (const auto& [key, into] : {std::pair{"certificate", &tls.certificate},
                                    std::pair{"key", &tls.key}, std::pair{"ca", &tls.ca}}) {
      read_path(map, key, *into);
    }
    if (const YamlNode* inband = map.find("inband")) {
      set(tls.inband, tariffs::read_boolean(*inband, errors_));
    }
    if (tls.certificate.empty() || tls.key.empty()) {
      errors_.add(node->position, "tls has no certificate and key", "both files");
    }
    map.finish();
  } else if (!config_.listen_tls.empty()) {
    errors_.add(file.key_position("listen_tls"), "listen_tls has no certificate to show",
                "tls: {certificate: FILE, key: FILE}");
  }
}

void Reader::read_peers(const YamlNode& node) {
  constexpr std::string_view form = "a list of {origin_host, from}";
  if (!tariffs::check_kind(node, YamlNode::Kind::sequence, errors_, form)) return;
  constexpr std::size_t peers_max = 1000;
  if (node.items.empty() || node.items.size() > peers_max) {
    errors_.add(node.position, fmt::format("there are {} peers", node.items.size()),
                fmt::format("1 to {}", peers_max));
    return;
  }
  config_.peers.clear();
  for (const YamlNode& item : node.items) read_peer(item);
}

std::string Reader::read_peer_name(const YamlNode& node, bool may_be_any) {
  const auto name = tariffs::read_text(
      node, errors_, may_be_any ? "a host name, or \"*\" for any" : identity_form);
  const bool is_good = name && ((may_be_any && *name == "*") || is_identity(*name));
  if (name && !is_good) {
    errors_.add(node.position, fmt::format("{} is no DiameterIdentity", in_quotes(*name)),
                identity_form);
  }
  return name.value_or("*");
}

void Reader::read_peer(const YamlNode& node) {
  AllowedPeer peer;
  YamlMap map(node, "a peer", errors_);
  if (const YamlNode* host = map.require("origin_host", "a host name, or \"*\" for any")) {
    peer.origin_host = read_peer_name(*host, true);
  }
  if (const YamlNode* from = map.require("from", network_form)) {
    set(peer.from, tariffs::read_text(*from, errors_, network_form));
    if (!is_network(peer.from)) {
      errors_.add(from->position, fmt::format("{} is no network", in_quotes(peer.from)),
                  network_form);
    }
  }
  if (const YamlNode* profile = map.find("profile")) {
    set(peer.profile, profiles_.read_reference(*profile, errors_));
  }
  if (const YamlNode* certificate = map.find("certificate")) {
    const auto choice = tariffs::read_choice(*certificate, errors_, {"none", "required"});
    peer.certificate_required = choice == 1;
    if (peer.certificate_required && config_.tls.ca.empty()) {
      errors_.add(certificate->position, "no certificate of a peer can be believed", ca_form);
    }
  }
  map.finish();
  config_.peers.push_back(std::move(peer));
}

void Reader::read_connect(const YamlNode& node) {
  constexpr std::string_view form = "a list of {to, origin_host}";
  if (!tariffs::check_kind(node, YamlNode::Kind::sequence, errors_, form)) return;
  constexpr std::size_t connect_max = 16;
  if (node.items.size() > connect_max) {
    errors_.add(node.position, fmt::format("there are {} peers", node.items.size()),
                fmt::format("at most {}", connect_max));
    return;
  }
  for (const YamlNode& item : node.items) {
    ConnectedPeer peer;
    YamlMap map(item, "a peer to connect to", errors_);
    if (const YamlNode* to = map.require("to", connect_form)) {
      set(peer.to, read_target(*to));
    }
    if (const YamlNode* host = map.require("origin_host", identity_form)) {
      peer.origin_host = read_peer_name(*host, false);
    }
    if (const YamlNode* tls = map.find("tls")) {
      set(peer.tls, tariffs::read_boolean(*tls, errors_));
      if (peer.tls && config_.tls.ca.empty()) {
        errors_.add(tls->position, "no certificate of a peer can be believed", ca_form);
      }
    }
    if (const YamlNode* profile = map.find("profile")) {
      set(peer.profile, profiles_.read_reference(*profile, errors_));
    }
    map.finish();
    const auto same = [&](const ConnectedPeer& other) {
      return other.origin_host == peer.origin_host;
    };
    if (std::ranges::any_of(config_.connect, same)) {
      errors_.add(item.position, fmt::format("{} is there already", in_quotes(peer.origin_host)),
                  "each peer once");
    }
    config_.connect.push_back(std::move(peer));
  }
}

void Reader::read_agent(const YamlNode& node) {
  constexpr std::string_view listen_form = "ADDRESS:PORT of this machine, other than loopback";
  YamlMap map(node, "agent", errors_);
  AgentConfig& agent = config_.agent.emplace();
  read_identity(map, "identity", agent.identity);
  read_identity(map, "realm", agent.realm);
  if (const YamlNode* listen = map.require("listen", listen_form)) {
    set(agent.listen, read_target(*listen));
    if (agent.listen.address.starts_with("127.") || agent.listen.address == "::1") {
      errors_.add(listen->position, "the agent cannot listen on loopback", listen_form);
    }
  }
  if (const YamlNode* port = map.find("tls_port")) {
    const auto number = tariffs::read_integer(*port, errors_, 1, UINT16_MAX);
    agent.tls_port = static_cast<std::uint16_t>(number.value_or(agent.tls_port));
  }
  for (const auto& [key, into] :
       {std::pair{"certificate", &agent.certificate}, std::pair{"key", &agent.key},
        std::pair{"ca", &agent.ca}, std::pair{"map", &agent.map}}) {
    if (map.require(key, "a path") != nullptr) read_path(map, key, *into);
  }
  read_path(map, "extension", agent.extension);
  if (const YamlNode* sctp = map.find("sctp")) {
    set(agent.sctp, tariffs::read_boolean(*sctp, errors_));
  }
  read_agent_clients(map, "clients", agent.clients);
  read_agent_clients(map, "tls_clients", agent.tls_clients);
  if (const YamlNode* servers = map.require("servers", "the servers behind the agent")) {
    read_agent_servers(*servers, agent.servers);
  }
  map.finish();
}

void Reader::read_agent_clients(YamlMap& map, std::string_view key,
                                std::vector<std::string>& into) {
  constexpr std::string_view form = "host names; \"*.example\" for all of a domain";
  const YamlNode* const node = map.find(key);
  if (node == nullptr || !tariffs::check_kind(*node, YamlNode::Kind::sequence, errors_, form)) {
    return;
  }
  for (const YamlNode& item : node->items) {
    const auto name = tariffs::read_text(item, errors_, form);
    if (!name) continue;
    if (!is_identity(name->starts_with("*.") ? name->substr(2) : *name)) {
      errors_.add(item.position, fmt::format("{} is no DiameterIdentity", in_quotes(*name)), form);
    }
    into.push_back(*name);
  }
}

void Reader::read_agent_servers(const YamlNode& node, std::vector<AgentConfig::Server>& into) {
  if (!tariffs::check_kind(node, YamlNode::Kind::sequence, errors_, "a list of servers")) return;
  for (const YamlNode& item : node.items) {
    AgentConfig::Server server;
    YamlMap map(item, "a server behind the agent", errors_);
    if (const YamlNode* host = map.require("origin_host", identity_form)) {
      server.origin_host = read_peer_name(*host, false);
    }
    if (const YamlNode* to = map.require("to", connect_form)) set(server.to, read_target(*to));
    map.finish();
    into.push_back(std::move(server));
  }
}

void Reader::read_limits(const YamlNode& node) {
  YamlMap map(node, "limits", errors_);
  set_octets(map, "message_bytes", 4 * kib, 4 * mib, config_.limits.message_bytes);
  set_octets(map, "peer_output_bytes", 64 * kib, gib, config_.limits.peer_output_bytes);
  set_octets(map, "peer_input_bytes", 64 * kib, gib, config_.limits.peer_input_bytes);
  if (const YamlNode* connections = map.find("connections")) {
    set(config_.limits.connections, tariffs::read_integer(*connections, errors_, 1, 65536));
  }
  if (config_.limits.peer_output_bytes < config_.limits.message_bytes) {
    errors_.add(map.key_position("peer_output_bytes"),
                "peer_output_bytes has no room for one message", "at least message_bytes");
  }
  map.finish();
}

void Reader::read_api_and_metrics(YamlMap& file) {
  FilePosition position = file.key_position("data");
  if (const YamlNode* node = file.find("api")) {
    YamlMap map(*node, "api", errors_);
    if (const YamlNode* socket = map.find("socket")) position = socket->position;
    read_path(map, "socket", config_.api_socket);
    map.finish();
  }
  check_socket_path(position);
  if (const YamlNode* node = file.find("metrics")) {
    YamlMap map(*node, "metrics", errors_);
    if (const YamlNode* listen = map.find("listen"))
      config_.metrics_listen = read_endpoint(*listen);
    map.finish();
  }
}

void Reader::check_socket_path(FilePosition position) {
  const std::string path = api_socket_path(config_);
  if (path.size() <= socket_path_bytes_max) return;
  errors_.add(
      position,
      fmt::format("the API's socket {} would have a path of {} bytes", in_quotes(path),
                  path.size()),
      fmt::format("a path of at most {} bytes in api: {{socket: ...}}", socket_path_bytes_max));
}

void Reader::read_storage_and_duplicates(YamlMap& file) {
  if (const YamlNode* node = file.find("accounts")) {
    YamlMap map(*node, "accounts", errors_);
    set_octets(map, "memory", 16 * mib, tib, config_.accounts_memory_bytes);
    map.finish();
  }
  if (const YamlNode* node = file.find("storage")) {
    YamlMap map(*node, "storage", errors_);
    set_octets(map, "reserve", 0, tib, config_.storage_reserve_bytes);
    if (const YamlNode* interval = map.find("checkpoint_interval")) {
      set(config_.checkpoint_interval,
          tariffs::read_duration(*interval, errors_, seconds(1), seconds(3600)));
    }
    map.finish();
  }
  if (const YamlNode* node = file.find("duplicates")) {
    YamlMap map(*node, "duplicates", errors_);
    if (const YamlNode* window = map.find("window")) {
      set(config_.duplicates_window,
          tariffs::read_duration(*window, errors_, seconds(0), seconds(7 * 86400)));
    }
    set_octets(map, "bytes", mib, tib, config_.duplicates_bytes);
    map.finish();
  }
}

void Reader::read_records(const YamlNode& node) {
  YamlMap map(node, "records", errors_);
  read_path(map, "folder", config_.records.folder);
  if (const YamlNode* format = map.find("format")) {
    const auto choice = tariffs::read_choice(*format, errors_, {"csv", "json"});
    if (choice) config_.records.format = *choice == 0 ? RecordFormat::csv : RecordFormat::json;
  }
  set_octets(map, "rotate_bytes", 64 * kib, tib, config_.records.rotate_bytes);
  if (const YamlNode* after = map.find("rotate_after")) {
    set(config_.records.rotate_after,
        tariffs::read_duration(*after, errors_, seconds(1), seconds(7 * 86400)));
  }
  map.finish();
}

void Reader::read_retention(const YamlNode& node) {
  YamlMap map(node, "retention", errors_);
  const YamlNode* const after = map.find("after");
  if (after != nullptr) {
    set(config_.retention.after,
        tariffs::read_duration(*after, errors_, seconds(1), seconds(3650 * 86400)));
  }
  read_path(map, "archive", config_.retention.archive);
  if ((after == nullptr) != config_.retention.archive.empty()) {
    errors_.add(map.key_position(after == nullptr ? "archive" : "after"),
                "retention has only one of after and archive", "both, or neither");
  }
  map.finish();
}

void Reader::read_log(const YamlNode& node) {
  YamlMap map(node, "log", errors_);
  if (const YamlNode* level = map.find("level")) {
    std::vector<std::string_view> names;
    for (LogLevel each : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
      names.push_back(log_level_name(each));
    }
    const std::optional<std::size_t> choice = tariffs::read_choice(*level, errors_, names);
    if (choice) config_.log_level = static_cast<LogLevel>(*choice);
  }
  read_path(map, "file", config_.log_file);
  map.finish();
}

}  // namespace

std::string api_socket_path(const Config& config) {
  if (!config.api_socket.empty()) return config.api_socket;
  return config.data.ends_with('/') ? config.data + "api.sock" : config.data + "/api.sock";
}

base::Result<Config, std::vector<tariffs::FileError>> parse_config(std::string_view file_name,
                                                                   std::string_view text) {
  FileErrors errors(file_name);
  const std::optional<YamlNode> root = tariffs::read_yaml(text, errors);
  if (!root) return errors.take();
  Config config;
  Reader(config, errors).read(*root);
  if (!errors.empty()) return errors.take();
  return config;
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool in_brackets = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  if (in_brackets) host = host.substr(1, host.size() - 2);
  const std::optional<Address> address = parse_address(host);
  const std::optional<std::uint64_t> port =
      parse_number(text.substr(colon + 1), std::numeric_limits<std::uint16_t>::max());
  if (!address || !port || in_brackets != (address->size == 16)) return std::nullopt;
  return Endpoint{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::string to_string(const Endpoint& endpoint) {
  const bool is_ipv6 = endpoint.address.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("[{}]:{}", endpoint.address, endpoint.port)
                 : fmt::format("{}:{}", endpoint.address, endpoint.port);
}

std::string_view log_level_name(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  FARTHING_ASSERT(false);
  return "";
}

}  // namespace farthing::engine
