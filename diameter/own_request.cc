#include "diameter/own_request.h"

#include <algorithm>

namespace farthing::diameter {

std::optional<std::uint64_t> OwnRequests::take(const Header& answer) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.hop_by_hop == answer.hop_by_hop && entry.command == answer.command &&
           entry.application == answer.application;
  });
  if (found == entries_.end()) return std::nullopt;
  const std::uint64_t id = found->id;
  entries_.erase(found);
  return id;
}

std::vector<std::uint64_t> OwnRequests::take_expired(MonotonicTime now) {
  std::vector<std::uint64_t> ids;
  std::erase_if(entries_, [&](const Entry& entry) {
    const bool is_expired = entry.deadline <= now;
    if (is_expired) ids.push_back(entry.id);
    return is_expired;
  });
  return ids;
}

}  // namespace farthing::diameter
