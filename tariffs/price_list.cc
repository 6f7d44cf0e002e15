#include "tariffs/price_list.h"

#include "tariffs/tariff.h"

#include <algorithm>
#include <array>
#include <limits>

namespace farthing::tariffs {

namespace {

template <class List, class Value>
void add_once(List& list, const Value& value) {
  if (std::ranges::find(list, value) == list.end()) list.push_back(value);
}

}  // namespace

bool is_unconditional(const TariffParts& parts, const Rule& rule) {
  bool is_none = true;
  for_each_conditions(
      parts, rule, [&is_none](const Conditions& conditions) { is_none &= conditions.are_none(); });
  return is_none;
}

// Holds the conditions of rules against one request's facts; what needs a table is looked up once.
class PriceList::Matcher {
 public:
  Matcher(const TariffParts& parts, const Facts& facts) : parts_(parts), facts_(facts) {
    if (!parts.numbering || !facts.called_number.empty() || facts.dialled_number.empty()) return;
    const std::size_t size = international_number(*parts.numbering, facts.dialled_number, number_);
    facts_.called_number = std::string_view(number_.data(), size);
  }
  Matcher(const Matcher&) = delete;  // it views itself
  Matcher& operator=(const Matcher&) = delete;

  std::string_view called_number() const { return facts_.called_number; }

  const std::optional<std::uint16_t>& zone() {
    if (!zone_is_known_) {
      zone_is_known_ = true;
      if (parts_.zones != nullptr) {
        zone_ = parts_.zones->find(facts_.called_number, facts_.routing_number);
      }
    }
    return zone_;
  }

  // But for the rule's own zones.
  bool hold(const Candidate& candidate) {
    if (candidate.has_times && !is_in(candidate.calendar, candidate.classes)) return false;
    return !candidate.has_more || hold_more(parts_.rules[candidate.rule]);
  }

 private:
  bool hold_more(const Rule& rule) {
    return rule.conditions.hold_without_tables(facts_) &&
           std::ranges::all_of(rule.adjustments,
                               [this](std::uint16_t adjustment) {
                                 return hold(parts_.adjustments[adjustment].conditions);
                               }) &&
           std::ranges::all_of(rule.situations, [this](std::uint16_t situation) {
             return hold(parts_.situations[situation].conditions);
           });
  }

  bool hold(const Conditions& conditions) {
    return (!conditions.times || is_in(conditions.times->calendar, conditions.times->classes)) &&
           hold_in_zone(conditions) && conditions.hold_without_tables(facts_);
  }

  bool is_in(std::uint32_t calendar, std::uint64_t classes) {
    if (!facts_.time) return false;
    if (calendar_ != calendar) {
      calendar_ = calendar;
      time_class_ = parts_.calendars[calendar].class_at(*facts_.time, facts_.visited_offset);
    }
    return (classes >> time_class_.value & 1) != 0;
  }

  bool hold_in_zone(const Conditions& conditions) {
    return conditions.zones.empty() ||
           (zone() && std::ranges::binary_search(conditions.zones, *zone_));
  }

  const TariffParts& parts_;
  Facts facts_;
  std::array<char, e164_digits_max> number_;
  std::optional<std::uint32_t> calendar_;  // of time_class_
  TimeClass time_class_;
  bool zone_is_known_ = false;
  std::optional<std::uint16_t> zone_;
};

std::string PriceList::called_number(const TariffParts& parts, const Facts& facts) {
  return std::string(Matcher(parts, facts).called_number());
}

PriceList::PriceList(const TariffParts& parts, const PeriodClock& clock, ServiceKey service,
                     std::optional<RatingGroup> group)
    : parts_(parts), clock_(clock), group_(group) {
  find_rules(service);
  find_zones();
  find_dependencies(service);
}

// Its own rules, then those for every other group; what is behind one without conditions never
// wins.
void PriceList::find_rules(ServiceKey service) {
  const auto add_rules = [&](const std::optional<RatingGroup>& number) {
    for (std::uint32_t i = 0; i < parts_.rules.size(); ++i) {
      const Rule& rule = parts_.rules[i];
      if (rule.service != service || rule.rating_group != number) continue;
      if (!rule.only.empty() &&
          (!group_ || std::ranges::find(rule.only, *group_) == rule.only.end())) {
        continue;
      }
      Conditions more = rule.conditions;
      more.zones.clear();
      more.times.reset();
      Candidate& candidate = candidates_.emplace_back();
      candidate.rule = i;
      candidate.has_more =
          !more.are_none() || !rule.adjustments.empty() || !rule.situations.empty();
      if (const std::optional<Conditions::Times>& times = rule.conditions.times) {
        candidate.has_times = true;
        candidate.calendar = times->calendar;
        candidate.classes = times->classes;
      }
      if (is_unconditional(parts_, rule)) return true;
    }
    return false;
  };
  if (!add_rules(group_) && group_) add_rules(std::nullopt);
}

void PriceList::find_zones() {
  std::vector<std::vector<std::uint32_t>> by_zone(
      parts_.zones == nullptr ? 0 : parts_.zones->zones().size());
  for (std::uint32_t i = 0; i < candidates_.size(); ++i) {
    const std::vector<std::uint16_t>& zones = parts_.rules[candidates_[i].rule].conditions.zones;
    if (zones.empty()) anywhere_.push_back(i);
    for (const std::uint16_t zone : zones) by_zone[zone].push_back(i);
  }
  if (anywhere_.size() == candidates_.size()) return;
  for (const std::vector<std::uint32_t>& of_zone : by_zone) {
    zones_.push_back(static_cast<std::uint32_t>(zoned_.size()));
    zoned_.insert(zoned_.end(), of_zone.begin(), of_zone.end());
  }
  zones_.push_back(static_cast<std::uint32_t>(zoned_.size()));
}

// A ceiling's counter is its own one.
void PriceList::find_dependencies(ServiceKey service) {
  for (const Candidate& candidate : candidates_) {
    const Rule& rule = parts_.rules[candidate.rule];
    if (rule.over) add_once(counters_, *rule.over);
    for_each_conditions(parts_, rule, [&](const Conditions& conditions) {
      if (conditions.times) add_once(calendars_, conditions.times->calendar);
      for (const Counted& counted : conditions.counted) {
        has_counted_ = true;
        add_once(counters_, counter_behind(parts_, counted.counter));
        for (const std::uint64_t border : {counted.from, counted.below}) {
          add_once(thresholds_, std::pair(counted.counter, border));
        }
      }
    });
  }
  std::ranges::sort(thresholds_);
  for (std::uint16_t i = 0; i < parts_.counters.size(); ++i) {
    if (parts_.counters[i].may_count(service, group_)) counting_.push_back(i);
  }
}

std::span<const std::uint32_t> PriceList::in_zone(std::uint16_t zone) const {
  return std::span(zoned_).subspan(zones_[zone], zones_[zone + 1u] - zones_[zone]);
}

const Rule* PriceList::find(const Facts& facts) const {
  Matcher matcher(parts_, facts);
  std::span<const std::uint32_t> zoned;
  if (!zones_.empty() && matcher.zone()) zoned = in_zone(*matcher.zone());
  std::span<const std::uint32_t> anywhere = anywhere_;
  while (!zoned.empty() || !anywhere.empty()) {
    const bool is_zoned = anywhere.empty() || (!zoned.empty() && zoned.front() < anywhere.front());
    std::span<const std::uint32_t>& from = is_zoned ? zoned : anywhere;
    const Candidate& candidate = candidates_[from.front()];
    if (matcher.hold(candidate)) return &parts_.rules[candidate.rule];
    from = from.subspan(1);
  }
  return nullptr;
}

std::optional<base::Time> PriceList::next_change(const Facts& facts) const {
  std::optional<base::Time> soonest;
  if (!facts.time) return soonest;
  const auto consider = [&soonest](std::optional<base::Time> next) {
    if (next && (!soonest || *next < *soonest)) soonest = next;
  };
  for (const std::uint32_t calendar : calendars_) {
    consider(parts_.calendars[calendar].next_change(*facts.time, facts.visited_offset));
  }
  for (const std::uint16_t counter : counters_) {
    consider(clock_.span(parts_.counters[counter].period, *facts.time, facts.billing_day).to);
  }
  return soonest;
}

std::optional<base::Time> PriceList::next_border(const Facts& facts) const {
  std::optional<base::Time> soonest = next_change(facts);
  if (!facts.time) return soonest;
  for (const std::uint16_t counter : counting_) {
    const base::Time end =
        clock_.span(parts_.counters[counter].period, *facts.time, facts.billing_day).to;
    if (!soonest || end < *soonest) soonest = end;
  }
  return soonest;
}

std::optional<std::uint64_t> PriceList::next_threshold(std::uint16_t counter,
                                                       std::uint64_t value) const {
  const auto next = std::ranges::upper_bound(thresholds_, std::pair(counter, value));
  constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();
  if (next == thresholds_.end() || next->first != counter || next->second == none) {
    return std::nullopt;
  }
  return next->second;
}

}  // namespace farthing::tariffs
