// farthing-sim: runs the engine over a simulated disk, or the real store over a disk that loses
// what was not synced, from a seed, and lets a model judge it.
#include "tools/sim/sim_store.h"
#include "tools/sim/simulation.h"
#include "tools/sim/stepped_rocksdb.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace {

using namespace farthing;

constexpr int exit_ok = 0;
constexpr int exit_violation = 1;
constexpr int exit_usage = 2;
constexpr int exit_no_folder = 74;  // EX_IOERR

constexpr const char* examples = R"(
Examples:
  farthing-sim --seed 42 --steps 2000
  farthing-sim --seed 42 --steps 2000 --verbose | tail -100
  farthing-sim --seeds 1-10000 --steps 2000
  farthing-sim --store rocksdb --seeds 1-100

A seed replays exactly over the simulated disk. Over rocksdb the same operations and crashes follow
from it, but what a crash leaves may differ: where in the store's files it falls is moved by flushes
and merging, and with an even seed by writes that go on beside each other. Run a seed that violated
some more times.

Exit codes: 0 no violation, 1 a violation (seed, step and the command that replays it are printed),
2 usage, 74 there is no place for a temporary folder)";

struct Arguments {
  std::uint64_t seed_first = 1;
  std::uint64_t seed_last = 1;
  std::uint64_t steps = 2000;
  bool verbose = false;
  std::string store = "simulated";
  std::string broken;
};

// What a failed assertion of the engine leaves to be told.
struct Running {
  const sim::Simulation* simulation = nullptr;
  std::uint64_t seed = 0;
  const Arguments* arguments = nullptr;
};
Running running;

void print_failure(std::uint64_t step, std::string_view what) {
  fmt::print("seed {} violates at step {}: {}\nthe last steps:\n", running.seed, step, what);
  for (std::string_view line : running.simulation->last_steps()) fmt::print("{}\n", line);
  const Arguments& arguments = *running.arguments;
  fmt::print("again: build/farthing-sim --seed {} --steps {}{}{}\n", running.seed, arguments.steps,
             arguments.store == "simulated" ? "" : " --store " + arguments.store,
             arguments.broken.empty() ? "" : " --break " + arguments.broken);
  std::fflush(stdout);
}

// An assertion failed, and its line is on stderr; or worse. Nothing is run on from here.
extern "C" void on_fatal_signal(int number) {
  if (running.simulation != nullptr) {
    print_failure(running.simulation->step(),
                  number == SIGABRT ? "an assertion failed" : "memory that is not there");
  }
  std::_Exit(exit_violation);
}

std::unique_ptr<sim::SteppedStore> make_store(const Arguments& arguments, std::uint64_t seed) {
  sim::Break broken = sim::Break::none;
  if (arguments.broken == "ack-before-sync") broken = sim::Break::ack_before_sync;
  if (arguments.broken == "lose-synced") broken = sim::Break::lose_synced;
  if (arguments.store == "rocksdb") return sim::make_stepped_rocksdb(seed, broken);
  return std::make_unique<sim::SimStore>(broken);
}

bool run_seed(const Arguments& arguments, std::uint64_t seed) {
  std::function<void(std::string_view)> tell;
  if (arguments.verbose) tell = [](std::string_view text) { fmt::print("{}\n", text); };
  sim::Simulation simulation(seed, make_store(arguments, seed), tell);
  running = {&simulation, seed, &arguments};
  const auto violation = simulation.run(arguments.steps);
  if (violation) print_failure(violation->step, violation->what);
  running = {};
  return !violation.has_value();
}

// "A-B" into the two numbers; false where it is not.
bool parse_seeds(const std::string& text, Arguments& arguments) {
  const std::size_t dash = text.find('-');
  if (dash == std::string::npos) return false;
  return CLI::detail::lexical_cast(text.substr(0, dash), arguments.seed_first) &&
         CLI::detail::lexical_cast(text.substr(dash + 1), arguments.seed_last) &&
         arguments.seed_first <= arguments.seed_last;
}

int run(const Arguments& arguments) {
  const auto began = std::chrono::steady_clock::now();
  for (std::uint64_t seed = arguments.seed_first; seed <= arguments.seed_last; ++seed) {
    if (!run_seed(arguments, seed)) return exit_violation;
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const std::uint64_t seeds = arguments.seed_last - arguments.seed_first + 1;
  fmt::print("{} seeds of {} steps, no violation; {:.0f} steps a second\n", seeds, arguments.steps,
             static_cast<double>(seeds * arguments.steps) / seconds);
  return exit_ok;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("The charging engine over a simulated disk, from a seed, judged by a model");
  auto* const seed = app.add_option_function<std::uint64_t>(
      "--seed",
      [&](const std::uint64_t& value) { arguments.seed_first = arguments.seed_last = value; },
      "One seed [1]");
  app.add_option_function<std::string>(
         "--seeds",
         [&](const std::string& text) {
           if (!parse_seeds(text, arguments)) throw CLI::ValidationError("--seeds", "expected A-B");
         },
         "Seeds A to B, up to the first that violates")
      ->type_name("A-B")
      ->excludes(seed);
  app.add_option("--steps", arguments.steps, "Steps of each seed")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  app.add_flag("--verbose", arguments.verbose, "Tell each step");
  app.add_option("--store", arguments.store,
                 "What the engine runs on: a simulated disk, or the real store over RocksDB")
      ->check(CLI::IsMember({"simulated", "rocksdb"}))
      ->capture_default_str();
  app.add_option("--break", arguments.broken,
                 "Break the disk on purpose: ack-before-sync or lose-synced")
      ->check(CLI::IsMember({"ack-before-sync", "lose-synced"}));
  app.set_version_flag("--version", FARTHING_VERSION);
  app.footer(examples);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_ok : exit_usage;
  }
  for (int number : {SIGABRT, SIGSEGV}) std::signal(number, on_fatal_signal);
  try {
    return run(arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "farthing-sim: {}\n", error.what());
    return exit_no_folder;
  }
}
