#include "tools/cli/commands.h"

#include "engine/admin/amount.h"
#include "engine/admin/http.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <memory>
#include <ostream>

namespace farthing::tools {

namespace json = boost::json;
using engine::admin::encode_url;
using engine::admin::parse_amount;

namespace {

const std::vector<Column> balance_columns = {
    {"account"},         {"kind"},         {"currency"}, {"balance", true}, {"reserved", true},
    {"available", true}, {"overage", true}};

void add_balance(Table& table, const json::value& balance) {
  table.add({field(balance, "account"), field(balance, "kind"), field(balance, "currency"),
             field(balance, "balance"), field(balance, "reserved"), field(balance, "available"),
             field(balance, "overage")});
}

void show_buckets(const Context& context, const json::array& buckets) {
  if (buckets.empty()) return;
  context.out() << '\n';
  Table allowances(
      {{"id", true}, {"offer"}, {"unit"}, {"remaining", true}, {"reserved", true}, {"valid_to"}});
  for (const json::value& bucket : buckets) {
    allowances.add({field(bucket, "id"), field(bucket, "offer"), field(bucket, "unit"),
                    field(bucket, "remaining"), field(bucket, "reserved"),
                    field(bucket, "valid_to")});
  }
  context.print(allowances);
}

void show_counters(const Context& context, const json::array& counters) {
  if (counters.empty()) return;
  context.out() << '\n';
  Table table({{"counter"}, {"msisdn"}, {"value", true}, {"unit"}, {"from"}, {"to"}});
  for (const json::value& counter : counters) {
    table.add({field(counter, "counter"), field(counter, "msisdn"), field(counter, "value"),
               field(counter, "unit"), field(counter, "from"), field(counter, "to")});
  }
  context.print(table);
}

void show_terms(const Context& context, const json::value& balance) {
  if (const std::string until = field(balance, "valid_until"); !until.empty()) {
    const std::string validity = field(balance, "validity");
    context.out() << fmt::format("valid until {}, grace until {}{}\n", until,
                                 field(balance, "grace_until"),
                                 validity == "valid" ? "" : ": " + validity);
  }
  if (const std::string credit = field(balance, "temporary_credit"); !credit.empty()) {
    context.out() << fmt::format("temporary credit {} until {}\n", credit,
                                 field(balance, "temporary_credit_until"));
  }
  if (const std::string minimum = field(balance, "minimum_balance"); !minimum.empty()) {
    context.out() << fmt::format("minimum balance {}\n", minimum);
  }
  if (const std::string day = field(balance, "billing_day"); !day.empty()) {
    context.out() << fmt::format("billing months from day {}\n", day);
  }
}

void show_balance(const Context& context, const json::value& balance) {
  Table table(balance_columns);
  add_balance(table, balance);
  context.print(table);
  show_terms(context, balance);
  show_buckets(context, balance.at("buckets").as_array());
  if (const json::value* counters = balance.as_object().if_contains("counters")) {
    show_counters(context, counters->as_array());
  }
}

void show_account(const Context& context, const json::value& account) {
  show_balance(context, account);
  context.out() << "\ncredit limit " << field(account, "credit_limit") << ", "
                << field(account, "sessions_open") << " sessions open, last ledger entry "
                << field(account, "last_sequence") << "\n\n";
  Table subscribers({{"msisdn"}, {"imsi"}, {"state"}});
  for (const json::value& subscriber : account.at("subscribers").as_array()) {
    subscribers.add(
        {field(subscriber, "msisdn"), field(subscriber, "imsi"), field(subscriber, "state")});
  }
  context.print(subscribers);
}

struct Given {
  std::string id, kind, limit, minimum, amount, until, grace, day, request_id, reason;
  bool csv = false;
};

int create_account(const Context& context, const Given& given) {
  for (const std::string& text : {given.limit, given.minimum}) {
    const auto amount = parse_amount(text.empty() ? "0" : text);
    if (!amount.has_value()) return context.fail(exit_usage, amount.error());
  }
  return context.send("POST", "/v1/accounts",
                      json_body({{"id", given.id},
                                 {"kind", given.kind},
                                 {"credit_limit", given.limit},
                                 {"minimum_balance", given.minimum},
                                 {"reason", given.reason}}),
                      [&](const json::value& answer) {
                        context.out() << fmt::format(
                            "account {} {} (ledger entry {})\n", given.id,
                            field(answer, "repeated") == "true" ? "was there already" : "created",
                            field(answer, "sequence"));
                      });
}

int move_money(const Context& context, const Given& given, const char* operation) {
  const auto amount = parse_amount(given.amount);
  if (!amount.has_value()) return context.fail(exit_usage, amount.error());
  return context.send(
      "POST", fmt::format("/v1/accounts/{}/{}", encode_url(given.id), operation),
      json_body(
          {{"amount", given.amount}, {"request_id", given.request_id}, {"reason", given.reason}}),
      [&](const json::value& answer) {
        const json::value& balance = answer.at("balance");
        context.out() << fmt::format(
            "{} {} {}: balance {} (ledger entry {}{})\n", given.id, amount->to_string(),
            field(balance, "currency"), field(balance, "balance"), field(answer, "sequence"),
            field(answer, "repeated") == "true" ? ", done before under this request id" : "");
      });
}

int set_terms(const Context& context, const Given& given, const char* operation) {
  if (!given.amount.empty()) {
    const auto amount = parse_amount(given.amount);
    if (!amount.has_value()) return context.fail(exit_usage, amount.error());
  }
  return context.send("POST", fmt::format("/v1/accounts/{}/{}", encode_url(given.id), operation),
                      json_body({{"amount", given.amount},
                                 {"until", given.until},
                                 {"grace_until", given.grace},
                                 {"day", given.day},
                                 {"request_id", given.request_id},
                                 {"reason", given.reason}}),
                      [&](const json::value& answer) {
                        show_balance(context, answer.at("balance"));
                        context.out() << fmt::format(
                            "{} (ledger entry {})\n",
                            field(answer, "repeated") == "true" ? "nothing to do" : "done",
                            field(answer, "sequence"));
                      });
}

int list_balances(const Context& context, const Given& given) {
  if (given.csv) return context.copy("/v1/balances?format=csv");
  return context.get("/v1/balances", [&context](const json::value& answer) {
    Table table(balance_columns);
    for (const json::value& balance : answer.at("balances").as_array()) add_balance(table, balance);
    context.print(table);
  });
}

constexpr const char* amount_help = "Such as 20 or 12.50; at most six places";
constexpr const char* time_help = "A time of the tariff's zone, such as 2026-12-01T00:00";

void add_change_options(CLI::App* command, Given& given) {
  add_text_option(command, "--request-id", given.request_id,
                  "The same id a second time does nothing; with another change it is refused")
      ->type_name("KEY");
  add_text_option(command, "--reason", given.reason, "Stands in the ledger");
}

void add_money_command(CLI::App& group, Context& context, const std::shared_ptr<Given>& given,
                       const char* name, const char* description, const char* example) {
  CLI::App* const command =
      add_command(group, context, name, description, example,
                  [&context, given, name] { return move_money(context, *given, name); });
  add_argument(command, "ID", given->id, "The account");
  add_argument(command, "AMOUNT", given->amount, amount_help);
  add_change_options(command, *given);
}

void add_terms_commands(CLI::App& account, CLI::App& balance, Context& context,
                        const std::shared_ptr<Given>& given) {
  const auto add = [&](CLI::App& group, const char* name, const char* description,
                       const char* example) {
    CLI::App* const command =
        add_command(group, context, name, description, example,
                    [&context, given, name] { return set_terms(context, *given, name); });
    add_argument(command, "ID", given->id, "The account");
    add_change_options(command, *given);
    return command;
  };
  CLI::App* const credit =
      add(balance, "credit", "Raises the credit limit for a time; AMOUNT 0 ends that",
          "farthing balance credit 8613800138000 5.00 --until 2026-12-01T00:00");
  add_argument(credit, "AMOUNT", given->amount, amount_help);
  add_text_option(credit, "--until", given->until, time_help)->type_name("TIME");
  CLI::App* const minimum =
      add(balance, "minimum", "Says what is to stay on an account: no new service goes below it",
          "farthing balance minimum acme 10.00");
  add_argument(minimum, "AMOUNT", given->amount, amount_help);
  CLI::App* const validity =
      add(account, "validity",
          "Says how long an account is valid; what has a price is refused then (4012), and after "
          "the grace\n"
          "all but what a tariff serves always (4010). Top-ups extend it as the tariff says",
          "farthing account validity 8613800138000 2026-12-01T00:00 --grace-until "
          "2026-12-16T00:00");
  add_argument(validity, "UNTIL", given->until, "A time as below, or never");
  add_text_option(validity, "--grace-until", given->grace, time_help)->type_name("TIME");
  CLI::App* const billing = add(
      account, "billing-day",
      "Says with which day of the month the account's billing months begin, which counters of a\n"
      "tariff may go by. What is counted already goes on to the end of its month",
      "farthing account billing-day acme 15");
  add_argument(billing, "DAY", given->day, "1 (the usual one) to 28");
}

}  // namespace

void add_account_commands(CLI::App& app, Context& context) {
  const auto given = std::make_shared<Given>();

  CLI::App* const account = add_group(app, "account", "Accounts: who pays");
  CLI::App* const create =
      add_command(*account, context, "create", "Creates an account",
                  "farthing account create acme --kind postpaid --credit-limit 200.00",
                  [&context, given] { return create_account(context, *given); });
  add_argument(create, "ID", given->id, "Its name: 1 to 64 printable characters");
  create->add_option("--kind", given->kind, "prepaid, postpaid (credit limit) or hybrid (both)")
      ->required()
      ->type_name("KIND")
      ->check(CLI::IsMember({"prepaid", "postpaid", "hybrid"}));
  add_text_option(create, "--credit-limit", given->limit, "How far the balance may go below zero")
      ->type_name("AMOUNT");
  add_text_option(create, "--minimum-balance", given->minimum, "What new service leaves on it")
      ->type_name("AMOUNT");
  add_text_option(create, "--reason", given->reason, "Stands in the ledger");
  CLI::App* const show = add_command(
      *account, context, "show", "Shows an account with its subscribers",
      "farthing account show acme", [&context, given] {
        return context.get(fmt::format("/v1/accounts/{}?details=1", encode_url(given->id)),
                           [&context](const json::value& value) { show_account(context, value); });
      });
  add_argument(show, "ID", given->id, "The account");

  CLI::App* const balance = add_group(app, "balance", "Balances: what is left, and changing it");
  CLI::App* const one = add_command(
      *balance, context, "show", "Shows an account's balance and allowances",
      "farthing balance show 8613800138000", [&context, given] {
        return context.get("/v1/accounts/" + encode_url(given->id),
                           [&context](const json::value& value) { show_balance(context, value); });
      });
  add_argument(one, "ID", given->id, "The account");
  CLI::App* const list =
      add_command(*balance, context, "list", "Lists the balances of all accounts",
                  "farthing balance list --csv > balances.csv",
                  [&context, given] { return list_balances(context, *given); });
  list->add_flag("--csv", given->csv, "As comma-separated values");
  add_money_command(*balance, context, given, "topup", "Adds money to an account",
                    "farthing balance topup 8613800138000 20.00 --request-id voucher-17 "
                    "--reason voucher");
  add_money_command(*balance, context, given, "adjust", "Corrects a balance, up or down",
                    "farthing balance adjust 8613800138000 -5.00 --request-id case-4711 "
                    "--reason \"charged twice\"");
  add_terms_commands(*account, *balance, context, given);
}

}  // namespace farthing::tools
