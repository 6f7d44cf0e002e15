// Offers: what a customer can subscribe to, as a tariff declares them. The engine sells them and
// renews what was sold (engine/renewal.h).
//
// Plain values.
#pragma once

#include "tariffs/ceiling.h"
#include "tariffs/counter.h"
#include "tariffs/final_unit.h"
#include "tariffs/money.h"
#include "tariffs/period_clock.h"
#include "tariffs/price.h"
#include "tariffs/situations.h"
#include "tariffs/subscriber.h"
#include "tariffs/units.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

// What becomes of a subscription whose next period cannot be paid. But for `end` it is tried again,
// at each top-up and once a day. The numbers stand in the ledger.
enum class Unpaid : std::uint8_t {
  pay_as_you_go = 0,  // what it covers costs what it costs without it
  suspend = 1,        // what it covers is refused until it is paid
  end = 2,            // it is over
  by_days = 3,        // as pay_as_you_go, but for days of it that can be paid
};
std::string_view unpaid_name(Unpaid unpaid);

// What is left of an allowance at the end of its period stays for so many periods more.
struct Rollover {
  std::uint16_t periods = 0;               // 0: nothing stays
  std::optional<std::uint64_t> units_max;  // no more than so many are kept; nullopt: all

  friend bool operator==(const Rollover&, const Rollover&) = default;
};

// At most so many units of an allowance in one situation.
struct SubLimit {
  SituationKey situation;
  std::uint64_t units = 0;

  friend bool operator==(const SubLimit&, const SubLimit&) = default;
};

// Units that an offer brings, each period anew where it renews.
struct Allowance {
  static constexpr std::uint8_t priority_usual = 100;

  Unit unit = Unit::octets;
  std::uint64_t units = 0;
  std::vector<Coverage> coverage;
  bool is_shared = false;  // for every subscriber of the account; else for the one who subscribes
  std::uint8_t priority = priority_usual;  // the lowest is eaten first, then what ends first
  Rollover rollover;
  std::vector<SubLimit> limits;  // one for a situation; at most Situations::most
};

// How a subscription goes on from period to period.
struct Renewal {
  OfferPeriod period;
  bool is_calendar = false;  // periods begin with the day, week, month or year of the calendar;
                             // else they count from the moment at which it began
  bool is_prorated =
      false;  // the first, shorter calendar period costs, and brings, its days' share
  Rounding share_rounding = Rounding::half_away_from_zero;  // of the fee's share
  Money share_step{10'000};                                 // to a multiple of this
  Unpaid unpaid = Unpaid::pay_as_you_go;
  std::chrono::seconds retry_for{0};  // so long it is tried to be paid; then it ends
  bool keeps_terms = true;  // those of the tariff version under which it was bought; else each
                            // period has those of the version then in force
};

// Numbers that who subscribes chooses, friends and family: prices say `group: chosen` for them.
struct ChosenNumbers {
  std::uint8_t most = 0;  // at once; 0: it brings none
  std::optional<std::uint8_t> changes =
      {};  // so many are given up in a calendar month; nullopt: any

  friend bool operator==(const ChosenNumbers&, const ChosenNumbers&) = default;
};

// What is spent at least in each period; what is missing is charged after its end.
struct MinimumSpend {
  Money amount;
  std::uint16_t counter = 0;  // index into the tariff's counters: of money, of the same periods
};

// What is credited part by part, with each period after the first that is paid.
struct Instalments {
  Money amount;               // all together
  std::uint16_t count = 1;    // in so many parts
  bool is_gift = false;       // else it is a deposit, paid with the first period
  bool is_returned = false;   // what is left at an early end; else it is forfeited
  bool asks_minimum = false;  // only with periods in which the minimum was spent
};

// With which number it was filed with a regulator, and on which days of the tariff's calendar it
// may be sold by that.
struct Filing {
  std::string number;
  std::chrono::sys_days from;
  std::optional<std::chrono::sys_days> until;  // the last one; nullopt: no end
};

enum class Sale : std::uint8_t {
  on_sale = 0,
  withdrawn = 1,  // nobody can buy it; those who have it keep it
  ended = 2,      // those who have it get another one with their next period, or none
};
std::string_view sale_name(Sale sale);

struct Offer {
  std::string name;
  Money fee;  // for each period
  // The same while the subscriber is in another state than active; nullopt: as active.
  std::array<std::optional<Money>, life_states> fees = {};  // by LifeState
  std::chrono::seconds validity{0};     // from the moment of purchase; 0 where it renews or
  std::optional<PeriodUnit> ends_with;  // ends with that day, week, month or year of the calendar
  std::optional<Renewal> renewal;       // nullopt: it lasts once, as long as it is valid
  std::vector<Allowance> allowances;
  std::uint16_t daily_most = 0;         // so many are bought by first use in a day; 0: any number
  std::vector<Coverage> coverage;       // whatever it is a subscription to, its allowances included
  std::string family;                   // a subscriber has one offer of a family; "": it is in none
  std::vector<std::string> depends_on;  // offers of which the subscriber has one already
  Sale sale = Sale::on_sale;
  std::string successor;      // of one that has ended; "": none
  std::vector<Raise> raises;  // with each period that begins
  ChosenNumbers chosen = {};
  std::optional<MinimumSpend> minimum_spend;
  std::optional<Instalments> instalments;
  std::optional<Filing> filing;
  // What becomes of who has used up the last of what it covers; nullptr: nothing is said.
  std::shared_ptr<const FinalUnitRule> at_end;

  Money fee_in(LifeState state) const {
    return fees[static_cast<std::size_t>(state)].value_or(fee);
  }
};

// Of one that does not renew: "30 d", "the rest of the day".
std::string validity_text(const Offer& offer);

}  // namespace farthing::tariffs
