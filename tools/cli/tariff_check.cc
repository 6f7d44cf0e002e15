// farthing tariff check: tariff files compiled and tested here, without a server.
#include "engine/admin/places_json.h"
#include "engine/tariff_tests.h"
#include "tools/cli/commands.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ostream>

namespace farthing::tools {

namespace json = boost::json;
using engine::admin::places_json;

namespace {

struct Given {
  std::vector<std::string> files;
  bool strict = false;
};

base::Result<tariffs::CheckedTariff, Problem> check_file(const std::string& file) {
  const auto source = read_tariff(file);
  if (!source.has_value()) return source.error();
  return engine::check_tariff(file, *source);
}

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

void show(const Context& context, const std::string& file, const tariffs::CheckedTariff& checked,
          bool ok) {
  for (const tariffs::FileError& error : checked.errors) {
    context.tell(tariffs::to_string(error));
  }
  for (tariffs::FileError warning : checked.warnings) {
    warning.message = "warning: " + warning.message;
    context.tell(tariffs::to_string(warning));
  }
  if (!ok) {
    context.warn(fmt::format("{}: {}, {}", file, counted(checked.errors.size(), "error"),
                             counted(checked.warnings.size(), "warning")));
    return;
  }
  if (context.json) return;
  const tariffs::Tariff& tariff = *checked.tariff;
  context.out() << fmt::format(
      "{}: tariff {} is in order: {}, {}, {}, {} passed, {}\n", file, tariff.name(),
      counted(tariff.services().size(), "service"), counted(tariff.rules().size(), "price"),
      counted(tariff.offers().size(), "offer"), counted(tariff.tests().size(), "test"),
      counted(checked.warnings.size(), "warning"));
}

int check_files(const Context& context, const Given& given) {
  int code = exit_done;
  json::array files;
  for (const std::string& file : given.files) {
    const auto checked = check_file(file);
    if (!checked.has_value()) {
      code = std::max(code, context.fail(checked.error().exit_code, checked.error().message));
      files.push_back({{"file", file}, {"ok", false}, {"problem", checked.error().message}});
      continue;
    }
    const bool ok = checked->tariff != nullptr && !(given.strict && !checked->warnings.empty());
    show(context, file, *checked, ok);
    if (!ok) code = std::max<int>(code, exit_refused);
    files.push_back({{"file", file},
                     {"ok", ok},
                     {"tests", checked->tariff == nullptr ? 0 : checked->tariff->tests().size()},
                     {"errors", places_json(checked->errors)},
                     {"warnings", places_json(checked->warnings)}});
  }
  if (context.json) context.out() << json::serialize(json::object{{"files", files}}) << '\n';
  return code;
}

}  // namespace

void add_tariff_check(CLI::App& tariff, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const check = add_command(
      tariff, context, "check",
      "Checks tariff files and runs their tests; needs no server. Exit code 1: there are errors",
      "farthing tariff check --strict new.yaml",
      [&context, given] { return check_files(context, *given); });
  check->add_option("FILE", given->files, "The files; - is standard input")
      ->required()
      ->type_name("");
  check->add_flag("--strict", given->strict, "Warnings are refused, too");
}

}  // namespace farthing::tools
