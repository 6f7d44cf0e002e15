#include "tools/sim/model.h"

#include "tools/sim/model_charging.h"

#include <algorithm>

namespace farthing::sim {

namespace {

using engine::Answer;
using engine::Outcome;
using engine::Request;
using engine::RequestType;

constexpr engine::Duration event_time_past_max = std::chrono::hours(24);
constexpr engine::Duration event_time_future_max = std::chrono::minutes(5);
constexpr std::uint32_t validity_without_grant_s = 3600;
constexpr engine::Duration grace_after_start_max = std::chrono::minutes(10);

int number_of(Outcome outcome) { return static_cast<int>(outcome); }

std::int64_t whole_seconds(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

bool same(const std::optional<engine::Grant>& a, const std::optional<engine::Grant>& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a || (a->unit == b->unit && a->amount == b->amount && a->input == b->input &&
                a->by_direction == b->by_direction);
}

bool same(const Answer& a, const Answer& b) {
  if (a.outcome != b.outcome || a.fault != b.fault || a.command_level != b.command_level ||
      a.service_count != b.service_count || a.enough_credit != b.enough_credit ||
      a.cost != b.cost) {
    return false;
  }
  for (std::size_t i = 0; i < a.service_count; ++i) {
    const engine::ServiceAnswer& x = a.services[i];
    const engine::ServiceAnswer& y = b.services[i];
    if (x.rating_group != y.rating_group || x.service_identifiers != y.service_identifiers ||
        x.outcome != y.outcome || x.fault != y.fault || !same(x.grant, y.grant) ||
        x.validity_seconds != y.validity_seconds || x.final_unit != y.final_unit ||
        x.holding_seconds != y.holding_seconds || x.threshold != y.threshold) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string to_string(const AccountSight& sight) {
  std::string text = fmt::format("balance {} reserved {} overage {} sessions {}", sight.balance,
                                 sight.reserved, sight.overage, sight.sessions);
  for (const AccountSight::Bucket& bucket : sight.buckets) {
    text += fmt::format(" bucket {}: {} free {} held", bucket.number, bucket.remaining,
                        bucket.reserved);
  }
  return text;
}

// --- Requests ------------------------------------------------------------------------------------

Sequence Model::request(const Request& request, const Answer& answer, const Circumstances& at) {
  if (const auto known = answered_before(request, answer, at.entered)) return *known;
  const bool is_event = request.key.type == RequestType::event;
  const std::optional<Owner> opener = is_event ? std::nullopt : owner_of(request.session_id);
  const bool begins = request.key.type == RequestType::initial || is_event;
  if (!opener && !begins) {
    if (const Closed* closed = closed_session(request)) {
      return judge_late(closed->owner, request, answer, at);
    }
    expect_refusal(answer, Outcome::unknown_session, at.entered, 0);
    const auto closed = session_account_.find(std::string(request.session_id));
    return closed == session_account_.end() ? Sequence() : accounts_[closed->second].newest;
  }
  if (begins && at.disk_full) {
    expect_refusal(answer, Outcome::too_busy, at.entered, 0);
    return {};
  }
  const std::optional<Owner> owner = opener ? opener : payer(request);
  if (!owner) {
    expect_refusal(answer, Outcome::user_unknown, at.entered, 0);
    return {};
  }
  return is_event ? judge_event(owner->account, owner->subscriber, request, answer, at)
                  : judge_session(owner->account, owner->subscriber, request, answer, at);
}

// A request is the same as an earlier one where the numbers agree and the content or the
// End-to-End-Id does, or where it says that it may have been sent before.
std::optional<Sequence> Model::answered_before(const Request& request, const Answer& answer,
                                               const Entered& entered) {
  const auto of_session = remembered_.find(std::string(request.session_id));
  if (of_session == remembered_.end()) return std::nullopt;
  std::optional<Sequence> known;
  bool is_alike = false;
  for (const Remembered& earlier : of_session->second) {
    const engine::RequestKey& key = earlier.key;
    const bool same_number = key.type == request.key.type && key.number == request.key.number &&
                             key.sub_session == request.key.sub_session;
    const bool same_bytes =
        key.content == request.key.content || key.end_to_end == request.key.end_to_end;
    if (!same_number || (!same_bytes && !request.retransmitted)) continue;
    if (is_alike) continue;
    known = earlier.sequence;
    is_alike = same(earlier.answer, answer);
  }
  if (!known) return std::nullopt;
  if (!is_alike) {
    findings_.add("a repeated request (entry {}) is answered otherwise (outcome {})", known->value,
                  number_of(answer.outcome));
  }
  expect_entries(entered, 0, "a repeated request");
  return known;
}

std::optional<Model::Owner> Model::owner_of(std::string_view session_id) const {
  const auto account = session_account_.find(std::string(session_id));
  if (account == session_account_.end()) return std::nullopt;
  for (const ModelSession& session : accounts_[account->second].sessions) {
    if (session.id == session_id) return Owner{account->second, session.subscriber};
  }
  return std::nullopt;
}

std::optional<Model::Owner> Model::payer(const Request& request) const {
  std::optional<Owner> found;
  for (engine::Identity identity : request.identities) {
    const auto owner = identities_.find(identity.bits());
    if (owner == identities_.end()) continue;
    if (found && found->account != owner->second.account) return std::nullopt;
    if (!found) found = owner->second;
  }
  return found;
}

const ModelAccount* Model::account_of(const Request& request) const {
  std::optional<Owner> owner = owner_of(request.session_id);
  if (!owner) owner = payer(request);
  return owner ? &accounts_[owner->account] : nullptr;
}

const TariffPlan* Model::plan_at(Time when, Time now) const {
  for (Time time : {when, now}) {
    for (auto version = versions_.rbegin(); version != versions_.rend(); ++version) {
      if (version->valid_from <= time) return version->plan.get();
    }
  }
  return nullptr;
}

Time Model::rated_at(const Request& request, const ModelSession* session, Time now) const {
  if (!request.event_time) return now;
  const Time time = *request.event_time;
  const bool believable = time >= now - event_time_past_max && time <= now + event_time_future_max;
  return believable && (session == nullptr || time >= session->rated_at) ? time : now;
}

Sequence Model::judge_session(std::size_t number, std::uint16_t subscriber, const Request& request,
                              const Answer& answer, const Circumstances& at) {
  ModelAccount& account = accounts_[number];
  const Sequence own = at.entered.after;
  ModelSession* session = account.session(request.session_id);
  const bool opens = session == nullptr;
  const Time rated = rated_at(request, session, at.now);
  const TariffPlan* const plan = plan_at(rated, at.now);
  keep(number, own);
  account.newest = own;
  remember(request, answer, own);
  if (opens && (account.subscribers[subscriber - 1u].is_suspended() || plan == nullptr)) {
    const Outcome why = plan == nullptr ? Outcome::unable_to_comply : Outcome::service_denied;
    expect_refusal(answer, why, at.entered, 1);
    return own;
  }
  expect_entries(at.entered, 1, "a session's request");
  const ModelAccount untouched = opens ? account : ModelAccount();
  if (opens) {
    session = &account.sessions.emplace_back();
    session->id = request.session_id;
    session->service = *service_of(request.service_context);
    session->subscriber = subscriber;
  }
  ModelCharging charging(account, *session, *plan, at.now, rated, findings_);
  charging.session_request(request, answer);
  copy_outcome_of_command(request, answer);
  if (opens && answer.outcome != Outcome::success) {
    accounts_[number] = untouched;  // refused as a whole
    return own;
  }
  session->heard_at = at.now;
  if (charging.reported_usage()) session->rated_at = rated;
  if (opens) {
    session_account_[session->id] = number;
    undo_.push_back({own, [this, id = session->id] { session_account_.erase(id); }});
    session->validity_s = charging.validity_s().value_or(validity_without_grant_s);
  } else if (charging.validity_s()) {
    // Whoever still holds an older grant was given the older validity.
    bool older = false;
    for (const ModelSegment& segment : session->segments) {
      for (const ModelGrant& grant : segment.grants) older = older || !grant.fresh;
    }
    session->validity_s =
        older ? std::max(*charging.validity_s(), session->validity_s) : *charging.validity_s();
  }
  for (ModelSegment& segment : session->segments) {
    for (ModelGrant& grant : segment.grants) grant.fresh = false;
  }
  if (request.key.type == RequestType::termination) {
    note_closed(session->id, {{number, session->subscriber}, true, std::nullopt}, own);
    std::erase_if(account.sessions,
                  [&](const ModelSession& open) { return open.id == request.session_id; });
  }
  check_limits(account);
  return own;
}

Sequence Model::judge_event(std::size_t number, std::uint16_t subscriber, const Request& request,
                            const Answer& answer, const Circumstances& at) {
  const Time rated = rated_at(request, nullptr, at.now);
  const TariffPlan* const plan = plan_at(rated, at.now);
  const bool asks = request.action == engine::RequestedAction::check_balance ||
                    request.action == engine::RequestedAction::price_enquiry;
  const Sequence newest = accounts_[number].newest;
  const std::uint64_t entries = asks ? 0 : 1;
  if (!asks) {
    keep(number, at.entered.after);
    accounts_[number].newest = at.entered.after;
    remember(request, answer, at.entered.after);
  }
  const Sequence rests_on = asks ? newest : at.entered.after;
  if (accounts_[number].subscribers[subscriber - 1u].is_suspended() || plan == nullptr) {
    const Outcome why = plan == nullptr ? Outcome::unable_to_comply : Outcome::service_denied;
    expect_refusal(answer, why, at.entered, entries);
    return rests_on;
  }
  expect_entries(at.entered, entries, "an event");
  ModelAccount after = accounts_[number];
  ModelSession event;
  event.service = *service_of(request.service_context);
  event.subscriber = subscriber;
  ModelCharging charging(after, event, *plan, at.now, rated, findings_);
  if (charging.event_request(request, answer)) {
    accounts_[number] = after;
    check_limits(after);
  }
  copy_outcome_of_command(request, answer);
  return rests_on;
}

// --- What comes when its session has ended -------------------------------------------------------

void Model::note_closed(const std::string& session_id, Closed closed, Sequence entry) {
  const auto requests = remembered_.find(session_id);
  if (requests != remembered_.end() && !requests->second.empty()) {
    closed.number = requests->second.back().key.number;
  }
  const auto before = closed_.find(session_id);
  std::optional<Closed> earlier;
  if (before != closed_.end()) earlier = before->second;
  closed_[session_id] = closed;
  undo_.push_back({entry, [this, session_id, earlier] {
                     closed_.erase(session_id);
                     if (earlier) closed_.emplace(session_id, *earlier);
                   }});
}

// A request from before the end of its session; or its client's last, where that did not end it.
const Model::Closed* Model::closed_session(const Request& request) const {
  const auto found = closed_.find(std::string(request.session_id));
  if (found == closed_.end()) return nullptr;
  const Closed& closed = found->second;
  const bool is_last = !closed.by_client && request.key.type == RequestType::termination;
  const bool is_inside = closed.number && request.key.number < *closed.number;
  return is_last || is_inside ? &closed : nullptr;
}

Sequence Model::judge_late(Owner owner, const Request& request, const Answer& answer,
                           const Circumstances& at) {
  const Time rated = rated_at(request, nullptr, at.now);
  const TariffPlan* const plan = plan_at(rated, at.now);
  bool reports = false;
  for (std::size_t i = 0; i < request.service_count; ++i) {
    reports = reports || request.services[i].used.has_value();
  }
  const std::uint64_t entries = reports || plan == nullptr ? 1 : 0;
  expect_entries(at.entered, entries, "a report after the end of its session");
  const Sequence rests_on = entries > 0 ? at.entered.after : accounts_[owner.account].newest;
  if (entries > 0) {
    keep(owner.account, rests_on);
    accounts_[owner.account].newest = rests_on;
    remember(request, answer, rests_on);
  }
  if (plan == nullptr) {
    expect_refusal(answer, Outcome::unable_to_comply, at.entered, 1);
    return rests_on;
  }
  ModelSession over;
  over.service = *service_of(request.service_context);
  over.subscriber = owner.subscriber;
  ModelCharging charging(accounts_[owner.account], over, *plan, at.now, rated, findings_);
  charging.late_report(request, answer);
  copy_outcome_of_command(request, answer);
  check_limits(accounts_[owner.account]);
  return rests_on;
}

// Where the units stood in the command itself, so does what became of them.
void Model::copy_outcome_of_command(const Request& request, const Answer& answer) {
  const Outcome expected = request.command_level && answer.service_count > 0
                               ? answer.services[0].outcome
                               : Outcome::success;
  if (answer.outcome != expected) {
    findings_.add("the command ended with outcome {}, not {}", number_of(answer.outcome),
                  number_of(expected));
  }
}

void Model::expect_refusal(const Answer& answer, Outcome outcome, const Entered& entered,
                           std::uint64_t entries) {
  if (answer.outcome != outcome) {
    findings_.add("the command ended with outcome {}, not {}", number_of(answer.outcome),
                  number_of(outcome));
  }
  expect_entries(entered, entries, "a refusal");
}

void Model::expect_entries(const Entered& entered, std::uint64_t count, std::string_view what) {
  if (entered.count() != count) {
    findings_.add("{} made {} ledger entries, not {}", what, entered.count(), count);
  }
}

void Model::remember(const Request& request, const Answer& answer, Sequence sequence) {
  const std::string id(request.session_id);
  remembered_[id].push_back({request.key, answer, sequence});
  undo_.push_back({sequence, [this, id] { remembered_[id].pop_back(); }});
}

// A prepaid account never owes, the others never more than their limit; and nothing is eaten, held
// or owed below zero.
void Model::check_limits(const ModelAccount& account) {
  if (account.available() < 0) findings_.add("account {} is beyond its limit", account.name);
  for (const ModelBucket& bucket : account.buckets) {
    if (account.free_units(bucket) < 0) {
      findings_.add("bucket {} of account {} is below zero", bucket.number, account.name);
    }
  }
}

// --- Durability ----------------------------------------------------------------------------------

void Model::keep(std::size_t account, Sequence entry) {
  undo_.push_back(
      {entry, [this, account, saved = accounts_[account]] { accounts_[account] = saved; }});
}

void Model::acknowledge(Sequence rests_on, Sequence synced, std::string_view what) {
  if (rests_on > synced) {
    findings_.add("{} was acknowledged with entry {}, and only {} are synced", what, rests_on.value,
                  synced.value);
  }
  acknowledged_ = std::max(acknowledged_, rests_on);
}

void Model::synced(Sequence last) {
  synced_ = std::max(synced_, last);
  while (!undo_.empty() && undo_.front().sequence <= synced_) undo_.pop_front();
}

void Model::crash(Sequence last) {
  if (last < synced_) {
    findings_.add("entry {} was synced, and the ledger ends at {}", synced_.value, last.value);
  }
  if (last < acknowledged_) {
    findings_.add("entry {} was acknowledged, and the ledger ends at {}", acknowledged_.value,
                  last.value);
  }
  while (!undo_.empty() && undo_.back().sequence > last) {
    undo_.back().take_back();
    undo_.pop_back();
  }
  synced(last);
}

// --- What can be seen ----------------------------------------------------------------------------

AccountSight Model::sight(const ModelAccount& account) const {
  AccountSight sight;
  sight.balance = account.balance();
  sight.reserved = account.reserved();
  sight.overage = account.overage;
  sight.sessions = account.sessions.size();
  for (const ModelBucket& bucket : account.buckets) {
    sight.buckets.push_back(
        {bucket.number, account.free_units(bucket), account.held(bucket.number)});
  }
  std::ranges::sort(sight.buckets, {}, &AccountSight::Bucket::number);
  return sight;
}

const ModelAccount* Model::named(const std::string& name) const {
  const auto account = account_named(name);
  return account ? &accounts_[*account] : nullptr;
}

std::string Model::account_of_session(const std::string& session_id) const {
  const auto owner = owner_of(session_id);
  return owner ? accounts_[owner->account].name : std::string();
}

Sequence Model::newest(const std::string& name) const {
  const auto account = account_named(name);
  return account ? accounts_[*account].newest : Sequence();
}

std::optional<std::size_t> Model::account_named(const std::string& name) const {
  const auto found = std::ranges::find(accounts_, name, &ModelAccount::name);
  if (found == accounts_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - accounts_.begin());
}

// --- Expiry --------------------------------------------------------------------------------------

// A session ends when twice its validity went by without news, and not sooner than one validity (at
// most ten minutes) after a start. It is looked for once a second.
void Model::expire(Time now, const Entered& entered,
                   const std::function<bool(const std::string&)>& is_open) {
  std::uint64_t ended = 0;
  for (std::size_t number = 0; number < accounts_.size(); ++number) {
    ModelAccount& account = accounts_[number];
    std::vector<ModelSession> gone;
    for (const ModelSession& session : account.sessions) {
      const engine::Duration validity = std::chrono::seconds(session.validity_s);
      const Time expiry = std::max(session.heard_at + 2 * validity,
                                   started_at_ + std::min(validity, grace_after_start_max));
      const bool open = is_open(session.id);
      if (!open && expiry > now) {
        findings_.add("session {} expired before its time", session.id);
      }
      if (open && whole_seconds(expiry) + 1 <= whole_seconds(now)) {
        findings_.add("session {} did not expire in time", session.id);
      }
      if (!open) gone.push_back(session);
    }
    if (gone.empty()) continue;
    const Sequence first(entered.before.value + 1);
    keep(number, first);
    for (const ModelSession& session : gone) {
      note_closed(session.id, {{number, session.subscriber}, false, std::nullopt}, first);
    }
    account.newest = entered.after;
    ended += gone.size();
    std::erase_if(account.sessions, [&](const ModelSession& session) {
      return std::ranges::find(gone, session.id, &ModelSession::id) != gone.end();
    });
  }
  expect_entries(entered, ended, fmt::format("the expiry of {} sessions", ended));
}

}  // namespace farthing::sim
