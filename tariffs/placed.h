// Parts of a tariff with their places in its file: what is known of them while a file is compiled,
// right or wrong, for whoever has something to say about them. Plain values.
#pragma once

#include "tariffs/file_error.h"
#include "tariffs/tariff.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace farthing::tariffs {

struct PlacedRule {
  Rule rule;
  FilePosition position;
};

struct PlacedService {
  Service service;
  FilePosition position;
  std::map<RatingGroup, FilePosition> groups;  // declared, and where
  std::vector<PlacedRule> rules;
  Restrictions restrictions;  // of all its prices
  std::optional<Percent> tax;
  PaidFrom paid_from = PaidFrom::either;
  std::shared_ptr<const FinalUnitRule> at_end;
  bool has_unit = false;
  bool is_complete = false;  // its rating groups and prices could all be read
};

struct PlacedSituation {
  Situation situation;
  FilePosition position;           // of its name
  std::vector<Coverage> coverage;  // for which something asks for it
};

struct PlacedCoverage {
  Coverage coverage;
  FilePosition position;
};

struct PlacedOffer {
  Offer offer;
  FilePosition position;                                    // of its name
  std::vector<PlacedCoverage> coverage;                     // of its allowances
  std::vector<std::pair<std::string, FilePosition>> named;  // other offers that it names
};

}  // namespace farthing::tariffs
