#include "tariffs/adjusted_rules.h"

#include "tariffs/grant_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>

namespace farthing::tariffs {
namespace {

constexpr std::size_t variants_max = 64;    // of one price
constexpr std::size_t rules_max = 300'000;  // of a tariff

// What is free stays free.
bool costs_anything(const Rule& rule) {
  return rule.terms && (!is_free(*rule.terms) || rule.terms->setup.micros > 0);
}

// A default price is not for the rating groups that have a last price of their own.
bool has_last_price(const PlacedService& service, RatingGroup group) {
  return std::ranges::any_of(service.rules, [group](const PlacedRule& placed) {
    return placed.rule.rating_group == group && placed.rule.conditions.are_none();
  });
}

bool includes(const std::vector<RatingGroup>& groups, const std::vector<RatingGroup>& others) {
  return groups.empty() || (!others.empty() && std::ranges::includes(groups, others));
}

// Whether they may begin or end to hold while a session lasts.
bool may_change(const Conditions& conditions) {
  return conditions.times || !conditions.counted.empty() || !conditions.serving_networks.empty() ||
         !conditions.rat_types.empty();
}

}  // namespace

RuleAdjuster::RuleAdjuster(std::span<const PlacedAdjustment> adjustments, Combine combine,
                           std::span<const PlacedSituation> situations, FileErrors& errors)
    : placed_(adjustments),
      combine_(combine),
      situations_(situations),
      errors_(errors),
      misses_(count()),
      is_used_(count()) {}

const Conditions& RuleAdjuster::conditions(std::uint16_t index) const {
  return is_situation(index) ? situation(index).situation.conditions : adjustment(index).conditions;
}

void RuleAdjuster::add_rules(const PlacedService& service, std::vector<Rule>& rules) {
  for (const PlacedRule& placed : service.rules) {
    rule_ = &placed;
    plain_.reset();
    best_first_.clear();
    made_.clear();
    is_refused_ = false;
    std::vector<Candidate> candidates;
    for (std::uint16_t i = 0; i < count(); ++i) {
      std::optional<Candidate> found = candidate(i, placed.rule, service);
      if (!found) continue;
      misses_[i] = std::max(misses_[i], Miss::conditions_exclude);
      if (conditions(i).exclude(placed.rule.conditions)) continue;
      const bool is_one_of_many =
          combine_ == Combine::best && !is_situation(i) && adjustment(i).is_discount;
      if (is_one_of_many) misses_[i] = Miss::another_is_better;
      (is_one_of_many ? best_first_ : candidates).push_back(std::move(*found));
    }
    if (!candidates.empty() || !best_first_.empty()) {
      plain_ = std::make_shared<const PriceTerms>(*placed.rule.terms);
    }
    if (!find_best_first(best_first_)) continue;
    choose({}, candidates);
    if (rules.size() + made_.size() > rules_max) {
      errors_.add(
          placed.position,
          fmt::format("prices, discounts, surcharges and situations make more than {} rules",
                      rules_max),
          "fewer of them");
      return;
    }
    std::set<std::uint16_t> used;
    for (const Rule& rule : made_) {
      used.insert(rule.adjustments.begin(), rule.adjustments.end());
      for (const std::uint16_t index : rule.situations) {
        used.insert(static_cast<std::uint16_t>(placed_.size() + index));
      }
    }
    for (const std::uint16_t index : used) {
      is_used_[index] = true;
      warn_of_restart(index);
    }
    std::ranges::move(made_, std::back_inserter(rules));
  }
}

// nullopt: it does not cover the price.
std::optional<RuleAdjuster::Candidate> RuleAdjuster::candidate(std::uint16_t index,
                                                               const Rule& rule,
                                                               const PlacedService& service) const {
  // What is free is used of an allowance, too, and counted.
  if (is_situation(index) ? !rule.terms : !costs_anything(rule)) return std::nullopt;
  Candidate made{index, {}};
  const std::vector<Coverage>& coverage =
      is_situation(index) ? situation(index).coverage : adjustment(index).coverage;
  if (coverage.empty() && !is_situation(index)) return made;
  for (const Coverage& covered : coverage) {
    if (covered.is_of(rule.service, rule.rating_group)) return Candidate{index, {}};
    if (covered.service != rule.service || rule.rating_group) continue;
    if (!has_last_price(service, *covered.rating_group)) made.only.push_back(*covered.rating_group);
  }
  if (made.only.empty()) return std::nullopt;
  std::ranges::sort(made.only);
  return made;
}

bool RuleAdjuster::exclude(const Candidate& one, const Candidate& other) const {
  if (conditions(one.index).exclude(conditions(other.index))) return true;
  return with(with({}, one), other).is_never;
}

// Sorts discounts so that of those that hold at once the first takes most off. False: there are two
// of which that depends on how much is used.
bool RuleAdjuster::find_best_first(std::vector<Candidate>& discounts) {
  std::vector<PriceTerms> terms;
  for (const Candidate& discount : discounts) {
    const auto made = adjusted(*rule_->rule.terms, adjustment(discount.index));
    if (!made.has_value()) {
      adjusted_rule(with({}, discount));
      return false;
    }
    terms.push_back(*made);
  }
  for (std::size_t done = 0; done < discounts.size(); ++done) {
    std::optional<std::pair<std::size_t, std::size_t>> unclear;
    const auto is_best = [&](std::size_t i) {
      for (std::size_t k = done; k < discounts.size(); ++k) {
        if (k == i || is_at_most(terms[i], terms[k]) || exclude(discounts[i], discounts[k])) {
          continue;
        }
        if (!is_at_most(terms[k], terms[i])) unclear = std::pair(i, k);
        return false;
      }
      return true;
    };
    std::size_t best = done;
    while (best < discounts.size() && !is_best(best)) ++best;
    if (best == discounts.size()) {
      const auto [first, second] =
          std::minmax(discounts[unclear->first].index, discounts[unclear->second].index);
      const Adjustment& one = adjustment(first);
      const Adjustment& other = adjustment(second);
      errors_.add(
          placed_[second].position,
          fmt::format("whether {} or {} takes more off {} in line {} depends on how much is "
                      "used",
                      in_quotes(one.name), in_quotes(other.name), in_quotes(rule_->rule.name),
                      rule_->rule.line),
          "percentages, or combine: stack, or conditions that exclude each other");
      return false;
    }
    const auto move_up = [&](auto& list) {
      const auto begin = list.begin() + static_cast<std::ptrdiff_t>(done);
      const auto found = list.begin() + static_cast<std::ptrdiff_t>(best);
      std::rotate(begin, found, found + 1);
    };
    move_up(discounts);
    move_up(terms);
  }
  return true;
}

RuleAdjuster::Variant RuleAdjuster::with(const Variant& variant, const Candidate& added) const {
  Variant made = variant;
  for (const std::uint16_t other : variant.parts) {
    made.is_never |= conditions(added.index).exclude(conditions(other));
  }
  made.parts.push_back(added.index);
  if (made.only.empty()) {
    made.only = added.only;
  } else if (!added.only.empty()) {
    made.only.clear();
    std::ranges::set_intersection(variant.only, added.only, std::back_inserter(made.only));
    made.is_never |= made.only.empty();
  }
  return made;
}

// Whether the candidate holds wherever all of the variant does.
bool RuleAdjuster::is_certain(const Variant& variant, const Candidate& candidate) const {
  const Conditions& own = conditions(candidate.index);
  const auto covers = [&](std::uint16_t other) { return own.cover(conditions(other)); };
  return includes(candidate.only, variant.only) &&
         (own.cover(rule_->rule.conditions) || std::ranges::any_of(variant.parts, covers));
}

// Makes the rules for the variant with any of those that are left: what has more of them first.
void RuleAdjuster::choose(const Variant& variant, std::span<const Candidate> left) {
  if (is_refused_) return;
  if (left.empty()) return choose_best(variant);
  const Candidate& next = left.front();
  const Variant more = with(variant, next);
  if (!more.is_never) {
    choose(more, left.subspan(1));
    if (is_certain(variant, next)) return;
  }
  choose(variant, left.subspan(1));
}

void RuleAdjuster::choose_best(const Variant& variant) {
  std::vector<const Candidate*> before;
  for (const Candidate& discount : best_first_) {
    const Variant more = with(variant, discount);
    if (more.is_never) continue;
    const bool is_beaten = std::ranges::any_of(before, [&](const Candidate* better) {
      return includes(better->only, more.only) &&
             conditions(better->index).cover(conditions(discount.index));
    });
    if (is_beaten) continue;
    emit(more);
    if (is_certain(variant, discount)) return;
    before.push_back(&discount);
  }
  emit(variant);
}

void RuleAdjuster::emit(const Variant& variant) {
  if (is_refused_) return;
  if (made_.size() == variants_max) {
    is_refused_ = true;
    errors_.add(
        rule_->position,
        fmt::format("discounts, surcharges and situations can hold together for {} in more than "
                    "{} ways",
                    in_quotes(rule_->rule.name), variants_max),
        "combine: best, or conditions that exclude each other");
    return;
  }
  std::optional<Rule> made = adjusted_rule(variant);
  if (!made) {
    is_refused_ = true;
    return;
  }
  made_.push_back(std::move(*made));
}

// nullopt: there is an error about it now.
std::optional<Rule> RuleAdjuster::adjusted_rule(const Variant& variant) {
  Rule rule = rule_->rule;
  rule.plain = plain_;
  if (variant.parts.empty()) return rule;
  rule.only = variant.only;
  std::vector<std::uint16_t> parts = variant.parts;
  std::ranges::sort(parts);  // as written, discounts first
  const auto situations =
      std::ranges::find_if(parts, [this](std::uint16_t index) { return is_situation(index); });
  if (!put_in({situations, parts.end()}, rule)) return std::nullopt;
  rule.adjustments.assign(parts.begin(), situations);
  for (const std::uint16_t index : rule.adjustments) {
    if (!adjust(index, rule)) return std::nullopt;
  }
  if (rule.adjustments.empty()) return rule;
  const std::size_t errors_before = errors_.count();
  check_largest_grant(rule, placed_[rule.adjustments.back()].position, errors_);
  if (errors_.count() != errors_before) return std::nullopt;
  return rule;
}

// False: there is an error about it now.
bool RuleAdjuster::put_in(const std::vector<std::uint16_t>& situations, Rule& rule) {
  if (situations.size() > Situations::most) {
    std::vector<std::string_view> names;
    for (const std::uint16_t index : situations) names.push_back(situation(index).situation.name);
    errors_.add(rule_->position,
                fmt::format("more than {} situations can hold at once for {}: {}", Situations::most,
                            in_quotes(rule.name), fmt::join(names, ", ")),
                "fewer of them, or conditions that exclude each other");
    return false;
  }
  for (const std::uint16_t index : situations) {
    const Situation& added = situation(index).situation;
    rule.situations.push_back(static_cast<std::uint16_t>(index - placed_.size()));
    rule.holding.add(added.key);
    rule.name += " " + situation_text(added);
  }
  return true;
}

// False: there is an error about it now.
bool RuleAdjuster::adjust(std::uint16_t index, Rule& rule) {
  const Adjustment& by = adjustment(index);
  const std::string text = adjustment_text(by);
  const auto terms = adjusted(*rule.terms, by);
  const auto continued = adjusted(rule.continued, by);
  if (!terms.has_value() || !continued.has_value()) {
    errors_.add(placed_[index].position,
                fmt::format("the price {} {} {}", in_quotes(rule.name), text,
                            terms.has_value() ? continued.error() : terms.error()),
                "amounts with fewer digits, or for fewer units");
    return false;
  }
  rule.terms = *terms;
  rule.continued = *continued;
  rule.continued.setup = Money();
  rule.name += " " + text;
  return true;
}

void RuleAdjuster::warn_of_restart(std::uint16_t index) {
  const Rule& rule = rule_->rule;
  if (rule.terms->shape == nullptr || rule.over || !may_change(conditions(index))) return;
  const std::string what =
      is_situation(index)
          ? "situation " + in_quotes(situation(index).situation.name)
          : fmt::format("{} {}", adjustment(index).is_discount ? "discount" : "surcharge",
                        in_quotes(adjustment(index).name));
  doubts_.emplace_back(
      rule_->position,
      fmt::format("tiers and caps of {} begin anew in a session where {} begins or ends",
                  in_quotes(rule.name), what));
}

void RuleAdjuster::warn_of_unused(std::uint16_t index, FileErrors& warnings) const {
  if (is_situation(index)) {
    const PlacedSituation& unused = situation(index);
    const bool is_named = !unused.coverage.empty();
    std::string_view why = "its conditions exclude those of each price that it is asked for at";
    if (misses_[index] == Miss::covers_nothing_priced) why = "what asks for it is never served";
    warnings.add(
        unused.position,
        is_named
            ? fmt::format("situation {} never holds: {}", in_quotes(unused.situation.name), why)
            : fmt::format("nothing uses situation {}", in_quotes(unused.situation.name)),
        is_named ? "one that can hold, or none" : "covers: with \"when\", or no such situation");
    return;
  }
  const Adjustment& unused = adjustment(index);
  std::string_view why;
  switch (misses_[index]) {
    case Miss::covers_nothing_priced:
      why = "nothing that it covers costs anything";
      break;
    case Miss::conditions_exclude:
      why = "its conditions exclude those of each price that it covers";
      break;
    case Miss::another_is_better:
      why = "wherever it holds, another one takes as much off";
      break;
  }
  warnings.add(placed_[index].position,
               fmt::format("{} {} never applies: {}", unused.is_discount ? "discount" : "surcharge",
                           in_quotes(unused.name), why),
               "one that can apply, or none");
}

void RuleAdjuster::warn(FileErrors& warnings) const {
  for (std::uint16_t i = 0; i < count(); ++i) {
    if (!is_used_[i]) warn_of_unused(i, warnings);
  }
  for (const auto& [position, doubt] : doubts_) {
    warnings.add(position, doubt, "tiers and caps that go by a counter (over)");
  }
}

}  // namespace farthing::tariffs
