#include "engine/rerate.h"

#include "engine/account_entry.h"
#include "engine/base/hash.h"
#include "engine/fields.h"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::engine {

namespace {

constexpr std::uint64_t records_between_progress = 1024;

constexpr base::Int128 most = account_money_max.micros;

bool fits(base::Int128 micros) { return -most <= micros && micros <= most; }

// Of what a charge and its adjustments come to, the least that stands as overage: what was not paid
// when the usage was is not collected for as much of the charge as was then.
std::int64_t overage_least(const ChargeToRerate& charge, std::int64_t charged) {
  const ChargedSum& first = charge.first;
  if (charged >= first.charged) return first.overage;
  const std::int64_t paid = first.charged - first.overage;
  return std::max(std::min<std::int64_t>(0, first.overage), charged - paid);
}

bool has_offer(const Account& account, SubscriberNumber subscriber, std::string_view offer,
               Time at) {
  return std::ranges::any_of(account.buckets,
                             [&](const Bucket& bucket) {
                               return bucket.offer == offer && bucket.is_for(subscriber) &&
                                      bucket.is_valid_at(at);
                             }) ||
         std::ranges::any_of(account.subscriptions, [&](const Subscription& one) {
           return one.offer == offer && one.owner == subscriber && one.is_valid_at(at);
         });
}

}  // namespace

std::uint64_t rerate_number(const SimulationSpan& span, const RerateFilter& filter,
                            std::uint64_t tariff_hash) {
  const std::string words = fmt::format(
      "{}\n{}\n{}\n{}\n{}\n{}", span.from.time_since_epoch().count(),
      span.to.time_since_epoch().count(), filter.rule, filter.offer, filter.service, tariff_hash);
  return base::hash64(words);
}

std::string rerate_name(std::uint64_t number) { return fmt::format("{:016x}", number); }

// --- What is to be booked ------------------------------------------------------------------------

Rerating::Rerating(TariffSimulation& simulation, const storage::LedgerStore& store,
                   std::filesystem::path archive, const tariffs::TariffHistory& loaded,
                   const SimulationSpan& span, RerateFilter filter, std::uint64_t number)
    : simulation_(simulation),
      reader_(store, std::move(archive)),
      loaded_(loaded),
      span_(span),
      filter_(std::move(filter)),
      number_(number) {}

base::Result<void, std::string> Rerating::run(const TariffSimulation::Progress& progress) {
  if (auto read = read_booked(progress); !read.has_value()) return read;
  simulation_.watch([this](const TariffSimulation::ChargedAgain& again) { take(again); });
  if (auto ran = simulation_.run(progress); !ran.has_value()) return ran;
  std::ranges::stable_partition(
      charges_, [](const ChargeToRerate& charge) { return charge.difference() < 0; });
  return {};
}

// What earlier rerates have booked: behind the charges, so from the span's begin on.
base::Result<void, std::string> Rerating::read_booked(const TariffSimulation::Progress& progress) {
  const storage::LedgerEnd begin = reader_.store().begin();
  const Sequence from(begin.now < span_.from ? begin.last.value + 1 : 1);
  const auto first = reader_.first_at(span_.from, from);
  if (!first.has_value()) return first.error().message;
  const Sequence last = reader_.store().end().last;
  Entry entry;
  std::string why;
  std::uint64_t records = 0;
  const auto scanned = reader_.scan(*first, [&](const storage::Record& record) {
    std::string_view body = record.body;
    Sequence own = record.header.first;
    for (std::uint32_t i = 0; i < record.header.count; ++i, ++own.value) {
      if (!decode_entry(body, own, entry)) {
        why =
            fmt::format("ledger entry {} is not readable; run: farthing ledger verify", own.value);
        return false;
      }
      if (!entry.rated_again) continue;
      const RatedAgain& again = *entry.rated_again;
      Booked& booked = booked_[{again.entry.value, rating_group_code(again.rating_group)}];
      booked.sum.charged += sum_of(entry, Side::adjustment);
      booked.sum.overage -= sum_of(entry, Side::overage);
      booked.is_of_this = booked.is_of_this || again.number == number_;
    }
    if (++records % records_between_progress == 0 &&
        !progress("looking for adjustments", own, last)) {
      why = "stopped before the end";
    }
    return why.empty();
  });
  if (!scanned.has_value()) return scanned.error().message;
  if (!why.empty()) return why;
  return {};
}

Rerating::Share& Rerating::share_of(const std::optional<RatingGroup>& group) {
  const auto known = std::ranges::find(shares_, group, &Share::rating_group);
  if (known != shares_.end()) return *known;
  Share& share = shares_.emplace_back();
  share.rating_group = group;
  return share;
}

// Whether the filter wants what was priced so.
bool Rerating::wants(const PastSession::Segment& segment) const {
  if (filter_.service.empty() && filter_.rule.empty()) return true;
  const tariffs::VersionedTariff* const version = loaded_.find(segment.version);
  if (version == nullptr) return false;
  const tariffs::Tariff& tariff = *version->tariff;
  if (!filter_.service.empty() && tariff.service_name(segment.service) != filter_.service) {
    return false;
  }
  return filter_.rule.empty() || (segment.rule.value < tariff.rules().size() &&
                                  tariff.rules()[segment.rule.value].name == filter_.rule);
}

void Rerating::add_was(const TariffSimulation::ChargedAgain& again) {
  for (const SegmentUse& use : again.was.uses) {
    const PastSession::Segment* const segment = again.past.segment(use.index);
    if (segment == nullptr) continue;
    Share& share = share_of(segment->rating_group);
    share.units += use.units;
    share.is_wanted = share.is_wanted || wants(*segment);
  }
  for (const Leg& leg : again.was.legs) {
    const PastSession::Segment* const segment = again.past.segment(leg.segment);
    if (segment == nullptr) continue;
    if (leg.side == Side::revenue) share_of(segment->rating_group).was.charged += leg.amount;
    if (leg.side == Side::overage) share_of(segment->rating_group).was.overage -= leg.amount;
    if (is_bucket_money(leg.side)) share_of(segment->rating_group).paid_by_others -= leg.amount;
  }
}

void Rerating::add_would_be(const TariffSimulation::ChargedAgain& again) {
  if (again.decision == nullptr) return;
  const Entry& entry = again.decision->entry;
  const Worksheet& sheet = again.decision->worksheet;
  for (const SegmentUse& use : entry.uses) {
    const Segment& segment = sheet.segment(use.index);
    Share& share = share_of(segment.rating_group);
    share.units -= use.units;
    share.is_priced = share.is_priced && simulation_.is_priced(segment);
  }
  for (const Leg& leg : entry.legs) {
    if (leg.side != Side::revenue || leg.segment == Leg::no_segment) continue;
    share_of(sheet.segment(leg.segment).rating_group).would_be += leg.amount;
  }
}

void Rerating::take(const TariffSimulation::ChargedAgain& again) {
  if (again.was.uses.empty()) return;
  if (!filter_.offer.empty() &&
      !has_offer(again.account, again.was.subscriber, filter_.offer, again.was.request->rated_at)) {
    return;
  }
  shares_.clear();
  add_was(again);
  add_would_be(again);
  for (const Share& share : shares_) {
    if (!share.is_wanted) continue;
    ++counts_.charges;
    ChargeToRerate charge{
        .entry = again.own,
        .account = again.account.number,
        .subscriber = again.was.subscriber,
        .rating_group = share.rating_group,
        .first = share.was,
        .now = share.was,
        .would_be = static_cast<std::int64_t>(std::clamp(share.would_be, -most, most))};
    const auto booked = booked_.find(Key{again.own.value, rating_group_code(share.rating_group)});
    if (booked != booked_.end()) {
      charge.now.charged += booked->second.sum.charged;
      charge.now.overage += booked->second.sum.overage;
      if (booked->second.is_of_this) ++counts_.booked_before;
    }
    if (!share.is_priced || share.units != 0) {
      ++counts_.without_price;
    } else if (share.paid_by_others != 0) {
      ++counts_.paid_by_others;
    } else if (charge.difference() != 0) {
      charges_.push_back(charge);
    }
  }
}

// --- Booking -------------------------------------------------------------------------------------

Settlement settle(const ChargeToRerate& charge, std::int64_t available, std::int64_t overage) {
  const std::int64_t difference = charge.difference();
  const std::int64_t least = overage_least(charge, charge.would_be);
  if (difference >= 0) {
    const std::int64_t uncollected =
        std::clamp<std::int64_t>(least - charge.now.overage, 0, difference);
    const std::int64_t taken = std::clamp<std::int64_t>(available, 0, difference - uncollected);
    return {-taken, difference - taken};
  }
  const std::int64_t forgiven =
      std::min({-difference, std::max<std::int64_t>(0, charge.now.overage - least), overage});
  return {-difference - forgiven, -forgiven};
}

std::optional<Refusal> check_settlement(const Settlement& settlement, std::string_view account,
                                        std::int64_t balance, std::int64_t overage) {
  if (!fits(base::Int128(balance) + settlement.main)) {
    return Refusal{Refusal::Code::refused, fmt::format("the balance of account {} would be over {}",
                                                       account, account_money_max.to_string())};
  }
  if (!fits(base::Int128(overage) + settlement.overage)) {
    return Refusal{Refusal::Code::refused,
                   fmt::format("what nobody paid on account {} would be over {}", account,
                               account_money_max.to_string())};
  }
  return std::nullopt;
}

base::Result<Settlement, Refusal> book(Shard& shard, const ChargeToRerate& charge,
                                       std::uint64_t number, const Note& note) {
  if (auto wrong = check_note(note)) return *wrong;
  const Account* const account = shard.book().account(charge.account);
  if (account == nullptr) {
    return Refusal{
        Refusal::Code::not_found,
        fmt::format("the account of ledger entry {} is not there any more; run: farthing "
                    "ledger verify",
                    charge.entry.value)};
  }
  const Settlement settlement =
      settle(charge, account->available(shard.now()).micros, account->overage_micros);
  if (auto wrong = check_settlement(settlement, account->name, account->balance().micros,
                                    account->overage_micros)) {
    return *wrong;
  }
  Entry entry = entry_of(*account, EntryKind::adjustment, charge.subscriber);
  entry.note = note;
  entry.rated_again = RatedAgain{charge.entry, charge.rating_group, number};
  entry.legs.push_back({Side::adjustment, Leg::no_segment, {}, charge.difference()});
  for (const auto& [side, amount] :
       {std::pair(Side::main, settlement.main), std::pair(Side::overage, -settlement.overage)}) {
    if (amount != 0) entry.legs.push_back({side, Leg::no_segment, {}, amount});
  }
  shard.enter(entry);
  if (settlement.main > 0) shard.renew(*account, true);
  return settlement;
}

}  // namespace farthing::engine
