#include "diameter/agent/router.h"

#include <algorithm>
#include <utility>

namespace farthing::agent {
namespace {

constexpr int wanted_most = 100'000;

bool is_client_command(std::uint32_t command) {
  return command == command_re_auth || command == command_abort_session;
}

}  // namespace

Router::Router(RouteMap map, std::uint64_t seed)
    : map_(std::move(map)), sessions_(map_.sessions_max(), seed) {}

Decision Router::decide(const MessageFacts& facts) {
  using Kind = Decision::Kind;
  Decision decision;
  if (!facts.is_request || facts.application != application_credit_control) return decision;
  if (is_client_command(facts.command) && !facts.destination_host.empty()) {
    decision.kind = Kind::client;
    decision.client = facts.destination_host;
    return decision;
  }
  if (facts.command != command_credit_control ||
      !is_same_host(facts.destination_realm, map_.realm())) {
    return decision;
  }
  decision.partition = map_.owner(IdentityKind::e164, facts.e164);
  if (decision.partition == nullptr) {
    decision.partition = map_.owner(IdentityKind::imsi, facts.imsi);
  }
  if (decision.partition != nullptr) {
    decision.kind = Kind::owners;
    return decision;
  }
  std::optional<std::uint16_t> server = map_.server(facts.destination_host);
  if (!server && !facts.session_id.empty()) {
    const std::lock_guard lock(mutex_);
    server = sessions_.find(facts.session_id);
  }
  decision.kind = server ? Kind::server : Kind::any_server;
  decision.server = server.value_or(0);
  return decision;
}

void Router::learn(const MessageFacts& answer, std::string_view server) {
  if (answer.is_request || answer.is_error || answer.command != command_credit_control ||
      answer.application != application_credit_control || answer.session_id.empty() ||
      answer.request_type == request_type_event) {
    return;
  }
  const bool is_success = answer.result_code.value_or(0) / 1000 == 2;
  const std::optional<std::uint16_t> place = map_.server(server);
  if (!is_success || !place) return;
  const std::lock_guard lock(mutex_);
  // A closed session's requests may still be repeated: the table forgets by age, not by closing.
  sessions_.learn(answer.session_id, *place);
}

int Router::preference(const Decision& decision, std::string_view peer) const {
  using Kind = Decision::Kind;
  if (decision.kind == Kind::pass) return 0;
  const std::optional<std::uint16_t> server = map_.server(peer);
  if (decision.kind == Kind::client) {
    if (is_same_host(peer, decision.client)) return wanted_most;
    return server ? never : 0;
  }
  if (!server) return never;
  switch (decision.kind) {
    case Kind::owners:
      return preference_of(*decision.partition, *server);
    case Kind::server:
      if (*server == decision.server) return wanted_most;
      return preference_of(partition_of(decision.server), *server);
    default:
      return wanted_most - 1 - *server;
  }
}

int Router::preference_of(const Partition& partition, std::uint16_t server) const {
  const auto& servers = partition.servers;
  const auto at = std::find(servers.begin(), servers.end(), server);
  if (at == servers.end()) return never;
  return wanted_most - 1 - static_cast<int>(at - servers.begin());
}

const Partition& Router::partition_of(std::uint16_t server) const {
  // Every server stands in a partition: that is where its name comes from.
  return *std::find_if(
      map_.partitions().begin(), map_.partitions().end(), [server](const Partition& partition) {
        return std::count(partition.servers.begin(), partition.servers.end(), server) != 0;
      });
}

}  // namespace farthing::agent
