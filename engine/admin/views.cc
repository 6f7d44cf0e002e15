#include "engine/admin/views.h"

#include "engine/admin/http.h"
#include "engine/admin/time_text.h"
#include "engine/tariff_versions.h"
#include "engine/utf8.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

const tariffs::Tariff* shown_tariff(const TariffView& view) {
  if (const tariffs::VersionedTariff* now = view.in_force()) return now->tariff.get();
  const auto& versions = view.history->versions();
  return versions.empty() ? nullptr : versions.back().tariff.get();
}

json::value identity_json(Identity identity) {
  if (identity.kind() == Identity::Kind::none) return nullptr;
  return json::value(identity.digits());
}

}  // namespace

std::string TariffView::currency() const {
  const tariffs::Tariff* const tariff = shown_tariff(*this);
  return tariff == nullptr ? "XXX" : tariff->currency();
}

std::string TariffView::time_zone() const {
  const tariffs::Tariff* const tariff = shown_tariff(*this);
  return tariff == nullptr ? "UTC" : tariff->time_zone();
}

const tariffs::VersionedTariff* TariffView::named(std::string_view text) const {
  if (text == "current") return in_force();
  const auto number = parse_version(text);
  return number ? history->find(*number) : nullptr;
}

TariffView view_tariffs(Shard& shard) { return {shard.tariffs_shared(), shard.now()}; }

BalanceView view_balance(const Account& account, Time now) {
  return {account.name,           account.kind,
          account.balance(),      Money(account.reserved_micros),
          account.available(now), Money(account.overage_micros)};
}

AccountView view_account(const Account& account, Time now) {
  return {view_balance(account, now),
          account.buckets,
          account.counters,
          Money(account.credit_limit_micros),
          account.terms,
          account.subscribers,
          account.session_count,
          account.last};
}

SessionView view_session(const Session& session) {
  const Account& account = *session.account;
  const Subscriber* const subscriber = account.subscriber(session.subscriber);
  return {session.id,
          account.name,
          subscriber == nullptr ? Identity() : subscriber->msisdn,
          session.service_context,
          session.opened_at,
          session.heard_at,
          session.deadline(),
          session.segments,
          session.grants};
}

namespace {

// As the newest version calls it that knows it; "" where none does.
std::string_view situation_name(const tariffs::TariffHistory& history,
                                tariffs::SituationKey situation) {
  std::string_view name;
  for (const tariffs::VersionedTariff& version : history.versions()) {
    const std::string_view known = version.tariff->situation_name(situation);
    if (!known.empty()) name = known;
  }
  return name;
}

}  // namespace

json::object balance_json(const BalanceView& view, const TariffView& tariffs) {
  return {{"account", view.account},
          {"kind", kind_name(view.kind)},
          {"currency", tariffs.currency()},
          {"balance", view.balance.to_string()},
          {"reserved", view.reserved.to_string()},
          {"available", view.available.to_string()},
          {"overage", view.overage.to_string()}};
}

json::value amount_json(Unit unit, std::int64_t amount) {
  if (unit == Unit::money) return json::value(Money(amount).to_string());
  return amount;
}

json::object bucket_json(const Bucket& bucket, const TariffView& tariffs) {
  json::object object = {{"id", bucket.number.value},
                         {"offer", bucket.offer},
                         {"unit", tariffs::unit_name(bucket.unit)},
                         {"remaining", amount_json(bucket.unit, bucket.remaining)},
                         {"reserved", amount_json(bucket.unit, bucket.reserved)},
                         {"valid_to", time_text(tariffs.time_zone(), bucket.valid_to)}};
  if (bucket.limits.empty()) return object;
  json::array limits;
  for (const Bucket::Limit& limit : bucket.limits) {
    limits.push_back({{"when", situation_name(*tariffs.history, limit.situation)},
                      {"remaining", amount_json(bucket.unit, limit.remaining)}});
  }
  object["limits"] = std::move(limits);
  return object;
}

// Of money, the value is an amount; of the whole account, there is no MSISDN.
json::object counter_json(const Counter& counter, const AccountView& account,
                          const TariffView& tariffs) {
  const bool is_shared = counter.owner.value == 0;
  return {
      {"counter", counter.name},
      {"msisdn", is_shared ? json::value(nullptr)
                           : identity_json(account.subscribers[counter.owner.value - 1u].msisdn)},
      {"unit", tariffs::unit_name(counter.unit)},
      {"value", amount_json(counter.unit, counter.value)},
      {"from", time_text(tariffs.time_zone(), counter.span.from)},
      {"to", time_text(tariffs.time_zone(), counter.span.to)}};
}

namespace {

// Those that somebody has set.
void add_terms(const AccountTerms& terms, const TariffView& tariffs, json::object& object) {
  constexpr std::array<std::string_view, 3> validities = {"valid", "grace", "over"};
  const std::string zone = tariffs.time_zone();
  if (terms.valid_until != never) {
    object["validity"] = validities[static_cast<std::size_t>(terms.validity(tariffs.now))];
    object["valid_until"] = time_text(zone, terms.valid_until);
    object["grace_until"] = time_text(zone, terms.grace_until);
  }
  if (terms.temporary_credit.micros > 0) {
    object["temporary_credit"] = terms.temporary_credit.to_string();
    object["temporary_credit_until"] = time_text(zone, terms.temporary_until);
  }
  if (terms.minimum_balance.micros > 0) {
    object["minimum_balance"] = terms.minimum_balance.to_string();
  }
  if (terms.billing_day != tariffs::billing_day_usual) object["billing_day"] = terms.billing_day;
}

}  // namespace

json::object account_json(const AccountView& view, const TariffView& tariffs) {
  json::object object = balance_json(view.balance, tariffs);
  add_terms(view.terms, tariffs, object);
  json::array buckets;
  for (const Bucket& bucket : view.buckets) {
    if (!bucket.is_lent) buckets.push_back(bucket_json(bucket, tariffs));
  }
  object["buckets"] = std::move(buckets);
  if (view.counters.empty()) return object;
  json::array counters;
  for (const Counter& counter : view.counters)
    counters.push_back(counter_json(counter, view, tariffs));
  object["counters"] = std::move(counters);
  return object;
}

json::object subscriber_json(const Subscriber& subscriber) {
  json::object attributes;
  json::array switched_off;
  if (const Profile* const profile = subscriber.profile.get()) {
    for (const auto& [name, value] : profile->attributes) attributes[name] = value;
    for (const std::string& name : profile->switched_off) switched_off.emplace_back(name);
  }
  return {{"msisdn", identity_json(subscriber.msisdn)},
          {"imsi", identity_json(subscriber.imsi)},
          {"state", state_name(subscriber.state)},
          {"attributes", std::move(attributes)},
          {"switched_off", std::move(switched_off)}};
}

// null: there may be more.
json::value final_unit_name(FinalUnit final_unit) {
  if (final_unit == FinalUnit::none) return nullptr;
  return final_unit == FinalUnit::ends ? "the service ends" : "redirected or restricted";
}

json::object session_json(const SessionView& view, const TariffView& tariffs) {
  const std::string zone = tariffs.time_zone();
  std::int64_t charged = 0;
  std::int64_t reserved = 0;
  json::array services;
  for (std::size_t i = 0; i < view.segments.size(); ++i) {
    const Segment& segment = view.segments[i];
    charged += segment.charged_micros;
    reserved += segment.reserved_micros;
    std::uint64_t granted = 0;
    FinalUnit final_unit = FinalUnit::none;
    for (const HeldGrant& grant : view.grants) {
      if (grant.segment != i) continue;
      granted += grant.units;
      final_unit = std::max(final_unit, grant.final_unit);
    }
    services.push_back(
        {{"rating_group",
          segment.rating_group ? json::value(segment.rating_group->value) : json::value(nullptr)},
         {"service", service_name(*tariffs.history, segment.version, segment.service)},
         {"unit", tariffs::unit_name(segment.terms.unit)},
         {"used", segment.used},
         {"granted", granted},
         {"final_unit", final_unit_name(final_unit)},
         {"charged", Money(segment.charged_micros).to_string()},
         {"reserved", Money(segment.reserved_micros).to_string()},
         {"rule", rule_name(*tariffs.history, segment.version, segment.rule)},
         {"tariff", segment.version.value}});
  }
  return {{"session", utf8_text(view.id)},
          {"path", "/v1/sessions/" + encode_url(view.id)},
          {"account", view.account},
          {"msisdn", identity_json(view.msisdn)},
          {"service_context", utf8_text(view.service_context)},
          {"opened_at", time_text(zone, view.opened_at)},
          {"heard_at", time_text(zone, view.heard_at)},
          {"expires_at", time_text(zone, view.deadline)},
          {"charged", Money(charged).to_string()},
          {"reserved", Money(reserved).to_string()},
          {"services", std::move(services)}};
}

std::string rule_name(const tariffs::TariffHistory& history, tariffs::TariffVersion version,
                      tariffs::RuleNumber rule) {
  const tariffs::VersionedTariff* const found = history.find(version);
  if (found == nullptr || rule.value >= found->tariff->rules().size()) return {};
  return found->tariff->rules()[rule.value].name;
}

std::string service_name(const tariffs::TariffHistory& history, tariffs::TariffVersion version,
                         ServiceKey service) {
  const tariffs::VersionedTariff* const found = history.find(version);
  return found == nullptr ? std::string() : std::string(found->tariff->service_name(service));
}

}  // namespace farthing::engine::admin
