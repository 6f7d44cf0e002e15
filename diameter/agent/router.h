// The agent's decision: which peers a request may go to, and in which order. A Credit-Control
// request goes to the server that owns the account: by identity, else by the Destination-Host where
// it names one of the servers, else by who answered for the session before. A server's
// Re-Auth-Request or Abort-Session-Request goes to the client that it names.
//
// No allocation, no exception, whatever the octets. Threads: decide and learn may be called from
// any; what they share is behind a lock of their own.
#pragma once

#include "diameter/agent/message_facts.h"
#include "diameter/agent/route_map.h"
#include "diameter/agent/session_table.h"

#include <cstdint>
#include <mutex>
#include <string_view>

namespace farthing::agent {

// Where one request may go. Its views are into the request and the router.
struct Decision {
  enum class Kind : std::uint8_t {
    pass,        // not ours: as the agent routes it without us
    owners,      // to the servers of `partition`, in their order
    server,      // to `server`, else to those that share its partition
    any_server,  // nothing says which
    client,      // to the peer `client`; where that is not here, past another agent
  };
  Kind kind = Kind::pass;
  const Partition* partition = nullptr;
  std::uint16_t server = 0;
  std::string_view client;
};

class Router {
 public:
  Router(RouteMap map, std::uint64_t seed);

  // `facts` of a request. The decision lives no longer than the request's octets.
  Decision decide(const MessageFacts& facts);
  // A server answered: later requests of that session may find it by that.
  void learn(const MessageFacts& answer, std::string_view server);

  // How much a peer is wanted: above 0, the more the better; 0, as the agent has it; or never.
  int preference(const Decision& decision, std::string_view peer) const;
  static constexpr int never = -1'000'000;

 private:
  int preference_of(const Partition& partition, std::uint16_t server) const;
  const Partition& partition_of(std::uint16_t server) const;

  const RouteMap map_;
  std::mutex mutex_;  // held for sessions_
  SessionTable sessions_;
};

}  // namespace farthing::agent
