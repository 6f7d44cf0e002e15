#include "engine/explain_refusal.h"

#include "engine/permission.h"
#include "tariffs/explain.h"
#include "tariffs/file_error.h"
#include "tariffs/local_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace farthing::engine {

namespace {

using tariffs::Rule;

constexpr std::size_t offers_named_max = 3;
constexpr std::size_t reasons_told_max = 4;

class Refusal {
 public:
  Refusal(const RefusedIn& where, const std::optional<RatingGroup>& group)
      : where_(where), group_(group) {
    if (where.tariff != nullptr) {
      rule_ = where.tariff->find(where.service_context, group, where.facts);
    }
  }

  bool is_permitted() const { return permission().is_given; }
  // It would be, with the offer that the rule names.
  bool wants_pass() const {
    return permission().lacks_subscription && !rule_->restrictions.pass.empty();
  }
  // Money helps, though it was not asked whether there is enough.
  bool is_unpaid() const { return permission().is_expired || wants_pass(); }
  void denied();
  void unpaid();
  void unpriced(Fault fault);
  RefusalExplained take() { return std::move(explained_); }

 private:
  Permission permission() const {
    return permission_of(where_.account, where_.subscriber, rule_, group_, where_.at,
                         where_.facts.leg == tariffs::Leg::terminating);
  }
  std::string msisdn() const {
    const Subscriber* const who = where_.account.subscriber(where_.subscriber);
    return who == nullptr ? std::string("MSISDN") : who->msisdn.digits();
  }
  std::string local(Time time) const {
    return tariffs::local_time_text(where_.tariff == nullptr ? "UTC" : where_.tariff->time_zone(),
                                    time);
  }
  std::string place() const { return fmt::format("rule {} (line {})", rule_->name, rule_->line); }
  void help_with_ceilings();
  void help_with_offers();

  const RefusedIn& where_;
  const std::optional<RatingGroup> group_;
  const Rule* rule_ = nullptr;
  RefusalExplained explained_;
};

// In the order in which permission_of() asks.
void Refusal::denied() {
  const Subscriber* const who = where_.account.subscriber(where_.subscriber);
  if (who != nullptr && is_suspended(who->state, where_.facts.leg == tariffs::Leg::terminating)) {
    explained_.why = fmt::format("the subscriber was {}", state_name(who->state));
    if (who->state == LifeState::terminated) return;
    explained_.help.push_back(fmt::format("farthing subscriber state {} active", msisdn()));
    return;
  }
  const AccountTerms& terms = where_.account.terms;
  if (terms.validity(where_.at) == Validity::over) {
    explained_.why = fmt::format("the account was valid until {}, and its grace ended at {}",
                                 local(terms.valid_until), local(terms.grace_until));
    explained_.help.push_back(
        fmt::format("farthing account validity {} UNTIL", where_.account.name));
    return;
  }
  if (rule_ == nullptr) return;
  for (const std::string& name : rule_->restrictions.switches) {
    const bool is_off = who != nullptr && who->profile != nullptr &&
                        std::ranges::binary_search(who->profile->switched_off, name);
    if (!is_off) continue;
    explained_.why = fmt::format("{} needs {} switched on, and it was off", place(), name);
    explained_.help.push_back(fmt::format("farthing subscriber switch {} {} on", msisdn(), name));
    return;
  }
  if (!permission().lacks_subscription) {
    explained_.why =
        fmt::format("{} is of a subscription that is suspended until it is paid", place());
    explained_.help.push_back(fmt::format("farthing balance topup {} AMOUNT", where_.account.name));
    return;
  }
  explained_.why =
      fmt::format("{} needs a subscription that covers it, and there was none", place());
  help_with_offers();
}

// By consent, and what raises them.
void Refusal::help_with_ceilings() {
  for (const tariffs::Counted& counted : rule_->conditions.counted) {
    const tariffs::CeilingRule* const ceiling = where_.tariff->ceiling_of(counted.counter);
    if (ceiling == nullptr) continue;
    if (ceiling->may_be_lifted) {
      explained_.help.push_back(
          fmt::format("farthing ceiling lift {} {}", msisdn(), ceiling->name));
    }
    for (const tariffs::Offer& offer : where_.tariff->offers()) {
      const bool raises = std::ranges::find(offer.raises, ceiling->name,
                                            &tariffs::Raise::ceiling) != offer.raises.end();
      if (raises && offer.sale == tariffs::Sale::on_sale) {
        explained_.help.push_back(
            fmt::format("farthing subscription add {} {}", msisdn(), offer.name));
      }
    }
  }
}

void Refusal::help_with_offers() {
  std::size_t named = 0;
  for (const tariffs::Offer& offer : where_.tariff->offers()) {
    const bool covers = std::ranges::any_of(offer.coverage, [this](const auto& coverage) {
      return coverage.covers(rule_->service, group_, rule_->holding);
    });
    if (!covers || offer.sale != tariffs::Sale::on_sale || named == offers_named_max) continue;
    ++named;
    explained_.help.push_back(fmt::format("farthing subscription add {} {}", msisdn(), offer.name));
  }
}

void Refusal::unpaid() {
  if (rule_ != nullptr && rule_->stop) {
    explained_.why = fmt::format("{} ends what is served, because {}", place(),
                                 tariffs::reasons_text(*where_.tariff, *rule_, where_.facts));
    explained_.help.push_back("it is served again when the period of that counter ends");
    help_with_ceilings();
    return;
  }
  if (permission().is_expired) {
    const AccountTerms& terms = where_.account.terms;
    explained_.why = fmt::format(
        "the account was valid until {}, and what has a price is refused then; until {} a top-up "
        "extends it",
        local(terms.valid_until), local(terms.grace_until));
    explained_.help.push_back(fmt::format("farthing balance topup {} AMOUNT", where_.account.name));
    return;
  }
  if (wants_pass()) {
    explained_.why =
        fmt::format("{} needs {}, which could not be paid, or was bought as often as a day allows",
                    place(), rule_->restrictions.pass);
    explained_.help.push_back(fmt::format("farthing balance topup {} AMOUNT", where_.account.name));
    return;
  }
  const Money minimum = where_.account.terms.minimum_balance;
  explained_.why = fmt::format(
      "only {} was available{}, and no allowance that covers it was left",
      where_.available.to_string(),
      minimum.micros == 0 ? ""
                          : fmt::format(" above a minimum balance of {}", minimum.to_string()));
  explained_.help.push_back(fmt::format("farthing balance topup {} AMOUNT", where_.account.name));
  if (rule_ != nullptr) help_with_offers();
}

void Refusal::unpriced(Fault fault) {
  if (where_.tariff == nullptr) return;
  const tariffs::Tariff& tariff = *where_.tariff;
  if (fault == Fault::units) {
    explained_.why = "no units were named that the service is counted in";
    explained_.help.push_back("have the client ask for units of the kind that the tariff counts");
    return;
  }
  const tariffs::PriceFailure failure{.reason = rule_ == nullptr
                                                    ? tariffs::PriceFailure::Reason::unknown_service
                                                    : tariffs::PriceFailure::Reason::no_price,
                                      .rule = rule_,
                                      .facts = where_.facts};
  explained_.why =
      fmt::format("tariff {} has no price for {}: {}", tariff.name(),
                  tariffs::in_quotes(where_.service_context), price_failure_text(tariff, failure));
  explained_.help.push_back("load a tariff with a price for it: farthing tariff load FILE");
}

RefusalExplained without_details(const RefusedIn& where, Outcome outcome) {
  if (outcome == Outcome::success) return {};
  if (outcome == Outcome::unable_to_comply && where.tariff == nullptr) {
    return {"no tariff was in force", {"farthing tariff load FILE"}};
  }
  if (outcome == Outcome::unable_to_comply) {
    return {
        "a limit of this server was reached: price segments or grants of a session, or the "
        "range of a balance",
        {"have the client end the session and begin another"}};
  }
  return {"the entry does not say why", {}};
}

}  // namespace

RefusalExplained explain_refusal(const RefusedIn& where, const ServiceAnswer& answer) {
  Refusal refusal(where, answer.rating_group);
  switch (answer.outcome) {
    case Outcome::service_denied:
      refusal.denied();
      return refusal.take();
    case Outcome::credit_limit_reached:
      refusal.unpaid();
      return refusal.take();
    case Outcome::rating_failed:
      refusal.unpriced(answer.fault);
      return refusal.take();
    default:
      return without_details(where, answer.outcome);
  }
}

// Which services were asked for stands nowhere then: none of them may have been used. What the
// subscriber may not use of the service is why, or of several things one.
RefusalExplained explain_refusal(const RefusedIn& where, Outcome outcome) {
  const bool is_unpaid = outcome == Outcome::credit_limit_reached;
  if (outcome != Outcome::service_denied && !is_unpaid) return without_details(where, outcome);
  std::vector<std::optional<RatingGroup>> groups = {std::nullopt};
  if (where.tariff != nullptr) {
    for (const Rule& rule : where.tariff->rules()) {
      const bool is_known = std::ranges::find(groups, rule.rating_group) != groups.end();
      if (!is_known) groups.push_back(rule.rating_group);
    }
  }
  std::vector<std::string> reasons;
  RefusalExplained explained;
  for (const std::optional<RatingGroup>& group : groups) {
    Refusal refusal(where, group);
    if (refusal.is_permitted() || refusal.is_unpaid() != is_unpaid) continue;
    is_unpaid ? refusal.unpaid() : refusal.denied();
    RefusalExplained one = refusal.take();
    if (one.why.empty() || std::ranges::find(reasons, one.why) != reasons.end()) continue;
    if (reasons.size() == reasons_told_max) break;
    reasons.push_back(std::move(one.why));
    std::ranges::move(one.help, std::back_inserter(explained.help));
  }
  if (reasons.empty()) return without_details(where, outcome);
  explained.why = fmt::format("{}", fmt::join(reasons, "; or "));
  if (reasons.size() > 1) {
    explained.why += "; the entry does not say which rating groups were asked for";
  }
  return explained;
}

}  // namespace farthing::engine
