// What was charged or refused, and why: entries of the ledger taken apart, from what they say and
// from how their account stood before them (account_past.h).
//
// Nothing is decided again: amounts are those of the entry's legs, so they add up to what the
// ledger charged. How an amount came about (the place in the price, what a band or a cap did) is
// said only where it gives that amount.
//
// Threads: one, not the shard's. Errors: sentences with the remedy.
#pragma once

#include "engine/account_past.h"
#include "engine/base/result.h"
#include "engine/entry.h"
#include "engine/types.h"
#include "tariffs/tariff.h"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine {

// What an allowance paid of a charge.
struct ExplainedAllowance {
  BucketNumber bucket;
  std::string offer;
  std::int64_t units = 0;  // negative: given back
  std::int64_t left = 0;   // after the entry, what is held for grants included
};

// What a gift or a payer paid of it.
struct ExplainedPayment {
  BucketNumber bucket;
  std::string payer;  // the offer's name, or the account's
  Money amount;       // negative: given back
};

struct ExplainedCount {
  CounterNumber counter;
  std::string name;
  Unit unit = Unit::octets;
  std::int64_t before = 0;
  std::int64_t after = 0;
};

// One price segment that an entry used.
struct ExplainedCharge {
  std::optional<RatingGroup> rating_group;
  std::string service;  // as its tariff names it
  tariffs::TariffVersion version;
  std::string tariff;
  std::string only;  // of whom the version is, "segment=test"; "": of all
  std::string rule;
  std::uint32_t line = 0;  // of the rule, in the tariff file
  std::string rule_text;   // what it says (tariffs::rule_text)
  std::string reasons;     // why it won; "": its tariff knows no conditions
  Unit unit = Unit::octets;
  std::uint64_t units = 0;         // as reported
  std::uint64_t units_before = 0;  // of the segment, by earlier entries
  std::uint64_t chargeable = 0;    // what the entry adds to the whole steps that are charged
  std::vector<ExplainedAllowance> allowances;
  std::vector<ExplainedPayment> payments;  // of the amount, what others paid
  std::string over;                        // the counter that the price goes by; "": none
  std::string steps;     // lines: from which units on, bands, caps, price, set-up; "" where a
                         // part of it is not known
  Money charged_before;  // of the segment
  Money amount;          // charged by the entry; negative: given back
  Money overage;         // of it, what nobody could pay
  std::vector<ExplainedCount> counters;
};

// What a service was answered.
struct ExplainedAnswer {
  ServiceAnswer answer;
  std::string why;                // it was refused; "": it was not
  std::vector<std::string> help;  // what would help, each a sentence or a command
  std::string grant_why;          // why the grant has its size; "": none, or not known
};

struct ExplainedEntry {
  Sequence sequence;
  Time time;
  EntryKind kind{};
  std::optional<RequestSection> request;
  std::vector<ExplainedCharge> charges;
  std::vector<ExplainedAnswer> answers;
  std::vector<std::pair<std::string, std::string>> thresholds;  // reached: counter, value
  Money amount;                                                 // all charges together
  Money overage;                                                // likewise
  // Of the account: free money with what is held for grants, and the latter.
  Money balance_before;
  Money balance_after;
  Money held_before;
  Money held_after;
  bool is_of_account = true;  // false: the whole ledger's
  std::string details;        // of entries that are no request's: "by root: voucher"
};

struct Explanation {
  std::string account;
  std::string msisdn;           // "": the account's own
  std::string session_id;       // "": it is of no session or event
  std::string service_context;  // likewise
  std::string currency;         // of the tariff in force
  std::string time_zone;        // likewise
  std::deque<ExplainedEntry> entries;
  std::uint64_t left_out = 0;  // entries of the session before those
  // Of the whole session, those left out included.
  Money amount;
  Money overage;
  struct Eaten {
    Unit unit = Unit::octets;
    std::int64_t units = 0;
  };
  std::map<std::string, Eaten> eaten;  // by offer: what its allowances paid
};

struct ExplainFailure {
  bool is_unknown = false;  // there is no such session or entry; else the ledger cannot be read on
  std::string message;
};

// Whether it is an entry's number and no Session-Id; then which.
std::optional<Sequence> parse_sequence(std::string_view text);

class Explainer {
 public:
  // Told now and then how far it has got: what it does, at which entry, of how many. False: stop.
  using Progress = std::function<bool(std::string_view phase, std::uint64_t at, std::uint64_t of)>;

  // `store` outlives it. `archive`: as archive_folder() says.
  Explainer(const storage::LedgerStore& store, std::filesystem::path archive,
            std::shared_ptr<const tariffs::TariffHistory> tariffs, Progress progress)
      : store_(store),
        archive_(std::move(archive)),
        tariffs_(std::move(tariffs)),
        progress_(std::move(progress)) {}

  // The newest entry of the newest session, event or refused request of this Session-Id, looked for
  // from the ledger's end back to its beginning.
  base::Result<Sequence, ExplainFailure> find_session(std::string_view session_id) const;

  // One entry.
  base::Result<Explanation, ExplainFailure> explain_entry(Sequence sequence) const;
  // All entries of the session that this one is of; of them the last `entries_max` one by one.
  base::Result<Explanation, ExplainFailure> explain_session(Sequence newest,
                                                            std::size_t entries_max) const;

 private:
  base::Result<Explanation, ExplainFailure> explain(Sequence newest, bool whole_session,
                                                    std::size_t entries_max) const;
  base::Result<Sequence, ExplainFailure> last_of_session(Sequence opened) const;

  const storage::LedgerStore& store_;
  std::filesystem::path archive_;
  std::shared_ptr<const tariffs::TariffHistory> tariffs_;
  Progress progress_;
};

}  // namespace farthing::engine
