// What a session costs under prices by zone, time and network, against a model that knows nothing
// of rules: it looks at every second of a call, and at every octet when it is used, with a calendar
// of its own (days on which the clocks change, make-up workdays and holidays included). However the
// usage is cut into reports, the sum is the same.
#include "tariffs/tariff_source.h"
#include "tests/support/clocked_client.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace farthing::engine {
namespace {

using std::chrono::sys_days;
using std::chrono::year;

// 10,000 cases of each property (RC_PARAMS, where it is set, decides).
[[maybe_unused]] const int many_cases = setenv("RC_PARAMS", "max_success=10000", 0);

constexpr std::string_view tariff_text = R"(
tariff: model
currency: CNY
time_zone: Europe/Berlin
valid_from: 2026-01-01T00:00:00
tables: {zones: zones.csv, holidays: days.csv}
calendars:
  week:
    holidays: true
    default: day
    classes:
      deep: [{days: [all, holiday], from: 02:30, to: 02:45}]
      night:
        - {days: [all, holiday], from: 22:00, to: 02:30}
        - {days: [all, holiday], from: 02:45, to: 06:00}
      weekend: [{days: [sat, sun, holiday], from: 06:00, to: 22:00}]
services:
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 2 h, minimum: 1 min, validity: 3 h}
    prices:
      - {default: true, zone: eu, time: night, amount: 0.03, per: 1 min}
      - {default: true, zone: eu, time: deep, amount: 0.01, per: 1 min, step: 7 s, rounding: up}
      - {default: true, zone: eu, time: weekend, amount: 0.05, per: 7 s, rounding: down}
      - {default: true, zone: eu, amount: 0.09, per: 1 min}
      - {default: true, zone: [world, sea], time: deep, price: none}
      - {default: true, zone: world, amount: 0.50, per: 1 min, step: 1 min}
      - {default: true, time: [weekend, night], amount: 0.70, per: 1 min}
      - {default: true, amount: 1.00, per: 1 min}
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 10 MiB, minimum: 1 KiB, validity: 1 h}
    prices:
      - {default: true, serving_network: 262, time: [night, deep], amount: 0.03, per: 1 MiB}
      - {default: true, serving_network: 262, amount: 0.10, per: 1 MiB, step: 1 KiB}
      - {default: true, serving_network: [208, 22210], time: day, amount: 0.50, per: 1 MiB}
      - {default: true, time: weekend, price: free}
      - {default: true, amount: 1.00, per: 1 MiB, rounding: up}
)";
constexpr std::string_view zones = "prefix,zone\n49,eu\n4970,world\n1,world\n88,sea\n4,eu\n";
constexpr std::string_view days =
    "date,counts_as\n2026-10-26,holiday\n2027-03-27,fri\n2026-06-05,holiday\n";

struct Price {
  std::int64_t amount = 0;  // micros
  std::int64_t per = 1;
  std::int64_t step = 1;
  int round = 0;  // 0: half up, 1: up, -1: down

  std::int64_t of(std::int64_t units) const {
    const std::int64_t product = (units + step - 1) / step * step * amount;
    if (round > 0) return (product + per - 1) / per;
    return round < 0 ? product / per : (2 * product + per) / (2 * per);
  }
};

enum class Class { deep, night, weekend, day };

// --- A calendar of the model's own ---------------------------------------------------------------

// The last Sunday of a month at 01:00 UTC: clocks in the EU change.
Time change_of(int in_year, unsigned month) {
  const sys_days last = year(in_year) / std::chrono::month(month) / std::chrono::last;
  const auto weekday = static_cast<int>((last.time_since_epoch().count() + 4) % 7);  // 0: Sunday
  return last - std::chrono::days(weekday) + std::chrono::hours(1);
}

Class class_at(Time time) {
  const int in_year = static_cast<int>(
      std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(time)).year());
  const bool summer = time >= change_of(in_year, 3) && time < change_of(in_year, 10);
  const Time local = time + std::chrono::hours(summer ? 2 : 1);
  const std::int64_t minute = std::chrono::floor<std::chrono::minutes>(local).time_since_epoch() %
                              std::chrono::days(1) / std::chrono::minutes(1);
  if (minute >= 150 && minute < 165) return Class::deep;
  if (minute >= 22 * 60 || minute < 6 * 60) return Class::night;
  const sys_days date = std::chrono::floor<std::chrono::days>(local);
  if (date == sys_days(year(2027) / 3 / 27)) return Class::day;
  const auto weekday = (date.time_since_epoch().count() + 4) % 7;
  const bool holiday =
      date == sys_days(year(2026) / 10 / 26) || date == sys_days(year(2026) / 6 / 5);
  return holiday || weekday == 0 || weekday == 6 ? Class::weekend : Class::day;
}

// --- What is used, and what it costs -------------------------------------------------------------

struct Destination {
  std::string_view called;
  int zone;  // 0: eu, 1: world, 2: sea, 3: none that is known
};
constexpr std::array<Destination, 6> destinations = {{{"tel:+49301234", 0},
                                                      {"sip:+497012345@ims.example", 1},
                                                      {"+12025550100", 1},
                                                      {"tel:+88-12345", 2},
                                                      {"110", 3},
                                                      {"tel:+8613900139000", 3}}};

// Which price a second of a call has: a number for each, and the price; nullopt: there is none.
using Priced = std::pair<int, std::optional<Price>>;
Priced voice_price(int zone, Class at) {
  const Price night_elsewhere{700'000, 60};
  if (zone == 0) {
    if (at == Class::night) return {1, Price{30'000, 60}};
    if (at == Class::deep) return {2, Price{10'000, 60, 7, 1}};
    if (at == Class::weekend) return {3, Price{50'000, 7, 1, -1}};
    return {4, Price{90'000, 60}};
  }
  if ((zone == 1 || zone == 2) && at == Class::deep) return {5, std::nullopt};
  if (zone == 1) return {6, Price{500'000, 60, 60}};
  if (at == Class::weekend || at == Class::night) return {7, night_elsewhere};
  return {8, Price{1'000'000, 60}};
}

constexpr std::array<std::string_view, 5> networks = {"26201", "208", "22210", "22288", "46000"};

Priced data_price(std::size_t network, Class at) {
  constexpr std::int64_t mib = 1 << 20;
  if (network == 0) {
    if (at == Class::night || at == Class::deep) return {1, Price{30'000, mib}};
    return {2, Price{100'000, mib, 1024}};
  }
  if ((network == 1 || network == 2) && at == Class::day) return {3, Price{500'000, mib}};
  if (at == Class::weekend) return {4, Price{0, mib}};
  return {5, Price{1'000'000, mib, 1, 1}};
}

class Bill {
 public:
  void add(const Priced& priced, std::int64_t units) {
    units_[priced.first] += units;
    prices_[priced.first] = priced.second.value_or(Price());
  }
  std::int64_t total() const {
    std::int64_t sum = 0;
    for (const auto& [which, units] : units_) sum += prices_.at(which).of(units);
    return sum;
  }

 private:
  std::map<int, std::int64_t> units_;
  std::map<int, Price> prices_;
};

// --- A client ------------------------------------------------------------------------------------

test::ClockedClient client_from(Time start, std::string_view context) {
  static const std::string source = tariffs::canonical_bytes(
      {std::string(tariff_text),
       {{"zones.csv", std::string(zones)}, {"days.csv", std::string(days)}}});
  return {source, start, context};
}

// Mostly around the days on which something is different.
rc::Gen<Time> any_start() {
  return rc::gen::map(
      rc::gen::pair(rc::gen::inRange(0, 6), rc::gen::inRange(-40 * 3600, 12 * 3600)),
      [](std::pair<int, int> drawn) {
        const std::array<Time, 6> special = {
            change_of(2026, 10),           change_of(2027, 3),
            change_of(2027, 10),           sys_days(year(2026) / 10 / 26),
            sys_days(year(2027) / 3 / 27), sys_days(year(2026) / 6 / 5)};
        return special[static_cast<std::size_t>(drawn.first)] + std::chrono::seconds(drawn.second);
      });
}

// --- The properties ------------------------------------------------------------------------------

RC_GTEST_PROP(ConditionalModel, ACallCostsThePriceOfEachOfItsSeconds, ()) {
  const Time start = *any_start();
  const auto pieces = *rc::gen::container<std::vector<int>>(
      rc::gen::oneOf(rc::gen::inRange(0, 20), rc::gen::inRange(0, 2 * 3600)));
  const Destination to = *rc::gen::elementOf(destinations);
  test::ClockedClient client = client_from(start, "32260@3gpp.org");
  Bill bill;
  UsedUnits used;
  client.ask(RequestType::initial, AttributeId::called_party, to.called, {});
  for (int piece : pieces) {
    for (int i = 0; i < piece; ++i) {
      const Time second = client.now() + std::chrono::seconds(i);
      bill.add(voice_price(to.zone, class_at(second)), 1);
    }
    client.go_to(client.now() + std::chrono::seconds(piece));
    used.seconds = static_cast<std::uint64_t>(piece);
    const ServiceAnswer& answer =
        client.ask(RequestType::update, AttributeId::called_party, to.called, used);
    const Priced now = voice_price(to.zone, class_at(client.now()));
    if (!now.second) RC_ASSERT(answer.outcome == Outcome::rating_failed);
    if (!answer.grant) continue;
    RC_ASSERT(now.second.has_value());
    // Whatever is granted has one price from beginning to end.
    const std::uint64_t last = std::min<std::uint64_t>(answer.grant->amount, 7200) - 1;
    for (std::uint64_t i = 0; i <= last; i += std::max<std::uint64_t>(last / 20, 1)) {
      const Class at = class_at(client.now() + std::chrono::seconds(i));
      RC_ASSERT(voice_price(to.zone, at).first == now.first);
    }
  }
  client.ask(RequestType::termination, AttributeId::called_party, to.called, {});
  RC_ASSERT(client.charged() == bill.total());
}

struct Surfing {
  int seconds;  // that go by
  std::uint32_t octets;
  std::size_t network;  // afterwards
  bool reports;
};

void showValue(const Surfing& step, std::ostream& out) {
  out << step.seconds << " s, then " << step.octets << " octets" << (step.reports ? ", report" : "")
      << ", network " << step.network;
}

// The client reports when the validity of its grant has run out, when its network changes, and when
// it likes.
RC_GTEST_PROP(ConditionalModel, OctetsCostThePriceOfTheMomentAndTheNetworkInWhichTheyAreUsed, ()) {
  const Time start = *any_start();
  const auto steps = *rc::gen::container<std::vector<Surfing>>(rc::gen::build<Surfing>(
      rc::gen::set(&Surfing::seconds, rc::gen::inRange(0, 2 * 3600)),
      rc::gen::set(&Surfing::octets, rc::gen::inRange<std::uint32_t>(0, 1 << 20)),
      rc::gen::set(&Surfing::network, rc::gen::inRange<std::size_t>(0, networks.size())),
      rc::gen::set(&Surfing::reports)));
  test::ClockedClient client = client_from(start, "32251@3gpp.org");
  Bill bill;
  UsedUnits used;
  std::size_t network = 0;
  bool holds = false;  // a grant
  Time valid_until;
  const auto report = [&](RequestType type) {
    const ServiceAnswer& answer =
        client.ask(type, AttributeId::serving_network, networks[network],
                   type == RequestType::initial ? std::nullopt : std::optional(used));
    used.octets = 0;
    holds = answer.grant.has_value();
    valid_until = client.now() + std::chrono::seconds(answer.validity_seconds);
  };
  report(RequestType::initial);
  for (const Surfing& step : steps) {
    const Time then = client.now() + std::chrono::seconds(step.seconds);
    while (holds && valid_until <= then) {
      client.go_to(valid_until);
      report(RequestType::update);
    }
    client.go_to(then);
    if (holds) {
      used.octets = used.octets.value_or(0) + step.octets;
      bill.add(data_price(network, class_at(then)), step.octets);
    }
    const bool changes = step.network != network;
    network = step.network;
    if (changes || step.reports) report(RequestType::update);
  }
  client.ask(RequestType::termination, AttributeId::serving_network, networks[network], used);
  RC_ASSERT(client.charged() == bill.total());
}

}  // namespace
}  // namespace farthing::engine
