// How long accounts are valid: a top-up extends it, by more where it is larger; then there is a
// grace, in which a top-up still does.
//
// Values; part of an immutable tariff. Threads: no shared state.
#pragma once

#include "tariffs/money.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace farthing::tariffs {

class FileErrors;
struct YamlNode;

struct TopUpValidity {
  struct Step {
    Money from;  // a top-up of so much, or more
    std::chrono::seconds extends{0};

    friend bool operator==(const Step&, const Step&) = default;
  };

  std::vector<Step> steps;  // by amounts, ascending; at least one
  std::chrono::seconds grace{0};

  // By how much a top-up extends the validity; 0: not at all.
  std::chrono::seconds extension(Money top_up) const;
};

// {top_up: 30 d, grace: 15 d}, or a list of {from: 10.00, extends: 30 d} for the top-up. nullopt:
// there are errors.
std::optional<TopUpValidity> read_top_up_validity(const YamlNode& node, FileErrors& errors);

// "30 d, from 50.00 on 90 d; grace 15 d"
std::string validity_text(const TopUpValidity& validity);

}  // namespace farthing::tariffs
