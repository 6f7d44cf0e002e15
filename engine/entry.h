// A ledger entry: everything that one request did to one account, as values that apply() folds.
//
// decide() writes entries, apply() reads them, and nothing else changes an account. An entry is a
// kind (what happened, for people) and the sections that say what changed (for apply). Money and
// allowance units move in legs that add up to zero, so that nothing appears or vanishes.
//
// Encoded, an entry is: kind, a mask of the sections present, the account's links, the sections in
// the order of their bits. The layout is described field by field in engine/README.md.
//
// Strings are views: of the request when decided, of the record when decoded.
#pragma once

#include "engine/account_terms.h"
#include "engine/base/wide.h"
#include "engine/instalments.h"
#include "engine/minimum_spend.h"
#include "engine/profile.h"
#include "engine/subscription.h"
#include "engine/types.h"
#include "storage/ledger_store.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine {

// The numbers stand in the ledger: never change one, only add.
enum class EntryKind : std::uint8_t {
  server_started = 1,
  tariff_loaded = 2,
  account_created = 3,
  subscriber_added = 4,
  subscriber_changed = 5,
  top_up = 6,
  adjustment = 7,
  subscription_added = 8,
  subscription_ended = 9,
  session_opened = 10,
  session_updated = 11,
  session_terminated = 12,
  session_expired = 13,
  session_closed = 14,  // by support staff
  event_debited = 15,
  event_refunded = 16,
  request_refused = 17,  // nothing moved; kept so that a repeated request gets the same answer
  ledger_cut = 18,       // the opening balances from which the ledger may begin; the whole ledger's
  subscription_renewed = 19,  // its next period is paid, or its first one that was to begin later
  subscription_unpaid = 20,   // its next period could not be paid
  allowance_expired = 21,     // of a period so long over that no usage of it can come any more
  subscription_changed = 22,  // it is to end with its period
  payer_changed = 23,         // another account pays for a subscriber, on other terms, or no more
  paid_for_other = 24,        // what an account lent to a member, or got back from it
  ceiling_changed = 25,       // a ceiling is another one for a subscriber
  numbers_loaded = 26,        // the table of ported numbers is another one; the whole ledger's
  chosen_changed = 27,        // a number that a subscriber chose came, or went
  validity_changed = 28,      // how long an account is valid, by hand
  credit_changed = 29,        // a temporary credit
  minimum_changed = 30,       // what is to stay on an account
  spend_settled = 32,         // what a period was to spend at least and did not is charged
  instalment_credited = 33,   // a part of a deposit or gift goes to the balance
  billing_day_changed = 35,   // the day with which its billing months begin
  payer_budget_changed = 37,  // what it pays for others in a month, for all of them together
};

std::string_view kind_name(EntryKind kind);

// Where an amount stands. An account's own sides, then the world's.
enum class Side : std::uint8_t {
  main = 0,                // money free to be reserved or spent
  reserved = 1,            // money held for grants
  allowance = 2,           // units of a bucket, free
  allowance_reserved = 3,  // units of a bucket, held for grants
  revenue = 4,             // money charged
  overage = 5,             // money charged that nobody could pay
  top_up = 6,              // where top-ups come from
  adjustment = 7,          // where adjustments come from
  granted = 8,             // units: where allowances come from
  consumed = 9,            // units used up
  expired = 10,            // units that ran out of time or were given back
  bucket = 11,             // money of a bucket, free
  bucket_reserved = 12,    // money of a bucket, held for grants
  gift = 13,               // where money of buckets comes from, and goes that nobody used
  lent = 14,               // between an account and those that it pays for; together nothing
  deposit = 15,            // money set aside, that comes in instalments
};
inline constexpr std::size_t side_count = 16;
using SideSums = std::array<base::Int128, side_count>;  // by Side: micros, or units

constexpr bool is_units(Side side) {
  return side == Side::allowance || side == Side::allowance_reserved || side == Side::granted ||
         side == Side::consumed || side == Side::expired;
}

// Where what is in a bucket stands: units, or money.
struct BucketSides {
  Side free;
  Side held;
  Side source;
  Side gone;  // unused
};
constexpr BucketSides sides_of(Unit unit) {
  if (unit == Unit::money) return {Side::bucket, Side::bucket_reserved, Side::gift, Side::gift};
  return {Side::allowance, Side::allowance_reserved, Side::granted, Side::expired};
}

// What a segment gains or loses of it, buckets of money paid, or got back.
constexpr bool is_bucket_money(Side side) {
  return side == Side::bucket || side == Side::bucket_reserved || side == Side::lent;
}

constexpr bool names_bucket(Side side) { return is_units(side) || is_bucket_money(side); }

struct Leg {
  static constexpr std::uint16_t no_segment = 0xffff;

  Side side = Side::main;
  std::uint16_t segment = no_segment;  // the session's price segment that caused it
  BucketNumber bucket;                 // where names_bucket(); none at the payer who lends
  std::int64_t amount = 0;             // micros or units; positive: the side gains

  friend bool operator==(const Leg&, const Leg&) = default;
};

// A price segment begins: one (service, rating group, kind of unit) of a session, with its own
// terms.
struct SegmentOpening {
  std::uint16_t index = 0;
  std::optional<RatingGroup> rating_group;
  ServiceKey service;
  tariffs::TariffVersion version;
  tariffs::RuleNumber rule;
  tariffs::PriceTerms terms;
  tariffs::QuotaRule quota;
  tariffs::Situations situations = {};
};

struct SegmentUse {
  std::uint16_t index = 0;
  std::uint64_t units = 0;  // as reported
};

// Whether what a client holds is the last, and what becomes of its service then. The numbers stand
// in the ledger.
enum class FinalUnit : std::uint8_t {
  none = 0,
  ends = 1,  // the service ends
  acts = 2,  // it is redirected or restricted, and stays open (RFC 8506 5.6.2, 5.6.3)
};

// What a client holds after this entry for one set of service identifiers; 0: nothing any more.
struct GrantChange {
  std::uint16_t segment = 0;
  std::uint32_t services = 0;  // service_identifiers_key() of the set
  std::uint64_t units = 0;
  FinalUnit final_unit = FinalUnit::none;
};

// Names a set of service identifiers within a segment, whatever their order; 0 for none.
std::uint32_t service_identifiers_key(const std::vector<ServiceIdentifier>& identifiers);

struct SessionLink {
  SessionNumber session;  // 0 in the entry that opens it: its own sequence
  Sequence previous;      // the session's previous entry
};

struct RequestSection {
  RequestKey key;
  Time rated_at;                  // the time at which the usage was rated
  bool server_time_used = false;  // Event-Timestamp was missing or out of bounds
};

struct AccountOpening {
  std::string_view name;
  std::uint8_t kind = 0;  // AccountKind
  Money credit_limit;
};

struct SubscriberOpening {
  SubscriberNumber number;
  Identity msisdn;
  Identity imsi;
};

// A subscriber's life cycle goes on, by hand or because it was used for the first time.
struct StateChange {
  SubscriberNumber number;
  LifeState state = LifeState::active;
};

// Who did it and why (top-ups, adjustments and everything else done by hand).
struct Note {
  std::string_view operator_name;
  std::string_view reason;
  std::string_view request_id;
};

struct BucketOpening {
  BucketNumber number;
  SubscriberNumber owner;
  std::string_view offer;
  Unit unit = Unit::octets;
  Time valid_from;
  Time valid_to;
  std::vector<tariffs::Coverage> coverage;
  std::uint8_t priority = tariffs::Allowance::priority_usual;
  std::vector<tariffs::SubLimit> limits = {};
  bool is_lent = false;  // its money is another account's (payers.h)
};

// What may be used of a bucket in one situation changes: it is used, held or given back there.
struct LimitChange {
  BucketNumber bucket;
  std::uint8_t limit = 0;  // its index
  std::int64_t units = 0;  // positive: more is left
};

// A bucket ends at another time: later where it is rolled over, now where it is ended but held.
struct BucketExtension {
  BucketNumber number;
  Time valid_to;
};

// A counter begins, or begins anew with another period. Then those of the same key and owner go
// that ended before this period began, but for the one just before it (usage of it may still come),
// and the owner's others that ended 62 days before it; but none of which grants hold units.
struct CounterOpening {
  CounterNumber number;
  SubscriberNumber owner;
  Unit unit = Unit::octets;
  tariffs::CounterKey key;
  std::string_view name;
  tariffs::TimeSpan span;
};

// What a segment adds to a counter, and what its grants may yet add.
struct CounterChange {
  CounterNumber counter;
  std::uint16_t segment = 0;
  std::int64_t counted = 0;  // units or micros
  std::int64_t held = 0;     // units; negative: let go
};

// A counter reached a threshold that its tariff names.
struct ThresholdReached {
  CounterNumber counter;
  std::uint64_t threshold = 0;
};

// Another account pays for a subscriber (payers.h).
struct PayerChange {
  BucketNumber bucket;       // by which it does
  AccountNumber account;     // the payer
  std::optional<Money> cap;  // it pays no more in a month; nullopt: whatever it has
  tariffs::TimeSpan month;   // of which what it has paid is kept; another one: nothing yet
  // Of what falls to it, it pays so much; rounded to the micro. Not zero.
  tariffs::Percent share{tariffs::Percent::whole};
  tariffs::Rounding rounding = tariffs::Rounding::half_away_from_zero;
  std::uint8_t place = 0;  // among those of its subscriber; alike: in the order of their buckets

  bool has_share() const { return share.millionths < tariffs::Percent::whole; }

  friend bool operator==(const PayerChange&, const PayerChange&) = default;
};

// What of a segment's charges fell to a payer that pays a share, and what it paid of it.
struct ShareUse {
  std::uint16_t segment = 0;
  BucketNumber bucket;
  std::int64_t fallen_micros = 0;
  std::int64_t paid_micros = 0;
};

// What an account pays for all of its members together in a calendar month, and what it has paid.
struct PayerBudget {
  std::optional<Money> amount;  // nullopt: there is no budget (any more), and nothing is kept
  tariffs::TimeSpan month;      // that of what is spent; in another one nothing is yet
  std::int64_t spent_micros = 0;
  std::int64_t held_micros = 0;  // for members' grants

  friend bool operator==(const PayerBudget&, const PayerBudget&) = default;
};

// For whom an account has paid.
struct Payment {
  AccountNumber member;
  Sequence entry;  // the member's
};

// What consent and purchases do to a ceiling while a period of its counter lasts.
struct CeilingPeriod {
  tariffs::TimeSpan span;  // empty: nothing was done in any
  std::uint64_t raised = 0;
  bool is_lifted = false;  // altogether

  friend bool operator==(const CeilingPeriod&, const CeilingPeriod&) = default;
};

// A ceiling of the tariff (tariffs/ceiling.h) as it is for one owner (ceilings.h).
struct OwnCeiling {
  SubscriberNumber owner;  // 0: the account's, as its counter is
  std::string name;
  Unit unit = Unit::octets;              // of its counter; says nothing of one of another unit
  std::optional<std::uint64_t> lowered;  // at its own wish; until it says otherwise
  // The last two in which something was done, the later one first: usage of a period may be
  // reported in the next.
  std::array<CeilingPeriod, 2> periods;

  friend bool operator==(const OwnCeiling&, const OwnCeiling&) = default;
};

struct TariffLoading {
  tariffs::TariffVersion version;
  std::uint64_t source_hash = 0;
  // For subscribers of whom this is said; an empty name: for all.
  std::string_view only_name = {};
  std::string_view only_value = {};
};

// The numbers that a subscriber chose (chosen.h), as they are after the entry.
struct ChosenList {
  SubscriberNumber owner;
  std::vector<std::string> numbers;  // digits of E.164, each once, in the order of choice
  tariffs::TimeSpan month;           // the last one in which one was given up
  std::uint32_t given_up = 0;        // so many in it

  friend bool operator==(const ChosenList&, const ChosenList&) = default;
};

// A table of ported numbers (tariffs/ported_numbers.h) takes the place of the one before.
struct NumbersLoading {
  std::uint64_t count = 0;
  std::uint64_t source_hash = 0;
};

// An adjustment that makes a charge what another tariff says (rerate.h): of which entry, and what
// of it.
struct RatedAgain {
  Sequence entry;
  std::optional<RatingGroup> rating_group;
  std::uint64_t number = 0;  // of the rerate
};

// Where the ledger may begin: everything up to an entry, the last of a record, is archived, and the
// balances after it stand in a file (opening.h).
struct LedgerCut {
  storage::LedgerEnd end;   // of what is archived
  storage::Hash opening{};  // of the file's content
  SideSums sums{};          // what each side has gained up to there
};

struct Entry {
  EntryKind kind = EntryKind::request_refused;
  AccountNumber account;        // 0: the whole ledger's (start, tariff, ported numbers)
  SubscriberNumber subscriber;  // 0: the account's own
  Sequence previous;            // the account's previous entry; 0: none

  std::optional<SessionLink> session;
  std::string_view session_id;       // where a session opens, and in events
  std::string_view service_context;  // likewise
  std::optional<RequestSection> request;
  std::string_view attributes;  // encoded list (attributes.h): all at first, later what changed
  std::vector<SegmentOpening> openings;
  std::vector<SegmentUse> uses;
  std::vector<Leg> legs;
  std::vector<GrantChange> grants;
  std::vector<CounterOpening> counter_openings;
  std::vector<CounterChange> counter_changes;
  std::vector<ThresholdReached> thresholds;
  std::optional<std::uint32_t>
      validity_seconds;      // supervision: twice this without news, and it ends
  std::string_view outcome;  // encoded answer (outcome.h)

  std::optional<AccountOpening> account_opening;
  std::optional<AccountTerms> terms;  // as they are after this entry
  std::optional<SubscriberOpening> subscriber_opening;
  std::optional<StateChange> state_change;
  std::optional<ProfileChange> profile_change;
  std::optional<Note> note;
  std::vector<BucketOpening> bucket_openings;
  std::vector<BucketNumber> bucket_closings;
  std::vector<BucketExtension> bucket_extensions;
  std::vector<LimitChange> limit_changes;
  std::optional<Subscription> subscription;  // as it is after this entry
  std::vector<PayerChange> payers;           // likewise
  std::vector<ShareUse> share_uses;          // what is more of each
  std::optional<PayerBudget> budget;         // as it is after this entry
  std::vector<OwnCeiling> ceilings;          // likewise
  std::optional<CommitmentChange> commitment;
  std::optional<InstalmentPlan> plan;  // as it is after this entry
  std::optional<Payment> payment;
  std::optional<TariffLoading> tariff;
  std::optional<NumbersLoading> numbers;
  std::optional<ChosenList> chosen;
  std::optional<LedgerCut> cut;
  std::optional<RatedAgain> rated_again;

  void clear();
};

// Appends the entry, which will have number `own`, to `out`.
void encode_entry(const Entry& entry, Sequence own, std::string& out);

// Takes the next entry off the front of `body`. False: the bytes are no entry of this format.
[[nodiscard]] bool decode_entry(std::string_view& body, Sequence own, Entry& entry);

// What a side gains by the entry.
std::int64_t sum_of(const Entry& entry, Side side);

// The rules that every entry keeps: money legs add up to zero, and so do the legs of one bucket
// that stand together.
[[nodiscard]] bool is_balanced(const Entry& entry);

}  // namespace farthing::engine
