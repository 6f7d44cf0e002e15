#include "tools/cli/commands.h"

#include "engine/admin/http.h"
#include "engine/admin/verify_json.h"
#include "storage/rocksdb_store.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <ostream>

namespace farthing::tools {

namespace json = boost::json;
using engine::admin::encode_url;

namespace {

struct Given {
  std::string account, data, archive;
  std::uint64_t limit = 100;
  std::uint64_t before = 0;
};

void show_ledger(const Context& context, const json::value& answer) {
  Table table({{"seq", true},
               {"time"},
               {"kind"},
               {"session"},
               {"rating_group", true},
               {"units", true},
               {"unit"},
               {"rule"},
               {"tariff"},
               {"amount", true},
               {"balance", true}});
  for (const json::value& row : answer.at("rows").as_array()) {
    const std::string version = field(row, "tariff");
    std::string rule = field(row, "rule");
    const std::string only = field(row, "tariff_only");
    if (const std::string others = field(row, "others"); others != "0.000000") {
      rule += fmt::format(", others pay {}", others);
    }
    table.add({field(row, "seq"), field(row, "time"), field(row, "kind"), field(row, "session"),
               field(row, "rating_group"), field(row, "units"), field(row, "unit"), rule,
               version.empty() ? ""
                               : fmt::format("{}/{}{}{}", field(row, "tariff_name"), version,
                                             only.empty() ? "" : " only ", only),
               field(row, "amount"), field(row, "balance")});
  }
  context.print(table);
  if (const std::string missing = field(answer, "missing"); !missing.empty()) {
    context.out() << "older entries are not shown: " << missing << '\n';
  }
}

int show_verdict(const Context& context, const json::value& verdict) {
  if (field(verdict, "ok") != "true") {
    return context.fail(exit_refused, field(verdict.at("problem"), "message"));
  }
  if (!context.json) {
    context.out() << fmt::format(
        "the ledger is in order: {} entries in {} records; {} accounts and {} open sessions are "
        "what "
        "they add up to\n",
        field(verdict, "entries"), field(verdict, "records"), field(verdict, "accounts"),
        field(verdict, "sessions_open"));
  }
  return exit_done;
}

// Folds a stopped server's folder, or a copy of one.
json::value verify_folder(const Context& context, const storage::LedgerStore& store,
                          const std::string& archive) {
  engine::Verifier verifier(store, engine::archive_folder(store, archive));
  if (const auto rows = verifier.read_rows(); !rows.has_value()) {
    return engine::admin::verify_error_json(rows.error());
  }
  if (archive.empty()) {
    const auto begun = verifier.begin();
    if (!begun.has_value()) return engine::admin::verify_error_json(begun.error());
  }
  const engine::Sequence end = store.end().last;
  const auto folded = verifier.fold_to(end, [&](engine::Sequence at) {
    context.progress(fmt::format("reading: {} of {}", at.value, end.value));
    return true;
  });
  context.progress("");
  if (!folded.has_value()) return engine::admin::verify_error_json(folded.error());
  const auto sums = verifier.check_sums();
  if (!sums.has_value()) return engine::admin::verify_error_json(sums.error());
  const auto rows = verifier.check_end();
  if (!rows.has_value()) return engine::admin::verify_error_json(rows.error());
  return engine::admin::verify_json(verifier);
}

int verify(const Context& context, const Given& given) {
  if (given.data.empty()) {
    std::string target = "/v1/ledger/verify?progress=1";
    if (!given.archive.empty()) {
      target += "&archive=" + encode_url(std::filesystem::absolute(given.archive).string());
    }
    return context.run_job(
        target, {}, [&context](const json::value& reply) { return show_verdict(context, reply); });
  }
  return verify_data_folder(context, given.data, given.archive);
}

}  // namespace

int verify_data_folder(const Context& context, const std::string& folder,
                       const std::string& archive) {
  const auto store = storage::open_rocksdb_store(
      {.folder = folder, .create_if_missing = false, .read_only = true});
  if (!store.has_value()) return context.fail(exit_refused, store.error().message);
  const json::value verdict = verify_folder(context, **store, archive);
  if (context.json) context.out() << json::serialize(verdict) << '\n';
  return show_verdict(context, verdict);
}

void add_ledger_commands(CLI::App& app, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const group = add_group(app, "ledger", "The ledger: everything that ever moved");

  CLI::App* const show = add_command(
      *group, context, "show",
      "Shows an account's newest entries, oldest first: one row for each price that was charged.\n"
      "What a charge takes is negative; the balance is that after the row",
      "farthing ledger show 8613800138000 --limit 20", [&context, given] {
        std::string target =
            fmt::format("/v1/ledger/{}?limit={}", encode_url(given->account), given->limit);
        if (given->before != 0) target += fmt::format("&before={}", given->before);
        return context.get(target,
                           [&context](const json::value& answer) { show_ledger(context, answer); });
      });
  add_argument(show, "ACCOUNT", given->account, "The account");
  show->add_option("--limit", given->limit, "At most so many entries (1 to 10000)")
      ->capture_default_str();
  show->add_option("--before", given->before, "Only entries before this number")->type_name("SEQ");

  CLI::App* const check = add_command(
      *group, context, "verify",
      "Reads the whole ledger again, checks every record and compares what it adds up to\n"
      "with the accounts; exit code 1 and the first wrong record where something is not right.\n"
      "A ledger whose beginning was archived is read from its opening balances on. It takes as\n"
      "much memory as all accounts do (about 450 bytes each, 1 KiB each open session)",
      "farthing ledger verify --data /var/lib/farthing",
      [&context, given] { return verify(context, *given); });
  add_text_option(check, "--data", given->data,
                  "A stopped server's data folder, or a copy of one, instead of the running server")
      ->type_name("DIR");
  add_text_option(check, "--archive", given->archive,
                  "The folder of its archive: reads everything, from the first entry ever")
      ->type_name("DIR");

  add_follow_command(*group, context);
  add_repair_command(*group, context);
}

}  // namespace farthing::tools
