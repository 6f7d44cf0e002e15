// The model of the simulation: what a charging system must answer and hold, kept without any code
// of the engine's.
//
// It is told of everything that the server was asked, in the order in which the server decided it,
// and of what came out. It says at once what cannot be right, and which ledger entry an answer
// rests on: nothing may be acknowledged before that entry is synced. What is decided and not yet
// synced may or may not survive a crash: each step can be taken back, and after a crash the end of
// the ledger says how many are. From then on the model expects exactly what survived: a request
// that did is answered again as it was, one that did not is new.
//
// Threads: one.
#pragma once

#include "engine/types.h"
#include "tools/sim/findings.h"
#include "tools/sim/model_account.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace farthing::sim {

using engine::Sequence;

// What a step of the server's entered: the entries after `before`, up to and with `after`.
struct Entered {
  Sequence before;
  Sequence after;

  std::uint64_t count() const { return after.value - before.value; }
};

// How an operation of support staff ended.
struct OperationEnd {
  bool done = false;  // false: refused
  bool repeated = false;
  Sequence sequence;
};

// What is seen of an account from outside, and what the model says that it must be.
struct AccountSight {
  std::int64_t balance = 0;
  std::int64_t reserved = 0;
  std::int64_t overage = 0;
  std::size_t sessions = 0;
  struct Bucket {
    std::uint32_t number = 0;
    std::int64_t remaining = 0;
    std::int64_t reserved = 0;
    friend bool operator==(const Bucket&, const Bucket&) = default;
  };
  std::vector<Bucket> buckets;  // by number

  friend bool operator==(const AccountSight&, const AccountSight&) = default;
};
std::string to_string(const AccountSight& sight);

class Model {
 public:
  explicit Model(Findings& findings) : findings_(findings) {}

  // --- What the server did. Each returns the entry that its answer rests on ----------------------
  struct Circumstances {
    Time now;
    bool disk_full = false;
    Entered entered;
  };
  Sequence request(const engine::Request& request, const engine::Answer& answer,
                   const Circumstances& at);
  Sequence create_account(const std::string& name, std::int64_t limit, const OperationEnd& end,
                          const Entered& entered);
  Sequence add_subscriber(const std::string& account, const ModelSubscriber& subscriber,
                          const OperationEnd& end, const Entered& entered);
  Sequence set_state(engine::Identity msisdn, engine::LifeState state, const OperationEnd& end,
                     const Entered& entered);
  // A top-up, or an adjustment. An empty request id is none.
  Sequence move_money(const std::string& account, std::int64_t micros, bool is_top_up,
                      const std::string& request_id, const OperationEnd& end,
                      const Entered& entered);
  Sequence add_subscription(engine::Identity msisdn, const std::string& offer, Time now,
                            const OperationEnd& end, const Entered& entered);
  Sequence end_subscription(engine::Identity msisdn, std::uint32_t bucket, const OperationEnd& end,
                            const Entered& entered);
  Sequence close_session(const std::string& session_id, const OperationEnd& end,
                         const Entered& entered);
  void load_tariff(std::shared_ptr<const TariffPlan> plan, Time now, const Entered& entered);
  // `is_open` says which sessions are left after the shard looked for expired ones.
  void expire(Time now, const Entered& entered,
              const std::function<bool(const std::string&)>& is_open);

  // --- Durability --------------------------------------------------------------------------------
  // An answer that rests on entry `rests_on` has left, with so much of the ledger synced.
  void acknowledge(Sequence rests_on, Sequence synced, std::string_view what);
  void synced(Sequence last);  // what came before can no longer be lost
  // The server is gone; entries up to `last` have survived.
  void crash(Sequence last);
  void started(Time now) { started_at_ = now; }

  // --- What can be seen --------------------------------------------------------------------------
  const std::vector<ModelAccount>& accounts() const { return accounts_; }
  const ModelAccount* account_of(const engine::Request& request) const;
  AccountSight sight(const ModelAccount& account) const;
  const ModelAccount* named(const std::string& account) const;  // nullptr: there is none
  bool is_borne(engine::Identity identity) const { return identities_.contains(identity.bits()); }
  std::string account_of_session(const std::string& session_id) const;  // "" where it is not open
  std::size_t tariffs_loaded() const { return versions_.size(); }
  Sequence newest(const std::string& account) const;

 private:
  // A request that was entered, and its answer.
  struct Remembered {
    engine::RequestKey key;
    engine::Answer answer;
    Sequence sequence;
  };
  struct AdminRequest {
    bool is_top_up = false;
    std::size_t account = 0;
    std::int64_t micros = 0;
    Sequence sequence;
  };
  struct Version {
    Time valid_from;
    std::shared_ptr<const TariffPlan> plan;
  };
  struct Owner {  // of a session or an identity
    std::size_t account = 0;
    std::uint16_t subscriber = 0;
  };
  struct Undo {
    Sequence sequence;
    std::function<void()> take_back;
  };

  std::optional<Sequence> answered_before(const engine::Request& request,
                                          const engine::Answer& answer, const Entered& entered);
  std::optional<Owner> owner_of(std::string_view session_id) const;
  std::optional<Owner> payer(const engine::Request& request) const;
  std::optional<std::size_t> account_named(const std::string& name) const;
  const TariffPlan* plan_at(Time when, Time now) const;
  Time rated_at(const engine::Request& request, const ModelSession* session, Time now) const;
  Sequence judge_session(std::size_t account, std::uint16_t subscriber,
                         const engine::Request& request, const engine::Answer& answer,
                         const Circumstances& at);
  // A session that was open once, by whom it was ended, and its last request.
  struct Closed {
    Owner owner;
    bool by_client = false;
    std::optional<std::uint32_t> number;
  };
  void note_closed(const std::string& session_id, Closed closed, Sequence entry);
  const Closed* closed_session(const engine::Request& request) const;
  Sequence judge_late(Owner owner, const engine::Request& request, const engine::Answer& answer,
                      const Circumstances& at);
  Sequence judge_event(std::size_t account, std::uint16_t subscriber,
                       const engine::Request& request, const engine::Answer& answer,
                       const Circumstances& at);
  void expect_refusal(const engine::Answer& answer, engine::Outcome outcome, const Entered& entered,
                      std::uint64_t entries);
  void copy_outcome_of_command(const engine::Request& request, const engine::Answer& answer);
  void expect_entries(const Entered& entered, std::uint64_t count, std::string_view what);
  bool expect_done(const OperationEnd& end, const Entered& entered, bool allowed,
                   std::string_view what);
  void expect_repeated(const OperationEnd& end, const Entered& entered, std::string_view what);
  void keep(std::size_t account, Sequence entry);  // so that a crash can put the account back
  void check_limits(const ModelAccount& account);
  void remember(const engine::Request& request, const engine::Answer& answer, Sequence sequence);

  Findings& findings_;
  std::vector<ModelAccount> accounts_;
  std::unordered_map<std::uint64_t, Owner> identities_;           // by their bits
  std::unordered_map<std::string, std::size_t> session_account_;  // of every session ever opened
  std::unordered_map<std::string, std::vector<Remembered>> remembered_;  // by Session-Id
  std::unordered_map<std::string, Closed> closed_;                       // likewise
  std::unordered_map<std::string, AdminRequest> admin_requests_;
  std::vector<Version> versions_;
  std::deque<Undo> undo_;
  Sequence synced_;
  Sequence acknowledged_;  // the newest entry that an acknowledged answer rests on
  Time started_at_;
};

}  // namespace farthing::sim
