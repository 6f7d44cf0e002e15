// What the exporter of charging data records spends on a ledger entry: read it, decode it, add it
// to its session's sums and, where it ends one, write the record. 50,000 sessions side by side, so
// that memory is as cold as in a server, each of ten entries.
#include "engine/operations.h"
#include "engine/records/exporter.h"
#include "engine/shard.h"
#include "storage/memory_store.h"
#include "tariffs/demo_tariff.h"
#include "tariffs/tariff_file.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

namespace {

using namespace farthing;
using namespace farthing::engine;

constexpr std::uint64_t first_msisdn = 8619900000000;
constexpr std::uint64_t sessions = 50'000;
constexpr std::uint32_t entries_a_session = 10;
constexpr std::uint64_t entries_a_record = 128;  // as of a server with 256 requests in flight

struct World {
  storage::MemoryStore store;
  Time now = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);
  Shard shard{store, {}, [this] { return now; }};
  Request request;
  Sequence begin;
  std::uint64_t waiting = 0;

  World() {
    static_cast<void>(shard.recover([](Sequence) {}));
    store.set_durable([this](Sequence last) { shard.durable(last); });
    const std::string source(tariffs::demo_tariff_text());
    shard.enter_tariff(*tariffs::compile_tariff("demo", source), source);
    for (std::uint64_t i = 0; i < sessions; ++i) {
      const std::string name = std::to_string(first_msisdn + i);
      ImportRow row;
      row.msisdn = *parse_msisdn(name);
      row.account = name;
      row.balance = Money(1'000'000'000'000);
      static_cast<void>(import_row(shard, row, {}));
    }
    sync();
    begin = Sequence(store.end().last.value + 1);
    for (std::uint32_t number = 0; number < entries_a_session; ++number) {
      for (std::uint64_t i = 0; i < sessions; ++i) ask(i, number);
      now += std::chrono::minutes(10);
    }
    sync();
  }
  void ask(std::uint64_t i, std::uint32_t number) {
    const auto type = number == 0                       ? RequestType::initial
                      : number + 1 == entries_a_session ? RequestType::termination
                                                        : RequestType::update;
    const std::string id = fmt::format("load-1.example;1760000000;{:010}", i);
    request.clear();
    request.session_id = id;
    request.key = {type, number, 0, number * 77u + i, number};
    request.service_context = "32251@3gpp.org";
    request.identities.push_back(*parse_msisdn(std::to_string(first_msisdn + i)));
    for (std::uint8_t attribute = 1; attribute < 12; ++attribute) {
      request.attributes.push_back({attribute, "some value"});
    }
    request.attributes_hash = 1;
    ServiceRequest& service = request.add_service();
    service.rating_group = RatingGroup(10);
    if (number > 0) service.used.emplace().octets = 1'000'000 + i;
    if (type != RequestType::termination) service.requested.emplace().total_octets = 1u << 20;
    shard.handle(request);
    if (++waiting % entries_a_record == 0) sync();
  }
  void sync() {
    shard.end_turn();
    while (store.sync()) {
    }
  }
};

World& world() {
  static World instance;
  return instance;
}

void fold(benchmark::State& state) {
  World& w = world();
  std::uint64_t entries = 0;
  for (auto _ : state) {
    records::Assembler assembler;
    Entry entry;
    records::ChargingRecord closed;
    std::string buffer;
    for (Sequence next = w.begin; next <= w.store.end().last;) {
      const auto record = w.store.read(next, buffer);
      std::string_view body = record->body;
      Sequence own = record->header.first;
      for (std::uint32_t i = 0; i < record->header.count; ++i, ++own.value, ++entries) {
        if (!decode_entry(body, own, entry)) std::abort();
        benchmark::DoNotOptimize(assembler.add(entry, own, record->header.now, closed));
      }
      next = own;
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(entries));
}
BENCHMARK(fold)->Unit(benchmark::kMillisecond);

// All of it, files and positions included; names come from the book.
void write_files(benchmark::State& state, records::Format format) {
  World& w = world();
  std::string folder = std::filesystem::temp_directory_path() / "farthing-records-bench-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) std::abort();
  std::uint64_t entries = 0;
  int run = 0;
  for (auto _ : state) {
    records::ExportOptions options;
    options.folder = folder + "/" + std::to_string(run++);
    options.format = format;
    const auto reader = records::RecordReader::open(
        w.store,
        [&w](std::span<records::Who> who) {
          records::find_names(w.shard.book(), who);
          return true;
        },
        options, [] { return true; });
    if (!reader.has_value()) std::abort();
    while (*(*reader)->step(w.now)) {
    }
    entries += w.store.end().last.value;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(entries));
  std::filesystem::remove_all(folder);
}
BENCHMARK_CAPTURE(write_files, csv, records::Format::csv)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(write_files, json, records::Format::json)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
