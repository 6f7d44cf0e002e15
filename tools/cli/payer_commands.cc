// farthing payer: accounts that pay for a subscriber.
#include "engine/admin/http.h"
#include "tools/cli/commands.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace farthing::tools {

namespace json = boost::json;
using engine::admin::encode_url;

namespace {

struct Given {
  std::string msisdn, account, services, cap, share, rounding, position, amount, reason;
};

std::string payers_path(const Given& given) {
  return fmt::format("/v1/subscribers/{}/payers", encode_url(given.msisdn));
}

void print_payers(const Context& context, const json::value& answer) {
  Table table({{"account"},
               {"services"},
               {"share", true},
               {"cap", true},
               {"spent", true},
               {"reserved", true}});
  for (const json::value& payer : answer.at("payers").as_array()) {
    std::vector<std::string> services;
    for (const json::value& service : payer.at("services").as_array()) {
      services.emplace_back(service.as_string());
    }
    std::string share = field(payer, "share");
    if (!share.empty()) {
      share += " %";
      if (field(payer, "rounding") != "half_away_from_zero")
        share += ' ' + field(payer, "rounding");
    }
    table.add({field(payer, "account"), fmt::format("{}", fmt::join(services, ",")), share,
               field(payer, "cap"), field(payer, "spent"), field(payer, "reserved")});
  }
  context.print(table);
}

void print_done(const Context& context, const json::value& answer) {
  print_payers(context, answer);
  context.out() << fmt::format("{} (ledger entry {})\n",
                               field(answer, "repeated") == "true" ? "nothing to do" : "done",
                               field(answer, "sequence"));
}

void add_payer_budget(CLI::App& group, Context& context, const std::shared_ptr<Given>& given) {
  CLI::App* const budget = add_command(
      group, context, "budget",
      "Says what an account pays in a calendar month for all of its members together; beside it "
      "the\n"
      "cap of each holds. What was paid before it was set does not count",
      "farthing payer budget acme 500.00\n"
      "farthing payer budget acme none",
      [&context, given] {
        return context.send(
            "POST", fmt::format("/v1/accounts/{}/payer-budget", encode_url(given->account)),
            json_body({{"amount", given->amount}, {"reason", given->reason}}),
            [&context](const json::value& answer) {
              if (const json::value* const now = answer.as_object().if_contains("budget")) {
                context.out() << fmt::format("{} a month, {} spent, {} reserved\n",
                                             field(*now, "amount"), field(*now, "spent"),
                                             field(*now, "reserved"));
              }
              context.out() << fmt::format(
                  "{} (ledger entry {})\n",
                  field(answer, "repeated") == "true" ? "nothing to do" : "done",
                  field(answer, "sequence"));
            });
      });
  add_argument(budget, "ACCOUNT", given->account, "Who pays");
  add_argument(budget, "AMOUNT", given->amount, "Or none: no budget any more");
  add_text_option(budget, "--reason", given->reason, "Stands in the ledger");
}

}  // namespace

void add_payer_commands(CLI::App& app, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const group = add_group(app, "payer", "Accounts that pay for another's subscriber");

  CLI::App* const add = add_command(
      *group, context, "add",
      "Has an account pay for a subscriber, before the subscriber's own account does.\n"
      "Of several the one that was added first pays first, or as --position says; each its share "
      "of\n"
      "what those before it leave, up to what it has and to its cap. For one that pays already: "
      "other\n"
      "terms",
      "farthing payer add 8613800138000 acme --services data,voice --cap 50.00\n"
      "farthing payer add 8613800138000 sponsor --services data/20 --share 50 --position 1",
      [&context, given] {
        return context.send("POST", payers_path(*given),
                            json_body({{"account", given->account},
                                       {"services", given->services},
                                       {"share", given->share},
                                       {"rounding", given->rounding},
                                       {"cap", given->cap},
                                       {"position", given->position},
                                       {"reason", given->reason}}),
                            [&context](const json::value& answer) { print_done(context, answer); });
      });
  add_argument(add, "MSISDN", given->msisdn, "The subscriber");
  add_argument(add, "ACCOUNT", given->account, "Who pays");
  add_text_option(add, "--services", given->services,
                  "What it pays for, by the names in the tariff in force; data/10 is one rating "
                  "group of a service")
      ->required();
  add_text_option(add, "--share", given->share,
                  "So much of it; the subscriber pays the rest. Without it: all")
      ->type_name("PERCENT");
  add_text_option(
      add, "--rounding", given->rounding,
      "How its share is rounded to the micro: half_away_from_zero (the usual one), up or "
      "down");
  add_text_option(add, "--position", given->position,
                  "1: before all others who pay for the subscriber. Without it: behind them, or "
                  "where it is")
      ->type_name("N");
  add_text_option(add, "--cap", given->cap,
                  "It pays no more than this in a calendar month; without it, whatever it has")
      ->type_name("AMOUNT");
  add_text_option(add, "--reason", given->reason, "Stands in the ledger");

  CLI::App* const list =
      add_command(*group, context, "list", "Lists who pays for a subscriber, the first one first",
                  "farthing payer list 8613800138000", [&context, given] {
                    return context.get(payers_path(*given), [&context](const json::value& answer) {
                      print_payers(context, answer);
                    });
                  });
  add_argument(list, "MSISDN", given->msisdn, "The subscriber");

  CLI::App* const remove = add_command(
      *group, context, "remove", "Has an account pay no more for a subscriber",
      "farthing payer remove 8613800138000 acme", [&context, given] {
        std::string target = payers_path(*given) + "/" + encode_url(given->account);
        if (!given->reason.empty()) target += "?reason=" + encode_url(given->reason);
        return context.send("DELETE", target, {},
                            [&context](const json::value& answer) { print_done(context, answer); });
      });
  add_argument(remove, "MSISDN", given->msisdn, "The subscriber");
  add_argument(remove, "ACCOUNT", given->account, "Who is to pay no more");
  add_text_option(remove, "--reason", given->reason, "Stands in the ledger");
  add_payer_budget(*group, context, given);
}

}  // namespace farthing::tools
