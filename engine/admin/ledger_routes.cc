#include "engine/admin/routes.h"
#include "engine/admin/statement.h"
#include "engine/admin/time_text.h"
#include "engine/utf8.h"
#include "engine/admin/views.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

constexpr std::uint64_t entries_default = 100;
constexpr std::uint64_t entries_max = 10'000;

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(utf8_text(text));
}

json::object row_json(const StatementRow& row, const TariffView& tariffs) {
  json::value tariff;
  json::value tariff_name;
  json::value tariff_only;
  if (row.tariff) {
    tariff = row.tariff->value;
    const auto* const found = tariffs.history->find(*row.tariff);
    if (found != nullptr) tariff_name = found->tariff->name();
    if (found != nullptr && found->only) {
      tariff_only = json::value(found->only->name + "=" + found->only->value);
    }
  }
  return {
      {"seq", row.sequence.value},
      {"time", time_text(tariffs.time_zone(), row.time)},
      {"kind", kind_name(row.kind)},
      {"session", text_or_null(row.session)},
      {"rating_group",
       row.rating_group ? json::value(row.rating_group->value) : json::value(nullptr)},
      {"service", text_or_null(row.service)},
      {"units", row.units ? json::value(*row.units) : json::value(nullptr)},
      {"unit", row.units ? json::value(tariffs::unit_name(row.unit)) : json::value(nullptr)},
      {"rule", text_or_null(row.rule)},
      {"tariff", tariff},
      {"tariff_name", tariff_name},
      {"tariff_only", tariff_only},
      {"amount", row.amount.to_string()},
      {"overage", row.overage.to_string()},
      {"others", row.others.to_string()},
      {"balance", row.balance.to_string()},
      {"tax_rate", row.tax_rate ? json::value(row.tax_rate->to_string()) : json::value(nullptr)},
      {"tax", row.tax_rate ? json::value(row.tax.to_string()) : json::value(nullptr)},
      {"operator", text_or_null(row.operator_name)},
      {"reason", text_or_null(row.reason)},
      {"request_id", text_or_null(row.request_id)}};
}

}  // namespace

Reply get_ledger(Api& api, const HttpRequest& request, Stream&) {
  const auto limit = query_number(request, "limit", entries_default, entries_max);
  const auto before = query_number(request, "before", 0, UINT64_MAX);
  if (!limit || *limit == 0 || !before) {
    return error_reply(
        400, "invalid",
        fmt::format("a limit is a number from 1 to {}, before an entry's number", entries_max));
  }
  const std::string& name = request.arguments[0];
  StatementQuery query;
  query.before = Sequence(*before);
  query.entries_max = *limit;
  TariffView tariffs;
  bool found = false;
  const Visited ran = api.shard.visit(need_account(name), [&](Shard& shard) {
    const Account* const account = shard.book().find_account(name);
    if (account == nullptr) return;
    found = true;
    query.newest = account->last;
    query.balance = account->balance();
    tariffs = view_tariffs(shard);
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!found) return error_reply(404, "not_found", fmt::format("there is no account {}", name));
  const auto statement = read_statement(api.store, archive_folder(api.store, api.archive_folder),
                                        *tariffs.history, query);
  if (!statement.has_value()) return error_reply(500, "ledger", statement.error().message);
  json::array rows;
  for (const StatementRow& row : statement->rows) rows.push_back(row_json(row, tariffs));
  return json_reply({{"account", name},
                     {"currency", tariffs.currency()},
                     {"rows", std::move(rows)},
                     {"next_before", statement->next_before.value == 0
                                         ? json::value(nullptr)
                                         : json::value(statement->next_before.value)},
                     {"missing", text_or_null(statement->missing)}});
}

}  // namespace farthing::engine::admin
