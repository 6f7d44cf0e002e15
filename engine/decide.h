// decide(): what a credit-control request is answered, and the one ledger entry that this implies.
//
// Pure: the account, the session, the tariffs and the time come in and are not changed; no clock,
// no random number, no I/O. What it needs to know of others is looked up before and passed in.
//
// The rules, with their clauses in RFC 8506:
// - Usage is what was used since the last report, always charged, refused requests included
// (5.3, 9.1).
//   All reports of a request are charged before any of its grants is given.
// - A report gives up what its service held; a new grant replaces, it never adds (5.3).
// - No Requested-Service-Unit, no grant (8.16); an empty one leaves the size to the server.
// - The unit granted is the unit asked for (8.17).
// - A final grant carries the indication with it; nothing granted is 4012, not an indication
// (8.34). What charges, grants and reservations do to an account stands in worksheet.h.
#pragma once

#include "engine/account.h"
#include "engine/entry.h"
#include "engine/types.h"
#include "engine/worksheet.h"
#include "tariffs/tariff.h"

#include <string>

namespace farthing::engine {

// How far a client's Event-Timestamp may lie from the server's time and still rate its usage.
constexpr Duration event_time_past_max = std::chrono::hours(24);
constexpr Duration event_time_future_max = std::chrono::minutes(5);
// Supervision of a session that holds no grant and so has no validity of its own.
constexpr std::uint32_t validity_without_grant_seconds = 3600;
// The result, with the memory that making it needs; kept from request to request.
struct Decision {
  Answer answer;
  bool has_entry = false;
  Entry entry;

  Worksheet worksheet;
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
