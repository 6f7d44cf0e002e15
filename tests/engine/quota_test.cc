// How large grants are by the state of things: balance, borders, sessions beside each other, and
// how often a client asks. Sizes are done by hand, or bounded for traffic at random.
#include "engine/archive.h"
#include "engine/operations.h"
#include "engine/simulate.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/replaced.h"
#include "tests/support/test_engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstdlib>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace farthing::engine {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using test::replaced;
using test::TestEngine;

// 10,000 cases (RC_PARAMS, where it is set, decides).
[[maybe_unused]] const int many_cases = setenv("RC_PARAMS", "max_success=10000", 0);

constexpr std::string_view anna = "8613800138000";  // 100.00
constexpr std::uint64_t kib = 1u << 10;
constexpr std::uint64_t mib = 1u << 20;

// Rating group 10 costs 1.00 a MiB; the others have borders.
constexpr std::string_view tariff_text = R"(
tariff: quotas
currency: CNY
time_zone: UTC
valid_from: 2026-01-01T00:00:00
calendars: {night: {default: day, classes: {night: [{days: all, from: 22:00, to: 06:00}]}}}
counters:
  month: {unit: octets, period: month, covers: [{service: data, rating_group: 50}]}
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant:
      maximum: 64 MiB
      standard: 8 MiB
      minimum: 64 KiB
      validity: 1 h
      KEYS: 0
    rating_groups: {10: line, 20: tiers, 30: capped, 40: half, 50: month, 60: timed, 70: bill}
    prices:
      - {rating_group: line, amount: 1.00, per: 1 MiB, step: 1 KiB}
      - {rating_group: tiers, per: 1 MiB, step: 1 KiB,
         tiers: [{upto: 3 MiB, amount: 1.00}, {upto: 10 MiB, amount: 0.50}, {amount: 0.10}]}
      - {rating_group: capped, amount: 1.00, per: 1 MiB, step: 1 KiB,
         cap: [{amount: 2.00, every: 5 MiB}, {amount: 5.00}]}
      - {rating_group: half, amount: 0.50, per: 1 MiB, step: 1 KiB}
      - {rating_group: month, over: month, per: 1 MiB, step: 1 KiB,
         tiers: [{upto: 5 MiB, amount: 1.00}, {amount: 0.10}]}
      - {rating_group: timed, time: night, amount: 0.10, per: 1 MiB, step: 1 KiB}
      - {rating_group: timed, amount: 1.00, per: 1 MiB, step: 1 KiB}
      - {rating_group: bill, amount: 1.00, per: 1 MiB, step: 1 KiB, cap: {amount: 4.00}}
offers:
  - {name: bundle, validity: 30 d, allowance: 3 MiB, covers: [{service: data}]}
)";

class Clients {
 public:
  // `keys`: lines of the grant, "key: value; key: value".
  explicit Clients(std::string_view keys) {
    std::string lines;
    for (const char c : keys) lines += c == ';' ? std::string("\n     ") : std::string(1, c);
    text_ = replaced(tariff_text, "KEYS: 0", lines);
    const auto tariff = tariffs::compile_tariff("quotas.yaml", text_);
    if (!tariff.has_value()) throw std::runtime_error(tariffs::to_string(tariff.error().front()));
    engine_.shard().enter_tariff(*tariff, text_);
    engine_.sync();
  }

  const Account& account() { return *engine_.shard().book().find_account(anna); }
  void advance(Duration by) {
    engine_.sync();  // a batch keeps its time
    engine_.advance(by);
  }
  void set_balance(std::int64_t micros) {
    const std::int64_t change = micros - account().balance().micros;
    if (change == 0) return;
    ASSERT_TRUE(adjust(engine_.shard(), anna, Money(change), Note{"test", "", ""}));
    engine_.sync();
  }
  void subscribe(std::string_view offer) {
    ASSERT_TRUE(add_subscription(engine_.shard(), anna, offer, Note{"test", "", ""}));
    engine_.sync();
  }

  // `asked`: nullopt: nothing; 0: the size is the server's to say.
  const ServiceAnswer& send(RequestType type, std::string_view session, std::uint32_t group,
                            std::uint64_t used, std::optional<std::uint64_t> asked) {
    request_.clear();
    request_.key = {type, number_, 0, number_ + 7u, number_ + 100u};
    ++number_;
    session_ = session;
    request_.session_id = session_;
    request_.service_context = "32251@3gpp.org";
    request_.identities = {*parse_msisdn(anna)};
    ServiceRequest& service = request_.add_service();
    service.rating_group = RatingGroup(group);
    if (used > 0) service.used.emplace().octets = used;
    if (asked) {
      service.requested.emplace();
      if (*asked > 0) service.requested->total_octets = *asked;
    }
    engine_.handle(request_);
    EXPECT_EQ(test::broken_invariant(engine_.shard().book()), "");
    return engine_.shard().answer().services.at(0);
  }
  // What is granted, 0 where nothing is.
  std::uint64_t open(std::string_view session, std::uint32_t group,
                     std::optional<std::uint64_t> asked = 0) {
    return granted(send(RequestType::initial, session, group, 0, asked));
  }
  std::uint64_t update(std::string_view session, std::uint32_t group, std::uint64_t used,
                       std::uint64_t asked = 0) {
    return granted(send(RequestType::update, session, group, used, asked));
  }
  void close(std::string_view session, std::uint32_t group, std::uint64_t used) {
    send(RequestType::termination, session, group, used, std::nullopt);
  }
  TestEngine& engine() { return engine_; }

 private:
  static std::uint64_t granted(const ServiceAnswer& answer) {
    return answer.grant ? answer.grant->amount : 0;
  }

  TestEngine engine_;
  std::string text_;
  Request request_;
  std::string session_;
  std::uint32_t number_ = 0;
};

// --- By balance ----------------------------------------------------------------------------------

constexpr std::string_view by_balance =
    "by_balance: [{below: 2.00, maximum: 512 KiB}, {below: 20.00, maximum: 4 MiB, standard: 1 "
    "MiB}]";

TEST(QuotaByBalance, TheLessThereIsTheSmallerTheGrant) {
  Clients clients(by_balance);
  EXPECT_EQ(clients.open("a", 10), 8 * mib) << "100.00";
  EXPECT_EQ(clients.update("a", 10, 0, 50 * mib), 50 * mib);
  clients.close("a", 10, 0);
  clients.set_balance(20'000'000);
  EXPECT_EQ(clients.open("b", 10), 8 * mib) << "20.00 is not below";
  clients.close("b", 10, 0);
  clients.set_balance(19'999'999);
  EXPECT_EQ(clients.open("c", 10), 1 * mib);
  EXPECT_EQ(clients.update("c", 10, 0, 50 * mib), 4 * mib);
  EXPECT_EQ(clients.update("c", 10, 0, 100 * kib), 100 * kib) << "as asked";
  clients.close("c", 10, 0);
  clients.set_balance(1'999'999);
  EXPECT_EQ(clients.open("d", 10), 512 * kib);
}

TEST(QuotaByBalance, WhatOtherSessionsHoldIsNotThere) {
  Clients clients(by_balance);
  EXPECT_EQ(clients.open("a", 10, 50 * mib), 50 * mib);
  EXPECT_EQ(clients.open("b", 10, 40 * mib), 40 * mib);
  EXPECT_EQ(clients.open("c", 10, 40 * mib), 4 * mib) << "10.00 are left";
  EXPECT_EQ(clients.update("a", 10, mib, 50 * mib), 50 * mib) << "its own comes back first";
}

TEST(QuotaByBalance, AllowancesAreNoMoney) {
  Clients clients(by_balance);
  clients.set_balance(1'000'000);
  clients.subscribe("bundle");
  EXPECT_EQ(clients.open("a", 10), 3 * mib);
  EXPECT_EQ(clients.update("a", 10, 2 * mib), 1 * mib);
  EXPECT_EQ(clients.update("a", 10, 1 * mib), 512 * kib);
}

TEST(QuotaByBalance, TheLastGrantIsAllThatIsLeft) {
  Clients clients(by_balance);
  clients.set_balance(1'000'000 + 40'000);  // 1 MiB and less than a minimum
  EXPECT_EQ(clients.open("a", 10), 512 * kib);
  const ServiceAnswer& last = clients.send(RequestType::update, "a", 10, 512 * kib, 0);
  EXPECT_TRUE(last.final_unit);
  EXPECT_EQ(last.grant->amount, (512 + 40) * kib) << "40,000 millionths buy 40 KiB";
  EXPECT_EQ(clients.update("a", 10, (512 + 40) * kib), 0u);
  EXPECT_EQ(clients.account().overage_micros, 0);
}

TEST(QuotaByBalance, LessThanAMinimumIsNotGranted) {
  Clients clients(by_balance);
  clients.set_balance(62'000);  // 63 KiB
  const ServiceAnswer& none = clients.send(RequestType::initial, "a", 10, 0, 0);
  EXPECT_FALSE(none.grant.has_value());
  EXPECT_EQ(none.outcome, Outcome::credit_limit_reached);
}

// --- Borders -------------------------------------------------------------------------------------

TEST(QuotaUntilBorder, AnAllowancesEnd) {
  Clients clients("until_border: true");
  clients.subscribe("bundle");
  EXPECT_EQ(clients.open("a", 10, 2 * mib), 2 * mib);
  EXPECT_EQ(clients.update("a", 10, 2 * mib), 1 * mib);
  EXPECT_EQ(clients.update("a", 10, 1 * mib), 8 * mib) << "no other border";
}

TEST(QuotaUntilBorder, AnAllowancesEndIsNoLastGrant) {
  Clients clients("until_border: true");
  clients.subscribe("bundle");
  EXPECT_FALSE(clients.send(RequestType::initial, "a", 10, 0, 0).final_unit);
  clients.close("a", 10, 0);
  clients.set_balance(0);
  const ServiceAnswer& last = clients.send(RequestType::initial, "b", 10, 0, 0);
  EXPECT_EQ(last.grant->amount, 3 * mib);
  EXPECT_TRUE(last.final_unit) << "nothing can be paid behind it";
}

TEST(QuotaUntilBorder, TiersOfASession) {
  Clients clients("until_border: true");
  EXPECT_EQ(clients.open("a", 20), 3 * mib);
  EXPECT_EQ(clients.update("a", 20, 2 * mib), 1 * mib);
  EXPECT_EQ(clients.update("a", 20, 1 * mib), 7 * mib);
  EXPECT_EQ(clients.update("a", 20, 7 * mib - 10 * kib), 64 * kib) << "no sliver of 10 KiB";
  EXPECT_EQ(clients.update("a", 20, 64 * kib), 8 * mib);
}

TEST(QuotaUntilBorder, CapsWhereTheyAreReachedAndBeginAnew) {
  Clients clients("until_border: true");
  EXPECT_EQ(clients.open("a", 30), 2 * mib);             // 2.00
  EXPECT_EQ(clients.update("a", 30, 2 * mib), 3 * mib);  // free
  EXPECT_EQ(clients.update("a", 30, 3 * mib), 2 * mib);  // 4.00
  EXPECT_EQ(clients.update("a", 30, 2 * mib), 3 * mib);  // free
  EXPECT_EQ(clients.update("a", 30, 3 * mib), 1 * mib);  // 5.00, the cap in all
  EXPECT_EQ(clients.update("a", 30, 1 * mib), 8 * mib) << "all that follows is free";
  EXPECT_EQ(clients.open("b", 70), 4 * mib);
  EXPECT_EQ(clients.update("b", 70, 4 * mib), 8 * mib);
}

TEST(QuotaUntilBorder, TiersOfACounterBehindWhatOthersHold) {
  Clients clients("until_border: true");
  EXPECT_EQ(clients.open("a", 50, 2 * mib), 2 * mib);
  EXPECT_EQ(clients.open("b", 50), 3 * mib);
  EXPECT_EQ(clients.open("c", 50), 8 * mib);
}

TEST(QuotaUntilBorder, APriceChangeByTheClockEndsTheValidity) {
  Clients clients("until_border: true");
  clients.advance(hours(21) + minutes(45));  // it was midnight
  EXPECT_EQ(clients.send(RequestType::initial, "a", 60, 0, 0).validity_seconds, 900u);
}

// --- Sharing -------------------------------------------------------------------------------------

TEST(QuotaSharing, APartForEachSessionThatIsOpen) {
  Clients clients("sharing: 1");
  clients.set_balance(12'000'000);
  EXPECT_EQ(clients.open("a", 10, 64 * mib), 12 * mib) << "alone";
  EXPECT_EQ(clients.open("b", 10, 64 * mib), 0u) << "nothing is left";
  EXPECT_EQ(clients.update("a", 10, 0, 64 * mib), 6 * mib) << "two are open";
  EXPECT_EQ(clients.update("b", 10, 0, 64 * mib), 3 * mib) << "half of what is left";
  EXPECT_EQ(clients.open("c", 10, 64 * mib), 1 * mib);
  EXPECT_EQ(clients.update("c", 10, mib, 512 * kib), 512 * kib) << "no more than asked";
}

TEST(QuotaSharing, SomeIsKeptForThoseWhoComeLater) {
  Clients clients("sharing: 3");
  clients.set_balance(9'000'000);
  EXPECT_EQ(clients.open("a", 10, 64 * mib), 3 * mib);
  EXPECT_EQ(clients.open("b", 10, 64 * mib), 2 * mib);
  EXPECT_EQ(clients.open("c", 10, 64 * mib) / kib, 4 * kib / 3);
}

TEST(QuotaSharing, WhereThereIsPlentyNothingIsCut) {
  Clients clients("sharing: 4");
  EXPECT_EQ(clients.open("a", 10), 8 * mib);
  EXPECT_EQ(clients.open("b", 10, 20 * mib), 20 * mib);
  EXPECT_EQ(clients.open("c", 10, 20 * mib), 18 * mib) << "72 are left";
}

TEST(QuotaSharing, AllowancesAreSharedToo) {
  Clients clients("sharing: 2");
  clients.set_balance(1'000'000);
  clients.subscribe("bundle");
  EXPECT_EQ(clients.open("a", 10), 2 * mib);
}

// --- Reports -------------------------------------------------------------------------------------

TEST(QuotaReports, WhoAsksTooOftenIsGrantedTwiceAsMuch) {
  Clients clients("reports: {every: 10 s, at_most_times: 4}");
  EXPECT_EQ(clients.open("a", 10, 1 * mib), 1 * mib);
  clients.advance(seconds(5));
  EXPECT_EQ(clients.update("a", 10, 1 * mib, 1 * mib), 2 * mib);
  clients.advance(seconds(9));
  EXPECT_EQ(clients.update("a", 10, 2 * mib, 1 * mib), 4 * mib);
  clients.advance(seconds(18));
  EXPECT_EQ(clients.update("a", 10, 4 * mib, 1 * mib), 4 * mib) << "2 MiB would be too often";
  clients.advance(seconds(20));
  EXPECT_EQ(clients.update("a", 10, 4 * mib, 1 * mib), 1 * mib);
}

TEST(QuotaReports, NoMoreThanSoManyStandardGrantsAndTheMaximum) {
  Clients clients("reports: {every: 10 s, at_most_times: 4}");
  clients.set_balance(500'000'000);
  std::uint64_t size = clients.open("a", 10);
  for (const std::uint64_t expected : {16u, 32u, 32u}) {
    clients.advance(seconds(1));
    size = clients.update("a", 10, size);
    EXPECT_EQ(size, expected * mib);
  }
  EXPECT_EQ(clients.update("a", 10, size, 50 * mib), 50 * mib) << "as asked";
}

TEST(QuotaReports, OnlyAGrantThatWasUsedUp) {
  Clients clients("reports: {every: 10 s}");
  EXPECT_EQ(clients.open("a", 10), 8 * mib);
  EXPECT_EQ(clients.update("a", 10, 3 * mib), 8 * mib) << "it asked for another reason";
  EXPECT_EQ(clients.update("a", 20, 0), 8 * mib) << "another service";
  EXPECT_EQ(clients.update("a", 10, 4 * mib), 16 * mib);
  EXPECT_EQ(clients.open("b", 10), 8 * mib) << "another session";
}

TEST(QuotaReports, AThresholdIsNoOtherReason) {
  Clients clients("reports: {every: 10 s}; threshold: 75 %");
  EXPECT_EQ(clients.open("a", 10), 8 * mib);
  EXPECT_EQ(clients.update("a", 10, 2 * mib), 16 * mib);
}

TEST(QuotaReports, TheBalanceGoesBeforeThem) {
  Clients clients(
      "by_balance: [{below: 20.00, maximum: 2 MiB, standard: 1 MiB}]; "
      "reports: {every: 10 s}");
  clients.set_balance(15'000'000);
  EXPECT_EQ(clients.open("a", 10), 1 * mib);
  EXPECT_EQ(clients.update("a", 10, 1 * mib), 2 * mib);
  EXPECT_EQ(clients.update("a", 10, 2 * mib), 2 * mib);
}

// --- When to report ------------------------------------------------------------------------------

TEST(QuotaThreshold, IsAPartOfTheGrantAndNotOfTheLast) {
  Clients clients("threshold: 20 %; holding_time: 10 min");
  const ServiceAnswer first = clients.send(RequestType::initial, "a", 10, 0, 10 * mib);
  EXPECT_EQ(first.threshold, 2 * mib);
  EXPECT_EQ(first.holding_seconds, 600u);
  clients.close("a", 10, 0);
  clients.set_balance(1'000'000);
  const ServiceAnswer last = clients.send(RequestType::initial, "b", 10, 0, 10 * mib);
  EXPECT_TRUE(last.final_unit);
  EXPECT_EQ(last.threshold, 0u);
  EXPECT_EQ(last.holding_seconds, 600u);
}

TEST(QuotaThreshold, NothingIsSaidWhereTheTariffDoesNot) {
  Clients clients("sharing: 1");
  const ServiceAnswer answer = clients.send(RequestType::initial, "a", 10, 0, 0);
  EXPECT_EQ(answer.threshold, 0u);
  EXPECT_FALSE(answer.holding_seconds.has_value());
}

// --- At random -----------------------------------------------------------------------------------

constexpr std::array<std::string_view, 4> some_keys = {
    "by_balance: [{below: 2.00, maximum: 512 KiB}, {below: 20.00, maximum: 4 MiB}]",
    "until_border: true", "sharing: 2", "reports: {every: 10 s, at_most_times: 4}"};

// Any of them together.
std::string drawn_keys() {
  const auto which = *rc::gen::inRange<unsigned>(0, 1u << some_keys.size());
  std::string keys = "holding_time: 10 min";
  for (std::size_t i = 0; i < some_keys.size(); ++i) {
    if ((which >> i & 1) != 0) keys += fmt::format("; {}", some_keys[i]);
  }
  return keys;
}

constexpr std::array<std::uint32_t, 6> groups = {10, 20, 30, 40, 50, 70};

struct Surfer {
  std::string session;
  std::uint32_t group = 10;
  std::uint64_t granted = 0;
};

// Charged again by the tariff that was in force anna would pay what she did.
void check_simulation(TestEngine& engine, Time from) {
  engine.sync();
  TariffSimulation simulation(engine.store(), archive_folder(engine.store(), ""),
                              {from, engine.now() + hours(1)}, nullptr);
  const auto ran = simulation.run([](std::string_view, Sequence, Sequence) { return true; });
  RC_ASSERT(ran.has_value());
  const Account& account = *simulation.book().find_account(anna);
  const SimulatedCharges& charges = simulation.accounts()[account.number.value - 1];
  RC_ASSERT(charges.was == charges.would_be);
  RC_ASSERT(charges.overage_would_be == 0);
}

// Whoever uses no more than was granted is never charged what nobody can pay, however many do; and
// it would be charged the same again by the same tariff, where each asks for what it was granted.
RC_GTEST_PROP(QuotaProperty, AGrantIsNeverMoreThanCanBePaid, ()) {
  Clients clients(drawn_keys());
  clients.set_balance(*rc::gen::inRange<std::int64_t>(0, 30'000'000));
  if (*rc::gen::arbitrary<bool>()) clients.subscribe("bundle");
  std::deque<Surfer> surfers;
  clients.advance(seconds(1));
  const Time begun = clients.engine().now();
  const int turns = *rc::gen::inRange(1, 20);
  for (int turn = 0; turn < turns; ++turn) {
    const std::uint64_t asked = *rc::gen::inRange<std::uint64_t>(0, 20) * 300 * kib;
    const auto which = *rc::gen::inRange<std::size_t>(0, 4);
    if (which >= surfers.size()) {
      Surfer& surfer = surfers.emplace_back();
      surfer.session = std::to_string(turn);
      surfer.group = *rc::gen::elementOf(groups);
      surfer.granted = clients.open(surfer.session, surfer.group, asked);
    } else {
      Surfer& surfer = surfers[which];
      const std::uint64_t used = *rc::gen::inRange<std::uint64_t>(0, surfer.granted + 1);
      surfer.granted = clients.update(surfer.session, surfer.group, used, asked);
    }
    clients.advance(seconds(*rc::gen::inRange(0, 15)));
  }
  for (const Surfer& surfer : surfers) clients.close(surfer.session, surfer.group, surfer.granted);
  RC_ASSERT(clients.account().overage_micros == 0);
  RC_ASSERT(clients.account().main_micros >= 0);
  RC_ASSERT(clients.account().reserved_micros == 0);
  if (*rc::gen::inRange(0, 20) == 0) check_simulation(clients.engine(), begun);  // it takes longer
}

// Whoever uses up what is granted until nothing is left asks for a minimum grant each time at
// least, and leaves less than one unsold.
RC_GTEST_PROP(QuotaProperty, NobodyAsksWithoutEnd, ()) {
  Clients clients(drawn_keys());
  const std::int64_t balance = *rc::gen::inRange<std::int64_t>(100'000, 15'000'000);
  clients.set_balance(balance);
  const std::uint32_t group = *rc::gen::elementOf(std::vector<std::uint32_t>{10, 40});
  const std::uint64_t asked = *rc::gen::inRange<std::uint64_t>(0, 20) * 300 * kib;
  std::uint64_t used = 0;
  std::uint64_t requests = 1;
  std::uint64_t granted = clients.open("a", group, asked);
  bool is_last = false;
  while (granted > 0 && !is_last) {
    RC_ASSERT(granted >= 64 * kib);
    used += granted;
    const ServiceAnswer& answer = clients.send(RequestType::update, "a", group, granted, asked);
    ++requests;
    granted = answer.grant ? answer.grant->amount : 0;
    is_last = answer.final_unit;
    clients.advance(seconds(*rc::gen::inRange(0, 15)));
  }
  clients.close("a", group, granted);
  used += granted;
  RC_ASSERT(requests <= used / (64 * kib) + 2);
  const std::int64_t minimum = group == 10 ? 62'500 : 31'250;
  RC_ASSERT(clients.account().balance().micros < minimum);
  RC_ASSERT(clients.account().overage_micros == 0);
}

// As many sessions as it is shared by each get a grant where there is money for so many minimums.
RC_GTEST_PROP(QuotaProperty, SharedByManyEachGetsSome, ()) {
  const auto sessions = *rc::gen::inRange<std::uint32_t>(1, 8);
  const bool is_declared = *rc::gen::arbitrary<bool>();
  Clients clients(fmt::format("sharing: {}", is_declared ? sessions : 1));
  const std::int64_t balance = 62'500 * sessions + *rc::gen::inRange<std::int64_t>(0, 20'000'000);
  clients.set_balance(balance);
  const std::uint64_t asked = *rc::gen::inRange<std::uint64_t>(1, 20) * 300 * kib;
  if (!is_declared) {
    for (std::uint32_t i = 0; i < sessions; ++i) {
      clients.open(std::to_string(i), 10, std::nullopt);
    }
  }
  for (std::uint32_t i = 0; i < sessions; ++i) {
    const std::string session = std::to_string(i);
    const std::uint64_t granted =
        is_declared ? clients.open(session, 10, asked) : clients.update(session, 10, 0, asked);
    RC_ASSERT(granted >= 64 * kib);
  }
}

}  // namespace
}  // namespace farthing::engine
