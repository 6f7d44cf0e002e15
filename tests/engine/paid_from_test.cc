// Prices that are paid from the balance above zero and never from the credit limit.
#include "engine/operations.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace farthing::engine {
namespace {

constexpr std::string_view hugo = "8613800138090";  // hybrid: 5.00, and 10.00 of credit
constexpr std::uint64_t mib = 1u << 20;
const Note note{"anna", "test", ""};

constexpr std::string_view tariff_text = R"(tariff: sides
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2026-01-01T00:00:00
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    paid_from: prepaid
    grant: {maximum: 100 MiB, minimum: 1 B, validity: 1 h}
    rating_groups: {10: game, 20: web}
    prices:
      - {rating_group: game, amount: 1.00, per: 1 MiB}
      - {rating_group: web, amount: 1.00, per: 1 MiB, paid_from: either}
  text:
    context: 32274@3gpp.org
    unit: events
    grant: {maximum: 10}
    prices: [{default: true, amount: 4.00, per: 1, paid_from: prepaid}]
)";

class PaidFrom : public testing::Test {
 protected:
  PaidFrom() {
    const std::string source = tariffs::canonical_bytes({std::string(tariff_text), {}});
    const auto tariff = tariffs::compile_tariff("sides.yaml", source);
    if (!tariff.has_value()) throw std::runtime_error(to_string(tariff.error().front()));
    shard().enter_tariff(*tariff, source);
    done(create_account(shard(), "hugo", AccountKind::hybrid, Money(10'000'000), note));
    done(add_subscriber(shard(), hugo, "hugo", "", note));
    done(top_up(shard(), "hugo", Money(5'000'000), note));
  }

  static void done(const Operation& operation) {
    if (!operation.has_value()) throw std::runtime_error(operation.error().message);
  }
  Shard& shard() { return engine_.shard(); }
  const Account& account() { return *shard().book().find_account("hugo"); }

  // What is granted, in MiB; `final_unit_` says whether it is the last.
  std::uint64_t ask(const std::string& session, RequestType type, std::uint32_t group,
                    std::uint64_t used, std::uint64_t asked) {
    request_.clear();
    const std::uint32_t number = numbers_[session]++;
    request_.key = {type, number, 0, number + 7u, number + 100u};
    request_.session_id = session;
    request_.service_context = "32251@3gpp.org";
    request_.identities = {*parse_msisdn(hugo)};
    request_.event_time = engine_.now();
    ServiceRequest& service = request_.add_service();
    service.rating_group = RatingGroup(group);
    if (used > 0) service.used.emplace().octets = used * mib;
    if (asked > 0) service.requested.emplace().total_octets = asked * mib;
    engine_.handle(request_);
    const std::string wrong = test::broken_invariant(shard().book());
    if (!wrong.empty()) throw std::runtime_error(wrong);
    final_unit_ = false;
    const Answer& answer = shard().answer();
    if (answer.service_count == 0 || !answer.services[0].grant) return 0;
    final_unit_ = answer.services[0].final_unit;
    return answer.services[0].grant->amount / mib;
  }
  Outcome text() {
    request_.clear();
    const std::uint32_t number = numbers_["text"]++;
    request_.key = {RequestType::event, number, 0, number + 7u, number + 100u};
    request_.session_id = "text " + std::to_string(number);
    request_.service_context = "32274@3gpp.org";
    request_.identities = {*parse_msisdn(hugo)};
    request_.event_time = engine_.now();
    request_.action = RequestedAction::direct_debiting;
    request_.add_service().requested.emplace().events = 1;
    engine_.handle(request_);
    const Answer& answer = shard().answer();
    return answer.service_count == 0 ? answer.outcome : answer.services[0].outcome;
  }

  test::TestEngine engine_;
  Request request_;
  std::map<std::string, std::uint32_t> numbers_;
  bool final_unit_ = false;
};

TEST_F(PaidFrom, ThePrepaidSideEndsAtZero) {
  EXPECT_EQ(ask("a", RequestType::initial, 10, 0, 50), 5u);
  EXPECT_TRUE(final_unit_);
  EXPECT_EQ(ask("a", RequestType::update, 10, 5, 50), 0u);
  EXPECT_EQ(ask("b", RequestType::initial, 20, 0, 50), 10u) << "the credit limit";
  EXPECT_TRUE(final_unit_);
}

TEST_F(PaidFrom, WhatIsBeyondItIsNobodysAndNoCredit) {
  ask("a", RequestType::initial, 10, 0, 50);
  ask("a", RequestType::termination, 10, 8, 0);
  EXPECT_EQ(account().main_micros, 0);
  EXPECT_EQ(account().overage_micros, 3'000'000);
}

TEST_F(PaidFrom, WhatIsHeldOfItIsGoodWhateverCreditOthersUse) {
  EXPECT_EQ(ask("a", RequestType::initial, 10, 0, 3), 3u);
  EXPECT_EQ(ask("b", RequestType::initial, 20, 0, 6), 6u);
  ask("b", RequestType::termination, 20, 6, 0);
  EXPECT_EQ(account().main_micros, -4'000'000);
  EXPECT_EQ(ask("a", RequestType::update, 10, 3, 3), 0u);
  EXPECT_EQ(account().overage_micros, 0);
  EXPECT_EQ(account().main_micros, -4'000'000);
}

TEST_F(PaidFrom, EventsToo) {
  EXPECT_EQ(text(), Outcome::success);
  EXPECT_EQ(text(), Outcome::credit_limit_reached);
  EXPECT_EQ(account().main_micros, 1'000'000);
}

TEST_F(PaidFrom, ARestartKnowsTheSide) {
  ask("a", RequestType::initial, 10, 0, 2);
  engine_.checkpoint();
  engine_.crash_and_restart();
  EXPECT_EQ(ask("a", RequestType::update, 10, 2, 50), 3u);
  ask("a", RequestType::termination, 10, 3, 0);
  engine_.checkpoint();
  EXPECT_EQ(test::proof_failure(engine_.store()), "");
}

TEST(PaidFromFile, SaysWhatItKnows) {
  std::string text(tariff_text);
  const std::string from = "paid_from: either";
  text.replace(text.find(from), from.size(), "paid_from: postpaid");
  const auto tariff =
      tariffs::compile_tariff("t.yaml", tariffs::canonical_bytes({std::move(text), {}}));
  ASSERT_FALSE(tariff.has_value());
  EXPECT_NE(to_string(tariff.error().front()).find("expected one of either, prepaid"),
            std::string::npos);
}

}  // namespace
}  // namespace farthing::engine
