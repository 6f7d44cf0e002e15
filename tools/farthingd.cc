// farthingd: the server. Reads its configuration, recovers the ledger, serves until it is told to
// stop.
#include "engine/admin/log.h"
#include "engine/config/config.h"
#include "engine/demo.h"
#include "engine/tariff_tests.h"
#include "storage/restore.h"
#include "storage/rocksdb_store.h"
#include "tariffs/source_files.h"
#include "tools/daemon/service.h"

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <unistd.h>

namespace {

using namespace farthing;

constexpr int exit_done = 0;
constexpr int exit_refused = 1;
constexpr int exit_usage = 2;

constexpr const char* footer = R"(
Examples:
  farthingd --demo                      a demo tariff and subscribers, data in a temporary folder
  farthingd --demo --data DIR --port 0  the demo in a folder that is kept, on a free port
  farthingd --config farthing.yaml --restore /backup/june --data NEW
                                        makes the new folder from a backup, then serves it
  farthingd --config farthing.yaml      a real server (docs/farthing.sample.yaml has every key)

When it serves, it prints one line: ready diameter=HOST:PORT api=PATH data=DIR
SIGTERM and SIGINT say goodbye to the peers, write out what is under way, and end it.
Exit codes: 0 stopped as asked, 1 could not start (the message says why), 2 usage or configuration,
74 a write to the disk failed (nothing that was answered is lost; make room and start again).)";

struct Options {
  std::string config_file;
  bool demo = false;
  std::string data;
  std::string restore;
  std::optional<std::uint16_t> port;
};

// One line on stderr, and the exit code.
int refuse(int code, std::string_view message) {
  fmt::print(stderr, "farthingd: {}\n", message);
  return code;
}

int refuse(int code, const std::vector<tariffs::FileError>& errors) {
  for (const tariffs::FileError& error : errors) {
    fmt::print(stderr, "farthingd: {}\n", tariffs::to_string(error));
  }
  return code;
}

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) return std::nullopt;
  return text.str();
}

// The temporary folder of a demo; gone again when the demo ends.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    path_ = (std::filesystem::temp_directory_path() / "farthing-demo-XXXXXX").string();
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The ledger replayed, and a new one given its tariff. 0, or the exit code.
int prepare(engine::Shard& shard, const engine::Config& config, bool demo) {
  const bool show_progress = isatty(STDERR_FILENO) != 0;
  const auto recovered = shard.recover([show_progress](engine::Sequence sequence) {
    if (show_progress)
      fmt::print(stderr, "\rfarthingd: replaying the ledger: entry {}", sequence.value);
  });
  if (show_progress) fmt::print(stderr, "\r\033[K");
  if (!recovered.has_value()) return refuse(exit_refused, recovered.error().message);
  if (demo) {
    if (shard.book().tariffs().empty()) engine::enter_demo(shard);
    return exit_done;
  }
  if (config.tariff.empty() || !shard.book().tariffs().empty()) return exit_done;
  std::optional<std::string> text = read_file(config.tariff);
  if (!text) {
    return refuse(exit_refused,
                  fmt::format("{}: cannot be read: {}", config.tariff, strerror(errno)));
  }
  auto source = tariffs::with_tables(config.tariff, std::move(*text));
  if (!source.has_value()) return refuse(exit_refused, source.error().message);
  const tariffs::CheckedTariff checked = engine::check_tariff(config.tariff, *source);
  if (checked.tariff == nullptr) return refuse(exit_refused, checked.errors);
  shard.enter_tariff(checked.tariff, tariffs::canonical_bytes(std::move(*source)));
  return exit_done;
}

int serve(const engine::Config& config, bool demo) {
  if (auto logging = engine::admin::start_log(
          {config.log_file, static_cast<engine::admin::LogLevel>(config.log_level)});
      !logging.has_value()) {
    return refuse(exit_refused, logging.error());
  }
  storage::StoreOptions store_options;
  store_options.folder = config.data;
  auto store = storage::open_rocksdb_store(store_options);
  if (!store.has_value()) return refuse(exit_refused, store.error().message);

  boost::asio::io_context io(1);
  tools::Service service(io, std::move(*store), config);
  if (const int code = prepare(service.shard(), config, demo); code != exit_done) return code;
  // Before the line that says that it is ready: whoever reads that may send a signal at once.
  boost::asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) service.stop([&io] { io.stop(); });
  });
  if (auto started = service.start(); !started.has_value()) {
    return refuse(exit_refused, started.error());
  }
  fmt::print("ready diameter={} api={} data={}\n", service.diameter_endpoint(),
             engine::api_socket_path(config), config.data);
  std::fflush(stdout);

  io.run();
  engine::admin::log(engine::admin::LogLevel::info, "stopped");
  return exit_done;
}

int run_demo(const Options& options) {
  engine::Config config;
  std::optional<TemporaryFolder> temporary;
  if (options.data.empty()) {
    temporary.emplace();
    if (temporary->path().empty()) return refuse(exit_refused, "cannot make a temporary folder");
  }
  config.data = temporary ? temporary->path() : options.data;
  config.listen = {{"127.0.0.1", options.port.value_or(3868)}};
  config.log_level = engine::LogLevel::warning;
  return serve(config, true);
}

int run_configured(const Options& options) {
  const std::optional<std::string> text = read_file(options.config_file);
  if (!text) {
    return refuse(exit_usage,
                  fmt::format("{}: cannot be read: {}", options.config_file, strerror(errno)));
  }
  auto config = engine::parse_config(options.config_file, *text);
  if (!config.has_value()) return refuse(exit_usage, config.error());
  if (!options.data.empty()) config->data = options.data;
  if (options.port) config->listen.front().port = *options.port;
  return serve(*config, false);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Farthing: the online charging server (Diameter Gy/Ro)"};
  app.footer(footer);
  app.set_version_flag("--version", std::string("farthingd ") + FARTHING_VERSION);
  auto* config = app.add_option("--config", options.config_file, "Configuration file (YAML)")
                     ->type_name("FILE");
  auto* demo = app.add_flag("--demo", options.demo, "Serve the demo tariff and subscribers");
  config->excludes(demo);
  app.add_option("--data", options.data,
                 "Data folder (default: the configured one; of a demo, temporary)")
      ->type_name("DIR");
  app.add_option("--restore", options.restore,
                 "Makes the data folder, which must be new or empty, from this backup first")
      ->type_name("BACKUP");
  app.add_option("--port", options.port, "Diameter port (default 3868); 0 picks a free one")
      ->type_name("N");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_done : exit_usage;
  }
  if (!options.demo && options.config_file.empty()) {
    return refuse(exit_usage, "say --config FILE, or --demo to try it; --help has examples");
  }
  if (!options.restore.empty()) {
    if (options.data.empty()) return refuse(exit_usage, "--restore needs --data, a new folder");
    const auto restored = storage::restore(options.restore, options.data);
    if (!restored.has_value()) return refuse(exit_refused, restored.error().message);
    fmt::print(stderr, "farthingd: restored the ledger up to entry {}\n", restored->last.value);
  }
  std::signal(SIGPIPE, SIG_IGN);
  const int code = options.demo ? run_demo(options) : run_configured(options);
  engine::admin::stop_log();
  return code;
}
