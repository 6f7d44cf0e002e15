// What look-ups in the tables beside a tariff cost, and reading them.
#include "tariffs/calendar.h"
#include "tariffs/zone_table.h"

#include <benchmark/benchmark.h>

#include <random>
#include <set>
#include <string>
#include <vector>

namespace farthing::tariffs {
namespace {

constexpr std::size_t rows = 100'000;

std::string some_digits(std::mt19937_64& random, std::size_t count) {
  std::string digits(count, '0');
  for (char& c : digits) c = static_cast<char>('1' + random() % 9);
  return digits;
}

// Prefixes of any country; `common` stands before all of them, as where all are of one.
std::string zone_text(std::string_view common) {
  std::mt19937_64 random(7);
  std::set<std::string> prefixes;
  while (prefixes.size() < rows)
    prefixes.insert(std::string(common) + some_digits(random, 3 + random() % 6));
  std::string text = "prefix,zone\n";
  for (const std::string& prefix : prefixes) {
    text += prefix + ",zone-" + std::to_string(random() % 200) + "\n";
  }
  return text;
}

void find_zone(benchmark::State& state, std::string_view common) {
  FileErrors errors("zones.csv");
  const ZoneTable table = ZoneTable::read(zone_text(common), errors);
  std::mt19937_64 random(8);
  constexpr std::size_t digits = 12;
  constexpr std::size_t count = 1 << 16;
  std::string numbers;
  while (numbers.size() < count * digits) {
    numbers += std::string(common) + some_digits(random, digits - common.size());
  }
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        table.find(std::string_view(numbers).substr(i++ % count * digits, digits)));
  }
  state.counters["bytes"] = static_cast<double>(table.bytes());
}
BENCHMARK_CAPTURE(find_zone, of_all_countries, "");
BENCHMARK_CAPTURE(find_zone, of_one_country, "861");

void read_zones(benchmark::State& state) {
  const std::string text = zone_text("");
  for (auto _ : state) {
    FileErrors errors("zones.csv");
    benchmark::DoNotOptimize(ZoneTable::read(text, errors));
  }
}
BENCHMARK(read_zones)->Unit(benchmark::kMillisecond);

Calendar weekdays() {
  CalendarParts parts;
  parts.time_zone = "Europe/Berlin";
  parts.classes = {"off-peak", "peak"};
  parts.default_class = TimeClass(0);
  parts.ranges = {{TimeClass(1), 0x1f, 8 * 60, 20 * 60}};
  return Calendar(std::move(parts));
}

// Every so many seconds in the years from 2026 on.
base::Time moment(std::uint64_t i) {
  return base::Time(std::chrono::seconds(1'767'225'600 + i * 7919 % 100'000'000));
}

void find_class(benchmark::State& state) {
  const Calendar calendar = weekdays();
  std::uint64_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(calendar.class_at(moment(i++)));
}
BENCHMARK(find_class);

void find_next_change(benchmark::State& state) {
  const Calendar calendar = weekdays();
  std::uint64_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(calendar.next_change(moment(i++)));
}
BENCHMARK(find_next_change);

void make_calendar(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(weekdays());
}
BENCHMARK(make_calendar)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace farthing::tariffs

BENCHMARK_MAIN();
