#include "diameter/agent/session_table.h"

#include "engine/base/hash.h"

#include <algorithm>
#include <bit>

namespace farthing::agent {
namespace {

constexpr std::size_t set_places = 8;

}  // namespace

SessionTable::SessionTable(std::size_t sessions_max, std::uint64_t seed)
    : places_(std::bit_ceil(std::max(sessions_max, set_places))), seed_(seed) {}

std::uint64_t SessionTable::key_of(std::string_view session_id) const {
  return std::max<std::uint64_t>(base::hash64(session_id, seed_), 1);
}

SessionTable::Place* SessionTable::set_of(std::uint64_t key) {
  return &places_[key % (places_.size() / set_places) * set_places];
}

SessionTable::Place* SessionTable::place_of(std::uint64_t key) {
  Place* const set = set_of(key);
  Place* const found =
      std::find_if(set, set + set_places, [key](const Place& place) { return place.key == key; });
  return found == set + set_places ? nullptr : found;
}

void SessionTable::learn(std::string_view session_id, std::uint16_t server) {
  const std::uint64_t key = key_of(session_id);
  Place* place = place_of(key);
  if (place == nullptr) {
    // A free place was last used in turn 0.
    Place* const set = set_of(key);
    place = std::min_element(set, set + set_places,
                             [](const Place& a, const Place& b) { return a.used < b.used; });
  }
  *place = {key, ++turn_, server};
}

std::optional<std::uint16_t> SessionTable::find(std::string_view session_id) {
  Place* const place = place_of(key_of(session_id));
  if (place == nullptr) return std::nullopt;
  place->used = ++turn_;
  return place->server;
}

}  // namespace farthing::agent
