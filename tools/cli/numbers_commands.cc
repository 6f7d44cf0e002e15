// farthing numbers: numbers that were ported to another network.
#include "engine/admin/http.h"
#include "tools/cli/commands.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <string>

namespace farthing::tools {

namespace json = boost::json;
using engine::admin::encode_url;

namespace {

struct Given {
  std::string file, number, reason;
};

int load(const Context& context, const Given& given) {
  const auto text = read_file(given.file);
  if (!text.has_value()) return context.fail(text.error().exit_code, text.error().message);
  const std::string target = fmt::format("/v1/numbers?file={}&reason={}", encode_url(given.file),
                                         encode_url(given.reason));
  return context.send("POST", target, *text, [&context](const json::value& answer) {
    context.out() << fmt::format("{} ported numbers (ledger entry {})\n", field(answer, "numbers"),
                                 field(answer, "sequence"));
  });
}

int show(const Context& context, const Given& given) {
  return context.get("/v1/numbers/" + encode_url(given.number), [&context](
                                                                    const json::value& answer) {
    const std::string route = field(answer, "routing");
    context.out() << (route.empty()
                          ? fmt::format("{} is not in the table\n", field(answer, "number"))
                          : fmt::format("{} is routed to {}\n", field(answer, "number"), route));
  });
}

}  // namespace

void add_numbers_commands(CLI::App& app, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const group = add_group(app, "numbers", "Numbers that were ported to another network");

  CLI::App* const load_command = add_command(
      *group, context, "load",
      "Loads the table of ported numbers, in place of the one before, at once.\n"
      "The file begins with the line number,routing. A routing number is hexadecimal digits, as\n"
      "the table of zones has them behind rn:, or with a plus one of E.164. A file without rows\n"
      "empties the table",
      "farthing numbers load ported.csv --reason \"night of 2026-06-01\"",
      [&context, given] { return load(context, *given); });
  add_argument(load_command, "FILE", given->file, "The CSV file; - is standard input");
  add_text_option(load_command, "--reason", given->reason, "Stands in the ledger");

  CLI::App* const show_command = add_command(
      *group, context, "show", "Shows where a number is routed",
      "farthing numbers show 4915112345678", [&context, given] { return show(context, *given); });
  add_argument(show_command, "NUMBER", given->number, "The country code first");

  add_command(*group, context, "list", "Prints the table as it was loaded",
              "farthing numbers list > ported.csv",
              [&context] { return context.copy("/v1/numbers"); });
}

}  // namespace farthing::tools
