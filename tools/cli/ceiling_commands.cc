// farthing ceiling: what the tariff lets a subscriber use at most, as it is for that one.
#include "engine/admin/http.h"
#include "tools/cli/commands.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <string>

namespace farthing::tools {

namespace json = boost::json;
using engine::admin::encode_url;

namespace {

struct Given {
  std::string msisdn, name, value, reason;
};

std::string ceilings_path(const Given& given) {
  return fmt::format("/v1/subscribers/{}/ceilings", encode_url(given.msisdn));
}

void print_ceilings(const Context& context, const json::value& answer) {
  Table table({{"ceiling"},
               {"counter"},
               {"value", true},
               {"at", true},
               {"unit"},
               {"reached"},
               {"tariff", true},
               {"lowered", true},
               {"raised", true},
               {"period ends"}});
  for (const json::value& row : answer.at("ceilings").as_array()) {
    table.add({field(row, "ceiling"), field(row, "counter"), field(row, "value"),
               field(row, "lifted") == "true" ? "lifted" : field(row, "at"), field(row, "unit"),
               field(row, "reached") == "true" ? "yes" : "no", field(row, "tariff"),
               field(row, "lowered"), field(row, "raised"), field(row, "period_end")});
  }
  context.print(table);
}

int change(const Context& context, const Given& given, std::string_view action) {
  return context.send(
      "POST", ceilings_path(given) + "/" + encode_url(given.name),
      json_body(
          {{"action", std::string(action)}, {"value", given.value}, {"reason", given.reason}}),
      [&context](const json::value& answer) {
        print_ceilings(context, answer);
        context.out() << fmt::format("{} (ledger entry {})\n",
                                     field(answer, "repeated") == "true" ? "nothing to do" : "done",
                                     field(answer, "sequence"));
      });
}

}  // namespace

void add_ceiling_commands(CLI::App& app, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const group =
      add_group(app, "ceiling", "Values of counters at which a subscriber's service changes");

  CLI::App* const list = add_command(
      *group, context, "list", "Lists the ceilings of the tariff as they are for a subscriber",
      "farthing ceiling list 8613800138000", [&context, given] {
        return context.get(ceilings_path(*given), [&context](const json::value& answer) {
          print_ceilings(context, answer);
        });
      });
  add_argument(list, "MSISDN", given->msisdn, "The subscriber");

  CLI::App* const lift = add_command(
      *group, context, "lift",
      "Lifts a ceiling until the period of its counter ends: the customer's consent, which the "
      "ledger keeps",
      "farthing ceiling lift 8613800138000 bill-shock --reason \"agreed by SMS\"",
      [&context, given] { return change(context, *given, "lift"); });
  add_argument(lift, "MSISDN", given->msisdn, "The subscriber");
  add_argument(lift, "CEILING", given->name, "Its name in the tariff");
  add_text_option(lift, "--reason", given->reason, "Stands in the ledger");

  CLI::App* const lower = add_command(
      *group, context, "lower",
      "Lowers a ceiling at the customer's wish, until it says otherwise; without a value it is "
      "again what the tariff says",
      "farthing ceiling lower 8613800138000 bill-shock 30.00\n"
      "farthing ceiling lower 8613800138000 bill-shock",
      [&context, given] { return change(context, *given, "lower"); });
  add_argument(lower, "MSISDN", given->msisdn, "The subscriber");
  add_argument(lower, "CEILING", given->name, "Its name in the tariff");
  add_argument(lower, "VALUE", given->value, "As tariff files write it: 30.00, 5 GiB, 10 h")
      ->required(false);
  add_text_option(lower, "--reason", given->reason, "Stands in the ledger");
}

}  // namespace farthing::tools
