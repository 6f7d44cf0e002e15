// What a call costs under discounts and surcharges, against a model that knows nothing of rules: it
// looks at every second, finds what holds, and reckons in fractions. However the call is cut into
// reports, the sum is the same.
#include "tests/support/clocked_client.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace farthing::engine {
namespace {

using std::chrono::seconds;

// 10,000 cases of each property (RC_PARAMS, where it is set, decides).
[[maybe_unused]] const int many_cases = setenv("RC_PARAMS", "max_success=10000", 0);

constexpr std::string_view tariff_text = R"(
tariff: discounted
currency: CNY
time_zone: UTC
valid_from: 2026-01-01T00:00:00
tax: 6
calendars:
  hours: {{default: day, classes: {{night: [{{days: all, from: 22:00, to: 06:00}}]}}}}
counters:
  talked: {{unit: seconds, period: day, covers: [{{service: voice}}]}}
combine: {}
discounts:
  owl: {{percent: 20, time: night}}
  long: {{percent: 25, counted: {{talked: {{from: 10 min}}}}}}
  home: {{amount: 0.01, per: 1 min, serving_network: 262}}
surcharges:
  roaming: {{amount: 0.30, per: 1 min, serving_network: 208}}
  connect: {{amount: 0.10, per: session, serving_network: 208}}
services:
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {{maximum: 30 min, minimum: 1 s, validity: 3 h}}
    prices: [{{default: true, amount: 0.07, per: 1 min, setup: 0.02}}]
)";

constexpr std::array<std::string_view, 3> networks = {"46000", "26201", "20801"};

// The micros of a minute, times 100, under what holds at a second; which is also what tells one
// price from another.
std::int64_t price_of_minute(bool is_best, bool is_night, bool is_long, std::size_t network) {
  std::int64_t price = 7'000'000;
  const bool is_home = network == 1;
  if (is_best) {  // 0.0175, 0.014 or 0.01 off
    price -= is_long ? 1'750'000 : is_night ? 1'400'000 : is_home ? 1'000'000 : 0;
  } else {
    if (is_night) price = price * 80 / 100;
    if (is_long) price = price * 75 / 100;
    if (is_home) price -= 1'000'000;
  }
  return network == 2 ? price + 30'000'000 : price;
}

struct Piece {
  int seconds;
  std::size_t network;  // from its end on
  bool crash;
};

void showValue(const Piece& piece, std::ostream& out) {
  out << piece.seconds << " s, then network " << piece.network << (piece.crash ? ", crash" : "");
}

RC_GTEST_PROP(DiscountedPrices, ACallCostsWhatEachOfItsSecondsDoes, ()) {
  const bool is_best = *rc::gen::arbitrary<bool>();
  const auto start = std::chrono::sys_days(std::chrono::year(2026) / 6 / 2) +
                     seconds(*rc::gen::inRange(20 * 3600, 31 * 3600));
  const auto pieces = *rc::gen::container<std::vector<Piece>>(rc::gen::build<Piece>(
      rc::gen::set(&Piece::seconds,
                   rc::gen::oneOf(rc::gen::inRange(0, 20), rc::gen::inRange(0, 900))),
      rc::gen::set(&Piece::network, rc::gen::inRange<std::size_t>(0, networks.size())),
      rc::gen::set(&Piece::crash,
                   rc::gen::map(rc::gen::inRange(0, 40), [](int n) { return n == 0; }))));
  static const std::array<std::string, 2> sources = {
      fmt::format(fmt::runtime(tariff_text), "stack"),
      fmt::format(fmt::runtime(tariff_text), "best")};
  test::ClockedClient client(sources[is_best ? 1 : 0], start, "32260@3gpp.org");

  std::size_t network = *rc::gen::inRange<std::size_t>(0, networks.size());
  std::map<std::int64_t, std::int64_t> bill;    // seconds by price
  std::map<std::int64_t, std::int64_t> talked;  // by day
  std::int64_t sum = 0;
  client.ask(RequestType::initial, AttributeId::serving_network, networks[network], {});
  for (const Piece& piece : pieces) {
    for (int i = 0; i < piece.seconds; ++i) {
      const auto second = (client.now() + seconds(i)).time_since_epoch() / seconds(1);
      const std::int64_t hour = second / 3600 % 24;
      std::int64_t& today = talked[second / 86400];
      if (bill.empty()) sum += network == 2 ? 120'000 : 20'000;
      ++bill[price_of_minute(is_best, hour >= 22 || hour < 6, today >= 600, network)];
      ++today;
    }
    client.go_to(client.now() + seconds(piece.seconds));
    network = piece.network;
    UsedUnits used;
    used.seconds = static_cast<std::uint64_t>(piece.seconds);
    client.ask(RequestType::update, AttributeId::serving_network, networks[network], used);
    client.engine().sync();
    if (piece.crash) client.engine().crash_and_restart();
  }
  client.ask(RequestType::termination, AttributeId::serving_network, networks[network], {});
  for (const auto& [price, used] : bill) sum += (price * used * 2 + 6000) / 12000;
  RC_ASSERT(client.charged() == sum);
}

}  // namespace
}  // namespace farthing::engine
