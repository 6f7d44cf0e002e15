#include "tools/cli/commands.h"

#include "engine/admin/http.h"
#include "tariffs/file_error.h"

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
  std::string msisdn, account, imsi, reason, request_id, file, offer, number, name, state, from;
  bool with_period = false;
  std::vector<std::string> attributes;  // "segment=gold"
};

void show_subscriber(const Context& context, const json::value& subscriber) {
  Table table({{"msisdn"}, {"imsi"}, {"account"}, {"state"}});
  table.add({field(subscriber, "msisdn"), field(subscriber, "imsi"), field(subscriber, "account"),
             field(subscriber, "state")});
  context.print(table);
  std::vector<std::string> attributes;
  for (const auto& [name, value] : subscriber.at("attributes").as_object()) {
    attributes.push_back(
        fmt::format("{}={}", std::string_view(name), std::string_view(value.as_string())));
  }
  std::vector<std::string> switched_off;
  for (const json::value& name : subscriber.at("switched_off").as_array()) {
    switched_off.emplace_back(name.as_string());
  }
  const auto show_list = [&context](std::string_view what, const std::vector<std::string>& list) {
    if (!list.empty()) context.out() << fmt::format("{}: {}\n", what, fmt::join(list, ", "));
  };
  show_list("attributes", attributes);
  show_list("switched off", switched_off);
}

void show_done(const Context& context, const json::value& answer) {
  if (!answer.at("subscriber").is_null()) show_subscriber(context, answer.at("subscriber"));
  context.out() << fmt::format("{} (ledger entry {})\n",
                               field(answer, "repeated") == "true" ? "nothing to do" : "done",
                               field(answer, "sequence"));
}

std::string subscriber_path(const Given& given, std::string_view rest = {}) {
  return fmt::format("/v1/subscribers/{}{}", encode_url(given.msisdn), rest);
}

int end_import(const Context& context, const json::value& reply) {
  if (field(reply, "refused") == "0") return exit_done;
  for (const json::value& error : reply.at("errors").as_array()) {
    context.fail(exit_refused,
                 fmt::format("line {}: {}", field(error, "line"), field(error, "message")));
  }
  return context.fail(exit_refused, fmt::format("{} rows were refused; the accounts changed "
                                                "while the file was being imported",
                                                field(reply, "refused")));
}

// Sends the file to where it is imported; `tell` says what came of it.
template <class Tell>
int import_to(const Context& context, const Given& given, std::string_view route, Tell tell) {
  const auto text = read_file(given.file);
  if (!text.has_value()) return context.fail(text.error().exit_code, text.error().message);
  std::string target = fmt::format("/v1/subscribers/{}?progress=1", route);
  if (!given.reason.empty()) target += "&reason=" + encode_url(given.reason);
  return context.run_job(target, *text, [&context, tell](const json::value& reply) {
    if (!context.json) context.out() << tell(reply);
    return end_import(context, reply);
  });
}

int import_file(const Context& context, const Given& given) {
  return import_to(context, given, "import", [](const json::value& reply) {
    return fmt::format("{} rows: {} accounts created, {} subscribers added, {} there already\n",
                       field(reply, "rows"), field(reply, "accounts_created"),
                       field(reply, "subscribers_added"), field(reply, "unchanged"));
  });
}

int import_attributes(const Context& context, const Given& given) {
  return import_to(context, given, "import-attributes", [](const json::value& reply) {
    return fmt::format("{} rows: {} subscribers changed, {} as they were\n", field(reply, "rows"),
                       field(reply, "changed"), field(reply, "unchanged"));
  });
}

int set_state(const Context& context, const Given& given, const std::string& state) {
  return context.send(
      "POST", subscriber_path(given, "/state"),
      json_body({{"state", state}, {"request_id", given.request_id}, {"reason", given.reason}}),
      [&context](const json::value& answer) { show_done(context, answer); });
}

int show(const Context& context, const Given& given) {
  return context.get(subscriber_path(given), [&context](const json::value& subscriber) {
    show_subscriber(context, subscriber);
  });
}

void add_change_options(CLI::App* command, Given& given) {
  add_text_option(command, "--request-id", given.request_id,
                  "The same id a second time does nothing; with another change it is refused")
      ->type_name("KEY");
  add_text_option(command, "--reason", given.reason, "Stands in the ledger");
}

void add_bar_command(CLI::App& group, Context& context, const std::shared_ptr<Given>& given,
                     const std::string& name, const std::string& state) {
  CLI::App* const command =
      add_command(group, context, name, fmt::format("The same as: state MSISDN {}", state),
                  fmt::format("farthing subscriber {} 8613800138000 --reason lost", name),
                  [&context, given, state] { return set_state(context, *given, state); });
  add_argument(command, "MSISDN", given->msisdn, "The subscriber");
  add_change_options(command, *given);
}

void add_state_commands(CLI::App& group, Context& context, const std::shared_ptr<Given>& given) {
  CLI::App* const state = add_command(
      group, context, "state",
      "Shows the state of a subscriber, or changes it.\n"
      "idle: nobody has used it; the first thing served that has a price makes it active.\n"
      "suspended-outgoing: what it begins is refused (4010), calls and messages to it go on.\n"
      "suspended: all is refused but what a tariff serves always (emergency calls).\n"
      "terminated: it is unknown (5030), and its numbers can be added anew.\n"
      "What open sessions have used is charged in every state",
      "farthing subscriber state 8613800138000 suspended-outgoing --reason unpaid",
      [&context, given] {
        return given->state.empty() ? show(context, *given)
                                    : set_state(context, *given, given->state);
      });
  add_argument(state, "MSISDN", given->msisdn, "The subscriber");
  add_argument(state, "STATE", given->state,
               "idle, active, suspended-outgoing, suspended or terminated")
      ->required(false);
  add_change_options(state, *given);
  add_bar_command(group, context, given, "bar", "suspended");
  add_bar_command(group, context, given, "unbar", "active");
}

int set_attributes(const Context& context, const Given& given) {
  json::object body;
  for (const std::string& attribute : given.attributes) {
    const std::size_t equals = attribute.find('=');
    const std::string key = "attr." + attribute.substr(0, equals);
    if (equals == std::string::npos || body.contains(key)) {
      return context.fail(exit_usage,
                          fmt::format("{} is no attribute with a value, each given once: "
                                      "segment=gold, or segment= to remove it",
                                      tariffs::in_quotes(attribute)));
    }
    body[key] = attribute.substr(equals + 1);
  }
  if (!given.reason.empty()) body["reason"] = given.reason;
  return context.send("POST", subscriber_path(given, "/attributes"), json::serialize(body),
                      [&context](const json::value& answer) { show_done(context, answer); });
}

void add_profile_commands(CLI::App& group, Context& context, const std::shared_ptr<Given>& given) {
  CLI::App* const set =
      add_command(group, context, "set", "Says what a subscriber is, for the conditions of prices",
                  "farthing subscriber set 8613800138000 segment=gold region=north",
                  [&context, given] { return set_attributes(context, *given); });
  add_argument(set, "MSISDN", given->msisdn, "The subscriber");
  set->add_option("NAME=VALUE", given->attributes,
                  "What is said of it; without a value: nothing any more")
      ->required()
      ->type_name("");
  add_text_option(set, "--reason", given->reason, "Stands in the ledger");

  CLI::App* const turn = add_command(
      group, context, "switch", "Switches something off for a subscriber, or on again",
      "farthing subscriber switch 8613800138000 roaming off", [&context, given] {
        return context.send("POST", subscriber_path(*given, "/switches/" + encode_url(given->name)),
                            json_body({{"state", given->state}, {"reason", given->reason}}),
                            [&context, given](const json::value& answer) {
                              show_done(context, answer);
                              if (field(answer, "known") == "true") return;
                              context.tell(fmt::format(
                                  "no price of the tariff in force knows the switch {}; see: "
                                  "farthing tariff show",
                                  given->name));
                            });
      });
  add_argument(turn, "MSISDN", given->msisdn, "The subscriber");
  add_argument(turn, "NAME", given->name, "A switch of prices; see: farthing tariff show");
  add_argument(turn, "STATE", given->state, "off, or on");
  add_text_option(turn, "--reason", given->reason, "Stands in the ledger");
}

void print_subscription(const Context& context, const json::value& subscription,
                        std::string_view sequence) {
  std::string says;
  if (!subscription.at("unit").is_null()) {
    says = fmt::format("{} {} ", field(subscription, "remaining"), field(subscription, "unit"));
  }
  if (field(subscription, "state") == "waiting") {
    says = "begins " + field(subscription, "due");
  } else {
    says += "until " + field(subscription, "valid_to");
  }
  if (field(subscription, "renews") == "true") says += ", then it renews";
  context.out() << fmt::format("subscription {}: {} (ledger entry {})\n", field(subscription, "id"),
                               says, sequence);
}

void print_bought(const Context& context, const json::value& answer) {
  const std::string sequence = field(answer, "sequence");
  if (field(answer, "repeated") == "true") {
    context.out() << fmt::format("bought before under this request id (ledger entry {})\n",
                                 sequence);
    return;
  }
  print_subscription(context, answer.at("subscription"), sequence);
}

void print_subscriptions(const Context& context, const json::value& answer) {
  Table table({{"id", true},
               {"offer"},
               {"unit"},
               {"remaining", true},
               {"reserved", true},
               {"valid_from"},
               {"valid_to"},
               {"state"},
               {"renews"}});
  for (const json::value& one : answer.at("subscriptions").as_array()) {
    table.add({field(one, "id"), field(one, "offer"), field(one, "unit"), field(one, "remaining"),
               field(one, "reserved"), field(one, "valid_from"), field(one, "valid_to"),
               field(one, "state"), field(one, "renews") == "true" ? "yes" : "no"});
  }
  context.print(table);
  for (const json::value& one : answer.at("instalments").as_array()) {
    context.out() << fmt::format(
        "{}: {} of {}, {} of {} instalments credited, {} left; {} at an "
        "early end\n",
        field(one, "offer"), field(one, "what"), field(one, "amount"), field(one, "credited"),
        field(one, "instalments"), field(one, "left"), field(one, "early_end"));
  }
  for (const json::value& one : answer.at("minimum_spends").as_array()) {
    context.out() << fmt::format("{}: {} spent of at least {} from {} to {}; settled at {}\n",
                                 field(one, "offer"), field(one, "spent"), field(one, "minimum"),
                                 field(one, "from"), field(one, "to"), field(one, "settled_at"));
  }
}

void add_subscription_commands(CLI::App& app, Context& context,
                               const std::shared_ptr<Given>& given) {
  CLI::App* const group = add_group(app, "subscription", "Offers that a subscriber has bought");
  CLI::App* const add = add_command(
      *group, context, "add", "Buys an offer of the tariff in force",
      "farthing subscription add 8613800138003 bundle-1g --request-id order-17", [&context, given] {
        return context.send(
            "POST", subscriber_path(*given, "/subscriptions"),
            json_body({{"offer", given->offer},
                       {"from", given->from},
                       {"request_id", given->request_id},
                       {"reason", given->reason}}),
            [&context](const json::value& answer) { print_bought(context, answer); });
      });
  add_argument(add, "MSISDN", given->msisdn, "The subscriber");
  add_argument(add, "OFFER", given->offer, "Its name; see: farthing tariff show");
  add_text_option(add, "--from", given->from,
                  "When its first period begins, in the tariff's time zone, such as "
                  "2026-12-01T00:00; without it, now");
  add_text_option(add, "--request-id", given->request_id,
                  "Given again with the same offer, nothing is bought twice");
  add_text_option(add, "--reason", given->reason, "Stands in the ledger");

  CLI::App* const list = add_command(*group, context, "list", "Lists a subscriber's subscriptions",
                                     "farthing subscription list 8613800138003", [&context, given] {
                                       return context.get(subscriber_path(*given, "/subscriptions"),
                                                          [&context](const json::value& answer) {
                                                            print_subscriptions(context, answer);
                                                          });
                                     });
  add_argument(list, "MSISDN", given->msisdn, "The subscriber");

  CLI::App* const end = add_command(
      *group, context, "end", "Ends a subscription; what is left of it expires",
      "farthing subscription end 8613800138003 1\n"
      "farthing subscription end 8613800138003 1 --with-period",
      [&context, given] {
        std::string target = subscriber_path(*given, "/subscriptions/") + encode_url(given->number);
        target += given->with_period ? "?when=period" : "?when=now";
        if (!given->reason.empty()) target += "&reason=" + encode_url(given->reason);
        return context.send("DELETE", target, {}, [&context, given](const json::value& answer) {
          context.out() << fmt::format("{} (ledger entry {})\n",
                                       given->with_period ? "it ends with its period" : "ended",
                                       field(answer, "sequence"));
        });
      });
  add_argument(end, "MSISDN", given->msisdn, "The subscriber");
  add_argument(end, "NUMBER", given->number, "The subscription's id in the list");
  end->add_flag("--with-period", given->with_period,
                "It stays until the end of the period that is paid");
  add_text_option(end, "--reason", given->reason, "Stands in the ledger");
}

}  // namespace

void add_subscriber_commands(CLI::App& app, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const group = add_group(app, "subscriber", "Subscribers: who is served");

  CLI::App* const add = add_command(
      *group, context, "add", "Adds a subscriber to an account",
      "farthing subscriber add 8613800138000 --account acme --imsi 460001234567890",
      [&context, given] {
        return context.send("POST", "/v1/subscribers",
                            json_body({{"msisdn", given->msisdn},
                                       {"account", given->account},
                                       {"imsi", given->imsi},
                                       {"state", given->state},
                                       {"reason", given->reason}}),
                            [&context](const json::value& answer) { show_done(context, answer); });
      });
  add_argument(add, "MSISDN", given->msisdn, "Up to 15 digits, with or without a plus");
  add_text_option(add, "--account", given->account, "Who pays")->required()->type_name("ID");
  add_text_option(add, "--imsi", given->imsi, "Its SIM card's number")->type_name("IMSI");
  add_text_option(add, "--state", given->state,
                  "With which it begins: active (the usual one), idle, suspended or "
                  "suspended-outgoing");
  add_text_option(add, "--reason", given->reason, "Stands in the ledger");

  CLI::App* const one = add_command(*group, context, "show", "Shows a subscriber",
                                    "farthing subscriber show 8613800138000",
                                    [&context, given] { return show(context, *given); });
  add_argument(one, "MSISDN", given->msisdn, "The subscriber");

  add_state_commands(*group, context, given);

  add_profile_commands(*group, context, given);

  CLI::App* const import =
      add_command(*group, context, "import",
                  "Adds subscribers and accounts in bulk; running it again changes nothing.\n"
                  "The file begins with the line msisdn,imsi,account,kind,balance,credit_limit. An "
                  "empty account\n"
                  "is the MSISDN. Lines may share an account: its kind, balance and limit stand on "
                  "the first only.\n"
                  "Further columns attr.NAME say what new subscribers are: attr.segment.\n"
                  "Nothing is written unless the whole file is in order",
                  "farthing subscriber import subscribers.csv",
                  [&context, given] { return import_file(context, *given); });
  add_argument(import, "FILE", given->file, "The CSV file; - is standard input");
  add_text_option(import, "--reason", given->reason, "Stands in the ledger");

  CLI::App* const attributes = add_command(
      *group, context, "import-attributes",
      "Says in bulk what subscribers are, families or companies say; running it again changes\n"
      "nothing. The file begins with the line msisdn,attr.NAME and further columns attr.NAME; an\n"
      "empty field leaves what is said as it is. Nothing is written unless the whole file is in "
      "order",
      "farthing subscriber import-attributes families.csv",
      [&context, given] { return import_attributes(context, *given); });
  add_argument(attributes, "FILE", given->file, "The CSV file; - is standard input");
  add_text_option(attributes, "--reason", given->reason, "Stands in the ledger");

  add_subscription_commands(app, context, given);
}

}  // namespace farthing::tools
