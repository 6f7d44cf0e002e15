#include "engine/permission.h"

#include <algorithm>

namespace farthing::engine {

namespace {

bool is_suspended(const Subscription& subscription) {
  return subscription.state == Subscription::State::unpaid &&
         subscription.unpaid == tariffs::Unpaid::suspend;
}

// Whether what was rolled over waits for its subscription to be paid.
bool is_suspended(const Account& account, BucketNumber bucket) {
  return std::ranges::any_of(account.subscriptions, [bucket](const Subscription& subscription) {
    return is_suspended(subscription) &&
           std::ranges::find(subscription.buckets, bucket) != subscription.buckets.end();
  });
}

// When the last of the subscriptions ends that cover this and hold at that time; nullopt: none
// does.
std::optional<Time> subscribed_until(const Account& account, SubscriberNumber subscriber,
                                     const tariffs::Rule& rule,
                                     const std::optional<RatingGroup>& group, Time at) {
  std::optional<Time> until;
  for (const Bucket& bucket : account.buckets) {
    if (!bucket.is_for(subscriber) || bucket.is_lent || !bucket.is_valid_at(at) ||
        !bucket.covers(rule.service, group, rule.holding) || is_suspended(account, bucket.number)) {
      continue;
    }
    if (!until || bucket.valid_to > *until) until = bucket.valid_to;
  }
  for (const Subscription& subscription : account.subscriptions) {
    if (subscription.owner != subscriber || !subscription.is_valid_at(at) ||
        !subscription.covers(rule.service, group, rule.holding)) {
      continue;
    }
    if (!until || subscription.valid_to > *until) until = subscription.valid_to;
  }
  return until;
}

bool is_suspended(const Account& account, SubscriberNumber subscriber, const tariffs::Rule& rule,
                  const std::optional<RatingGroup>& group) {
  return std::ranges::any_of(account.subscriptions, [&](const Subscription& subscription) {
    return is_suspended(subscription) && subscription.owner == subscriber &&
           subscription.covers(rule.service, group, rule.holding);
  });
}

bool has_off(const Subscriber& subscriber, const std::vector<std::string>& switches) {
  if (subscriber.profile == nullptr) return false;
  return std::ranges::any_of(switches, [&subscriber](const std::string& name) {
    return std::ranges::binary_search(subscriber.profile->switched_off, name);
  });
}

}  // namespace

bool is_suspended(LifeState state, bool is_terminating) {
  return state == LifeState::suspended || state == LifeState::terminated ||
         (state == LifeState::suspended_outgoing && !is_terminating);
}

Permission permission_of(const Account& account, SubscriberNumber subscriber,
                         const tariffs::Rule* rule, const std::optional<RatingGroup>& group,
                         Time at, bool is_terminating) {
  if (rule != nullptr && rule->always) return {};
  Permission denied;
  denied.is_given = false;
  const Subscriber* const who = account.subscriber(subscriber);
  if (who != nullptr && is_suspended(who->state, is_terminating)) return denied;
  const Validity validity = account.terms.validity(at);
  if (validity == Validity::over) return denied;
  if (rule == nullptr) return {};
  const bool has_price = rule->terms && !tariffs::is_free(*rule->terms) && !is_terminating;
  if (has_price && validity == Validity::grace) {
    denied.is_expired = true;
    return denied;
  }
  if (who != nullptr && has_off(*who, rule->restrictions.switches)) return denied;

  Permission permission;
  if (has_price && account.terms.valid_until != never) {
    permission.until = account.terms.valid_until;
  }
  const bool suspended = is_suspended(account, subscriber, *rule, group);
  if (!rule->restrictions.needs_subscription && !suspended) return permission;
  const std::optional<Time> until = subscribed_until(account, subscriber, *rule, group, at);
  if (!until) {
    denied.lacks_subscription = !suspended;
    return denied;
  }
  permission.until = std::min(permission.until.value_or(*until), *until);
  return permission;
}

const tariffs::VersionedTariff* version_for(const tariffs::TariffHistory& tariffs,
                                            const Account& account, SubscriberNumber subscriber,
                                            Time at) {
  if (tariffs.are_all_for_all()) return tariffs.at(at);
  const Subscriber* const who = account.subscriber(subscriber);
  return who == nullptr ? tariffs.at(at) : tariffs.at(at, who->attributes());
}

}  // namespace farthing::engine
