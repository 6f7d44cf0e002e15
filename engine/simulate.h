// The ledger's usage of a span of time charged again, by another tariff: what each account was
// charged, what it would have been, and what prepaid could not have paid.
//
// A shadow of the book is folded up to the span. In it, what people did (accounts, top-ups,
// subscriptions ...) is done as it was, and every request that was served is read back from its
// entry (past_request.h) and decided anew by decide(). Entries keep their numbers, so the shadow's
// sessions and buckets are named as the ledger's are. With the tariffs that were in force nothing
// differs.
//
// What was used stays what it was: a client that would have been refused goes on, and what nobody
// could have paid is overage. A session is charged by the simulated tariff if it began in the span;
// one that was open keeps the terms of its price segments.
//
// Threads: one, not the shard's: it reads the whole ledger. Memory: as much as the book has with
// all accounts in it, and 80 octets an account. Errors: sentences with the remedy.
#pragma once

#include "engine/archive.h"
#include "engine/base/result.h"
#include "engine/base/wide.h"
#include "engine/decide.h"
#include "engine/past_request.h"
#include "engine/payers.h"
#include "engine/verify.h"
#include "tariffs/tariff.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farthing::engine {

struct SimulationSpan {
  Time from;
  Time to;  // the first moment that is not part of it
};

// What was charged, overage included, and what would have been; micros.
struct SimulatedCharges {
  base::Int128 was = 0;
  base::Int128 would_be = 0;
  base::Int128 overage_was = 0;
  base::Int128 overage_would_be = 0;

  base::Int128 difference() const { return would_be - was; }
};

// What was eaten of an offer's allowances, and its fees, which are as they were.
struct SimulatedOffer {
  Unit unit = Unit::octets;
  base::Int128 units_was = 0;
  base::Int128 units_would_be = 0;
  base::Int128 fees = 0;
};

struct SimulationCounts {
  std::uint64_t requests = 0;         // served, and decided again
  std::uint64_t reports = 0;          // those with usage
  std::uint64_t without_price = 0;    // reports of which something has no price
  std::uint64_t without_session = 0;  // reports of sessions that would not have begun
  std::uint64_t events_refused = 0;   // that would have been
};

class TariffSimulation {
 public:
  // `store` outlives it. `archive`: as archive_folder() says. `tariff`: as if it had been loaded,
  // valid at once and for good, when the span begins; nullptr: the versions as they were in force.
  TariffSimulation(const storage::LedgerStore& store, std::filesystem::path archive,
                   const SimulationSpan& span, std::shared_ptr<const tariffs::Tariff> tariff);

  // A request that was served and decided anew, for who wants more than sums (rerate.h); good for
  // the call.
  struct ChargedAgain {
    Sequence own;
    const Account& account;  // of the shadow, before it
    const Entry& was;
    const PastSession& past;             // with the price segments of `was`
    const Decision* decision = nullptr;  // nullptr: its session would not have begun
  };
  // Before run(): each of them is shown. Then events are charged that nobody could have paid, and
  // adjustments by which charges were made what another tariff says are left out: what comes out
  // depends on the usage and the tariff alone.
  using Watch = std::function<void(const ChargedAgain& again)>;
  void watch(Watch watch) { watch_ = std::move(watch); }
  // Usage under a rule that says that there is no price is charged nothing.
  bool is_priced(const Segment& segment) const;

  // Called now and then with the phase, the entry reached, and the last one of all. False: stop,
  // which is an error too.
  using Progress = std::function<bool(std::string_view phase, Sequence at, Sequence of)>;
  // Once.
  base::Result<void, std::string> run(const Progress& progress);

  // --- What came out -----------------------------------------------------------------------------
  struct ServiceName {
    ServiceKey service;
    std::optional<RatingGroup> rating_group;

    friend auto operator<=>(const ServiceName&, const ServiceName&) = default;
    friend std::size_t hash_value(const ServiceName& name) {
      const std::uint64_t group = name.rating_group ? name.rating_group->value + 1ull : 0;
      return std::hash<std::uint64_t>{}(group << 32 | name.service.value);
    }
  };
  // By AccountNumber - 1; an account that has none was charged nothing.
  const std::vector<SimulatedCharges>& accounts() const { return accounts_; }
  std::map<ServiceName, SimulatedCharges> services() const {
    return {services_.begin(), services_.end()};
  }
  std::map<std::string, SimulatedOffer> offers() const { return {offers_.begin(), offers_.end()}; }
  const SimulationCounts& counts() const { return counts_; }
  // The accounts and open sessions as they would stand at the end of the span.
  const Book& book() const { return book_; }
  // As a tariff names it that knows it; "": none does.
  std::string_view service_name(ServiceKey service) const;
  std::string_view currency() const;  // "": there is no tariff
  // "": those that were in force.
  std::string_view tariff_name() const {
    return tariff_ == nullptr ? std::string_view() : tariff_->name();
  }

 private:
  base::Result<void, std::string> choose_entries();
  base::Result<void, std::string> fold(const Progress& progress);
  base::Result<void, std::string> recall_tariffs();
  std::string ledger_currency() const;
  base::Result<void, std::string> simulate(const Progress& progress);
  std::optional<std::string> simulate_record(const storage::Record& record, Sequence& own);
  std::optional<std::string> simulate_entry(Sequence own, Time now);
  std::optional<std::string> apply(const Entry& entry, Sequence own, Time now,
                                   const Session* session);
  std::optional<std::string> take_tariff(Time now);
  const Entry* decide_again(const Account& account, const Session* session, Sequence own, Time now);
  const Entry* end_again(const Account& account, const Session* session);
  const Entry* change_buckets(const Account& account, Time now);
  void expire(const Bucket& bucket, std::int64_t amount);
  void note_lent(const Account& account, const Entry& entry);
  // What the shadow's decisions took from payers, and what of it was used and is held.
  struct Owed {
    std::int64_t lent = 0;
    std::int64_t spent = 0;
    std::int64_t held = 0;
    tariffs::TimeSpan month;  // of what was spent
  };
  std::optional<PayerBudget> budget_after(const Account& account, const Owed& owed) const;
  const Entry* settle(const Account& account, const Entry* entry);
  const Account& with_ends(const Account& account);
  const Entry* close_ended(const Account& account, const Entry* entry);
  const Entry* nothing(const Account& account);
  PastSession* past_of(Sequence own);
  void name_group(const Session* session);
  bool count(const Entry& decided);
  void decide_unpaid(const Account& account, Time now);
  void add_fees(const Entry& entry);
  enum class Which { was, would_be };
  template <class FindService>
  void add(const Entry& entry, const Account& account, Which which, FindService find_service);
  void add_eaten(const Account& account, const Leg& leg, Which which);

  const storage::LedgerStore& store_;
  LedgerReader reader_;
  const SimulationSpan span_;
  const std::shared_ptr<const tariffs::Tariff> tariff_;
  Verifier verifier_;
  Book& book_;
  Watch watch_;
  std::shared_ptr<const tariffs::TariffHistory> history_;
  std::vector<std::shared_ptr<const tariffs::Tariff>> passed_over_;  // loaded in the span
  bool is_from_opening_ = false;
  Sequence first_;  // of the span
  Sequence end_;    // the first one behind it

  Entry entry_;    // as it was
  Entry changed_;  // one that is not decided, and not quite as it was
  Request request_;
  Decision decision_;
  PastRequestReader past_request_;
  PastSession past_event_;
  boost::unordered_flat_map<std::uint64_t, PastSession> past_;  // open sessions, by number
  // Allowances that people ended, and when, of which the shadow's sessions still hold units.
  boost::unordered_flat_map<AccountNumber, std::vector<std::pair<BucketNumber, Time>>> ended_;
  Account account_;  // memory of with_ends() and decide_unpaid()
  std::vector<Lending> lendings_;
  boost::unordered_flat_map<AccountNumber, Owed> owed_;  // by payers

  std::vector<SimulatedCharges> accounts_;
  boost::unordered_flat_map<ServiceName, SimulatedCharges> services_;
  boost::unordered_flat_map<std::string, SimulatedOffer> offers_;
  SimulationCounts counts_;
};

}  // namespace farthing::engine
