// farthing explain: what was charged or refused, and why, by the running server or from a stopped
// one's folder.
#include "engine/admin/explanation_json.h"
#include "engine/admin/http.h"
#include "engine/tariff_versions.h"
#include "storage/rocksdb_store.h"
#include "tools/cli/commands.h"

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
  std::string of, data, archive;
};

int ask_server(const Context& context, const Given& given) {
  std::string target = "/v1/explanations?progress=1&of=" + encode_url(given.of);
  if (!given.archive.empty()) {
    target += "&archive=" + encode_url(std::filesystem::absolute(given.archive).string());
  }
  return context.run_job(target, {}, [&](const json::value& explanation) {
    if (!context.json) context.out() << field(explanation, "explanation");
    return exit_done;
  });
}

int read_folder(const Context& context, const Given& given) {
  const auto store = storage::open_rocksdb_store(
      {.folder = given.data, .create_if_missing = false, .read_only = true});
  if (!store.has_value()) return context.fail(exit_refused, store.error().message);
  const auto loaded = engine::find_loaded_tariffs(**store);
  if (!loaded.has_value()) return context.fail(exit_refused, loaded.error());
  auto history = engine::recall_tariffs(**store, *loaded);
  if (!history.has_value()) return context.fail(exit_refused, history.error());
  const engine::Explainer explainer(
      **store, engine::archive_folder(**store, given.archive), std::move(*history),
      [&](std::string_view phase, std::uint64_t at, std::uint64_t of) {
        context.progress(fmt::format("{}: {} of {}", phase, at, of));
        return true;
      });
  const auto explained = [&]() -> base::Result<engine::Explanation, engine::ExplainFailure> {
    if (const auto entry = engine::parse_sequence(given.of)) return explainer.explain_entry(*entry);
    const auto newest = explainer.find_session(given.of);
    if (!newest.has_value()) return newest.error();
    return explainer.explain_session(*newest, engine::admin::explained_entries_max);
  }();
  context.progress("");
  if (!explained.has_value()) return context.fail(exit_refused, explained.error().message);
  if (context.json) {
    context.out() << json::serialize(engine::admin::explanation_json(*explained)) << '\n';
  } else {
    context.out() << engine::admin::explanation_text(*explained);
  }
  return exit_done;
}

}  // namespace

void add_explain_command(CLI::App& app, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const command = add_command(
      app, context, "explain",
      "Says what was charged or refused, and why: who, when, by which rule of which tariff "
      "version\n"
      "(with its line), what allowances and money paid, what counters said, what was granted, and\n"
      "what would help against a refusal. Of a session each entry in turn, and the sum. Amounts "
      "are\n"
      "those of the ledger. A number names a ledger entry, as farthing ledger show has it; "
      "anything\n"
      "else is the Session-Id of a session or an event, of which the newest is told",
      "farthing explain 28\n"
      "  farthing explain 'pgw.example;1876543210;102'\n"
      "  farthing explain 28 --data /var/lib/farthing --json",
      [&context, given] {
        return given->data.empty() ? ask_server(context, *given) : read_folder(context, *given);
      });
  add_argument(command, "SESSION-ID|LEDGER-SEQ", given->of, "A Session-Id, or an entry's number");
  add_folder_options(command, given->data, given->archive);
}

}  // namespace farthing::tools
