// An account as the model of the simulation keeps it: what came in, what was charged, and what open
// sessions hold. Balances and what is free are added up whenever somebody asks; nothing is kept
// twice. Plain values, copied to be put back when a crash undoes what was done.
#pragma once

#include "tools/sim/tariff_plan.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace farthing::sim {

using engine::Time;

struct ModelBucket {
  std::uint32_t number = 0;
  std::uint16_t owner = 0;  // the subscriber who may eat it
  Service service = Service::data;
  std::optional<std::uint32_t> rating_group;  // nullopt: all of the service
  Time valid_from;
  Time valid_to;
  std::int64_t granted = 0;
  std::int64_t eaten = 0;
};

// What a client holds, by its set of service identifiers.
struct ModelGrant {
  std::set<std::uint32_t> identifiers;
  std::uint64_t units = 0;
  bool fresh = true;  // given by the request at hand
};

// Units of a bucket that wait for a grant's usage.
struct ModelHold {
  std::uint32_t bucket = 0;
  std::int64_t units = 0;
};

struct ModelSegment {
  std::optional<std::uint32_t> rating_group;
  Price price;
  Quota quota;
  std::uint64_t used = 0;
  std::int64_t eaten = 0;    // of allowances
  std::int64_t charged = 0;  // overage included
  std::int64_t reserved = 0;
  std::vector<ModelGrant> grants;
  std::vector<ModelHold> holds;

  std::uint64_t granted() const;
};

struct ModelSession {
  std::string id;
  Service service = Service::data;
  std::uint16_t subscriber = 0;
  std::vector<ModelSegment> segments;
  std::uint32_t validity_s = 0;
  Time heard_at;
  Time rated_at;
};

struct ModelSubscriber {
  engine::Identity msisdn;
  engine::Identity imsi;
  engine::LifeState state = engine::LifeState::active;

  bool is_suspended() const { return state != engine::LifeState::active; }
};

struct ModelAccount {
  std::string name;
  std::int64_t limit = 0;
  std::int64_t credits = 0;
  std::int64_t charges = 0;  // that were paid
  std::int64_t overage = 0;
  std::vector<ModelSubscriber> subscribers;
  std::vector<ModelBucket> buckets;  // by the time they end, then by number
  std::uint32_t buckets_ever = 0;
  std::vector<ModelSession> sessions;
  engine::Sequence newest;  // its newest entry

  std::int64_t balance() const { return credits - charges; }
  std::int64_t reserved() const;
  std::int64_t available() const { return balance() - reserved() + limit; }
  std::int64_t held(std::uint32_t bucket) const;
  std::int64_t free_units(const ModelBucket& bucket) const {
    return bucket.granted - bucket.eaten - held(bucket.number);
  }
  ModelSession* session(std::string_view id);
};

// Units as they are charged, and what they cost without the set-up charge.
std::uint64_t chargeable_units(const Price& price, std::uint64_t units);
std::int64_t cost_of(const Price& price, std::int64_t chargeable);

}  // namespace farthing::sim
