#include "diameter/agent/extension_router.h"

#include "diameter/agent/router.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace agent = farthing::agent;

struct farthing_router {
  agent::Router router;
};

namespace {

std::string_view view(const std::uint8_t* octets, std::size_t bytes) {
  return {reinterpret_cast<const char*>(octets), bytes};
}

agent::Decision decision_of(const farthing_decision& decision) {
  return {static_cast<agent::Decision::Kind>(decision.kind),
          static_cast<const agent::Partition*>(decision.partition),
          decision.server,
          {decision.client, decision.client_bytes}};
}

}  // namespace

farthing_router* farthing_router_open(const char* map_file, char* error, size_t error_bytes) {
  try {
    std::ifstream file(map_file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    if (!file.is_open() || file.bad()) {
      std::snprintf(error, error_bytes, "%s: cannot be read", map_file);
      return nullptr;
    }
    auto map = agent::RouteMap::parse(text);
    if (map.has_error()) {
      std::snprintf(error, error_bytes, "%s: %s", map_file, map.error().c_str());
      return nullptr;
    }
    std::random_device random;
    const std::uint64_t seed = std::uint64_t{random()} << 32 | random();
    return new farthing_router{agent::Router(std::move(*map), seed)};
  } catch (const std::exception& fault) {
    std::snprintf(error, error_bytes, "%s: %s", map_file, fault.what());
    return nullptr;
  }
}

void farthing_router_close(farthing_router* router) { delete router; }

void farthing_router_decide(farthing_router* router, const uint8_t* request, size_t bytes,
                            farthing_decision* decision) {
  agent::Decision made;
  if (const auto facts = agent::read_facts(view(request, bytes))) {
    made = router->router.decide(*facts);
  }
  *decision = {static_cast<std::uint8_t>(made.kind), made.server, made.partition,
               made.client.data(), made.client.size()};
}

int farthing_router_preference(const farthing_router* router, const farthing_decision* decision,
                               const char* peer, size_t peer_bytes) {
  return router->router.preference(decision_of(*decision), {peer, peer_bytes});
}

void farthing_router_learn(farthing_router* router, const uint8_t* answer, size_t bytes,
                           const char* peer, size_t peer_bytes) {
  if (const auto facts = agent::read_facts(view(answer, bytes))) {
    router->router.learn(*facts, {peer, peer_bytes});
  }
}
