// Charges of the past made what another tariff says: usage of a span of time is charged again
// (simulate.h), and each charge that comes out otherwise is booked as an adjustment that names it.
//
// A charge is what one ledger entry charged for one rating group. What it is to become depends on
// the ledger's usage and the tariff alone: not on balances, and not on adjustments by earlier
// rerates, which count as part of what was charged. So a rerate can be broken off anywhere and run
// again, and books nothing twice; one by another tariff books the difference to the one before.
//
// Whether money moves is settled when it is booked: what is taken is taken down to the account's
// limit, and what nobody can pay stands as overage, as in a charge; what is given back forgives
// first what was not paid.
//
// Left as they are: charges of which the tariff has no price for something; those that gifts or
// payers paid some of, which is theirs to get back or to give; fees, allowances (what is eaten of
// them is eaten), counters, and the terms of sessions that are still open.
//
// Threads: Rerating belongs to one, not the shard's; book() is called on the shard's. Memory: that
// of a simulation, and 80 octets a charge to be booked or booked before. Errors: sentences with the
// remedy.
#pragma once

#include "engine/operations.h"
#include "engine/simulate.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace farthing::engine {

// Which charges; "" each: all of them.
struct RerateFilter {
  std::string rule;     // priced some of it, as its tariff names it
  std::string offer;    // which the subscriber had when it was used
  std::string service;  // as its tariff names it
};

// Names a rerate: the same span, filter and tariff give the same number. `tariff_hash`: of its
// source; 0: the versions that were in force.
std::uint64_t rerate_number(const SimulationSpan& span, const RerateFilter& filter,
                            std::uint64_t tariff_hash);
std::string rerate_name(std::uint64_t number);  // "1f2e3d4c5b6a7988"

// What a charge and its adjustments come to; micros.
struct ChargedSum {
  std::int64_t charged = 0;
  std::int64_t overage = 0;  // of it, what nobody paid
};

// A charge that is not what the tariff says.
struct ChargeToRerate {
  Sequence entry;
  AccountNumber account;
  SubscriberNumber subscriber;
  std::optional<RatingGroup> rating_group;
  ChargedSum first;           // by the entry itself
  ChargedSum now;             // with its adjustments
  std::int64_t would_be = 0;  // by the tariff

  std::int64_t difference() const { return would_be - now.charged; }
};

struct RerateCounts {
  std::uint64_t charges = 0;         // that the filter leaves
  std::uint64_t without_price = 0;   // of them, left as they are: the tariff has no price for some
  std::uint64_t paid_by_others = 0;  // of them, left likewise: gifts or payers paid for some
  std::uint64_t booked_before = 0;   // of them, those that a run of the same number has booked
};

class Rerating {
 public:
  // `store` and `simulation`'s store are one; both and `loaded`, all versions of the ledger,
  // outlive it. `number`: as rerate_number() says.
  Rerating(TariffSimulation& simulation, const storage::LedgerStore& store,
           std::filesystem::path archive, const tariffs::TariffHistory& loaded,
           const SimulationSpan& span, RerateFilter filter, std::uint64_t number);

  // Finds what is to be booked. Once. REQUIRES: that nobody books a rerate meanwhile.
  base::Result<void, std::string> run(const TariffSimulation::Progress& progress);
  // To be booked in this order: what is given back first, so that it can pay for what is taken;
  // each in that of the ledger.
  const std::vector<ChargeToRerate>& charges() const { return charges_; }
  const RerateCounts& counts() const { return counts_; }

 private:
  // One rating group's share in an entry.
  struct Share {
    std::optional<RatingGroup> rating_group;
    ChargedSum was;
    base::Int128 would_be = 0;
    base::Int128 paid_by_others = 0;
    base::Int128 units = 0;  // that were used, less those that were charged again
    bool is_priced = true;
    bool is_wanted = false;  // by the filter
  };
  struct Booked {
    ChargedSum sum;
    bool is_of_this = false;
  };
  // (entry, rating group + 1; 0: none)
  using Key = std::pair<std::uint64_t, std::uint64_t>;

  base::Result<void, std::string> read_booked(const TariffSimulation::Progress& progress);
  void take(const TariffSimulation::ChargedAgain& again);
  Share& share_of(const std::optional<RatingGroup>& group);
  void add_was(const TariffSimulation::ChargedAgain& again);
  void add_would_be(const TariffSimulation::ChargedAgain& again);
  bool wants(const PastSession::Segment& segment) const;

  TariffSimulation& simulation_;
  LedgerReader reader_;
  const tariffs::TariffHistory& loaded_;
  const SimulationSpan span_;
  const RerateFilter filter_;
  const std::uint64_t number_;
  boost::unordered_flat_map<Key, Booked> booked_;
  std::vector<Share> shares_;  // of the entry at hand
  std::vector<ChargeToRerate> charges_;
  RerateCounts counts_;
};

// What booking a charge's difference does to its account; micros.
struct Settlement {
  std::int64_t main = 0;     // gained; negative: taken
  std::int64_t overage = 0;  // more of it; negative: forgiven
};

// `available`: to be taken; `overage`: the account's.
Settlement settle(const ChargeToRerate& charge, std::int64_t available, std::int64_t overage);

// Why an account of this balance and overage cannot take it; nullopt: it can.
std::optional<Refusal> check_settlement(const Settlement& settlement, std::string_view account,
                                        std::int64_t balance, std::int64_t overage);

// Enters the adjustment. REQUIRES: the account in the shard's book. `note`: who rerates, and why.
base::Result<Settlement, Refusal> book(Shard& shard, const ChargeToRerate& charge,
                                       std::uint64_t number, const Note& note);

}  // namespace farthing::engine
