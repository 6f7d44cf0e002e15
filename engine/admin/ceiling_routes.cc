// Ceilings as they are for a subscriber.
#include "engine/admin/routes.h"
#include "engine/admin/time_text.h"
#include "engine/admin/views.h"
#include "engine/ceilings.h"
#include "engine/permission.h"

#include <boost/json.hpp>

#include <algorithm>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

struct CeilingView {
  tariffs::CeilingRule rule;
  std::string counter;
  std::optional<std::uint64_t> lowered;
  CeilingPeriod period;             // the one that lasts
  std::optional<std::uint64_t> at;  // nullopt: lifted
  std::uint64_t value = 0;          // of the counter
  Time period_end;
};

std::vector<CeilingView> view_ceilings(const SubscriberRef& who, Shard& shard) {
  std::vector<CeilingView> views;
  const Time now = shard.now();
  const tariffs::VersionedTariff* const version =
      version_for(shard.tariffs(), *who.account, who.subscriber, now);
  if (version == nullptr) return views;
  const tariffs::Tariff& tariff = *version->tariff;
  for (const tariffs::CeilingRule& rule : tariff.ceilings()) {
    const tariffs::CounterRule& counter = tariff.counters()[rule.counter];
    const SubscriberNumber owner = owner_of(tariff, rule, who.subscriber);
    CeilingView& view = views.emplace_back();
    view.rule = rule;
    view.counter = counter.name;
    const OwnCeiling own = own_ceiling(*who.account, owner, rule);
    view.lowered = own.lowered;
    view.period = period_at(own, now);
    view.at = ceiling_of(*who.account, owner, rule, now);
    view.period_end = tariff.span_of(counter, now, who.account->terms.billing_day).to;
    for (const Counter& known : who.account->counters) {
      if (known.key == counter.key && known.owner == owner && known.span.from <= now &&
          now < known.span.to) {
        view.value = static_cast<std::uint64_t>(known.value);
      }
    }
  }
  return views;
}

json::value units_json(Unit unit, std::uint64_t units) {
  return amount_json(
      unit, static_cast<std::int64_t>(std::min<std::uint64_t>(units, std::uint64_t{INT64_MAX})));
}

json::array ceilings_json(const std::vector<CeilingView>& views, const TariffView& tariffs) {
  json::array ceilings;
  for (const CeilingView& view : views) {
    const Unit unit = view.rule.unit;
    const json::value none(nullptr);
    ceilings.push_back(
        {{"ceiling", view.rule.name},
         {"counter", view.counter},
         {"unit", tariffs::unit_name(unit)},
         {"value", units_json(unit, view.value)},
         {"at", view.at ? units_json(unit, *view.at) : none},
         {"reached", view.at && view.value >= *view.at},
         {"tariff", units_json(unit, view.rule.at)},
         {"lowered", view.lowered ? units_json(unit, *view.lowered) : none},
         {"raised", view.period.raised > 0 ? units_json(unit, view.period.raised) : none},
         {"lifted", view.period.is_lifted},
         {"period_end", time_text(tariffs.time_zone(), view.period_end)}});
  }
  return ceilings;
}

}  // namespace

Reply list_ceilings(Api& api, const HttpRequest& request, Stream&) {
  const std::string& msisdn = request.arguments[0];
  std::optional<Refusal> refusal;
  std::vector<CeilingView> views;
  TariffView tariffs;
  const Visited ran = api.shard.visit(need_subscriber(msisdn), [&](Shard& shard) {
    const auto who = find_subscriber(shard, msisdn);
    if (!who.has_value()) {
      refusal = who.error();
      return;
    }
    views = view_ceilings(*who, shard);
    tariffs = view_tariffs(shard);
  });
  if (!ran) return unavailable_reply(ran.why());
  if (refusal) return refusal_reply(*refusal);
  return json_reply({{"ceilings", ceilings_json(views, tariffs)}});
}

// "lift", or "lower" with a value; without one it is as the tariff says.
Reply change_ceiling(Api& api, const HttpRequest& request, Stream&) {
  BodyFields fields(request.body);
  const std::string action = fields.required("action");
  const std::string value = fields.optional("value");
  const std::string reason = fields.optional("reason");
  if (auto wrong = fields.wrong()) return *wrong;
  if (action != "lift" && action != "lower") {
    return error_reply(400, "invalid", "expected an action: lift or lower");
  }
  const std::string& msisdn = request.arguments[0];
  const std::string& name = request.arguments[1];
  const Note note{request.operator_name, reason, {}};
  Operation done = Refusal{};
  std::vector<CeilingView> views;
  TariffView tariffs;
  const Visited ran = api.shard.visit(need_subscriber(msisdn), [&](Shard& shard) {
    done = action == "lift" ? lift_ceiling(shard, msisdn, name, note)
                            : lower_ceiling(shard, msisdn, name, value, note);
    const auto who = find_subscriber(shard, msisdn);
    if (!done.has_value() || !who.has_value()) return;
    views = view_ceilings(*who, shard);
    tariffs = view_tariffs(shard);
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!done.has_value()) return refusal_reply(done.error());
  return json_reply({{"sequence", done->sequence.value},
                     {"repeated", done->repeated},
                     {"ceilings", ceilings_json(views, tariffs)}});
}

}  // namespace farthing::engine::admin
