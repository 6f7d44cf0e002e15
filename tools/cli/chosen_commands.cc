// farthing chosen: numbers that a customer chose, friends and family.
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
  std::string msisdn, number, reason;
};

std::string chosen_path(const Given& given) {
  return fmt::format("/v1/subscribers/{}/chosen", encode_url(given.msisdn));
}

void print_chosen(const Context& context, const json::value& answer) {
  Table table({{"number"}, {"counts"}});
  for (const json::value& row : answer.at("chosen").as_array()) {
    table.add({field(row, "number"), field(row, "counts") == "true" ? "yes" : "no"});
  }
  context.print(table);
  const std::string changes = field(answer, "changes");
  context.out() << fmt::format(
      "at most {}; {} given up this month{}\n", field(answer, "most"), field(answer, "given_up"),
      changes.empty() ? "" : fmt::format(" of {}, until {}", changes, field(answer, "month_end")));
  const std::string sequence = field(answer, "sequence");
  if (sequence.empty()) return;
  context.out() << fmt::format("{} (ledger entry {})\n",
                               field(answer, "repeated") == "true" ? "nothing to do" : "done",
                               sequence);
}

}  // namespace

void add_chosen_commands(CLI::App& app, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const group = add_group(app, "chosen", "Numbers that a customer chose");
  const auto show = [&context](const json::value& answer) { print_chosen(context, answer); };

  CLI::App* const list =
      add_command(*group, context, "list", "Lists the numbers that a subscriber chose",
                  "farthing chosen list 8613800138000",
                  [&context, given, show] { return context.get(chosen_path(*given), show); });
  add_argument(list, "MSISDN", given->msisdn, "The subscriber");

  CLI::App* const add =
      add_command(*group, context, "add",
                  "Chooses a number, as far as the subscriber's subscriptions bring some",
                  "farthing chosen add 8613800138000 8613800138001", [&context, given, show] {
                    return context.send(
                        "POST", chosen_path(*given),
                        json_body({{"number", given->number}, {"reason", given->reason}}), show);
                  });
  add_argument(add, "MSISDN", given->msisdn, "The subscriber");
  add_argument(add, "NUMBER", given->number, "The country code first");
  add_text_option(add, "--reason", given->reason, "Stands in the ledger");

  CLI::App* const remove = add_command(
      *group, context, "remove",
      "Gives a chosen number up, so that another one may be chosen; at most as many in a\n"
      "calendar month as the offer says",
      "farthing chosen remove 8613800138000 8613800138001", [&context, given, show] {
        std::string target = chosen_path(*given) + "/" + encode_url(given->number);
        if (!given->reason.empty()) target += "?reason=" + encode_url(given->reason);
        return context.send("DELETE", target, {}, show);
      });
  add_argument(remove, "MSISDN", given->msisdn, "The subscriber");
  add_argument(remove, "NUMBER", given->number, "One of its numbers");
  add_text_option(remove, "--reason", given->reason, "Stands in the ledger");
}

}  // namespace farthing::tools
