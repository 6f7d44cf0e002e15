// A worksheet: an account and one of its sessions as they will be once the request at hand is
// decided.
//
// It begins as a copy; usage is charged, money and allowances are held and released on it; at the
// end the ledger entry is what changed. The rules of money stand here, those of requests in
// decide.cc:
// - What a session owes for a price segment is price(all so far) less what it was charged so far;
// where that is negative (a falling slab), it gets back.
// - Allowances are eaten before money, those that end first before the others. What a grant held of
// an
//   allowance that has ended since is still the session's: its next report may use it up.
// - What is to be paid, buckets of money pay before the main balance: gifts, and what other
// accounts
//   lend (payers.h), in the order that is told and by their shares. What a falling slab gives back
//   goes the way back: to shares what is theirs, then to the main balance first.
// - Usage that nobody can pay is charged down to the limit, and the rest stands as overage. What
// was
//   held while there was a higher limit for a time may be used all the same. New grants leave the
//   minimum balance.
// - Where a price goes by a counter, the next unit costs what it does behind all that the counter
//   has counted, and grants are held at the dearer of there and behind what others hold of it, too.
//
// Segments are named by their index in the session. One worksheet is used for request after
// request, so that nothing is allocated once warm. Cost: linear in what the session and the request
// hold.
#pragma once

#include "engine/account.h"
#include "engine/entry.h"
#include "engine/types.h"
#include "tariffs/counter.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace farthing::engine {

// Limits of one session, so that no client can grow one without end.
constexpr std::size_t segments_max = 1024;
constexpr std::size_t grants_max = 1024;  // sets of service identifiers that hold units

// What a payer may lend a subscriber's account for the request at hand.
struct Lending {
  BucketNumber bucket;
  std::int64_t micros = 0;
  tariffs::TimeSpan month;  // to which what it pays counts
};

class Worksheet {
 public:
  // The account and the session (nullptr: none open) stay as they are until the worksheet is done.
  void begin(const Account& account, SubscriberNumber subscriber, const Session* session, Time now);
  // What other accounts may lend. Nothing of it is taken that is not used or held at the end.
  void lend(std::span<const Lending> lendings);
  // When the usage took place: decides which allowances may be eaten. At first: now.
  void rate_at(Time rated_at) { rated_at_ = rated_at; }

  // --- Segments ----------------------------------------------------------------------------------
  std::size_t segment_count() const { return segments_.size(); }
  // Money and units of one rating group are segments of their own, and so are units under rules
  // with conditions. Of several the one that was opened first.
  std::optional<std::uint16_t> find(const std::optional<RatingGroup>& group, bool money) const;
  // Visits the segments that find() finds one of, in the order of their opening, until `visit`
  // returns true; returns the one that it stopped at. None is opened meanwhile.
  template <class Visit>
  std::optional<std::uint16_t> visit(const std::optional<RatingGroup>& group, bool money,
                                     Visit visit) const {
    for (std::size_t i = first_of(group, money); is_of(i, group, money); ++i) {
      const auto index = static_cast<std::uint16_t>(by_group_[i]);
      if (visit(index)) return index;
    }
    return std::nullopt;
  }
  // REQUIRES: fewer than segments_max.
  std::uint16_t open(const Segment& segment);
  const Segment& segment(std::uint16_t index) const { return segments_[index].now; }
  // The segment of which clients held units before this request (of several of one rating group the
  // first); nullopt: none, or several rating groups.
  std::optional<std::uint16_t> only_granted() const;

  // --- Counters ----------------------------------------------------------------------------------
  // From now on usage of the segment is counted by what the tariff says, and priced by the rule's
  // own counter. `prices`: the list that the rule is of. All outlive the worksheet's use.
  void count_by(std::uint16_t index, const tariffs::Tariff& tariff, const tariffs::Rule& rule,
                const tariffs::PriceList& prices);
  // The moment whose periods count from now on. At first: now.
  void count_at(Time time) { counted_at_ = time; }
  // What the counter says of the period at hand; `with_held`: with all that grants hold of it.
  std::uint64_t counted(const tariffs::CounterRule& rule, bool with_held) const;
  // How many units more, at most `most`, bring the counter by `distance` forward: the step that
  // reaches it is whole. REQUIRES: the segment is counted by it; distance > 0.
  std::uint64_t units_until(std::uint16_t index, const tariffs::CounterRule& rule,
                            std::uint64_t distance, std::uint64_t most) const;
  bool is_counted_by(std::uint16_t index, const tariffs::CounterRule& rule) const;
  // At which value of its counter the ceiling is reached; nullopt: it is lifted.
  std::optional<std::uint64_t> ceiling(const tariffs::Tariff& tariff,
                                       const tariffs::CeilingRule& rule) const;
  // What is granted of the segment, to all sets of service identifiers together.
  std::uint64_t granted(std::uint16_t index) const { return segments_[index].granted; }

  // --- Grants ------------------------------------------------------------------------------------
  // What clients hold of a segment, by set of service identifiers. Dropped: it is given up.
  void drop_grant(std::uint16_t index, std::uint32_t services);
  // How many units the client held for this set before this request.
  std::uint64_t granted_before(std::uint16_t index, std::uint32_t services) const;
  void drop_grants(std::uint16_t index);
  // How many units more could be granted, looked at up to `most`. REQUIRES: the segment released.
  std::uint64_t payable_units(std::uint16_t index, std::uint64_t most) const;
  // How many units more allowances pay. REQUIRES: as payable_units().
  std::uint64_t allowance_units(std::uint16_t index) const;
  // How many units more until allowances end that pay them, or else until the price of a unit
  // changes (tariffs::next_border): the step that reaches it is whole. REQUIRES: likewise.
  std::uint64_t units_to_border(std::uint16_t index) const;
  // Whether that was the last, and what became of the service then.
  FinalUnit final_before(std::uint16_t index, std::uint32_t services) const;
  // No units are given with FinalUnit::acts only. False: there are grants_max already. REQUIRES:
  // this set's grant dropped.
  [[nodiscard]] bool give(std::uint16_t index, std::uint32_t services, std::uint64_t units,
                          FinalUnit final_unit = FinalUnit::none);
  // Those who had the last and are where that led to stay there: this set, or all of the segment.
  bool stay_at_end(std::uint16_t index, std::optional<std::uint32_t> services);
  bool holds_older_grants() const;  // given by earlier requests, and not dropped

  // --- Money and allowances ----------------------------------------------------------------------
  // Gives back what the segment holds of money and allowances.
  void release(std::uint16_t index);
  // Drops all grants and releases all segments.
  void release_everything();
  // Charges `units` more of usage. REQUIRES: the segment released.
  void use(std::uint16_t index, std::uint64_t units);
  // Holds what the units granted will cost, as far as there is anything to hold.
  void reserve(std::uint16_t index);
  void reserve_released();  // every segment that was released and not reserved since
  // How long the units granted are good for: the quota's validity, or until an allowance ends.
  std::chrono::seconds validity(std::uint16_t index) const { return segments_[index].validity; }

  // What units of a segment without usage cost together with its set-up charge, where allowances
  // pay the first `covered` of them; and how many that would be.
  std::int64_t price_with_setup(std::uint16_t index, std::uint64_t chargeable,
                                std::uint64_t covered) const;
  // The same of units that were charged last.
  std::int64_t price_to_refund(std::uint16_t index, std::uint64_t chargeable) const;
  std::uint64_t covered_units(std::uint16_t index, std::uint64_t chargeable) const;
  // The account's own: credits less charges; what is reserved still counts.
  std::int64_t balance_micros() const;
  // What there is to pay the segment with.
  std::int64_t available_micros(std::uint16_t index) const;
  // Gives money back to who would pay it now. False, and nothing is done: the account would leave
  // its range.
  [[nodiscard]] bool refund(std::uint16_t index, std::uint64_t units, std::int64_t micros);

  // Appends the legs and the changes of grants.
  void write(Entry& entry) const;

 private:
  struct SegmentWork {
    Segment now;
    const tariffs::Tariff* tariff = nullptr;  // nullptr: nothing is counted
    const tariffs::Rule* rule = nullptr;
    std::span<const std::uint16_t> counting;  // the tariff's counters that may count it
    std::int64_t reserved_before = 0;
    std::int64_t charged_before = 0;
    std::int64_t overage_micros = 0;  // by this request
    std::uint64_t granted = 0;        // all sets of service identifiers together
    std::int64_t own_micros = 0;      // of the main balance: held for it before, not paid since
    bool released = false;
    std::chrono::seconds validity{0};
  };
  struct BucketWork {
    const Bucket* bucket = nullptr;
    std::int64_t remaining = 0;
    const Lending* lending = nullptr;
    std::size_t first_limit = 0;         // in limits_, by Bucket::limits
    const PayerChange* payer = nullptr;  // whose money it is

    bool has_share() const { return payer != nullptr && payer->has_share(); }
  };
  // What fell to a payer's share of one segment, and what it paid of that.
  struct ShareWork {
    std::uint16_t segment = 0;
    BucketNumber bucket;
    std::int64_t fallen_before = 0;
    std::int64_t fallen = 0;
    std::int64_t paid_before = 0;
    std::int64_t paid = 0;
  };
  // One segment's share in one bucket.
  struct BucketShare {
    std::uint16_t segment = 0;
    BucketNumber bucket;
    std::int64_t held_before = 0;
    std::int64_t held = 0;
    std::int64_t consumed = 0;  // by this request
  };
  enum class Pays { units, money };
  struct CounterWork {
    const tariffs::Tariff* tariff = nullptr;  // where this request counts on it, and its rule
    const tariffs::CounterRule* rule = nullptr;
    CounterNumber number;
    SubscriberNumber owner;
    tariffs::CounterKey key;
    tariffs::TimeSpan span;
    std::int64_t before = 0;
    std::int64_t value = 0;
    std::int64_t held = 0;
  };
  // One segment's share in one counter.
  struct CounterShare {
    std::uint16_t segment = 0;
    CounterNumber counter;
    std::int64_t held_before = 0;
    std::int64_t held = 0;
    std::int64_t counted = 0;  // by this request
  };
  struct GrantWork {
    std::uint16_t segment = 0;
    std::uint32_t services = 0;
    std::uint64_t before = 0;
    FinalUnit final_before = FinalUnit::none;
    std::uint64_t units = 0;
    FinalUnit final_unit = FinalUnit::none;
    bool given = false;  // by this request

    bool is_changed() const { return units != before || final_unit != final_before; }
  };
  using Shares = std::vector<BucketShare>;
  using Grants = std::vector<GrantWork>;
  using CounterShares = std::vector<CounterShare>;

  void load_buckets();
  void load_counters();
  void load_session();
  Shares::iterator find_share(std::uint16_t segment, BucketNumber bucket);
  BucketShare& share(std::uint16_t segment, BucketNumber bucket);
  std::size_t first_of(const std::optional<RatingGroup>& group, bool money) const;
  bool is_of(std::size_t place, const std::optional<RatingGroup>& group, bool money) const;
  Grants::iterator find_grant(std::uint16_t segment, std::uint32_t services);
  bool covers(const Bucket& bucket, const Segment& segment, Pays what) const;
  bool is_valid(const Bucket& bucket) const;
  std::int64_t left_for(const BucketWork& bucket, const Segment& segment) const;
  void take(BucketWork& bucket, const Segment& segment, std::int64_t units);
  std::int64_t edible_units(std::uint16_t index, const Bucket& bucket);
  std::int64_t eat(std::uint16_t index, std::int64_t wanted, Pays what);
  std::int64_t hold(std::uint16_t index, std::int64_t wanted, Pays what);
  std::int64_t left(const Segment& segment, Pays what) const;
  void return_to_buckets(std::uint16_t index, std::int64_t micros);

  const ShareWork* find_fallen(std::uint16_t index, BucketNumber bucket) const;
  ShareWork& fallen(std::uint16_t index, BucketNumber bucket);
  std::int64_t part_of(const BucketWork& bucket, std::int64_t before, std::int64_t more) const;
  std::int64_t falls_to(std::uint16_t index, const BucketWork& bucket, std::int64_t micros) const;
  void note_fallen(std::uint16_t index, const BucketWork& bucket, std::int64_t micros,
                   std::int64_t paid);
  std::int64_t rest_for_main(std::uint16_t index, std::int64_t micros) const;
  std::int64_t available_with_shares(std::uint16_t index, std::int64_t main) const;
  std::int64_t return_to_shares(std::uint16_t index, std::int64_t micros, bool is_refund);

  SubscriberNumber owner_of(const tariffs::CounterRule& rule) const;
  const CounterWork* find_counter(const tariffs::CounterRule& rule) const;
  CounterWork& counter_of(const tariffs::Tariff& tariff, const tariffs::CounterRule& rule);
  CounterShares::iterator find_counter_share(std::uint16_t segment, CounterNumber counter);
  CounterShare& counter_share(std::uint16_t segment, CounterNumber counter);
  template <class Visit>
  void visit_counters(std::uint16_t index, Visit visit);
  void add_counted(std::uint16_t index, const tariffs::Tariff& tariff,
                   const tariffs::CounterRule& rule, std::int64_t amount);
  void count_units(std::uint16_t index, std::int64_t chargeable, std::int64_t priced);
  void count_money(std::uint16_t index, std::int64_t micros);
  void hold_counted(std::uint16_t index, std::int64_t chargeable, std::int64_t priced,
                    std::int64_t micros);
  bool goes_by_counter(std::uint16_t index) const;
  std::int64_t priced_before(std::uint16_t index, std::int64_t covered = 0) const;
  std::int64_t priced_behind_others(std::uint16_t index, std::int64_t covered) const;
  std::int64_t priced_at(std::uint16_t index, std::int64_t covered, bool with_held) const;
  std::int64_t most_for(std::uint16_t index, std::int64_t from, std::int64_t wanted,
                        std::int64_t budget) const;
  void write_counters(Entry& entry) const;
  void note_reached(const CounterWork& counter, Entry& entry) const;
  void write_shares(Entry& entry) const;
  std::int64_t due_micros(std::uint16_t index, std::int64_t priced, bool is_first) const;
  std::int64_t dearest_cost(std::uint16_t index, std::int64_t from, std::int64_t units) const;
  void give_back(std::uint16_t index, std::int64_t micros);
  // What charges of the segment may take of the main balance.
  std::int64_t main_available(std::uint16_t index) const;

  const Account* account_ = nullptr;
  SubscriberNumber subscriber_;
  const Session* session_ = nullptr;
  Time now_;
  Time rated_at_;
  bool has_money_ = false;   // some bucket is of money
  bool has_shares_ = false;  // some payer pays a share
  std::int64_t main_micros_ = 0;
  std::int64_t limit_micros_ = 0;  // how far it may go below zero
  std::int64_t kept_micros_ = 0;   // of what charges may take, new grants leave so much
  std::int64_t overage_micros_ = 0;

  std::vector<SegmentWork> segments_;
  std::vector<std::uint64_t> by_group_;  // (kind, rating group, index) of every segment, sorted
  std::vector<BucketWork> buckets_;      // in the order in which they are eaten
  std::vector<std::int64_t> limits_;     // of buckets_: what is left
  Shares shares_;                        // by segment and bucket
  std::vector<ShareWork> fallen_;        // likewise
  Grants grants_;                        // by segment and set of services
  Time counted_at_;
  std::vector<CounterWork> counters_;         // those of the account that may count, then new ones
  std::size_t counters_known_ = 0;            // of them, those that are not new
  std::vector<CounterShare> counter_shares_;  // by segment and counter
};

}  // namespace farthing::engine
