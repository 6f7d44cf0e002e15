// Buckets of money, gifts and payers: who pays what, what is held for whom, and that neither a
// crash, an eviction nor the simulator's fold makes a difference.
#include "engine/operations.h"
#include "engine/payers.h"
#include "engine/simulate.h"
#include "tariffs/local_time.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace farthing::engine {
namespace {

using std::chrono::days;
using test::TestEngine;

constexpr std::string_view anna = "8613800138000";  // 100.00
constexpr std::string_view bert = "8613800138077";  // of the same account
constexpr std::string_view carl = "8613800138078";  // on an account of his own, without money
constexpr std::string_view data = "32251@3gpp.org";
constexpr std::uint64_t mib = 1u << 20;
constexpr std::int64_t cent = 10'000;
const Note note{"anna", "test", ""};

constexpr std::string_view tariff_text = R"(tariff: paying
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2026-01-01T00:00:00
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB, minimum: 1 B, validity: 1 h}
    rating_groups: {10: web, 20: video, 30: slab, 40: club}
    prices:
      - {rating_group: web, amount: 1.00, per: 1 MiB}
      - {rating_group: video, amount: 2.00, per: 1 MiB}
      - {rating_group: club, subscription: required, amount: 1.00, per: 1 MiB}
      - {rating_group: slab, slabs: [{upto: 10 MiB, amount: 2.00}, {amount: 1.00}], per: 1 MiB}
offers:
  - name: welcome
    validity: 10 d
    allowances: [{money: 20.00, covers: [{service: data, rating_group: web}]}]
  - name: monthly
    fee: 10.00
    period: month
    allowances: [{money: 15.00, covers: [{service: data}], rollover: {periods: 1}}]
)";

std::string source() { return tariffs::canonical_bytes({std::string(tariff_text), {}}); }

std::shared_ptr<const tariffs::Tariff> tariff() {
  static const auto compiled = [] {
    const auto made = tariffs::compile_tariff("paying.yaml", source());
    if (!made.has_value()) throw std::runtime_error(to_string(made.error().front()));
    return *made;
  }();
  return compiled;
}

// Accounts anna, carl and two payers, and their sessions.
class Household {
 public:
  explicit Household(ShardOptions options = {}) : engine_(options) {
    shard().enter_tariff(tariff(), source());
    expect_done(engine::add_subscriber(shard(), bert, anna, "", note));
    expect_done(create_account(shard(), "carl", AccountKind::prepaid, Money(), note));
    expect_done(engine::add_subscriber(shard(), carl, "carl", "", note));
    expect_done(create_account(shard(), "acme", AccountKind::postpaid, Money(50'000'000), note));
    expect_done(create_account(shard(), "sponsor", AccountKind::prepaid, Money(), note));
    expect_done(top_up(shard(), "sponsor", Money(5'000'000), note));
    engine_.sync();
  }

  static void expect_done(const Operation& done) {
    if (!done.has_value()) throw std::runtime_error(done.error().message);
  }
  Shard& shard() { return engine_.shard(); }
  TestEngine& engine() { return engine_; }

  const Account& account(std::string_view name) {
    Needs needs;
    needs.names = {std::string(name)};
    shard().when_here(std::move(needs), [](std::string_view) {});
    while (shard().book().find_account(name) == nullptr) {
      engine_.sync();
      if (!engine_.store().read_next()) throw std::runtime_error("it is nowhere");
    }
    return *shard().book().find_account(name);
  }
  std::int64_t main(std::string_view name) { return account(name).main_micros; }

  Operation pays(std::string_view account, std::string_view msisdn,
                 std::vector<std::string> services, std::optional<Money> cap = std::nullopt) {
    return add_payer(shard(), msisdn, {std::string(account), std::move(services), cap}, note);
  }

  const ServiceAnswer& ask(const std::string& session, RequestType type, std::string_view msisdn,
                           std::uint32_t group, std::uint64_t used, std::uint64_t asked) {
    request_.clear();
    const std::uint32_t number = numbers_[session]++;
    request_.key = {type, number, 0, number + 7u, number + 100u};
    request_.session_id = session;
    request_.service_context = data;
    request_.identities = {*parse_msisdn(msisdn)};
    request_.event_time = engine_.now();
    ServiceRequest& service = request_.add_service();
    service.rating_group = RatingGroup(group);
    if (used > 0) service.used.emplace().octets = used;
    if (asked > 0) service.requested.emplace().total_octets = asked;
    engine_.handle(request_);
    check();
    static const ServiceAnswer refused = [] {
      ServiceAnswer answer;
      answer.outcome = Outcome::credit_limit_reached;
      return answer;
    }();
    const Answer& answer = shard().answer();
    return answer.service_count == 0 ? refused : answer.services[0];
  }
  std::uint64_t granted(const std::string& session, RequestType type, std::string_view msisdn,
                        std::uint32_t group, std::uint64_t used, std::uint64_t asked) {
    const ServiceAnswer& answer = ask(session, type, msisdn, group, used, asked);
    return answer.grant ? answer.grant->amount : 0;
  }
  // A session of one grant and one report.
  void use(std::string_view msisdn, std::uint32_t group, std::uint64_t used) {
    const std::string session = "s;" + std::to_string(++sessions_);
    ask(session, RequestType::initial, msisdn, group, 0, used);
    ask(session, RequestType::termination, msisdn, group, used, 0);
  }
  std::string recovery_difference() {
    engine_.sync();
    return test::recovery_difference(shard());
  }
  void check() {
    const std::string wrong = test::broken_invariant(shard().book());
    if (!wrong.empty()) throw std::runtime_error(wrong);
  }

 private:
  TestEngine engine_;
  Request request_;
  std::map<std::string, std::uint32_t> numbers_;
  int sessions_ = 0;
};

class Payers : public testing::Test {
 protected:
  Household home_;
};

// --- Gifts ---------------------------------------------------------------------------------------

TEST_F(Payers, a_gift_pays_what_it_is_for_before_the_main_balance) {
  Household::expect_done(add_subscription(home_.shard(), anna, "welcome", note));
  home_.use(anna, 10, 15 * mib);
  EXPECT_EQ(home_.main(anna), 100'000'000);
  EXPECT_EQ(home_.account(anna).buckets[0].remaining, 5'000'000);
  home_.use(anna, 20, 2 * mib);  // it is not for that
  EXPECT_EQ(home_.main(anna), 96'000'000);
  home_.use(anna, 10, 8 * mib);
  EXPECT_EQ(home_.main(anna), 93'000'000);
  EXPECT_EQ(home_.account(anna).buckets[0].remaining, 0);
}

TEST_F(Payers, a_gift_is_held_for_a_grant_and_given_up_with_it) {
  Household::expect_done(add_subscription(home_.shard(), anna, "welcome", note));
  EXPECT_EQ(home_.granted("s", RequestType::initial, anna, 10, 0, 30 * mib), 30 * mib);
  EXPECT_EQ(home_.account(anna).buckets[0].reserved, 20'000'000);
  EXPECT_EQ(home_.account(anna).reserved_micros, 10'000'000);
  home_.ask("s", RequestType::termination, anna, 10, 1 * mib, 0);
  EXPECT_EQ(home_.account(anna).buckets[0].remaining, 19'000'000);
  EXPECT_EQ(home_.main(anna), 100'000'000);
  EXPECT_EQ(home_.recovery_difference(), "");
}

TEST_F(Payers, what_is_left_of_a_gift_is_nobodys_money) {
  Household::expect_done(add_subscription(home_.shard(), anna, "welcome", note));
  home_.engine().sync();
  home_.engine().advance(days(11));
  home_.use(anna, 10, 1 * mib);
  EXPECT_EQ(home_.main(anna), 99'000'000);
  Household::expect_done(end_subscription(home_.shard(), anna, SubscriptionNumber(1), note));
  EXPECT_EQ(home_.main(anna), 99'000'000);
  home_.engine().sync();
  EXPECT_EQ(home_.recovery_difference(), "");
}

TEST_F(Payers, a_gift_renews_and_is_rolled_over) {
  Household::expect_done(add_subscription(home_.shard(), anna, "monthly", note));
  home_.use(anna, 20, 5 * mib);
  EXPECT_EQ(home_.main(anna), 90'000'000);
  home_.engine().sync();
  home_.engine().advance(days(31));
  home_.use(anna, 20, 10 * mib);  // 5.00 of June and 15.00 of July
  EXPECT_EQ(home_.main(anna), 80'000'000);
  EXPECT_EQ(home_.recovery_difference(), "");
}

TEST_F(Payers, what_a_falling_slab_gives_back_goes_back) {
  Household::expect_done(add_subscription(home_.shard(), anna, "monthly", note));
  home_.use(anna, 30, 11 * mib);  // 11.00 in the end; at 10 MiB it was 20.00
  EXPECT_EQ(home_.account(anna).buckets[0].remaining, 4'000'000);
  home_.ask("s", RequestType::initial, anna, 30, 0, 10 * mib);
  home_.ask("s", RequestType::update, anna, 30, 10 * mib, 1 * mib);
  EXPECT_EQ(home_.main(anna), 90'000'000 - 16'000'000);
  home_.ask("s", RequestType::termination, anna, 30, 1 * mib, 0);  // 9.00 less
  EXPECT_EQ(home_.main(anna), 90'000'000 - 7'000'000);
  EXPECT_EQ(home_.recovery_difference(), "");
}

// --- Payers --------------------------------------------------------------------------------------

TEST_F(Payers, an_employer_pays_for_what_it_covers) {
  Household::expect_done(home_.pays("acme", anna, {"data/10"}));
  home_.use(anna, 10, 3 * mib);
  EXPECT_EQ(home_.main("acme"), -3'000'000);
  EXPECT_EQ(home_.main(anna), 100'000'000);
  home_.use(anna, 20, 1 * mib);
  EXPECT_EQ(home_.main(anna), 98'000'000);
  home_.use(bert, 10, 1 * mib);  // it does not pay for her brother
  EXPECT_EQ(home_.main("acme"), -3'000'000);
  EXPECT_EQ(home_.main(anna), 97'000'000);
  EXPECT_EQ(home_.recovery_difference(), "");
}

TEST_F(Payers, who_has_nothing_is_served_while_somebody_pays) {
  EXPECT_EQ(home_.granted("a", RequestType::initial, carl, 10, 0, mib), 0u);
  Household::expect_done(home_.pays("sponsor", carl, {"data"}));
  EXPECT_EQ(home_.granted("b", RequestType::initial, carl, 10, 0, 9 * mib), 5 * mib);
  EXPECT_EQ(home_.main("sponsor"), 0);
  EXPECT_EQ(home_.granted("c", RequestType::initial, carl, 10, 0, mib), 0u);
  home_.ask("b", RequestType::termination, carl, 10, 2 * mib, 0);
  EXPECT_EQ(home_.main("sponsor"), 3'000'000);
  EXPECT_EQ(home_.account("carl").buckets[0].reserved, 0);
}

TEST_F(Payers, who_is_paid_for_has_no_subscription_by_that) {
  Household::expect_done(home_.pays("acme", anna, {"data"}));
  EXPECT_EQ(home_.granted("a", RequestType::initial, anna, 40, 0, mib), 0u);
  Household::expect_done(add_subscription(home_.shard(), anna, "monthly", note));
  EXPECT_EQ(home_.granted("b", RequestType::initial, anna, 40, 0, mib), mib);
}

TEST_F(Payers, members_share_what_the_payer_has) {
  Household::expect_done(home_.pays("sponsor", carl, {"data"}));
  Household::expect_done(home_.pays("sponsor", anna, {"data"}));
  EXPECT_EQ(home_.granted("c", RequestType::initial, carl, 10, 0, 4 * mib), 4 * mib);
  EXPECT_EQ(home_.granted("a", RequestType::initial, anna, 10, 0, 4 * mib), 4 * mib);
  EXPECT_EQ(home_.main("sponsor"), 0);
  EXPECT_EQ(home_.account(anna).reserved_micros, 3'000'000);  // for what the sponsor had not
  EXPECT_EQ(home_.granted("c", RequestType::update, carl, 10, 4 * mib, mib), 0u);
  home_.ask("a", RequestType::termination, anna, 10, 0, 0);
  EXPECT_EQ(home_.granted("c", RequestType::update, carl, 10, 0, mib), mib);
}

TEST_F(Payers, the_next_payer_pays_what_the_first_does_not) {
  Household::expect_done(home_.pays("acme", anna, {"data"}, Money(2'000'000)));
  Household::expect_done(home_.pays("sponsor", anna, {"data"}));
  home_.use(anna, 10, 10 * mib);
  EXPECT_EQ(home_.main("acme"), -2'000'000);
  EXPECT_EQ(home_.main("sponsor"), 0);
  EXPECT_EQ(home_.main(anna), 97'000'000);
}

TEST_F(Payers, a_cap_is_of_a_calendar_month) {
  Household::expect_done(home_.pays("acme", anna, {"data"}, Money(4'000'000)));
  home_.use(anna, 10, 3 * mib);
  home_.use(anna, 10, 3 * mib);
  EXPECT_EQ(home_.main("acme"), -4'000'000);
  home_.engine().sync();
  home_.engine().advance(days(30));  // July 1
  home_.use(anna, 10, 1 * mib);
  EXPECT_EQ(home_.main("acme"), -5'000'000);
  home_.use(anna, 10, 9 * mib);
  EXPECT_EQ(home_.main("acme"), -8'000'000);
  EXPECT_EQ(home_.main(anna), 100'000'000 - 2'000'000 - 6'000'000);
  Household::expect_done(home_.pays("acme", anna, {"data"}, Money(5'000'000)));  // another cap
  home_.use(anna, 10, 9 * mib);
  EXPECT_EQ(home_.main("acme"), -9'000'000);
  EXPECT_EQ(home_.recovery_difference(), "");
}

TEST_F(Payers, what_parallel_sessions_hold_counts_to_the_cap) {
  Household::expect_done(home_.pays("acme", carl, {"data"}, Money(4'000'000)));
  EXPECT_EQ(home_.granted("a", RequestType::initial, carl, 10, 0, 3 * mib), 3 * mib);
  EXPECT_EQ(home_.granted("b", RequestType::initial, carl, 10, 0, 3 * mib), 1 * mib);
  EXPECT_EQ(home_.main("acme"), -4'000'000);
}

TEST_F(Payers, the_payers_entry_names_the_members) {
  Household::expect_done(home_.pays("acme", anna, {"data"}));
  home_.ask("s", RequestType::initial, anna, 10, 0, mib);
  const Account& acme = home_.account("acme");
  EXPECT_EQ(acme.last.value, home_.account(anna).last.value + 1);
  home_.engine().sync();
  std::optional<Payment> payment;
  ASSERT_TRUE(home_.engine()
                  .store()
                  .scan(acme.last,
                        [&](const storage::Record& record) {
                          std::string_view body = record.body;
                          Entry entry;
                          for (std::uint64_t at = record.header.first.value; !body.empty(); ++at) {
                            if (!decode_entry(body, Sequence(at), entry)) return false;
                            if (entry.account == acme.number) payment = entry.payment;
                          }
                          return true;
                        })
                  .has_value());
  ASSERT_TRUE(payment.has_value());
  EXPECT_EQ(payment->member, home_.account(anna).number);
  EXPECT_EQ(payment->entry, home_.account(anna).last);
}

TEST_F(Payers, what_cannot_be_is_refused) {
  const auto said = [](const Operation& done) {
    return done.has_value() ? std::string("done") : done.error().message;
  };
  EXPECT_NE(said(home_.pays("nobody", anna, {"data"})).find("no account nobody"),
            std::string::npos);
  EXPECT_NE(said(home_.pays(anna, anna, {"data"})).find("itself"), std::string::npos);
  EXPECT_NE(said(home_.pays("acme", anna, {"dat"})).find("no service"), std::string::npos);
  EXPECT_NE(said(home_.pays("acme", anna, {"data/1x"})).find("no service"), std::string::npos);
  EXPECT_NE(said(home_.pays("acme", anna, {})).find("1 to 64"), std::string::npos);
  EXPECT_NE(said(home_.pays("acme", anna, {"data"}, Money(-1))).find("negative"),
            std::string::npos);
  Household::expect_done(home_.pays("acme", anna, {"data"}));
  EXPECT_NE(said(home_.pays("acme", anna, {"data/10"})).find("other services"), std::string::npos);
  for (int i = 0; i < 3; ++i) {
    const std::string name = "p" + std::to_string(i);
    Household::expect_done(create_account(home_.shard(), name, AccountKind::prepaid, {}, note));
    Household::expect_done(home_.pays(name, anna, {"data"}));
  }
  EXPECT_NE(said(home_.pays("sponsor", anna, {"data"})).find("at most 4"), std::string::npos);
  home_.ask("s", RequestType::initial, anna, 10, 0, mib);
  EXPECT_NE(said(remove_payer(home_.shard(), anna, "acme", note)).find("session"),
            std::string::npos);
  home_.ask("s", RequestType::termination, anna, 10, mib, 0);
  Household::expect_done(remove_payer(home_.shard(), anna, "acme", note));
  EXPECT_NE(said(remove_payer(home_.shard(), anna, "acme", note)).find("does not pay"),
            std::string::npos);
  EXPECT_EQ(home_.main("acme"), -1'000'000);
  EXPECT_EQ(home_.recovery_difference(), "");
}

TEST_F(Payers, a_session_that_expires_gives_back_what_it_held) {
  Household::expect_done(home_.pays("acme", anna, {"data"}));
  home_.ask("s", RequestType::initial, anna, 10, 0, 10 * mib);
  EXPECT_EQ(home_.main("acme"), -10'000'000);
  home_.engine().sync();
  home_.engine().advance(std::chrono::hours(3));
  home_.shard().tick();
  EXPECT_EQ(home_.main("acme"), 0);
}

TEST_F(Payers, a_crash_loses_nothing_and_finds_the_payer_again) {
  Household::expect_done(home_.pays("acme", anna, {"data"}, Money(8'000'000)));
  home_.ask("s", RequestType::initial, anna, 10, 0, 5 * mib);
  home_.engine().checkpoint();
  home_.ask("s", RequestType::update, anna, 10, 5 * mib, 1 * mib);
  home_.engine().sync();
  home_.engine().crash_and_restart();
  EXPECT_EQ(home_.main("acme"), -6'000'000);
  home_.ask("s", RequestType::termination, anna, 10, 1 * mib, 0);
  EXPECT_EQ(home_.account(anna).payers[0].spent_micros, 6'000'000);
  home_.engine().checkpoint();
  EXPECT_EQ(test::proof_failure(home_.engine().store()), "");
}

TEST(EvictedPayers, are_read_when_a_member_needs_them) {
  ShardOptions options;
  options.accounts_memory_bytes = 1;
  Household home(options);
  Household::expect_done(home.pays("acme", anna, {"data"}));
  for (int i = 0; i < 8; ++i) {
    home.engine().checkpoint();
    for (int turns = 0; turns < 8; ++turns) home.shard().end_turn();
    home.use(anna, 10, mib);
  }
  EXPECT_EQ(home.main("acme"), -8'000'000);
  EXPECT_EQ(home.main(anna), 100'000'000);
}

TEST_F(Payers, the_past_is_charged_again_to_the_same) {
  Household::expect_done(home_.pays("acme", anna, {"data/10"}, Money(3'000'000)));
  Household::expect_done(add_subscription(home_.shard(), carl, "welcome", note));
  home_.use(anna, 10, 2 * mib);
  home_.use(anna, 10, 2 * mib);
  home_.use(carl, 10, 7 * mib);
  home_.engine().sync();
  TariffSimulation simulation(home_.engine().store(), {}, {Time(), home_.engine().now() + days(1)},
                              nullptr);
  const auto done = simulation.run([](std::string_view, Sequence, Sequence) { return true; });
  ASSERT_TRUE(done.has_value()) << done.error();
  for (const SimulatedCharges& row : simulation.accounts()) {
    EXPECT_EQ(row.was, row.would_be);
    EXPECT_EQ(row.overage_was, row.overage_would_be);
  }
}

// --- A model -------------------------------------------------------------------------------------

// An independent one: who has how much, by the order in which they pay.
struct Model {
  std::int64_t acme = 0, sponsor = 5'000'000, anna = 100'000'000, gift = 20'000'000;
  std::int64_t acme_spent = 0, overage = 0;

  void pay(std::int64_t micros, bool is_web) {
    const auto take = [&micros](std::int64_t most) {
      const std::int64_t part = std::clamp<std::int64_t>(most, 0, micros);
      micros -= part;
      return part;
    };
    const std::int64_t from_acme =
        take(std::min<std::int64_t>(acme + 50'000'000, 7'000'000 - acme_spent));
    acme -= from_acme;
    acme_spent += from_acme;
    if (!is_web) sponsor -= take(sponsor);
    if (is_web) gift -= take(gift);
    anna -= take(anna);
    overage += micros;
  }
};

RC_GTEST_PROP(PayersModel, everybody_pays_a_share_in_turn, ()) {
  Household home;
  Household::expect_done(home.pays("acme", anna, {"data"}, Money(7'000'000)));
  Household::expect_done(home.pays("sponsor", anna, {"data/20"}));
  Household::expect_done(add_subscription(home.shard(), anna, "welcome", note));
  const std::array<std::string, 3> sessions = {"a", "b", "c"};
  std::array<bool, 3> open{};
  const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int>>>(
      rc::gen::tuple(rc::gen::inRange(0, 3), rc::gen::inRange(0, 400), rc::gen::inRange(0, 2000)));
  for (const auto& [which, used, asked] : steps) {
    const auto at = static_cast<std::size_t>(which);
    const std::uint32_t group = which == 0 ? 20 : 10;
    const std::uint64_t octets = mib / 100 * static_cast<std::uint64_t>(used);
    const bool ends = open[at] && asked < 300;
    const RequestType type = !open[at] ? RequestType::initial
                             : ends    ? RequestType::termination
                                       : RequestType::update;
    const std::uint64_t wanted = mib / 100 * static_cast<std::uint64_t>(asked) + 1;
    if (open[at] && octets > 0) {
      home.ask(sessions[at], type, anna, group, octets, ends ? 0 : wanted);
    } else {
      home.ask(sessions[at], type, anna, group, 0, ends ? 0 : wanted);
    }
    for (std::size_t i = 0; i < sessions.size(); ++i) {
      const Book& book = home.shard().book();
      open[i] = book.find_session(book.session_key(sessions[i])) != nullptr;
    }
    const std::int64_t sum = home.main("acme") + home.main("sponsor") + home.main(anna);
    RC_ASSERT(home.main("acme") >= -7'000'000);
    RC_ASSERT(home.main("sponsor") >= 0);
    RC_ASSERT(sum <= 105'000'000);
  }
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    if (open[i]) home.ask(sessions[i], RequestType::termination, anna, i == 0 ? 20 : 10, 0, 0);
  }
  // What was charged in all, each has paid in turn or nobody has.
  const Account& account = home.account(anna);
  const std::int64_t acme = home.main("acme");
  RC_ASSERT(account.reserved_micros == 0);
  RC_ASSERT(account.payers[0].spent_micros == -acme);
  RC_ASSERT(home.recovery_difference() == "");
}

// One session at a time: to the micro.
RC_GTEST_PROP(PayersModel, session_by_session_they_pay_what_the_model_says, ()) {
  Household home;
  Household::expect_done(home.pays("acme", anna, {"data"}, Money(7'000'000)));
  Household::expect_done(home.pays("sponsor", anna, {"data/20"}));
  Household::expect_done(add_subscription(home.shard(), anna, "welcome", note));
  Model model;
  const auto steps = *rc::gen::container<std::vector<std::pair<bool, int>>>(
      rc::gen::pair(rc::gen::arbitrary<bool>(), rc::gen::inRange(0, 40)));
  for (const auto& [is_web, used] : steps) {
    const auto units = static_cast<std::uint64_t>(used);
    home.use(anna, is_web ? 10 : 20, units * mib);
    model.pay((is_web ? 100 : 200) * cent * used, is_web);
    RC_ASSERT(home.main("acme") == model.acme);
    RC_ASSERT(home.main("sponsor") == model.sponsor);
    RC_ASSERT(home.account(anna).buckets.back().remaining == model.gift);
    RC_ASSERT(home.main(anna) == model.anna);
    RC_ASSERT(home.account(anna).overage_micros == model.overage);
  }
}

}  // namespace
}  // namespace farthing::engine
