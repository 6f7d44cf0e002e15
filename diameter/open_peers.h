// The open peers of a server by Origin-Host, whose letter case does not count (RFC 6733 4.3.1).
//
// Views of peers, which take themselves off the list. One thread, as the Server.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace farthing::diameter {

class Peer;

class OpenPeers {
 public:
  void add(Peer& peer);
  void remove(Peer& peer);

  // Those of this name, the oldest connection first; good until the next add or remove.
  std::span<Peer* const> named(std::string_view origin_host) const;
  // The one to send a request to: the newest connection that is heard, else the newest; nullptr:
  // there is none.
  Peer* best(std::string_view origin_host) const;

 private:
  std::unordered_map<std::string, std::vector<Peer*>> by_name_;
};

}  // namespace farthing::diameter
