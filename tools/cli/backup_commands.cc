// farthing backup create and verify; farthing ledger repair.
#include "engine/admin/time_text.h"
#include "storage/repair.h"
#include "tools/cli/commands.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <memory>

namespace farthing::tools {

namespace {

namespace json = boost::json;

struct Given {
  std::string folder;
  std::string data;
  std::string until;
  bool yes = false;
};

int create_backup(const Context& context, const Given& given) {
  // The server's working folder is not this command's.
  const std::string folder = std::filesystem::absolute(given.folder).string();
  return context.send("POST", "/v1/backups", json_body({{"folder", folder}}),
                      [&context](const json::value& answer) {
                        context.out() << fmt::format(
                            "{} holds the ledger up to entry {}; check it with: farthing backup "
                            "verify {}\n",
                            field(answer, "folder"), field(answer, "entries"),
                            field(answer, "folder"));
                      });
}

std::string time_of(base::Time time) { return engine::admin::time_text("UTC", time); }

json::object drop_json(const storage::Drop& drop) {
  return {{"kept_until", drop.end.last.value},
          {"dropped",
           {{"first", drop.first.value},
            {"last", drop.last.value},
            {"records", drop.records},
            {"bytes", drop.bytes},
            {"from", drop.first.value == 0 ? "" : time_of(drop.from)},
            {"to", drop.first.value == 0 ? "" : time_of(drop.to)}}},
          {"checkpoint_dropped_because", drop.checkpoint},
          {"damage", drop.damage},
          {"known_durable", drop.high_water.value}};
}

void show_drop(const Context& context, const storage::Drop& drop) {
  auto say = [&context](std::string_view line) { context.out() << line << '\n'; };
  if (!drop.damage.empty()) say(fmt::format("what is wrong: {}", drop.damage));
  say(fmt::format("the ledger would end with entry {}, of {}", drop.end.last.value,
                  drop.end.last.value == 0 ? "no time" : time_of(drop.end.now)));
  if (drop.first.value == 0) {
    say("no record that can be read would be dropped");
  } else {
    say(fmt::format("dropped: entries {} to {} in {} records, {} bytes, from {} to {}",
                    drop.first.value, drop.last.value, drop.records, drop.bytes, time_of(drop.from),
                    time_of(drop.to)));
  }
  if (drop.high_water > drop.end.last) {
    say(fmt::format("entry {} is known to have been durable: answers up to it were given",
                    drop.high_water.value));
  }
  if (!drop.checkpoint.empty()) say(fmt::format("the checkpoint goes, too: {}", drop.checkpoint));
}

int repair(const Context& context, const Given& given) {
  std::uint64_t until = 0;
  const auto [end, error] =
      std::from_chars(given.until.data(), given.until.data() + given.until.size(), until);
  if (error != std::errc() || end != given.until.data() + given.until.size()) {
    return context.fail(exit_usage, "--until takes the number of the last entry to be kept");
  }
  const auto plan = storage::plan_drop(given.data, storage::Sequence(until));
  if (!plan.has_value()) return context.fail(exit_refused, plan.error().message);
  if (context.json) {
    context.out() << json::serialize(drop_json(*plan)) << '\n';
  } else {
    show_drop(context, *plan);
  }
  if (!given.yes) {
    return context.fail(exit_refused, "nothing was changed; say --yes to do it");
  }
  std::filesystem::path saved;
  const auto done = storage::drop_after(given.data, storage::Sequence(until), &saved);
  if (!done.has_value()) return context.fail(exit_refused, done.error().message);
  if (!context.json) {
    context.out() << "done";
    if (!saved.empty()) context.out() << "; what was there before is in " << saved.string();
    context.out() << '\n';
  }
  return exit_done;
}

}  // namespace

void add_backup_commands(CLI::App& app, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const group = add_group(app, "backup", "Backups: whole copies of a running server");
  CLI::App* const create = add_command(
      *group, context, "create",
      "Copies the data folder of the running server, as it is at one moment, into an empty or\n"
      "new folder. Nothing up to that moment is missing from it. To go back to it:\n"
      "farthingd --restore DIR --data NEW",
      "farthing backup create /backup/farthing-2026-06-01",
      [&context, given] { return create_backup(context, *given); });
  add_argument(create, "DIR", given->folder, "The folder, which the server's user can write");
  CLI::App* const verify = add_command(
      *group, context, "verify",
      "Reads a backup's whole ledger, checks every record and compares what it adds up to;\n"
      "takes about as much memory as the server's accounts",
      "farthing backup verify /backup/farthing-2026-06-01",
      [&context, given] { return verify_data_folder(context, given->folder); });
  add_argument(verify, "DIR", given->folder, "The backup");
}

void add_repair_command(CLI::App& ledger, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const command = add_command(
      ledger, context, "repair",
      "Makes a stopped server's ledger end with an entry, where records behind it are damaged or\n"
      "missing and there is no backup that has them. Says what would be dropped; does it only\n"
      "with --yes, and keeps the old database beside the new one",
      "farthing ledger repair --data /var/lib/farthing --until 81237\n"
      "  farthing ledger repair --data /var/lib/farthing --until 81237 --yes",
      [&context, given] { return repair(context, *given); });
  add_text_option(command, "--data", given->data, "The stopped server's data folder")
      ->required()
      ->type_name("DIR");
  add_text_option(command, "--until", given->until, "The last entry to be kept: a record's last")
      ->required()
      ->type_name("SEQ");
  command->add_flag("--yes", given->yes, "Do it");
}

}  // namespace farthing::tools
