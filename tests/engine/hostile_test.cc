// Whatever a peer sends, however absurd, and whatever is done to accounts meanwhile: the engine
// stands, money and units add up, the ledger folds to what was live, and a repeated request is
// answered alike.
#include "engine/operations.h"
#include "engine/outcome.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <random>

namespace farthing::engine {
namespace {

using test::TestEngine;

constexpr std::string_view hostile_tariff = R"(
tariff: hostile
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2020-01-01T00:00:00
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 TiB, standard: 10 MiB, minimum: 3 KiB, validity: 1 h}
    rating_groups: {10: a, 20: b, 30: c, 99: d}
    prices:
      - {rating_group: 10, amount: 0.10, per: 1 MiB, step: 1 KiB}
      - {rating_group: 20, price: free}
      - {rating_group: 30, amount: 0.05, per: 1 B}
      - {rating_group: 99, price: none}
      - default: true
        amount: 0.07
        per: 1000 B
        step: 3 KiB
        minimum: 10 KiB
        setup: 0.05
        rounding: up
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 1 h, standard: 300 s, minimum: 10 s, validity: 10 min}
    prices:
      - default: true
        amount: 0.15
        per: 1 min
        step: 10 s
        minimum: 60 s
        setup: 0.02
        rounding: down
  messaging:
    context: 32274@3gpp.org
    unit: events
    grant: {maximum: 10, standard: 1, minimum: 1, validity: 1 h}
    prices:
      - {default: true, amount: 0.10, per: 1}
offers:
  - {name: tiny, allowance: 50 KiB, validity: 100 s, covers: [{service: data}]}
  - name: group
    fee: 0.01
    allowance: 1 GiB
    validity: 1 h
    covers: [{service: data, rating_group: 10}]
  - {name: vast, allowance: 1024 TiB, validity: 30 d, covers: [{service: data}]}
  - {name: calls, allowance: 90 s, validity: 30 d, covers: [{service: voice}]}
)";

constexpr std::array<std::string_view, 8> users = {
    "8613800138000", "8613800138001", "8613800138002", "8613800138003",
    "8613800138004", "8613800138008", "8613800138009", "999"};
constexpr std::array<std::string_view, 5> contexts = {
    "32251@3gpp.org", "32251@3gpp.org", "32260@3gpp.org", "32274@3gpp.org", "nothing"};
constexpr std::array<std::string_view, 4> offers = {"tiny", "group", "vast", "calls"};

void load_hostile_tariff(TestEngine& engine) {
  const std::string source(hostile_tariff);
  auto tariff = tariffs::compile_tariff("hostile.yaml", source);
  if (!tariff.has_value()) throw std::runtime_error(tariffs::to_string(tariff.error().front()));
  engine.shard().enter_tariff(*tariff, source);
}

// One random action, made from its own seed, so that a failing run shrinks to the actions it needs.
class Chaos {
 public:
  Chaos() { load_hostile_tariff(engine_); }

  // "" or what went wrong.
  std::string act(std::uint64_t seed) {
    random_.seed(seed);
    const std::uint64_t what = below(100);
    if (what < 75) return ask();
    if (what < 90) {
      operate();
    } else if (what < 96) {
      engine_.advance(
          std::chrono::seconds(one_of<std::int64_t>({1, 50, 400, 4000, 9000, 90'000, 400'000})));
      if (below(2) == 0) {
        if (std::string wrong = tick(); !wrong.empty()) return wrong;
      }
    } else {
      engine_.sync();
      if (std::string wrong = test::recovery_difference(engine_.shard()); !wrong.empty())
        return wrong;
      if (what >= 98) {
        engine_.crash_and_restart();
        restarted_at_ = engine_.now();
      }
    }
    return test::broken_invariant(engine_.shard().book());
  }

 private:
  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return *(values.begin() + below(values.size()));
  }
  std::uint64_t units() {
    const std::uint64_t chosen = one_of<std::uint64_t>(
        {0, 1, 2, 999, 1024, 10'240, 1'000'000, 104'857'600, std::uint64_t{1} << 32,
         std::uint64_t{1} << 50, INT64_MAX, UINT64_MAX, UINT64_MAX - 1023});
    return below(2) == 0 ? chosen : below(20'000'000);
  }
  Money money() {
    return Money(one_of<std::int64_t>({0, 1, 500'000, 20'000'000, account_money_max.micros,
                                       account_money_max.micros - 1, INT64_MAX}));
  }
  std::optional<std::uint64_t> sometimes(std::uint64_t value) {
    return below(3) == 0 ? std::optional(value) : std::nullopt;
  }

  // After a tick, nothing is open that should have ended; but a start gives clients time.
  std::string tick() {
    Shard& shard = engine_.shard();
    while (shard.tick()) {
    }
    if (shard.now() < restarted_at_ + std::chrono::minutes(10)) return {};
    for (std::uint64_t n = 1; n <= shard.book().account_count(); ++n) {
      const Session* at = shard.book().account(AccountNumber(n))->sessions;
      for (; at != nullptr; at = at->account_next) {
        if (at->deadline() <= shard.now()) return "a session outlived its deadline";
      }
    }
    return {};
  }

  void fill(ServiceRequest& service) {
    const auto group = one_of<std::int64_t>({-1, 0, 7, 10, 10, 10, 20, 30, 99, 0xffffffff});
    if (group >= 0) service.rating_group = RatingGroup(static_cast<std::uint32_t>(group));
    for (std::uint64_t i = below(3); i > 0; --i) {
      service.service_identifiers.emplace_back(static_cast<std::uint32_t>(below(3)));
    }
    if (below(3) != 0) {
      RequestedUnits& asked = service.requested.emplace();
      if (auto n = sometimes(units())) asked.total_octets = *n;
      if (auto n = sometimes(units())) asked.input_octets = *n;
      if (auto n = sometimes(units())) asked.output_octets = *n;
      if (auto n = sometimes(units())) asked.seconds = static_cast<std::uint32_t>(*n);
      if (auto n = sometimes(units())) asked.events = *n;
      if (below(6) == 0) asked.money = money();
    }
    if (below(2) == 0) {
      UsedUnits& used = service.used.emplace();
      if (below(2) == 0) used.octets = units();
      if (auto n = sometimes(units())) used.seconds = *n;
      if (auto n = sometimes(units())) used.events = *n;
      if (below(6) == 0) used.money = money();
    }
  }

  void make_request() {
    request_.clear();
    session_id_ = fmt::format("s{}", below(5));
    request_.session_id = session_id_;
    request_.key.type = one_of({RequestType::initial, RequestType::initial, RequestType::update,
                                RequestType::update, RequestType::update, RequestType::termination,
                                RequestType::event});
    request_.key.number = static_cast<std::uint32_t>(below(30));
    request_.key.sub_session = below(20) == 0 ? 1 : 0;
    request_.key.content = random_();
    request_.key.end_to_end = static_cast<std::uint32_t>(random_());
    request_.retransmitted = below(20) == 0;
    request_.action = static_cast<RequestedAction>(below(4));
    request_.service_context = contexts[below(contexts.size())];
    request_.identities = {*parse_msisdn(users[below(users.size())])};
    if (below(10) == 0) request_.identities.push_back(*parse_msisdn(users[below(users.size())]));
    if (below(2) == 0) {
      request_.event_time =
          engine_.now() + std::chrono::seconds(one_of<std::int64_t>(
                              {0, -1, -100, -86'400, -90'000, 200, 400, -1'900'000'000}));
    }
    for (std::uint64_t i = below(4); i > 0; --i) {
      request_.attributes.push_back(
          {static_cast<std::uint8_t>(1 + below(21)), below(2) ? "x" : "yy"});
    }
    const std::uint64_t services = one_of<std::uint64_t>({0, 1, 1, 1, 2, 5});
    for (std::uint64_t i = 0; i < services; ++i) fill(request_.add_service());
    request_.command_level = services == 1 && below(4) == 0;
  }

  std::string ask() {
    Shard& shard = engine_.shard();
    make_request();
    const Sequence before = shard.book().last();
    shard.handle(request_);
    std::string answered;
    encode_outcome(shard.answer(), answered);
    const Sequence after = shard.book().last();
    if (std::string wrong = test::broken_invariant(shard.book()); !wrong.empty()) return wrong;
    if (after == before) return {};
    // The same content again, whatever its End-to-End-Id and arrival.
    if (below(4) == 0) engine_.sync();
    request_.key.end_to_end += 1;
    request_.event_time.reset();
    shard.handle(request_);
    std::string again;
    encode_outcome(shard.answer(), again);
    if (shard.book().last() != after) return "a repeated request was decided again";
    if (again != answered) return "a repeated request was answered otherwise";
    return {};
  }

  void operate() {
    Shard& shard = engine_.shard();
    const std::string_view user = users[below(users.size())];
    switch (below(7)) {
      case 0:
        static_cast<void>(top_up(shard, user, money(), {"op", "why", ""}));
        break;
      case 1:
        static_cast<void>(adjust(shard, user, Money(-money().micros), {"op", "why", ""}));
        break;
      case 2:
        static_cast<void>(add_subscription(shard, user, offers[below(offers.size())], {}));
        break;
      case 3:
        static_cast<void>(end_subscription(
            shard, user, SubscriptionNumber(static_cast<std::uint32_t>(1 + below(5))), {}));
        break;
      case 4:
        static_cast<void>(set_state(shard, user, static_cast<LifeState>(below(4)), {}));
        break;
      case 5:
        static_cast<void>(set_minimum_balance(
            shard, user, Money(static_cast<std::int64_t>(below(3'000'000))), {}));
        break;
      case 6: {
        const auto offset = std::chrono::seconds(below(7200)) - std::chrono::hours(1);
        const Time until = below(3) == 0 ? shard.now() + offset : never;
        const Time grace = until == never ? never : until + std::chrono::minutes(10);
        static_cast<void>(set_validity(shard, user, until, grace, {}));
        break;
      }
    }
  }

  TestEngine engine_;
  Time restarted_at_ = engine_.now();
  Request request_;
  std::string session_id_;
  std::mt19937_64 random_;
};

RC_GTEST_PROP(Hostile, NothingThatIsAskedBreaksTheEngine, ()) {
  const auto seeds = *rc::gen::scale(4.0, rc::gen::arbitrary<std::vector<std::uint64_t>>());
  Chaos chaos;
  for (std::uint64_t seed : seeds) RC_ASSERT(chaos.act(seed) == "");
}

constexpr std::string_view anna = "8613800138000";

// Makes requests of one session, each with its own number and content.
class Client {
 public:
  Client(TestEngine& engine, std::string session, std::string_view user,
         std::string_view context = "32251@3gpp.org")
      : engine_(engine), session_(std::move(session)), user_(user), context_(context) {}

  Request& begin(RequestType type) {
    request_.clear();
    request_.key = {type, number_, 0, 77u + number_, 1000u + number_};
    ++number_;
    request_.session_id = session_;
    request_.service_context = context_;
    request_.identities = {*parse_msisdn(user_)};
    return request_;
  }
  ServiceRequest& service(std::optional<std::uint32_t> group) {
    ServiceRequest& added = request_.add_service();
    if (group) added.rating_group = RatingGroup(*group);
    return added;
  }
  const Answer& send() {
    engine_.shard().handle(request_);
    return engine_.shard().answer();
  }

 private:
  TestEngine& engine_;
  std::string session_;
  std::string_view user_;
  std::string_view context_;
  std::uint32_t number_ = 0;
  Request request_;
};

const Account& account_of(TestEngine& engine, std::string_view name) {
  return *engine.shard().book().find_account(name);
}

TEST(Hostile, RefundsAndReservationsStayInRange) {
  TestEngine engine;
  for (int i = 0; i < 8; ++i) {
    Client refund(engine, fmt::format("refund{}", i), anna);
    refund.begin(RequestType::event).action = RequestedAction::refund_account;
    refund.service(10).requested.emplace().money = account_money_max;
    refund.send();
    Client holder(engine, fmt::format("hold{}", i), anna);
    holder.begin(RequestType::initial);
    holder.service(10).requested.emplace().money = account_money_max;
    holder.send();
    EXPECT_EQ(test::broken_invariant(engine.shard().book()), "");
  }
}

TEST(Hostile, OctetsReportedBesideAskedForMoneyAreCharged) {
  TestEngine engine;
  Client client(engine, "s", anna);
  client.begin(RequestType::initial);
  client.service(10).requested.emplace().total_octets = 1u << 20;
  client.send();
  client.begin(RequestType::update);
  ServiceRequest& service = client.service(10);
  service.used.emplace().octets = 1u << 20;
  service.requested.emplace().money = Money(1'000'000);
  client.send();
  EXPECT_EQ(account_of(engine, anna).balance().micros, 99'900'000);
  EXPECT_EQ(account_of(engine, anna).reserved_micros, 1'000'000);
}

// All reports of a request are charged before any of its grants takes what is left.
TEST(Hostile, AGrantDoesNotTakeTheMoneyOfAnotherServicesReport) {
  TestEngine engine;
  Client client(engine, "s", "8613800138001");
  client.begin(RequestType::initial);
  client.service(10).requested.emplace().total_octets = 1u << 20;
  client.service(20).requested.emplace().total_octets = 1u << 20;
  client.send();
  client.begin(RequestType::update);
  ServiceRequest& first = client.service(10);
  first.used.emplace().octets = 1u << 20;
  first.requested.emplace().total_octets = 100u << 20;
  client.service(20).used.emplace().octets = 8u << 20;
  client.send();
  const Account& account = account_of(engine, "8613800138001");
  EXPECT_EQ(account.overage_micros, 0);
  EXPECT_EQ(account.balance().micros, 0);
}

TEST(Hostile, ARefusalWaitsForWhatItWasReadFrom) {
  TestEngine engine;
  Client client(engine, "s", anna);
  client.begin(RequestType::initial);
  client.service(10).requested.emplace().total_octets = 1024;
  client.send();
  engine.sync();
  client.begin(RequestType::termination);
  client.send();
  // The session is closed, but a crash could open it again: whether this is one of its requests is
  // looked up once its end is durable.
  EXPECT_EQ(engine.shard().handle(client.begin(RequestType::update)), Shard::Hold::fetching);
  engine.shard().end_turn();
  EXPECT_FALSE(engine.store().read_next());
  engine.sync();
  EXPECT_TRUE(engine.store().read_next());
  EXPECT_EQ(engine.handle(client.begin(RequestType::update)), Shard::Hold::ready);
  EXPECT_EQ(engine.shard().answer().outcome, Outcome::unknown_session);
}

// A bucket that is about to end makes one grant's validity short; the other grant lives on.
TEST(Hostile, AShortGrantDoesNotEndTheSessionUnderALongOne) {
  TestEngine engine;
  constexpr std::string_view user = "8613800138003";
  Client client(engine, "s", user);
  client.begin(RequestType::initial);
  client.service(20).requested.emplace().total_octets = 1u << 20;
  client.send();
  engine.sync();
  const Bucket& bucket = account_of(engine, user).buckets.front();
  engine.advance(bucket.valid_to - engine.now() - std::chrono::seconds(5));
  while (engine.shard().tick()) {
  }
  engine.sync();
  Client again(engine, "t", user);
  again.begin(RequestType::initial);
  again.service(20).requested.emplace().total_octets = 1u << 20;
  again.send();
  again.begin(RequestType::update);
  again.service(10).requested.emplace().total_octets = 1u << 20;
  EXPECT_LE(again.send().services[0].validity_seconds, 5u);
  engine.sync();
  engine.advance(std::chrono::seconds(60));
  while (engine.shard().tick()) {
  }
  EXPECT_EQ(account_of(engine, user).session_count, 1u);
}

// The other way round: a session whose validity became short is closed when that is over.
TEST(Hostile, ASessionWhoseValidityBecameShortIsClosedInTime) {
  TestEngine engine;
  constexpr std::string_view user = "8613800138003";
  const Bucket& bucket = account_of(engine, user).buckets.front();
  engine.advance(bucket.valid_to - engine.now() - std::chrono::seconds(5));
  static_cast<void>(engine.shard().tick());
  engine.sync();
  Client client(engine, "s", user);
  client.begin(RequestType::initial);
  client.send();
  client.begin(RequestType::update);
  client.service(10).requested.emplace().total_octets = 1u << 20;
  client.send();
  engine.sync();
  engine.advance(std::chrono::seconds(20));
  while (engine.shard().tick()) {
  }
  EXPECT_EQ(account_of(engine, user).session_count, 0u);
}

// Units held when a bucket ended were promised: the report that follows may use them up.
TEST(Hostile, UnitsHeldWhenTheirBucketEndsAreStillPaidByIt) {
  TestEngine engine;
  constexpr std::string_view user = "8613800138003";
  const Bucket& bucket = account_of(engine, user).buckets.front();
  engine.advance(bucket.valid_to - engine.now() - std::chrono::seconds(5));
  engine.sync();
  Client client(engine, "s", user);
  client.begin(RequestType::initial);
  client.service(10).requested.emplace().total_octets = 1u << 20;
  client.send();
  engine.sync();
  engine.advance(std::chrono::seconds(5));
  client.begin(RequestType::update);
  ServiceRequest& service = client.service(10);
  service.used.emplace().octets = 2u << 20;
  service.requested.emplace().total_octets = 1u << 20;
  client.send();
  // One MiB was held, the other has to be paid.
  EXPECT_EQ(account_of(engine, user).balance().micros, 9'900'000);
}

TEST(Hostile, ABalanceCheckAddsItsServicesUp) {
  TestEngine engine;
  Client client(engine, "s", "8613800138001", "32274@3gpp.org");
  client.begin(RequestType::event).action = RequestedAction::check_balance;
  client.service(std::nullopt).requested.emplace().events = 3;
  client.service(1).requested.emplace().events = 3;
  EXPECT_EQ(client.send().enough_credit, false);
}

// The final report of some clients names neither a rating group nor asks for units.
TEST(Hostile, AReportWithoutARatingGroupIsOfTheOnlyGrantHeld) {
  TestEngine engine;
  Client client(engine, "s", anna);
  client.begin(RequestType::initial);
  client.service(10).requested.emplace().total_octets = 1u << 20;
  client.send();
  client.begin(RequestType::update);
  client.service(std::nullopt).used.emplace().octets = 1u << 20;
  client.send();
  EXPECT_EQ(account_of(engine, anna).balance().micros, 99'900'000);
  EXPECT_EQ(account_of(engine, anna).reserved_micros, 0);
}

// The order of service identifiers does not matter: the new grant replaces the old one.
TEST(Hostile, AServicesGrantIsReplacedWhateverTheOrderOfItsIdentifiers) {
  TestEngine engine;
  Client client(engine, "s", anna);
  client.begin(RequestType::initial);
  ServiceRequest& first = client.service(10);
  first.service_identifiers = {ServiceIdentifier(1), ServiceIdentifier(2)};
  first.requested.emplace().total_octets = 1u << 20;
  client.send();
  client.begin(RequestType::update);
  ServiceRequest& second = client.service(10);
  second.service_identifiers = {ServiceIdentifier(2), ServiceIdentifier(1)};
  second.requested.emplace().total_octets = 1u << 20;
  client.send();
  EXPECT_EQ(account_of(engine, anna).reserved_micros, 100'000);
}

// A slot of the timer wheel holds sessions of several rounds: each is looked at once in its second.
TEST(Hostile, ManySessionsThatEndTogetherEndInTime) {
  TestEngine engine;
  auto open = [&engine](int count, char round) {
    for (int i = 0; i < count; ++i) {
      Client client(engine, fmt::format("{}{}", round, i), anna);
      client.begin(RequestType::initial);
      client.send();
    }
    engine.sync();
  };
  auto tick = [&engine] {
    engine.sync();
    while (engine.shard().tick()) {
    }
    return account_of(engine, anna).session_count;
  };
  open(20'000, 'a');
  engine.advance(std::chrono::seconds(4096));
  EXPECT_EQ(tick(), 20'000u);
  open(20'000, 'b');
  engine.advance(std::chrono::seconds(7199 - 4096));
  EXPECT_EQ(tick(), 40'000u);
  engine.advance(std::chrono::seconds(2));
  EXPECT_EQ(tick(), 20'000u);
  engine.advance(std::chrono::hours(100'000));
  EXPECT_EQ(tick(), 0u);
}

// Allowances that are long over make room for new ones.
TEST(Hostile, ASubscriptionEveryMonthNeverRunsOutOfRoom) {
  TestEngine engine;
  for (int month = 0; month < 300; ++month) {
    ASSERT_TRUE(add_subscription(engine.shard(), anna, "bundle-1g", {}).has_value()) << month;
    engine.sync();
    engine.advance(std::chrono::hours(31 * 24));
  }
  EXPECT_EQ(test::recovery_difference(engine.shard()), "");
}

// Less than the least that is charged cannot be granted.
TEST(Hostile, NoGrantIsSmallerThanWhatItsFirstUnitCosts) {
  TestEngine engine;
  load_hostile_tariff(engine);
  // A minute at the least: 0.15 and 0.02 for the set-up; there is 0.10.
  static_cast<void>(adjust(engine.shard(), "8613800138001", Money(-400'000), {}));
  engine.sync();
  engine.advance(std::chrono::seconds(1));
  Client client(engine, "s", "8613800138001", "32260@3gpp.org");
  client.begin(RequestType::initial);
  client.service(1).requested.emplace().seconds = 60;
  EXPECT_EQ(client.send().services[0].outcome, Outcome::credit_limit_reached);
}

}  // namespace
}  // namespace farthing::engine
