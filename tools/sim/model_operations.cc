// What support staff and billing operations do, as the model follows it.
#include "tools/sim/model.h"

#include <algorithm>

namespace farthing::sim {

bool Model::expect_done(const OperationEnd& end, const Entered& entered, bool allowed,
                        std::string_view what) {
  expect_entries(entered, allowed ? 1 : 0, what);
  if (end.done != allowed) findings_.add("{} was {}", what, end.done ? "done" : "refused");
  if (end.done && end.repeated) findings_.add("{} is said to be repeated", what);
  if (end.done && end.sequence != entered.after) {
    findings_.add("{} is said to be entry {}", what, end.sequence.value);
  }
  return allowed && findings_.none();
}

void Model::expect_repeated(const OperationEnd& end, const Entered& entered,
                            std::string_view what) {
  expect_entries(entered, 0, what);
  if (!end.done || !end.repeated) findings_.add("{} was not seen to be repeated", what);
}

Sequence Model::create_account(const std::string& name, std::int64_t limit, const OperationEnd& end,
                               const Entered& entered) {
  if (const auto known = account_named(name)) {
    expect_repeated(end, entered, "an account created again");
    return accounts_[*known].newest;
  }
  if (!expect_done(end, entered, true, "an account created")) return {};
  ModelAccount& account = accounts_.emplace_back();
  account.name = name;
  account.limit = limit;
  account.newest = entered.after;
  undo_.push_back({entered.after, [this] { accounts_.pop_back(); }});
  return entered.after;
}

Sequence Model::add_subscriber(const std::string& name, const ModelSubscriber& subscriber,
                               const OperationEnd& end, const Entered& entered) {
  const auto number = account_named(name);
  if (!number) {
    expect_done(end, entered, false, "a subscriber of no account");
    return {};
  }
  if (const auto known = identities_.find(subscriber.msisdn.bits()); known != identities_.end()) {
    if (known->second.account == *number) {
      expect_repeated(end, entered, "a subscriber added again");
    } else {
      expect_done(end, entered, false, "another account's subscriber added");
    }
    return std::max(accounts_[*number].newest, accounts_[known->second.account].newest);
  }
  if (!expect_done(end, entered, true, "a subscriber added")) return {};
  keep(*number, entered.after);
  ModelAccount& account = accounts_[*number];
  account.newest = entered.after;
  account.subscribers.push_back(subscriber);
  const Owner owner{*number, static_cast<std::uint16_t>(account.subscribers.size())};
  for (engine::Identity identity : {subscriber.msisdn, subscriber.imsi}) {
    if (identity.kind() == engine::Identity::Kind::none) continue;
    identities_.emplace(identity.bits(), owner);
    undo_.push_back({entered.after, [this, identity] { identities_.erase(identity.bits()); }});
  }
  return entered.after;
}

// What is suspended one way is so for all that the simulation's clients ask for.
Sequence Model::set_state(engine::Identity msisdn, engine::LifeState state, const OperationEnd& end,
                          const Entered& entered) {
  const auto found = identities_.find(msisdn.bits());
  if (found == identities_.end()) {
    expect_done(end, entered, false, "the state of a subscriber who is not there");
    return {};
  }
  const Owner owner = found->second;
  if (accounts_[owner.account].subscribers[owner.subscriber - 1u].state == state) {
    expect_repeated(end, entered, "the state that a subscriber has");
    return accounts_[owner.account].newest;
  }
  if (!expect_done(end, entered, true, "another state of a subscriber")) return {};
  keep(owner.account, entered.after);
  ModelAccount& account = accounts_[owner.account];
  account.newest = entered.after;
  ModelSubscriber& subscriber = account.subscribers[owner.subscriber - 1u];
  subscriber.state = state;
  if (state != engine::LifeState::terminated) return entered.after;
  for (engine::Identity identity : {subscriber.msisdn, subscriber.imsi}) {
    if (identity.kind() == engine::Identity::Kind::none) continue;
    identities_.erase(identity.bits());
    undo_.push_back(
        {entered.after, [this, identity, owner] { identities_[identity.bits()] = owner; }});
  }
  return entered.after;
}

Sequence Model::move_money(const std::string& name, std::int64_t micros, bool is_top_up,
                           const std::string& request_id, const OperationEnd& end,
                           const Entered& entered) {
  const auto number = account_named(name);
  if (!number) {
    expect_done(end, entered, false, "money for no account");
    return {};
  }
  ModelAccount& account = accounts_[*number];
  const auto known = admin_requests_.find(request_id);
  if (!request_id.empty() && known != admin_requests_.end()) {
    const AdminRequest& earlier = known->second;
    if (earlier.is_top_up == is_top_up && earlier.account == *number && earlier.micros == micros) {
      expect_repeated(end, entered, "money with a known request id");
      if (end.sequence != earlier.sequence) {
        findings_.add("request id {} was entry {}, not {}", request_id, earlier.sequence.value,
                      end.sequence.value);
      }
    } else {
      expect_done(end, entered, false, "other money under a known request id");
    }
    return std::max(account.newest, earlier.sequence);
  }
  const bool allowed = micros > 0 || account.available() + micros >= 0;
  if (!expect_done(end, entered, allowed, "money moved")) return account.newest;
  keep(*number, entered.after);
  account.newest = entered.after;
  account.credits += micros;
  if (!request_id.empty()) {
    admin_requests_[request_id] = {is_top_up, *number, micros, entered.after};
    undo_.push_back({entered.after, [this, request_id] { admin_requests_.erase(request_id); }});
  }
  check_limits(account);
  return entered.after;
}

Sequence Model::add_subscription(engine::Identity msisdn, const std::string& name, Time now,
                                 const OperationEnd& end, const Entered& entered) {
  const auto found = identities_.find(msisdn.bits());
  const TariffPlan* const plan = plan_at(now, now);
  const Offer* const offer = plan == nullptr ? nullptr : plan->offer(name);
  if (found == identities_.end() || offer == nullptr) {
    expect_done(end, entered, false, "a subscription to nothing");
    return {};
  }
  const Owner owner = found->second;
  ModelAccount& account = accounts_[owner.account];
  if (!expect_done(end, entered, offer->fee_micros <= account.available(), "a subscription")) {
    return account.newest;
  }
  keep(owner.account, entered.after);
  account.newest = entered.after;
  account.charges += offer->fee_micros;
  ModelBucket bucket;
  bucket.number = ++account.buckets_ever;
  bucket.owner = owner.subscriber;
  bucket.service = offer->service;
  bucket.rating_group = offer->rating_group;
  bucket.valid_from = now;
  bucket.valid_to = now + std::chrono::seconds(offer->validity_s);
  bucket.granted = static_cast<std::int64_t>(offer->allowance);
  account.buckets.push_back(bucket);
  std::ranges::stable_sort(account.buckets, {}, &ModelBucket::valid_to);
  return entered.after;
}

Sequence Model::end_subscription(engine::Identity msisdn, std::uint32_t number,
                                 const OperationEnd& end, const Entered& entered) {
  const auto found = identities_.find(msisdn.bits());
  if (found == identities_.end()) {
    expect_done(end, entered, false, "the end of nobody's subscription");
    return {};
  }
  const Owner owner = found->second;
  ModelAccount& account = accounts_[owner.account];
  const auto bucket = std::ranges::find(account.buckets, number, &ModelBucket::number);
  const bool allowed = bucket != account.buckets.end() && bucket->owner == owner.subscriber &&
                       account.held(number) == 0;
  if (!expect_done(end, entered, allowed, "the end of a subscription")) return account.newest;
  keep(owner.account, entered.after);
  account.newest = entered.after;
  account.buckets.erase(bucket);
  return entered.after;
}

Sequence Model::close_session(const std::string& session_id, const OperationEnd& end,
                              const Entered& entered) {
  const auto owner = owner_of(session_id);
  if (!owner) {
    expect_done(end, entered, false, "the closing of no session");
    return {};
  }
  if (!expect_done(end, entered, true, "the closing of a session")) return {};
  keep(owner->account, entered.after);
  note_closed(session_id, {*owner, false, std::nullopt}, entered.after);
  ModelAccount& account = accounts_[owner->account];
  account.newest = entered.after;
  std::erase_if(account.sessions,
                [&](const ModelSession& session) { return session.id == session_id; });
  return entered.after;
}

void Model::load_tariff(std::shared_ptr<const TariffPlan> plan, Time now, const Entered& entered) {
  expect_entries(entered, 1, "a tariff loaded");
  const Time valid_from = std::max(plan->valid_from, now);
  versions_.push_back({valid_from, std::move(plan)});
  undo_.push_back({entered.after, [this] { versions_.pop_back(); }});
}

}  // namespace farthing::sim
