// What is not in memory is as if it were: accounts evicted and fetched, rounds of write-back cut
// off anywhere, duplicates read back from the ledger. The fold of the whole ledger is the judge.
#include "engine/checkpoint.h"
#include "engine/operations.h"
#include "engine/outcome.h"
#include "engine/verify.h"
#include "tests/support/invariants.h"
#include "tests/support/requests.h"
#include "tests/support/test_engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace farthing::engine {
namespace {

using test::request_of;
using test::TestEngine;
using test::use;

constexpr std::string_view anna = "8613800138000";
constexpr std::string_view bundle_user = "8613800138003";

ShardOptions small_options() {
  ShardOptions options;
  options.accounts_memory_bytes = 1;  // everything that may leave memory does
  options.checkpoint_interval = std::chrono::seconds(1);
  options.checkpoint_rows_a_step = 2;
  return options;
}

// Brings an account into memory for a look at it.
const Account* fetched(TestEngine& engine, AccountNumber number) {
  Needs needs;
  needs.numbers.push_back(number);
  const Account* account = nullptr;
  engine.shard().when_here(std::move(needs), [&](std::string_view error) {
    EXPECT_EQ(error, "");
    account = engine.shard().book().account(number);
  });
  engine.sync();
  while (account == nullptr && engine.store().read_next()) {
  }
  return account;
}

void expect_what_the_ledger_says(TestEngine& engine) {
  engine.sync();
  Verifier verifier(engine.store());
  ASSERT_TRUE(verifier.fold_to(engine.shard().book().last(), [](Sequence) { return true; }));
  ASSERT_EQ(verifier.book().account_count(), engine.shard().book().account_count());
  ASSERT_EQ(verifier.book().session_count(), engine.shard().book().session_count());
  for (std::uint64_t n = 1; n <= engine.shard().book().account_count(); ++n) {
    const Account* const account = fetched(engine, AccountNumber(n));
    ASSERT_NE(account, nullptr) << n;
    EXPECT_EQ(first_difference(account_state(*verifier.book().account(AccountNumber(n))),
                               account_state(*account)),
              "")
        << "account " << n;
    EXPECT_EQ(account_fingerprint(*verifier.book().account(AccountNumber(n))),
              account_fingerprint(*account));
  }
}

std::uint64_t rows_of(TestEngine& engine, storage::Table table) {
  std::uint64_t rows = 0;
  const auto visited = engine.store().visit(table, {}, [&](std::string_view, std::string_view) {
    ++rows;
    return true;
  });
  EXPECT_TRUE(visited.has_value());
  return rows;
}

TEST(Checkpoint, ARestartReplaysOnlyWhatFollows) {
  TestEngine engine;
  Request opening = request_of(RequestType::initial, 0, "s", anna);
  use(opening, 0, 1024);
  engine.handle(opening);
  engine.checkpoint();
  EXPECT_EQ(rows_of(engine, storage::Table::accounts), engine.shard().book().account_count());
  EXPECT_EQ(rows_of(engine, storage::Table::sessions), 1u);
  engine.crash_and_restart();
  // Only the session's account is here; the rest is where it was.
  EXPECT_EQ(engine.shard().book().accounts().size(), 1u);
  EXPECT_EQ(engine.shard().book().session_count(), 1u);
  Request report = request_of(RequestType::update, 1, "s", anna);
  use(report, 1000, 1024);
  EXPECT_NE(engine.handle(report), Shard::Hold::fetching);
  EXPECT_EQ(engine.shard().answer().outcome, Outcome::success);
  expect_what_the_ledger_says(engine);
}

TEST(Checkpoint, AnAccountIsEvictedAndFetchedAgain) {
  TestEngine engine(small_options());
  engine.checkpoint();
  for (int i = 0; i < 4; ++i) engine.shard().end_turn();  // the clock hand goes round twice
  EXPECT_EQ(engine.shard().book().accounts().size(), 0u);
  EXPECT_EQ(engine.shard().book().find_account(anna), nullptr);
  Request opening = request_of(RequestType::initial, 0, "s", anna);
  use(opening, 0, 1024);
  EXPECT_EQ(engine.shard().handle(opening), Shard::Hold::fetching);
  EXPECT_NE(engine.handle(opening), Shard::Hold::ready);
  EXPECT_EQ(engine.shard().answer().outcome, Outcome::success);
  EXPECT_EQ(engine.shard().book().find_account(anna)->balance(), Money(100'000'000));
  // Whoever is nobody's is looked up once.
  Request unknown = request_of(RequestType::initial, 0, "u", "999");
  engine.handle(unknown);
  EXPECT_EQ(engine.shard().answer().outcome, Outcome::user_unknown);
  EXPECT_NE(engine.shard().handle(unknown), Shard::Hold::fetching);
}

// Found by the simulator: "unable to comply", as if the store could not be read.
TEST(Checkpoint, WhoStopsBeingSomebodyWhileARequestWaitsIsUnknown) {
  TestEngine engine(small_options());
  engine.checkpoint();
  for (int i = 0; i < 4; ++i) engine.shard().end_turn();
  Needs needs;
  needs.names.emplace_back(anna);
  bool is_terminated = false;
  engine.shard().when_here(std::move(needs), [&](std::string_view) {
    is_terminated =
        set_state(engine.shard(), anna, LifeState::terminated, {"op", "gone", ""})
            .has_value();
  });
  Request opening = request_of(RequestType::initial, 0, "s", anna);
  use(opening, 0, 1024);
  ASSERT_EQ(engine.shard().handle(opening), Shard::Hold::fetching);
  EXPECT_NE(engine.handle(opening), Shard::Hold::fetching);
  EXPECT_TRUE(is_terminated);
  EXPECT_EQ(engine.shard().answer().outcome, Outcome::user_unknown);
}

TEST(Checkpoint, WorkOnManyAccountsWaitsWhileARoundIsUnderWay) {
  ShardOptions options = small_options();
  options.checkpoint_rows_max = 1;
  TestEngine engine(options);
  auto change = [&] {
    ASSERT_TRUE(top_up(engine.shard(), anna, Money(5), {"a", "b", ""}).has_value());
  };
  Needs room;
  room.room = true;
  bool done = false;
  auto ask_for_room = [&] {
    done = false;
    engine.shard().when_here(room, [&](std::string_view) { done = true; });
  };
  change();
  ask_for_room();
  EXPECT_TRUE(done);  // much has changed, but the next round can begin at once
  while (!engine.store().round_under_way()) {
    engine.shard().tick();
    engine.sync();
  }
  ask_for_room();
  EXPECT_TRUE(done);
  change();
  EXPECT_TRUE(engine.shard().is_behind());
  ask_for_room();
  EXPECT_FALSE(done);
  engine.store().finish_round();
  EXPECT_TRUE(done);
  EXPECT_FALSE(engine.shard().is_behind());
}

TEST(Checkpoint, ARequestIdIsKnownWhenItsAccountIsNot) {
  TestEngine engine(small_options());
  ASSERT_TRUE(top_up(engine.shard(), anna, Money(5), {"a", "b", "voucher"}).has_value());
  engine.checkpoint();
  for (int i = 0; i < 4; ++i) engine.shard().end_turn();
  engine.crash_and_restart();
  Needs needs;
  needs.names.emplace_back(anna);
  needs.request_ids.emplace_back("voucher");
  std::optional<Operation> again;
  engine.shard().when_here(needs, [&](std::string_view) {
    again = top_up(engine.shard(), anna, Money(5), {"a", "b", "voucher"});
  });
  engine.sync();
  while (engine.store().read_next()) {
  }
  ASSERT_TRUE(again && again->has_value());
  EXPECT_TRUE((*again)->repeated);
}

TEST(Checkpoint, ADuplicateIsAnsweredAlikeLongAfterwards) {
  for (bool restart : {false, true}) {
    TestEngine engine(small_options());
    std::vector<Request> requests;
    requests.push_back(request_of(RequestType::initial, 0, "s", anna));
    for (std::uint32_t i = 1; i < 30; ++i) {
      requests.push_back(request_of(RequestType::update, i, "s", anna));
    }
    requests.push_back(request_of(RequestType::termination, 30, "s", anna));
    requests.push_back(request_of(RequestType::event, 0, "e", anna));
    std::vector<std::string> answers;
    auto answer = [&](std::size_t i) {
      Request request = requests[i];
      use(request, request.key.type == RequestType::update ? 700 * i : 0,
          request.key.type == RequestType::termination ? 0 : 1024 * (i + 1));
      EXPECT_NE(engine.handle(request), Shard::Hold::fetching);
      std::string bytes;
      encode_outcome(engine.shard().answer(), bytes);
      return bytes;
    };
    for (std::size_t i = 0; i < 30; ++i) answers.push_back(answer(i));
    // Of an open session: those that its memory holds, and those that only the ledger does.
    for (std::size_t i = 0; i < 30; ++i) EXPECT_EQ(answer(i), answers[i]) << i;
    answers.push_back(answer(30));
    answers.push_back(answer(31));
    engine.checkpoint();
    if (restart) engine.crash_and_restart();
    const Sequence before = engine.shard().book().last();
    for (std::size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(answer(i), answers[i]) << i;
    EXPECT_EQ(engine.shard().book().last(), before);
    // Until the filters are made again after a start, and then with them.
    for (int i = 0; i < 5; ++i) {
      engine.advance(std::chrono::seconds(2));
      engine.shard().tick();
      engine.sync();
      while (engine.store().read_next()) {
      }
    }
    EXPECT_EQ(answer(3), answers[3]);
    Request fresh = request_of(RequestType::initial, 0, "another", anna);
    use(fresh, 0, 1024);
    EXPECT_NE(engine.shard().handle(fresh), Shard::Hold::fetching);
  }
}

// A driver of everything that write-back, eviction and recovery can meet, in any order.
class Drive {
 public:
  explicit Drive(std::uint32_t seed) : random_(seed), engine_(small_options()) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      if (testing::Test::HasFailure()) return;
    }
    expect_what_the_ledger_says(engine_);
    engine_.checkpoint();
    engine_.crash_and_restart();
    expect_what_the_ledger_says(engine_);
  }

 private:
  std::uint32_t draw(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }

  void step() {
    switch (draw(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return session();
      case 4:
        return add_money();
      case 5:
        return engine_.sync();
      case 6:
        engine_.advance(std::chrono::seconds(draw(3)));
        if (draw(40) == 0) engine_.advance(std::chrono::hours(3));
        engine_.shard().tick();
        return;
      case 7:
      case 8:
        engine_.shard().tick();
        return;
      case 9:
        engine_.store().finish_round();
        return;
      case 10:
        engine_.shard().end_turn();
        return;
      case 11:
        if (draw(8) == 0) {
          engine_.crash_and_restart();
          sessions_.clear();
          expect_what_the_ledger_says(engine_);
        }
    }
  }

  void session() {
    const std::string user = fmt::format("861380013800{}", draw(5));
    auto [number, fresh] = sessions_.try_emplace(user, 0);
    const RequestType type = fresh          ? RequestType::initial
                             : draw(5) == 0 ? RequestType::termination
                                            : RequestType::update;
    if (fresh) ++opened_;
    const std::string id = fmt::format("{}-{}", user, fresh ? opened_ : ids_[user]);
    if (fresh) ids_[user] = opened_;
    Request request = request_of(type, number->second++, id, user);
    use(request, fresh ? 0 : draw(200'000), type == RequestType::termination ? 0 : 100'000);
    engine_.handle(request);
    if (type == RequestType::termination) sessions_.erase(user);
  }

  void add_money() {
    Needs needs;
    needs.names.emplace_back(bundle_user);
    engine_.shard().when_here(std::move(needs), [&](std::string_view) {
      EXPECT_TRUE(top_up(engine_.shard(), bundle_user, Money(1 + draw(1000)), {"a", "b", ""}));
    });
  }

  std::mt19937 random_;
  TestEngine engine_;
  std::map<std::string, std::uint32_t> sessions_;
  std::map<std::string, std::uint32_t> ids_;
  std::uint32_t opened_ = 0;
};

TEST(Checkpoint, WhateverHappensTheLedgerSaysTheSame) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Drive(seed).run(400);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace farthing::engine
