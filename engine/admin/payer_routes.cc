// Accounts that pay for a subscriber.
#include "engine/admin/routes.h"
#include "engine/admin/time_text.h"
#include "engine/admin/views.h"
#include "tariffs/file_error.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

struct PayerView {
  Payer payer;
  Bucket bucket;  // its offer is the payer's name
};

std::vector<PayerView> view_payers(const SubscriberRef& who) {
  std::vector<PayerView> views;
  for (const Payer& payer : who.account->payers) {
    const Bucket& bucket = *who.account->bucket(payer.terms.bucket);
    if (bucket.owner == who.subscriber) views.push_back({payer, bucket});
  }
  std::ranges::sort(views, {}, [](const PayerView& view) {
    return std::pair(view.payer.terms.place, view.payer.terms.bucket);
  });
  return views;
}

// "data", "data/10": as they are ordered.
json::array services_json(const std::vector<tariffs::Coverage>& coverage,
                          const TariffView& tariffs) {
  json::array services;
  for (const tariffs::Coverage& item : coverage) {
    std::string name;
    for (const tariffs::VersionedTariff& version : tariffs.history->versions()) {
      const std::string_view known = version.tariff->service_name(item.service);
      if (!known.empty()) name = known;
    }
    if (item.rating_group) name += fmt::format("/{}", item.rating_group->value);
    services.emplace_back(name);
  }
  return services;
}

json::object payer_json(const PayerView& view, const TariffView& tariffs) {
  const PayerChange& terms = view.payer.terms;
  const bool is_this_month = terms.month.from <= tariffs.now && tariffs.now < terms.month.to;
  return {
      {"account", view.bucket.offer},
      {"services", services_json(view.bucket.coverage, tariffs)},
      {"share", terms.has_share() ? json::value(terms.share.to_string()) : json::value(nullptr)},
      {"rounding", tariffs::rounding_name(terms.rounding)},
      {"cap", terms.cap ? json::value(terms.cap->to_string()) : json::value(nullptr)},
      {"spent", Money(is_this_month ? view.payer.spent_micros : 0).to_string()},
      {"reserved", Money(view.bucket.reserved).to_string()}};
}

json::array payers_json(const std::vector<PayerView>& views, const TariffView& tariffs) {
  json::array payers;
  for (const PayerView& view : views) payers.push_back(payer_json(view, tariffs));
  return payers;
}

// "data,voice/100"
std::vector<std::string> split_services(std::string_view text) {
  std::vector<std::string> services;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    services.emplace_back(item);
    text.remove_prefix(std::min(text.size(), item.size() + 1));
  }
  return services;
}

// What is asked of how it pays; says what is wrong.
std::optional<Reply> read_share(BodyFields& fields, PayerOrder& order) {
  const std::string share = fields.optional("share");
  const std::string rounding = fields.optional("rounding");
  const std::string position = fields.optional("position");
  if (!share.empty()) {
    const auto percent = tariffs::Percent::parse(share);
    if (!percent) {
      return error_reply(400, "invalid",
                         fmt::format("{} is no share; expected a percentage such as 50 or 33.3333",
                                     tariffs::in_quotes(share)));
    }
    order.share = *percent;
  }
  if (!rounding.empty()) {
    const auto known = tariffs::rounding_named(rounding);
    if (!known) {
      return error_reply(400, "invalid",
                         fmt::format("{} is no rounding; expected half_away_from_zero, up or down",
                                     tariffs::in_quotes(rounding)));
    }
    order.rounding = *known;
  }
  if (position.empty()) return std::nullopt;
  const char* const end = position.data() + position.size();
  const auto [read_to, error] = std::from_chars(position.data(), end, order.position.emplace());
  if (error != std::errc() || read_to != end)
    order.position = 0;  // refused, and told what is right
  return std::nullopt;
}

json::object budget_json(const PayerBudget& budget, const TariffView& tariffs) {
  const bool is_now = budget.month.from <= tariffs.now && tariffs.now < budget.month.to;
  return {{"amount", budget.amount->to_string()},
          {"spent", Money(is_now ? budget.spent_micros : 0).to_string()},
          {"reserved", Money(budget.held_micros).to_string()}};
}

Needs need_both(const std::string& msisdn, const std::string& account) {
  Needs needs = need_subscriber(msisdn);
  needs.names.push_back(account);
  return needs;
}

// Does what `operate` does and answers with those who pay then.
template <class Operate>
Reply operate_on_payers(Api& api, const std::string& msisdn, const std::string& account,
                        Operate operate) {
  Operation done = Refusal{};
  std::vector<PayerView> views;
  TariffView tariffs;
  const Visited ran = api.shard.visit(need_both(msisdn, account), [&](Shard& shard) {
    done = operate(shard);
    const auto who = find_subscriber(shard, msisdn);
    if (!done.has_value() || !who.has_value()) return;
    views = view_payers(*who);
    tariffs = view_tariffs(shard);
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!done.has_value()) return refusal_reply(done.error());
  return json_reply({{"sequence", done->sequence.value},
                     {"repeated", done->repeated},
                     {"payers", payers_json(views, tariffs)}});
}

}  // namespace

Reply add_payer(Api& api, const HttpRequest& request, Stream&) {
  BodyFields fields(request.body);
  PayerOrder order;
  order.account = fields.required("account");
  order.services = split_services(fields.required("services"));
  const std::string cap = fields.optional("cap");
  const std::string reason = fields.optional("reason");
  const auto wrong_share = read_share(fields, order);
  if (auto wrong = fields.wrong()) return *wrong;
  if (wrong_share) return *wrong_share;
  if (!cap.empty()) {
    order.cap = Money::parse(cap);
    if (!order.cap) {
      return error_reply(
          400, "invalid",
          fmt::format("{} is no amount; expected one such as 50.00", tariffs::in_quotes(cap)));
    }
  }
  const std::string& msisdn = request.arguments[0];
  return operate_on_payers(api, msisdn, order.account, [&](Shard& shard) {
    return engine::add_payer(shard, msisdn, order, Note{request.operator_name, reason, {}});
  });
}

Reply list_payers(Api& api, const HttpRequest& request, Stream&) {
  const std::string& msisdn = request.arguments[0];
  std::optional<Refusal> refusal;
  std::vector<PayerView> views;
  TariffView tariffs;
  const Visited ran = api.shard.visit(need_subscriber(msisdn), [&](Shard& shard) {
    const auto who = find_subscriber(shard, msisdn);
    if (!who.has_value()) {
      refusal = who.error();
      return;
    }
    views = view_payers(*who);
    tariffs = view_tariffs(shard);
  });
  if (!ran) return unavailable_reply(ran.why());
  if (refusal) return refusal_reply(*refusal);
  return json_reply({{"payers", payers_json(views, tariffs)}});
}

Reply set_payer_budget(Api& api, const HttpRequest& request, Stream&) {
  BodyFields fields(request.body);
  const std::string text = fields.required("amount");
  const std::string reason = fields.optional("reason");
  if (auto wrong = fields.wrong()) return *wrong;
  std::optional<Money> amount;
  if (text != "none") {
    amount = Money::parse(text);
    if (!amount) {
      return error_reply(400, "invalid",
                         fmt::format("{} is no amount; expected one such as 500.00, or none",
                                     tariffs::in_quotes(text)));
    }
  }
  const std::string& account = request.arguments[0];
  Operation done = Refusal{};
  json::object answer;
  const Visited ran = api.shard.visit(need_account(account), [&](Shard& shard) {
    done =
        engine::set_payer_budget(shard, account, amount, Note{request.operator_name, reason, {}});
    if (!done.has_value()) return;
    const Account& payer = *shard.book().find_account(account);
    answer = {{"sequence", done->sequence.value}, {"repeated", done->repeated}};
    if (payer.budget) answer["budget"] = budget_json(*payer.budget, view_tariffs(shard));
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!done.has_value()) return refusal_reply(done.error());
  return json_reply(answer);
}

Reply remove_payer(Api& api, const HttpRequest& request, Stream&) {
  const std::string& msisdn = request.arguments[0];
  const std::string& account = request.arguments[1];
  const std::string reason(request.query_value("reason"));
  return operate_on_payers(api, msisdn, account, [&](Shard& shard) {
    return engine::remove_payer(shard, msisdn, account, Note{request.operator_name, reason, {}});
  });
}

}  // namespace farthing::engine::admin
