#include "engine/account_entry.h"
#include "engine/ceilings.h"
#include "engine/operations.h"
#include "engine/permission.h"
#include "tariffs/explain.h"
#include "tariffs/file_error.h"
#include "tariffs/tariff_values.h"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::engine {

namespace {

// One ceiling of the tariff by which a subscriber is charged now.
struct Found {
  SubscriberRef who;
  const tariffs::Tariff* tariff = nullptr;
  const tariffs::CeilingRule* rule = nullptr;
  SubscriberNumber owner;
};

base::Result<Found, Refusal> find_ceiling(Shard& shard, std::string_view msisdn,
                                          std::string_view name) {
  const auto who = find_subscriber(shard, msisdn);
  if (!who.has_value()) return who.error();
  const tariffs::VersionedTariff* const version =
      version_for(shard.tariffs(), *who->account, who->subscriber, shard.now());
  if (version != nullptr) {
    const tariffs::Tariff& tariff = *version->tariff;
    const auto rule = std::ranges::find(tariff.ceilings(), name, &tariffs::CeilingRule::name);
    if (rule != tariff.ceilings().end()) {
      return Found{*who, &tariff, &*rule, owner_of(tariff, *rule, who->subscriber)};
    }
  }
  return Refusal{Refusal::Code::not_found,
                 fmt::format("the tariff in force has no ceiling {}; see: farthing ceiling list {}",
                             tariffs::in_quotes(name), msisdn)};
}

Operation change(Shard& shard, const Found& found, const OwnCeiling& after, const Note& note) {
  const Account& account = *found.who.account;
  if (after == own_ceiling(account, found.owner, *found.rule)) {
    return Done{account.last, true};
  }
  Entry entry = entry_of(account, EntryKind::ceiling_changed, found.who.subscriber);
  entry.note = note;
  entry.ceilings = {after};
  return Done{shard.enter(entry)};
}

}  // namespace

Operation lift_ceiling(Shard& shard, std::string_view msisdn, std::string_view name,
                       const Note& note) {
  if (auto wrong = check_note(note)) return *wrong;
  const auto found = find_ceiling(shard, msisdn, name);
  if (!found.has_value()) return found.error();
  if (!found->rule->may_be_lifted) {
    return Refusal{Refusal::Code::refused,
                   fmt::format("ceiling {} cannot be lifted: the tariff does not say \"lift: "
                               "true\"",
                               name)};
  }
  const Account& account = *found->who.account;
  OwnCeiling own = own_ceiling(account, found->owner, *found->rule);
  const tariffs::TimeSpan span = found->tariff->span_of(
      found->tariff->counters()[found->rule->counter], shard.now(), account.terms.billing_day);
  CeilingPeriod* const period = change_period(own, shard.now(), span);
  if (period == nullptr) {
    return Refusal{
        Refusal::Code::refused,
        fmt::format("ceiling {} was changed in a later period; is the clock right?", name)};
  }
  period->is_lifted = true;
  return change(shard, *found, own, note);
}

Operation lower_ceiling(Shard& shard, std::string_view msisdn, std::string_view name,
                        std::string_view value, const Note& note) {
  if (auto wrong = check_note(note)) return *wrong;
  const auto found = find_ceiling(shard, msisdn, name);
  if (!found.has_value()) return found.error();
  const tariffs::CeilingRule& rule = *found->rule;
  // What was lowered under another version can be taken back under any.
  if (!rule.may_be_lowered && !value.empty()) {
    return Refusal{Refusal::Code::refused,
                   fmt::format("ceiling {} cannot be lowered: the tariff does not say \"lower: "
                               "true\"",
                               name)};
  }
  OwnCeiling own = own_ceiling(*found->who.account, found->owner, rule);
  own.lowered.reset();
  if (!value.empty()) {
    own.lowered = tariffs::parse_units(value, rule.unit, 1);
    if (!own.lowered || *own.lowered >= rule.at) {
      return Refusal{
          Refusal::Code::invalid,
          fmt::format("{} is no lower ceiling; expected less than {}, and more than 0",
                      tariffs::in_quotes(value), tariffs::units_text(rule.unit, rule.at))};
    }
  }
  return change(shard, *found, own, note);
}

}  // namespace farthing::engine
