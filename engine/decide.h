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
//
// Where prices have conditions (tariffs/conditions.h):
// - A rating group stays with the tariff version with which it began in the session. It has a price
//   segment for each rule that has priced it, each with its own terms.
// - What was used took place under what was known before the request; what is granted is for what
//   the request says now (TS 32.299, RATING_CONDITION_CHANGE: the report comes with the new
//   conditions).
// - Used time is the time that ends with the report: it is split where another rule wins. Octets
//   and events are of the rule under which they were granted; without a grant, and after a change
//   of the tariff that the client counted (Tariff-Change-Usage), of the one that held last.
// - A grant is good until the next moment at which another rule may win, and of time there is no
//   more in it than until then.
// - The set-up charge and the minimum are of what a rating group used first: segments that begin
//   later have neither.
// - Where the rule says that there is no price nothing is granted (5031), but what was used all the
//   same stands in the ledger, at no charge.
#pragma once

#include "engine/account.h"
#include "engine/entry.h"
#include "engine/facts.h"
#include "engine/types.h"
#include "engine/worksheet.h"
#include "tariffs/tariff.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace farthing::engine {

// How far a client's Event-Timestamp may lie from the server's time and still rate its usage.
constexpr Duration event_time_past_max = std::chrono::hours(24);
constexpr Duration event_time_future_max = std::chrono::minutes(5);
// An Event-Timestamp older than this says when something was used, but not when a grant begins.
constexpr Duration grant_time_past_max = std::chrono::minutes(5);
// One request's usage of time is split at no more borders; what is left is of the last rule.
constexpr std::size_t borders_max = 1024;
// Supervision of a session that holds no grant and so has no validity of its own.
constexpr std::uint32_t validity_without_grant_seconds = 3600;
// The result, with the memory that making it needs; kept from request to request.
struct Decision {
  Answer answer;
  bool has_entry = false;
  Entry entry;

  Worksheet worksheet;
  std::vector<AttributeView> session_attributes;  // decoded
  std::vector<std::uint64_t> counted;             // tariffs::Facts
  // Counters and ceilings, as `counted` has them, and the values that they reach next.
  std::vector<std::pair<std::uint16_t, std::uint64_t>> reached;
  std::string attributes;
  std::string outcome;
};

struct Situation {
  const Account& account;
  SubscriberNumber subscriber;
  const Session* session;  // nullptr: none open under the request's Session-Id
  const tariffs::TariffHistory& tariffs;
  Time now;
  std::span<const Lending> lendings = {};  // what its payers may lend
};

// An offer that a subscriber buys by asking for what it covers (tariffs/subscriber.h).
struct Pass {
  const tariffs::VersionedTariff* tariff = nullptr;
  const tariffs::Offer* offer = nullptr;
  Time from;  // when what is asked for begins to be used
};
// The first that the request needs and the subscriber does not have, to be bought before it is
// decided. REQUIRES: as decide().
std::optional<Pass> find_pass(const Situation& situation, const Request& request,
                              Decision& decision);

// A report of a session that has ended: what was used is charged once, for itself, and nothing is
// granted (RFC 8506 5.7: it was stored, or took another way). REQUIRES: an update or termination
// that was never answered; no session.
void decide_late(const Situation& situation, const Request& request, Decision& decision);

// REQUIRES: for update and termination, a session. Attributes of the request sorted.
void decide(const Situation& situation, const Request& request, Decision& decision);

// The end of a session that no client asked for; `kind` is session_expired or session_closed.
void decide_end(const Session& session, EntryKind kind, Decision& decision);

}  // namespace farthing::engine
