// What the engine spends on one request, without sockets and without a disk: decide, encode the
// entry, apply it. 100,000 accounts with one open session each, so that memory is as cold as in a
// server.
#include "engine/operations.h"
#include "engine/shard.h"
#include "storage/null_store.h"
#include "tariffs/demo_tariff.h"
#include "tariffs/tariff_file.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <random>

namespace {

using namespace farthing;
using namespace farthing::engine;

constexpr std::uint64_t first_msisdn = 8619900000000;
constexpr int accounts = 100'000;
constexpr int requests_at_hand = 32;

struct World {
  storage::NullStore store;
  Time now = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);
  Shard shard{store, {}, [this] { return now; }};
  Request request;
  std::vector<std::string> sessions;

  World() {
    static_cast<void>(shard.recover([](Sequence) {}));
    const std::string source(tariffs::demo_tariff_text());
    shard.enter_tariff(*tariffs::compile_tariff("demo", source), source);
    for (int i = 0; i < accounts; ++i) {
      const std::string name = std::to_string(first_msisdn + static_cast<std::uint64_t>(i));
      ImportRow row;
      row.msisdn = *parse_msisdn(name);
      row.account = name;
      row.balance = Money(1'000'000'000'000);
      static_cast<void>(import_row(shard, row, {}));
      sessions.push_back(fmt::format("load-1.example;1760000000;{:010}", i));
      ask(i, RequestType::initial, 0, 0);
      sync();
    }
  }
  void ask(int i, RequestType type, std::uint32_t number, std::uint64_t used) {
    request.clear();
    request.session_id = sessions[static_cast<std::size_t>(i)];
    request.key = {type, number, 0, number * 77u + static_cast<std::uint64_t>(i), number};
    request.service_context = "32251@3gpp.org";
    request.identities.push_back(
        *parse_msisdn(std::to_string(first_msisdn + static_cast<std::uint64_t>(i))));
    for (std::uint8_t id = 1; id < 12; ++id) request.attributes.push_back({id, "some value"});
    ServiceRequest& service = request.add_service();
    service.rating_group = RatingGroup(10);
    if (used > 0) service.used.emplace().octets = used;
    service.requested.emplace().total_octets = 1u << 20;
    shard.handle(request);
  }
  void sync() {
    shard.end_turn();
    if (!shard.idle()) shard.durable(store.end().last);
  }
};

void update(benchmark::State& state) {
  static World world;
  static std::uint32_t number = 0;
  std::mt19937 random(1);
  std::uint64_t n = 0;
  std::vector<int> next;
  std::vector<std::string_view> ids;
  for (auto _ : state) {
    if (next.empty()) {  // as many as a read brings
      ids.clear();
      for (int i = 0; i < requests_at_hand; ++i) {
        next.push_back(static_cast<int>(random() % accounts));
        ids.push_back(world.sessions[static_cast<std::size_t>(next.back())]);
      }
      world.shard.expect(ids);
    }
    world.ask(next.back(), RequestType::update, ++number, random() % 1'000'000);
    next.pop_back();
    if (++n % 256 == 0) world.sync();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(update)->MinTime(3);

}  // namespace

BENCHMARK_MAIN();
