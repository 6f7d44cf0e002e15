#include "engine/tariff_tests.h"

#include "engine/attributes.h"
#include "engine/base/assert.h"
#include "engine/operations.h"
#include "storage/memory_store.h"
#include "tariffs/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace farthing::engine {
namespace {

using tariffs::FileErrors;
using tariffs::Tariff;
using tariffs::TariffTest;
using tariffs::TestRefusal;

constexpr std::string_view subscriber = "1";    // and the account's name
constexpr std::uint32_t requests_max = 10'000;  // of one test
constexpr std::uint32_t requests_all_max = 1'000'000;

// What a client met with.
struct Course {
  std::uint64_t served = 0;  // units
  std::optional<Outcome> refused;
  bool is_too_long = false;  // given up: more requests than a test may have
};

// One test's server, with one account.
class Bench {
 public:
  Bench(std::shared_ptr<const Tariff> tariff, const TariffTest& test);

  // "": the account is as the test wants it.
  std::string set_up();
  Course play();
  const Account& account() const { return *shard_.book().find_account(subscriber); }
  std::uint32_t requests() const { return requests_; }

 private:
  static ShardOptions options();
  std::string set_up_money();
  Operation set_up_payer(const TariffTest::Payer& payer);
  Course play_session();
  Course play_events();
  ServiceRequest& prepare(RequestType type, std::string_view session);
  // The units granted, 0 where there are none; `refused` says why.
  std::uint64_t send(std::optional<Outcome>& refused);
  void describe();  // the request, by what the test says of the network
  void sync();

  const TariffTest& test_;
  std::shared_ptr<const Tariff> tariff_;
  Time now_;
  storage::MemoryStore store_;
  Shard shard_;
  Request request_;
  std::string rat_type_;  // as the wire has it
  std::string role_;      // likewise
  std::uint32_t requests_ = 0;
};

ShardOptions Bench::options() {
  ShardOptions options;
  options.book.duplicates.bytes_max = 1u << 20;  // cheap to make, and more than a test needs
  return options;
}

Bench::Bench(std::shared_ptr<const Tariff> tariff, const TariffTest& test)
    : test_(test),
      tariff_(std::move(tariff)),
      now_(test.at),
      shard_(store_, options(), [this] { return now_; }) {
  if (test.rat_type) rat_type_ = static_cast<char>(*test.rat_type);
  if (test.leg) role_ = role_of(*test.leg);
  store_.set_durable([this](Sequence last) { shard_.durable(last); });
}

void Bench::sync() {
  shard_.end_turn();
  while (store_.sync()) {
  }
}

std::string Bench::set_up() {
  const auto recovered = shard_.recover([](Sequence) {});
  FARTHING_ASSERT(recovered.has_value());  // of an empty ledger
  shard_.enter_tariff(tariff_, std::string());
  std::string problem = set_up_money();
  sync();
  return problem;
}

std::string Bench::set_up_money() {
  const Note note{"test", "", ""};
  const AccountKind kind =
      test_.credit_limit.micros > 0 ? AccountKind::hybrid : AccountKind::prepaid;
  Money money = test_.balance;
  for (const std::string& name : test_.subscriptions) {
    if (!tariffs::add(money,
                      first_payment(*tariff_, *tariff_->find_offer(name), LifeState::active, now_),
                      money)) {
      return "the fees are beyond what can be counted";
    }
  }
  auto done = create_account(shard_, subscriber, kind, test_.credit_limit, note);
  if (done.has_value()) done = add_subscriber(shard_, subscriber, subscriber, "", note);
  if (done.has_value() && !test_.attributes.empty()) {
    done = set_attributes(shard_, subscriber, test_.attributes, note);
  }
  for (const std::string& name : test_.switched_off) {
    if (done.has_value()) done = set_switch(shard_, subscriber, name, false, note);
  }
  for (const TariffTest::Payer& payer : test_.payers) {
    if (done.has_value()) done = set_up_payer(payer);
  }
  // Money that does not make the account end.
  if (done.has_value() && money.micros > 0) done = adjust(shard_, subscriber, money, note);
  for (const std::string& name : test_.subscriptions) {
    if (done.has_value()) done = add_subscription(shard_, subscriber, name, note);
  }
  return done.has_value() ? "" : done.error().message;
}

// Its account is called by its place.
Operation Bench::set_up_payer(const TariffTest::Payer& payer) {
  const Note note{"test", "", ""};
  const auto place = static_cast<std::size_t>(&payer - test_.payers.data());
  const std::string name = fmt::format("payer-{}", place + 1);
  Operation done = create_account(shard_, name, AccountKind::prepaid, Money(), note);
  if (done.has_value() && payer.balance.micros > 0) {
    done = adjust(shard_, name, payer.balance, note);
  }
  if (!done.has_value()) return done;
  return add_payer(shard_, subscriber, {name, payer.services, payer.cap, payer.share}, note);
}

Course Bench::play() { return test_.unit == Unit::events ? play_events() : play_session(); }

ServiceRequest& Bench::prepare(RequestType type, std::string_view session) {
  request_.clear();
  request_.client.acts_at_end = false;  // a test asks whether it is refused
  request_.key = {type, requests_, 0, requests_, requests_};
  request_.session_id = session;
  request_.service_context = test_.context;
  request_.identities = {*parse_msisdn(subscriber)};
  describe();
  ServiceRequest& service = request_.add_service();
  service.rating_group = test_.rating_group;
  return service;
}

void Bench::describe() {
  const auto add = [this](AttributeId id, std::string_view value) {
    if (value.empty()) return;
    request_.attributes.push_back({static_cast<std::uint8_t>(id), value});
  };
  add(AttributeId::called_party, test_.called);
  add(AttributeId::calling_party, test_.calling);
  add(AttributeId::routing_number, test_.routing_number);
  add(AttributeId::common_groups, test_.common_groups);
  add(AttributeId::access_point, test_.access_point);
  add(AttributeId::serving_network, test_.serving_network);
  add(AttributeId::rat_type, rat_type_);
  add(AttributeId::role_of_node, role_);
}

std::uint64_t Bench::send(std::optional<Outcome>& refused) {
  ++requests_;
  const Shard::Hold hold = shard_.handle(request_);
  FARTHING_ASSERT(hold != Shard::Hold::fetching);  // everything there is is in memory
  sync();
  const Answer& answer = shard_.answer();
  Outcome outcome = answer.outcome;
  if (outcome == Outcome::success && answer.service_count > 0) {
    outcome = answer.services[0].outcome;
  }
  if (outcome != Outcome::success) refused = outcome;
  if (refused || answer.service_count == 0 || !answer.services[0].grant) return 0;
  return answer.services[0].grant->amount;
}

void ask(ServiceRequest& service, Unit unit, std::uint64_t units) {
  RequestedUnits& requested = service.requested.emplace();
  switch (unit) {
    case Unit::seconds:
      requested.seconds = static_cast<std::uint32_t>(std::min<std::uint64_t>(units, UINT32_MAX));
      break;
    case Unit::octets:
      requested.total_octets = units;
      break;
    case Unit::events:
      requested.events = units;
      break;
    case Unit::money:
      requested.money = Money(static_cast<std::int64_t>(units));
      break;
  }
}

void report(ServiceRequest& service, Unit unit, std::uint64_t units) {
  UsedUnits& used = service.used.emplace();
  switch (unit) {
    case Unit::seconds:
      used.seconds = units;
      break;
    case Unit::octets:
      used.octets = units;
      break;
    case Unit::events:
      used.events = units;
      break;
    case Unit::money:
      used.money = Money(static_cast<std::int64_t>(units));
      break;
  }
}

Course Bench::play_session() {
  constexpr std::string_view session = "test";
  Course course;
  ask(prepare(RequestType::initial, session), test_.unit, test_.uses[0].units);
  std::uint64_t granted = send(course.refused);
  for (std::size_t i = 0; i < test_.uses.size(); ++i) {
    for (std::uint64_t left = test_.uses[i].units; left > 0 && !course.refused;) {
      if (requests_ >= requests_max) {
        course.is_too_long = true;
        return course;
      }
      const std::uint64_t used = std::min(left, granted);
      left -= used;
      course.served += used;
      std::uint64_t wanted = left;
      if (left == 0 && i + 1 < test_.uses.size()) wanted = test_.uses[i + 1].units;
      if (test_.uses[i].at) now_ = *test_.uses[i].at;
      ServiceRequest& service =
          prepare(wanted > 0 ? RequestType::update : RequestType::termination, session);
      report(service, test_.unit, used);
      if (wanted > 0) ask(service, test_.unit, wanted);
      granted = send(course.refused);
    }
  }
  if (course.refused && shard_.book().session_count() > 0) {
    std::optional<Outcome> ignored;
    prepare(RequestType::termination, session);
    send(ignored);
  }
  return course;
}

Course Bench::play_events() {
  Course course;
  for (const TariffTest::Use& use : test_.uses) {
    if (use.at) now_ = *use.at;
    const std::string session = fmt::format("test;{}", requests_);
    ask(prepare(RequestType::event, session), test_.unit, use.units);
    send(course.refused);
    if (course.refused) break;
    course.served += use.units;
  }
  return course;
}

std::string refusal_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::credit_limit_reached:
      return "refused for the balance (4012)";
    case Outcome::rating_failed:
      return "refused for want of a price (5031)";
    case Outcome::service_denied:
      return "refused to this subscriber (4010)";
    default:
      return "refused by a limit of the server";
  }
}

Outcome outcome_of(TestRefusal refusal) {
  switch (refusal) {
    case TestRefusal::balance:
      return Outcome::credit_limit_reached;
    case TestRefusal::no_price:
      return Outcome::rating_failed;
    case TestRefusal::denied:
      return Outcome::service_denied;
  }
  FARTHING_ASSERT(false);
  return {};
}

// Says of one test what is not as expected.
class Judge {
 public:
  Judge(const TariffTest& test, const Course& course, FileErrors& errors)
      : test_(test), course_(course), errors_(errors) {}

  void judge(const Account& before, const Account& after) {
    judge_course();
    const std::int64_t paid = before.balance().micros - after.balance().micros;
    if (test_.amount) {
      const Money amount(paid + after.overage_micros - before.overage_micros);
      judge_money("the amount", *test_.amount, amount);
    }
    if (test_.balance_left) judge_money("the balance", *test_.balance_left, after.balance());
    for (const auto& allowance : test_.allowances) judge_allowance(allowance, after);
  }

 private:
  void fail(tariffs::FilePosition position, std::string_view actual, std::string_view expected) {
    errors_.add(position, fmt::format("test {} fails: {}", tariffs::in_quotes(test_.name), actual),
                expected);
  }

  std::string served_text() const { return tariffs::units_text(test_.unit, course_.served); }

  void judge_course() {
    if (test_.refused) {
      const std::string expected = refusal_text(outcome_of(test_.refused->value));
      if (!course_.refused) {
        fail(test_.refused->position, "it is served to its end", expected);
      } else if (*course_.refused != outcome_of(test_.refused->value)) {
        fail(test_.refused->position, "it is " + refusal_text(*course_.refused), expected);
      }
    } else if (course_.refused) {
      fail(test_.position,
           fmt::format("it is {} after {}", refusal_text(*course_.refused), served_text()),
           "that it is served to its end");
    }
    if (test_.served && test_.served->value != course_.served) {
      fail(test_.served->position, "served are " + served_text(),
           tariffs::units_text(test_.unit, test_.served->value));
    }
  }

  void judge_money(std::string_view what, const TariffTest::Expected<Money>& expected,
                   Money actual) {
    if (expected.value == actual) return;
    fail(expected.position, fmt::format("{} is {}", what, actual.to_string()),
         expected.value.to_string());
  }

  void judge_allowance(const TariffTest::Expected<TariffTest::Left>& expected,
                       const Account& after) {
    const TariffTest::Left& left = expected.value;
    std::int64_t actual = 0;
    for (const Bucket& bucket : after.buckets) {
      if (bucket.offer == left.offer && bucket.unit == left.unit) actual += bucket.remaining;
    }
    if (actual == static_cast<std::int64_t>(left.units)) return;
    fail(expected.position,
         fmt::format("{} are left of {}",
                     tariffs::units_text(left.unit, static_cast<std::uint64_t>(actual)),
                     tariffs::in_quotes(left.offer)),
         tariffs::units_text(left.unit, left.units));
  }

  const TariffTest& test_;
  const Course& course_;
  FileErrors& errors_;
};

// Runs one test; the number of requests that it took.
std::uint32_t run(const std::shared_ptr<const Tariff>& tariff, const TariffTest& test,
                  FileErrors& errors) {
  Bench bench(tariff, test);
  if (const std::string problem = bench.set_up(); !problem.empty()) {
    errors.add(test.position,
               fmt::format("test {} cannot be run: {}", tariffs::in_quotes(test.name), problem));
    return 0;
  }
  const Account before = bench.account();
  const Course course = bench.play();
  if (course.is_too_long) {
    errors.add(test.position,
               fmt::format("test {} takes more than {} requests, at the grants of this tariff",
                           tariffs::in_quotes(test.name), requests_max),
               "less usage, or larger grants");
  } else {
    Judge(test, course, errors).judge(before, bench.account());
  }
  return bench.requests();
}

}  // namespace

std::vector<tariffs::FileError> run_tariff_tests(std::string_view file_name,
                                                 const std::shared_ptr<const Tariff>& tariff) {
  FileErrors errors(file_name);
  std::uint32_t requests = 0;
  for (const TariffTest& test : tariff->tests()) {
    if (requests > requests_all_max) {
      errors.add(
          test.position,
          fmt::format("the tests before this one took {} requests; it was not run", requests),
          fmt::format("tests of at most {} requests together", requests_all_max));
      break;
    }
    requests += run(tariff, test, errors);
  }
  return errors.take();
}

tariffs::CheckedTariff check_tariff(std::string_view file_name,
                                    const tariffs::TariffSource& source) {
  tariffs::CheckedTariff checked = tariffs::check_tariff(file_name, source);
  if (checked.tariff == nullptr) return checked;
  checked.errors = run_tariff_tests(file_name, checked.tariff);
  if (!checked.errors.empty()) checked.tariff.reset();
  return checked;
}

}  // namespace farthing::engine
