// The life cycle of a subscriber: idle until it is used, suspended one way and both, terminated; as
// sessions and events meet it, and as it outlives crashes, checkpoints and eviction.
#include "engine/operations.h"
#include "engine/verify.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace farthing::engine {
namespace {

using test::TestEngine;
using testing::HasSubstr;

constexpr std::string_view anna = "8613800138000";  // 100.00
constexpr std::string_view data = "32251@3gpp.org";
constexpr std::string_view voice = "32260@3gpp.org";
constexpr std::string_view messages = "32274@3gpp.org";
constexpr std::uint64_t mib = 1u << 20;
const Note note{"anna", "test", ""};

// Data at 0.10 a MiB, a portal that is free, calls at 0.60 a minute, emergency calls.
constexpr std::string_view tariff_text = R"(tariff: lives
currency: CNY
time_zone: UTC
valid_from: 2026-01-01T00:00:00
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 10 MiB, minimum: 1 KiB, validity: 1 h}
    rating_groups: {10: web, 20: portal, 30: top-up}
    prices:
      - {rating_group: web, amount: 0.10, per: 1 MiB}
      - {rating_group: portal, price: free}
      - {rating_group: top-up, price: free, always: true}
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 1 h}
    prices:
      - {default: true, called: 110, price: free, always: true}
      - {default: true, amount: 0.60, per: 1 min}
  messages:
    context: 32274@3gpp.org
    unit: events
    grant: {maximum: 10}
    prices: [{default: true, amount: 0.10, per: 1}]
offers:
  - name: daily
    fee: 1.00
    fees: {idle: 0, suspended: 0.20, suspended-outgoing: 0.50}
    period: day
    allowance: 1 MiB
    covers: [{service: data}]
)";

class LifeCycle : public testing::Test {
 protected:
  LifeCycle() {
    const std::string source = tariffs::canonical_bytes({std::string(tariff_text), {}});
    const auto tariff = tariffs::compile_tariff("lives.yaml", source);
    EXPECT_TRUE(tariff.has_value());
    engine_.shard().enter_tariff(*tariff, source);
  }

  static ShardOptions options() {
    ShardOptions options;
    options.accounts_memory_bytes = 1;  // what may go, goes
    return options;
  }

  void set(LifeState state, std::string_view msisdn = anna) {
    const auto done = set_state(engine_.shard(), msisdn, state, note);
    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_FALSE(done->repeated);
  }
  LifeState state() { return account().subscribers[0].state; }

  Outcome outcome(Request& request) {
    engine_.handle(request);
    EXPECT_EQ(test::broken_invariant(engine_.shard().book()), "");
    const Answer& answer = engine_.shard().answer();
    return answer.outcome != Outcome::success || answer.service_count == 0
               ? answer.outcome
               : answer.services[0].outcome;
  }
  void begin(RequestType type, std::string_view session, std::string_view context) {
    request_.clear();
    request_.key = {type, number_, 0, number_ + 7u, number_ + 100u};
    ++number_;
    request_.session_id = session;
    request_.service_context = context;
    request_.identities = {*parse_msisdn(anna)};
    request_.event_time = engine_.now();
  }
  void say(AttributeId id, std::string_view value) {
    request_.attributes.push_back({static_cast<std::uint8_t>(id), value});
  }
  Outcome surf(RequestType type, std::string_view session, std::uint32_t group,
               std::uint64_t used_mib, std::uint64_t asked_mib) {
    begin(type, session, data);
    ServiceRequest& one = request_.add_service();
    one.rating_group = RatingGroup(group);
    if (used_mib > 0) one.used.emplace().octets = used_mib * mib;
    if (asked_mib > 0) one.requested.emplace().total_octets = asked_mib * mib;
    return outcome(request_);
  }
  // `role`: "" or the bytes of Role-Of-Node.
  Outcome call(std::string_view session, std::string_view called, std::string_view role = {}) {
    begin(RequestType::initial, session, voice);
    say(AttributeId::called_party, called);
    if (!role.empty()) say(AttributeId::role_of_node, role);
    request_.add_service().requested.emplace().seconds = 60;
    return outcome(request_);
  }
  Outcome text(std::string_view session, std::string_view from, std::string_view to) {
    begin(RequestType::event, session, messages);
    request_.action = RequestedAction::direct_debiting;
    say(AttributeId::recipient, to);
    say(AttributeId::originator, from);
    request_.add_service().requested.emplace().events = 1;
    return outcome(request_);
  }

  void expect_proved() { EXPECT_EQ(test::proof_failure(engine_.store()), ""); }
  const Account& account() {
    const Account* found = nullptr;
    Needs needs;
    needs.names = {std::string(anna)};
    engine_.shard().when_here(
        needs, [&](std::string_view) { found = engine_.shard().book().find_account(anna); });
    while (found == nullptr) {
      engine_.sync();
      EXPECT_TRUE(engine_.store().read_next());
    }
    return *found;
  }

  TestEngine engine_{options()};
  Request request_;
  std::uint32_t number_ = 0;
};

constexpr std::string_view originating("\0\0\0\0", 4);
constexpr std::string_view terminating("\0\0\0\1", 4);

TEST_F(LifeCycle, TheFirstThingServedThatHasAPriceMakesItActive) {
  set(LifeState::idle);
  EXPECT_EQ(surf(RequestType::initial, "a", 20, 0, 1), Outcome::success);
  EXPECT_EQ(call("b", "110"), Outcome::success);
  EXPECT_EQ(surf(RequestType::update, "a", 99, 0, 1), Outcome::rating_failed);
  EXPECT_EQ(state(), LifeState::idle) << "nothing had a price";
  const Sequence before = engine_.shard().book().last();
  EXPECT_EQ(surf(RequestType::update, "a", 10, 0, 1), Outcome::success);
  EXPECT_EQ(state(), LifeState::active);
  EXPECT_EQ(engine_.shard().book().last().value, before.value + 1) << "by the entry of what it did";
  engine_.sync();
  engine_.crash_and_restart();
  EXPECT_EQ(state(), LifeState::active);
  expect_proved();
}

TEST_F(LifeCycle, ItBeginsInTheStateThatIsTold) {
  constexpr std::string_view dora = "8613800138044";
  const auto add = [this](LifeState state) {
    return add_subscriber(engine_.shard(), dora, anna, "", note, state);
  };
  const auto refused = add(LifeState::terminated);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("expected idle, active"), std::string::npos);
  ASSERT_TRUE(add(LifeState::idle).has_value());
  EXPECT_EQ(account().subscribers.back().state, LifeState::idle);
  EXPECT_TRUE(add(LifeState::idle)->repeated);
  engine_.checkpoint();
  expect_proved();
}

TEST_F(LifeCycle, AnEventMakesItActiveToo) {
  set(LifeState::idle);
  EXPECT_EQ(text("a", "+8613800138000", "+4930"), Outcome::success);
  EXPECT_EQ(state(), LifeState::active);
}

TEST_F(LifeCycle, SuspendedOneWayItIsStillCalledAndGetsMessages) {
  EXPECT_EQ(surf(RequestType::initial, "open", 10, 0, 1), Outcome::success);
  set(LifeState::suspended_outgoing);
  EXPECT_EQ(surf(RequestType::update, "open", 10, 1, 1), Outcome::service_denied);
  EXPECT_EQ(account().balance().micros, 99'900'000) << "what was used is charged";
  EXPECT_EQ(surf(RequestType::initial, "a", 10, 0, 1), Outcome::service_denied);
  EXPECT_EQ(surf(RequestType::initial, "b", 30, 0, 1), Outcome::success) << "served always";
  EXPECT_EQ(call("c", "+4930"), Outcome::service_denied) << "it does not say that it comes in";
  EXPECT_EQ(call("d", "+4930", originating), Outcome::service_denied);
  EXPECT_EQ(call("e", "+8613800138000", terminating), Outcome::success);
  EXPECT_EQ(call("f", "110", originating), Outcome::success);
  EXPECT_EQ(text("g", "+8613800138000", "+4930"), Outcome::service_denied);
  EXPECT_EQ(text("h", "+4930", "+8613800138000"), Outcome::success);
  EXPECT_EQ(text("i", "+4930", "+86138001380001"), Outcome::service_denied) << "another's number";
  EXPECT_EQ(text("j", "+8613800138000", "+8613800138000"), Outcome::service_denied) << "to itself";
  set(LifeState::active);
  EXPECT_EQ(surf(RequestType::update, "open", 10, 0, 1), Outcome::success);
}

TEST_F(LifeCycle, SuspendedOnlyWhatIsServedAlwaysGoesOn) {
  set(LifeState::suspended);
  EXPECT_EQ(call("a", "+8613800138000", terminating), Outcome::service_denied);
  EXPECT_EQ(surf(RequestType::initial, "b", 20, 0, 1), Outcome::service_denied) << "free, no more";
  EXPECT_EQ(surf(RequestType::initial, "c", 30, 0, 1), Outcome::success);
  EXPECT_EQ(call("d", "110"), Outcome::success);
}

TEST_F(LifeCycle, TerminatedItIsUnknownAndItsNumbersCanBeAddedAnew) {
  EXPECT_EQ(surf(RequestType::initial, "open", 10, 0, 1), Outcome::success);
  set(LifeState::terminated);
  EXPECT_EQ(surf(RequestType::update, "open", 10, 1, 1), Outcome::service_denied);
  EXPECT_EQ(surf(RequestType::initial, "a", 10, 0, 1), Outcome::user_unknown);
  EXPECT_FALSE(set_state(engine_.shard(), anna, LifeState::active, note).has_value());
  ASSERT_TRUE(create_account(engine_.shard(), "next", AccountKind::prepaid, {}, note).has_value());
  ASSERT_TRUE(add_subscriber(engine_.shard(), anna, "next", "460001234567890", note).has_value());
  EXPECT_EQ(surf(RequestType::initial, "b", 10, 0, 1), Outcome::credit_limit_reached);
  ASSERT_TRUE(top_up(engine_.shard(), "next", Money(1'000'000), note).has_value());
  EXPECT_EQ(surf(RequestType::initial, "c", 10, 0, 1), Outcome::success);
  EXPECT_EQ(surf(RequestType::termination, "c", 10, 1, 0), Outcome::success);
  EXPECT_EQ(surf(RequestType::termination, "open", 10, 1, 0), Outcome::success);
  EXPECT_EQ(account().balance().micros, 99'800'000);
  EXPECT_EQ(engine_.shard().book().find_account("next")->balance().micros, 900'000);
  engine_.sync();
  engine_.crash_and_restart();
  EXPECT_EQ(surf(RequestType::initial, "d", 10, 0, 1), Outcome::success);
  EXPECT_EQ(engine_.shard().book().find_account("next")->session_count, 2u) << "the poor one, too";
  expect_proved();
}

// Each with everything written back and evicted between one step and the next.
TEST_F(LifeCycle, RowsSayWhoseANumberIs) {
  const auto put_away = [this] {
    engine_.checkpoint();
    for (int turns = 0; turns < 8; ++turns) engine_.shard().end_turn();
    expect_proved();
  };
  put_away();
  EXPECT_EQ(surf(RequestType::initial, "before", 10, 0, 1), Outcome::success) << "it is fetched";
  EXPECT_EQ(surf(RequestType::termination, "before", 10, 0, 0), Outcome::success);
  set(LifeState::terminated);
  put_away();
  EXPECT_EQ(surf(RequestType::initial, "a", 10, 0, 1), Outcome::user_unknown);
  ASSERT_TRUE(create_account(engine_.shard(), "next", AccountKind::hybrid, Money(5'000'000), note)
                  .has_value());
  ASSERT_TRUE(add_subscriber(engine_.shard(), anna, "next", "", note).has_value());
  put_away();
  EXPECT_EQ(surf(RequestType::initial, "b", 10, 0, 1), Outcome::success);
  EXPECT_EQ(surf(RequestType::termination, "b", 10, 1, 0), Outcome::success);
  EXPECT_EQ(engine_.shard().book().find_account("next")->balance().micros, -100'000);
  set(LifeState::terminated);
  ASSERT_TRUE(add_subscriber(engine_.shard(), anna, "next", "", note).has_value());
  put_away();
  EXPECT_EQ(surf(RequestType::initial, "c", 10, 0, 1), Outcome::success);
  engine_.sync();
  engine_.crash_and_restart();
  EXPECT_EQ(engine_.shard().book().find_account("next")->sessions->subscriber, SubscriberNumber(2));
}

TEST_F(LifeCycle, WhatATerminatedSubscriberHasEndsWithItsPeriod) {
  ASSERT_TRUE(add_subscription(engine_.shard(), anna, "daily", note).has_value());
  EXPECT_EQ(account().balance().micros, 99'000'000);
  set(LifeState::terminated);
  engine_.sync();
  engine_.advance(std::chrono::hours(72));
  while (engine_.shard().tick()) engine_.sync();
  EXPECT_EQ(account().balance().micros, 99'000'000);
  EXPECT_TRUE(account().subscriptions.empty());
}

TEST_F(LifeCycle, AFeeGoesByTheStateWhenItsPeriodBegins) {
  const auto next_day = [this] {
    engine_.sync();
    engine_.advance(std::chrono::hours(24));
    while (engine_.shard().tick()) engine_.sync();
    return account().balance().micros;
  };
  set(LifeState::idle);
  ASSERT_TRUE(add_subscription(engine_.shard(), anna, "daily", note).has_value());
  EXPECT_EQ(account().balance().micros, 100'000'000);
  set(LifeState::suspended_outgoing);
  EXPECT_EQ(next_day(), 99'500'000);
  set(LifeState::suspended);
  EXPECT_EQ(next_day(), 99'300'000);
  set(LifeState::active);
  EXPECT_EQ(next_day(), 98'300'000);
}

TEST_F(LifeCycle, OneRequestIdStandsForOneChange) {
  const Note once{"anna", "test", "change-1"};
  const auto done = set_state(engine_.shard(), anna, LifeState::terminated, once);
  ASSERT_TRUE(done.has_value());
  const auto again = set_state(engine_.shard(), anna, LifeState::terminated, once);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->sequence, done->sequence);
  engine_.checkpoint();
  engine_.crash_and_restart();
  Needs needs;
  needs.request_ids = {"change-1"};
  std::string said;
  engine_.shard().when_here(needs, [&](std::string_view) {
    const auto other = set_state(engine_.shard(), anna, LifeState::active, once);
    if (!other.has_value()) said = other.error().message;
  });
  engine_.sync();
  while (engine_.store().read_next()) {
  }
  EXPECT_THAT(said, HasSubstr("request id change-1 was used before, for a subscriber_changed"));
}

TEST_F(LifeCycle, EntriesOfTheDaysWhenThereWasOnlyBarringReadTheSame) {
  Entry entry;
  entry.kind = EntryKind::subscriber_changed;
  entry.account = AccountNumber(1);
  entry.previous = Sequence(6);
  entry.state_change = StateChange{SubscriberNumber(1), LifeState::suspended};
  std::string bytes;
  encode_entry(entry, Sequence(7), bytes);
  EXPECT_EQ(bytes, std::string("\x05\x80\x20\x01\x00\x01\x01\x01", 8)) << "barred: 1";
  bytes.back() = 5;
  std::string_view rest = bytes;
  EXPECT_FALSE(decode_entry(rest, Sequence(7), entry)) << "no state";
}

}  // namespace
}  // namespace farthing::engine
