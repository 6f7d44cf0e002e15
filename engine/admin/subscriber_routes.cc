#include "engine/admin/routes.h"
#include "engine/admin/time_text.h"
#include "engine/admin/views.h"
#include "tariffs/file_error.h"
#include "tariffs/local_time.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

// One subscriber with what belongs to it.
struct SubscriberView {
  std::string account;
  Subscriber subscriber;
  // Its own and those of the whole account: those that are a subscription by themselves, and those
  // that belong to one.
  std::vector<Bucket> buckets;
  std::vector<Bucket> parts;
  std::vector<Subscription> subscriptions;
  // What it is to spend at least in periods that are not settled, and spent of that so far.
  std::vector<std::pair<SpendCommitment, Money>> commitments;
  std::vector<InstalmentPlan> plans;
};

SubscriberView view_subscriber(SubscriberRef who) {
  const Account& account = *who.account;
  SubscriberView view{account.name, *account.subscriber(who.subscriber), {}, {}, {}, {}, {}};
  for (const Subscription& one : account.subscriptions) {
    if (one.owner == who.subscriber) view.subscriptions.push_back(one);
  }
  for (const SpendCommitment& one : account.commitments) {
    if (one.owner == who.subscriber) view.commitments.emplace_back(one, spent(account, one));
  }
  for (const InstalmentPlan& one : account.plans) {
    if (one.owner == who.subscriber) view.plans.push_back(one);
  }
  for (const Bucket& bucket : account.buckets) {
    if (!bucket.is_for(who.subscriber) || bucket.is_lent) continue;
    (account.is_part(bucket.number) ? view.parts : view.buckets).push_back(bucket);
  }
  return view;
}

json::object subscriber_view_json(const SubscriberView& view) {
  json::object object = subscriber_json(view.subscriber);
  object["account"] = view.account;
  return object;
}

// A bucket that is a subscription of its own.
json::object subscription_json(const Bucket& bucket, const TariffView& tariffs) {
  json::object object = bucket_json(bucket, tariffs);
  const bool is_active = bucket.valid_from <= tariffs.now && tariffs.now < bucket.valid_to;
  object["valid_from"] = time_text(tariffs.time_zone(), bucket.valid_from);
  object["active"] = is_active;
  object["state"] = is_active ? "active" : "ended";
  object["renews"] = false;
  return object;
}

// One with a life of its own. What is left: of the allowances in the first one's unit.
json::object subscription_json(const Subscription& one, const std::vector<Bucket>& buckets,
                               const TariffView& tariffs) {
  const std::string zone = tariffs.time_zone();
  json::array ids;
  std::optional<Unit> unit;
  std::int64_t remaining = 0;
  std::int64_t reserved = 0;
  for (const Bucket& bucket : buckets) {
    if (std::ranges::find(one.buckets, bucket.number) == one.buckets.end() ||
        bucket.valid_to <= tariffs.now) {
      continue;
    }
    ids.push_back(bucket.number.value);
    if (!unit) unit = bucket.unit;
    if (bucket.unit != *unit) continue;
    remaining += bucket.remaining;
    reserved += bucket.reserved;
  }
  json::object object = {{"id", one.number.value},
                         {"offer", one.offer},
                         {"state", state_name(one.state)},
                         {"active", one.state == Subscription::State::active},
                         {"renews", one.renews && one.state != Subscription::State::ended},
                         {"tariff", one.version.value},
                         {"valid_from", time_text(zone, one.valid_from)},
                         {"valid_to", time_text(zone, one.valid_to)},
                         {"buckets", std::move(ids)},
                         {"unit", unit ? json::value(tariffs::unit_name(*unit)) : nullptr},
                         {"remaining", amount_json(unit.value_or(Unit::octets), remaining)},
                         {"reserved", amount_json(unit.value_or(Unit::octets), reserved)}};
  object["due"] = one.due == never ? json::value(nullptr) : json::value(time_text(zone, one.due));
  return object;
}

// The one with the highest number.
json::object newest_subscription_json(const SubscriberView& view, const TariffView& tariffs) {
  const bool is_bucket = view.subscriptions.empty() ||
                         (!view.buckets.empty() && view.buckets.back().number.value >
                                                       view.subscriptions.back().number.value);
  return is_bucket ? subscription_json(view.buckets.back(), tariffs)
                   : subscription_json(view.subscriptions.back(), view.parts, tariffs);
}

json::array subscriptions_json(const SubscriberView& view, const TariffView& tariffs) {
  json::array subscriptions;
  for (const Subscription& one : view.subscriptions) {
    subscriptions.push_back(subscription_json(one, view.parts, tariffs));
  }
  for (const Bucket& bucket : view.buckets) {
    subscriptions.push_back(subscription_json(bucket, tariffs));
  }
  return subscriptions;
}

json::array commitments_json(const SubscriberView& view, const TariffView& tariffs) {
  const std::string zone = tariffs.time_zone();
  json::array commitments;
  for (const auto& [one, spent] : view.commitments) {
    commitments.push_back({{"subscription", one.subscription.value},
                           {"offer", one.offer},
                           {"minimum", one.minimum.to_string()},
                           {"spent", spent.to_string()},
                           {"from", time_text(zone, one.span.from)},
                           {"to", time_text(zone, one.span.to)},
                           {"settled_at", time_text(zone, settles_at(one))}});
  }
  return commitments;
}

json::array plans_json(const SubscriberView& view) {
  json::array plans;
  for (const InstalmentPlan& one : view.plans) {
    plans.push_back({{"subscription", one.subscription.value},
                     {"offer", one.offer},
                     {"what", one.is_gift ? "gift" : "deposit"},
                     {"amount", one.amount.to_string()},
                     {"left", one.left().to_string()},
                     {"instalments", one.count},
                     {"credited", one.credited},
                     {"early_end", one.is_returned ? "returned" : "forfeited"}});
  }
  return plans;
}

// Whether a price of the tariff in force asks for the switch.
bool is_known_switch(const TariffView& view, const std::string& name) {
  const tariffs::VersionedTariff* const tariff = view.in_force();
  if (tariff == nullptr) return false;
  return std::ranges::any_of(tariff->tariff->rules(), [&name](const tariffs::Rule& rule) {
    return std::ranges::binary_search(rule.restrictions.switches, name);
  });
}

// Does what `operate` does to a subscriber and answers with the subscriber as it is then, and what
// `add` puts there.
template <class Operate>
Reply operate_on(Api& api, const std::string& msisdn, Needs needs, Operate operate,
                 std::uint16_t status_new, const std::function<void(json::object&)>& add = {}) {
  Operation done = Refusal{};
  std::optional<SubscriberView> view;
  const Visited ran = api.shard.visit(std::move(needs), [&](Shard& shard) {
    const auto before = find_subscriber(shard, msisdn);
    done = operate(shard);
    if (!done.has_value()) return;
    const auto after = find_subscriber(shard, msisdn);
    const auto& who = after.has_value() ? after : before;  // one that was terminated is not found
    if (who.has_value()) view = view_subscriber(*who);
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!done.has_value()) return refusal_reply(done.error());
  json::object reply = {
      {"sequence", done->sequence.value}, {"repeated", done->repeated}, {"subscriber", nullptr}};
  if (view) reply["subscriber"] = subscriber_view_json(*view);
  if (add) add(reply);
  return json_reply(std::move(reply), done->repeated ? std::uint16_t{200} : status_new);
}

// Visits the subscriber that the path names; nullopt: `reply` says why not.
std::optional<std::pair<SubscriberView, TariffView>> visit_subscriber(Api& api,
                                                                      const std::string& msisdn,
                                                                      Reply& reply) {
  std::optional<Refusal> refusal;
  std::pair<SubscriberView, TariffView> views;
  const Visited ran = api.shard.visit(need_subscriber(msisdn), [&](Shard& shard) {
    const auto who = find_subscriber(shard, msisdn);
    if (!who.has_value()) {
      refusal = who.error();
      return;
    }
    views = {view_subscriber(*who), view_tariffs(shard)};
  });
  if (ran && !refusal) return views;
  reply = ran ? refusal_reply(*refusal) : unavailable_reply(ran.why());
  return std::nullopt;
}

Reply no_state(std::string_view name) {
  return error_reply(400, "invalid",
                     fmt::format("{} is no state; expected idle, active, suspended-outgoing, "
                                 "suspended or terminated",
                                 tariffs::in_quotes(name)));
}

}  // namespace

Reply add_subscriber(Api& api, const HttpRequest& request, Stream&) {
  BodyFields fields(request.body);
  const std::string msisdn = fields.required("msisdn");
  const std::string account = fields.required("account");
  const std::string imsi = fields.optional("imsi");
  const std::string state_name = fields.optional("state");
  const std::string reason = fields.optional("reason");
  if (auto wrong = fields.wrong()) return *wrong;
  const auto state = tariffs::parse_life_state(state_name.empty() ? "active" : state_name);
  if (!state) return no_state(state_name);
  Needs needs = need_subscriber(msisdn);
  needs.names.push_back(account);
  if (const auto card = Identity::make(Identity::Kind::imsi, imsi)) {
    needs.identities.push_back(*card);
  }
  return operate_on(
      api, msisdn, std::move(needs),
      [&](Shard& shard) {
        return engine::add_subscriber(shard, msisdn, account, imsi,
                                      Note{request.operator_name, reason, {}}, *state);
      },
      201);
}

Reply get_subscriber(Api& api, const HttpRequest& request, Stream&) {
  Reply reply;
  const auto views = visit_subscriber(api, request.arguments[0], reply);
  if (!views) return reply;
  return json_reply(subscriber_view_json(views->first));
}

Reply set_state(Api& api, const HttpRequest& request, Stream&) {
  BodyFields fields(request.body);
  const std::string name = fields.required("state");
  const std::string request_id = fields.optional("request_id");
  const std::string reason = fields.optional("reason");
  if (auto wrong = fields.wrong()) return *wrong;
  const std::optional<LifeState> state = tariffs::parse_life_state(name);
  if (!state) return no_state(name);
  const std::string& msisdn = request.arguments[0];
  Needs needs = need_subscriber(msisdn);
  if (!request_id.empty()) needs.request_ids.push_back(request_id);
  return operate_on(
      api, msisdn, std::move(needs),
      [&](Shard& shard) {
        return engine::set_state(shard, msisdn, *state,
                                 Note{request.operator_name, reason, request_id});
      },
      200);
}

Reply set_attributes(Api& api, const HttpRequest& request, Stream&) {
  BodyFields fields(request.body);
  tariffs::SubscriberAttributes attributes;
  for (auto& [name, value] : fields.all_of("attr.")) {
    attributes.push_back({std::move(name), std::move(value)});
  }
  // Before wrong(), which compares each with every other.
  if (const auto wrong = too_many_attributes(attributes.size())) return refusal_reply(*wrong);
  const std::string reason = fields.optional("reason");
  if (auto wrong = fields.wrong()) return *wrong;
  const std::string& msisdn = request.arguments[0];
  return operate_on(
      api, msisdn, need_subscriber(msisdn),
      [&](Shard& shard) {
        return engine::set_attributes(shard, msisdn, attributes,
                                      Note{request.operator_name, reason, {}});
      },
      200);
}

Reply set_switch(Api& api, const HttpRequest& request, Stream&) {
  BodyFields fields(request.body);
  const std::string state = fields.required("state");
  const std::string reason = fields.optional("reason");
  if (auto wrong = fields.wrong()) return *wrong;
  if (state != "on" && state != "off") {
    return error_reply(400, "invalid",
                       fmt::format("a switch is on or off, not {}", tariffs::in_quotes(state)));
  }
  const std::string& msisdn = request.arguments[0];
  const std::string& name = request.arguments[1];
  TariffView tariffs;
  return operate_on(
      api, msisdn, need_subscriber(msisdn),
      [&](Shard& shard) {
        tariffs = view_tariffs(shard);
        return engine::set_switch(shard, msisdn, name, state == "on",
                                  Note{request.operator_name, reason, {}});
      },
      200, [&](json::object& reply) { reply["known"] = is_known_switch(tariffs, name); });
}

Reply add_subscription(Api& api, const HttpRequest& request, Stream&) {
  BodyFields fields(request.body);
  const std::string offer = fields.required("offer");
  const std::string from = fields.optional("from");
  const std::string request_id = fields.optional("request_id");
  const std::string reason = fields.optional("reason");
  if (auto wrong = fields.wrong()) return *wrong;
  const std::string& msisdn = request.arguments[0];

  Operation done = Refusal{};
  SubscriberView view;
  TariffView tariffs;
  Needs needs = need_subscriber(msisdn);
  if (!request_id.empty()) needs.request_ids.push_back(request_id);
  const Visited ran = api.shard.visit(std::move(needs), [&](Shard& shard) {
    tariffs = view_tariffs(shard);
    std::optional<Time> begin;
    if (!from.empty()) {
      const auto read = tariffs::parse_local_time(tariffs.time_zone(), from);
      if (!read.has_value()) {
        done = Refusal{Refusal::Code::invalid,
                       fmt::format("{} is no time of {}; expected one such as 2026-12-01T00:00",
                                   tariffs::in_quotes(from), tariffs.time_zone())};
        return;
      }
      begin = *read;
    }
    const Note note{request.operator_name, reason, request_id};
    done = engine::add_subscription(shard, msisdn, offer, note, begin);
    const auto who = find_subscriber(shard, msisdn);
    if (done.has_value() && who.has_value()) view = view_subscriber(*who);
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!done.has_value()) return refusal_reply(done.error());
  // What was bought before may have ended since.
  json::value subscription(nullptr);
  if (!done->repeated) subscription = newest_subscription_json(view, tariffs);
  return json_reply({{"sequence", done->sequence.value},
                     {"repeated", done->repeated},
                     {"subscription", std::move(subscription)}},
                    done->repeated ? 200 : 201);
}

Reply list_subscriptions(Api& api, const HttpRequest& request, Stream&) {
  Reply reply;
  const auto views = visit_subscriber(api, request.arguments[0], reply);
  if (!views) return reply;
  return json_reply({{"account", views->first.account},
                     {"subscriptions", subscriptions_json(views->first, views->second)},
                     {"minimum_spends", commitments_json(views->first, views->second)},
                     {"instalments", plans_json(views->first)}});
}

Reply end_subscription(Api& api, const HttpRequest& request, Stream&) {
  const std::string& text = request.arguments[1];
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return error_reply(400, "invalid",
                       "a subscription is named by its number; see: farthing subscription list");
  }
  const std::string reason(request.query_value("reason"));
  const std::string_view when = request.query_value("when");
  if (!when.empty() && when != "now" && when != "period") {
    return error_reply(400, "invalid",
                       fmt::format("a subscription ends now or with its period, not {}",
                                   tariffs::in_quotes(when)));
  }
  const Ending ending = when == "period" ? Ending::with_period : Ending::now;
  Operation done = Refusal{};
  const std::string& msisdn = request.arguments[0];
  const Visited ran = api.shard.visit(need_subscriber(msisdn), [&](Shard& shard) {
    done = engine::end_subscription(shard, msisdn, SubscriptionNumber(number),
                                    Note{request.operator_name, reason, {}}, ending);
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!done.has_value()) return refusal_reply(done.error());
  return json_reply({{"sequence", done->sequence.value}, {"repeated", done->repeated}});
}

}  // namespace farthing::engine::admin
