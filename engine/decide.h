// decide(): what a credit-control request is answered, and the one ledger entry that this implies.
//
// Pure: the account, the session, the tariffs and the time come in and are not changed; no clock,
// no random number, no I/O. What it needs to know of others is looked up before and passed in.
//
// The rules, with their clauses in RFC 8506:
// - Usage is what was used since the last report, always charged, refused requests included
// (5.3, 9.1).
// - A report gives up what its service held; a new grant replaces, it never adds (5.3).
// - No Requested-Service-Unit, no grant (8.16); an empty one leaves the size to the server.
// - The unit granted is the unit asked for (8.17).
// - A final grant carries the indication with it; nothing granted is 4012, not an indication
// (8.34).
// - What a session owes for a price segment is price(all so far) less what it was charged so far.
// - Usage that nobody can pay is charged down to the limit, and the rest stands as overage.
#pragma once

#include "engine/account.h"
#include "engine/entry.h"
#include "engine/types.h"
#include "tariffs/tariff.h"

#include <optional>
#include <string>
#include <vector>

namespace farthing::engine {

// How far a client's Event-Timestamp may lie from the server's time and still rate its usage.
constexpr Duration event_time_past_max = std::chrono::hours(24);
constexpr Duration event_time_future_max = std::chrono::minutes(5);
// Supervision of a session that holds no grant and so has no validity of its own.
constexpr std::uint32_t validity_without_grant_seconds = 3600;
// Price segments of one session: a limit, so that no client can grow one without end.
constexpr std::size_t segments_max = 1024;

// A segment while a request is being decided: as it is, and as it was.
struct SegmentWork {
  std::uint16_t index = 0;
  bool opened = false;  // by this request
  Segment now;
  Segment before;
  std::uint64_t granted =
      0;  // all that clients hold of it, all sets of service identifiers together
  std::int64_t overage_micros = 0;
  std::chrono::seconds validity{
      0};  // of a grant: the quota's, or less where an allowance ends sooner
};

struct BucketWork {
  const Bucket* bucket = nullptr;
  std::int64_t remaining = 0;
};

// One segment's share in one bucket.
struct BucketShare {
  std::uint16_t segment = 0;
  BucketNumber bucket;
  std::int64_t held_before = 0;
  std::int64_t held = 0;
  std::int64_t consumed = 0;  // by this request
};

// The result, with the memory that making it needs; kept from request to request.
struct Decision {
  Answer answer;
  bool has_entry = false;
  Entry entry;

  std::vector<SegmentWork> segments;
  std::vector<BucketWork> buckets;
  std::vector<BucketShare> shares;
  std::string attributes;
  std::string outcome;
};

struct Situation {
  const Account& account;
  SubscriberNumber subscriber;
  const Session* session;  // nullptr: none open under the request's Session-Id
  const tariffs::TariffHistory& tariffs;
  Time now;
};

// REQUIRES: for update and termination, a session. Attributes of the request sorted.
void decide(const Situation& situation, const Request& request, Decision& decision);

// The end of a session that no client asked for; `kind` is session_expired or session_closed.
void decide_end(const Session& session, EntryKind kind, Decision& decision);

}  // namespace farthing::engine
