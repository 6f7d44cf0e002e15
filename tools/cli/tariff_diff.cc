// farthing tariff diff: two tariffs, from files or from the server, compared here.
#include "engine/admin/http.h"
#include "tariffs/diff.h"
#include "tariffs/tariff_file.h"
#include "tools/cli/commands.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <memory>
#include <ostream>

namespace farthing::tools {

namespace json = boost::json;

namespace {

struct Given {
  std::string before, after;
};

using Compiled = base::Result<std::shared_ptr<const tariffs::Tariff>, Problem>;

// The source of a version that the server has: "@3", "@current".
base::Result<tariffs::TariffSource, Problem> fetch_source(const Context& context,
                                                          std::string_view name) {
  const std::string version(name.substr(1));
  auto answer = context.fetch("/v1/tariffs/" + engine::admin::encode_url(version) + "/source");
  if (!answer.has_value()) return answer.error();
  if (answer->status < 400) {
    auto source = tariffs::parse_source(answer->body);
    if (source.has_value()) return std::move(*source);
  }
  return Problem{exit_refused,
                 fmt::format("the server has no tariff version {}; see: farthing tariff list",
                             tariffs::in_quotes(version))};
}

Compiled compile(const Context& context, const std::string& name) {
  const auto source = name.starts_with('@') ? fetch_source(context, name) : read_tariff(name);
  if (!source.has_value()) return source.error();
  auto compiled = tariffs::compile_tariff(name, *source);
  if (compiled.has_value()) return std::move(*compiled);
  for (const tariffs::FileError& error : compiled.error()) {
    context.tell(tariffs::to_string(error));
  }
  return Problem{exit_refused, fmt::format("{} is not in order; see: farthing tariff check", name)};
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::object change_json(const tariffs::TariffChange& change) {
  json::array fields;
  for (const tariffs::FieldChange& changed : change.fields) {
    fields.push_back({{"field", changed.field},
                      {"from", text_or_null(changed.before)},
                      {"to", text_or_null(changed.after)}});
  }
  return {{"change", tariffs::change_name(change.kind)},
          {"what", change.what},
          {"name", change.name},
          {"fields", std::move(fields)}};
}

int diff(const Context& context, const Given& given) {
  const Compiled before = compile(context, given.before);
  if (!before.has_value()) return context.fail(before.error().exit_code, before.error().message);
  const Compiled after = compile(context, given.after);
  if (!after.has_value()) return context.fail(after.error().exit_code, after.error().message);
  const std::vector<tariffs::TariffChange> changes = tariffs::diff_tariffs(**before, **after);
  if (context.json) {
    json::array list;
    for (const tariffs::TariffChange& change : changes) list.push_back(change_json(change));
    context.out() << json::serialize(json::object{
                         {"from", given.before}, {"to", given.after}, {"changes", list}})
                  << '\n';
    return exit_done;
  }
  for (const tariffs::TariffChange& change : changes) {
    context.out() << tariffs::describe_change(change) << '\n';
  }
  if (changes.empty()) context.out() << "they are the same in prices, grants and offers\n";
  return exit_done;
}

}  // namespace

void add_tariff_diff(CLI::App& tariff, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const command = add_command(
      tariff, context, "diff",
      "Says what differs between two tariffs: prices, grants, offers. Each is a file, or "
      "a version\nof the server's: @3, @current",
      "farthing tariff diff @current new.yaml",
      [&context, given] { return diff(context, *given); });
  add_argument(command, "BEFORE", given->before, "The one");
  add_argument(command, "AFTER", given->after, "The other");
}

}  // namespace farthing::tools
