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
#include "tariffs/numbering.h"
#include "tariffs/offer.h"
#include "tariffs/price.h"
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
      grants;                               // of the whole service; nullptr: always the usual sizes
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

class Tariff {
 public:
  explicit Tariff(TariffParts parts);
  // A rule is identified by where it lies (number_of): tariffs stay where they were made.
  Tariff(const Tariff&) = delete;
  Tariff& operator=(const Tariff&) = delete;

  // The rule for a request of this Service-Context-Id and rating group; nullptr where the tariff
  // knows no such service or it has neither a rule for the rating group nor a default one. A
  // context matches by its suffix: "ext.mnc.mcc.release.32260@3gpp.org" is "32260@3gpp.org"
  // (TS 32.299 7.1.12).
  //
  // Of several rules for a rating group the first whose conditions hold wins, in the order written;
  // after them come those for every other group. nullptr also where none of them holds.
  const Rule* find(std::string_view service_context, std::optional<RatingGroup> rating_group,
                   const Facts& facts) const;

  // The same where nothing is known but this: only rules without conditions hold.
  const Rule* find(std::string_view service_context, std::optional<RatingGroup> rating_group) const;

  // The first moment after facts.time at which another rule may win for the same other facts, or a
  // counter that matters begins anew, so that usage of time is split there; nullopt: time makes no
  // difference, or is not known.
  std::optional<base::Time> next_change(std::string_view service_context,
                                        std::optional<RatingGroup> rating_group,
                                        const Facts& facts) const;

  // Visits the stretches of [from, to) in each of which one rule wins (and one period of each
  // counter lasts), in order: visit(rule, begin, end), where the rule may be nullptr. facts.time is
  // passed over. Looks at no more than `borders_max` moments at which another one may win, the last
  // stretch goes on from there; returns at how many it looked. REQUIRES: from < to.
  template <class Visit>
  std::size_t split(std::string_view service_context, std::optional<RatingGroup> rating_group,
                    Facts facts, base::Time from, base::Time to, std::size_t borders_max,
                    Visit visit) const {
    facts.time = from;
    const Rule* rule = find(service_context, rating_group, facts);
    for (std::size_t borders = 0;; ++borders) {
      const auto change = next_border(service_context, rating_group, facts);
      if (!change || *change >= to || borders == borders_max) {
        visit(rule, from, to);
        return borders;
      }
      facts.time = *change;
      const Rule* const next = find(service_context, rating_group, facts);
      if (next == rule && !has_counters()) continue;
      visit(rule, from, *change);
      rule = next;
      from = *change;
    }
  }

  // Whether any rule has conditions, or there is anything to count. Where not, facts make no
  // difference.
  bool has_conditions() const { return has_conditions_ || has_counters(); }
  // Whether any rule sells an offer to who has none.
  bool has_passes() const { return has_passes_; }
  // Whether any rule asks anything of the subscriber.
  bool has_restrictions() const { return has_restrictions_; }
  bool has_counters() const { return !parts_.counters.empty(); }

  // The smallest value above `value` of the counter at which another rule may win; nullopt: none.
  std::optional<std::uint64_t> next_threshold(std::string_view service_context,
                                              std::optional<RatingGroup> rating_group,
                                              std::uint16_t counter, std::uint64_t value) const;
  // Whether any of the rules that may win has a condition on a counter.
  bool goes_by_counters(std::string_view service_context,
                        std::optional<RatingGroup> rating_group) const;
  // Whether any price goes by the counter: what grants may add to it matters then.
  bool goes_by(std::uint16_t counter) const { return counters_that_matter_[counter]; }
  // How a Counted names a ceiling: behind the counters.
  std::uint16_t ceiling_index(std::size_t ceiling) const {
    return static_cast<std::uint16_t>(parts_.counters.size() + ceiling);
  }
  // The ceiling that a Counted names; nullptr: a counter.
  const CeilingRule* ceiling_of(std::uint16_t counter) const;
  // The period of a counter that a moment is in.
  TimeSpan span_of(const CounterRule& counter, base::Time time) const;
  TimeSpan day_of(base::Time time) const;
  TimeSpan month_of(base::Time time) const;
  // When what is bought at that time and does not renew is over.
  base::Time end_of(const Offer& offer, base::Time bought_at) const;
  // The n-th period, from 0, of a subscription whose periods count from `anchor`.
  TimeSpan period_of(const Renewal& renewal, base::Time anchor, std::uint32_t n) const;
  // What the first of its periods is of a whole one, in days: 1/1 but where it is shorter.
  Share first_share(const Renewal& renewal, base::Time anchor) const;

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

 private:
  // The rules that may win for one rating group, and on what it depends which does.
  struct Group {
    std::optional<RatingGroup> number;  // nullopt: every group that has none of its own
    std::vector<std::uint32_t> rules;   // in order; of the last one alone, conditions may be none
    std::vector<std::uint32_t> calendars;
    std::vector<std::uint16_t> counters;                              // that prices go by
    bool has_counted = false;                                         // conditions on them
    std::vector<std::pair<std::uint16_t, std::uint64_t>> thresholds;  // by counter, ascending
    std::vector<std::uint16_t> counting;                              // that count its usage
  };
  // One service's, as find() looks them up.
  struct Lookup {
    std::string context;
    ServiceKey service;
    std::vector<Group> groups;  // by number; the one without is the first
  };
  class Matcher;

  void find_groups_asked();
  static bool is_unconditional(const TariffParts& parts, const Rule& rule);
  static std::vector<Group> groups_of(const TariffParts& parts, ServiceKey service);
  static void find_dependencies(const TariffParts& parts, ServiceKey service, Group& group);
  static std::uint16_t counter_behind(const TariffParts& parts, std::uint16_t counted);
  const Group* group(std::string_view service_context,
                     std::optional<RatingGroup> rating_group) const;
  // The same as next_change(), and where a period ends of a counter that counts the group.
  std::optional<base::Time> next_border(std::string_view service_context,
                                        std::optional<RatingGroup> rating_group,
                                        const Facts& facts) const;
  std::optional<base::Time> next_change(const Group& group, const Facts& facts) const;

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
