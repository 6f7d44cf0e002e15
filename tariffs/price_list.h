// A price list: the prices of one rating group of a service, and which of them wins when.
//
// Part of a Tariff (tariffs/tariff.h), immutable, shared between threads without locks; look-ups do
// not allocate. What is asked of every request lies close together: conditions on zones and on the
// time are tried without a look at the rule.
#pragma once

#include "engine/base/time.h"
#include "tariffs/conditions.h"
#include "tariffs/period_clock.h"
#include "tariffs/units.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace farthing::tariffs {

struct Rule;
struct TariffParts;

class PriceList {
 public:
  // Of the rating group; nullopt: of every group that has no list of its own. The parts and the
  // clock must outlive it and stay where they are.
  PriceList(const TariffParts& parts, const PeriodClock& clock, ServiceKey service,
            std::optional<RatingGroup> group);

  const std::optional<RatingGroup>& group() const { return group_; }

  // The first rule whose conditions hold, in the order written; behind the group's own come those
  // for every other group. nullptr: none holds.
  const Rule* find(const Facts& facts) const;

  // The first moment after facts.time at which another rule may win for the same other facts, or a
  // counter that matters begins anew, so that usage of time is split there; nullopt: time makes no
  // difference, or is not known.
  std::optional<base::Time> next_change(const Facts& facts) const;

  // Visits the stretches of [from, to) in each of which one rule wins (and one period of each
  // counter lasts), in order: visit(rule, begin, end), where the rule may be nullptr. facts.time is
  // passed over. Looks at no more than `borders_max` moments at which another one may win, the last
  // stretch goes on from there; returns at how many it looked. REQUIRES: from < to.
  template <class Visit>
  std::size_t split(Facts facts, base::Time from, base::Time to, std::size_t borders_max,
                    Visit visit) const {
    facts.time = from;
    const Rule* rule = find(facts);
    for (std::size_t borders = 0;; ++borders) {
      const auto change = next_border(facts);
      if (!change || *change >= to || borders == borders_max) {
        visit(rule, from, to);
        return borders;
      }
      facts.time = *change;
      const Rule* const next = find(facts);
      if (next == rule && counting_.empty() && counters_.empty()) continue;
      visit(rule, from, *change);
      rule = next;
      from = *change;
    }
  }

  // Whether any of its rules has a condition on a counter.
  bool goes_by_counters() const { return has_counted_; }
  // The smallest value above `value` of the counter (or the ceiling, as a Counted names it) at
  // which another rule may win; nullopt: none.
  std::optional<std::uint64_t> next_threshold(std::uint16_t counter, std::uint64_t value) const;
  // The tariff's counters that count its usage in some situation.
  std::span<const std::uint16_t> counting() const { return counting_; }

  // The international number that was called, as far as the facts and the numbering tell; else "".
  static std::string called_number(const TariffParts& parts, const Facts& facts);

 private:
  class Matcher;
  // One of its rules, as far as it can be seen from here whether it holds.
  struct Candidate {
    std::uint32_t rule = 0;
    std::uint32_t calendar = 0;
    std::uint64_t classes = 0;  // of the calendar
    bool has_times = false;
    bool has_more = false;  // conditions beside zones and times
  };

  void find_rules(ServiceKey service);
  void find_zones();
  void find_dependencies(ServiceKey service);
  std::span<const std::uint32_t> in_zone(std::uint16_t zone) const;
  // The same as next_change(), and where a period ends of a counter that counts the group.
  std::optional<base::Time> next_border(const Facts& facts) const;

  const TariffParts& parts_;
  const PeriodClock& clock_;
  std::optional<RatingGroup> group_;
  std::vector<Candidate> candidates_;    // in order; of the last one alone, conditions may be none
  std::vector<std::uint32_t> anywhere_;  // those without a condition on zones: indices, ascending
  std::vector<std::uint32_t> zoned_;     // those with one, zone by zone; of each ascending
  std::vector<std::uint32_t> zones_;     // where each zone's begin, and the end; empty: no zones
  std::vector<std::uint32_t> calendars_;
  std::vector<std::uint16_t> counters_;                              // that prices go by
  bool has_counted_ = false;                                         // conditions on them
  std::vector<std::pair<std::uint16_t, std::uint64_t>> thresholds_;  // by counter, ascending
  std::vector<std::uint16_t> counting_;
};

// Whether neither the rule nor what it was made with asks for anything.
bool is_unconditional(const TariffParts& parts, const Rule& rule);

}  // namespace farthing::tariffs
