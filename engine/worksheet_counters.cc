// A worksheet's counters: what is counted, what grants may add, and how far it is to the next value
// that matters.
#include "engine/base/saturating.h"
#include "engine/base/wide.h"
#include "engine/ceilings.h"
#include "engine/segment_price.h"
#include "engine/worksheet.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace farthing::engine {

using base::saturating_add;
using tariffs::chargeable_units;
using tariffs::PriceTerms;

void Worksheet::count_by(std::uint16_t index, const tariffs::Tariff& tariff,
                         const tariffs::Rule& rule, const tariffs::PriceList& prices) {
  segments_[index].tariff = &tariff;
  segments_[index].rule = &rule;
  segments_[index].counting = prices.counting();
}

SubscriberNumber Worksheet::owner_of(const tariffs::CounterRule& rule) const {
  return rule.is_shared ? SubscriberNumber() : subscriber_;
}

const Worksheet::CounterWork* Worksheet::find_counter(const tariffs::CounterRule& rule) const {
  const SubscriberNumber owner = owner_of(rule);
  for (const CounterWork& counter : counters_) {
    if (counter.key == rule.key && counter.owner == owner && counter.span.from <= counted_at_ &&
        counted_at_ < counter.span.to) {
      return &counter;
    }
  }
  return nullptr;
}

// Of the period at hand; begun with nothing where there is none yet.
Worksheet::CounterWork& Worksheet::counter_of(const tariffs::Tariff& tariff,
                                              const tariffs::CounterRule& rule) {
  if (const CounterWork* known = find_counter(rule)) {
    CounterWork& counter = counters_[static_cast<std::size_t>(known - counters_.data())];
    counter.tariff = &tariff;
    counter.rule = &rule;
    return counter;
  }
  const std::size_t begun = counters_.size() - counters_known_;
  const CounterNumber number(account_->counter_count + static_cast<std::uint32_t>(begun) + 1);
  const tariffs::TimeSpan span = tariff.span_of(rule, counted_at_, account_->terms.billing_day);
  return counters_.emplace_back(
      CounterWork{&tariff, &rule, number, owner_of(rule), rule.key, span, 0, 0, 0});
}

Worksheet::CounterShares::iterator Worksheet::find_counter_share(std::uint16_t segment,
                                                                 CounterNumber counter) {
  return std::ranges::lower_bound(
      counter_shares_, std::pair(segment, counter), {},
      [](const CounterShare& share) { return std::pair(share.segment, share.counter); });
}

Worksheet::CounterShare& Worksheet::counter_share(std::uint16_t segment, CounterNumber counter) {
  auto found = find_counter_share(segment, counter);
  if (found == counter_shares_.end() || found->segment != segment || found->counter != counter) {
    found = counter_shares_.insert(found, CounterShare{segment, counter, 0, 0, 0});
  }
  return *found;
}

std::optional<std::uint64_t> Worksheet::ceiling(const tariffs::Tariff& tariff,
                                                const tariffs::CeilingRule& rule) const {
  return ceiling_of(*account_, engine::owner_of(tariff, rule, subscriber_), rule, counted_at_);
}

std::uint64_t Worksheet::counted(const tariffs::CounterRule& rule, bool with_held) const {
  const CounterWork* const counter = find_counter(rule);
  if (counter == nullptr) return 0;
  return static_cast<std::uint64_t>(with_held ? saturating_add(counter->value, counter->held)
                                              : counter->value);
}

bool Worksheet::is_counted_by(std::uint16_t index, const tariffs::CounterRule& rule) const {
  const Segment& segment = segments_[index].now;
  return (rule.unit == Unit::money || rule.unit == segment.terms.unit) &&
         rule.counts(segment.service, segment.rating_group, segment.situations);
}

// Visits the counters that count the segment: visit(tariff, index of the rule, rule).
template <class Visit>
void Worksheet::visit_counters(std::uint16_t index, Visit visit) {
  const tariffs::Tariff* const tariff = segments_[index].tariff;
  if (tariff == nullptr) return;
  const std::vector<tariffs::CounterRule>& rules = tariff->counters();
  for (const std::uint16_t i : segments_[index].counting) {
    if (is_counted_by(index, rules[i])) visit(*tariff, i, rules[i]);
  }
}

// A value stays within what an account may count, whatever clients report.
void Worksheet::add_counted(std::uint16_t index, const tariffs::Tariff& tariff,
                            const tariffs::CounterRule& rule, std::int64_t amount) {
  if (amount == 0) return;
  CounterWork& counter = counter_of(tariff, rule);
  const std::int64_t counted =
      std::clamp(amount, -counter.value, std::numeric_limits<std::int64_t>::max() - counter.value);
  counter.value += counted;
  counter_share(index, counter.number).counted += counted;
}

void Worksheet::count_units(std::uint16_t index, std::int64_t chargeable, std::int64_t priced) {
  visit_counters(
      index, [&](const tariffs::Tariff& tariff, std::uint16_t, const tariffs::CounterRule& rule) {
        if (rule.unit == Unit::money) return;
        add_counted(index, tariff, rule, rule.is_paid ? priced : chargeable);
      });
}

void Worksheet::count_money(std::uint16_t index, std::int64_t micros) {
  visit_counters(
      index, [&](const tariffs::Tariff& tariff, std::uint16_t, const tariffs::CounterRule& rule) {
        if (rule.unit == Unit::money) add_counted(index, tariff, rule, micros);
      });
}

void Worksheet::hold_counted(std::uint16_t index, std::int64_t chargeable, std::int64_t priced,
                             std::int64_t micros) {
  visit_counters(index, [&](const tariffs::Tariff& tariff, std::uint16_t which,
                            const tariffs::CounterRule& rule) {
    const std::int64_t amount = rule.unit == Unit::money ? micros
                                : rule.is_paid           ? priced
                                                         : chargeable;
    if (amount == 0 || !tariff.goes_by(which)) return;
    CounterWork& counter = counter_of(tariff, rule);
    const std::int64_t held =
        std::min(amount, std::numeric_limits<std::int64_t>::max() - counter.held);
    counter.held += held;
    counter_share(index, counter.number).held += held;
  });
}

std::uint64_t Worksheet::units_until(std::uint16_t index, const tariffs::CounterRule& rule,
                                     std::uint64_t distance, std::uint64_t most) const {
  const Segment& segment = segments_[index].now;
  const PriceTerms& terms = segment.terms;
  const std::uint64_t begun = chargeable_units(terms, segment.used);
  std::uint64_t reach = distance;  // in chargeable units
  if (rule.unit == Unit::money || rule.is_paid) {
    const std::int64_t allowance = left(segment, Pays::units);
    const auto free = static_cast<std::uint64_t>(allowance);
    if (rule.unit == Unit::money) {
      const std::int64_t setup = segment.used == 0 ? setup_micros(terms) : 0;
      const std::int64_t budget = clamp_signed(distance) - 1 - setup;
      const std::int64_t below =
          budget < 0 ? 0
                     : most_for(index, priced_before(index, allowance), clamp_signed(most), budget);
      reach = saturating_add(static_cast<std::uint64_t>(below), terms.step);
    }
    reach = saturating_add(reach, free);
  }
  const std::uint64_t end = saturating_add(begun, reach);
  const std::uint64_t rest = end % terms.step;
  const std::uint64_t in_steps = rest == 0 ? end : saturating_add(end, terms.step - rest);
  return std::clamp<std::uint64_t>(in_steps - segment.used, 1, std::max<std::uint64_t>(most, 1));
}

// The values that the ledger is to say were reached: thresholds of the counter, ceilings and parts
// of them as they are for its owner.
void Worksheet::note_reached(const CounterWork& counter, Entry& entry) const {
  const auto note = [&](std::uint64_t value) {
    if (static_cast<std::uint64_t>(counter.before) < value &&
        value <= static_cast<std::uint64_t>(counter.value)) {
      entry.thresholds.push_back({counter.number, value});
    }
  };
  std::ranges::for_each(counter.rule->thresholds, note);
  for (const tariffs::CeilingRule& rule : counter.tariff->ceilings()) {
    if (&counter.tariff->counters()[rule.counter] != counter.rule) continue;
    const Time time = std::clamp(counted_at_, counter.span.from, counter.span.to - Duration(1));
    const std::optional<std::uint64_t> at = ceiling_of(*account_, counter.owner, rule, time);
    if (!at) continue;
    for (const std::uint8_t percent : rule.notes) {
      const auto part = (base::Uint128{*at} * percent + 99) / 100;
      note(static_cast<std::uint64_t>(part));
    }
    note(*at);
  }
}

void Worksheet::write_counters(Entry& entry) const {
  for (std::size_t i = 0; i < counters_.size(); ++i) {
    const CounterWork& counter = counters_[i];
    if (i >= counters_known_) {
      entry.counter_openings.push_back({counter.number, counter.owner, counter.rule->unit,
                                        counter.key, counter.rule->name, counter.span});
    }
    if (counter.rule == nullptr) continue;
    note_reached(counter, entry);
  }
  for (const CounterShare& share : counter_shares_) {
    const std::int64_t held = share.held - share.held_before;
    if (share.counted != 0 || held != 0) {
      entry.counter_changes.push_back({share.counter, share.segment, share.counted, held});
    }
  }
}

}  // namespace farthing::engine
