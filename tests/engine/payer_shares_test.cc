// Payers that pay shares, in an order that is told, up to caps and budgets: against a model that
// charges each session at once, whatever its reports were cut into.
#include "engine/operations.h"
#include "engine/payers.h"
#include "tariffs/tariff_file.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine {
namespace {

// 10,000 cases (RC_PARAMS, where it is set, decides).
[[maybe_unused]] const int many_cases = setenv("RC_PARAMS", "max_success=10000", 0);

using std::chrono::days;
using tariffs::Percent;
using tariffs::Rounding;
using test::TestEngine;

constexpr std::string_view anna = "8613800138000";  // 100.00
constexpr std::string_view carl = "8613800138078";  // on an account of his own
constexpr std::string_view data = "32251@3gpp.org";
constexpr std::uint64_t mib = 1u << 20;
const Note note{"anna", "test", ""};

constexpr std::string_view tariff_text = R"(tariff: sharing
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2026-01-01T00:00:00
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB, minimum: 1 B, validity: 1 h}
    rating_groups: {10: web, 30: slab}
    prices:
      - {rating_group: web, amount: 1.00, per: 1 MiB}
      - {rating_group: slab, slabs: [{upto: 10 MiB, amount: 2.00}, {amount: 1.00}], per: 1 MiB}
)";

std::string source() { return tariffs::canonical_bytes({std::string(tariff_text), {}}); }

std::shared_ptr<const tariffs::Tariff> tariff() {
  static const auto compiled = [] {
    const auto made = tariffs::compile_tariff("sharing.yaml", source());
    if (!made.has_value()) throw std::runtime_error(to_string(made.error().front()));
    return *made;
  }();
  return compiled;
}

void expect_done(const Operation& done) {
  if (!done.has_value()) throw std::runtime_error(done.error().message);
}

// Accounts anna, carl, acme (50.00 of credit), sponsor (30.00) and club (5.00).
class Members {
 public:
  Members() {
    shard().enter_tariff(tariff(), source());
    expect_done(create_account(shard(), "carl", AccountKind::prepaid, Money(), note));
    expect_done(engine::add_subscriber(shard(), carl, "carl", "", note));
    expect_done(create_account(shard(), "acme", AccountKind::postpaid, Money(50'000'000), note));
    expect_done(create_account(shard(), "sponsor", AccountKind::prepaid, Money(), note));
    expect_done(top_up(shard(), "sponsor", Money(30'000'000), note));
    expect_done(create_account(shard(), "club", AccountKind::prepaid, Money(), note));
    expect_done(top_up(shard(), "club", Money(5'000'000), note));
    engine_.sync();
  }

  Shard& shard() { return engine_.shard(); }
  TestEngine& engine() { return engine_; }
  const Account& account(std::string_view name) { return *shard().book().find_account(name); }
  std::int64_t main(std::string_view name) { return account(name).main_micros; }

  Operation pays(std::string_view msisdn, PayerOrder order) {
    if (order.services.empty()) order.services = {"data"};
    return add_payer(shard(), msisdn, order, note);
  }

  std::uint64_t ask(RequestType type, std::string_view msisdn, std::uint32_t group,
                    std::uint64_t used, std::uint64_t asked) {
    if (type == RequestType::initial) ++sessions_;
    if (type == RequestType::initial) number_ = 0;
    request_.clear();
    const std::uint32_t number = number_++;
    request_.key = {type, number, 0, number + 7u, number + 100u};
    request_.session_id = "s;" + std::to_string(sessions_);
    request_.service_context = data;
    request_.identities = {*parse_msisdn(msisdn)};
    request_.event_time = engine_.now();
    ServiceRequest& service = request_.add_service();
    service.rating_group = RatingGroup(group);
    if (used > 0) service.used.emplace().octets = used;
    if (asked > 0) service.requested.emplace().total_octets = asked;
    engine_.handle(request_);
    const std::string wrong = test::broken_invariant(shard().book());
    if (!wrong.empty()) throw std::runtime_error(wrong);
    const Answer& answer = shard().answer();
    if (answer.service_count == 0 || !answer.services[0].grant) return 0;
    return answer.services[0].grant->amount;
  }

  // A session of these reports. False: nothing was granted, nothing was used.
  bool use(std::string_view msisdn, std::uint32_t group,
           const std::vector<std::uint64_t>& reports) {
    if (ask(RequestType::initial, msisdn, group, 0, 1) == 0) return false;
    for (std::size_t i = 0; i + 1 < reports.size(); ++i) {
      // Where nothing is granted any more, who goes on using is charged all the same.
      ask(RequestType::update, msisdn, group, reports[i], 1);
    }
    ask(RequestType::termination, msisdn, group, reports.empty() ? 0 : reports.back(), 0);
    return true;
  }

 private:
  TestEngine engine_;
  Request request_;
  std::uint32_t number_ = 0;
  int sessions_ = 0;
};

class PayerShares : public testing::Test {
 protected:
  Members members_;
};

TEST_F(PayerShares, a_payer_pays_its_share_and_the_subscriber_the_rest) {
  expect_done(members_.pays(anna, {.account = "acme", .share = Percent{333'333}}));
  members_.use(anna, 10, {mib, mib, mib});
  EXPECT_EQ(members_.main("acme"), -999'999);
  EXPECT_EQ(members_.main(anna), 100'000'000 - 2'000'001);
}

TEST_F(PayerShares, micros_depend_on_the_sum_and_not_on_the_cut) {
  expect_done(members_.pays(anna, {.account = "acme", .share = Percent{500'000}}));
  // Each octet costs 0.95 micros: half of one at a time would be all or nothing.
  members_.use(anna, 10, std::vector<std::uint64_t>(20, 1));
  EXPECT_EQ(members_.main("acme"), -10);  // 19 in all; the half is rounded away from zero
  EXPECT_EQ(members_.main(anna), 100'000'000 - 9);
}

TEST_F(PayerShares, rounding_is_as_told) {
  expect_done(members_.pays(
      anna, {.account = "acme", .share = Percent{500'000}, .rounding = Rounding::down}));
  members_.use(anna, 10, std::vector<std::uint64_t>(20, 1));
  EXPECT_EQ(members_.main("acme"), -9);
  expect_done(members_.pays(
      anna, {.account = "acme", .share = Percent{100'000}, .rounding = Rounding::up}));
  members_.use(anna, 10, {1});
  EXPECT_EQ(members_.main("acme"), -10);
}

TEST_F(PayerShares, a_grant_is_as_large_as_both_can_pay) {
  expect_done(members_.pays(
      carl, {.account = "sponsor", .share = Percent{750'000}, .rounding = Rounding::down}));
  EXPECT_EQ(members_.ask(RequestType::initial, carl, 10, 0, mib), 0u);  // he has nothing
  expect_done(top_up(members_.shard(), "carl", Money(1'000'000), note));
  EXPECT_EQ(members_.ask(RequestType::initial, carl, 10, 0, 50 * mib), 4 * mib);
  EXPECT_EQ(members_.main("carl"), 0);
  EXPECT_EQ(members_.main("sponsor"), 27'000'000);
  members_.ask(RequestType::termination, carl, 10, 4 * mib, 0);
  EXPECT_EQ(members_.account("carl").overage_micros, 0);
}

TEST_F(PayerShares, what_a_payer_cannot_pay_of_its_share_goes_on) {
  expect_done(
      members_.pays(anna, {.account = "acme", .cap = Money(1'000'000), .share = Percent{500'000}}));
  expect_done(members_.pays(anna, {.account = "sponsor", .share = Percent{500'000}}));
  members_.use(anna, 10, {2 * mib, 8 * mib});
  EXPECT_EQ(members_.main("acme"), -1'000'000);
  EXPECT_EQ(members_.main("sponsor"), 30'000'000 - 4'500'000);
  EXPECT_EQ(members_.main(anna), 100'000'000 - 4'500'000);
}

TEST_F(PayerShares, a_falling_slab_gives_each_its_share_back) {
  expect_done(members_.pays(anna, {.account = "acme", .share = Percent{250'000}}));
  members_.use(anna, 30, {10 * mib, mib});  // 20.00, then 11.00
  EXPECT_EQ(members_.main("acme"), -2'750'000);
  EXPECT_EQ(members_.main(anna), 100'000'000 - 8'250'000);
}

TEST_F(PayerShares, the_order_can_be_told) {
  expect_done(members_.pays(anna, {.account = "acme"}));
  expect_done(members_.pays(anna, {.account = "sponsor"}));
  expect_done(members_.pays(anna, {.account = "club", .position = 1}));
  members_.use(anna, 10, {6 * mib});
  EXPECT_EQ(members_.main("club"), 0);
  EXPECT_EQ(members_.main("acme"), -1'000'000);
  expect_done(members_.pays(anna, {.account = "acme", .position = 3}));
  members_.use(anna, 10, {mib});
  EXPECT_EQ(members_.main("sponsor"), 29'000'000);
  EXPECT_EQ(members_.main("acme"), -1'000'000);
  for (const std::size_t position : {0u, 4u}) {
    const Operation done = members_.pays(anna, {.account = "acme", .position = position});
    ASSERT_FALSE(done.has_value());
    EXPECT_NE(done.error().message.find("expected 1 to 3"), std::string::npos);
  }
  EXPECT_TRUE(members_.pays(anna, {.account = "acme", .position = 3})->repeated);
}

TEST_F(PayerShares, a_share_of_nothing_is_refused) {
  const Operation done = members_.pays(anna, {.account = "acme", .share = Percent{0}});
  ASSERT_FALSE(done.has_value());
  EXPECT_NE(done.error().message.find("above 0 %"), std::string::npos);
}

// --- Budgets -------------------------------------------------------------------------------------

TEST_F(PayerShares, a_budget_is_for_all_members_of_a_month) {
  expect_done(members_.pays(anna, {.account = "acme", .cap = Money(4'000'000)}));
  expect_done(members_.pays(carl, {.account = "acme"}));
  expect_done(set_payer_budget(members_.shard(), "acme", Money(6'000'000), note));
  members_.use(anna, 10, {5 * mib});
  EXPECT_EQ(members_.main("acme"), -4'000'000);
  EXPECT_EQ(members_.ask(RequestType::initial, carl, 10, 0, 9 * mib), 2 * mib);
  EXPECT_EQ(members_.account("acme").budget->held_micros, 2'000'000);
  members_.ask(RequestType::termination, carl, 10, mib, 0);
  EXPECT_EQ(members_.account("acme").budget->spent_micros, 5'000'000);
  EXPECT_EQ(members_.account("acme").budget->held_micros, 0);
  members_.engine().sync();
  members_.engine().advance(days(31));
  members_.use(anna, 10, {5 * mib});
  EXPECT_EQ(members_.main("acme"), -9'000'000);
  EXPECT_EQ(members_.account("acme").budget->spent_micros, 4'000'000);
  members_.engine().checkpoint();
  EXPECT_EQ(test::proof_failure(members_.engine().store()), "");
}

TEST_F(PayerShares, what_is_held_counts_to_a_budget_that_is_set_meanwhile) {
  expect_done(members_.pays(carl, {.account = "sponsor"}));
  expect_done(members_.pays(anna, {.account = "sponsor"}));
  members_.ask(RequestType::initial, carl, 10, 0, 3 * mib);
  expect_done(set_payer_budget(members_.shard(), "sponsor", Money(3'000'000), note));
  EXPECT_EQ(members_.account("sponsor").budget->held_micros, 3'000'000);
  members_.ask(RequestType::termination, carl, 10, 2 * mib, 0);
  EXPECT_EQ(members_.account("sponsor").budget->spent_micros, 2'000'000);
  members_.use(anna, 10, {4 * mib});
  EXPECT_EQ(members_.main("sponsor"), 27'000'000);
  EXPECT_EQ(members_.main(anna), 97'000'000);
  EXPECT_TRUE(set_payer_budget(members_.shard(), "sponsor", Money(3'000'000), note)->repeated);
  expect_done(set_payer_budget(members_.shard(), "sponsor", Money(9'000'000), note));
  EXPECT_EQ(members_.account("sponsor").budget->spent_micros, 3'000'000);
  expect_done(set_payer_budget(members_.shard(), "sponsor", std::nullopt, note));
  EXPECT_FALSE(members_.account("sponsor").budget.has_value());
  EXPECT_FALSE(set_payer_budget(members_.shard(), "nobody", Money(1), note).has_value());
  EXPECT_FALSE(set_payer_budget(members_.shard(), "acme", Money(-1), note).has_value());
}

TEST_F(PayerShares, a_crash_loses_nothing) {
  expect_done(members_.pays(anna, {.account = "acme", .share = Percent{333'333}, .position = 1}));
  expect_done(set_payer_budget(members_.shard(), "acme", Money(6'000'000), note));
  members_.ask(RequestType::initial, anna, 10, 0, 3 * mib);
  members_.engine().checkpoint();
  members_.ask(RequestType::update, anna, 10, 1'000'001, 3 * mib);
  members_.engine().sync();
  members_.engine().crash_and_restart();
  members_.ask(RequestType::termination, anna, 10, 77, 0);
  EXPECT_EQ(members_.main("acme"), -317'916);  // of 0.953749
  EXPECT_EQ(members_.account("acme").budget->spent_micros, 317'916);
  members_.engine().checkpoint();
  EXPECT_EQ(test::proof_failure(members_.engine().store()), "");
}

TEST_F(PayerShares, payers_go_with_their_subscriber) {
  expect_done(members_.pays(anna, {.account = "acme"}));
  expect_done(members_.pays(anna, {.account = "sponsor"}));
  members_.ask(RequestType::initial, anna, 10, 0, mib);  // acme's money is held
  expect_done(set_state(members_.shard(), anna, LifeState::terminated, note));
  ASSERT_EQ(members_.account(anna).payers.size(), 1u);
  members_.engine().sync();
  members_.engine().advance(days(1));
  members_.shard().tick();
  EXPECT_EQ(members_.main("acme"), 0);
  // What is left of them makes room when it is needed.
  for (int i = 0; i < 300; ++i) {
    const std::string number = "86139000" + std::to_string(10'000 + i);
    expect_done(add_subscriber(members_.shard(), number, anna, "", note));
    expect_done(members_.pays(number, {.account = "club"}));
    expect_done(set_state(members_.shard(), number, LifeState::terminated, note));
  }
  EXPECT_LE(members_.account(anna).payers.size(), 1u);
}

// --- A model -------------------------------------------------------------------------------------

// Who pays for anna, in this order.
struct Paying {
  std::string account;
  std::uint32_t share = 0;  // millionths
  Rounding rounding = Rounding::half_away_from_zero;
  std::optional<std::int64_t> cap;
  std::int64_t spent = 0;

  std::int64_t part(std::int64_t fallen) const {
    __extension__ using Wide = __int128;
    const Wide exact = Wide{fallen} * share;  // millionths of micros
    const Wide up = rounding == Rounding::up ? 999'999 : rounding == Rounding::down ? 0 : 500'000;
    return static_cast<std::int64_t>((exact + up) / 1'000'000);
  }
};

struct Model {
  std::vector<Paying> payers;
  std::map<std::string, std::int64_t> funds;  // what may be spent
  std::optional<std::int64_t> budget;         // acme's
  std::int64_t budget_spent = 0;
  std::int64_t overage = 0;

  std::int64_t most_of(const Paying& payer) const {
    std::int64_t most = funds.at(payer.account);
    if (payer.cap) most = std::min(most, *payer.cap - payer.spent);
    if (budget && payer.account == "acme") most = std::min(most, *budget - budget_spent);
    return std::max<std::int64_t>(most, 0);
  }
  // What a session costs is paid at once; returns what is left to the subscriber.
  std::int64_t rest_of(std::int64_t micros) const {
    for (const Paying& payer : payers) micros -= std::min(payer.part(micros), most_of(payer));
    return micros;
  }
  void pay(std::int64_t micros) {
    for (Paying& payer : payers) {
      const std::int64_t part = std::min(payer.part(micros), most_of(payer));
      micros -= part;
      payer.spent += part;
      funds[payer.account] -= part;
      if (payer.account == "acme") budget_spent += part;
    }
    const std::int64_t own = std::min(micros, funds["anna"]);
    funds["anna"] -= own;
    overage += micros - own;
  }
  void next_month() {
    for (Paying& payer : payers) payer.spent = 0;
    budget_spent = 0;
  }
};

std::int64_t price(std::uint64_t octets) {
  return static_cast<std::int64_t>((octets * 1'000'000 + mib / 2) / mib);
}

class Play {
 public:
  explicit Play(std::uint64_t seed) : random_(seed) {
    for (const std::string account : {"acme", "sponsor", "club"}) {
      if (pick(0, 3) == 0) continue;
      add(account);
    }
    if (pick(0, 1) == 0) {
      model_.budget = pick(0, 12'000'000);
      expect_done(set_payer_budget(members_.shard(), "acme", Money(*model_.budget), note));
    }
    model_.funds = {{"acme", 50'000'000}, {"sponsor", 30'000'000}, {"club", 5'000'000}};
    model_.funds["anna"] = pick(0, 1) == 0 ? 100'000'000 : pick(0, 20'000'000);
    if (const Money more(model_.funds["anna"] - 100'000'000); more.micros != 0) {
      expect_done(adjust(members_.shard(), anna, more, note));
    }
  }

  void step() {
    if (pick(0, 9) == 0) {
      members_.engine().sync();
      members_.engine().advance(days(31));
      model_.next_month();
    }
    const std::uint64_t asked = static_cast<std::uint64_t>(pick(1, 30)) * mib / 3;
    const std::uint64_t granted = members_.ask(RequestType::initial, anna, 10, 0, asked);
    // As large as all can pay together, and no larger.
    RC_ASSERT(granted <= asked);
    RC_ASSERT(granted == 0 || model_.rest_of(price(granted)) <= model_.funds["anna"]);
    RC_ASSERT(granted == asked || model_.rest_of(price(granted + 1)) > model_.funds["anna"]);
    if (granted == 0) return;
    const bool goes_beyond = pick(0, 3) == 0;
    const std::uint64_t most = goes_beyond ? 2 * granted : granted;
    const auto used = static_cast<std::uint64_t>(pick(0, static_cast<std::int64_t>(most)));
    report(used, granted);
    const std::int64_t overage = model_.overage;
    model_.pay(price(used));
    RC_ASSERT(goes_beyond || model_.overage == overage);
    compare();
  }

 private:
  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }

  void add(const std::string& account) {
    constexpr std::array<Rounding, 3> roundings = {Rounding::half_away_from_zero, Rounding::up,
                                                   Rounding::down};
    Paying payer{account, Percent::whole, Rounding::half_away_from_zero, std::nullopt};
    if (pick(0, 3) > 0) {
      payer.share = static_cast<std::uint32_t>(pick(1, Percent::whole - 1));
      payer.rounding = roundings[static_cast<std::size_t>(pick(0, 2))];
    }
    if (pick(0, 1) == 0) payer.cap = pick(0, 10'000'000);
    PayerOrder order{.account = account, .share = {payer.share}, .rounding = payer.rounding};
    if (payer.cap) order.cap = Money(*payer.cap);
    auto at = static_cast<std::ptrdiff_t>(model_.payers.size());
    if (pick(0, 1) == 0) {
      at = pick(0, at);
      order.position = static_cast<std::size_t>(at + 1);
    }
    expect_done(members_.pays(anna, order));
    model_.payers.insert(model_.payers.begin() + at, payer);
  }

  void report(std::uint64_t used, std::uint64_t granted) {
    while (used > 1 && pick(0, 4) > 0) {
      const auto part = static_cast<std::uint64_t>(pick(1, static_cast<std::int64_t>(used - 1)));
      members_.ask(RequestType::update, anna, 10, part,
                   std::max(granted - std::min(part, granted), std::uint64_t{1}));
      granted -= std::min(part, granted);
      used -= part;
    }
    members_.ask(RequestType::termination, anna, 10, used, 0);
  }

  void compare() {
    RC_ASSERT(members_.main("acme") + 50'000'000 == model_.funds["acme"]);
    RC_ASSERT(members_.main("sponsor") == model_.funds["sponsor"]);
    RC_ASSERT(members_.main("club") == model_.funds["club"]);
    RC_ASSERT(members_.main(anna) == model_.funds["anna"]);
    RC_ASSERT(members_.account(anna).overage_micros == model_.overage);
    if (model_.budget) {
      RC_ASSERT(members_.account("acme").budget->held_micros == 0);
      const bool pays =
          std::ranges::find(model_.payers, "acme", &Paying::account) != model_.payers.end();
      RC_ASSERT(!pays || members_.account("acme").budget->spent_micros <= *model_.budget);
    }
  }

  std::mt19937_64 random_;
  Members members_;
  Model model_;
};

RC_GTEST_PROP(PayerSharesModel, whatever_the_cut_everybody_pays_what_the_model_says,
              (std::uint64_t seed)) {
  Play play(seed);
  for (int i = 0; i < 4; ++i) play.step();
}

}  // namespace
}  // namespace farthing::engine
