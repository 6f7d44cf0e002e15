// farthing rejects: what was refused, from a running server or from a folder.
#include "engine/admin/http.h"
#include "engine/admin/reject_json.h"
#include "engine/records/export.h"
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
  std::string since, until, data, archive;
  std::size_t digits = engine::RejectQuestion().prefix_digits;
};

void show(const Context& context, const json::value& answer) {
  if (const std::string missing = field(answer, "missing"); !missing.empty()) context.warn(missing);
  Table table({{"result", true},
               {"meaning"},
               {"context"},
               {"rating_group", true},
               {"called"},
               {"peer"},
               {"count", true},
               {"first"},
               {"last"},
               {"seq", true}});
  for (const json::value& group : answer.at("groups").as_array()) {
    table.add({field(group, "result_code"), field(group, "result"), field(group, "context"),
               field(group, "rating_group"), field(group, "prefix"), field(group, "peer"),
               field(group, "count"), field(group, "first"), field(group, "last"),
               field(group, "seq")});
  }
  context.print(table);
  const std::string left_out = field(answer, "left_out");
  if (left_out != "0") context.warn(fmt::format("{} more are of other kinds", left_out));
}

int ask_server(const Context& context, const Given& given) {
  const std::string archive =
      given.archive.empty() ? "" : std::filesystem::absolute(given.archive).string();
  return context.get(
      fmt::format("/v1/rejects?since={}&until={}&digits={}&archive={}", encode_url(given.since),
                  encode_url(given.until), given.digits, encode_url(archive)),
      [&context](const json::value& answer) { show(context, answer); });
}

int read_folder(const Context& context, const Given& given,
                const engine::RejectQuestion& question) {
  const auto store = storage::open_rocksdb_store(
      {.folder = given.data, .create_if_missing = false, .read_only = true});
  if (!store.has_value()) return context.fail(exit_refused, store.error().message);
  engine::LedgerReader ledger(**store, engine::archive_folder(**store, given.archive));
  const auto beginning = ledger.beginning();
  if (!beginning.has_value()) return context.fail(exit_refused, beginning.error().message);
  const engine::Sequence end = (*store)->end().last;
  const auto rejects =
      engine::find_rejects(ledger, beginning->first, question, [&](engine::Sequence at) {
        context.progress(fmt::format("reading: {} of {}", at.value, end.value));
        return true;
      });
  context.progress("");
  if (!rejects.has_value()) return context.fail(exit_refused, rejects.error());
  const json::object answer = engine::admin::rejects_json(*rejects, "UTC", beginning->missing);
  if (context.json) {
    context.out() << json::serialize(answer) << '\n';
  } else {
    show(context, answer);
  }
  return exit_done;
}

int list_rejects(const Context& context, const Given& given) {
  engine::RejectQuestion question;
  question.prefix_digits = given.digits;
  for (auto [name, text, time] : {std::tuple("--since", &given.since, &question.since),
                                  std::tuple("--until", &given.until, &question.until)}) {
    if (text->empty()) continue;
    *time = engine::records::parse_time(*text);
    if (*time) continue;
    return context.fail(exit_usage, fmt::format("{} takes a time in UTC, 2026-06-01 or "
                                                "2026-06-01T08:00, and no {}",
                                                name, *text));
  }
  return given.data.empty() ? ask_server(context, given) : read_folder(context, given, question);
}

}  // namespace

void add_reject_command(CLI::App& app, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const command = add_command(
      app, context, "rejects",
      "Counts what was refused (4010, 4012, 5031) by service, rating group, called number and\n"
      "peer, from the ledger. Requests of nobody's (5030) are not in it: see farthing status",
      "farthing rejects --since 2026-06-01 --until 2026-06-02\n"
      "  farthing rejects --data /var/lib/farthing --digits 3 --json",
      [&context, given] { return list_rejects(context, *given); });
  add_text_option(command, "--since", given->since, "What was refused then or later (UTC)")
      ->type_name("TIME");
  add_text_option(command, "--until", given->until, "What was refused before then (UTC)")
      ->type_name("TIME");
  command->add_option("--digits", given->digits, "So many digits of the called number count")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{0}, engine::prefix_digits_max))
      ->capture_default_str();
  add_folder_options(command, given->data, given->archive);
}

}  // namespace farthing::tools
