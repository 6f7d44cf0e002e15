// What support staff and billing operations do in the simulation.
#include "tools/sim/simulation.h"

#include "tariffs/tariff_file.h"

#include <utility>

namespace farthing::sim {

namespace {

engine::Note note_of(std::string_view request_id) { return {"staff", "simulated", request_id}; }

constexpr std::uint64_t accounts_max = 20;
constexpr std::uint64_t subscribers_max = 6;  // of one account
constexpr std::size_t buckets_max = 12;       // of one account
constexpr std::size_t tariffs_max = 6;

std::string digits_of(engine::Identity identity) { return identity.digits(); }

engine::Needs needs_of(const Person& person) {
  engine::Needs needs;
  needs.identities = {person.msisdn};
  if (person.imsi.kind() != engine::Identity::Kind::none) needs.identities.push_back(person.imsi);
  return needs;
}

}  // namespace

void Simulation::operate(std::string what, const std::string& account, engine::Needs needs,
                         std::function<engine::Operation(engine::Shard&)> run,
                         std::function<Sequence(const OperationEnd&, const Entered&)> follow,
                         std::function<void(bool done)> then) {
  needs.names.push_back(account);
  auto now = [this, what = std::move(what), account, run = std::move(run),
              follow = std::move(follow), then = std::move(then)](std::string_view error) {
    --staff_waiting_;
    if (!error.empty()) findings_.add("{} {} cannot be done: {}", what, account, error);
    const Sequence before = server_.last();
    const engine::Operation operation = run(server_.shard());
    OperationEnd end;
    end.done = operation.has_value();
    if (end.done) {
      end.repeated = operation->repeated;
      end.sequence = operation->sequence;
    }
    const Entered entered{before, server_.last()};
    const Sequence rests_on = follow(end, entered);
    note("{} {}: {}, entry {}", what, account,
         end.done ? (end.repeated ? "repeated" : "done") : operation.error().message,
         rests_on.value);
    compare(account);
    tell_staff(rests_on, what);
    if (then) then(end.done);
  };
  ++staff_waiting_;
  server_.shard().when_here(std::move(needs), std::move(now));
}

void Simulation::tell_staff(Sequence rests_on, std::string what) {
  ++staff_waiting_;
  server_.shard().when_durable([this, rests_on, what = std::move(what)] {
    --staff_waiting_;
    model_.acknowledge(rests_on, store_->synced(), what);
  });
}

// --- Money ---------------------------------------------------------------------------------------

void Simulation::do_money(const Money& money, std::function<void(bool done)> then) {
  engine::Needs needs;
  if (!money.request_id.empty()) needs.request_ids = {money.request_id};
  operate(
      fmt::format("{} {} with request id \"{}\" for", money.is_top_up ? "top-up" : "adjustment",
                  money.micros, money.request_id),
      money.account, std::move(needs),
      [=](engine::Shard& shard) {
        const engine::Note why = note_of(money.request_id);
        return money.is_top_up
                   ? engine::top_up(shard, money.account, engine::Money(money.micros), why)
                   : engine::adjust(shard, money.account, engine::Money(money.micros), why);
      },
      [=, this](const OperationEnd& end, const Entered& entered) {
        return model_.move_money(money.account, money.micros, money.is_top_up, money.request_id,
                                 end, entered);
      },
      std::move(then));
}

bool Simulation::move_money() {
  Money money;
  money.account = random_.pick(accounts_);
  money.is_top_up = random_.chance(70);
  money.micros = static_cast<std::int64_t>(random_.between(1, 3'000'000));
  if (!money.is_top_up && random_.chance(60)) money.micros = -money.micros;
  if (random_.chance(70)) {
    money.request_id = fmt::format("id-{}", ++names_);
    money_.push_back(money);
  }
  do_money(money);
  return true;
}

// Two adjustments: what one account gives the other gets.
bool Simulation::transfer() {
  if (accounts_.size() < 2) return false;
  Money from{random_.pick(accounts_), -static_cast<std::int64_t>(random_.between(1, 500'000)),
             false, fmt::format("transfer-{}-from", ++names_)};
  Money to{random_.pick(accounts_), -from.micros, false, fmt::format("transfer-{}-to", names_)};
  money_.push_back(from);
  money_.push_back(to);
  do_money(from, [this, to](bool taken) {
    if (taken) do_money(to);
  });
  return true;
}

// As people do who are not sure that it worked; now and then with another amount.
bool Simulation::repeat_money() {
  if (money_.empty()) return false;
  Money money = random_.pick(money_);
  if (random_.chance(20)) money.micros += 1;
  if (money.micros == 0) return false;
  do_money(money);
  return true;
}

// --- Subscribers ---------------------------------------------------------------------------------

bool Simulation::subscribe() {
  const Person person = random_.pick(traffic_.people());
  const ModelAccount* const account = model_.named(person.account);
  if (account == nullptr || account->buckets.size() >= buckets_max) return false;
  constexpr std::array offers = {"data-1",  "data-2",     "voice-1",
                                 "voice-2", "messages-1", "no-offer"};
  const std::string offer = random_.pick(offers);
  operate(
      fmt::format("subscription to {} for", offer), person.account, needs_of(person),
      [=](engine::Shard& shard) {
        return engine::add_subscription(shard, digits_of(person.msisdn), offer, note_of(""));
      },
      [=, this](const OperationEnd& end, const Entered& entered) {
        return model_.add_subscription(person.msisdn, offer, server_.shard().now(), end, entered);
      });
  return true;
}

bool Simulation::end_subscription() {
  const Person person = random_.pick(traffic_.people());
  const ModelAccount* const account = model_.named(person.account);
  if (account == nullptr || account->buckets.empty()) return false;
  const std::uint32_t bucket = random_.pick(account->buckets).number;
  operate(
      fmt::format("end of subscription {} of", bucket), person.account, needs_of(person),
      [=](engine::Shard& shard) {
        return engine::end_subscription(shard, digits_of(person.msisdn),
                                        engine::SubscriptionNumber(bucket), note_of(""));
      },
      [=, this](const OperationEnd& end, const Entered& entered) {
        return model_.end_subscription(person.msisdn, bucket, end, entered);
      });
  return true;
}

bool Simulation::change_state() {
  using engine::LifeState;
  const Person person = random_.pick(traffic_.people());
  const LifeState state = random_.chance(55)   ? LifeState::active
                          : random_.chance(50) ? LifeState::suspended
                          : random_.chance(70) ? LifeState::suspended_outgoing
                                               : LifeState::terminated;
  operate(
      fmt::format("state {} in", tariffs::state_name(state)), person.account, needs_of(person),
      [=](engine::Shard& shard) {
        return engine::set_state(shard, digits_of(person.msisdn), state, note_of(""));
      },
      [=, this](const OperationEnd& end, const Entered& entered) {
        return model_.set_state(person.msisdn, state, end, entered);
      });
  return true;
}

bool Simulation::close_session() {
  const std::optional<std::string> id = traffic_.some_session_id();
  if (!id) return false;
  const std::string account = model_.account_of_session(*id);
  operate(
      fmt::format("closing {} of", *id), account, {},
      [=](engine::Shard& shard) { return engine::close_session(shard, *id); },
      [=, this](const OperationEnd& end, const Entered& entered) {
        return model_.close_session(*id, end, entered);
      });
  return true;
}

// Prepaid, postpaid and hybrid: what differs is the limit, and whether money is there first.
bool Simulation::add_account() {
  if (accounts_.size() >= accounts_max) return false;
  const std::string name = fmt::format("account-{}", ++names_);
  const auto kind = static_cast<engine::AccountKind>(random_.below(3));
  const std::int64_t limit = kind == engine::AccountKind::prepaid
                                 ? 0
                                 : static_cast<std::int64_t>(random_.below(5'000'000));
  operate(
      "account made:", name, {},
      [=](engine::Shard& shard) {
        return engine::create_account(shard, name, kind, engine::Money(limit), note_of(""));
      },
      [=, this](const OperationEnd& end, const Entered& entered) {
        return model_.create_account(name, limit, end, entered);
      },
      [this, name](bool) { add_subscriber_to(name); });
  accounts_.push_back(name);
  return true;
}

bool Simulation::add_subscriber() { return add_subscriber_to(random_.pick(accounts_)); }

bool Simulation::add_subscriber_to(const std::string& account) {
  const ModelAccount* const known = model_.named(account);
  if (known == nullptr || known->subscribers.size() >= subscribers_max) return false;
  if (Person* const former = random_.chance(50) ? find_former() : nullptr) {
    former->account = account;
    add_person_to(account, *former);
    return true;
  }
  const std::string digits = fmt::format("86138{:08}", ++names_);
  Person person{account, *engine::Identity::make(engine::Identity::Kind::e164, digits), {}};
  if (random_.chance(60)) {
    person.imsi =
        *engine::Identity::make(engine::Identity::Kind::imsi, fmt::format("46000{:010}", names_));
  }
  add_person_to(account, person);
  traffic_.add_person(std::move(person));
  return true;
}

// Whose numbers are nobody's, since it was terminated; nullptr: there is none.
Person* Simulation::find_former() {
  for (Person& person : traffic_.people()) {
    if (!model_.is_borne(person.msisdn)) return &person;
  }
  return nullptr;
}

void Simulation::add_person_to(const std::string& account, const Person& person) {
  operate(
      "subscriber added to", account, needs_of(person),
      [=](engine::Shard& shard) {
        const bool has_card = person.imsi.kind() != engine::Identity::Kind::none;
        return engine::add_subscriber(shard, digits_of(person.msisdn), account,
                                      has_card ? digits_of(person.imsi) : "", note_of(""));
      },
      [=, this](const OperationEnd& end, const Entered& entered) {
        return model_.add_subscriber(account, {person.msisdn, person.imsi}, end, entered);
      });
}

bool Simulation::load_tariff() {
  if (model_.tariffs_loaded() >= tariffs_max) return false;
  // Some are loaded before they are valid.
  const Time valid_from = random_.chance(70) || model_.tariffs_loaded() == 0
                              ? Time(std::chrono::sys_days(std::chrono::year(2020) / 1 / 1))
                              : now_ + std::chrono::seconds(random_.below(4000));
  auto plan = std::make_shared<TariffPlan>(
      make_tariff(random_, std::chrono::floor<std::chrono::seconds>(valid_from)));
  const std::string source = plan->yaml();
  auto tariff = tariffs::compile_tariff("simulated.yaml", source);
  if (!tariff.has_value()) {
    findings_.add("a tariff of the simulation is refused: {}\n{}",
                  tariffs::to_string(tariff.error().front()), source);
    return true;
  }
  const Sequence before = server_.last();
  server_.shard().enter_tariff(*tariff, source);
  model_.load_tariff(std::move(plan), server_.shard().now(), {before, server_.last()});
  note("tariff loaded, entry {}", server_.last().value);
  return true;
}

// Somebody looks at an account through the API: what is shown may not be ahead of the disk.
bool Simulation::read_account() {
  note("somebody looks:");
  read(random_.pick(accounts_));
  return true;
}

void Simulation::read(const std::string& name) {
  engine::Needs needs;
  needs.names = {name};
  ++staff_waiting_;
  server_.shard().when_here(std::move(needs), [this, name](std::string_view error) {
    --staff_waiting_;
    if (!error.empty()) findings_.add("account {} cannot be read: {}", name, error);
    if (model_.named(name) != nullptr && !server_.sight(name)) {
      findings_.add("account {} is not there", name);
    }
    compare(name);
    const Sequence rests_on = model_.newest(name);
    note("  {} is read, which rests on entry {}", name, rests_on.value);
    tell_staff(rests_on, "a read account");
  });
}

}  // namespace farthing::sim
