#include "bench/large_tariff.h"

#include <fmt/format.h>

#include <iterator>
#include <random>
#include <set>

namespace farthing::bench {
namespace {

constexpr std::uint32_t zones = 200;

constexpr std::string_view head = R"(tariff: large
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2020-01-01T00:00:00
tables: {zones: zones.csv}
numbers: {country_code: 86, international: 00, national: 0}
calendars:
  office:
    default: off-peak
    classes:
      peak: [{days: mon-fri, from: 08:00, to: 20:00}]
counters:
  data-day: {unit: octets, period: day, covers: [{service: data}]}
  data-month: {unit: octets, period: month, covers: [{service: data}], thresholds: [1 GiB, 10 GiB]}
  data-paid: {unit: octets, period: month, covers: [{service: data}], paid: true}
  voice-day: {unit: seconds, period: day, covers: [{service: voice}]}
  voice-month: {unit: seconds, period: month, covers: [{service: voice}]}
  messages-month: {unit: events, period: month, covers: [{service: messages}]}
  spent-day: {unit: money, period: day}
  spent-month: {unit: money, period: month}
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB, standard: 10 MiB, minimum: 1 KiB, validity: 1 h}
    rating_groups: {10: internet, 20: video}
    prices:
      - {rating_group: internet, over: data-month, amount: 0.30, per: 1 MiB, step: 1 KiB,
         cap: {amount: 0.50, every: 2 MiB}}
      - {rating_group: video, counted: {data-paid: {from: 2 MiB}}, over: data-paid, amount: 0.10,
         per: 1 MiB, step: 1 KiB, cap: {amount: 0.09, every: 1 MiB}}
      - {rating_group: video, amount: 0.20, per: 1 MiB, step: 1 KiB}
      - {default: true, amount: 0.08, per: 1 MiB, step: 1 KiB}
  messages:
    context: 32274@3gpp.org
    unit: events
    grant: {maximum: 10}
    prices:
      - {default: true, zone: [zone-1, zone-2, zone-3], amount: 0.10, per: 1}
      - {default: true, amount: 0.50, per: 1}
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 1 h, standard: 300 s, minimum: 1 s, validity: 1 h}
    prices:
)";

std::string digits(std::mt19937_64& random, std::size_t count) {
  std::string text(count, '0');
  for (char& c : text) c = static_cast<char>('1' + random() % 9);
  return text;
}

std::string zone_table() {
  std::mt19937_64 random(7);
  std::set<std::string> prefixes;
  for (char c = '1'; c <= '9'; ++c) prefixes.insert(std::string(1, c));  // every number has a zone
  while (prefixes.size() < large_prefixes) prefixes.insert(digits(random, 3 + random() % 6));
  std::string text = "prefix,zone\n";
  for (const std::string& prefix : prefixes) {
    text += fmt::format("{},zone-{}\n", prefix, random() % zones);
  }
  return text;
}

}  // namespace

std::string large_offer_name(std::uint32_t number) { return fmt::format("offer-{}", number); }

tariffs::TariffSource large_tariff() {
  std::string text(head);
  auto out = std::back_inserter(text);
  constexpr std::uint32_t bands = 20;  // of zones, each with a price by day and one by night
  for (std::uint32_t band = 0; band < bands; ++band) {
    std::string names;
    for (std::uint32_t zone = band; zone < zones; zone += bands) {
      names += fmt::format("{}zone-{}", names.empty() ? "" : ", ", zone);
    }
    for (const bool peak : {true, false}) {
      fmt::format_to(out, "      - {{default: true, zone: [{}]{}, amount: 0.{:02}, per: 1 min}}\n",
                     names, peak ? ", time: peak" : "", 10 + band + (peak ? 30 : 0));
    }
  }
  text += "      - {default: true, price: none}\noffers:\n";
  for (std::uint32_t i = 0; i < large_offers; ++i) {
    const bool is_data = i % 2 == 1;
    fmt::format_to(out,
                   "  - {{name: {}, fee: 1.00, validity: {} d, allowance: {}, "
                   "covers: [{{service: {}}}]}}\n",
                   large_offer_name(i), 1 + i % 60, is_data ? "4 MiB" : "20 min",
                   is_data ? "data" : "voice");
  }
  return {std::move(text), {{"zones.csv", zone_table()}}};
}

}  // namespace farthing::bench
