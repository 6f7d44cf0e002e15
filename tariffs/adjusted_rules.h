// The prices of a tariff as its discounts, surcharges and situations make them: from each rule one
// for every way in which some of them may hold together, with their conditions and terms of its
// own. Where more of them hold comes first, so that the first rule whose conditions hold is the
// right one, and nothing is left to reckon when a request is rated.
//
// Part of compile_tariff (tariffs/tariff_file.h). Threads: no shared state.
#pragma once

#include "tariffs/adjustment_file.h"
#include "tariffs/placed.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace farthing::tariffs {

class RuleAdjuster {
 public:
  // The adjustments and situations, whose coverage is complete, and the errors outlive it.
  RuleAdjuster(std::span<const PlacedAdjustment> adjustments, Combine combine,
               std::span<const PlacedSituation> situations, FileErrors& errors);

  // Appends the rules of a service, adjusted.
  void add_rules(const PlacedService& service, std::vector<Rule>& rules);

  // Adjustments and situations that never apply, and what they do that is hardly meant.
  void warn(FileErrors& warnings) const;

 private:
  // An adjustment that covers a price, or a situation that something asks for there. Both are
  // named by one index: adjustments, then situations.
  struct Candidate {
    std::uint16_t index = 0;
    std::vector<RatingGroup> only;  // of a default price: for these only; empty: for all
  };
  struct Variant {
    std::vector<std::uint16_t> parts;  // adjustments and situations
    std::vector<RatingGroup> only;     // as in Rule
    bool is_never = false;             // two of them exclude each other
  };
  // Why one applies to nothing, the nearest miss last.
  enum class Miss : std::uint8_t { covers_nothing_priced, conditions_exclude, another_is_better };

  bool is_situation(std::uint16_t index) const { return index >= placed_.size(); }
  const Adjustment& adjustment(std::uint16_t index) const { return placed_[index].adjustment; }
  const PlacedSituation& situation(std::uint16_t index) const {
    return situations_[index - placed_.size()];
  }
  std::uint16_t count() const {
    return static_cast<std::uint16_t>(placed_.size() + situations_.size());
  }
  const Conditions& conditions(std::uint16_t index) const;
  std::optional<Candidate> candidate(std::uint16_t index, const Rule& rule,
                                     const PlacedService& service) const;
  bool find_best_first(std::vector<Candidate>& discounts);
  bool exclude(const Candidate& one, const Candidate& other) const;
  Variant with(const Variant& variant, const Candidate& added) const;
  bool is_certain(const Variant& variant, const Candidate& candidate) const;
  void choose(const Variant& variant, std::span<const Candidate> left);
  void choose_best(const Variant& variant);
  void emit(const Variant& variant);
  std::optional<Rule> adjusted_rule(const Variant& variant);
  bool put_in(const std::vector<std::uint16_t>& situations, Rule& rule);
  bool adjust(std::uint16_t index, Rule& rule);
  void warn_of_restart(std::uint16_t index);
  void warn_of_unused(std::uint16_t index, FileErrors& warnings) const;

  std::span<const PlacedAdjustment> placed_;
  Combine combine_;
  std::span<const PlacedSituation> situations_;
  FileErrors& errors_;
  std::vector<Miss> misses_;
  std::vector<bool> is_used_;
  std::vector<std::pair<FilePosition, std::string>> doubts_;

  // The price at hand.
  const PlacedRule* rule_ = nullptr;
  std::shared_ptr<const PriceTerms> plain_;
  std::vector<Candidate> best_first_;  // discounts of which one applies
  std::vector<Rule> made_;
  bool is_refused_ = false;
};

}  // namespace farthing::tariffs
