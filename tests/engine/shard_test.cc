// Shards: batches, what is held, recovery. Charging itself stands in the transcripts; here are the
// properties: any cut of a session costs the same, and the ledger folds to what was live.
#include "engine/shard.h"

#include "engine/operations.h"
#include "tests/support/requests.h"
#include "tests/support/test_engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace farthing::engine {
namespace {

using test::request_of;
using test::TestEngine;
using test::use;

constexpr std::string_view anna = "8613800138000";

// Everything an account and its sessions hold, as text.
std::string describe(const Book& book) {
  std::string text;
  for (std::uint64_t n = 1; n <= book.account_count(); ++n) {
    const Account& account = *book.account(AccountNumber(n));
    text += fmt::format("{} {} {} {} {} last={} open={}\n", account.name, account.main_micros,
                        account.reserved_micros, account.overage_micros,
                        account.credit_limit_micros, account.last.value, account.session_count);
    for (const Bucket& bucket : account.buckets) {
      text += fmt::format("  bucket {} {} {}\n", bucket.number.value, bucket.remaining,
                          bucket.reserved);
    }
    std::vector<std::string> sessions;
    for (const Session* s = account.sessions; s != nullptr; s = s->account_next) {
      std::string line = fmt::format("  session {} {} heard={} validity={}", s->id, s->last.value,
                                     s->heard_at.time_since_epoch().count(), s->validity_seconds);
      for (const Segment& segment : s->segments) {
        line += fmt::format(" [{} {} {} {}]", segment.used, segment.consumed_units,
                            segment.charged_micros, segment.reserved_micros);
      }
      for (const HeldGrant& grant : s->grants) line += fmt::format(" grant {}", grant.units);
      for (const BucketHold& hold : s->holds) line += fmt::format(" hold {}", hold.units);
      sessions.push_back(line + "\n");
    }
    std::sort(sessions.begin(), sessions.end());
    for (const std::string& line : sessions) text += line;
  }
  return text;
}

TEST(Shard, AnAnswerIsHeldUntilItsEntryIsDurable) {
  TestEngine engine;
  Request request;
  request = request_of(RequestType::initial, 0, "a", anna);
  use(request, 0, 1024);
  int sealed = 0;
  int released = 0;
  engine.shard().set_hooks({[&] { ++sealed; }, [&] { ++released; }});
  EXPECT_EQ(engine.shard().handle(request), Shard::Hold::held);
  EXPECT_EQ(sealed, 0);
  engine.shard().end_turn();
  EXPECT_EQ(sealed, 1);
  EXPECT_EQ(released, 0);
  ASSERT_TRUE(engine.store().append_under_way());

  // A repeated request, a balance check and a read of the account wait for the same sync.
  EXPECT_EQ(engine.shard().handle(request), Shard::Hold::held);
  Request check;
  check = request_of(RequestType::event, 0, "check", anna);
  use(check, 0, 1024);
  check.action = RequestedAction::check_balance;
  EXPECT_EQ(engine.shard().handle(check), Shard::Hold::held);
  bool read = false;
  engine.shard().when_durable([&] { read = true; });
  EXPECT_FALSE(read);

  engine.store().sync();
  EXPECT_TRUE(read);
  EXPECT_EQ(released, 2);  // the batch, and what was held for it without an entry of its own
  EXPECT_EQ(sealed, 2);
  EXPECT_EQ(engine.shard().handle(request), Shard::Hold::ready);
  EXPECT_EQ(engine.shard().handle(check), Shard::Hold::ready);
}

TEST(Shard, WhileOneBatchIsWrittenTheNextGathers) {
  TestEngine engine;
  Request request;
  request = request_of(RequestType::initial, 0, "a", anna);
  use(request, 0, 1024);
  engine.shard().handle(request);
  engine.shard().end_turn();
  const Sequence first = engine.shard().book().last();
  for (int i = 0; i < 5; ++i) {
    const std::string session = fmt::format("b{}", i);
    request = request_of(RequestType::initial, 0, session, anna);
    use(request, 0, 1024);
    engine.shard().handle(request);
    engine.shard().end_turn();
  }
  EXPECT_EQ(engine.store().end().last.value, first.value - 1);
  engine.store().sync();
  EXPECT_EQ(engine.store().end().last, first);
  engine.store().sync();
  EXPECT_EQ(engine.store().end().last.value, first.value + 5);  // one record
}

TEST(Shard, WhatWasNotDurableNeverHappened) {
  TestEngine engine;
  const std::string before = describe(engine.shard().book());
  Request request;
  request = request_of(RequestType::initial, 0, "a", anna);
  use(request, 0, 1024);
  engine.shard().handle(request);
  engine.shard().end_turn();
  engine.crash_and_restart();
  EXPECT_EQ(describe(engine.shard().book()), before);
  // The client sends it again, and it is decided as if for the first time.
  request.retransmitted = true;
  engine.shard().handle(request);
  EXPECT_EQ(engine.shard().metrics().duplicates.value(), 0u);
}

TEST(Shard, TopUpsAreIdempotentByRequestId) {
  TestEngine engine;
  const Note note{"anna", "gift", "key-1"};
  const auto first = top_up(engine.shard(), anna, Money(5), note);
  ASSERT_TRUE(first.has_value());
  engine.sync();
  engine.crash_and_restart();
  const auto again = top_up(engine.shard(), anna, Money(5), note);
  ASSERT_TRUE(again.has_value());
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->sequence, first->sequence);
  EXPECT_EQ(top_up(engine.shard(), anna, Money(6), note).error().code, Refusal::Code::conflict);
  EXPECT_EQ(adjust(engine.shard(), anna, Money(5), note).error().code, Refusal::Code::conflict);
  EXPECT_EQ(top_up(engine.shard(), "8613800138001", Money(5), note).error().code,
            Refusal::Code::conflict);
  EXPECT_EQ(engine.shard().book().find_account(anna)->balance().micros, 100'000'005);
}

TEST(Shard, AnAccountNamedByAnMsisdnIsFoundWithAPlus) {
  TestEngine engine;
  const Book& book = engine.shard().book();
  ASSERT_NE(book.find_account("+491700000001"), nullptr);
  EXPECT_EQ(book.find_account("+491700000001"), book.find_account("491700000001"));
  EXPECT_EQ(book.find_account("+"), nullptr);
}

TEST(Shard, AnAdjustmentTakesNoMoreThanIsAvailable) {
  TestEngine engine;
  EXPECT_EQ(adjust(engine.shard(), anna, Money(-100'000'001), {}).error().code,
            Refusal::Code::refused);
  EXPECT_TRUE(adjust(engine.shard(), anna, Money(-100'000'000), {}).has_value());
}

// What a session of `total` octets in rating group 10 costs, in rational arithmetic of its own:
// 0.10 a MiB in steps of 1 KiB, rounded half away from zero to a millionth.
std::int64_t demo_price_micros(std::uint64_t total) {
  const std::uint64_t steps = (total + 1023) / 1024;
  // 100000 micros / 1024 steps = 3125 / 32 micros a step.
  return static_cast<std::int64_t>((steps * 3125 * 2 + 32) / 64);
}

RC_GTEST_PROP(Charging, ASessionCostsTheSameHoweverItIsCut, ()) {
  const auto parts = *rc::gen::container<std::vector<std::uint64_t>>(
      rc::gen::inRange<std::uint64_t>(0, 20'000'000));
  TestEngine engine;
  Request request;
  std::uint32_t number = 0;
  std::uint64_t total = 0;
  request = request_of(RequestType::initial, number, "s", anna);
  use(request, 0, 1u << 20);
  engine.shard().handle(request);
  for (std::uint64_t part : parts) {
    request = request_of(RequestType::update, ++number, "s", anna);
    use(request, part, 1u << 20);
    engine.shard().handle(request);
    total += part;
    if (number % 3 == 0) {
      engine.sync();
      engine.crash_and_restart();
    }
  }
  request = request_of(RequestType::termination, ++number, "s", anna);
  engine.shard().handle(request);
  const Account& account = *engine.shard().book().find_account(anna);
  const std::int64_t price = demo_price_micros(total);
  RC_ASSERT(account.reserved_micros == 0);
  RC_ASSERT(account.overage_micros == std::max<std::int64_t>(price - 100'000'000, 0));
  RC_ASSERT(account.main_micros == 100'000'000 - std::min<std::int64_t>(price, 100'000'000));
}

// Random sessions, events and operations on few accounts; at every restart the ledger must fold to
// exactly what was live, and grants must be covered by what is reserved.
RC_GTEST_PROP(Recovery, TheLedgerFoldsToWhatWasLive, ()) {
  TestEngine engine;
  Request request;
  const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int, std::uint32_t>>>(
      rc::gen::tuple(rc::gen::inRange(0, 10), rc::gen::inRange(0, 6), rc::gen::inRange(0, 4),
                     rc::gen::arbitrary<std::uint32_t>()));
  std::uint32_t number = 0;
  const std::array<std::string_view, 4> users = {anna, "8613800138001", "8613800138003",
                                                 "8613800138004"};
  for (const auto& [what, session_index, user_index, units] : steps) {
    const std::string session = fmt::format("s{}", session_index);
    const std::string_view user = users[static_cast<std::size_t>(user_index)];
    engine.advance(std::chrono::seconds(units % 2000));
    switch (what) {
      case 0:
      case 1:
        request = request_of(RequestType::initial, ++number, session, user);
        use(request, 0, units);
        engine.shard().handle(request);
        break;
      case 2:
      case 3:
      case 4:
        request = request_of(RequestType::update, ++number, session, user);
        use(request, units, units / 2 + 1);
        engine.shard().handle(request);
        break;
      case 5:
        request = request_of(RequestType::termination, ++number, session, user);
        use(request, units % 9999, 0);
        engine.shard().handle(request);
        break;
      case 6:
        request = request_of(RequestType::event, ++number, session, user);
        request.service_context = "32274@3gpp.org";
        request.add_service().requested.emplace().events = units % 20;
        request.action =
            units % 2 == 0 ? RequestedAction::direct_debiting : RequestedAction::refund_account;
        engine.shard().handle(request);
        break;
      case 7:
        static_cast<void>(top_up(engine.shard(), user, Money(units), {"op", "why", ""}));
        break;
      case 8:
        static_cast<void>(engine.shard().tick());
        static_cast<void>(add_subscription(engine.shard(), user, "bundle-1g", {}));
        break;
      case 9: {
        engine.sync();
        const std::string live = describe(engine.shard().book());
        engine.crash_and_restart();
        RC_ASSERT(describe(engine.shard().book()) == live);
        break;
      }
    }
    for (std::uint64_t n = 1; n <= engine.shard().book().account_count(); ++n) {
      const Account& account = *engine.shard().book().account(AccountNumber(n));
      RC_ASSERT(account.main_micros >= -account.credit_limit_micros);
      RC_ASSERT(account.reserved_micros >= 0);
      std::int64_t reserved = 0;
      for (const Session* s = account.sessions; s != nullptr; s = s->account_next) {
        for (const Segment& segment : s->segments) reserved += segment.reserved_micros;
      }
      RC_ASSERT(reserved == account.reserved_micros);
      if (account.session_count == 0) RC_ASSERT(account.reserved_micros == 0);
    }
  }
}

}  // namespace
}  // namespace farthing::engine
