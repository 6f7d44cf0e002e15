// Prices that go by which way a call goes and by who is at its other end.
#include "engine/archive.h"
#include "engine/attributes.h"
#include "engine/operations.h"
#include "engine/simulate.h"
#include "engine/tariff_tests.h"
#include "tariffs/local_time.h"
#include "tariffs/tariff_file.h"
#include "tests/support/requests.h"
#include "tests/support/test_engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace farthing::engine {
namespace {

// What is wrong with a tariff or its own tests.
std::vector<std::string> wrong_with_tariff(std::string_view prices, std::string_view tests) {
  const std::string text = std::string(R"(tariff: small
currency: EUR
time_zone: Europe/Berlin
valid_from: 2026-01-01T00:00:00
services:
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 5 min}
    prices:
)") + std::string(prices) + "tests:\n" +
                           std::string(tests);
  const tariffs::CheckedTariff checked = check_tariff("t.yaml", {text, {}});
  std::vector<std::string> texts;
  for (const tariffs::FileError& error : checked.errors) texts.push_back(to_string(error));
  for (const tariffs::FileError& warning : checked.warnings) texts.push_back(to_string(warning));
  return texts;
}

using Texts = std::vector<std::string>;

TEST(OtherParty, LegsHavePricesOfTheirOwn) {
  EXPECT_EQ(wrong_with_tariff(R"(
      - {default: true, leg: terminating, price: free}
      - {default: true, leg: forwarded, amount: 0.20, per: 1 min}
      - {default: true, amount: 0.10, per: 1 min}
)",
                              R"(
  - {name: called, service: voice, leg: terminating, use: 1 min, expect: {amount: 0}}
  - {name: on, service: voice, leg: forwarded, use: 1 min, expect: {amount: 0.20}}
  - {name: out, service: voice, leg: originating, use: 1 min, expect: {amount: 0.10}}
  - {name: unknown, service: voice, use: 1 min, expect: {amount: 0.10}}
)"),
            Texts());
}

TEST(OtherParty, ALegThatNobodyKnowsIsNamed) {
  EXPECT_EQ(
      wrong_with_tariff(R"(
      - {default: true, leg: forwardet, price: free}
      - {default: true, amount: 0.10, per: 1 min}
)",
                        "  []\n"),
      Texts(
          {"t.yaml:12:30: unknown leg \"forwardet\" (did you mean \"forwarded\"?); expected one of "
           "originating, terminating, forwarded"}));
}

using std::chrono::seconds;

constexpr std::string_view anna = "8613800138000";   // prepaid, 100.00
constexpr std::string_view bruno = "8613800138001";  // prepaid, 0.50
constexpr std::string_view carla = "8613800138002";  // postpaid, 200.00 of credit
constexpr std::string_view stranger = "8613911111111";

constexpr std::string_view zones = "prefix,zone\n86,home\nrn:B,carrier-b\nrn:B7,carrier-b7\n";
constexpr std::string_view calls = R"(tariff: calls
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2020-01-01T00:00:00
numbers: {country_code: 86, national: 0}
tables: {zones: zones.csv}
services:
  voice:
    context: 32260@3gpp.org
    unit: seconds
    grant: {maximum: 10 min}
    prices:
      - {default: true, group: family, price: free}
      - {default: true, group: [vpn, account], amount: 0.01, per: 1 min}
      - {default: true, group: chosen, amount: 0.05, per: 1 min}
      - {default: true, zone: carrier-b7, amount: 0.70, per: 1 min}
      - {default: true, zone: carrier-b, amount: 0.20, per: 1 min}
      - {default: true, zone: home, amount: 0.10, per: 1 min}
      - {default: true, amount: 1.00, per: 1 min}
offers:
  - name: friends
    period: month
    chosen_numbers: {most: 2, changes: 1}
    covers: [{service: voice}]
  - {name: friend, validity: 30 d, chosen_numbers: {most: 1}, covers: [{service: voice}]}
)";

class OtherPartyTest : public testing::Test {
 protected:
  OtherPartyTest() {
    const std::string source =
        tariffs::canonical_bytes({std::string(calls), {{"zones.csv", std::string(zones)}}});
    auto compiled = tariffs::compile_tariff("test.yaml", source);
    EXPECT_TRUE(compiled.has_value()) << tariffs::to_string(compiled.error().front());
    engine_.shard().enter_tariff(*compiled, source);
    tariff_ = *compiled;
    settle();
  }

  void settle() {
    engine_.sync();
    engine_.advance(seconds(1));
  }
  void say(std::string_view msisdn, std::string_view name, std::string_view value) {
    const auto done =
        set_attributes(engine_.shard(), msisdn, {{std::string(name), std::string(value)}}, {});
    ASSERT_TRUE(done.has_value()) << done.error().message;
    settle();
  }
  void load_ported(std::string_view rows) {
    const std::string text = "number,routing\n" + std::string(rows);
    tariffs::FileErrors errors("ported.csv");
    auto table =
        std::make_shared<const tariffs::PortedNumbers>(tariffs::PortedNumbers::read(text, errors));
    ASSERT_TRUE(errors.empty());
    ASSERT_TRUE(load_numbers(engine_.shard(), std::move(table), text, {}).has_value());
    settle();
  }

  using Said = std::vector<std::pair<AttributeId, std::string>>;
  void ask(RequestType type, std::uint32_t number, const std::string& id, std::string_view msisdn,
           std::uint64_t used, const Said& said) {
    Request request = test::request_of(type, number, id, msisdn);
    request.service_context = "32260@3gpp.org";
    ServiceRequest& service = request.add_service();
    if (used > 0) service.used.emplace().seconds = used;
    if (type != RequestType::termination) service.requested.emplace().seconds = 60;
    for (const auto& [attribute, value] : said) {
      request.attributes.push_back({static_cast<std::uint8_t>(attribute), value});
    }
    engine_.handle(request);
    settle();
    engine_.advance(seconds(used));
  }
  std::int64_t owed(std::string_view msisdn) {
    return -engine_.shard().book().find_account(msisdn)->balance().micros;
  }
  // What a minute costs.
  std::string cost_of(std::string_view msisdn, const Said& said) {
    const std::string id = fmt::format("session {}", ++sessions_);
    ask(RequestType::initial, 0, id, msisdn, 0, said);
    const std::int64_t before = owed(msisdn);  // it is in memory now
    engine_.advance(seconds(60));
    ask(RequestType::termination, 1, id, msisdn, 60, said);
    return Money(owed(msisdn) - before).to_string();
  }
  std::string call(std::string_view msisdn, std::string_view called) {
    return cost_of(msisdn, {{AttributeId::called_party, fmt::format("tel:+{}", called)}});
  }
  // What the ledger keeps of the last session's first entry under a number.
  std::string kept(AttributeId id) {
    std::string found;
    Entry entry;
    const auto scanned = engine_.store().scan(Sequence(1), [&](const storage::Record& record) {
      std::string_view body = record.body;
      Sequence own = record.header.first;
      for (std::uint32_t i = 0; i < record.header.count; ++i, ++own.value) {
        if (!decode_entry(body, own, entry)) return false;
        if (entry.kind != EntryKind::session_opened) continue;
        found.clear();
        std::vector<AttributeView> list;
        EXPECT_TRUE(decode_attributes(entry.attributes, list));
        for (const AttributeView& one : list) {
          if (one.id == static_cast<std::uint8_t>(id)) found = one.value;
        }
      }
      return true;
    });
    EXPECT_TRUE(scanned.has_value());
    return found;
  }

  test::TestEngine engine_;
  std::shared_ptr<const tariffs::Tariff> tariff_;
  int sessions_ = 0;
};

TEST_F(OtherPartyTest, WhoIsOfTheSameFamily) {
  EXPECT_EQ(call(anna, carla), "0.100000");
  say(anna, "family", "smith");
  EXPECT_EQ(call(anna, carla), "0.100000") << "she is of none";
  EXPECT_EQ(kept(AttributeId::common_groups), "");
  say(carla, "family", "jones");
  EXPECT_EQ(call(anna, carla), "0.100000") << "she is of another one";
  say(carla, "family", "smith");
  EXPECT_EQ(call(anna, carla), "0.000000");
  EXPECT_EQ(kept(AttributeId::common_groups), "family");
  EXPECT_EQ(call(carla, anna), "0.000000");
  EXPECT_EQ(call(anna, bruno), "0.100000");
  EXPECT_EQ(call(anna, stranger), "0.100000");
  EXPECT_EQ(call(anna, anna), "0.100000") << "a mailbox, say";
  EXPECT_EQ(call(bruno, anna), "0.100000");
  const std::string national = fmt::format("0{}", carla.substr(2));
  EXPECT_EQ(cost_of(anna, {{AttributeId::called_party, national}}), "0.000000");
  EXPECT_EQ(cost_of(anna, {{AttributeId::called_party, "tel:" + std::string(carla)}}), "1.000000")
      << "nobody knows how to go on from a number that says neither";
}

TEST_F(OtherPartyTest, WhereTheCallComesInItIsWhoCalls) {
  say(anna, "family", "smith");
  say(carla, "family", "smith");
  const auto comes_in = [this](std::string_view calling, std::string_view role) {
    return cost_of(anna, {{AttributeId::called_party, fmt::format("tel:+{}", anna)},
                          {AttributeId::calling_party, fmt::format("sip:+{}@ims", calling)},
                          {AttributeId::role_of_node, std::string(role)}});
  };
  EXPECT_EQ(comes_in(carla, role_of(tariffs::Leg::terminating)), "0.000000");
  EXPECT_EQ(comes_in(bruno, role_of(tariffs::Leg::terminating)), "0.100000");
  EXPECT_EQ(comes_in(carla, role_of(tariffs::Leg::originating)), "0.100000");
}

TEST_F(OtherPartyTest, TheOtherPartyOfAMessageStandsInItsAddresses) {
  say(anna, "family", "smith");
  say(carla, "family", "smith");
  const auto message = [this](std::string_view to, std::string_view from) {
    return cost_of(anna, {{AttributeId::recipient, test::message_address(to)},
                          {AttributeId::originator, test::message_address(from)}});
  };
  EXPECT_EQ(message(carla, anna), "0.000000");
  EXPECT_EQ(message(anna, carla), "0.000000") << "it comes to her";
  EXPECT_EQ(kept(AttributeId::common_groups), "family");
  EXPECT_EQ(message(bruno, anna), "1.000000") << "its zone is not known by that";
  const std::string called = fmt::format("tel:+{}", bruno);
  EXPECT_EQ(cost_of(anna, {{AttributeId::called_party, called},
                           {AttributeId::recipient, test::message_address(carla)}}),
            "0.100000")
      << "a called number counts before it";
}

TEST_F(OtherPartyTest, AnyOfSeveralGroups) {
  say(anna, "vpn", "acme");
  say(bruno, "vpn", "acme");
  EXPECT_EQ(call(anna, bruno), "0.010000");
  say(anna, "family", "smith");
  say(bruno, "family", "smith");
  EXPECT_EQ(call(anna, bruno), "0.000000");
  EXPECT_EQ(kept(AttributeId::common_groups), "family,vpn");
}

TEST_F(OtherPartyTest, SubscribersOfOneAccount) {
  ASSERT_TRUE(add_subscriber(engine_.shard(), "8613800138777", anna, "", {}).has_value());
  settle();
  EXPECT_EQ(call(anna, "8613800138777"), "0.010000");
  EXPECT_EQ(kept(AttributeId::common_groups), "account");
  EXPECT_EQ(call(anna, bruno), "0.100000");
  EXPECT_EQ(kept(AttributeId::common_groups), "");
}

TEST_F(OtherPartyTest, AnAccountThatIsNotInMemoryIsRead) {
  say(anna, "family", "smith");
  say(carla, "family", "smith");
  engine_.checkpoint();
  engine_.crash_and_restart();
  ASSERT_EQ(engine_.shard().book().find_account(carla), nullptr);
  EXPECT_EQ(call(bruno, carla), "0.100000");
  EXPECT_EQ(engine_.shard().book().find_account(carla), nullptr) << "he is of no family";
  EXPECT_EQ(call(anna, stranger), "0.100000");
  EXPECT_EQ(call(anna, carla), "0.000000");
  EXPECT_NE(engine_.shard().book().find_account(carla), nullptr);
}

TEST_F(OtherPartyTest, ASessionKeepsWhatWasLookedUpUntilItNamesSomebodyElse) {
  say(anna, "family", "smith");
  say(carla, "family", "smith");
  const Said carla_called = {{AttributeId::called_party, fmt::format("tel:+{}", carla)}};
  const Said bruno_called = {{AttributeId::called_party, fmt::format("tel:+{}", bruno)}};
  ask(RequestType::initial, 0, "s", anna, 0, carla_called);
  say(carla, "family", "jones");
  engine_.crash_and_restart();
  ask(RequestType::update, 1, "s", anna, 30, carla_called);
  ask(RequestType::update, 2, "s", anna, 30, {});
  EXPECT_EQ(owed(anna), -100'000'000) << "what was looked up stands";
  ask(RequestType::update, 3, "s", anna, 0, bruno_called);
  ask(RequestType::termination, 4, "s", anna, 60, {});
  EXPECT_EQ(owed(anna), -99'900'000) << "from here on it is bruno";
}

TEST_F(OtherPartyTest, PortedNumbersAreOfTheZoneTheyAreRoutedTo) {
  EXPECT_EQ(call(anna, stranger), "0.100000");
  load_ported(fmt::format("{},B1\n8613922222222,b77\n8613933333333,C1\n", stranger));
  EXPECT_EQ(call(anna, stranger), "0.200000");
  EXPECT_EQ(kept(AttributeId::ported_to), "B1");
  EXPECT_EQ(call(anna, "8613922222222"), "0.700000") << "the longest prefix";
  EXPECT_EQ(call(anna, "8613933333333"), "0.100000") << "no zone has its routing number";
  EXPECT_EQ(call(anna, "8613944444444"), "0.100000");
  EXPECT_EQ(kept(AttributeId::ported_to), "");
  const Said told = {{AttributeId::called_party, fmt::format("tel:+{}", stranger)},
                     {AttributeId::routing_number, "B7"}};
  EXPECT_EQ(cost_of(anna, told), "0.700000") << "the network knows better";
  EXPECT_EQ(kept(AttributeId::ported_to), "");
  EXPECT_EQ(cost_of(anna, {{AttributeId::called_party, fmt::format("tel:+{};npdi", stranger)}}),
            "0.100000")
      << "it was looked up, and was not ported";
}

TEST_F(OtherPartyTest, TheTableIsThereAfterAStartAndIsReplacedWhole) {
  load_ported(fmt::format("{},B1\n", stranger));
  engine_.crash_and_restart();
  ASSERT_NE(engine_.shard().ported(), nullptr);
  EXPECT_EQ(call(anna, stranger), "0.200000");
  engine_.checkpoint();
  engine_.crash_and_restart();
  EXPECT_EQ(call(anna, stranger), "0.200000");
  load_ported("8613922222222,B7\n");
  EXPECT_EQ(call(anna, stranger), "0.100000");
  EXPECT_EQ(call(anna, "8613922222222"), "0.700000");
  load_ported("");
  EXPECT_EQ(call(anna, "8613922222222"), "0.100000");
}

TEST_F(OtherPartyTest, ASimulationLooksNothingUp) {
  say(anna, "family", "smith");
  say(carla, "family", "smith");
  load_ported(fmt::format("{},B1\n", stranger));
  const Time from = engine_.now();
  EXPECT_EQ(call(anna, carla), "0.000000");
  EXPECT_EQ(call(anna, stranger), "0.200000");
  EXPECT_EQ(call(anna, bruno), "0.100000");
  say(carla, "family", "");
  load_ported("");
  const std::string archive;
  TariffSimulation simulation(engine_.store(), archive_folder(engine_.store(), archive),
                              {from, engine_.now()}, tariff_);
  const auto ran = simulation.run([](std::string_view, Sequence, Sequence) { return true; });
  ASSERT_TRUE(ran.has_value()) << ran.error();
  const Account& account = *simulation.book().find_account(anna);
  const SimulatedCharges& charges = simulation.accounts()[account.number.value - 1];
  EXPECT_TRUE(charges.was == 300'000);
  EXPECT_TRUE(charges.would_be == 300'000);
}

TEST(OtherParty, GroupsAndRoutingNumbersInTests) {
  EXPECT_EQ(wrong_with_tariff(R"(
      - {default: true, group: family, price: free}
      - {default: true, amount: 0.10, per: 1 min}
)",
                              R"(
  - {name: one, service: voice, group: family, use: 1 min, expect: {amount: 0}}
  - {name: two, service: voice, group: [account, vpn], use: 1 min, expect: {amount: 0.10}}
)"),
            Texts());
  EXPECT_EQ(wrong_with_tariff(R"(
      - {default: true, group: [family, vpn], price: free}
      - {default: true, group: family, amount: 0.20, per: 1 min}
      - {default: true, amount: 0.10, per: 1 min}
)",
                              "  []\n")
                .size(),
            1u)
      << "the second one can never win";
  EXPECT_EQ(
      wrong_with_tariff(R"(
      - {default: true, group: Family, price: free}
      - {default: true, amount: 0.10, per: 1 min}
)",
                        "  []\n"),
      Texts({"t.yaml:12:32: \"Family\" is no group; expected account, chosen, or the name of an "
             "attribute of subscribers such as family"}));
}

class ChosenNumbersTest : public OtherPartyTest {
 protected:
  void buy(std::string_view offer) {
    const auto done = add_subscription(engine_.shard(), anna, offer, {});
    ASSERT_TRUE(done.has_value()) << done.error().message;
    settle();
  }
  // Why not; "": it is done.
  std::string told(const Operation& done) {
    settle();
    return done.has_value() ? std::string() : done.error().message;
  }
  std::string choose(std::string_view number) {
    return told(choose_number(engine_.shard(), anna, number, {}));
  }
  std::string give_up(std::string_view number) {
    return told(give_up_number(engine_.shard(), anna, number, {}));
  }
  std::vector<std::string> numbers() {
    const auto who = find_subscriber(engine_.shard(), anna);
    const auto& chosen = who->account->subscriber(who->subscriber)->chosen;
    return chosen == nullptr ? std::vector<std::string>() : chosen->numbers;
  }
};

TEST_F(ChosenNumbersTest, CostLessWhileASubscriptionBringsThem) {
  EXPECT_EQ(choose(bruno),
            "no subscription of 8613800138000 brings numbers to choose; see: farthing "
            "subscription list 8613800138000");
  buy("friend");
  EXPECT_EQ(choose("+" + std::string(stranger)), "");
  EXPECT_EQ(call(anna, stranger), "0.050000");
  EXPECT_EQ(kept(AttributeId::common_groups), "chosen");
  EXPECT_EQ(call(anna, bruno), "0.100000");
  EXPECT_EQ(call(carla, stranger), "0.100000") << "she chose nobody";
  EXPECT_EQ(
      cost_of(anna, {{AttributeId::called_party, "+" + std::string(anna)},
                     {AttributeId::calling_party, "+" + std::string(stranger)},
                     {AttributeId::role_of_node, std::string(role_of(tariffs::Leg::terminating))}}),
      "0.050000")
      << "and the other way round";
  engine_.advance(std::chrono::hours(31 * 24));
  EXPECT_EQ(call(anna, stranger), "0.100000") << "it is over";
  EXPECT_EQ(numbers(), std::vector<std::string>({std::string(stranger)}));
  buy("friend");
  EXPECT_EQ(call(anna, stranger), "0.050000");
}

TEST_F(ChosenNumbersTest, SoManyAtMostAndSoManyChangesAMonth) {
  buy("friends");
  EXPECT_EQ(choose(anna), "it is the subscriber's own number");
  EXPECT_EQ(choose("no"), "\"no\" is no number; expected 1 to 15 digits, the country code first");
  EXPECT_EQ(choose(bruno), "");
  EXPECT_EQ(choose(bruno), "") << "again";
  EXPECT_EQ(choose(carla), "");
  EXPECT_EQ(choose(stranger),
            "2 numbers are chosen, and its subscription brings no more than 2; give one up first: "
            "farthing chosen remove 8613800138000 NUMBER");
  EXPECT_EQ(give_up(stranger),
            "8613911111111 is not chosen; see: farthing chosen list 8613800138000");
  EXPECT_EQ(give_up(bruno), "");
  EXPECT_EQ(choose(stranger), "") << "its place is free";
  EXPECT_EQ(give_up(stranger),
            "1 of at most 1 numbers a month were given up already; the next may be from "
            "2026-07-01T00:00:00 on");
  engine_.checkpoint();
  engine_.crash_and_restart();
  EXPECT_EQ(call(anna, stranger), "0.050000");
  EXPECT_NE(give_up(stranger), "");
  engine_.advance(std::chrono::hours(30 * 24));
  EXPECT_EQ(give_up(stranger), "") << "a month of its own";
  EXPECT_NE(give_up(carla), "");
  EXPECT_EQ(numbers(), std::vector<std::string>({std::string(carla)}));
}

TEST_F(ChosenNumbersTest, OfASmallerOfferTheFirstOnesCount) {
  buy("friends");
  EXPECT_EQ(choose(stranger), "");
  EXPECT_EQ(choose(bruno), "");
  const SubscriptionNumber friends =
      engine_.shard().book().find_account(anna)->subscriptions.at(0).number;
  ASSERT_TRUE(end_subscription(engine_.shard(), anna, friends, {}).has_value());
  settle();
  EXPECT_EQ(call(anna, stranger), "0.100000");
  buy("friend");
  EXPECT_EQ(call(anna, stranger), "0.050000");
  EXPECT_EQ(call(anna, bruno), "0.100000");
}

// The same by a list and a count that begins anew with each month of the calendar.
RC_GTEST_FIXTURE_PROP(ChosenNumbersTest, AreThoseOfAModel, ()) {
  const std::vector<std::string> others = {std::string(bruno), std::string(carla),
                                           std::string(stranger), "49301234567"};
  buy("friends");
  std::vector<std::string> model;
  std::string month;
  int given_up = 0;
  const auto steps = *rc::gen::inRange(1, 25);
  for (int i = 0; i < steps; ++i) {
    const std::string& number = others[*rc::gen::inRange<std::size_t>(0, others.size())];
    const auto at = std::ranges::find(model, number);
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
      case 1: {
        const bool may_be = at != model.end() || model.size() < 2;
        RC_ASSERT((choose(number) == "") == may_be);
        if (may_be && at == model.end()) model.push_back(number);
        break;
      }
      case 2: {
        const std::string now =
            tariffs::local_time_text("Asia/Shanghai", engine_.now()).substr(0, 7);
        if (now != month) given_up = 0;
        const bool may_be = at != model.end() && given_up < 1;
        RC_ASSERT((give_up(number) == "") == may_be);
        if (!may_be) break;
        month = now;
        ++given_up;
        model.erase(at);
        break;
      }
      default:
        engine_.advance(std::chrono::hours(24 * *rc::gen::inRange(1, 20)));
        if (*rc::gen::inRange(0, 4) == 0) {
          engine_.checkpoint();
          engine_.crash_and_restart();
        }
        for (const std::string& each : others) {
          const bool is_one = std::ranges::find(model, each) != model.end();
          const std::string usual = each.starts_with("86") ? "0.100000" : "1.000000";
          RC_ASSERT(call(carla, each) == (each == carla ? "0.100000" : usual));
          RC_ASSERT(call(anna, each) == (is_one ? "0.050000" : usual));
        }
    }
    RC_ASSERT(numbers() == model);
  }
}

}  // namespace
}  // namespace farthing::engine
