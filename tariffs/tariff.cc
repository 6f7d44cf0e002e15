#include "tariffs/tariff.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <set>

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

std::string situation_text(const Situation& situation) { return "in " + situation.name; }

Tariff::Tariff(TariffParts parts) : parts_(std::move(parts)), clock_(parts_.time_zone) {
  std::vector<const Service*> longest_first;
  for (const Service& service : parts_.services) longest_first.push_back(&service);
  std::ranges::stable_sort(longest_first, std::ranges::greater{},
                           [](const Service* service) { return service->context.size(); });

  for (const Service* service : longest_first) {
    lookups_.push_back({service->context, service->key, lists_of(service->key)});
  }
  FARTHING_ASSERT(std::ranges::all_of(parts_.rules, [&](const Rule& rule) {
    return std::ranges::find(lookups_, rule.service, &Lookup::service) != lookups_.end();
  }));
  has_conditions_ = std::ranges::any_of(
      parts_.rules, [this](const Rule& rule) { return !is_unconditional(parts_, rule); });
  has_restrictions_ = std::ranges::any_of(
      parts_.rules, [](const Rule& rule) { return !rule.restrictions.are_none(); });

  has_passes_ = std::ranges::any_of(
      parts_.rules, [](const Rule& rule) { return !rule.restrictions.pass.empty(); });

  find_groups_asked();
  counters_that_matter_.resize(parts_.counters.size());
  for (const Rule& rule : parts_.rules) {
    if (rule.over) counters_that_matter_[*rule.over] = true;
    for_each_conditions(parts_, rule, [this](const Conditions& conditions) {
      for (const Counted& counted : conditions.counted) {
        counters_that_matter_[counter_behind(parts_, counted.counter)] = true;
      }
    });
  }

  for (std::uint32_t i = 0; i < parts_.offers.size(); ++i) offers_by_name_.push_back(i);
  std::ranges::sort(offers_by_name_, {},
                    [this](std::uint32_t i) { return std::string_view(parts_.offers[i].name); });
}

void Tariff::find_groups_asked() {
  std::set<std::string> names;
  for (const Rule& rule : parts_.rules) {
    for_each_conditions(parts_, rule, [&names](const Conditions& conditions) {
      names.insert(conditions.groups.begin(), conditions.groups.end());
    });
  }
  groups_asked_.assign(names.begin(), names.end());
}

std::uint16_t counter_behind(const TariffParts& parts, std::uint16_t counted) {
  if (counted < parts.counters.size()) return counted;
  return parts.ceilings[counted - parts.counters.size()].counter;
}

std::vector<PriceList> Tariff::lists_of(ServiceKey service) const {
  std::set<std::optional<RatingGroup>> numbers = {std::nullopt};
  for (const Rule& rule : parts_.rules) {
    if (rule.service != service) continue;
    numbers.insert(rule.rating_group);
    numbers.insert(rule.only.begin(), rule.only.end());
  }
  for (const CounterRule& counter : parts_.counters) {
    for (const Coverage& covered : counter.coverage) {
      if (covered.service == service) numbers.insert(covered.rating_group);
    }
  }
  std::vector<PriceList> lists;
  for (const std::optional<RatingGroup>& number : numbers) {
    lists.emplace_back(parts_, clock_, service, number);
  }
  return lists;
}

const PriceList* Tariff::prices(std::string_view service_context,
                                std::optional<RatingGroup> rating_group) const {
  const auto known = std::ranges::find_if(lookups_, [service_context](const Lookup& lookup) {
    return matches(service_context, lookup.context);
  });
  if (known == lookups_.end()) return nullptr;
  const auto own = std::ranges::lower_bound(known->lists, rating_group, {}, &PriceList::group);
  return own != known->lists.end() && own->group() == rating_group ? &*own : &known->lists.front();
}

const Rule* Tariff::find(std::string_view service_context, std::optional<RatingGroup> rating_group,
                         const Facts& facts) const {
  const PriceList* const known = prices(service_context, rating_group);
  return known == nullptr ? nullptr : known->find(facts);
}

const Rule* Tariff::find(std::string_view service_context,
                         std::optional<RatingGroup> rating_group) const {
  return find(service_context, rating_group, Facts());
}

TimeSpan Tariff::span_of(const CounterRule& counter, base::Time time,
                         std::uint8_t billing_day) const {
  return clock_.span(counter.period, time, billing_day);
}

TimeSpan Tariff::month_of(base::Time time) const { return clock_.span(Period::month, time); }

TimeSpan Tariff::day_of(base::Time time) const { return clock_.span(Period::day, time); }

base::Time Tariff::end_of(const Offer& offer, base::Time bought_at) const {
  if (!offer.ends_with) return bought_at + offer.validity;
  return clock_.period({*offer.ends_with, 1}, true, bought_at, 0).to;
}

TimeSpan Tariff::period_of(const Renewal& renewal, base::Time anchor, std::uint32_t n) const {
  return clock_.period(renewal.period, renewal.is_calendar, anchor, n);
}

Share Tariff::first_share(const Renewal& renewal, base::Time anchor) const {
  if (!renewal.is_prorated) return {};
  return clock_.days_left(renewal.period, anchor);
}

Share Tariff::day_share(const Renewal& renewal, base::Time time) const {
  if (renewal.is_calendar) return {1, clock_.days_left(renewal.period, time).whole};
  const TimeSpan span = period_of(renewal, time, 0);
  // To whole days: one in which clocks are changed is one, too.
  return {1, std::chrono::round<std::chrono::days>(span.to - span.from).count()};
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
const std::vector<CeilingRule>& Tariff::ceilings() const { return parts_.ceilings; }
const CeilingRule* Tariff::ceiling_of(std::uint16_t counter) const {
  if (counter < parts_.counters.size()) return nullptr;
  return &parts_.ceilings[counter - parts_.counters.size()];
}

const std::vector<Adjustment>& Tariff::adjustments() const { return parts_.adjustments; }

Combine Tariff::combine() const { return parts_.combine; }

const std::vector<Situation>& Tariff::situations() const { return parts_.situations; }

std::string_view Tariff::situation_name(SituationKey key) const {
  const auto found = std::ranges::find(parts_.situations, key, &Situation::key);
  return found != parts_.situations.end() ? std::string_view(found->name) : std::string_view();
}

std::string Tariff::called_number(const Facts& facts) const {
  return PriceList::called_number(parts_, facts);
}

std::string Tariff::other_party(const Facts& facts) const {
  const bool comes_in = facts.leg == Leg::terminating;
  Facts calling;
  calling.called_number = facts.calling_number;
  calling.dialled_number = facts.dialled_calling;
  std::string number = called_number(comes_in ? calling : facts);
  const bool is_called = !facts.dialled_number.empty();  // so that it is not for certain
  if (number.empty() && !(is_called && !comes_in)) {
    number = comes_in ? facts.originator_number : facts.recipient_number;
  }
  return number;
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

const VersionedTariff* TariffHistory::at(base::Time when) const { return at(when, {}); }

const VersionedTariff* TariffHistory::at(base::Time when,
                                         std::span<const SubscriberAttribute> said) const {
  for (auto version = versions_.rbegin(); version != versions_.rend(); ++version) {
    const std::optional<base::Time>& until = version->valid_until;
    const bool is_valid = version->valid_from <= when && (!until || when < *until);
    if (is_valid && (!version->only || std::ranges::find(said, *version->only) != said.end())) {
      return &*version;
    }
  }
  return nullptr;
}

const VersionedTariff* TariffHistory::find(TariffVersion version) const {
  if (version.value == 0 || version.value > versions_.size()) return nullptr;
  return &versions_[version.value - 1];
}

const std::vector<VersionedTariff>& TariffHistory::versions() const { return versions_; }

std::shared_ptr<const TariffHistory> TariffHistory::with(
    std::shared_ptr<const Tariff> tariff, base::Time loaded_at,
    std::optional<SubscriberAttribute> only) const {
  FARTHING_ASSERT(tariff != nullptr);
  const base::Time valid_from = std::max(tariff->valid_from(), loaded_at);
  const std::optional<base::Time> valid_until = tariff->valid_until();
  return with({{}, valid_from, valid_until, std::move(tariff), std::move(only)});
}

std::shared_ptr<const TariffHistory> TariffHistory::with_valid_from(
    std::shared_ptr<const Tariff> tariff, base::Time from) const {
  FARTHING_ASSERT(tariff != nullptr);
  return with({{}, from, std::nullopt, std::move(tariff)});
}

std::shared_ptr<const TariffHistory> TariffHistory::with(VersionedTariff next) const {
  FARTHING_ASSERT(versions_.size() < std::numeric_limits<std::uint32_t>::max());
  auto history = std::make_shared<TariffHistory>(*this);
  next.version = TariffVersion(static_cast<std::uint32_t>(versions_.size()) + 1);
  history->are_all_for_all_ = are_all_for_all_ && !next.only;
  history->versions_.push_back(std::move(next));
  return history;
}

}  // namespace farthing::tariffs
