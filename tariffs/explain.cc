#include "tariffs/explain.h"

#include "engine/base/assert.h"
#include "engine/base/saturating.h"
#include "tariffs/local_time.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

namespace farthing::tariffs {
namespace {

using Text = fmt::memory_buffer;

// How far ahead and at how many borders usage of time is split.
constexpr std::uint64_t split_seconds_max = 366 * 86'400;
constexpr std::size_t split_borders_max = 10'000;
constexpr std::uint64_t units_max = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t countable_max = units_max / 8;  // so that sums of a few never overflow

template <class... Arguments>
void line(Text& text, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Arguments>(arguments)...);
  text.push_back('\n');
}

// "the access point is one of ims, internet": of what holds no more, or is not known.
template <class Values>
std::string condition_text(std::string_view what, const Values& values) {
  return fmt::format("{} {}{}", what, values.size() == 1 ? "" : "one of ", fmt::join(values, ", "));
}

// The classes of a condition on time.
std::vector<std::string> class_names(const Calendar& calendar, std::uint64_t classes) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < calendar.classes().size(); ++i) {
    if ((classes >> i & 1) != 0) names.push_back(calendar.classes()[i]);
  }
  return names;
}

std::string zone_reason(const Tariff& tariff, const Conditions& conditions, const Facts& facts) {
  const std::string called = tariff.called_number(facts);
  const auto zone = tariff.zones()->find(called, facts.routing_number);
  const std::vector<std::string>& names = tariff.zones()->zones();
  if (zone && std::ranges::find(conditions.zones, *zone) != conditions.zones.end()) {
    return facts.routing_number.empty() ? fmt::format("{} is in zone {}", called, names[*zone])
                                        : fmt::format("{}, routed to {}, is in zone {}", called,
                                                      facts.routing_number, names[*zone]);
  }
  std::vector<std::string> zones;
  for (const std::uint16_t index : conditions.zones) zones.push_back(names[index]);
  return condition_text("the zone was", zones);
}

std::string visited_time_text(base::Time time, std::chrono::seconds offset) {
  std::string text = local_time_text("UTC", time + offset);
  if (text.ends_with('Z')) text.pop_back();
  return text;
}

std::string time_reason(const Tariff& tariff, const Conditions::Times& times, const Facts& facts) {
  const Calendar& calendar = tariff.calendars()[times.calendar];
  if (facts.time) {
    const auto time_class = calendar.class_at(*facts.time, facts.visited_offset).value;
    if ((times.classes >> time_class & 1) != 0) {
      const bool is_visited = calendar.is_visited() && facts.visited_offset;
      return fmt::format("{}{} is {} in calendar {}",
                         is_visited ? visited_time_text(*facts.time, *facts.visited_offset)
                                    : local_time_text(tariff.time_zone(), *facts.time),
                         is_visited ? " where the subscriber is" : "",
                         calendar.classes()[time_class], calendar.name());
    }
  }
  return fmt::format("{} in calendar {}",
                     condition_text("the time was", class_names(calendar, times.classes)),
                     calendar.name());
}

std::string counted_reason(const Tariff& tariff, const Counted& counted) {
  if (const CeilingRule* const ceiling = tariff.ceiling_of(counted.counter)) {
    return fmt::format("ceiling {} is reached", ceiling->name);
  }
  const CounterRule& counter = tariff.counters()[counted.counter];
  std::string range;
  if (counted.from > 0) range = fmt::format(" at least {}", units_text(counter.unit, counted.from));
  if (counted.below < std::numeric_limits<std::uint64_t>::max()) {
    range += fmt::format("{} below {}", range.empty() ? "" : " and",
                         units_text(counter.unit, counted.below));
  }
  return fmt::format("counter {} is{}", counter.name, range);
}

std::string subscriber_reason(const Conditions::OfSubscriber& asked, const Facts& facts) {
  const std::string_view value = value_of(facts.subscriber, asked.name);
  if (std::ranges::find(asked.values, value) != asked.values.end()) {
    return fmt::format("{} is {}", asked.name, value);
  }
  return condition_text(asked.name + " was", asked.values);
}

// All units together are of the band that they reach.
std::string slab_at(const PriceTerms& terms, std::uint64_t to) {
  const std::vector<PriceBand>& bands = terms.shape->bands;
  const auto band = std::ranges::find_if(bands, [to](const PriceBand& b) { return to <= b.upto; });
  const Money amount = band == bands.end() ? terms.amount : band->amount;
  return fmt::format("all {} at {}", units_text(terms.unit, to), amount.to_string());
}

// How many of the units are of which band: "1 GiB at 0.300000, 5 MiB at 0.100000".
std::string bands_between(const PriceTerms& terms, std::uint64_t from, std::uint64_t to) {
  std::vector<std::string> parts;
  const auto add = [&](std::uint64_t upto, Money amount) {
    const std::uint64_t end = std::min(upto, to);
    if (from >= end) return;
    parts.push_back(
        fmt::format("{} at {}", units_text(terms.unit, end - from), amount.to_string()));
    from = end;
  };
  for (const PriceBand& band : terms.shape->bands) add(band.upto, band.amount);
  add(units_max, terms.amount);
  return fmt::format("{}", fmt::join(parts, ", "));
}

// How much more the units would cost without the cap.
Money saved_by_cap(const PriceTerms& terms, std::uint64_t from, std::uint64_t to) {
  if (terms.shape->cap_every == 0) return {};
  const auto cost = [from, to](const PriceTerms& of) -> std::optional<std::int64_t> {
    const std::optional<Money> begin = price_of(of, from);
    const std::optional<Money> end = price_of(of, to);
    if (!begin || !end) return std::nullopt;
    return end->micros - begin->micros;
  };
  PriceTerms uncapped = terms;
  uncapped.shape = std::make_shared<const PriceShape>(
      PriceShape{.bands = terms.shape->bands, .is_slab = terms.shape->is_slab});
  const auto with = cost(terms);
  const auto without = cost(uncapped);
  return with && without ? Money(*without - *with) : Money();
}

// For which the rule of a piece won first.
Facts facts_of(const PriceBreakdown& breakdown, const PricePiece& piece) {
  Facts facts = breakdown.facts;
  if (!piece.stretches.empty()) facts.time = piece.stretches.front().first;
  return facts;
}

// Prices usage stretch by stretch, and within one unit by unit as far as counters make other rules
// win.
class Pricer {
 public:
  Pricer(const Tariff& tariff, std::string_view context, std::optional<RatingGroup> group,
         PriceBreakdown& breakdown)
      : tariff_(tariff),
        context_(context),
        group_(group),
        breakdown_(breakdown),
        counted_(breakdown.facts.counted.begin(), breakdown.facts.counted.end()),
        begun_(tariff.counters().size()) {
    counted_.resize(tariff.counters().size());
    reach_ceilings();
    if (!breakdown.facts.time) return;
    for (std::size_t i = 0; i < begun_.size(); ++i) begun_[i] = begin_of(i, *breakdown.facts.time);
  }

  // Used from `from` to `to`, or at once. nullopt: it has a price; else why it has none.
  std::optional<PriceFailure> add(std::uint64_t units, std::optional<base::Time> from,
                                  std::optional<base::Time> to) {
    if (from) begin_periods(*from);
    if (tariff_.has_counters() && units > countable_max) {
      return PriceFailure{.reason = PriceFailure::Reason::too_large};
    }
    do {
      Facts facts = breakdown_.facts;
      if (from) facts.time = from;
      facts.counted = counted_;
      const Rule* const rule = tariff_.find(context_, group_, facts);
      FARTHING_ASSERT(rule != nullptr);  // where one rule wins, one does at any time
      facts.counted = {};
      if (!rule->terms) return PriceFailure{PriceFailure::Reason::no_price, rule, facts};
      PricePiece& piece = piece_of(*rule);
      const std::uint64_t part = units_of(piece, units);
      if (from && (piece.stretches.empty() || piece.stretches.back() != std::pair(*from, *to))) {
        piece.stretches.emplace_back(*from, *to);
      }
      if (!charge(piece, part)) return PriceFailure{PriceFailure::Reason::too_large, rule, {}};
      units -= part;
    } while (units > 0);
    return std::nullopt;
  }

 private:
  base::Time begin_of(std::size_t counter, base::Time time) const {
    return tariff_.span_of(tariff_.counters()[counter], time, breakdown_.facts.billing_day).from;
  }

  void begin_periods(base::Time time) {
    for (std::size_t i = 0; i < begun_.size(); ++i) {
      const base::Time begin = begin_of(i, time);
      if (begin == begun_[i]) continue;
      begun_[i] = begin;
      counted_[i] = 0;
    }
    reach_ceilings();
  }

  // As they are for everybody.
  void reach_ceilings() {
    counted_.resize(tariff_.counters().size());
    for (const CeilingRule& ceiling : tariff_.ceilings()) {
      counted_.push_back(counted_[ceiling.counter] >= ceiling.at ? 1 : 0);
    }
  }

  PricePiece& piece_of(const Rule& rule) {
    std::vector<PricePiece>& pieces = breakdown_.pieces;
    for (PricePiece& piece : pieces) {
      // One that goes by a counter goes on only where it ended.
      if (piece.rule != &rule) continue;
      if (!rule.over || counted_[*rule.over] == piece.counted_before + piece.chargeable) {
        return piece;
      }
    }
    PricePiece& piece = pieces.emplace_back(PricePiece{.rule = &rule});
    if (rule.over) piece.counted_before = counted_[*rule.over];
    return piece;
  }

  const PriceTerms& terms_of(const PricePiece& piece) const {
    return &piece == breakdown_.pieces.data() ? *piece.rule->terms : piece.rule->continued;
  }

  // How many of the units the piece's rule prices before a counter makes another one win.
  std::uint64_t units_of(const PricePiece& piece, std::uint64_t units) const {
    const PriceTerms& terms = terms_of(piece);
    std::uint64_t part = units;
    for (std::uint16_t i = 0; i < counted_.size(); ++i) {
      const auto threshold = tariff_.prices(context_, group_)->next_threshold(i, counted_[i]);
      if (!threshold) continue;
      const CeilingRule* const ceiling = tariff_.ceiling_of(i);
      const std::uint16_t which = ceiling == nullptr ? i : ceiling->counter;
      const CounterRule& counter = tariff_.counters()[which];
      if (!counter.counts(piece.rule->service, group_, piece.rule->holding)) continue;
      const std::uint64_t value = ceiling == nullptr ? *threshold : ceiling->at;
      std::uint64_t reach = std::min(value - counted_[which], countable_max);
      if (counter.unit == Unit::money) reach = units_below(piece, terms, reach, units) + terms.step;
      const std::uint64_t end = piece.chargeable + reach;
      const std::uint64_t in_steps = (end + terms.step - 1) / terms.step * terms.step;
      part = std::min(part, std::max<std::uint64_t>(in_steps - piece.units, 1));
    }
    return part;
  }

  // The most units more that cost less than `micros`.
  static std::uint64_t units_below(const PricePiece& piece, const PriceTerms& terms,
                                   std::uint64_t micros, std::uint64_t most) {
    const std::uint64_t from = piece.counted_before + piece.chargeable;
    const std::optional<Money> before = price_of(terms, from);
    Money budget;
    if (!before || micros > static_cast<std::uint64_t>(INT64_MAX) ||
        !tariffs::add(*before, Money(static_cast<std::int64_t>(micros) - 1), budget)) {
      return most;
    }
    const std::uint64_t affordable = affordable_units(terms, budget, from + most, from);
    return affordable > from ? affordable - from : 0;
  }

  // As a session is charged. False: the price leaves the range of money.
  bool charge(PricePiece& piece, std::uint64_t units) {
    const PriceTerms& terms = terms_of(piece);
    const std::uint64_t chargeable = piece.chargeable;
    const Money total = piece.total;
    piece.units += units;
    piece.chargeable = chargeable_units(terms, piece.units);
    const std::optional<Money> from = price_of(terms, piece.counted_before);
    std::uint64_t end = 0;
    if (__builtin_add_overflow(piece.counted_before, piece.chargeable, &end)) return false;
    const std::optional<Money> to = price_of(terms, end);
    if (piece.units > 0) piece.setup = terms.setup;
    // Where the steps above it are beyond 64 bits, chargeable_units rounds down.
    if (piece.chargeable < piece.units || !from || !to) return false;
    piece.price = Money(to->micros - from->micros);
    if (!tariffs::add(piece.price, piece.setup, piece.total)) return false;
    const std::int64_t more = piece.total.micros - total.micros;
    for (std::size_t i = 0; i < tariff_.counters().size(); ++i) {
      const CounterRule& counter = tariff_.counters()[i];
      if (!counter.counts(piece.rule->service, group_, piece.rule->holding)) continue;
      if (counter.unit == Unit::money) {
        count_money(counted_[i], more);
      } else if (counter.unit == terms.unit) {
        counted_[i] = base::saturating_add(counted_[i], piece.chargeable - chargeable);
      }
    }
    reach_ceilings();
    breakdown_.chargeable += piece.chargeable - chargeable;
    return tariffs::add(breakdown_.total, Money(more), breakdown_.total);
  }

  // Less where a slab falls.
  static void count_money(std::uint64_t& value, std::int64_t micros) {
    if (micros >= 0) {
      value = base::saturating_add(value, static_cast<std::uint64_t>(micros));
      return;
    }
    value -= std::min(value, static_cast<std::uint64_t>(-micros));
  }

  const Tariff& tariff_;
  std::string_view context_;
  std::optional<RatingGroup> group_;
  PriceBreakdown& breakdown_;
  std::vector<std::uint64_t> counted_;  // and whether ceilings are reached
  std::vector<base::Time> begun_;       // of each counter's period at hand
};

std::string group_reason(const Tariff& tariff, const Conditions& conditions, const Facts& facts) {
  Conditions only;
  only.groups = conditions.groups;
  if (!only.hold_without_tables(facts)) {
    return condition_text("the other party was of the same", conditions.groups);
  }
  const std::string other = tariff.other_party(facts);
  return fmt::format("{} is of the same {}", other.empty() ? "the other party" : other,
                     facts.common_groups);
}

void add_reasons(const Tariff& tariff, const Conditions& conditions, const Facts& facts,
                 std::vector<std::string>& reasons) {
  if (!conditions.zones.empty()) reasons.push_back(zone_reason(tariff, conditions, facts));
  if (conditions.times) reasons.push_back(time_reason(tariff, *conditions.times, facts));
  for (const Counted& counted : conditions.counted) {
    reasons.push_back(counted_reason(tariff, counted));
  }
  if (!conditions.called_numbers.empty()) {
    const std::string called = tariff.called_number(facts);
    const std::string number = called.empty() ? std::string(facts.dialled_number) : called;
    reasons.push_back(number.empty() ? condition_text("the number was", conditions.called_numbers)
                                     : fmt::format("the number is {}", number));
  }
  if (!conditions.legs.empty()) {
    reasons.push_back(fmt::format("the leg is {}", leg_name(facts.leg)));
  }
  if (!conditions.groups.empty()) {
    reasons.push_back(group_reason(tariff, conditions, facts));
  }
  if (!conditions.access_points.empty()) {
    reasons.push_back(facts.access_point.empty()
                          ? condition_text("the access point was", conditions.access_points)
                          : fmt::format("the access point is {}", facts.access_point));
  }
  if (!conditions.rat_types.empty()) {
    reasons.push_back(facts.rat_type ? fmt::format("the RAT type is {}", *facts.rat_type)
                                     : condition_text("the RAT type was", conditions.rat_types));
  }
  if (!conditions.serving_networks.empty()) {
    reasons.push_back(facts.serving_network.empty()
                          ? condition_text("the serving network was", conditions.serving_networks)
                          : fmt::format("the serving network is {}", facts.serving_network));
  }
  for (const Conditions::OfSubscriber& asked : conditions.subscriber) {
    reasons.push_back(subscriber_reason(asked, facts));
  }
}

}  // namespace

std::string units_text(Unit unit, std::uint64_t units) {
  switch (unit) {
    case Unit::octets:
      return octets_text(units);
    case Unit::seconds:
      return duration_text(std::chrono::seconds(units));
    case Unit::events:
      return fmt::format("{} {}", units, units == 1 ? "event" : "events");
    case Unit::money:
      return fmt::format("{}.{:06}", units / 1'000'000, units % 1'000'000);
  }
  FARTHING_ASSERT(false);
  return {};
}

std::string bands_text(const PriceTerms& terms) {
  if (terms.shape == nullptr || terms.shape->bands.empty()) return {};
  std::string text;
  for (const PriceBand& band : terms.shape->bands) {
    text +=
        fmt::format("{} up to {}, ", band.amount.to_string(), units_text(terms.unit, band.upto));
  }
  return text + "then " + terms.amount.to_string();
}

std::string cap_text(const PriceTerms& terms) {
  if (terms.shape == nullptr || terms.shape->cap_every == 0) return {};
  const PriceShape& shape = *terms.shape;
  if (shape.cap_every == std::numeric_limits<std::uint64_t>::max()) {
    return shape.cap.to_string() + " in all";
  }
  const std::string each =
      fmt::format("{} for each {}", shape.cap.to_string(), units_text(terms.unit, shape.cap_every));
  return shape.cap_in_all ? fmt::format("{} and {} in all", each, shape.cap_in_all->to_string())
                          : each;
}

std::string terms_text(const PriceTerms& terms, std::string_view currency) {
  const std::string bands = bands_text(terms);
  const std::string cap = cap_text(terms);
  std::string text = fmt::format("{} {} per {}", bands.empty() ? terms.amount.to_string() : bands,
                                 currency, units_text(terms.unit, terms.block));
  if (!bands.empty() && terms.shape->is_slab) text += ", for all units what they reach together";
  if (!cap.empty()) text += ", never more than " + cap;
  if (terms.step > 1) text += fmt::format(", in steps of {}", units_text(terms.unit, terms.step));
  if (terms.minimum > 0) {
    text += fmt::format(", at least {}", units_text(terms.unit, terms.minimum));
  }
  if (terms.setup.micros > 0) text += fmt::format(", set-up {}", terms.setup.to_string());
  if (terms.tax) text += fmt::format(", {} % tax included", terms.tax->to_string());
  if (terms.paid_from == PaidFrom::prepaid) text += ", never paid from the credit limit";
  return text + fmt::format(", rounded {}", rounding_name(terms.rounding));
}

std::string rule_text(const Tariff& tariff, const Rule& rule, const PriceTerms& terms) {
  return fmt::format("rule {} of tariff {} (line {}): {}", rule.name, tariff.name(), rule.line,
                     terms_text(terms, tariff.currency()));
}

std::string reasons_text(const Tariff& tariff, const Rule& rule, const Facts& facts) {
  std::vector<std::string> reasons;
  add_reasons(tariff, rule.conditions, facts, reasons);
  for (const std::uint16_t index : rule.adjustments) {
    add_reasons(tariff, tariff.adjustments()[index].conditions, facts, reasons);
  }
  for (const std::uint16_t index : rule.situations) {
    add_reasons(tariff, tariff.situations()[index].conditions, facts, reasons);
  }
  if (reasons.empty()) return "it has no conditions, and none before it holds";
  return fmt::format("{}", fmt::join(reasons, ", and "));
}

std::string shape_text(const PriceTerms& terms, std::uint64_t from, std::uint64_t to) {
  if (terms.shape == nullptr || from >= to) return {};
  Text text;
  if (!terms.shape->bands.empty()) {
    const bool is_slab = terms.shape->is_slab;
    line(text, "in {}: {}", is_slab ? "the slab" : "bands",
         is_slab ? slab_at(terms, to) : bands_between(terms, from, to));
  }
  const Money saved = saved_by_cap(terms, from, to);
  if (saved.micros > 0) line(text, "the cap takes off {}", saved.to_string());
  return fmt::to_string(text);
}

std::string usage_text(Unit unit, std::uint64_t units, std::uint64_t chargeable) {
  return fmt::format("used {}\ncharged for {}\n", units_text(unit, units),
                     units_text(unit, chargeable));
}

std::string amount_text(const PriceTerms& terms, std::uint64_t from, std::uint64_t to, Money price,
                        Money setup) {
  std::string text = shape_text(terms, from, to) + fmt::format("price {}\n", price.to_string());
  if (setup.micros > 0) text += fmt::format("set-up {}\n", setup.to_string());
  return text;
}

base::Result<PriceBreakdown, PriceFailure> price_units(const Tariff& tariff,
                                                       std::string_view service_context,
                                                       std::optional<RatingGroup> rating_group,
                                                       std::uint64_t units, const Facts& facts) {
  using Reason = PriceFailure::Reason;
  const Rule* const first = tariff.find(service_context, rating_group, facts);
  if (first == nullptr) return PriceFailure{.reason = Reason::unknown_service};
  if (!first->terms) return PriceFailure{Reason::no_price, first, facts};
  PriceBreakdown breakdown{.unit = first->terms->unit, .units = units, .facts = facts};
  Pricer pricer(tariff, service_context, rating_group, breakdown);
  std::optional<PriceFailure> failure;
  if (breakdown.unit != Unit::seconds || !facts.time || units == 0) {
    failure = pricer.add(units, facts.time, facts.time);
    for (PricePiece& piece : breakdown.pieces) piece.stretches.clear();
  } else {
    // What goes beyond the span is of the last stretch.
    const auto seconds = static_cast<std::int64_t>(std::min(units, split_seconds_max));
    const base::Time end = *facts.time + std::chrono::seconds(seconds);
    std::uint64_t left = units;
    const PriceList& prices = *tariff.prices(service_context, rating_group);
    prices.split(facts, *facts.time, end, split_borders_max,
                 [&](const Rule*, base::Time from, base::Time to) {
                   const auto stretch = std::chrono::ceil<std::chrono::seconds>(to - from).count();
                   const std::uint64_t part =
                       to == end ? left : static_cast<std::uint64_t>(stretch);
                   if (!failure) failure = pricer.add(part, from, to);
                   left -= part;
                 });
  }
  breakdown.facts.counted = {};  // viewed for its making only
  if (failure) return *failure;
  return breakdown;
}

std::string price_failure_text(const Tariff& tariff, const PriceFailure& failure) {
  switch (failure.reason) {
    case PriceFailure::Reason::unknown_service:
      return "the tariff has no rule for it";
    case PriceFailure::Reason::no_price: {
      const std::string text = fmt::format("rule {} (line {}) says that there is none",
                                           failure.rule->name, failure.rule->line);
      if (!tariff.has_conditions()) return text;
      return text + ", because " + reasons_text(tariff, *failure.rule, failure.facts);
    }
    case PriceFailure::Reason::too_large:
      return "the price is beyond what can be counted";
  }
  FARTHING_ASSERT(false);
  return {};
}

std::string describe_price(const Tariff& tariff, const PriceBreakdown& breakdown) {
  Text text;
  for (const PricePiece& piece : breakdown.pieces) {
    const Rule& rule = *piece.rule;
    line(text, "{}", rule_text(tariff, rule, *rule.terms));
    if (tariff.has_conditions()) {
      line(text, "because {}", reasons_text(tariff, rule, facts_of(breakdown, piece)));
    }
    for (const std::uint16_t index : rule.situations) {
      const Situation& situation = tariff.situations()[index];
      line(text, "{} (line {})", situation_text(situation), situation.line);
    }
    if (!rule.adjustments.empty()) {
      line(text, "as written {}", terms_text(*rule.plain, tariff.currency()));
      for (const std::uint16_t index : rule.adjustments) {
        const Adjustment& adjustment = tariff.adjustments()[index];
        line(text, "{} (line {})", adjustment_text(adjustment), adjustment.line);
      }
    }
    if (!rule.restrictions.are_none()) line(text, "it {}", restrictions_text(rule.restrictions));
    if (breakdown.pieces.size() > 1) {
      for (const auto& [from, to] : piece.stretches) {
        line(text, "from {} to {}", local_time_text(tariff.time_zone(), from),
             local_time_text(tariff.time_zone(), to));
      }
    }
    if (rule.over) {
      line(text, "counter {} says {} before", tariff.counters()[*rule.over].name,
           units_text(breakdown.unit, piece.counted_before));
    }
    text.append(usage_text(breakdown.unit, piece.units, piece.chargeable));
    const PriceTerms& terms = &piece == breakdown.pieces.data() ? *rule.terms : rule.continued;
    text.append(amount_text(terms, piece.counted_before, piece.counted_before + piece.chargeable,
                            piece.price, piece.setup));
    if (terms.tax) {
      line(text, "in it {} % tax {}", terms.tax->to_string(),
           tax_in(piece.total, *terms.tax, terms.rounding).to_string());
    }
  }
  line(text, "total {} {}", breakdown.total.to_string(), tariff.currency());
  return fmt::to_string(text);
}

}  // namespace farthing::tariffs
