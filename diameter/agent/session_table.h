// Which server answered for a session: a table of fixed size, for requests that name neither their
// subscriber nor their server.
//
// Eight places a set; a set that is full forgets what was used longest ago. No allocation after the
// constructor. Keys are seeded, so that a client cannot choose Session-Ids that share a set.
// Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace farthing::agent {

class SessionTable {
 public:
  // `sessions_max` is rounded up to a power of two, at least 8.
  SessionTable(std::size_t sessions_max, std::uint64_t seed);

  void learn(std::string_view session_id, std::uint16_t server);
  std::optional<std::uint16_t> find(std::string_view session_id);

 private:
  struct Place {
    std::uint64_t key = 0;   // 0: free
    std::uint64_t used = 0;  // the turn of its last use
    std::uint16_t server = 0;
  };

  std::uint64_t key_of(std::string_view session_id) const;
  Place* set_of(std::uint64_t key);
  Place* place_of(std::uint64_t key);

  std::vector<Place> places_;
  std::uint64_t seed_;
  std::uint64_t turn_ = 0;
};

}  // namespace farthing::agent
