#include "tariffs/tariff_warnings.h"

#include "tariffs/explain.h"
#include "tariffs/plain_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace farthing::tariffs {
namespace {

using Groups = std::set<std::pair<ServiceKey, RatingGroup>>;

// Rating groups that have a name, and neither a price of their own nor an allowance or a discount
// (`covered`).
void warn_of_groups(const PlacedService& placed, const Groups& covered, FileErrors& warnings) {
  std::set<std::optional<RatingGroup>> priced;
  for (const PlacedRule& rule : placed.rules) priced.insert(rule.rule.rating_group);
  for (const auto& [group, position] : placed.groups) {
    if (priced.contains(group) || covered.contains({placed.service.key, group})) continue;
    warnings.add(position,
                 fmt::format("rating group {} of service {} has no price of its own: it costs what "
                             "the default does",
                             group.value, in_quotes(placed.service.name)),
                 "a price for it, or no such rating group");
  }
}

void warn_of_steps(const PlacedRule& placed, FileErrors& warnings) {
  const PriceTerms& terms = *placed.rule.terms;
  if (terms.block % terms.step != 0 && terms.step % terms.block != 0) {
    const std::uint64_t charged = chargeable_units(terms, terms.block);
    warnings.add(placed.position,
                 fmt::format("{} is priced per {} in steps of {}: {} are charged as {}",
                             in_quotes(placed.rule.name), units_text(terms.unit, terms.block),
                             units_text(terms.unit, terms.step),
                             units_text(terms.unit, terms.block), units_text(terms.unit, charged)),
                 "a step that divides what the amount is for");
  }
  if (terms.minimum % terms.step != 0) {
    warnings.add(
        placed.position,
        fmt::format("the minimum of {}, {}, is no whole number of steps: it is charged as {}",
                    in_quotes(placed.rule.name), units_text(terms.unit, terms.minimum),
                    units_text(terms.unit, chargeable_units(terms, terms.minimum))),
        "a multiple of the step");
  }
  const std::uint64_t usual = placed.rule.quota.standard;
  if (usual > 0 && terms.minimum > usual) {
    warnings.add(placed.position,
                 fmt::format("the minimum of {}, {}, is above the standard grant of {}",
                             in_quotes(placed.rule.name), units_text(terms.unit, terms.minimum),
                             units_text(terms.unit, usual)),
                 "a smaller minimum, or a larger grant");
  }
}

// More usage costs less where a slab is cheaper than the one before, and the difference is given
// back.
void warn_of_falling_slabs(const PlacedRule& placed, FileErrors& warnings) {
  const PriceTerms& terms = *placed.rule.terms;
  if (terms.shape == nullptr || !terms.shape->is_slab) return;
  for (const PriceBand& band : terms.shape->bands) {
    const std::uint64_t last = band.upto - band.upto % terms.step;
    std::uint64_t next = 0;
    if (__builtin_add_overflow(last, terms.step, &next)) return;
    const std::optional<Money> before = price_of(terms, last);
    const std::optional<Money> after = price_of(terms, next);
    if (!before || !after || *after >= *before) continue;
    warnings.add(placed.position,
                 fmt::format("more usage costs less by {}: {} cost {}, {} cost {}",
                             in_quotes(placed.rule.name), units_text(terms.unit, last),
                             before->to_string(), units_text(terms.unit, next), after->to_string()),
                 "tiers, or a slab that costs as much");
  }
}

// What is wrong with an allowance for the rating group, or for the whole service: "" where there
// is something that it can pay.
std::string uselessness(const PlacedService& placed, std::optional<RatingGroup> group) {
  std::vector<const Rule*> prices;
  for (const PlacedRule& rule : placed.rules) {
    if (!group || rule.rule.rating_group == group) prices.push_back(&rule.rule);
  }
  if (prices.empty()) {
    for (const PlacedRule& rule : placed.rules) {
      if (!rule.rule.rating_group) prices.push_back(&rule.rule);
    }
  }
  const std::string what = group ? fmt::format("rating group {} of service {}", group->value,
                                               in_quotes(placed.service.name))
                                 : fmt::format("service {}", in_quotes(placed.service.name));
  if (std::ranges::none_of(prices, [](const Rule* rule) { return rule->terms.has_value(); })) {
    return what + " is never served";
  }
  const auto costs = [](const Rule* rule) {
    // Set-up charges are paid all the same; a subscription may be needed though there is no price.
    return rule->terms && (!is_free(*rule->terms) || rule->restrictions.needs_subscription);
  };
  return std::ranges::any_of(prices, costs) ? "" : what + " is free without it";
}

void warn_of_coverage(const PlacedOffer& offer, std::span<const PlacedService> services,
                      FileErrors& warnings) {
  for (const PlacedCoverage& placed : offer.coverage) {
    const auto service = std::ranges::find_if(services, [&](const PlacedService& known) {
      return known.service.key == placed.coverage.service;
    });
    if (service == services.end() || !service->is_complete) continue;
    const std::string why = uselessness(*service, placed.coverage.rating_group);
    if (why.empty()) continue;
    warnings.add(
        placed.position,
        fmt::format("nothing uses the allowance of {} here: {}", in_quotes(offer.offer.name), why),
        "something that has a price");
  }
}

// Nobody can have the subscription that a price asks for.
void warn_of_missing_offers(const PlacedService& service, std::span<const PlacedOffer> offers,
                            FileErrors& warnings) {
  for (const PlacedRule& placed : service.rules) {
    const Rule& rule = placed.rule;
    if (!rule.restrictions.needs_subscription) continue;
    const auto covers = [&rule](const Coverage& coverage) {
      return coverage.service == rule.service && (!coverage.rating_group || !rule.rating_group ||
                                                  coverage.rating_group == rule.rating_group);
    };
    if (std::ranges::any_of(offers, [&](const PlacedOffer& placed_offer) {
          return std::ranges::any_of(placed_offer.offer.coverage, covers);
        })) {
      continue;
    }
    warnings.add(placed.position,
                 fmt::format("nobody is served by {}: it needs a subscription, and no offer covers "
                             "it",
                             in_quotes(rule.name)),
                 "an offer that covers it");
  }
}

void warn_of_names(std::span<const PlacedOffer> offers, FileErrors& warnings) {
  std::map<std::string, const PlacedOffer*> seen;
  for (const PlacedOffer& offer : offers) {
    if (offer.offer.name.empty()) continue;
    const auto [known, is_new] = seen.emplace(lower_case(offer.offer.name), &offer);
    if (is_new || known->second->offer.name == offer.offer.name) continue;
    warnings.add(offer.position,
                 fmt::format("the offers {} and {} in line {} differ in case only",
                             in_quotes(offer.offer.name), in_quotes(known->second->offer.name),
                             known->second->position.line),
                 "names that people can tell apart");
  }
}

}  // namespace

void find_warnings(std::span<const PlacedService> services, std::span<const PlacedOffer> offers,
                   std::span<const PlacedAdjustment> adjustments, FileErrors& warnings) {
  Groups covered;
  const auto add = [&covered](const std::vector<Coverage>& coverage) {
    for (const Coverage& one : coverage) {
      if (one.rating_group) covered.emplace(one.service, *one.rating_group);
    }
  };
  for (const PlacedOffer& offer : offers) add(offer.offer.coverage);
  for (const PlacedAdjustment& placed : adjustments) add(placed.adjustment.coverage);
  for (const PlacedService& placed : services) {
    if (!placed.is_complete) continue;
    warn_of_groups(placed, covered, warnings);
    warn_of_missing_offers(placed, offers, warnings);
    for (const PlacedRule& rule : placed.rules) {
      if (!rule.rule.terms) continue;
      warn_of_steps(rule, warnings);
      warn_of_falling_slabs(rule, warnings);
    }
  }
  for (const PlacedOffer& offer : offers) warn_of_coverage(offer, services, warnings);
  warn_of_names(offers, warnings);
}

}  // namespace farthing::tariffs
