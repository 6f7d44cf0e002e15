#include "tariffs/explain.h"

#include "engine/base/assert.h"
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

template <class... Arguments>
void line(Text& text, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Arguments>(arguments)...);
  text.push_back('\n');
}

// Why a rule that won did so; at facts.time.
std::string reasons_text(const Tariff& tariff, const Rule& rule, const Facts& facts) {
  const Conditions& conditions = rule.conditions;
  std::vector<std::string> reasons;
  if (!conditions.zones.empty()) {
    const std::string called = tariff.called_number(facts);
    const auto zone = tariff.zones()->find(called);
    reasons.push_back(fmt::format("{} is in zone {}", called, tariff.zones()->zones()[*zone]));
  }
  if (conditions.times) {
    const Calendar& calendar = tariff.calendars()[conditions.times->calendar];
    reasons.push_back(
        fmt::format("{} is {} in calendar {}", local_time_text(tariff.time_zone(), *facts.time),
                    calendar.classes()[calendar.class_at(*facts.time).value], calendar.name()));
  }
  if (!conditions.called_numbers.empty()) {
    const std::string called = tariff.called_number(facts);
    reasons.push_back(
        fmt::format("the number is {}", called.empty() ? facts.dialled_number : called));
  }
  if (!conditions.access_points.empty()) {
    reasons.push_back(fmt::format("the access point is {}", facts.access_point));
  }
  if (!conditions.rat_types.empty()) {
    reasons.push_back(fmt::format("the RAT type is {}", *facts.rat_type));
  }
  if (!conditions.serving_networks.empty()) {
    reasons.push_back(fmt::format("the serving network is {}", facts.serving_network));
  }
  if (reasons.empty()) return "it has no conditions, and none before it holds";
  return fmt::format("{}", fmt::join(reasons, ", and "));
}

// For which the rule of a piece won first.
Facts facts_of(const PriceBreakdown& breakdown, const PricePiece& piece) {
  Facts facts = breakdown.facts;
  if (!piece.stretches.empty()) facts.time = piece.stretches.front().first;
  return facts;
}

PricePiece& piece_of(PriceBreakdown& breakdown, const Rule* rule) {
  for (PricePiece& piece : breakdown.pieces) {
    if (piece.rule == rule) return piece;
  }
  return breakdown.pieces.emplace_back(PricePiece{.rule = rule});
}

// As a session is charged. False: the price leaves the range of money.
bool price_piece(PricePiece& piece, bool is_first) {
  const PriceTerms& terms = is_first ? *piece.rule->terms : piece.rule->continued;
  piece.chargeable = chargeable_units(terms, piece.units);
  const std::optional<Money> price = price_of(terms, piece.chargeable);
  if (piece.units > 0) piece.setup = terms.setup;
  // Where the steps above it are beyond 64 bits, chargeable_units rounds down.
  if (piece.chargeable < piece.units || !price) return false;
  piece.price = *price;
  return add(piece.price, piece.setup, piece.total);
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
  return fmt::format("{} for each {}", shape.cap.to_string(),
                     units_text(terms.unit, shape.cap_every));
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
  return text + fmt::format(", rounded {}", rounding_name(terms.rounding));
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
  if (breakdown.unit != Unit::seconds || !facts.time || units == 0) {
    breakdown.pieces.push_back({.rule = first, .units = units});
  } else {
    // What goes beyond the span is of the last stretch.
    const auto seconds = static_cast<std::int64_t>(std::min(units, split_seconds_max));
    const base::Time end = *facts.time + std::chrono::seconds(seconds);
    std::uint64_t left = units;
    tariff.split(service_context, rating_group, facts, *facts.time, end, split_borders_max,
                 [&](const Rule* rule, base::Time from, base::Time to) {
                   const auto stretch = std::chrono::ceil<std::chrono::seconds>(to - from).count();
                   const std::uint64_t part =
                       to == end ? left : static_cast<std::uint64_t>(stretch);
                   PricePiece& piece = piece_of(breakdown, rule);
                   piece.stretches.emplace_back(from, to);
                   piece.units += part;
                   left -= part;
                 });
  }
  for (PricePiece& piece : breakdown.pieces) {
    FARTHING_ASSERT(piece.rule != nullptr);  // where one rule wins, one does at any time
    if (!piece.rule->terms) {
      return PriceFailure{Reason::no_price, piece.rule, facts_of(breakdown, piece)};
    }
    const bool is_first = &piece == breakdown.pieces.data();
    if (!price_piece(piece, is_first) || !add(breakdown.total, piece.total, breakdown.total)) {
      return PriceFailure{.reason = Reason::too_large, .rule = piece.rule};
    }
    breakdown.chargeable += piece.chargeable;
  }
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
    line(text, "rule {} of tariff {} (line {}): {}", rule.name, tariff.name(), rule.line,
         terms_text(*rule.terms, tariff.currency()));
    if (tariff.has_conditions()) {
      line(text, "because {}", reasons_text(tariff, rule, facts_of(breakdown, piece)));
    }
    if (breakdown.pieces.size() > 1) {
      for (const auto& [from, to] : piece.stretches) {
        line(text, "from {} to {}", local_time_text(tariff.time_zone(), from),
             local_time_text(tariff.time_zone(), to));
      }
    }
    line(text, "used {}", units_text(breakdown.unit, piece.units));
    line(text, "charged for {}", units_text(breakdown.unit, piece.chargeable));
    line(text, "price {}", piece.price.to_string());
    if (piece.setup.micros > 0) line(text, "set-up {}", piece.setup.to_string());
  }
  line(text, "total {} {}", breakdown.total.to_string(), tariff.currency());
  return fmt::to_string(text);
}

}  // namespace farthing::tariffs
