// A tariff version: what each service costs, compiled from a YAML file, immutable.
//
// TariffHistory holds every version ever loaded, by the time it is valid from; it is immutable too
// and is swapped whole, so that a request sees one history from beginning to end. Both are shared
// between threads without locks. Lookups do not allocate.
#pragma once

#include "engine/base/named.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "tariffs/adjustment.h"
#include "tariffs/ceiling.h"
#include "tariffs/calendar.h"
#include "tariffs/conditions.h"
#include "tariffs/counter.h"
#include "tariffs/final_unit.h"
#include "tariffs/numbering.h"
#include "tariffs/offer.h"
#include "tariffs/price.h"
#include "tariffs/price_list.h"
#include "tariffs/quota.h"
#include "tariffs/situations.h"
#include "tariffs/subscriber.h"
#include "tariffs/tests_section.h"
#include "tariffs/validity.h"
#include "tariffs/zone_table.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farthing::tariffs {

using TariffVersion = base::Named<struct TariffVersionTag, std::uint32_t>;  // 1, 2, 3 ... as loaded
using RuleNumber = base::Named<struct RuleNumberTag, std::uint32_t>;  // index into Tariff::rules()

// Conditions under a name, for what is for usage under them only (Coverage::situation).
struct Situation {
  std::string name;
  SituationKey key;
  std::uint32_t line = 0;  // in the tariff file
  Conditions conditions;
  std::string conditions_text;  // "/night/gold"
};

// "in night": what the name of a rule says of it.
std::string situation_text(const Situation& situation);

// One priced (or expressly unpriced) combination of service and rating group.
struct Rule {
  std::string name;  // "data/10", "voice/*": what statements and errors show
  ServiceKey service;
  QuotaRule quota;
  std::shared_ptr<const GrantRules>
      grants;  // of the whole service; nullptr: always the usual sizes
  // What becomes of who has used up the last of what this prices; of its own, and its service's;
  // nullptr: nothing is said.
  std::shared_ptr<const FinalUnitRule> at_end;
  std::shared_ptr<const FinalUnitRule> service_at_end;
  std::optional<PriceTerms> terms;          // nullopt: known to have no price, answered with 5031
  PriceTerms continued;                     // the same for what another price has begun: without
                                            // set-up charge, minimum and first block
  std::uint32_t line = 0;                   // in the tariff file
  std::optional<RatingGroup> rating_group;  // nullopt: every group that has no rule, and none
  Conditions conditions;                    // all must hold
  bool always = false;                      // free, and for those who may use nothing else, too
  Restrictions restrictions;                // what it asks of the subscriber
  bool stop = false;                        // no grant: who is used up to here gets no more
  std::optional<std::uint16_t> over;  // the counter that bands and caps go by, not the session
  // Discounts and surcharges that are part of the price, whose conditions must hold, too: indices
  // into Tariff::adjustments(), in the order in which they were reckoned.
  std::vector<std::uint16_t> adjustments;
  // Situations in which the usage is, whose conditions must hold, too: indices into
  // Tariff::situations(), and the same as segments keep them.
  std::vector<std::uint16_t> situations;
  Situations holding;
  // The price as written, shared by all rules that were made from it; nullptr: it has none.
  std::shared_ptr<const PriceTerms> plain;
  // Of a rule for every group that has none: the groups for which it is; empty: for all.
  std::vector<RatingGroup> only;
};

// A kind of traffic, known by its Service-Context-Id (RFC 8506 8.42).
struct Service {
  std::string name;
  std::string context;  // without extensions: "32251@3gpp.org"
  ServiceKey key;
  Unit unit = Unit::octets;  // what its requests, grants and prices are counted in
  std::vector<std::pair<RatingGroup, std::string>> rating_groups;  // declared, with their names
};

// What a tariff is made of. REQUIRES: service keys, contexts and offer names are unique, each
// rule's service is among the services, no two rules for one service and rating group are without
// conditions, and conditions name zones, calendars and counters that there are. Rules name
// adjustments and situations that there are.
struct TariffParts {
  std::string name;
  std::string currency;
  std::uint32_t currency_code = 0;
  std::string time_zone;
  base::Time valid_from;
  std::optional<base::Time> valid_until;
  std::optional<TopUpValidity> top_up_validity;  // of prepaid accounts
  std::optional<Money> low_balance;  // below it clients are told (Low-Balance-Indication)
  std::vector<Service> services;
  std::vector<Rule> rules;
  std::vector<Offer> offers;
  std::vector<TariffTest> tests;
  std::shared_ptr<const ZoneTable> zones;  // may be null
  std::vector<Calendar> calendars;
  std::optional<NumberingPlan> numbering;
  std::vector<CounterRule> counters;
  std::vector<CeilingRule> ceilings;
  std::vector<Adjustment> adjustments;
  std::vector<Situation> situations;
  Combine combine = Combine::stack;
};

// Visits all conditions of a rule: its own, and those of its discounts, surcharges and situations.
template <class Visit>
void for_each_conditions(const TariffParts& parts, const Rule& rule, Visit visit) {
  visit(rule.conditions);
  for (const std::uint16_t index : rule.adjustments) visit(parts.adjustments[index].conditions);
  for (const std::uint16_t index : rule.situations) visit(parts.situations[index].conditions);
}

// The counter that a Counted is about; of a ceiling its own one.
std::uint16_t counter_behind(const TariffParts& parts, std::uint16_t counted);

class Tariff {
 public:
  explicit Tariff(TariffParts parts);
  // A rule is identified by where it lies (number_of): tariffs stay where they were made.
  Tariff(const Tariff&) = delete;
  Tariff& operator=(const Tariff&) = delete;

  // The prices for a request of this Service-Context-Id and rating group; nullptr where the tariff
  // knows no such service. A context matches by its suffix: "ext.mnc.mcc.release.32260@3gpp.org" is
  // "32260@3gpp.org" (TS 32.299 7.1.12).
  const PriceList* prices(std::string_view service_context,
                          std::optional<RatingGroup> rating_group) const;

  // The one of them that wins (PriceList::find); nullptr: none does, or there are none.
  const Rule* find(std::string_view service_context, std::optional<RatingGroup> rating_group,
                   const Facts& facts) const;

  // The same where nothing is known but this: only rules without conditions hold.
  const Rule* find(std::string_view service_context, std::optional<RatingGroup> rating_group) const;

  // Whether any rule has conditions, or there is anything to count. Where not, facts make no
  // difference.
  bool has_conditions() const { return has_conditions_ || has_counters(); }
  // Whether any rule sells an offer to who has none.
  bool has_passes() const { return has_passes_; }
  // Whether any rule asks anything of the subscriber.
  bool has_restrictions() const { return has_restrictions_; }
  bool has_counters() const { return !parts_.counters.empty(); }

  // Whether any price goes by the counter: what grants may add to it matters then.
  bool goes_by(std::uint16_t counter) const { return counters_that_matter_[counter]; }
  // How a Counted names a ceiling: behind the counters.
  std::uint16_t ceiling_index(std::size_t ceiling) const {
    return static_cast<std::uint16_t>(parts_.counters.size() + ceiling);
  }
  // The ceiling that a Counted names; nullptr: a counter.
  const CeilingRule* ceiling_of(std::uint16_t counter) const;
  // The period of a counter that a moment is in.
  TimeSpan span_of(const CounterRule& counter, base::Time time, std::uint8_t billing_day) const;
  TimeSpan day_of(base::Time time) const;
  TimeSpan month_of(base::Time time) const;
  // When what is bought at that time and does not renew is over.
  base::Time end_of(const Offer& offer, base::Time bought_at) const;
  // The n-th period, from 0, of a subscription whose periods count from `anchor`.
  TimeSpan period_of(const Renewal& renewal, base::Time anchor, std::uint32_t n) const;
  // What the first of its periods is of a whole one, in days: 1/1 but where it is shorter.
  Share first_share(const Renewal& renewal, base::Time anchor) const;
  // What one day is of a period that begins at, or, of the calendar's, contains that moment.
  // REQUIRES: no hours.
  Share day_share(const Renewal& renewal, base::Time time) const;

  const Offer* find_offer(std::string_view name) const;
  const Service* find_service(std::string_view name) const;
  const std::vector<Rule>& rules() const;  // by RuleNumber
  const std::vector<Service>& services() const;
  const std::vector<Offer>& offers() const;
  const std::vector<TariffTest>& tests() const;  // that the file brings with it
  const std::vector<Calendar>& calendars() const;
  const ZoneTable* zones() const;  // nullptr: it has none
  const std::optional<NumberingPlan>& numbering() const;
  const std::vector<CounterRule>& counters() const;  // as Counted and Rule::over name them
  const std::vector<CeilingRule>& ceilings() const;
  const std::vector<Adjustment>& adjustments() const;  // discounts, then surcharges
  Combine combine() const;                             // several discounts
  const std::vector<Situation>& situations() const;
  std::string_view situation_name(SituationKey key) const;  // "" where unknown
  // The international number that was called, as far as the facts and the numbering tell; else "".
  std::string called_number(const Facts& facts) const;
  // Likewise of the party at the other end: who calls, where it comes to the subscriber.
  std::string other_party(const Facts& facts) const;
  // What prices ask to be the same of both parties: "account", names of attributes; sorted.
  const std::vector<std::string>& groups_asked() const { return groups_asked_; }
  std::string_view service_name(ServiceKey key) const;  // "" where unknown

  RuleNumber number_of(const Rule& rule) const;

  const std::string& name() const;
  const std::string& currency() const;   // ISO 4217, "CNY"
  std::uint32_t currency_code() const;   // ISO 4217 numeric, 156 (RFC 8506 8.11)
  const std::string& time_zone() const;  // "Asia/Shanghai"
  base::Time valid_from() const;
  std::optional<base::Time> valid_until() const;  // the first moment at which it is not valid
  const std::optional<TopUpValidity>& top_up_validity() const { return parts_.top_up_validity; }
  const std::optional<Money>& low_balance() const { return parts_.low_balance; }

 private:
  // One service's, as prices() looks them up.
  struct Lookup {
    std::string context;
    ServiceKey service;
    std::vector<PriceList> lists;  // by rating group; the one without is the first
  };
  void find_groups_asked();
  std::vector<PriceList> lists_of(ServiceKey service) const;

  TariffParts parts_;
  bool has_conditions_ = false;
  bool has_restrictions_ = false;
  bool has_passes_ = false;
  PeriodClock clock_;
  std::vector<bool> counters_that_matter_;
  std::vector<std::string> groups_asked_;
  std::vector<Lookup> lookups_;                // the longest context first: it is the closest match
  std::vector<std::uint32_t> offers_by_name_;  // indices of offers
};

// One loaded version. A tariff is valid from its own valid_from, and never from before it was
// loaded.
struct VersionedTariff {
  TariffVersion version;
  base::Time valid_from;
  std::optional<base::Time> valid_until;
  std::shared_ptr<const Tariff> tariff;
  // For subscribers of whom this is said; nullopt: for all.
  std::optional<SubscriberAttribute> only = std::nullopt;
};

class TariffHistory {
 public:
  // The version in force at `when`: the last loaded one whose validity covers it; nullptr for none.
  // Those that are for some subscribers only are passed over.
  const VersionedTariff* at(base::Time when) const;
  // The same for a subscriber of whom this is said.
  const VersionedTariff* at(base::Time when, std::span<const SubscriberAttribute> said) const;
  bool are_all_for_all() const { return are_all_for_all_; }
  const VersionedTariff* find(TariffVersion version) const;
  const std::vector<VersionedTariff>& versions() const;  // in the order loaded

  // This history and one version more, numbered one above the last.
  std::shared_ptr<const TariffHistory> with(
      std::shared_ptr<const Tariff> tariff, base::Time loaded_at,
      std::optional<SubscriberAttribute> only = std::nullopt) const;
  // The same, valid from `from` on for good, whatever the tariff itself says: for simulations.
  std::shared_ptr<const TariffHistory> with_valid_from(std::shared_ptr<const Tariff> tariff,
                                                       base::Time from) const;

 private:
  std::shared_ptr<const TariffHistory> with(VersionedTariff next) const;

  std::vector<VersionedTariff> versions_;
  bool are_all_for_all_ = true;
};

}  // namespace farthing::tariffs
