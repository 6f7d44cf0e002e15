#include "diameter/open_peers.h"

#include <algorithm>

#include "diameter/peer.h"

namespace farthing::diameter {

namespace {

std::string key_of(std::string_view origin_host) {
  std::string key(origin_host);
  for (char& c : key) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return key;
}

}  // namespace

void OpenPeers::add(Peer& peer) { by_name_[key_of(peer.origin_host())].push_back(&peer); }

void OpenPeers::remove(Peer& peer) {
  const auto found = by_name_.find(key_of(peer.origin_host()));
  if (found == by_name_.end()) return;
  std::erase(found->second, &peer);
  if (found->second.empty()) by_name_.erase(found);
}

std::span<Peer* const> OpenPeers::named(std::string_view origin_host) const {
  const auto found = by_name_.find(key_of(origin_host));
  if (found == by_name_.end()) return {};
  return found->second;
}

Peer* OpenPeers::best(std::string_view origin_host) const {
  const std::span<Peer* const> peers = named(origin_host);
  if (peers.empty()) return nullptr;
  const auto heard = std::find_if(peers.rbegin(), peers.rend(),
                                  [](const Peer* peer) { return !peer->is_suspect(); });
  return heard == peers.rend() ? peers.back() : *heard;
}

}  // namespace farthing::diameter
