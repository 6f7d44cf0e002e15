// farthing tariff rerate: charges of the past made what another tariff says.
#include "engine/admin/http.h"
#include "tools/cli/commands.h"
#include "tools/cli/output.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>

namespace farthing::tools {

namespace json = boost::json;
using engine::admin::encode_url;

namespace {

struct Given {
  std::string tariff, from, to, rule, offer, service, reason, csv, archive;
  bool is_dry = false;
};

void print_rows(const Context& context, const json::array& rows) {
  if (rows.empty()) return;
  Table table({{"entry", true},
               {"account"},
               {"rating_group", true},
               {"charged", true},
               {"would_be", true},
               {"difference", true},
               {"balance", true},
               {"overage", true}});
  for (const json::value& row : rows) {
    table.add({field(row, "entry"), field(row, "account"), field(row, "rating_group"),
               field(row, "charged"), field(row, "would_be"), field(row, "difference"),
               field(row, "balance"), field(row, "overage")});
  }
  context.print(table);
  context.out() << '\n';
}

int show(const Context& context, const json::value& result) {
  const bool are_refused = field(result, "refused") != "0";
  if (context.json) return are_refused ? exit_refused : exit_done;
  const bool is_dry = field(result, "dry_run") == "true";
  const std::string name = field(result, "tariff");
  context.out() << fmt::format(
      "rerate {} by {}, from {} to {} (UTC), in {}\n\n", field(result, "rerate"),
      name.empty() ? "the tariffs that were in force" : "tariff " + name, field(result, "from"),
      field(result, "to"), field(result, "currency"));
  print_rows(context, result.at("largest").as_array());
  context.out() << fmt::format(
      "charged more: {}, of which {} could not be collected\n"
      "charged less: {}, of which {} had not been paid\n",
      field(result, "charged_more"), field(result, "not_collected"), field(result, "charged_less"),
      field(result, "forgiven"));
  if (field(result, "without_price") != "0") {
    context.out() << fmt::format(
        "{} charges are left as they are: the tariff has no price for "
        "something of them\n",
        field(result, "without_price"));
  }
  if (field(result, "paid_by_others") != "0") {
    context.out() << fmt::format(
        "{} charges are left as they are: gifts or payers paid some of them; see: farthing "
        "explain\n",
        field(result, "paid_by_others"));
  }
  if (field(result, "booked_before") != "0") {
    context.out() << fmt::format("{} charges were booked by this rerate before\n",
                                 field(result, "booked_before"));
  }
  context.out() << fmt::format(
      "{} {}, of {} charges\n", field(result, "adjustments"),
      is_dry ? "adjustments would be booked; nothing was" : "adjustments booked",
      field(result, "charges"));
  for (const json::value& refusal : result.at("refusals").as_array()) {
    context.warn(fmt::format("entry {}: {}", field(refusal, "entry"), field(refusal, "message")));
  }
  if (!are_refused) return exit_done;
  return context.fail(exit_refused,
                      fmt::format("{} adjustments {} refused", field(result, "refused"),
                                  is_dry ? "would be" : "were"));
}

int rerate(const Context& context, const Given& given) {
  std::string source;
  std::string version;
  if (given.tariff.starts_with('@')) {
    version = given.tariff.substr(1);
    if (version.empty()) return context.fail(exit_usage, "@ is followed by a version: @3, or @all");
  } else if (!given.tariff.empty()) {
    auto read = read_tariff(given.tariff);
    if (!read.has_value()) return context.fail(read.error().exit_code, read.error().message);
    source = tariffs::canonical_bytes(std::move(*read));
  }
  std::string target = fmt::format("/v1/tariffs/rerate?progress=1&from={}&to={}",
                                   encode_url(given.from), encode_url(given.to));
  const std::pair<std::string_view, std::string> texts[] = {
      {"version", version},
      {"file", source.empty() ? "" : given.tariff},
      {"rule", given.rule},
      {"offer", given.offer},
      {"service", given.service},
      {"reason", given.reason},
      {"archive", given.archive.empty() ? "" : std::filesystem::absolute(given.archive).string()},
      {"dry_run", given.is_dry ? "1" : ""},
      {"csv", given.csv.empty() ? "" : "1"}};
  for (const auto& [name, text] : texts) {
    if (!text.empty()) target += fmt::format("&{}={}", name, encode_url(text));
  }
  std::optional<Output> csv;
  if (!given.csv.empty()) csv.emplace(context, given.csv);
  if (csv && !csv->is_good()) return csv->fail();
  // What cannot be written does not keep the server from booking; it is said at the end.
  ApiClient::Sink take;
  if (csv) {
    take = [&csv](std::string_view text) {
      csv->write(text);
      return true;
    };
  }
  const int code = context.run_job(
      target, source, [&](const json::value& result) { return show(context, result); }, take);
  if (csv && !csv->is_good()) return csv->fail();
  const int written = csv ? csv->finish() : exit_done;
  return code == exit_done ? written : code;
}

}  // namespace

void add_tariff_rerate(CLI::App& tariff, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const command = add_command(
      tariff, context, "rerate",
      "Makes what was charged in a span of time what another tariff says: the usage is charged\n"
      "again as by farthing tariff simulate, and each difference is booked as an adjustment that\n"
      "names the ledger entry that charged. Safe to break off and to run again: what is booked\n"
      "counts, by an earlier rerate by another tariff as well. What is taken is taken down to the\n"
      "account's limit; the rest stands as overage. What is given back forgives overage first.\n"
      "Fees, allowances, counters and sessions' own terms stay; so do charges for which the "
      "tariff\n"
      "has no price. Exit code 1 where an adjustment was refused; the others are booked",
      "farthing tariff rerate --from 2026-05-01 --to 2026-06-01 --dry-run\n"
      "  farthing tariff rerate --from 2026-05-01 --to 2026-06-01 --tariff @3 --rule data/10\n"
      "  farthing tariff rerate --from 2026-05-01 --to 2026-06-01 --tariff may.yaml --csv may.csv\n"
      "  farthing tariff rerate --from 2026-05-01 --to 2026-06-01 --tariff @all",
      [&context, given] { return rerate(context, *given); });
  add_text_option(command, "--from", given->from, "When the span begins (UTC)")
      ->required()
      ->type_name("TIME");
  add_text_option(command, "--to", given->to, "The first moment behind it (UTC)")
      ->required()
      ->type_name("TIME");
  add_text_option(command, "--tariff", given->tariff,
                  "By which tariff; default: the version loaded last. @all: those that were in\n"
                  "force, which takes back what earlier rerates did")
      ->type_name("FILE|@VERSION");
  add_text_option(command, "--rule", given->rule,
                  "Only what this rule priced, and with it all of its rating group in the entry")
      ->type_name("NAME");
  add_text_option(command, "--offer", given->offer, "Only what was used by who had this offer then")
      ->type_name("NAME");
  add_text_option(command, "--service", given->service, "Only this service")->type_name("NAME");
  command->add_flag("--dry-run", given->is_dry, "Say what would be booked, and book nothing");
  add_text_option(command, "--reason", given->reason, "Stands in the ledger with each adjustment")
      ->type_name("TEXT");
  add_text_option(command, "--csv", given->csv, "Write a line for each adjustment into this file")
      ->type_name("FILE");
  add_text_option(command, "--archive", given->archive,
                  "The folder of archived records; default: the server's")
      ->type_name("DIR");
}

}  // namespace farthing::tools
