// The map of the agent: which servers own which subscribers. Text, one statement a line; # begins a
// comment.
//
//   realm farthing.example                          # the realm that the servers serve
//   sessions 1000000                                # places of the session table
//   partition north ocs1.farthing.example ocs2.farthing.example   # in the order of failover
//   range e164 8613800000000 8613899999999 north    # first and last, of equally many digits
//   hash imsi north south                           # those in no range, by a hash of the digits
//
// All identities of one account must lie in one partition. Threads: immutable once parsed. Errors:
// the first that is found, with its line.
#pragma once

#include "engine/base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::agent {

enum class IdentityKind : std::uint8_t { e164, imsi };
constexpr std::size_t identity_kinds = 2;

struct Partition {
  std::string name;
  std::vector<std::uint16_t> servers;  // places in RouteMap::servers, in the order of failover
};

class RouteMap {
 public:
  static base::Result<RouteMap, std::string> parse(std::string_view text);

  const std::string& realm() const { return realm_; }
  std::size_t sessions_max() const { return sessions_max_; }
  const std::vector<std::string>& servers() const { return servers_; }
  std::optional<std::uint16_t> server(std::string_view name) const;  // in any case of its letters
  const std::vector<Partition>& partitions() const { return partitions_; }
  // Null where nobody owns it, or it is not digits.
  const Partition* owner(IdentityKind kind, std::string_view digits) const;

 private:
  struct Range {
    std::string first;
    std::string last;
    std::uint16_t partition;
  };
  struct Owners {
    std::vector<Range> ranges;  // sorted by number of digits, then by digits; no two overlap
    std::vector<std::uint16_t> hashed;
  };
  friend class RouteMapParser;

  std::string realm_;
  std::size_t sessions_max_ = 1'000'000;
  std::vector<std::string> servers_;
  std::vector<Partition> partitions_;
  Owners owners_[identity_kinds];
};

// DiameterIdentities are compared without regard to case (RFC 6733 4.3.1).
bool is_same_host(std::string_view a, std::string_view b);

}  // namespace farthing::agent
