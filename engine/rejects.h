// What was refused, gathered from the ledger: how often, for which service and rating group,
// towards which numbers, by which peer, and from when to when.
//
// Refusals of known subscribers are ledger entries, or parts of their sessions' entries; a request
// of nobody's (5030) enters nothing, and is only counted (metrics.h). Threads: any, not the
// shard's.
#pragma once

#include "engine/archive.h"
#include "engine/base/result.h"
#include "engine/types.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace farthing::engine {

constexpr std::size_t reject_groups_max = 10'000;
constexpr std::size_t prefix_digits_max = 15;

struct RejectQuestion {
  std::optional<Time> since;  // what was refused at this time or later
  std::optional<Time> until;  // and before this one
  std::size_t prefix_digits = 5;
};

// Refusals that are alike.
struct RejectGroup {
  Outcome outcome = Outcome::service_denied;
  std::string service_context;
  std::optional<RatingGroup> rating_group;
  std::string prefix;  // first digits of the called number; "": there was none
  std::string peer;    // whose Session-Id it was (RFC 6733 8.8: it begins with the client's host)
  std::uint64_t count = 0;
  Time first;
  Time last;
  Sequence newest;  // entry
};

struct Rejects {
  std::vector<RejectGroup> groups;  // the most frequent first
  std::uint64_t count = 0;          // all together
  std::uint64_t left_out = 0;       // of them, those beyond reject_groups_max groups
};

// Reads from entry `first` on, as of LedgerReader::beginning(), or from where `since` begins. An
// error is a sentence. `goes_on` is told now and then how far it has read; false: stop.
base::Result<Rejects, std::string> find_rejects(LedgerReader& ledger, Sequence first,
                                                const RejectQuestion& question,
                                                const std::function<bool(Sequence)>& goes_on);

// The Result-Code of a refusal (RFC 8506 9): 4010, 4012, 5031; 0 for other outcomes.
std::uint32_t reject_code(Outcome outcome);

}  // namespace farthing::engine
