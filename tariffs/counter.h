// Counters: how much an account has used, or paid, in a day, a week or a month.
//
// A tariff says what there is to count (CounterRule); the engine keeps the values. Prices take
// their tiers and caps from one ("over"), or hold only from a value on ("counted"). Values are
// units as they are charged, in whole steps, or millionths of the currency.
//
// Immutable, shared between threads without locks; look-ups do not allocate.
#pragma once

#include "engine/base/named.h"
#include "tariffs/period_clock.h"
#include "tariffs/situations.h"
#include "tariffs/units.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

// What something is for: a service, and one of its rating groups or all of them; always, or in one
// situation.
struct Coverage {
  ServiceKey service;
  std::optional<RatingGroup> rating_group;  // nullopt: every rating group, and none
  SituationKey situation = {};              // 0: in all

  // Whatever the situation.
  bool is_of(ServiceKey of_service, const std::optional<RatingGroup>& of_group) const {
    return service == of_service && (!rating_group || rating_group == of_group);
  }
  // Where these situations hold.
  bool covers(ServiceKey of_service, const std::optional<RatingGroup>& of_group,
              const Situations& holding) const {
    return is_of(of_service, of_group) && (situation.value == 0 || holding.contain(situation));
  }
  friend bool operator==(const Coverage&, const Coverage&) = default;
};

// Names a counter in the ledger: a hash of its name and of what makes it another one. A counter
// whose unit, period or owner changes from version to version begins anew.
using CounterKey = base::Named<struct CounterKeyTag, std::uint64_t>;

struct CounterRule {
  std::string name;
  CounterKey key;            // counter_key() of the rest
  Unit unit = Unit::octets;  // money: what is charged, paid or not
  Period period = Period::month;
  bool is_paid = false;            // only the units that no allowance pays
  bool is_shared = false;          // one for all subscribers of an account; else one for each
  std::vector<Coverage> coverage;  // empty: everything
  std::vector<std::uint64_t> thresholds;  // ascending; the ledger says when they are reached

  // In some situation.
  bool may_count(ServiceKey service, const std::optional<RatingGroup>& group) const;
  // Where these situations hold.
  bool counts(ServiceKey service, const std::optional<RatingGroup>& group,
              const Situations& holding) const;
};

CounterKey counter_key(const CounterRule& rule);

// A condition on a counter: that it has reached `from`, and not yet `below`.
struct Counted {
  std::uint16_t counter = 0;  // index into the tariff's counters, or Tariff::ceiling_index()
  std::uint64_t from = 0;
  std::uint64_t below = std::numeric_limits<std::uint64_t>::max();

  bool holds(std::uint64_t value) const { return from <= value && value < below; }
  friend bool operator==(const Counted&, const Counted&) = default;
};

}  // namespace farthing::tariffs
