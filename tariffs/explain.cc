#include "tariffs/explain.h"

#include "engine/base/assert.h"
#include "tariffs/local_time.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <iterator>
#include <limits>

namespace farthing::tariffs {
namespace {

using Text = fmt::memory_buffer;

template <class... Arguments>
void line(Text& text, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Arguments>(arguments)...);
  text.push_back('\n');
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

void describe_service(Text& text, const Tariff& tariff, const Service& service) {
  line(text, "service {}: {}, in {}", service.name, service.context, unit_name(service.unit));
  for (const auto& [group, name] : service.rating_groups) {
    line(text, "  rating group {} is {}", group.value, name);
  }
  const Rule* any = nullptr;
  for (const Rule& rule : tariff.rules()) {
    if (rule.service != service.key) continue;
    any = &rule;
    line(text, "  {}: {} (line {})", rule.name,
         rule.terms ? terms_text(*rule.terms, tariff.currency()) : std::string("no price"),
         rule.line);
  }
  if (any == nullptr) return;
  const QuotaRule& quota = any->quota;
  line(text, "  grants: up to {}, {} where nothing is asked for, at least {}, valid for {}",
       units_text(service.unit, quota.maximum), units_text(service.unit, quota.standard),
       units_text(service.unit, quota.minimum), duration_text(quota.validity));
}

void describe_offer(Text& text, const Tariff& tariff, const Offer& offer) {
  line(text, "offer {}: {} for {} {}, valid for {}", offer.name,
       units_text(offer.unit, offer.allowance), offer.fee.to_string(), tariff.currency(),
       duration_text(offer.validity));
  for (const Coverage& coverage : offer.coverage) {
    line(
        text, "  covers {}/{}", tariff.service_name(coverage.service),
        coverage.rating_group ? fmt::format("{}", coverage.rating_group->value) : std::string("*"));
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
  return fmt::format("{} for each {}", shape.cap.to_string(),
                     units_text(terms.unit, shape.cap_every));
}

std::string describe_tariff(const Tariff& tariff) {
  Text text;
  const std::string& zone = tariff.time_zone();
  line(text, "tariff {}", tariff.name());
  line(text, "currency {} ({})", tariff.currency(), tariff.currency_code());
  line(text, "time zone {}", zone);
  line(text, "valid from {}", local_time_text(zone, tariff.valid_from()));
  if (const auto until = tariff.valid_until()) {
    line(text, "valid until {}", local_time_text(zone, *until));
  }
  for (const Service& service : tariff.services()) describe_service(text, tariff, service);
  for (const Offer& offer : tariff.offers()) describe_offer(text, tariff, offer);
  return fmt::to_string(text);
}

base::Result<PriceBreakdown, PriceError> price_units(const Tariff& tariff,
                                                     std::string_view service_context,
                                                     std::optional<RatingGroup> rating_group,
                                                     std::uint64_t units) {
  PriceBreakdown breakdown;
  breakdown.rule = tariff.find(service_context, rating_group);
  if (breakdown.rule == nullptr) return PriceError::unknown_service;
  if (!breakdown.rule->terms) return PriceError::no_price;
  const PriceTerms& terms = *breakdown.rule->terms;
  breakdown.unit = terms.unit;
  breakdown.units = units;
  breakdown.chargeable = chargeable_units(terms, units);
  const std::optional<Money> price = price_of(terms, breakdown.chargeable);
  if (units > 0) breakdown.setup = terms.setup;
  // Where the steps above it are beyond 64 bits, chargeable_units rounds down.
  const bool is_beyond = breakdown.chargeable < units;
  if (is_beyond || !price || !add(*price, breakdown.setup, breakdown.total)) {
    return PriceError::too_large;
  }
  breakdown.price = *price;
  return breakdown;
}

std::string_view price_error_text(PriceError error) {
  switch (error) {
    case PriceError::unknown_service:
      return "the tariff has no rule for it";
    case PriceError::no_price:
      return "it is known and has no price";
    case PriceError::too_large:
      return "the price is beyond what can be counted";
  }
  FARTHING_ASSERT(false);
  return {};
}

std::string describe_price(const Tariff& tariff, const PriceBreakdown& breakdown) {
  const Rule& rule = *breakdown.rule;
  Text text;
  line(text, "rule {} of tariff {} (line {}): {}", rule.name, tariff.name(), rule.line,
       terms_text(*rule.terms, tariff.currency()));
  line(text, "used {}", units_text(breakdown.unit, breakdown.units));
  line(text, "charged for {}", units_text(breakdown.unit, breakdown.chargeable));
  line(text, "price {}", breakdown.price.to_string());
  if (rule.terms->setup.micros > 0) line(text, "set-up {}", breakdown.setup.to_string());
  line(text, "total {} {}", breakdown.total.to_string(), tariff.currency());
  return fmt::to_string(text);
}

}  // namespace farthing::tariffs
