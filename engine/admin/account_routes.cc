#include "engine/admin/account_walk.h"
#include "engine/admin/amount.h"
#include "engine/admin/routes.h"
#include "engine/admin/views.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

// Copying so many accounts takes the shard's thread well under a millisecond.
Reply account_missing(std::string_view name) {
  return refusal_reply({Refusal::Code::not_found,
                        fmt::format("there is no account {}; create it with: farthing account "
                                    "create {} --kind prepaid",
                                    name, name)});
}

using MoneyOperation = Operation (*)(Shard&, std::string_view, Money, const Note&);

Reply move_money(Api& api, const HttpRequest& request, MoneyOperation operate) {
  BodyFields fields(request.body);
  const std::string amount_text = fields.required("amount");
  const std::string request_id = fields.optional("request_id");
  const std::string reason = fields.optional("reason");
  if (auto wrong = fields.wrong()) return *wrong;
  const auto amount = parse_amount(amount_text);
  if (!amount.has_value()) return error_reply(400, "invalid", amount.error());
  const std::string& name = request.arguments[0];

  Operation done = Refusal{};
  AccountView view;
  TariffView tariffs;
  Needs needs = need_account(name);
  if (!request_id.empty()) needs.request_ids.push_back(request_id);
  const Visited ran = api.shard.visit(std::move(needs), [&](Shard& shard) {
    done = operate(shard, name, *amount, Note{request.operator_name, reason, request_id});
    if (!done.has_value()) return;
    view = view_account(*shard.book().find_account(name));
    tariffs = view_tariffs(shard);
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!done.has_value()) return refusal_reply(done.error());
  return json_reply({{"sequence", done->sequence.value},
                     {"repeated", done->repeated},
                     {"balance", account_json(view, tariffs)}});
}

}  // namespace

Reply create_account(Api& api, const HttpRequest& request, Stream&) {
  BodyFields fields(request.body);
  const std::string id = fields.required("id");
  const std::string kind_text = fields.required("kind");
  const std::string limit_text = fields.optional("credit_limit");
  const std::string reason = fields.optional("reason");
  if (auto wrong = fields.wrong()) return *wrong;
  const auto kind = parse_account_kind(kind_text);
  if (!kind) {
    return error_reply(400, "invalid", "an account's kind is prepaid, postpaid or hybrid");
  }
  const auto limit = parse_amount(limit_text.empty() ? "0" : limit_text);
  if (!limit.has_value()) return error_reply(400, "invalid", limit.error());

  Operation done = Refusal{};
  AccountView view;
  TariffView tariffs;
  const Visited ran = api.shard.visit(need_account(id), [&](Shard& shard) {
    done =
        engine::create_account(shard, id, *kind, *limit, Note{request.operator_name, reason, {}});
    if (!done.has_value()) return;
    view = view_account(*shard.book().find_account(id));
    tariffs = view_tariffs(shard);
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!done.has_value()) return refusal_reply(done.error());
  return json_reply({{"sequence", done->sequence.value},
                     {"repeated", done->repeated},
                     {"balance", account_json(view, tariffs)}},
                    done->repeated ? 200 : 201);
}

Reply get_account(Api& api, const HttpRequest& request, Stream&) {
  const std::string& name = request.arguments[0];
  bool found = false;
  AccountView view;
  TariffView tariffs;
  const Visited ran = api.shard.visit(need_account(name), [&](Shard& shard) {
    const Account* const account = shard.book().find_account(name);
    if (account == nullptr) return;
    found = true;
    view = view_account(*account);
    tariffs = view_tariffs(shard);
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!found) return account_missing(name);
  json::object object = account_json(view, tariffs);
  if (!request.query_value("details").empty()) {
    json::array subscribers;
    for (const Subscriber& subscriber : view.subscribers) {
      subscribers.push_back(subscriber_json(subscriber));
    }
    object["credit_limit"] = view.credit_limit.to_string();
    object["sessions_open"] = view.sessions_open;
    object["last_sequence"] = view.last.value;
    object["subscribers"] = std::move(subscribers);
  }
  return json_reply(object);
}

Reply list_balances(Api& api, const HttpRequest& request, Stream& stream) {
  const std::string_view format = request.query_value("format");
  if (!format.empty() && format != "csv" && format != "json") {
    return error_reply(400, "invalid", "a format is csv or json");
  }
  const bool csv = format == "csv";
  TariffView tariffs;
  const Visited ran = api.shard.visit([&](Shard& shard) { tariffs = view_tariffs(shard); });
  if (!ran) return unavailable_reply(ran.why());
  AccountWalk walk(api);
  bool first = true;
  std::vector<BalanceView> views;
  while (walk.more()) {
    views.clear();
    const bool seen = walk.next([&](const Account& account, std::size_t place) {
      views.resize(std::max(views.size(), place + 1));
      views[place] = view_balance(account);
    });
    if (!seen && first) return unavailable_reply(walk.why());
    if (!seen) return {};  // cut off: the other side sees that the last chunk is missing
    std::string piece;
    if (first) stream.begin(csv ? "text/csv" : "application/json");
    if (first)
      piece =
          csv ? "account,kind,currency,balance,reserved,available,overage\n" : "{\"balances\":[";
    const std::string currency = tariffs.currency();
    for (const BalanceView& view : views) {
      if (csv) {
        fmt::format_to(std::back_inserter(piece), "{},{},{},{},{},{},{}\n", view.account,
                       kind_name(view.kind), currency, view.balance.to_string(),
                       view.reserved.to_string(), view.available.to_string(),
                       view.overage.to_string());
      } else {
        if (&view != views.data() || !first) piece += ",\n";
        piece += json::serialize(balance_json(view, tariffs));
      }
    }
    first = false;
    if (!walk.more() && !csv) piece += "]}\n";
    if (!piece.empty() && !stream.write(piece)) return {};
  }
  stream.finish();
  return {};
}

Reply top_up(Api& api, const HttpRequest& request, Stream&) {
  return move_money(api, request, engine::top_up);
}

Reply adjust(Api& api, const HttpRequest& request, Stream&) {
  return move_money(api, request, engine::adjust);
}

}  // namespace farthing::engine::admin
