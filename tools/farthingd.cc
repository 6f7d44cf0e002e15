// farthingd: the server.
#include "diameter/server.h"
#include "engine/demo.h"
#include "storage/rocksdb_store.h"
#include "tools/daemon/service.h"

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <random>

namespace {

using namespace farthing;

constexpr int exit_refused = 1;

struct Options {
  std::string config;
  bool demo = false;
  std::string data;
  std::optional<std::uint16_t> port;
};

// One line on stderr, and the exit code.
int refuse(std::string_view message) {
  fmt::print(stderr, "farthingd: {}\n", message);
  return exit_refused;
}

std::string make_demo_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "farthing-demo-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) return {};
  return name;
}

int serve(const Options& options) {
  const bool temporary = options.data.empty();
  const std::string data = temporary ? make_demo_folder() : options.data;
  storage::StoreOptions store_options;
  store_options.folder = data;
  auto store = storage::open_rocksdb_store(store_options);
  if (!store.has_value()) return refuse(store.error().message);

  diameter::ServerConfig diameter_config;
  diameter_config.identity = {"ocs.farthing.example", "farthing.example",
                              static_cast<std::uint32_t>(std::time(nullptr))};
  diameter_config.port = options.port.value_or(3868);
  diameter::PeerRule rule;
  diameter_config.peers_allowed.push_back(rule);
  std::random_device random;
  diameter_config.random = [&random] { return random(); };

  boost::asio::io_context io(1);
  engine::ShardOptions shard_options;
  shard_options.book.session_key_seed = std::uint64_t{random()} << 32 | random();
  tools::Service service(io, std::move(*store), shard_options, std::move(diameter_config));
  const auto recovered = service.shard().recover([](engine::Sequence sequence) {
    fmt::print(stderr, "\rfarthingd: ledger entry {} replayed", sequence.value);
  });
  if (!recovered.has_value()) return refuse(recovered.error().message);
  if (options.demo && service.shard().book().account_count() == 0) {
    engine::enter_demo(service.shard());
  }
  if (auto started = service.start(); !started.has_value()) return refuse(started.error());
  fmt::print("ready diameter={} api={}/api.sock data={}\n", service.diameter().endpoint(), data, data);
  std::fflush(stdout);

  boost::asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) service.stop([&io] { io.stop(); });
  });
  io.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Farthing: the online charging server"};
  app.set_version_flag("--version", std::string("farthingd ") + FARTHING_VERSION);
  app.add_flag("--demo", options.demo, "Serve the demo tariff and subscribers; needs no file");
  app.add_option("--data", options.data, "Data folder");
  app.add_option("--port", options.port, "Diameter port; 0 picks a free one");
  CLI11_PARSE(app, argc, argv);
  return serve(options);
}
