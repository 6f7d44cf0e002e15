// The model's rules of charging: follows one request through the answer that the engine gave it,
// moves the model's account accordingly, and says where the answer cannot be right.
//
// Written from the documented rules (engine/README.md, RFC 8506), not from the engine's code. The
// size of a grant is not computed but judged: what was granted must be payable, and where less was
// granted than asked for, one unit more must not be.
//
// Threads: one. One object judges one request.
#pragma once

#include "engine/types.h"
#include "tools/sim/findings.h"
#include "tools/sim/model_account.h"

#include <optional>
#include <utility>
#include <vector>

namespace farthing::sim {

class ModelCharging {
 public:
  // `session` is the open one or the one that this request opens (with no segments yet).
  ModelCharging(ModelAccount& account, ModelSession& session, const TariffPlan& plan, Time now,
                Time rated_at, Findings& findings);

  // Initial, update and termination. A termination leaves the session without grants and holds.
  void session_request(const engine::Request& request, const engine::Answer& answer);
  // A report of a session that has ended: charged for itself, with nothing that comes once a
  // session.
  void late_report(const engine::Request& request, const engine::Answer& answer);
  // Returns whether anything moved.
  bool event_request(const engine::Request& request, const engine::Answer& answer);
  // The end of a session, by whomever.
  static void give_up_everything(ModelSession& session);

  // The longest validity of the grants given; nullopt: none was.
  std::optional<std::uint32_t> validity_s() const { return validity_s_; }
  bool reported_usage() const { return reported_usage_; }

 private:
  struct Before {  // a segment when the request came
    std::vector<ModelHold> holds;
    bool had_grants = false;
  };

  bool is_suspended() const {
    return account_.subscribers[session_.subscriber - 1u].is_suspended();
  }
  ModelSegment* find(const engine::ServiceRequest& service);
  ModelSegment* find_or_open(const engine::ServiceRequest& service);
  void release(ModelSegment& segment);
  void reserve(ModelSegment& segment);
  void use(ModelSegment& segment, std::uint64_t units);
  std::int64_t eat(ModelSegment& segment, std::int64_t wanted);
  bool covers(const ModelBucket& bucket, const ModelSegment& segment) const;
  bool in_time(const ModelBucket& bucket) const;
  std::int64_t allowance_left(const ModelSegment& segment) const;
  bool payable(const ModelSegment& segment, std::uint64_t units) const;
  void serve(const engine::ServiceRequest& service, const engine::ServiceAnswer& answer);
  void judge_grant(ModelSegment& segment, const engine::ServiceRequest& service,
                   const engine::ServiceAnswer& answer);
  bool event_service(const engine::Request& request, const engine::ServiceRequest& service,
                     const engine::ServiceAnswer& answer, engine::Answer& expected);
  std::size_t index_of(const ModelSegment& segment) const {
    return static_cast<std::size_t>(&segment - session_.segments.data());
  }

  ModelAccount& account_;
  ModelSession& session_;
  const TariffPlan& plan_;
  Time now_;
  Time rated_at_;
  Findings& findings_;
  std::vector<Before> before_;
  std::vector<bool> released_;
  std::vector<std::int64_t> segment_validity_s_;
  std::optional<std::uint32_t> validity_s_;
  bool reported_usage_ = false;
};

}  // namespace farthing::sim
