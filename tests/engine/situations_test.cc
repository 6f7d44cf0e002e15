// Allowances and counters for usage in some situations only, against models that know nothing of
// rules: they look at every second, or at every grant, and add up.
#include "tests/support/clocked_client.h"
#include "tests/support/requests.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

namespace farthing::engine {
namespace {

using std::chrono::seconds;

// 10,000 cases of each property (RC_PARAMS, where it is set, decides).
[[maybe_unused]] const int many_cases = setenv("RC_PARAMS", "max_success=10000", 0);

constexpr std::string_view anna = "8613800138000";

// A second of talk costs a tenth of a step's price: whole micros, so that a price that begins anew
// rounds nothing.
constexpr std::string_view plain_text = R"(
tariff: situations
currency: CNY
time_zone: UTC
valid_from: 2026-01-01T00:00:00
calendars:
  hours: {default: day, classes: {night: [{days: all, from: 22:00, to: 06:00}]}}
services:
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 30 min, minimum: 10 s, validity: 3 h}
    prices: [{default: true, amount: 0.06, per: 1 min, step: STEP}]
)";

constexpr std::string_view offers_text = R"(
situations:
  night: {time: night}
  abroad: {serving_network: 208}
counters:
  talked-at-night: {unit: seconds, period: month, covers: [{service: voice, when: night}]}
offers:
  - {name: owl, allowance: 20 min, validity: 30 d, covers: [{service: voice, when: night}]}
  - {name: trip, allowance: 9 min, validity: 30 d, covers: [{service: voice, when: abroad}]}
  - name: mixed
    fee: 0.00
    validity: 30 d
    allowances:
      - amount: 20 min
        covers: [{service: voice}]
        limits: [{when: abroad, amount: 8 min}, {when: night, amount: 15 min}]
)";

constexpr std::array<std::string_view, 2> networks = {"46000", "20801"};

struct Piece {
  int seconds;
  std::size_t network;  // from its end on
  bool crash;
};

void showValue(const Piece& piece, std::ostream& out) {
  out << piece.seconds << " s, then network " << piece.network << (piece.crash ? ", crash" : "");
}

auto any_pieces() {
  return rc::gen::container<std::vector<Piece>>(rc::gen::build<Piece>(
      rc::gen::set(&Piece::seconds,
                   rc::gen::oneOf(rc::gen::inRange(0, 20), rc::gen::inRange(0, 1200))),
      rc::gen::set(&Piece::network, rc::gen::inRange<std::size_t>(0, networks.size())),
      rc::gen::set(&Piece::crash,
                   rc::gen::map(rc::gen::inRange(0, 40), [](int n) { return n == 0; }))));
}

base::Time any_evening() {
  return std::chrono::sys_days(std::chrono::year(2026) / 6 / 2) +
         seconds(*rc::gen::inRange(20 * 3600, 31 * 3600));
}

bool is_night(base::Time time) {
  const auto hour = time.time_since_epoch() / std::chrono::hours(1) % 24;
  return hour >= 22 || hour < 6;
}

std::string source(std::string_view step, std::string_view offers) {
  std::string text(plain_text);
  text.replace(text.find("STEP"), 4, step);
  return text.append(offers);
}

// How a call goes on: by its network where usage is reported.
class Call {
 public:
  Call(const std::string& tariff, base::Time start) : client_(tariff, start, "32260@3gpp.org") {}

  void buy(std::string_view offer) {
    const Note note{"test", "", ""};
    RC_ASSERT(add_subscription(client_.engine().shard(), anna, offer, note).has_value());
    client_.engine().sync();
  }
  // Visits each second with the network in which it is: second(time, network).
  template <class Visit>
  void play(const std::vector<Piece>& pieces, std::size_t network, Visit visit) {
    ask(RequestType::initial, network, {});
    for (const Piece& piece : pieces) {
      for (int i = 0; i < piece.seconds; ++i) visit(client_.now() + seconds(i), network);
      client_.go_to(client_.now() + seconds(piece.seconds));
      network = piece.network;
      UsedUnits used;
      used.seconds = static_cast<std::uint64_t>(piece.seconds);
      ask(RequestType::update, network, used);
      client_.engine().sync();
      if (piece.crash) client_.engine().crash_and_restart();
    }
    ask(RequestType::termination, network, {});
  }
  std::int64_t charged() { return client_.charged(); }
  std::int64_t left(std::string_view offer) {
    std::int64_t units = 0;
    for (const Bucket& bucket : account().buckets) {
      if (bucket.offer == offer) units += bucket.remaining + bucket.reserved;
    }
    return units;
  }
  std::int64_t left_in(std::string_view offer, std::string_view situation) {
    for (const Bucket& bucket : account().buckets) {
      for (const Bucket::Limit& limit : bucket.limits) {
        if (bucket.offer == offer && limit.situation == tariffs::situation_key(situation)) {
          return limit.remaining;
        }
      }
    }
    return -1;
  }
  std::int64_t counted(std::string_view counter) {
    std::int64_t value = 0;
    for (const Counter& known : account().counters) {
      if (known.name == counter) value += known.value;
    }
    return value;
  }

 private:
  void ask(RequestType type, std::size_t network, const std::optional<UsedUnits>& used) {
    client_.ask(type, AttributeId::serving_network, networks[network], used);
  }
  const Account& account() { return *client_.engine().shard().book().find_account(anna); }

  test::ClockedClient client_;
};

std::int64_t in_steps(std::int64_t units, std::int64_t step) {
  return (units + step - 1) / step * step;
}

RC_GTEST_PROP(Situations, CostNothingWhereNoAllowanceIsForThem, ()) {
  const base::Time start = any_evening();
  const auto pieces = *any_pieces();
  const std::size_t network = *rc::gen::inRange<std::size_t>(0, networks.size());
  static const std::string plain = source("1 s", "");
  static const std::string with = source("1 s", offers_text);
  Call one(plain, start);
  Call other(with, start);
  std::int64_t night = 0;
  one.play(pieces, network, [](base::Time, std::size_t) {});
  other.play(pieces, network, [&](base::Time time, std::size_t) { night += is_night(time); });
  RC_ASSERT(one.charged() == other.charged());
  RC_ASSERT(other.counted("talked-at-night") == night);
}

RC_GTEST_PROP(Situations, AnAllowanceOfTheNightIsEatenAtNight, ()) {
  const base::Time start = any_evening();
  const auto pieces = *any_pieces();
  static const std::string tariff = source("10 s", offers_text);
  Call call(tariff, start);
  call.buy("owl");
  std::array<std::int64_t, 4> used{};  // by night and network: each is a price of its own
  call.play(
      pieces, *rc::gen::inRange<std::size_t>(0, networks.size()),
      [&](base::Time time, std::size_t network) { ++used[(is_night(time) ? 2 : 0) + network]; });
  const std::int64_t night = in_steps(used[2], 10) + in_steps(used[3], 10);
  const std::int64_t day = in_steps(used[0], 10) + in_steps(used[1], 10);
  const std::int64_t eaten = std::min<std::int64_t>(night, 1200);
  RC_ASSERT(1200 - call.left("owl") == eaten);
  RC_ASSERT(call.counted("talked-at-night") == night);
  RC_ASSERT(call.charged() == (day + night - eaten) * 1000);
}

RC_GTEST_PROP(Situations, WhatIsInTwoIsEatenOnce, ()) {
  const base::Time start = any_evening();
  const auto pieces = *any_pieces();
  static const std::string tariff = source("1 s", offers_text);
  Call call(tariff, start);
  call.buy("owl");  // ends first
  call.buy("trip");
  std::int64_t owl = 1200;
  std::int64_t trip = 540;
  std::int64_t paid = 0;
  call.play(pieces, *rc::gen::inRange<std::size_t>(0, networks.size()),
            [&](base::Time time, std::size_t network) {
              if (is_night(time) && owl > 0) {
                --owl;
              } else if (network == 1 && trip > 0) {
                --trip;
              } else {
                ++paid;
              }
            });
  RC_ASSERT(call.left("owl") == owl);
  RC_ASSERT(call.left("trip") == trip);
  RC_ASSERT(call.charged() == paid * 1000);
}

RC_GTEST_PROP(Situations, NoMoreOfAnAllowanceThanItsLimitsIsEatenThere, ()) {
  const base::Time start = any_evening();
  const auto pieces = *any_pieces();
  static const std::string tariff = source("1 s", offers_text);
  Call call(tariff, start);
  call.buy("mixed");
  std::int64_t left = 1200;
  std::int64_t abroad = 480;
  std::int64_t night = 900;
  std::int64_t paid = 0;
  call.play(pieces, *rc::gen::inRange<std::size_t>(0, networks.size()),
            [&](base::Time time, std::size_t network) {
              const bool is_free =
                  left > 0 && (network == 0 || abroad > 0) && (!is_night(time) || night > 0);
              paid += !is_free;
              if (!is_free) return;
              --left;
              if (network == 1) --abroad;
              if (is_night(time)) --night;
            });
  RC_ASSERT(call.left("mixed") == left);
  RC_ASSERT(call.left_in("mixed", "abroad") == abroad);
  RC_ASSERT(call.left_in("mixed", "night") == night);
  RC_ASSERT(call.charged() == paid * 1000);
}

// Two sessions in the Union, side by side, and an allowance of which 30 of 40 MiB are for there.
class SharedLimit : public testing::Test {
 protected:
  static constexpr std::uint64_t mib = 1u << 20;

  SharedLimit() {
    const std::string text = R"(
tariff: limits
currency: CNY
time_zone: UTC
valid_from: 2026-01-01T00:00:00
situations: {eu: {serving_network: 208}}
services:
  surf:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB}
    prices: [{default: true, amount: 1.00, per: 1 MiB}]
offers:
  - name: all
    validity: 30 d
    allowances: [{amount: 40 MiB, covers: [{service: surf}], limits: [{when: eu, amount: 30 MiB}]}]
)";
    const auto tariff = tariffs::compile_tariff("limits.yaml", text);
    EXPECT_TRUE(tariff.has_value());
    engine_.shard().enter_tariff(*tariff, text);
    EXPECT_TRUE(add_subscription(engine_.shard(), anna, "all", {"test", "", ""}).has_value());
  }

  void send(RequestType type, std::string_view session, std::uint64_t used, std::uint64_t asked) {
    Request request = test::request_of(type, type == RequestType::initial ? 0 : 1, session, anna);
    request.attributes.push_back(
        {static_cast<std::uint8_t>(AttributeId::serving_network), "20801"});
    test::use(request, used * mib, asked * mib);
    engine_.handle(request);
    engine_.sync();
  }
  const Account& account() { return *engine_.shard().book().find_account(anna); }
  const Bucket& bucket() { return *std::ranges::find(account().buckets, "all", &Bucket::offer); }

  test::TestEngine engine_;
};

TEST_F(SharedLimit, WhatOneHoldsTheOtherHasNot) {
  send(RequestType::initial, "a", 0, 20);
  send(RequestType::initial, "b", 0, 20);
  EXPECT_EQ(bucket().limits[0].remaining, 0);
  EXPECT_EQ(bucket().remaining, static_cast<std::int64_t>(10 * mib)) << "for elsewhere";
  EXPECT_EQ(account().reserved_micros, 10'000'000);
  engine_.checkpoint();
  engine_.crash_and_restart();
  send(RequestType::termination, "a", 5, 0);
  EXPECT_EQ(bucket().limits[0].remaining, static_cast<std::int64_t>(15 * mib));
  send(RequestType::termination, "b", 20, 0);
  EXPECT_EQ(bucket().limits[0].remaining, static_cast<std::int64_t>(5 * mib));
  EXPECT_EQ(bucket().remaining, static_cast<std::int64_t>(15 * mib));
  EXPECT_EQ(account().reserved_micros, 0);
  EXPECT_EQ(account().main_micros, 100'000'000) << "nothing was paid";
}

}  // namespace
}  // namespace farthing::engine
