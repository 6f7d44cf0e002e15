// The commands of the command line, by what they are about. Each adds its own to the program's.
#pragma once

#include "tariffs/tariff_source.h"
#include "tools/cli/context.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace farthing::tools {

void add_server_commands(CLI::App& app, Context& context);
void add_account_commands(CLI::App& app, Context& context);
void add_subscriber_commands(CLI::App& app, Context& context);
void add_payer_commands(CLI::App& app, Context& context);
void add_ceiling_commands(CLI::App& app, Context& context);
void add_agent_commands(CLI::App& app, Context& context);
void add_chosen_commands(CLI::App& app, Context& context);
void add_numbers_commands(CLI::App& app, Context& context);
void add_ledger_commands(CLI::App& app, Context& context);
void add_tariff_commands(CLI::App& app, Context& context);
void add_tariff_check(CLI::App& tariff, Context& context);     // to its group
void add_tariff_diff(CLI::App& tariff, Context& context);      // likewise
void add_tariff_rerate(CLI::App& tariff, Context& context);    // likewise
void add_tariff_simulate(CLI::App& tariff, Context& context);  // likewise
void add_records_commands(CLI::App& app, Context& context);
void add_reject_command(CLI::App& app, Context& context);
void add_explain_command(CLI::App& app, Context& context);
void add_trace_command(CLI::App& app, Context& context);
void add_replay_command(CLI::App& app, Context& context);
void add_backup_commands(CLI::App& app, Context& context);
void add_follow_command(CLI::App& ledger, Context& context);  // to its group
void add_repair_command(CLI::App& ledger, Context& context);  // likewise
// Checks a stopped server's data folder, or a copy of one, and shows the verdict.
// With `archive`, a folder of archived records, from the first entry of all.
int verify_data_folder(const Context& context, const std::string& folder,
                       const std::string& archive = {});

// A group of commands: "balance".
CLI::App* add_group(CLI::App& app, const std::string& name, const std::string& description);

// One command, with --api, --json and an example; `run` gives the exit code.
CLI::App* add_command(CLI::App& parent, Context& context, const std::string& name,
                      const std::string& description, const std::string& example,
                      std::function<int()> run);

// Arguments and options that hold texts; an argument is required. Negative numbers are taken too.
CLI::Option* add_argument(CLI::App* command, const std::string& name, std::string& value,
                          const std::string& description);
CLI::Option* add_text_option(CLI::App* command, const std::string& name, std::string& value,
                             const std::string& description);

// --data and --archive, of those who read a ledger without its server, or further back than it.
void add_folder_options(CLI::App* command, std::string& data, std::string& archive);

// CLI11 takes "-5.00" for an option: before it parses, the minus of a number becomes this.
inline constexpr char hidden_minus = '\x01';
std::string hide_minus(std::string argument);
std::string show_minus(std::string text);

// {"a":"b",...} of the pairs whose second is not empty.
std::string json_body(std::initializer_list<std::pair<std::string_view, std::string_view>> fields);

// A tariff file with the tables beside it, or one without tables from standard input for "-".
base::Result<tariffs::TariffSource, Problem> read_tariff(const std::string& path);

// A whole file, or standard input for "-".
base::Result<std::string, Problem> read_file(const std::string& path);

}  // namespace farthing::tools
