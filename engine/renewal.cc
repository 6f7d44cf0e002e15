#include "engine/renewal.h"

#include "engine/account_entry.h"
#include "engine/base/wide.h"
#include "engine/ceilings.h"
#include "engine/decide.h"
#include "engine/instalments.h"
#include "engine/minimum_spend.h"
#include "engine/permission.h"

#include <algorithm>
#include <utility>

namespace farthing::engine {

namespace {

using tariffs::Allowance;
using tariffs::Offer;
using tariffs::Renewal;
using tariffs::Share;
using tariffs::TariffHistory;
using tariffs::TimeSpan;
using tariffs::VersionedTariff;
using State = Subscription::State;

constexpr Duration retry_interval = std::chrono::hours(24);
constexpr Duration sweep_interval = std::chrono::hours(1);  // where sessions hold units

// What a period is sold under.
struct Terms {
  const VersionedTariff* tariff = nullptr;
  const Offer* offer = nullptr;
};

bool is_whole(Share share) { return share.part == share.whole; }

Money share_of(Money fee, Share share, const Renewal& renewal) {
  if (is_whole(share)) return fee;
  // In multiples of the step: numerator / denominator of them.
  const base::Int128 numerator = base::Int128{fee.micros} * share.part;
  const base::Int128 denominator = base::Int128{renewal.share_step.micros} * share.whole;
  base::Int128 steps = numerator / denominator;
  const base::Int128 rest = numerator % denominator;
  const bool goes_up = renewal.share_rounding == tariffs::Rounding::up
                           ? rest > 0
                           : renewal.share_rounding == tariffs::Rounding::half_away_from_zero &&
                                 2 * rest >= denominator;
  if (goes_up) ++steps;
  // A part costs no more than the whole, however coarse the step.
  const base::Int128 rounded = steps * renewal.share_step.micros;
  return Money(static_cast<std::int64_t>(std::min<base::Int128>(rounded, fee.micros)));
}

// A part of a unit is a whole one.
std::int64_t share_of(std::uint64_t units, Share share) {
  const base::Int128 part = base::Int128{units} * share.part;
  return static_cast<std::int64_t>((part + share.whole - 1) / share.whole);
}

Share share_of_period(const VersionedTariff& tariff, const Offer& offer, const Subscription& one) {
  if (!offer.renewal || one.period != 0) return {};
  return tariff.tariff->first_share(*offer.renewal, one.anchor);
}

void move(Entry& entry, BucketNumber bucket, Side from, Side to, std::int64_t amount) {
  if (amount == 0) return;
  entry.legs.push_back({from, Leg::no_segment, bucket, -amount});
  entry.legs.push_back({to, Leg::no_segment, bucket, amount});
}

// What is left in a bucket, or a part of it, ends.
void expire(Entry& entry, const Bucket& bucket, std::int64_t amount) {
  const BucketSides sides = sides_of(bucket.unit);
  move(entry, bucket.number, sides.free, sides.gone, amount);
}

void pay(Entry& entry, Money fee) {
  if (fee.micros == 0) return;
  entry.legs.push_back({Side::main, Leg::no_segment, {}, -fee.micros});
  entry.legs.push_back({Side::revenue, Leg::no_segment, {}, fee.micros});
}

// More than 64 bits hold nobody can pay either.
Money with_deposit(Money fee, const Offer& offer) {
  Money sum(INT64_MAX);
  return tariffs::add(fee, deposit_of(offer), sum) ? sum : Money(INT64_MAX);
}

// What the period that the entry's subscription begins is to spend at least.
void commit(const Account& account, const VersionedTariff& tariff, const Offer& offer, Share share,
            Entry& entry) {
  if (!offer.minimum_spend || !offer.renewal) return;
  commit_spending(account, *tariff.tariff, offer,
                  share_of(offer.minimum_spend->amount, share, *offer.renewal), entry);
}

// The allowances of a period, numbered from `next` on.
void open_buckets(Entry& entry, const Offer& offer, SubscriberNumber subscriber, TimeSpan span,
                  Share share, std::uint32_t next, std::vector<BucketNumber>& opened) {
  for (const Allowance& allowance : offer.allowances) {
    const BucketNumber bucket(next++);
    std::vector<tariffs::SubLimit> limits = allowance.limits;
    for (tariffs::SubLimit& limit : limits) {
      limit.units = static_cast<std::uint64_t>(share_of(limit.units, share));
    }
    entry.bucket_openings.push_back({bucket, allowance.is_shared ? SubscriberNumber() : subscriber,
                                     offer.name, allowance.unit, span.from, span.to,
                                     allowance.coverage, allowance.priority, std::move(limits)});
    const BucketSides sides = sides_of(allowance.unit);
    move(entry, bucket, sides.source, sides.free, share_of(allowance.units, share));
    opened.push_back(bucket);
  }
}

// --- A period ends -------------------------------------------------------------------------------

const Allowance* allowance_of(const Offer& offer, const Bucket& bucket) {
  const auto found = std::ranges::find_if(offer.allowances, [&bucket](const Allowance& allowance) {
    return allowance.unit == bucket.unit && allowance.coverage == bucket.coverage &&
           std::ranges::equal(allowance.limits, bucket.limits, {}, &tariffs::SubLimit::situation,
                              &Bucket::Limit::situation);
  });
  return found == offer.allowances.end() ? nullptr : &*found;
}

// Keeps what is left of the period that ends for the periods that the offer says.
void roll_over(Entry& entry, const Account& account, const Subscription& before, const Terms& terms,
               const Subscription& after) {
  for (const BucketNumber number : before.buckets) {
    const Bucket& bucket = *account.bucket(number);
    const bool is_of_period =
        bucket.valid_to == before.valid_to && bucket.valid_from >= before.valid_from;
    const Allowance* const allowance = allowance_of(*terms.offer, bucket);
    if (!is_of_period || allowance == nullptr || allowance->rollover.periods == 0 ||
        bucket.remaining + bucket.reserved == 0) {
      continue;
    }
    const tariffs::Rollover& rollover = allowance->rollover;
    if (rollover.units_max) {
      base::Int128 kept = 0;  // from earlier periods
      for (const BucketNumber other : before.buckets) {
        const Bucket& rolled = *account.bucket(other);
        if (rolled.valid_to > before.valid_to && allowance_of(*terms.offer, rolled) == allowance) {
          kept += rolled.remaining + rolled.reserved;
        }
      }
      const base::Int128 room = std::max<base::Int128>(0, base::Int128{*rollover.units_max} - kept);
      // What sessions hold they may give back: of the rest so much less is kept.
      const base::Int128 over = std::clamp<base::Int128>(
          base::Int128{bucket.remaining} + bucket.reserved - room, 0, bucket.remaining);
      expire(entry, bucket, static_cast<std::int64_t>(over));
    }
    const std::uint32_t last = after.period + rollover.periods - std::uint32_t{1};
    entry.bucket_extensions.push_back(
        {number, terms.tariff->tariff->period_of(*terms.offer->renewal, after.anchor, last).to});
  }
}

// When the first of its buckets goes that are over, or, as the last thing, it itself. Of those that
// are good for longer the next period's begin takes care; where there is none, they are waited for.
Time sweep_of(const Account& account, const Subscription& one, const Entry& entry, Time now) {
  Time sweep = never;
  if (one.state == State::ended && one.valid_to + event_time_past_max > now) {
    sweep = one.valid_to + event_time_past_max;
  }
  for (const BucketNumber number : one.buckets) {
    const Bucket* const bucket = account.bucket(number);
    if (bucket == nullptr) continue;  // it begins just now
    const auto extended =
        std::ranges::find(entry.bucket_extensions, number, &BucketExtension::number);
    if (extended != entry.bucket_extensions.end()) continue;
    if (bucket->valid_to > now && one.state != State::ended) continue;
    sweep = std::min(sweep, bucket->valid_to + event_time_past_max);
  }
  return sweep;
}

Entry end_by_itself(const Account& account, const Subscription& before, Time now) {
  Entry entry = entry_of(account, EntryKind::subscription_ended, before.owner);
  Subscription& after = entry.subscription.emplace(before);
  after.state = State::ended;
  after.renews = false;
  after.due = never;
  after.sweep = sweep_of(account, after, entry, now);
  end_plan(account, before.number, entry);
  return entry;
}

Entry sweep(const Account& account, const Subscription& before, Time now) {
  Entry entry = entry_of(account, EntryKind::allowance_expired, before.owner);
  Subscription& after = entry.subscription.emplace(before);
  bool is_held = false;
  std::erase_if(after.buckets, [&](BucketNumber number) {
    const Bucket& bucket = *account.bucket(number);
    if (bucket.valid_to + event_time_past_max > now) return false;
    is_held = is_held || bucket.reserved != 0;
    if (bucket.reserved != 0) return false;
    expire(entry, bucket, bucket.remaining);
    entry.bucket_closings.push_back(number);
    return true;
  });
  after.sweep = is_held ? now + sweep_interval : sweep_of(account, after, entry, now);
  return entry;
}

// --- A period begins -----------------------------------------------------------------------------

// What the next period is sold under; no offer: there is none.
Terms next_terms(const Account& account, const Subscription& one, const TariffHistory& tariffs,
                 Time now) {
  const auto terms_of = [](const VersionedTariff* tariff, std::string_view name) {
    const Offer* const offer = tariff == nullptr ? nullptr : tariff->tariff->find_offer(name);
    return Terms{tariff, offer != nullptr && offer->renewal ? offer : nullptr};
  };
  const Terms held = terms_of(tariffs.find(one.version), one.offer);
  const Terms current = terms_of(version_for(tariffs, account, one.owner, now), one.offer);
  if (current.offer != nullptr && current.offer->sale == tariffs::Sale::ended) {
    return terms_of(current.tariff, current.offer->successor);
  }
  if (held.offer != nullptr && held.offer->renewal->keeps_terms) return held;
  return current.offer != nullptr ? current : held;
}

// The period after the last one, or the first; of one that is paid late, from now on. Those that
// have passed are left out.
void take_next_period(Subscription& after, const Subscription& before, const Terms& held,
                      const Terms& terms, Time now) {
  const Renewal& renewal = *terms.offer->renewal;
  const bool counts_on = before.state == State::active && held.offer != nullptr &&
                         held.offer->renewal->period == renewal.period &&
                         held.offer->renewal->is_calendar == renewal.is_calendar;
  if (counts_on) {
    ++after.period;
  } else {
    after.anchor = before.state == State::unpaid ? now : before.valid_to;
    after.period = 0;
  }
  const tariffs::Tariff& tariff = *terms.tariff->tariff;
  TimeSpan span = tariff.period_of(renewal, after.anchor, after.period);
  while (span.to <= now) span = tariff.period_of(renewal, after.anchor, ++after.period);
  after.valid_from = span.from;
  after.valid_to = after.due = span.to;
}

// Since when it could not be paid whole.
Time unpaid_since(const Subscription& before) {
  const bool is_by_days =
      before.state == State::unpaid && before.unpaid == tariffs::Unpaid::by_days;
  return is_by_days ? before.anchor : before.valid_to;
}

// The next is paid when that day is over, whatever comes in meanwhile.
bool is_day_paid(const Subscription& before, Time now) {
  return before.state == State::unpaid && before.unpaid == tariffs::Unpaid::by_days &&
         before.valid_to > now;
}

// A day of the period that cannot be paid whole. nullopt: that cannot be paid either, or it is not
// the time for it.
std::optional<Entry> pay_a_day(const Account& account, const Subscription& before,
                               const Terms& terms, Time now) {
  const Renewal& renewal = *terms.offer->renewal;
  const bool is_first = before.valid_from == before.valid_to;
  if (renewal.unpaid != tariffs::Unpaid::by_days || is_first ||
      now >= unpaid_since(before) + renewal.retry_for) {
    return std::nullopt;
  }
  const tariffs::Tariff& tariff = *terms.tariff->tariff;
  const Share share = tariff.day_share(renewal, now);
  const Money fee = share_of(terms.offer->fee_in(account.state_of(before.owner)), share, renewal);
  if (fee.micros > 0 && fee > account.spendable(now)) return std::nullopt;
  Entry entry = entry_of(account, EntryKind::subscription_renewed, before.owner);
  Subscription& after = entry.subscription.emplace(before);
  after.anchor = unpaid_since(before);
  after.valid_from = now;
  after.valid_to = after.due =
      renewal.is_calendar ? tariff.day_of(now).to : now + Duration(std::chrono::days(1));
  pay(entry, fee);
  open_buckets(entry, *terms.offer, before.owner, {after.valid_from, after.valid_to}, share,
               account.bucket_count + 1, after.buckets);
  after.state = State::unpaid;
  after.unpaid = renewal.unpaid;
  after.offer = terms.offer->name;
  after.version = terms.tariff->version;
  after.coverage = terms.offer->coverage;
  after.sweep = sweep_of(account, after, entry, now);
  return entry;
}

Entry wait_for_money(const Account& account, const Subscription& before, const Renewal& renewal,
                     Time now) {
  const Time since = unpaid_since(before);
  const Time last = since + renewal.retry_for;
  if (now >= last) return end_by_itself(account, before, now);
  Entry entry = entry_of(account, EntryKind::subscription_unpaid, before.owner);
  Subscription& after = entry.subscription.emplace(before);
  after.state = State::unpaid;
  after.unpaid = renewal.unpaid;
  if (renewal.unpaid == tariffs::Unpaid::by_days) after.anchor = since;
  after.due = std::min(now + retry_interval, last);
  after.sweep = std::min(before.sweep, sweep_of(account, before, entry, now));
  return entry;
}

// nullopt: there is no money yet, and it is not the time to say so.
std::optional<Entry> begin_period(const Account& account, const Subscription& before,
                                  const TariffHistory& tariffs, Time now) {
  const LifeState state = account.state_of(before.owner);
  const bool is_over = state == LifeState::terminated;
  const Terms terms =
      before.renews && !is_over ? next_terms(account, before, tariffs, now) : Terms{};
  if (terms.offer == nullptr) return end_by_itself(account, before, now);
  if (is_day_paid(before, now)) return std::nullopt;
  const VersionedTariff* const held_tariff = tariffs.find(before.version);
  const Terms held{held_tariff, held_tariff == nullptr
                                    ? nullptr
                                    : held_tariff->tariff->find_offer(before.offer)};

  Entry entry = entry_of(account, EntryKind::subscription_renewed, before.owner);
  Subscription& after = entry.subscription.emplace(before);
  take_next_period(after, before, held, terms, now);
  const Share share = share_of_period(*terms.tariff, *terms.offer, after);
  const bool is_first = before.valid_from == before.valid_to;
  const Money fee = share_of(terms.offer->fee_in(state), share, *terms.offer->renewal);
  const Money asked = is_first ? with_deposit(fee, *terms.offer) : fee;
  if (asked.micros > 0 && asked > account.spendable(now)) {
    if (auto day = pay_a_day(account, before, terms, now)) return day;
    if (before.due > now) return std::nullopt;
    return wait_for_money(account, before, *terms.offer->renewal, now);
  }
  pay(entry, fee);
  if (before.state == State::active && held.offer != nullptr && held.offer->renewal) {
    roll_over(entry, account, before, held, after);
  }
  open_buckets(entry, *terms.offer, before.owner, {after.valid_from, after.valid_to}, share,
               account.bucket_count + 1, after.buckets);
  raise_ceilings(account, before.owner, *terms.tariff->tariff, terms.offer->raises, now, entry);
  if (before.state == State::waiting) after.begun_at = after.valid_from;
  after.state = State::active;
  after.unpaid = terms.offer->renewal->unpaid;
  after.offer = terms.offer->name;
  after.version = terms.tariff->version;
  after.coverage = terms.offer->coverage;
  commit(account, *terms.tariff, *terms.offer, share, entry);
  if (is_first) {
    begin_plan(*terms.offer, entry);
  } else if (const InstalmentPlan* const plan = plan_of(account, before.number)) {
    if (!plan->asks_minimum) make_due(account, before.number, now, entry);
  }
  after.sweep = sweep_of(account, after, entry, now);
  return entry;
}

// --- It is bought --------------------------------------------------------------------------------

Entry subscribe(const Account& account, SubscriberNumber subscriber, const VersionedTariff& tariff,
                const Offer& offer, Time from, Time now) {
  Entry entry = entry_of(account, EntryKind::subscription_added, subscriber);
  const std::uint32_t number = account.bucket_count + 1;
  Subscription& one = entry.subscription.emplace();
  one.number = SubscriptionNumber(number);
  one.owner = subscriber;
  one.offer = offer.name;
  one.version = tariff.version;
  one.coverage = offer.coverage;
  one.begun_at = one.anchor = one.valid_from = one.valid_to = one.due = from;
  one.sweep = never;
  one.renews = offer.renewal.has_value();
  if (offer.renewal) one.unpaid = offer.renewal->unpaid;
  if (from > now) return entry;

  one.state = State::active;
  const TimeSpan span = offer.renewal ? tariff.tariff->period_of(*offer.renewal, from, 0)
                                      : TimeSpan{from, tariff.tariff->end_of(offer, from)};
  one.valid_to = one.due = span.to;
  pay(entry, first_fee(*tariff.tariff, offer, account.state_of(subscriber), from));
  const Share share = share_of_period(tariff, offer, one);
  open_buckets(entry, offer, subscriber, span, share, number, one.buckets);
  raise_ceilings(account, subscriber, *tariff.tariff, offer.raises, now, entry);
  commit(account, tariff, offer, share, entry);
  begin_plan(offer, entry);
  return entry;
}

}  // namespace

std::vector<std::string_view> offers_held(const Account& account, SubscriberNumber subscriber,
                                          Time now) {
  std::vector<std::string_view> names;
  for (const Subscription& one : account.subscriptions) {
    if (one.owner == subscriber && one.state != State::ended) names.push_back(one.offer);
  }
  for (const Bucket& bucket : account.buckets) {
    const bool is_offer = bucket.owner == subscriber && !bucket.is_lent;
    if (is_offer && bucket.is_valid_at(now)) names.push_back(bucket.offer);
  }
  return names;
}

std::optional<std::string_view> find_other_of_family(const std::vector<std::string_view>& held,
                                                     const tariffs::Tariff& tariff,
                                                     const Offer& offer) {
  if (offer.family.empty()) return std::nullopt;
  for (const std::string_view name : held) {
    const Offer* const other = tariff.find_offer(name);
    if (other != nullptr && other->family == offer.family) return name;
  }
  return std::nullopt;
}

std::optional<std::string_view> find_missing(const std::vector<std::string_view>& held,
                                             const Offer& offer) {
  for (const std::string& needed : offer.depends_on) {
    if (std::ranges::find(held, needed) == held.end()) return needed;
  }
  return std::nullopt;
}

Money first_payment(const tariffs::Tariff& tariff, const Offer& offer, LifeState state, Time from) {
  return with_deposit(first_fee(tariff, offer, state, from), offer);
}

Money first_fee(const tariffs::Tariff& tariff, const Offer& offer, LifeState state, Time from) {
  const Money fee = offer.fee_in(state);
  if (!offer.renewal) return fee;
  return share_of(fee, tariff.first_share(*offer.renewal, from), *offer.renewal);
}

Entry buy(const Account& account, SubscriberNumber subscriber, const VersionedTariff& tariff,
          const Offer& offer, Time from, Time now) {
  const bool is_bucket = !offer.renewal && offer.allowances.size() == 1 &&
                         !offer.allowances[0].is_shared && offer.chosen.most == 0 &&
                         offer.allowances[0].coverage == offer.coverage;
  if (!is_bucket) {
    return subscribe(account, subscriber, tariff, offer, from, now);
  }
  Entry entry = entry_of(account, EntryKind::subscription_added, subscriber);
  std::vector<BucketNumber> opened;
  open_buckets(entry, offer, subscriber, {from, tariff.tariff->end_of(offer, from)}, {},
               account.bucket_count + 1, opened);
  raise_ceilings(account, subscriber, *tariff.tariff, offer.raises, now, entry);
  pay(entry, offer.fee_in(account.state_of(subscriber)));
  return entry;
}

std::optional<Entry> buy_pass(const Account& account, SubscriberNumber subscriber,
                              const VersionedTariff& tariff, const Offer& offer, Time from,
                              Time now) {
  if (offer.sale != tariffs::Sale::on_sale) return std::nullopt;
  const std::vector<std::string_view> held = offers_held(account, subscriber, now);
  if (find_other_of_family(held, *tariff.tariff, offer) || find_missing(held, offer)) {
    return std::nullopt;
  }
  const Money fee = first_payment(*tariff.tariff, offer, account.state_of(subscriber), from);
  if (fee.micros > 0 && fee > account.spendable(now)) return std::nullopt;
  const TimeSpan day = tariff.tariff->day_of(from);
  const auto bought = std::ranges::count_if(account.subscriptions, [&](const Subscription& one) {
    return one.owner == subscriber && one.offer == offer.name && one.valid_from >= day.from &&
           one.valid_from < day.to;
  });
  if (offer.daily_most > 0 && bought >= offer.daily_most) return std::nullopt;
  if (account.subscriptions.size() >= subscriptions_max) return std::nullopt;
  if (offer.minimum_spend && account.commitments.size() >= commitments_max) return std::nullopt;
  return subscribe(account, subscriber, tariff, offer, from, from);  // paid now, ahead or not
}

std::optional<Entry> decide_due(const Account& account, const TariffHistory& tariffs, Time now,
                                bool again) {
  for (const Subscription& one : account.subscriptions) {
    if (one.due <= now || (again && one.state == State::unpaid)) {
      if (auto entry = begin_period(account, one, tariffs, now)) return entry;
    }
    if (one.sweep <= now) return sweep(account, one, now);
  }
  for (const InstalmentPlan& plan : account.plans) {
    if (plan.due <= now) return credit_instalment(account, plan, now);
  }
  for (const SpendCommitment& commitment : account.commitments) {
    if (settles_at(commitment) <= now) return settle(account, commitment, now);
  }
  return std::nullopt;
}

Entry end(const Account& account, const Subscription& subscription, Ending ending, Time now) {
  if (ending == Ending::with_period && subscription.state == State::active) {
    Entry entry = entry_of(account, EntryKind::subscription_changed, subscription.owner);
    entry.subscription.emplace(subscription).renews = false;
    return entry;
  }
  Entry entry = end_by_itself(account, subscription, now);
  Subscription& after = *entry.subscription;
  after.valid_to = std::min(after.valid_to, now);
  std::erase_if(after.buckets, [&](BucketNumber number) {
    const Bucket& bucket = *account.bucket(number);
    expire(entry, bucket, bucket.remaining);
    if (bucket.reserved == 0) {
      entry.bucket_closings.push_back(number);
    } else if (bucket.valid_to > now) {
      entry.bucket_extensions.push_back({number, now});  // but for what is held it is over
    }
    return bucket.reserved == 0;
  });
  after.sweep = after.buckets.empty() ? never : now + sweep_interval;
  return entry;
}

}  // namespace farthing::engine
