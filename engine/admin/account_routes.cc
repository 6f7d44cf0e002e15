#include "engine/admin/account_walk.h"
#include "engine/admin/amount.h"
#include "engine/admin/routes.h"
#include "engine/admin/views.h"
#include "tariffs/file_error.h"
#include "tariffs/local_time.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <charconv>

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

// Does what `operate` does to the account under the request id, and answers with the account as it
// is then.
template <class Operate>
Reply operate_on(Api& api, const HttpRequest& request, const std::string& request_id,
                 const std::string& reason, Operate operate) {
  const std::string& name = request.arguments[0];
  Operation done = Refusal{};
  AccountView view;
  TariffView tariffs;
  Needs needs = need_account(name);
  if (!request_id.empty()) needs.request_ids.push_back(request_id);
  const Visited ran = api.shard.visit(std::move(needs), [&](Shard& shard) {
    done = operate(shard, name, Note{request.operator_name, reason, request_id});
    if (!done.has_value()) return;
    view = view_account(*shard.book().find_account(name), shard.now());
    tariffs = view_tariffs(shard);
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!done.has_value()) return refusal_reply(done.error());
  return json_reply({{"sequence", done->sequence.value},
                     {"repeated", done->repeated},
                     {"balance", account_json(view, tariffs)}});
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
  return operate_on(api, request, request_id, reason,
                    [&](Shard& shard, std::string_view name, const Note& note) {
                      return operate(shard, name, *amount, note);
                    });
}

// A local time of the tariff in force; `absent` where the text is empty.
base::Result<Time, Refusal> read_time(Shard& shard, const std::string& text, Time absent) {
  if (text.empty()) return absent;
  const std::string zone = view_tariffs(shard).time_zone();
  const auto read = tariffs::parse_local_time(zone, text);
  if (read.has_value()) return *read;
  return Refusal{Refusal::Code::invalid,
                 fmt::format("{} is no time of {}; expected one such as 2026-12-01T00:00",
                             tariffs::in_quotes(text), zone)};
}

}  // namespace

Reply create_account(Api& api, const HttpRequest& request, Stream&) {
  BodyFields fields(request.body);
  const std::string id = fields.required("id");
  const std::string kind_text = fields.required("kind");
  const std::string limit_text = fields.optional("credit_limit");
  const std::string minimum_text = fields.optional("minimum_balance");
  const std::string reason = fields.optional("reason");
  if (auto wrong = fields.wrong()) return *wrong;
  const auto kind = parse_account_kind(kind_text);
  if (!kind) {
    return error_reply(400, "invalid", "an account's kind is prepaid, postpaid or hybrid");
  }
  const auto limit = parse_amount(limit_text.empty() ? "0" : limit_text);
  if (!limit.has_value()) return error_reply(400, "invalid", limit.error());
  const auto minimum = parse_amount(minimum_text.empty() ? "0" : minimum_text);
  if (!minimum.has_value()) return error_reply(400, "invalid", minimum.error());

  Operation done = Refusal{};
  AccountView view;
  TariffView tariffs;
  const Visited ran = api.shard.visit(need_account(id), [&](Shard& shard) {
    done = engine::create_account(shard, id, *kind, *limit, Note{request.operator_name, reason, {}},
                                  *minimum);
    if (!done.has_value()) return;
    view = view_account(*shard.book().find_account(id), shard.now());
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
    view = view_account(*account, shard.now());
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
      views[place] = view_balance(account, tariffs.now);
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

Reply set_minimum_balance(Api& api, const HttpRequest& request, Stream&) {
  return move_money(api, request, engine::set_minimum_balance);
}

Reply set_billing_day(Api& api, const HttpRequest& request, Stream&) {
  BodyFields fields(request.body);
  const std::string day_text = fields.required("day");
  const std::string request_id = fields.optional("request_id");
  const std::string reason = fields.optional("reason");
  if (auto wrong = fields.wrong()) return *wrong;
  std::uint8_t day = 0;
  const char* const end = day_text.data() + day_text.size();
  const auto [read_to, error] = std::from_chars(day_text.data(), end, day);
  if (error != std::errc() || read_to != end) day = 0;  // refused, and told what is expected
  return operate_on(api, request, request_id, reason,
                    [day](Shard& shard, std::string_view name, const Note& note) {
                      return engine::set_billing_day(shard, name, day, note);
                    });
}

Reply set_temporary_credit(Api& api, const HttpRequest& request, Stream&) {
  BodyFields fields(request.body);
  const std::string amount_text = fields.required("amount");
  const std::string until_text = fields.optional("until");
  const std::string request_id = fields.optional("request_id");
  const std::string reason = fields.optional("reason");
  if (auto wrong = fields.wrong()) return *wrong;
  const auto amount = parse_amount(amount_text);
  if (!amount.has_value()) return error_reply(400, "invalid", amount.error());
  if (until_text.empty() && amount->micros > 0) {
    return error_reply(400, "invalid", "a temporary credit has an end: until is missing");
  }
  return operate_on(api, request, request_id, reason,
                    [&](Shard& shard, std::string_view name, const Note& note) -> Operation {
                      const auto until = read_time(shard, until_text, Time());
                      if (!until.has_value()) return until.error();
                      return engine::set_temporary_credit(shard, name, *amount, *until, note);
                    });
}

Reply set_validity(Api& api, const HttpRequest& request, Stream&) {
  BodyFields fields(request.body);
  const std::string until_text = fields.required("until");
  const std::string grace_text = fields.optional("grace_until");
  const std::string request_id = fields.optional("request_id");
  const std::string reason = fields.optional("reason");
  if (auto wrong = fields.wrong()) return *wrong;
  return operate_on(api, request, request_id, reason,
                    [&](Shard& shard, std::string_view name, const Note& note) -> Operation {
                      const bool has_end = until_text != "never";
                      const auto until = read_time(shard, has_end ? until_text : "", never);
                      if (!until.has_value()) return until.error();
                      const auto grace = read_time(shard, grace_text, *until);
                      if (!grace.has_value()) return grace.error();
                      return engine::set_validity(shard, name, *until, *grace, note);
                    });
}

}  // namespace farthing::engine::admin
