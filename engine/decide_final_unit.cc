// What is answered where nothing more can be granted (RFC 8506 5.6): the service is refused, or led
// to where its subscriber can top up, and stays open until it is granted units again.
#include "engine/decider.h"

#include <algorithm>

namespace farthing::engine {

using tariffs::FinalAction;
using tariffs::FinalUnitRule;
using tariffs::Rule;
using tariffs::VersionedTariff;

// What is said of the end of what a rule prices: by the price itself, by an offer that covers it,
// by its service. nullptr: nothing, or the client can do none of it.
const FinalUnitRule* Decider::end_of(const Request& request, const Rule* rule,
                                     const std::optional<RatingGroup>& group) const {
  if (rule == nullptr || !request.client.acts_at_end) return nullptr;
  if (rule->at_end != nullptr) return rule->at_end.get();
  for (const Subscription& subscription : account_.subscriptions) {
    if (subscription.owner != subscriber_ || !subscription.is_valid_at(granted_from()) ||
        !subscription.covers(rule->service, group, rule->holding)) {
      continue;
    }
    const VersionedTariff* const version = tariffs_->find(subscription.version);
    if (version == nullptr) continue;
    const tariffs::Offer* const offer = version->tariff->find_offer(subscription.offer);
    if (offer != nullptr && offer->at_end != nullptr) return offer->at_end.get();
  }
  // What is bought once leaves no subscription: the tariff at hand says it.
  for (const Bucket& bucket : account_.buckets) {
    if (!bucket.is_for(subscriber_) || bucket.is_lent || !bucket.is_valid_at(granted_from()) ||
        !bucket.covers(rule->service, group, rule->holding)) {
      continue;
    }
    const tariffs::Offer* const offer =
        tariff_ == nullptr ? nullptr : tariff_->tariff->find_offer(bucket.offer);
    if (offer != nullptr && offer->at_end != nullptr) return offer->at_end.get();
  }
  return rule->service_at_end.get();
}

// What becomes of a service that is granted the last of what a rule prices, or gives.
FinalUnit Decider::find_end(const Request& request, const Rule* rule, const ServiceRequest& service,
                            const FinalUnitRule*& end) const {
  end = end_of(request, rule, service.rating_group);
  const bool acts = end != nullptr && end->action != FinalAction::terminate;
  return acts ? FinalUnit::acts : FinalUnit::ends;
}

// There is nothing to pay with what is asked for, or it is over: 4012, but where the tariff leads
// somewhere then. `segment`: that it is of; nullopt: where it has none yet, it begins one.
void Decider::refuse_credit(const Request& request, const ServiceRequest& service,
                            const std::optional<std::uint16_t>& segment, const Rule* rule,
                            ServiceAnswer& answer) {
  answer.outcome = Outcome::credit_limit_reached;
  const FinalUnitRule* const end = end_of(request, rule, service.rating_group);
  if (end == nullptr || end->action == FinalAction::terminate) return;
  std::optional<std::uint16_t> at = segment;
  if (!at) {
    const auto known = sheet_.find(service.rating_group, false);
    const RatedGroup group{*tariff_of(known), context(request), service.rating_group};
    ServiceAnswer none;
    at = segment_of(group, *rule, none);
  }
  const std::uint32_t services = service_identifiers_key(service.service_identifiers);
  if (!at || !sheet_.give(*at, services, 0, FinalUnit::acts)) return;
  answer.outcome = Outcome::success;
  answer.final_unit = true;
  answer.final_action = end->encoded;
  tell_to_ask_again(*at, end, answer);
}

// A service that had its last grant and asks for no more stays where that led to: nothing is
// reserved, and the client is told when to ask again (RFC 8506 5.6.2). Some clients do not say then
// which service it is.
void Decider::stay_at_end(const Request& request, const ServiceRequest& service,
                          ServiceAnswer& answer) {
  if (request.key.type != RequestType::update || answer.outcome != Outcome::success) return;
  const std::optional<std::uint16_t> known = known_segment(service, false);
  if (!known) return;
  const std::optional<RatingGroup> group = sheet_.segment(*known).rating_group;
  std::optional<std::uint32_t> services;
  if (group == service.rating_group) {
    services = service_identifiers_key(service.service_identifiers);
  }
  const auto stays = sheet_.visit(
      group, false, [&](std::uint16_t segment) { return sheet_.stay_at_end(segment, services); });
  if (stays) tell_to_ask_again(*stays, end_of(request, rule_of(*stays), group), answer);
}

void Decider::tell_to_ask_again(std::uint16_t segment, const FinalUnitRule* end,
                                ServiceAnswer& answer) {
  const bool is_said = end != nullptr && end->ask_again.count() > 0;
  const auto seconds = is_said ? end->ask_again : sheet_.segment(segment).quota.validity;
  answer.validity_seconds =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds.count(), 1, UINT32_MAX / 4));
  validity_seconds_ = std::max(validity_seconds_, answer.validity_seconds);
}

}  // namespace farthing::engine
