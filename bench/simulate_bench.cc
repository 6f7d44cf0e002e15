// How fast usage is charged again (engine/simulate.h): a ledger in memory with 10,000 sessions of
// as many accounts, each reporting once a turn, folded up to its middle and simulated from there.
#include "engine/operations.h"
#include "engine/simulate.h"
#include "storage/memory_store.h"
#include "tariffs/demo_tariff.h"
#include "tariffs/tariff_file.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

namespace {

using namespace farthing;
using namespace farthing::engine;

constexpr std::uint64_t first_msisdn = 8619900000000;
constexpr std::uint32_t accounts = 10'000;
constexpr std::uint32_t turns = 30;
constexpr std::uint32_t requests_a_record = 64;

class World {
 public:
  World() {
    store_.set_durable([this](Sequence last) { shard_.durable(last); });
    static_cast<void>(shard_.recover([](Sequence) {}));
    tariff_ = *tariffs::compile_tariff("demo", tariffs::demo_tariff_text());
    shard_.enter_tariff(tariff_, std::string(tariffs::demo_tariff_text()));
    for (std::uint32_t i = 0; i < accounts; ++i) {
      ImportRow row;
      row.msisdn = *parse_msisdn(std::to_string(first_msisdn + i));
      row.account = std::to_string(first_msisdn + i);
      row.balance = Money(1'000'000'000'000);
      static_cast<void>(import_row(shard_, row, {}));
      ask(i, RequestType::initial, 0);
    }
    sync();
    now_ += std::chrono::seconds(1);
    from_ = now_;
    for (std::uint32_t turn = 1; turn <= turns; ++turn) {
      for (std::uint32_t i = 0; i < accounts; ++i) {
        ask(i, RequestType::update, turn);
        if (i % requests_a_record == 0) sync();
      }
    }
    sync();
  }

  std::uint64_t simulate() {
    TariffSimulation simulation(store_, {}, {from_, now_ + std::chrono::hours(1)}, tariff_);
    const auto ran = simulation.run([](std::string_view, Sequence, Sequence) { return true; });
    return ran.has_value() ? simulation.counts().reports : 0;
  }

 private:
  void ask(std::uint32_t i, RequestType type, std::uint32_t number) {
    request_.clear();
    const std::string id = fmt::format("load-1.example;1760000000;{:010}", i);
    request_.session_id = id;
    request_.key = {type, number, 0, number * 77u + i, number};
    request_.service_context = "32251@3gpp.org";
    request_.identities.push_back(*parse_msisdn(std::to_string(first_msisdn + i)));
    for (std::uint8_t attribute = 1; attribute < 12; ++attribute) {
      request_.attributes.push_back({attribute, "some value"});
    }
    ServiceRequest& service = request_.add_service();
    service.rating_group = RatingGroup(10);
    if (type == RequestType::update) service.used.emplace().octets = 1000 * number;
    service.requested.emplace().total_octets = 1u << 20;
    shard_.handle(request_);
  }
  void sync() {
    shard_.end_turn();
    while (store_.sync()) {
    }
  }

  storage::MemoryStore store_;
  Time now_ = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);
  Time from_;
  Shard shard_{store_, {}, [this] { return now_; }};
  std::shared_ptr<const tariffs::Tariff> tariff_;
  Request request_;
};

void simulate(benchmark::State& state) {
  static World world;
  std::uint64_t reports = 0;
  for (auto _ : state) reports += world.simulate();
  state.SetItemsProcessed(static_cast<std::int64_t>(reports));
}
BENCHMARK(simulate)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
