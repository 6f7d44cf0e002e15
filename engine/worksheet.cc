#include "engine/worksheet.h"

#include "engine/base/saturating.h"
#include "engine/segment_price.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace farthing::engine {

namespace {

using base::saturating_add;
using tariffs::affordable_units;
using tariffs::chargeable_units;
using tariffs::PriceTerms;

std::int64_t chargeable(const Segment& segment, std::uint64_t units) {
  return clamp_signed(chargeable_units(segment.terms, units));
}

// Of the usage so far, the units that money has to pay.
std::int64_t priced_units(const Segment& segment) {
  return chargeable(segment, segment.used) - segment.consumed_units;
}

// Sorts by kind and rating group; the lowest 16 bits are for the index.
std::uint64_t group_key(const std::optional<RatingGroup>& group, bool money) {
  const std::uint64_t named = group ? std::uint64_t{1} << 32 | group->value : 0;
  return (std::uint64_t{money} << 33 | named) << 16;
}

std::uint64_t group_key(const Segment& segment) {
  return group_key(segment.rating_group, segment.terms.unit == Unit::money);
}

constexpr auto by_place = [](const auto& item) { return std::pair(item.segment, item.services); };

}  // namespace

void Worksheet::begin(const Account& account, SubscriberNumber subscriber, const Session* session,
                      Time now) {
  account_ = &account;
  subscriber_ = subscriber;
  session_ = session;
  now_ = rated_at_ = counted_at_ = now;
  main_micros_ = account.main_micros;
  const std::int64_t limit = account.limit_micros(now);
  limit_micros_ = std::max(limit, -account.main_micros);
  kept_micros_ = limit_micros_ - limit + account.terms.minimum_balance.micros;
  overage_micros_ = account.overage_micros;
  segments_.clear();
  by_group_.clear();
  buckets_.clear();
  limits_.clear();
  shares_.clear();
  grants_.clear();
  counters_.clear();
  counter_shares_.clear();
  fallen_.clear();
  load_buckets();
  load_counters();
  if (session != nullptr) load_session();
}

void Worksheet::load_buckets() {
  has_money_ = false;
  has_shares_ = false;
  for (const Bucket& bucket : account_->buckets) {
    const Payer* const payer = bucket.is_lent ? account_->payer(bucket.number) : nullptr;
    buckets_.push_back({&bucket, bucket.remaining, nullptr, limits_.size(),
                        payer == nullptr ? nullptr : &payer->terms});
    has_shares_ = has_shares_ || buckets_.back().has_share();
    for (const Bucket::Limit& limit : bucket.limits) limits_.push_back(limit.remaining);
    has_money_ = has_money_ || bucket.unit == Unit::money;
  }
  if (buckets_.size() < 2) return;
  const auto place = [](const BucketWork& work) {
    return std::tuple(work.bucket->priority, work.bucket->valid_to,
                      work.payer == nullptr ? 0 : work.payer->place, work.bucket->number);
  };
  std::sort(buckets_.begin(), buckets_.end(),
            [place](const BucketWork& a, const BucketWork& b) { return place(a) < place(b); });
}

void Worksheet::lend(std::span<const Lending> lendings) {
  for (const Lending& lending : lendings) {
    const auto bucket = std::ranges::find(
        buckets_, lending.bucket, [](const BucketWork& work) { return work.bucket->number; });
    bucket->remaining += lending.micros;
    bucket->lending = &lending;
  }
}

void Worksheet::load_counters() {
  for (const Counter& counter : account_->counters) {
    if (counter.owner.value != 0 && counter.owner != subscriber_) continue;
    counters_.push_back({nullptr, nullptr, counter.number, counter.owner, counter.key, counter.span,
                         counter.value, counter.value, counter.held});
  }
  counters_known_ = counters_.size();
  if (session_ == nullptr) return;
  for (const CounterHold& hold : session_->counter_holds) {
    counter_shares_.push_back({hold.segment, hold.counter, hold.units, hold.units, 0});
  }
}

void Worksheet::load_session() {
  for (const Segment& segment : session_->segments) {
    const auto index = static_cast<std::uint16_t>(segments_.size());
    by_group_.push_back(group_key(segment) | index);
    SegmentWork& work = segments_.emplace_back();
    work.now = segment;
    work.reserved_before = segment.reserved_micros;
    work.charged_before = segment.charged_micros;
  }
  std::sort(by_group_.begin(), by_group_.end());
  for (const HeldGrant& held : session_->grants) {
    grants_.push_back({held.segment, held.services, held.units, held.final_unit, held.units,
                       held.final_unit, false});
    std::uint64_t& granted = segments_[held.segment].granted;
    granted = saturating_add(granted, held.units);
  }
  for (const BucketHold& held : session_->holds) {
    shares_.push_back({held.segment, held.bucket, held.units, held.units, 0});
  }
  for (const ShareUse& use : session_->share_uses) {
    fallen_.push_back({use.segment, use.bucket, use.fallen_micros, use.fallen_micros,
                       use.paid_micros, use.paid_micros});
  }
}

// --- Segments ------------------------------------------------------------------------------------

std::optional<std::uint16_t> Worksheet::find(const std::optional<RatingGroup>& group,
                                             bool money) const {
  const std::size_t first = first_of(group, money);
  if (!is_of(first, group, money)) return std::nullopt;
  return static_cast<std::uint16_t>(by_group_[first]);
}

std::size_t Worksheet::first_of(const std::optional<RatingGroup>& group, bool money) const {
  const auto first = std::lower_bound(by_group_.begin(), by_group_.end(), group_key(group, money));
  return static_cast<std::size_t>(first - by_group_.begin());
}

bool Worksheet::is_of(std::size_t place, const std::optional<RatingGroup>& group,
                      bool money) const {
  return place < by_group_.size() && by_group_[place] >> 16 == group_key(group, money) >> 16;
}

std::uint16_t Worksheet::open(const Segment& segment) {
  const auto index = static_cast<std::uint16_t>(segments_.size());
  segments_.emplace_back().now = segment;
  const std::uint64_t key = group_key(segment) | index;
  by_group_.insert(std::lower_bound(by_group_.begin(), by_group_.end(), key), key);
  return index;
}

std::optional<std::uint16_t> Worksheet::only_granted() const {
  std::optional<std::uint16_t> only;
  for (const GrantWork& grant : grants_) {
    if (grant.before == 0 || only == grant.segment) continue;
    if (!only) {
      only = grant.segment;
    } else if (group_key(segments_[*only].now) != group_key(segments_[grant.segment].now)) {
      return std::nullopt;
    }
  }
  return only;
}

std::int64_t Worksheet::balance_micros() const {
  std::int64_t micros = main_micros_ + account_->reserved_micros;
  for (const SegmentWork& work : segments_) {
    micros += work.now.reserved_micros - work.reserved_before;
  }
  return micros;
}

// --- Grants --------------------------------------------------------------------------------------

Worksheet::Grants::iterator Worksheet::find_grant(std::uint16_t segment, std::uint32_t services) {
  return std::ranges::lower_bound(grants_, std::pair(segment, services), {}, by_place);
}

void Worksheet::drop_grant(std::uint16_t index, std::uint32_t services) {
  const auto held = find_grant(index, services);
  if (held == grants_.end() || held->segment != index || held->services != services) return;
  std::uint64_t& granted = segments_[index].granted;
  granted -= std::min(granted, held->units);
  held->units = 0;
  held->final_unit = FinalUnit::none;
}

std::uint64_t Worksheet::granted_before(std::uint16_t index, std::uint32_t services) const {
  const auto held = std::ranges::lower_bound(grants_, std::pair(index, services), {}, by_place);
  const bool is_known =
      held != grants_.end() && held->segment == index && held->services == services;
  return is_known ? held->before : 0;
}

void Worksheet::drop_grants(std::uint16_t index) {
  for (auto held = find_grant(index, 0); held != grants_.end() && held->segment == index; ++held) {
    held->units = 0;
    held->final_unit = FinalUnit::none;
  }
  segments_[index].granted = 0;
}

FinalUnit Worksheet::final_before(std::uint16_t index, std::uint32_t services) const {
  const auto held = std::ranges::lower_bound(grants_, std::pair(index, services), {}, by_place);
  const bool is_known =
      held != grants_.end() && held->segment == index && held->services == services;
  return is_known ? held->final_before : FinalUnit::none;
}

bool Worksheet::stay_at_end(std::uint16_t index, std::optional<std::uint32_t> services) {
  bool is_any = false;
  for (auto held = find_grant(index, services.value_or(0));
       held != grants_.end() && held->segment == index; ++held) {
    if (services && held->services != *services) break;
    if (held->final_before != FinalUnit::acts) continue;
    held->final_unit = FinalUnit::acts;
    held->given = true;
    is_any = true;
  }
  return is_any;
}

bool Worksheet::give(std::uint16_t index, std::uint32_t services, std::uint64_t units,
                     FinalUnit final_unit) {
  auto held = find_grant(index, services);
  if (held == grants_.end() || held->segment != index || held->services != services) {
    if (grants_.size() >= grants_max) return false;
    held = grants_.insert(held, {index, services});
  }
  held->units = units;
  held->final_unit = final_unit;
  held->given = true;
  segments_[index].granted = saturating_add(segments_[index].granted, units);
  return true;
}

bool Worksheet::holds_older_grants() const {
  return std::any_of(grants_.begin(), grants_.end(),
                     [](const GrantWork& grant) { return grant.units > 0 && !grant.given; });
}

std::uint64_t Worksheet::payable_units(std::uint16_t index, std::uint64_t most) const {
  const Segment& segment = segments_[index].now;
  const PriceTerms& terms = segment.terms;
  // What is used and what other sets of services hold comes first.
  const std::uint64_t others = saturating_add(segment.used, segments_[index].granted);
  const std::uint64_t begun = chargeable_units(terms, segment.used);
  const std::int64_t extra =
      chargeable(segment, saturating_add(others, most)) - chargeable(segment, segment.used);
  const std::int64_t allowed = std::min(extra, left(segment, Pays::units));

  std::int64_t budget = std::max<std::int64_t>(available_micros(index), 0);
  if (segment.used == 0) budget -= setup_micros(terms);
  if (budget < 0) return 0;
  const std::int64_t from = priced_before(index, allowed);
  const std::int64_t behind = priced_behind_others(index, allowed);
  std::int64_t payable = most_for(index, from, extra - allowed, budget);
  if (behind != from) payable = std::min(payable, most_for(index, behind, payable, budget));
  const std::uint64_t reach = begun + static_cast<std::uint64_t>(allowed + payable);
  // The first unit costs as much as the least that is charged: without it there is nothing to give.
  if (reach < chargeable_units(terms, 1)) return 0;
  return reach > others ? reach - others : 0;
}

// How many of the `wanted` units, priced from one place on, the budget pays.
std::int64_t Worksheet::most_for(std::uint16_t index, std::int64_t from, std::int64_t wanted,
                                 std::int64_t budget) const {
  const PriceTerms& terms = segments_[index].now.terms;
  const std::int64_t in_all = saturating_add(price_micros(terms, from), budget);
  const std::int64_t to = saturating_add(from, wanted);
  if (dearest_micros(terms, from, to) <= in_all) return wanted;
  const std::int64_t affordable = clamp_signed(affordable_units(
      terms, Money(in_all), static_cast<std::uint64_t>(to), static_cast<std::uint64_t>(from)));
  const std::int64_t more = std::max<std::int64_t>(affordable - from, 0);
  // Others may have counted in other steps.
  return more - static_cast<std::int64_t>(static_cast<std::uint64_t>(more) % terms.step);
}

// --- Allowances ----------------------------------------------------------------------------------

Worksheet::Shares::iterator Worksheet::find_share(std::uint16_t segment, BucketNumber bucket) {
  return std::ranges::lower_bound(
      shares_, std::pair(segment, bucket), {},
      [](const BucketShare& s) { return std::pair(s.segment, s.bucket); });
}

Worksheet::BucketShare& Worksheet::share(std::uint16_t segment, BucketNumber bucket) {
  auto found = find_share(segment, bucket);
  if (found == shares_.end() || found->segment != segment || found->bucket != bucket) {
    found = shares_.insert(found, {segment, bucket, 0, 0, 0});
  }
  return *found;
}

bool Worksheet::covers(const Bucket& bucket, const Segment& segment, Pays what) const {
  const bool is_money = bucket.unit == Unit::money;
  const bool pays = what == Pays::money ? is_money : !is_money && bucket.unit == segment.terms.unit;
  return pays && bucket.is_for(subscriber_) &&
         bucket.covers(segment.service, segment.rating_group, segment.situations);
}

bool Worksheet::is_valid(const Bucket& bucket) const { return bucket.is_valid_at(rated_at_); }

// What of the bucket the segment may have: no more than its limits leave in the segment's
// situations.
std::int64_t Worksheet::left_for(const BucketWork& bucket, const Segment& segment) const {
  std::int64_t left = bucket.remaining;
  for (std::size_t i = 0; i < bucket.bucket->limits.size(); ++i) {
    if (!segment.situations.contain(bucket.bucket->limits[i].situation)) continue;
    left = std::min(left, limits_[bucket.first_limit + i]);
  }
  return left;
}

// Negative: they are given back.
void Worksheet::take(BucketWork& bucket, const Segment& segment, std::int64_t units) {
  bucket.remaining -= units;
  for (std::size_t i = 0; i < bucket.bucket->limits.size(); ++i) {
    if (!segment.situations.contain(bucket.bucket->limits[i].situation)) continue;
    limits_[bucket.first_limit + i] -= units;
  }
}

// All units of a bucket in its time; afterwards what the session still held of it.
std::int64_t Worksheet::edible_units(std::uint16_t index, const Bucket& bucket) {
  if (is_valid(bucket)) return std::numeric_limits<std::int64_t>::max();
  const auto own = find_share(index, bucket.number);
  if (own == shares_.end() || own->segment != index || own->bucket != bucket.number) return 0;
  return std::max<std::int64_t>(own->held_before - own->consumed, 0);
}

// Uses up to `wanted` of what is in the buckets that cover the segment; returns how much.
std::int64_t Worksheet::eat(std::uint16_t index, std::int64_t wanted, Pays what) {
  std::int64_t eaten = 0;
  for (BucketWork& bucket : buckets_) {
    if (eaten == wanted) break;
    if (bucket.remaining == 0 && !bucket.has_share()) continue;
    if (!covers(*bucket.bucket, segments_[index].now, what)) continue;
    const std::int64_t part =
        std::min({falls_to(index, bucket, wanted - eaten), left_for(bucket, segments_[index].now),
                  edible_units(index, *bucket.bucket)});
    if (bucket.has_share()) note_fallen(index, bucket, wanted - eaten, part);
    if (part == 0) continue;
    take(bucket, segments_[index].now, part);
    share(index, bucket.bucket->number).consumed += part;
    eaten += part;
  }
  return eaten;
}

// Holds up to `wanted` of what is in the buckets that cover the segment; returns how much.
std::int64_t Worksheet::hold(std::uint16_t index, std::int64_t wanted, Pays what) {
  std::int64_t held = 0;
  for (BucketWork& bucket : buckets_) {
    if (held == wanted) break;
    if (bucket.remaining == 0 || !covers(*bucket.bucket, segments_[index].now, what) ||
        !is_valid(*bucket.bucket)) {
      continue;
    }
    const std::int64_t part =
        std::min(falls_to(index, bucket, wanted - held), left_for(bucket, segments_[index].now));
    if (part == 0) continue;
    take(bucket, segments_[index].now, part);
    share(index, bucket.bucket->number).held += part;
    held += part;
    // They are to be reported before they end. The client counts from when it has the answer.
    std::chrono::seconds& validity = segments_[index].validity;
    validity =
        std::min(validity, std::chrono::ceil<std::chrono::seconds>(bucket.bucket->valid_to - now_));
  }
  return held;
}

std::int64_t Worksheet::left(const Segment& segment, Pays what) const {
  std::int64_t left = 0;
  for (const BucketWork& bucket : buckets_) {
    if (bucket.remaining == 0 || !covers(*bucket.bucket, segment, what) ||
        !is_valid(*bucket.bucket)) {
      continue;
    }
    left = saturating_add(left, left_for(bucket, segment));
  }
  return left;
}

// --- Money ---------------------------------------------------------------------------------------

// What is paid from the prepaid side alone has what is above zero, and what was held of it for its
// own grants, whatever others have used of the credit limit since.
std::int64_t Worksheet::main_available(std::uint16_t index) const {
  const std::int64_t all = main_micros_ + limit_micros_;
  const SegmentWork& work = segments_[index];
  if (work.now.terms.paid_from == tariffs::PaidFrom::either) return all;
  return std::min(all, std::max(main_micros_, work.own_micros));
}

std::int64_t Worksheet::available_micros(std::uint16_t index) const {
  const std::int64_t main = main_available(index) - kept_micros_;
  if (!has_money_) return main;
  if (has_shares_) return available_with_shares(index, std::max<std::int64_t>(main, 0));
  // Below its limit an account still has what is in its buckets.
  return std::min(
      saturating_add(std::max<std::int64_t>(main, 0), left(segments_[index].now, Pays::money)),
      account_money_max.micros);
}

void Worksheet::release(std::uint16_t index) {
  SegmentWork& work = segments_[index];
  work.released = true;
  work.own_micros += work.now.reserved_micros;
  main_micros_ += std::exchange(work.now.reserved_micros, 0);
  for (auto own = find_share(index, {}); own != shares_.end() && own->segment == index; ++own) {
    if (own->held == 0) continue;
    const auto bucket = std::find_if(buckets_.begin(), buckets_.end(), [own](const BucketWork& b) {
      return b.bucket->number == own->bucket;
    });
    take(*bucket, work.now, -std::exchange(own->held, 0));
  }
  for (auto own = find_counter_share(index, {});
       own != counter_shares_.end() && own->segment == index; ++own) {
    if (own->held == 0) continue;
    const auto counter = std::ranges::find(counters_, own->counter, &CounterWork::number);
    counter->held -= std::exchange(own->held, 0);
  }
}

void Worksheet::release_everything() {
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    drop_grants(static_cast<std::uint16_t>(i));
    release(static_cast<std::uint16_t>(i));
  }
}

void Worksheet::use(std::uint16_t index, std::uint64_t units) {
  if (units == 0) return;
  SegmentWork& work = segments_[index];
  Segment& segment = work.now;
  const bool is_first = segment.used == 0;
  const std::int64_t before = chargeable(segment, segment.used);
  segment.used = saturating_add(segment.used, units);
  const std::int64_t more = chargeable(segment, segment.used) - before;
  const std::int64_t eaten = eat(index, more, Pays::units);
  segment.consumed_units += eaten;
  count_units(index, more, more - eaten);
  const std::int64_t due = due_micros(index, more - eaten, is_first);
  if (due < 0) return give_back(index, -due);
  const std::int64_t from_buckets = has_money_ ? eat(index, due, Pays::money) : 0;
  const std::int64_t from_main =
      std::clamp<std::int64_t>(main_available(index), 0, due - from_buckets);
  const std::int64_t paid = from_buckets + from_main;
  // What an account can owe in all has an end, so that no report, however absurd, can leave the
  // range.
  const std::int64_t unpaid =
      std::clamp<std::int64_t>(account_money_max.micros - overage_micros_, 0, due - paid);
  main_micros_ -= from_main;
  work.own_micros -= std::min(work.own_micros, from_main);
  segment.bucket_micros += from_buckets;
  overage_micros_ += unpaid;
  work.overage_micros += unpaid;
  segment.charged_micros += paid + unpaid;
  count_money(index, paid + unpaid);
}

// What the segment owes for usage that was just counted, beyond what it was charged.
std::int64_t Worksheet::due_micros(std::uint16_t index, std::int64_t priced, bool is_first) const {
  const Segment& segment = segments_[index].now;
  const PriceTerms& terms = segment.terms;
  if (!goes_by_counter(index)) {
    const std::int64_t owed = std::min(
        price_micros(terms, priced_units(segment)) + setup_micros(terms), account_money_max.micros);
    return owed - segment.charged_micros;
  }
  const std::int64_t to = priced_before(index);
  const std::int64_t from = std::max<std::int64_t>(to - priced, 0);
  return price_micros(terms, to) - price_micros(terms, from) + (is_first ? setup_micros(terms) : 0);
}

// Under a falling slab more usage costs less. What nobody could pay is forgiven first.
void Worksheet::give_back(std::uint16_t index, std::int64_t micros) {
  SegmentWork& work = segments_[index];
  const std::int64_t rest = micros - return_to_shares(index, micros, false);
  const std::int64_t forgiven = std::min(rest, overage_micros_);
  overage_micros_ -= forgiven;
  work.overage_micros -= forgiven;
  // What is left in the segment of what buckets paid is at most what it was charged.
  const std::int64_t to_buckets = std::clamp<std::int64_t>(
      work.now.bucket_micros - (work.now.charged_micros - micros), 0, rest - forgiven);
  return_to_buckets(index, to_buckets);
  main_micros_ += rest - forgiven - to_buckets;
  work.now.charged_micros -= micros;
  count_money(index, -micros);
}

// To the one that pays first; where there is none any more, to the main balance.
void Worksheet::return_to_buckets(std::uint16_t index, std::int64_t micros) {
  if (micros == 0) return;
  Segment& segment = segments_[index].now;
  const auto first = std::ranges::find_if(buckets_, [&](const BucketWork& work) {
    return !work.has_share() && covers(*work.bucket, segment, Pays::money) &&
           is_valid(*work.bucket);
  });
  segment.bucket_micros -= micros;
  if (first == buckets_.end()) {
    main_micros_ += micros;
    return;
  }
  take(*first, segment, -micros);
  share(index, first->bucket->number).consumed -= micros;
}

void Worksheet::reserve(std::uint16_t index) {
  SegmentWork& work = segments_[index];
  work.released = false;
  work.validity = work.now.quota.validity;
  if (work.granted == 0) return;
  const Segment& segment = work.now;
  const std::int64_t wanted = chargeable(segment, saturating_add(segment.used, work.granted)) -
                              chargeable(segment, segment.used);
  const std::int64_t held = hold(index, wanted, Pays::units);
  const std::int64_t priced = wanted - held;
  const std::int64_t from = priced_before(index, held);
  const std::int64_t behind = priced_behind_others(index, held);
  std::int64_t cost = dearest_cost(index, from, priced);
  if (behind != from) cost = std::max(cost, dearest_cost(index, behind, priced));
  if (segment.used == 0) cost += setup_micros(segment.terms);
  const std::int64_t from_buckets = has_money_ ? hold(index, cost, Pays::money) : 0;
  work.now.reserved_micros =
      std::clamp<std::int64_t>(main_available(index), 0, cost - from_buckets);
  main_micros_ -= work.now.reserved_micros;
  hold_counted(index, wanted, priced, from_buckets + work.now.reserved_micros);
}

// The most that so many units cost, priced from one place on.
std::int64_t Worksheet::dearest_cost(std::uint16_t index, std::int64_t from,
                                     std::int64_t units) const {
  const PriceTerms& terms = segments_[index].now.terms;
  return dearest_micros(terms, from, saturating_add(from, units)) - price_micros(terms, from);
}

void Worksheet::reserve_released() {
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (segments_[i].released) reserve(static_cast<std::uint16_t>(i));
  }
}

std::int64_t Worksheet::price_with_setup(std::uint16_t index, std::uint64_t units,
                                         std::uint64_t covered) const {
  const PriceTerms& terms = segments_[index].now.terms;
  const std::int64_t from = priced_before(index, clamp_signed(covered));
  const std::int64_t to = saturating_add(from, clamp_signed(units - covered));
  return std::min(price_micros(terms, to) - price_micros(terms, from) + setup_micros(terms),
                  account_money_max.micros);
}

// As if they were the last that were counted; where the counter has begun anew, its first.
std::int64_t Worksheet::price_to_refund(std::uint16_t index, std::uint64_t units) const {
  const PriceTerms& terms = segments_[index].now.terms;
  const std::int64_t from = std::max<std::int64_t>(priced_before(index) - clamp_signed(units), 0);
  const std::int64_t to = saturating_add(from, clamp_signed(units));
  return std::min(price_micros(terms, to) - price_micros(terms, from) + setup_micros(terms),
                  account_money_max.micros);
}

std::uint64_t Worksheet::covered_units(std::uint16_t index, std::uint64_t units) const {
  return std::min(units, static_cast<std::uint64_t>(left(segments_[index].now, Pays::units)));
}

bool Worksheet::refund(std::uint16_t index, std::uint64_t units, std::int64_t micros) {
  // What is reserved still belongs to the account.
  if (main_micros_ + account_->reserved_micros > account_money_max.micros - micros) return false;
  return_to_buckets(index, micros - return_to_shares(index, micros, true));
  segments_[index].now.charged_micros -= micros;
  segments_[index].now.used = units;
  const std::int64_t counted = chargeable(segments_[index].now, units);
  count_units(index, -counted, -counted);
  count_money(index, -micros);
  return true;
}

// --- Where prices go by counters ----------------------------------------------------------------

bool Worksheet::goes_by_counter(std::uint16_t index) const {
  return segments_[index].rule != nullptr && segments_[index].rule->over &&
         segments_[index].now.terms.unit != Unit::money;
}

// How many units were priced before the segment's next one but `covered`, which an allowance pays:
// most counters count those, too.
std::int64_t Worksheet::priced_at(std::uint16_t index, std::int64_t covered, bool with_held) const {
  if (!goes_by_counter(index)) return priced_units(segments_[index].now);
  const SegmentWork& work = segments_[index];
  const tariffs::CounterRule& rule = work.tariff->counters()[*work.rule->over];
  return saturating_add(clamp_signed(counted(rule, with_held)), rule.is_paid ? 0 : covered);
}

std::int64_t Worksheet::priced_before(std::uint16_t index, std::int64_t covered) const {
  return priced_at(index, covered, false);
}

// The same if what others hold were used first.
std::int64_t Worksheet::priced_behind_others(std::uint16_t index, std::int64_t covered) const {
  return priced_at(index, covered, true);
}

// --- What changed --------------------------------------------------------------------------------

// Of a payer's bucket nothing is free: what is used or held is lent, and what is not any more goes
// back.
void Worksheet::write_shares(Entry& entry) const {
  auto add = [&entry](Side side, const BucketShare& part, std::int64_t amount) {
    if (amount != 0) entry.legs.push_back({side, part.segment, part.bucket, amount});
  };
  for (const BucketShare& part : shares_) {
    const auto of = std::ranges::find(buckets_, part.bucket,
                                      [](const BucketWork& b) { return b.bucket->number; });
    const Bucket& bucket = *of->bucket;
    const BucketSides sides = sides_of(bucket.unit);
    const std::int64_t held = part.held - part.held_before;
    add(sides.held, part, held);
    if (bucket.unit != Unit::money) add(Side::consumed, part, part.consumed);
    add(bucket.is_lent ? Side::lent : sides.free, part, -held - part.consumed);
    if (of->lending == nullptr || part.consumed == 0) continue;
    const Payer& payer = *account_->payer(part.bucket);
    const bool is_said =
        std::ranges::find(entry.payers, part.bucket, &PayerChange::bucket) != entry.payers.end();
    if (payer.terms.month == of->lending->month || is_said) continue;
    entry.payers.push_back(payer.terms);
    entry.payers.back().month = of->lending->month;
  }
}

// What the request changed, segment by segment; what they gain or lose in money, the main balance
// loses or gains. The legs of one share stand together (entry.h).
void Worksheet::write(Entry& entry) const {
  auto add = [&entry](Side side, std::uint16_t segment, BucketNumber bucket, std::int64_t amount) {
    if (amount != 0) entry.legs.push_back({side, segment, bucket, amount});
  };
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const SegmentWork& work = segments_[i];
    const auto index = static_cast<std::uint16_t>(i);
    add(Side::reserved, index, {}, work.now.reserved_micros - work.reserved_before);
    add(Side::revenue, index, {}, work.now.charged_micros - work.charged_before);
    add(Side::overage, index, {}, -work.overage_micros);
  }
  add(Side::main, Leg::no_segment, {}, main_micros_ - account_->main_micros);
  write_shares(entry);
  for (const GrantWork& grant : grants_) {
    if (grant.is_changed()) {
      entry.grants.push_back({grant.segment, grant.services, grant.units, grant.final_unit});
    }
  }
  for (const BucketWork& work : buckets_) {
    for (std::size_t i = 0; i < work.bucket->limits.size(); ++i) {
      const std::int64_t change = limits_[work.first_limit + i] - work.bucket->limits[i].remaining;
      if (change == 0) continue;
      entry.limit_changes.push_back({work.bucket->number, static_cast<std::uint8_t>(i), change});
    }
  }
  write_counters(entry);
  for (const ShareWork& work : fallen_) {
    const std::int64_t fallen = work.fallen - work.fallen_before;
    const std::int64_t paid = work.paid - work.paid_before;
    if (fallen != 0 || paid != 0) {
      entry.share_uses.push_back({work.segment, work.bucket, fallen, paid});
    }
  }
}

}  // namespace farthing::engine
