#include "tariffs/tariff.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>

namespace farthing::tariffs {
namespace {

// Whether `context` is `suffix`, alone or after a dot: "a.32260@3gpp.org" but not
// "132260@3gpp.org".
bool matches(std::string_view context, std::string_view suffix) {
  if (!context.ends_with(suffix)) return false;
  const std::size_t extension_size = context.size() - suffix.size();
  return extension_size == 0 || context[extension_size - 1] == '.';
}

}  // namespace

Tariff::Tariff(TariffParts parts) : parts_(std::move(parts)), clock_(parts_.time_zone) {
  std::vector<const Service*> longest_first;
  for (const Service& service : parts_.services) longest_first.push_back(&service);
  std::ranges::stable_sort(longest_first, std::ranges::greater{},
                           [](const Service* service) { return service->context.size(); });

  std::size_t rules_of_known_services = 0;
  for (const Service* service : longest_first) {
    Lookup lookup{.context = service->context, .service = service->key, .rules = {}, .others = {}};
    for (std::uint32_t i = 0; i < parts_.rules.size(); ++i) {
      const Rule& rule = parts_.rules[i];
      if (rule.service != service->key) continue;
      ++rules_of_known_services;
      if (rule.rating_group) {
        lookup.rules.emplace_back(*rule.rating_group, i);
      } else {
        lookup.others.push_back(i);
      }
    }
    std::ranges::sort(lookup.rules);
    lookups_.push_back(std::move(lookup));
  }
  FARTHING_ASSERT(rules_of_known_services == parts_.rules.size());
  has_conditions_ = std::ranges::any_of(
      parts_.rules, [](const Rule& rule) { return !rule.conditions.are_none(); });
  has_restrictions_ = std::ranges::any_of(
      parts_.rules, [](const Rule& rule) { return !rule.restrictions.are_none(); });

  counters_that_matter_.resize(parts_.counters.size());
  for (const Rule& rule : parts_.rules) {
    if (rule.over) counters_that_matter_[*rule.over] = true;
    for (const Counted& counted : rule.conditions.counted) {
      counters_that_matter_[counted.counter] = true;
    }
  }

  for (std::uint32_t i = 0; i < parts_.offers.size(); ++i) offers_by_name_.push_back(i);
  std::ranges::sort(offers_by_name_, {},
                    [this](std::uint32_t i) { return std::string_view(parts_.offers[i].name); });
}

// Holds the conditions of rules against one request's facts; what needs a table is looked up once.
class Tariff::Matcher {
 public:
  Matcher(const TariffParts& parts, const Facts& facts) : parts_(parts), facts_(facts) {
    if (!parts.numbering || !facts.called_number.empty() || facts.dialled_number.empty()) return;
    const std::size_t size = international_number(*parts.numbering, facts.dialled_number, number_);
    facts_.called_number = std::string_view(number_.data(), size);
  }
  Matcher(const Matcher&) = delete;  // it views itself
  Matcher& operator=(const Matcher&) = delete;

  std::string_view called_number() const { return facts_.called_number; }

  bool hold(const Conditions& conditions) {
    return hold_in_time(conditions) && hold_in_zone(conditions) &&
           conditions.hold_without_tables(facts_);
  }

 private:
  bool hold_in_time(const Conditions& conditions) {
    if (!conditions.times) return true;
    if (!facts_.time) return false;
    if (!calendar_ || *calendar_ != conditions.times->calendar) {
      calendar_ = conditions.times->calendar;
      time_class_ = parts_.calendars[*calendar_].class_at(*facts_.time);
    }
    return (conditions.times->classes >> time_class_.value & 1) != 0;
  }

  bool hold_in_zone(const Conditions& conditions) {
    if (conditions.zones.empty()) return true;
    if (!zone_is_known_) {
      zone_is_known_ = true;
      if (parts_.zones != nullptr) zone_ = parts_.zones->find(facts_.called_number);
    }
    return zone_ && std::ranges::binary_search(conditions.zones, *zone_);
  }

  const TariffParts& parts_;
  Facts facts_;
  std::array<char, e164_digits_max> number_;
  std::optional<std::uint32_t> calendar_;  // of time_class_
  TimeClass time_class_;
  bool zone_is_known_ = false;
  std::optional<std::uint16_t> zone_;
};

const Tariff::Lookup* Tariff::lookup(std::string_view service_context) const {
  const auto found = std::ranges::find_if(lookups_, [service_context](const Lookup& lookup) {
    return matches(service_context, lookup.context);
  });
  return found != lookups_.end() ? &*found : nullptr;
}

template <class Visit>
const Rule* Tariff::first(const Lookup& lookup, std::optional<RatingGroup> rating_group,
                          Visit visit) const {
  if (rating_group) {
    auto own = std::ranges::lower_bound(lookup.rules, *rating_group, {},
                                        [](const auto& entry) { return entry.first; });
    for (; own != lookup.rules.end() && own->first == *rating_group; ++own) {
      if (visit(parts_.rules[own->second])) return &parts_.rules[own->second];
    }
  }
  for (const std::uint32_t other : lookup.others) {
    if (visit(parts_.rules[other])) return &parts_.rules[other];
  }
  return nullptr;
}

const Rule* Tariff::find(std::string_view service_context, std::optional<RatingGroup> rating_group,
                         const Facts& facts) const {
  const Lookup* const known = lookup(service_context);
  if (known == nullptr) return nullptr;
  Matcher matcher(parts_, facts);
  return first(*known, rating_group,
               [&matcher](const Rule& rule) { return matcher.hold(rule.conditions); });
}

const Rule* Tariff::find(std::string_view service_context,
                         std::optional<RatingGroup> rating_group) const {
  return find(service_context, rating_group, Facts());
}

std::optional<base::Time> Tariff::next_change(std::string_view service_context,
                                              std::optional<RatingGroup> rating_group,
                                              const Facts& facts) const {
  const Lookup* const known = lookup(service_context);
  if (known == nullptr || !facts.time) return std::nullopt;
  std::optional<base::Time> soonest;
  const auto consider = [&soonest](std::optional<base::Time> next) {
    if (next && (!soonest || *next < *soonest)) soonest = next;
  };
  const auto consider_period = [&](std::uint16_t counter) {
    consider(span_of(parts_.counters[counter], *facts.time).to);
  };
  first(*known, rating_group, [&](const Rule& rule) {
    if (rule.conditions.times) {
      consider(parts_.calendars[rule.conditions.times->calendar].next_change(*facts.time));
    }
    for (const Counted& counted : rule.conditions.counted) consider_period(counted.counter);
    if (rule.over) consider_period(*rule.over);
    return rule.conditions.are_none();  // what is behind it never wins
  });
  return soonest;
}

std::optional<base::Time> Tariff::next_border(std::string_view service_context,
                                              std::optional<RatingGroup> rating_group,
                                              const Facts& facts) const {
  std::optional<base::Time> soonest = next_change(service_context, rating_group, facts);
  if (!has_counters() || !facts.time) return soonest;
  const Lookup* const known = lookup(service_context);
  if (known == nullptr) return soonest;
  for (const CounterRule& counter : parts_.counters) {
    if (!counter.counts(known->service, rating_group)) continue;
    const base::Time end = span_of(counter, *facts.time).to;
    if (!soonest || end < *soonest) soonest = end;
  }
  return soonest;
}

std::optional<std::uint64_t> Tariff::next_threshold(std::string_view service_context,
                                                    std::optional<RatingGroup> rating_group,
                                                    std::uint16_t counter,
                                                    std::uint64_t value) const {
  constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();
  const Lookup* const known = lookup(service_context);
  if (known == nullptr) return std::nullopt;
  std::uint64_t nearest = none;
  first(*known, rating_group, [&](const Rule& rule) {
    for (const Counted& counted : rule.conditions.counted) {
      if (counted.counter != counter) continue;
      for (const std::uint64_t border : {counted.from, counted.below}) {
        if (border > value) nearest = std::min(nearest, border);
      }
    }
    return rule.conditions.are_none();
  });
  return nearest == none ? std::nullopt : std::optional(nearest);
}

bool Tariff::goes_by_counters(std::string_view service_context,
                              std::optional<RatingGroup> rating_group) const {
  const Lookup* const known = lookup(service_context);
  bool found = false;
  if (known == nullptr) return found;
  first(*known, rating_group, [&found](const Rule& rule) {
    found = found || !rule.conditions.counted.empty();
    return found || rule.conditions.are_none();
  });
  return found;
}

TimeSpan Tariff::span_of(const CounterRule& counter, base::Time time) const {
  return clock_.span(counter.period, time);
}

const Offer* Tariff::find_offer(std::string_view name) const {
  const auto name_of = [this](std::uint32_t i) { return std::string_view(parts_.offers[i].name); };
  const auto found = std::ranges::lower_bound(offers_by_name_, name, {}, name_of);
  return found != offers_by_name_.end() && name_of(*found) == name ? &parts_.offers[*found]
                                                                   : nullptr;
}

const Service* Tariff::find_service(std::string_view name) const {
  const auto found = std::ranges::find(parts_.services, name, &Service::name);
  return found != parts_.services.end() ? &*found : nullptr;
}

const std::vector<Rule>& Tariff::rules() const { return parts_.rules; }

const std::vector<Service>& Tariff::services() const { return parts_.services; }

const std::vector<Offer>& Tariff::offers() const { return parts_.offers; }

const std::vector<TariffTest>& Tariff::tests() const { return parts_.tests; }
const std::vector<Calendar>& Tariff::calendars() const { return parts_.calendars; }

const ZoneTable* Tariff::zones() const { return parts_.zones.get(); }

const std::optional<NumberingPlan>& Tariff::numbering() const { return parts_.numbering; }

const std::vector<CounterRule>& Tariff::counters() const { return parts_.counters; }

std::string Tariff::called_number(const Facts& facts) const {
  return std::string(Matcher(parts_, facts).called_number());
}

std::string_view Tariff::service_name(ServiceKey key) const {
  const auto found = std::ranges::find(parts_.services, key, &Service::key);
  return found != parts_.services.end() ? std::string_view(found->name) : std::string_view();
}

RuleNumber Tariff::number_of(const Rule& rule) const {
  // std::less orders pointers of different arrays too.
  const Rule* first = parts_.rules.data();
  FARTHING_ASSERT(!std::less<>{}(&rule, first) &&
                  std::less<>{}(&rule, first + parts_.rules.size()));
  return RuleNumber(static_cast<std::uint32_t>(&rule - first));
}

const std::string& Tariff::name() const { return parts_.name; }

const std::string& Tariff::currency() const { return parts_.currency; }

std::uint32_t Tariff::currency_code() const { return parts_.currency_code; }

const std::string& Tariff::time_zone() const { return parts_.time_zone; }

base::Time Tariff::valid_from() const { return parts_.valid_from; }

std::optional<base::Time> Tariff::valid_until() const { return parts_.valid_until; }

const VersionedTariff* TariffHistory::at(base::Time when) const {
  for (auto version = versions_.rbegin(); version != versions_.rend(); ++version) {
    const std::optional<base::Time> until = version->tariff->valid_until();
    if (version->valid_from <= when && (!until || when < *until)) return &*version;
  }
  return nullptr;
}

const VersionedTariff* TariffHistory::find(TariffVersion version) const {
  if (version.value == 0 || version.value > versions_.size()) return nullptr;
  return &versions_[version.value - 1];
}

const std::vector<VersionedTariff>& TariffHistory::versions() const { return versions_; }

std::shared_ptr<const TariffHistory> TariffHistory::with(std::shared_ptr<const Tariff> tariff,
                                                         base::Time loaded_at) const {
  FARTHING_ASSERT(tariff != nullptr);
  FARTHING_ASSERT(versions_.size() < std::numeric_limits<std::uint32_t>::max());
  auto next = std::make_shared<TariffHistory>(*this);
  const TariffVersion version(static_cast<std::uint32_t>(versions_.size()) + 1);
  const base::Time valid_from = std::max(tariff->valid_from(), loaded_at);
  next->versions_.push_back({version, valid_from, std::move(tariff)});
  return next;
}

}  // namespace farthing::tariffs
