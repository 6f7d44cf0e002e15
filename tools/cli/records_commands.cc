#include "tools/cli/commands.h"

#include "engine/admin/http.h"
#include "engine/records/export.h"
#include "storage/rocksdb_store.h"
#include "tools/cli/output.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <ostream>

namespace farthing::tools {

namespace records = engine::records;
using engine::admin::encode_url;

namespace {

struct Given {
  std::string data, archive, from, until, file;
  std::string format = "csv";
};

int export_live(const Context& context, const Given& given, records::Format format,
                Output& output) {
  const int code = context.copy(
      fmt::format("/v1/charging-records?format={}&from={}&until={}&archive={}",
                  records::format_name(format), encode_url(given.from), encode_url(given.until),
                  given.archive.empty()
                      ? ""
                      : encode_url(std::filesystem::absolute(given.archive).string())),
      [&output](std::string_view piece) { return output.write(piece); });
  if (code != exit_done) return code;
  return output.is_good() ? output.finish() : output.fail();
}

int export_folder(const Context& context, const Given& given, const records::Span& span,
                  records::Format format, Output& output) {
  const auto store = storage::open_rocksdb_store(
      {.folder = given.data, .create_if_missing = false, .read_only = true});
  if (!store.has_value()) return context.fail(exit_refused, store.error().message);
  const engine::LedgerReader ledger(**store, engine::archive_folder(**store, given.archive));
  const auto beginning = ledger.beginning();
  if (!beginning.has_value()) return context.fail(exit_refused, beginning.error().message);
  if (!beginning->missing.empty()) context.warn(beginning->missing);
  const engine::Sequence end = (*store)->end().last;
  const auto exported = records::export_span(
      ledger, beginning->first, span, format,
      {[&output](std::string_view text) { return output.write(text); },
       {},
       [&](engine::Sequence at) {
         context.progress(fmt::format("reading: {} of {}", at.value, end.value));
       }});
  if (!output.is_good()) return output.fail();
  if (!exported.has_value()) return context.fail(exit_refused, exported.error());
  return output.finish();
}

int export_records(const Context& context, const Given& given) {
  records::Span span;
  for (auto [name, text, time] : {std::tuple("--from", &given.from, &span.from),
                                  std::tuple("--until", &given.until, &span.until)}) {
    if (text->empty()) continue;
    *time = records::parse_time(*text);
    if (*time) continue;
    return context.fail(exit_usage, fmt::format("{} takes a time in UTC, 2026-06-01 or "
                                                "2026-06-01T08:00, and no {}",
                                                name, *text));
  }
  const auto format = records::parse_format(context.json ? "json" : given.format);
  if (!format) return context.fail(exit_usage, "a format is csv or json");
  Output output(context, given.file);
  if (!output.is_good()) return output.fail();
  return given.data.empty() ? export_live(context, given, *format, output)
                            : export_folder(context, given, span, *format, output);
}

}  // namespace

void add_records_commands(CLI::App& app, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const group =
      add_group(app, "records", "Charging data records: what each session used and cost");
  CLI::App* const command = add_command(
      *group, context, "export",
      "Writes the records of all sessions and events that ended in a span of time\n"
      "(docs/records.md has every field). A server can also write them continuously: records:\n"
      "in its configuration",
      "farthing records export --from 2026-06-01 --until 2026-06-02 --to june-1.csv\n"
      "  farthing records export --data /var/lib/farthing --format json > all.json",
      [&context, given] { return export_records(context, *given); });
  add_text_option(command, "--from", given->from, "What ended then or later (UTC); default: all")
      ->type_name("TIME");
  add_text_option(command, "--until", given->until, "What ended before then (UTC); default: all")
      ->type_name("TIME");
  add_text_option(command, "--format", given->format, "csv or json")
      ->type_name("FORMAT")
      ->capture_default_str();
  add_text_option(command, "--to", given->file, "The file; default: standard output")
      ->type_name("FILE");
  add_folder_options(command, given->data, given->archive);
}

}  // namespace farthing::tools
