#include "tools/cli/command_line.h"

#include "tariffs/file_error.h"
#include "tools/cli/commands.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <sstream>

namespace farthing::tools {

namespace {

constexpr const char* footer = R"(
Exit codes: 0 done, 1 refused (the message says why), 2 usage, 3 no server reachable.

Examples:
  farthing status
  farthing balance show 8613800138000
  farthing balance topup 8613800138000 20.00 --request-id voucher-17 --reason "voucher"
  farthing ledger show 8613800138000 --limit 20
  farthing COMMAND --help)";

// The first word that should have been a command: CLI11 itself only says that one is missing.
std::string unknown_command(const CLI::App& app) {
  if (!app.get_subcommands().empty()) return unknown_command(*app.get_subcommands().front());
  const std::vector<std::string> words = app.remaining();
  const bool leaf = app.get_subcommands([](const CLI::App*) { return true; }).empty();
  return leaf || words.empty() || words.front().starts_with('-') ? std::string() : words.front();
}

}  // namespace

std::string hide_minus(std::string argument) {
  const bool number = argument.size() > 1 && argument[0] == '-' &&
                      ((argument[1] >= '0' && argument[1] <= '9') || argument[1] == '.');
  if (number) argument[0] = hidden_minus;
  return argument;
}

std::string show_minus(std::string text) {
  std::replace(text.begin(), text.end(), hidden_minus, '-');
  return text;
}

CLI::App* add_group(CLI::App& app, const std::string& name, const std::string& description) {
  CLI::App* const group = app.add_subcommand(name, description);
  group->require_subcommand(1);
  return group;
}

CLI::App* add_command(CLI::App& parent, Context& context, const std::string& name,
                      const std::string& description, const std::string& example,
                      std::function<int()> run) {
  CLI::App* const command = parent.add_subcommand(name, description);
  command->footer("\nExample:\n  " + example);
  command->add_option("--api", context.api, "The server's socket")->type_name("PATH");
  command->add_flag("--json", context.json, "Print the server's answer as it is, in JSON");
  command->callback([&context, run = std::move(run)] { context.command = run; });
  return command;
}

CLI::Option* add_argument(CLI::App* command, const std::string& name, std::string& value,
                          const std::string& description) {
  return command->add_option(name, value, description)
      ->required()
      ->type_name("")
      ->transform(CLI::Validator(
          [](std::string& text) {
            text = show_minus(text);
            return std::string();
          },
          ""));
}

CLI::Option* add_text_option(CLI::App* command, const std::string& name, std::string& value,
                             const std::string& description) {
  return command->add_option(name, value, description)
      ->type_name("TEXT")
      ->transform(CLI::Validator(
          [](std::string& text) {
            text = show_minus(text);
            return std::string();
          },
          ""));
}

void add_folder_options(CLI::App* command, std::string& data, std::string& archive) {
  add_text_option(command, "--data", data,
                  "A stopped server's data folder, or a copy of one, instead of the running server")
      ->type_name("DIR");
  add_text_option(command, "--archive", archive,
                  "The folder of the ledger's archive; default: where the ledger says")
      ->type_name("DIR");
}

std::string json_body(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  boost::json::object object;
  for (const auto& [name, value] : fields) {
    if (!value.empty()) object[name] = value;
  }
  return boost::json::serialize(object);
}

base::Result<std::string, Problem> read_file(const std::string& path) {
  std::ostringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
    return std::move(text).str();
  }
  std::ifstream in(path, std::ios::binary);
  if (in && in.peek() != std::ifstream::traits_type::eof()) text << in.rdbuf();
  if (!in.is_open() || in.bad()) {
    return Problem{exit_usage, fmt::format("{} cannot be read; is the name right?", path)};
  }
  return std::move(text).str();
}

int run_command_line(std::vector<std::string> arguments, Terminal terminal,
                     Environment environment) {
  Context context(terminal, std::move(environment));
  CLI::App app(
      "Talks to a Farthing server: accounts, balances, subscribers, sessions, the ledger and "
      "tariffs.",
      "farthing");
  app.footer(footer);
  app.set_version_flag("--version", "farthing " FARTHING_VERSION, "Print the version and leave");
  app.add_option(
         "--api", context.api,
         "The server's socket; default: $FARTHING_API, else /run/farthing/api.sock, else your "
         "newest demo's")
      ->type_name("PATH");
  app.require_subcommand(1);
  add_server_commands(app, context);
  add_account_commands(app, context);
  add_subscriber_commands(app, context);
  add_payer_commands(app, context);
  add_ceiling_commands(app, context);
  add_agent_commands(app, context);
  add_chosen_commands(app, context);
  add_numbers_commands(app, context);
  add_ledger_commands(app, context);
  add_records_commands(app, context);
  add_reject_command(app, context);
  add_explain_command(app, context);
  add_trace_command(app, context);
  add_replay_command(app, context);
  add_backup_commands(app, context);
  add_tariff_commands(app, context);

  std::transform(arguments.begin(), arguments.end(), arguments.begin(), hide_minus);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& problem) {
    std::ostringstream out;
    std::ostringstream err;
    const std::string unknown = unknown_command(app);
    if (!unknown.empty()) {
      return context.fail(exit_usage, fmt::format("there is no command {}; see: farthing --help",
                                                  tariffs::in_quotes(show_minus(unknown))));
    }
    const int code = app.exit(problem, out, err);
    terminal.out << out.str();
    terminal.err << show_minus(err.str());
    return code == 0 ? exit_done : exit_usage;
  }
  return context.command();
}

}  // namespace farthing::tools
