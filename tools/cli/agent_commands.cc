// farthing agent: the Diameter agent before the servers, which is freeDiameter with our extension.
#include "diameter/agent/route_map.h"
#include "engine/config/config.h"
#include "tools/cli/commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>

namespace farthing::tools {

namespace {

using engine::AgentConfig;
namespace files = std::filesystem;

struct Given {
  std::string config;
  std::string output;
};

// Whom the list lets in (freeDiameter's acl_wl).
std::string allowed_clients(const AgentConfig& agent) {
  std::string text = "# Written by: farthing agent config\n";
  for (const std::string& client : agent.clients) text += "ALLOW_IPSEC " + client + "\n";
  for (const std::string& client : agent.tls_clients) text += client + "\n";
  return text;
}

// No dictionary and no application: what the daemon knew it would answer or refuse by itself.
std::string daemon_configuration(const AgentConfig& agent, const files::path& allowed) {
  std::string text = fmt::format(
      "# Written by: farthing agent config\n"
      "Identity = \"{}\";\nRealm = \"{}\";\nListenOn = \"{}\";\nPort = {};\nSecPort = {};\n"
      "TLS_Cred = \"{}\", \"{}\";\nTLS_CA = \"{}\";\n",
      agent.identity, agent.realm, agent.listen.address, agent.listen.port,
      agent.tls_clients.empty() ? 0 : agent.tls_port, agent.certificate, agent.key, agent.ca);
  if (!agent.sctp) text += "No_SCTP;\n";
  if (agent.listen.address.find(':') == std::string::npos) text += "No_IPv6;\n";
  text +=
      fmt::format("LoadExtension = \"acl_wl.fdx\" : \"{}\";\nLoadExtension = \"{}\" : \"{}\";\n",
                  allowed.string(), agent.extension, agent.map);
  for (const AgentConfig::Server& server : agent.servers) {
    text += fmt::format(
        "ConnectPeer = \"{}\" {{ ConnectTo = \"{}\"; Port = {}; No_TLS; No_SCTP; TcTimer = 1; "
        "}};\n",
        server.origin_host, server.to.address, server.to.port);
  }
  return text;
}

// freeDiameter's configuration knows no way to write these inside a text.
base::Result<void, std::string> check_paths(const AgentConfig& agent) {
  for (const std::string* path :
       {&agent.certificate, &agent.key, &agent.ca, &agent.map, &agent.extension}) {
    if (path->find_first_of("\"\\\n") == std::string::npos) continue;
    return fmt::format("{}: freeDiameter takes no quote, backslash or line end in a path", *path);
  }
  return {};
}

// Both name the same servers; the error says which one only one of them names.
base::Result<void, std::string> check_map(const AgentConfig& agent) {
  const auto text = read_file(agent.map);
  if (!text) return text.error().message;
  const auto map = agent::RouteMap::parse(*text);
  if (map.has_error()) return fmt::format("{}: {}", agent.map, map.error());
  for (const AgentConfig::Server& server : agent.servers) {
    if (!map->server(server.origin_host)) {
      return fmt::format("{}: no partition has {}, which agent: servers names", agent.map,
                         server.origin_host);
    }
  }
  for (const std::string& name : map->servers()) {
    const auto is_it = [&](const AgentConfig::Server& server) {
      return agent::is_same_host(server.origin_host, name);
    };
    if (std::ranges::none_of(agent.servers, is_it)) {
      return fmt::format("{}: {} is not among agent: servers", agent.map, name);
    }
  }
  return {};
}

bool write_file(const files::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  return !file.fail();
}

int write_configuration(const Context& context, const Given& given) {
  const auto text = read_file(given.config);
  if (!text) return context.fail(text.error().exit_code, text.error().message);
  const auto config = engine::parse_config(given.config, *text);
  if (!config) {
    std::string lines;
    for (const auto& error : config.error()) lines += "\n  " + to_string(error);
    return context.fail(exit_refused, given.config + " is not in order:" + lines);
  }
  if (!config->agent) {
    return context.fail(exit_refused, given.config +
                                          " has no section agent; the sample of the "
                                          "configuration shows one");
  }
  for (const auto check : {check_paths, check_map}) {
    if (const auto checked = check(*config->agent); checked.has_error()) {
      return context.fail(exit_refused, checked.error());
    }
  }
  const files::path folder = files::absolute(given.output);
  std::error_code failed;
  files::create_directories(folder, failed);
  const files::path allowed = folder / "clients.acl";
  const files::path daemon = folder / "freeDiameter.conf";
  for (const auto& [path, content] :
       {std::pair{allowed, allowed_clients(*config->agent)},
        std::pair{daemon, daemon_configuration(*config->agent, allowed)}}) {
    if (!write_file(path, content)) {
      return context.fail(exit_refused, fmt::format("{}: cannot be written: {}", path.string(),
                                                    std::strerror(errno)));
    }
  }
  context.out() << fmt::format("{} is written; start it with: freeDiameterd -c {}\n",
                               daemon.string(), daemon.string());
  return exit_done;
}

}  // namespace

void add_agent_commands(CLI::App& app, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const group = add_group(app, "agent", "The Diameter agent before the servers");
  CLI::App* const config = add_command(
      *group, context, "config",
      "Writes freeDiameter's configuration from the section agent of a server's configuration;\n"
      "the map of who owns whom is checked",
      "farthing agent config --config /etc/farthing/farthing.yaml --output /etc/farthing/agent",
      [&context, given] { return write_configuration(context, *given); });
  add_text_option(config, "--config", given->config, "The configuration")->required();
  add_text_option(config, "--output", given->output, "The folder for its files")->required();
}

}  // namespace farthing::tools
