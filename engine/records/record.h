// A charging data record: what one session, or one event, used and was charged, from its ledger
// entries. docs/records.md says what each field means to those who read them.
//
// Plain values. Amounts are micros of the currency, positive where the account was charged; the
// part that nobody could pay is in `charged_micros` and again in `overage_micros`.
#pragma once

#include "engine/entry.h"
#include "engine/types.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace farthing::engine::records {

// One price segment: a service and rating group, priced by one rule of one tariff version.
struct SegmentCharge {
  bool is_known = false;  // its opening was seen; else the next seven say nothing
  std::optional<RatingGroup> rating_group;
  ServiceKey service;
  tariffs::TariffVersion version;
  tariffs::RuleNumber rule;
  Unit unit = Unit::octets;
  std::optional<tariffs::Percent> tax;  // included in what was charged
  tariffs::Rounding rounding{};

  std::uint64_t units = 0;  // as reported, all together
  std::int64_t charged_micros = 0;
  std::int64_t overage_micros = 0;
  std::int64_t others_micros = 0;  // of what was charged, what gifts and payers paid
};

// Units that an allowance paid for.
struct AllowanceUse {
  std::uint16_t segment = 0;
  BucketNumber bucket;
  std::int64_t units = 0;
};

struct ChargingRecord {
  EntryKind kind{};  // of the entry that ended it: how a session was closed, or which event it was
  bool is_complete = true;  // false: the session's beginning was not among the entries
  AccountNumber account;
  SubscriberNumber subscriber;  // 0: the account's own
  std::string session_id;
  std::string service_context;
  std::string attributes;  // encoded list (engine/attributes.h)
  std::string offer;       // of a subscription
  Time opened_at;
  Time closed_at;
  std::optional<Time> first_used_at;  // as rated
  std::optional<Time> last_used_at;
  std::uint32_t requests = 0;
  Sequence first;  // its ledger entries: the first, and the one that ended it
  Sequence last;
  std::int64_t charged_micros = 0;  // all of it, segments or not
  std::int64_t overage_micros = 0;
  std::int64_t others_micros = 0;
  std::vector<SegmentCharge> segments;
  std::vector<AllowanceUse> allowances;  // by segment and bucket

  void clear();
};

}  // namespace farthing::engine::records
