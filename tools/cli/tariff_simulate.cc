// farthing tariff simulate: the ledger's usage charged again by another tariff, by the running
// server or from a stopped one's folder.
#include "engine/admin/http.h"
#include "engine/admin/simulation_json.h"
#include "engine/tariff_tests.h"
#include "engine/tariff_versions.h"
#include "storage/rocksdb_store.h"
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
  std::string file, version, from, to, csv, data, archive;
  std::uint32_t top = engine::admin::simulation_top_default;
};

constexpr std::string_view charge_fields[] = {"was", "would_be", "difference", "overage_was",
                                              "overage_would_be"};

// A table of rows that begin with `names` and go on with charges.
Table charges_table(const json::array& rows, std::vector<Column> names) {
  const std::size_t count = names.size();
  std::vector<Column> columns = names;
  for (std::string_view name : charge_fields) columns.push_back({std::string(name), true});
  Table table(columns);
  for (const json::value& row : rows) {
    std::vector<std::string> cells;
    for (std::size_t i = 0; i < count; ++i) cells.push_back(field(row, names[i].name));
    for (std::string_view name : charge_fields) cells.push_back(field(row, name));
    table.add(std::move(cells));
  }
  return table;
}

void print(const Context& context, std::string_view title, const json::array& rows,
           std::vector<Column> names) {
  if (rows.empty()) return;
  context.out() << '\n' << title << ":\n";
  context.print(charges_table(rows, std::move(names)));
}

void print_offers(const Context& context, const json::array& offers) {
  if (offers.empty()) return;
  context.out() << "\nallowances eaten, and fees as they were:\n";
  Table table({{"offer"}, {"unit"}, {"units_was", true}, {"units_would_be", true}, {"fees", true}});
  for (const json::value& offer : offers) {
    table.add({field(offer, "offer"), field(offer, "unit"), field(offer, "units_was"),
               field(offer, "units_would_be"), field(offer, "fees")});
  }
  context.print(table);
}

void print_counts(const Context& context, const json::value& result) {
  context.out() << '\n';
  for (const auto& [name, words] :
       {std::pair("without_price", "reports have something without a price"),
        std::pair("without_session", "reports are of sessions that would not have begun"),
        std::pair("events_refused", "events would have been refused: nobody could pay")}) {
    if (field(result, name) == "0") continue;
    context.out() << fmt::format("not charged: {} {}\n", field(result, name), words);
  }
  context.out() << fmt::format("{} reports charged again; {} of {} accounts differ\n",
                               field(result, "reports"), field(result, "accounts_differing"),
                               field(result, "accounts"));
}

int show(const Context& context, const json::value& result) {
  if (context.json) return exit_done;
  const std::string name = field(result, "tariff");
  context.out() << fmt::format("{} from {} to {} (UTC), in {}\n\n",
                               name.empty() ? "the tariffs that were in force" : "tariff " + name,
                               field(result, "from"), field(result, "to"),
                               field(result, "currency"));
  json::array kinds = result.at("kinds").as_array();
  json::object total = result.at("total").as_object();
  total["kind"] = "total";
  total["accounts"] = result.at("accounts");
  kinds.push_back(std::move(total));
  context.print(charges_table(kinds, {{"kind"}, {"accounts", true}}));
  print(context, "by service and rating group", result.at("services").as_array(),
        {{"service"}, {"rating_group", true}});
  print_offers(context, result.at("offers").as_array());
  print(context, "would pay more", result.at("pay_more").as_array(), {{"account"}, {"kind"}});
  print(context, "would pay less", result.at("pay_less").as_array(), {{"account"}, {"kind"}});
  print_counts(context, result);
  return exit_done;
}

int simulate_live(const Context& context, const Given& given, std::string source, Output* csv) {
  std::string target =
      fmt::format("/v1/tariffs/simulation?progress=1&from={}&to={}&top={}&version={}&file={}",
                  encode_url(given.from), encode_url(given.to), given.top,
                  encode_url(given.version), encode_url(given.file));
  if (csv != nullptr) target += "&csv=1";
  if (!given.archive.empty()) {
    target += "&archive=" + encode_url(std::filesystem::absolute(given.archive).string());
  }
  ApiClient::Sink take;
  if (csv != nullptr) take = [csv](std::string_view text) { return csv->write(text); };
  return context.run_job(
      target, source, [&](const json::value& result) { return show(context, result); }, take);
}

int simulate_folder(const Context& context, const Given& given, const engine::SimulationSpan& span,
                    std::shared_ptr<const tariffs::Tariff> tariff, Output* csv) {
  const auto store = storage::open_rocksdb_store(
      {.folder = given.data, .create_if_missing = false, .read_only = true});
  if (!store.has_value()) return context.fail(exit_refused, store.error().message);
  if (tariff == nullptr) {
    const auto loaded = engine::find_loaded_tariffs(**store);
    if (!loaded.has_value()) return context.fail(exit_refused, loaded.error());
    const auto history = engine::recall_tariffs(**store, *loaded);
    if (!history.has_value()) return context.fail(exit_refused, history.error());
    auto version = engine::admin::simulated_version(**history, given.version);
    if (!version.has_value()) return context.fail(exit_refused, version.error());
    tariff = std::move(*version);
  }
  engine::TariffSimulation simulation(**store, engine::archive_folder(**store, given.archive), span,
                                      std::move(tariff));
  const auto ran =
      simulation.run([&](std::string_view phase, engine::Sequence at, engine::Sequence of) {
        context.progress(fmt::format("{}: {} of {}", phase, at.value, of.value));
        return true;
      });
  if (!ran.has_value()) return context.fail(exit_refused, ran.error());
  const bool is_written =
      csv == nullptr || engine::admin::write_simulation_csv(
                            simulation, [csv](std::string_view text) { return csv->write(text); });
  context.progress("");
  if (!is_written) return exit_refused;
  const json::value result = engine::admin::simulation_json(simulation, span, given.top);
  if (context.json) context.out() << json::serialize(result) << '\n';
  return show(context, result);
}

int simulate(const Context& context, const Given& given) {
  if (given.file.empty() == given.version.empty()) {
    return context.fail(exit_usage, "name either a tariff file or a --version");
  }
  const auto span = engine::admin::parse_simulation_span(given.from, given.to);
  if (!span.has_value()) return context.fail(exit_usage, "--" + span.error());
  std::shared_ptr<const tariffs::Tariff> tariff;
  std::string source;
  if (!given.file.empty()) {
    auto read = read_tariff(given.file);
    if (!read.has_value()) return context.fail(read.error().exit_code, read.error().message);
    const tariffs::CheckedTariff checked = engine::check_tariff(given.file, *read);
    for (const tariffs::FileError& error : checked.errors) {
      context.tell(tariffs::to_string(error));
    }
    if (checked.tariff == nullptr) {
      return context.fail(exit_refused, given.file + " is not in order; nothing was simulated");
    }
    tariff = checked.tariff;
    source = tariffs::canonical_bytes(std::move(*read));
  }
  std::optional<Output> csv;
  if (!given.csv.empty()) csv.emplace(context, given.csv);
  if (csv && !csv->is_good()) return csv->fail();
  Output* const rows = csv ? &*csv : nullptr;
  const int code = given.data.empty()
                       ? simulate_live(context, given, std::move(source), rows)
                       : simulate_folder(context, given, *span, std::move(tariff), rows);
  if (csv && !csv->is_good()) return csv->fail();
  return code == exit_done && csv ? csv->finish() : code;
}

}  // namespace

void add_tariff_simulate(CLI::App& tariff, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const command = add_command(
      tariff, context, "simulate",
      "Charges the usage of a span of time again, by another tariff, from the accounts as they "
      "stood\n"
      "when it began; changes nothing. What was used, granted and topped up stays as it was: what\n"
      "nobody could have paid is overage. Fees and allowances of offers are those that were "
      "bought;\n"
      "sessions that were open keep their terms. Usage is known in the unit that was priced: a\n"
      "service that the tariff counts in another one is not charged, and counted. The ledger is "
      "read\n"
      "from its beginning (or its opening balances) on, and all accounts are held in memory once\n"
      "more, by the server or with --data here: about 550 bytes each, 1 KiB each open session",
      "farthing tariff simulate new.yaml --from 2026-05-01 --to 2026-06-01 --csv may.csv\n"
      "  farthing tariff simulate --version 3 --from 2026-05-01 --to 2026-06-01 --top 50\n"
      "  farthing tariff simulate --version all --from 2026-05-01 --to 2026-06-01",
      [&context, given] { return simulate(context, *given); });
  command->add_option("FILE", given->file, "The tariff file, beside which its tables are")
      ->type_name("");
  add_text_option(command, "--version", given->version,
                  "Instead of a file a version that was loaded; all: those that were in force, by\n"
                  "which nothing may differ")
      ->type_name("N|all");
  add_text_option(command, "--from", given->from, "When the span begins (UTC)")
      ->required()
      ->type_name("TIME");
  add_text_option(command, "--to", given->to, "The first moment behind it (UTC)")
      ->required()
      ->type_name("TIME");
  add_text_option(command, "--csv", given->csv,
                  "Write a line for each account that was charged or would be into this file")
      ->type_name("FILE");
  command->add_option("--top", given->top, "Show so many of those that would pay more, and less")
      ->check(CLI::Range(0u, engine::admin::simulation_top_max))
      ->type_name("N")
      ->capture_default_str();
  add_folder_options(command, given->data, given->archive);
}

}  // namespace farthing::tools
