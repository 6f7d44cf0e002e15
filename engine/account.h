// An account as the fold of its ledger entries: money, buckets, subscribers, and its open sessions.
//
// Only apply() (book.cc) changes one; decide() reads them as const. Amounts are micros of the
// currency, units those of the bucket or segment. An account belongs to the thread of the shard
// that owns it. Beside what the ledger says stands what the book notes for write-back and eviction
// (book.h); that is no part of an account's state.
#pragma once

#include "engine/entry.h"
#include "engine/subscription.h"
#include "engine/types.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace farthing::engine {

// The numbers stand in the ledger.
enum class AccountKind : std::uint8_t { prepaid = 0, postpaid = 1, hybrid = 2 };

std::string_view kind_name(AccountKind kind);
std::optional<AccountKind> parse_account_kind(std::string_view name);

struct Subscriber {
  Identity msisdn;
  Identity imsi;
  LifeState state = LifeState::active;
  std::shared_ptr<const Profile> profile;         // nullptr: nothing is said of it
  std::shared_ptr<const ChosenList> chosen = {};  // nullptr: it never chose a number

  bool bears(Identity identity) const {
    return state != LifeState::terminated && (msisdn == identity || imsi == identity);
  }
  std::span<const tariffs::SubscriberAttribute> attributes() const {
    if (profile == nullptr) return {};
    return profile->attributes;
  }
};

// A dated, restricted amount of units: an allowance. Or of money: a gift, or what another account
// lends (payers.h); of that nothing is ever free, it is lent for what is used or held.
struct Bucket {
  // Of it at most so many units in one situation: what is left of them, free.
  struct Limit {
    tariffs::SituationKey situation;
    std::int64_t remaining = 0;
  };

  BucketNumber number;
  SubscriberNumber owner;  // 0: every subscriber of the account may eat it
  Unit unit = Unit::octets;
  std::string offer;
  Time valid_from;
  Time valid_to;
  std::int64_t remaining = 0;  // free units
  std::int64_t reserved = 0;   // held for grants
  std::vector<tariffs::Coverage> coverage;
  std::uint8_t priority = tariffs::Allowance::priority_usual;  // the lowest is eaten first
  std::vector<Limit> limits = {};                              // at most Situations::most
  bool is_lent = false;

  bool covers(ServiceKey service, const std::optional<RatingGroup>& rating_group,
              const tariffs::Situations& holding) const;
  bool is_for(SubscriberNumber subscriber) const { return owner.value == 0 || owner == subscriber; }
  // Event-Timestamps are whole seconds: the second in which it begins is all its own.
  bool is_valid_at(Time time) const {
    return std::chrono::floor<std::chrono::seconds>(valid_from) <= time && time < valid_to;
  }
};

// Another account that pays for a subscriber (payers.h), by a bucket of lent money.
struct Payer {
  PayerChange terms;
  std::int64_t spent_micros = 0;  // in terms.month
};

// How much of something was used or paid in one period (tariffs/counter.h).
struct Counter {
  CounterNumber number;
  SubscriberNumber owner;  // whose usage it counts; 0: every subscriber's of the account
  Unit unit = Unit::octets;
  tariffs::CounterKey key;
  std::string name;
  tariffs::TimeSpan span;
  std::int64_t value = 0;
  std::int64_t held = 0;  // units that open grants may add
};

// One (service, rating group, kind of unit) of a session under one rule of its tariff: priced by
// terms of its own from first to last.
struct Segment {
  std::optional<RatingGroup> rating_group;
  ServiceKey service;
  tariffs::TariffVersion version;
  tariffs::RuleNumber rule;
  tariffs::PriceTerms terms;
  tariffs::QuotaRule quota;
  tariffs::Situations situations;   // in which all of it is
  std::uint64_t used = 0;           // all units reported so far
  std::int64_t consumed_units = 0;  // of the chargeable ones, those that allowances paid
  std::int64_t charged_micros = 0;  // money charged so far, overage included
  std::int64_t bucket_micros = 0;   // of it, what buckets of money paid
  std::int64_t reserved_micros = 0;
};

// Units that the client holds, by segment and set of service identifiers. None: it has nothing
// left, and is redirected or restricted until it has.
struct HeldGrant {
  std::uint16_t segment = 0;
  FinalUnit final_unit = FinalUnit::none;
  std::uint32_t services = 0;
  std::uint64_t units = 0;

  bool is_over() const { return units == 0 && final_unit != FinalUnit::acts; }
};

// Units, or money, of a bucket that a segment holds for its grants.
struct BucketHold {
  std::uint16_t segment = 0;
  BucketNumber bucket;
  std::int64_t units = 0;
};

// Units that a counter may yet count of what a segment's grants hold.
struct CounterHold {
  std::uint16_t segment = 0;
  CounterNumber counter;
  std::int64_t units = 0;
};

// An earlier request and the entry that keeps its outcome, so that its repetition gets the same
// answer.
struct RememberedRequest {
  RequestKey key;
  Sequence sequence;
};

struct SessionId128 {  // keyed hash of a Session-Id
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  friend bool operator==(const SessionId128&, const SessionId128&) = default;
  friend std::size_t hash_value(const SessionId128& id) { return id.low; }
};

struct Account;
std::vector<Bucket::Limit> limits_of(const BucketOpening& opening);

struct Session {
  static constexpr std::size_t remembered_max = 8;

  // What every request looks at, close together.
  SessionNumber number;
  SessionId128 key;
  Account* account = nullptr;
  Sequence last;  // its newest entry
  // Fingerprint of the last request's attributes: a memo of the shard's to see that nothing
  // changed, not part of what the ledger says.
  std::uint64_t attributes_hash = 0;
  Time heard_at;  // of the last request
  Time rated_at;  // of the last report
  std::vector<Segment> segments;
  std::vector<HeldGrant> grants;           // sorted by segment and set of services
  std::vector<BucketHold> holds;           // sorted by segment and bucket
  std::vector<CounterHold> counter_holds;  // sorted by segment and counter
  std::vector<ShareUse> share_uses;        // sorted by segment and bucket
  std::uint32_t validity_seconds = 0;
  SubscriberNumber subscriber;
  bool is_changed = false;          // since its row was written; it is in the book's list
  bool has_row = false;             // in the checkpoint, or in a round on its way there
  std::uint64_t changed_round = 0;  // the newest round begun when it was put into that list
  // The highest CC-Request-Number that has left the ring; -1: none has. Only what is not above it
  // can be a repetition that the ring does not know.
  std::int64_t forgotten_number_max = -1;
  std::uint32_t request_count = 0;                              // ever remembered
  std::array<std::uint32_t, remembered_max> request_numbers{};  // of the ring's, close together
  std::string last_outcome;                                // of the newest, encoded (outcome.h)
  std::array<RememberedRequest, remembered_max> requests;  // a ring

  // The rest.
  std::string id;
  std::string service_context;
  std::string attributes;  // encoded list (attributes.h)
  Time opened_at;
  Session* account_previous = nullptr;  // the account's sessions, a list
  Session* account_next = nullptr;
  Session* wheel_previous = nullptr;  // the sessions that expire in the same second, a list
  Session* wheel_next = nullptr;
  std::int64_t wheel_slot = -1;

  // Twice the validity after the last request: unheard of for so long, a session is closed.
  Time deadline() const {
    return heard_at + std::chrono::seconds(2 * std::uint64_t{validity_seconds});
  }
  // The same request, if it is one of the last: the same type, number and sub-session, and the same
  // content or End-to-End-Id; with `number_alone` (the T flag) whatever its content.
  const RememberedRequest* find_request(const RequestKey& request, bool number_alone) const;
  const RememberedRequest& newest_request() const {
    return requests[(request_count - 1) % remembered_max];
  }
  const RememberedRequest& oldest_request() const {
    return requests[request_count <= remembered_max ? 0 : request_count % remembered_max];
  }
  void clear();
};

struct Account {
  AccountNumber number;
  AccountKind kind = AccountKind::prepaid;
  std::string name;
  std::int64_t main_micros = 0;      // free money; negative where credit is used
  std::int64_t reserved_micros = 0;  // held for grants, all sessions together
  std::int64_t overage_micros = 0;   // charged, but nobody could pay
  std::int64_t credit_limit_micros = 0;
  AccountTerms terms;
  Sequence last;  // its newest entry
  // When there is something to do about a subscription, a commitment or a plan; never: nothing.
  // Follows from them.
  Time due_at = never;
  std::uint32_t bucket_count = 0;       // buckets and subscriptions ever opened
  std::uint32_t counter_count = 0;      // likewise
  std::uint32_t session_count = 0;      // open
  std::vector<Subscriber> subscribers;  // by SubscriberNumber - 1
  std::vector<Bucket> buckets;
  std::vector<Counter> counters;  // of each, the periods that usage may still be of
  std::vector<Subscription> subscriptions;
  std::vector<Payer> payers;
  std::optional<PayerBudget> budget;  // of what it pays for others
  std::vector<OwnCeiling> ceilings;   // of those, one at most for each owner and name

  std::vector<SpendCommitment> commitments;  // not settled yet
  std::vector<InstalmentPlan> plans;         // not over; one at most of a subscription
  Session* sessions = nullptr;

  bool is_changed = false;  // since its row was written; it is in the book's list
  bool is_touched = false;  // since the clock hand of eviction passed
  bool is_pinned = false;   // it pays for others, whose sessions hold its money: never evicted
  bool is_name_indexed = false;
  std::uint16_t subscribers_indexed = 0;  // the first so many have their rows in the index
  Time due_indexed = never;               // as the index has it
  std::uint32_t memory_bytes = 0;         // as last estimated
  std::uint64_t written_round = 0;        // the last round that took its row
  std::uint64_t stamp = 0;                // when it was last loaded or changed (AccountTable)

  // Credits less charges; what is reserved still counts.
  Money balance() const { return Money(main_micros + reserved_micros); }
  // How far the main balance may go below zero.
  std::int64_t limit_micros(Time at) const;
  // What is not reserved, and the credit limit at that time.
  Money available(Time now) const;
  // What may be granted or bought for: so much less as is to stay, and nothing once the validity is
  // over.
  Money spendable(Time now) const;
  const Subscriber* subscriber(SubscriberNumber which) const;
  LifeState state_of(SubscriberNumber which) const;  // active where there is none
  const Subscription* subscription(SubscriptionNumber which) const;
  bool is_part(BucketNumber bucket) const;  // of a subscription
  void find_due();                          // from the subscriptions and what goes with them
  const Payer* payer(BucketNumber bucket) const;
  const Bucket* bucket(BucketNumber which) const;
  Bucket* bucket(BucketNumber which);
  void clear();
};

// What an entry made by hand was asked to do beside moving money; 0: nothing. Of a subscriber's
// state: state_content(); of its terms: terms_content().
std::uint64_t request_content(const Account& account, const Entry& entry);
std::uint64_t purchase_content(SubscriberNumber subscriber, std::string_view offer);
std::uint64_t state_content(Identity msisdn, LifeState state);
std::uint64_t terms_content(EntryKind kind, const AccountTerms& terms);

// Whether two keys name the same request: with `number_alone` whatever its content.
bool is_same_request(const RequestKey& known, const RequestKey& request, bool number_alone);

// The highest sum of money that an account may hold or be allowed to owe: a million times a million
// units, so that sums of several never leave 64 bits.
constexpr Money account_money_max{1'000'000'000'000'000'000};

}  // namespace farthing::engine
