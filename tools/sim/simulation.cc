#include "tools/sim/simulation.h"

#include <algorithm>

namespace farthing::sim {

namespace {

constexpr int tries_max = 1000;  // to find an action that can be done

std::string_view name_of(engine::RequestType type) {
  constexpr std::array<std::string_view, 4> names = {"initial", "update", "termination", "event"};
  return names[static_cast<std::size_t>(type) - 1];
}

std::string_view name_of(Server::Fate fate) {
  constexpr std::array<std::string_view, 3> names = {"ready", "held", "waits for the disk"};
  return names[static_cast<std::size_t>(fate)];
}

// Little memory, so that accounts come and go, and rounds of write-back of every pace.
engine::ShardOptions shard_options(Random& random) {
  engine::ShardOptions options;
  options.book.duplicates.bytes_max = 1u << 20;  // all of a run, and cheap to start
  options.book.session_key_seed = 1;
  options.accounts_memory_bytes = random.chance(80) ? random.between(1, 4000) : 0;
  options.checkpoint_interval = std::chrono::milliseconds(random.below(20'000));
  options.checkpoint_rows_max = random.between(1, 100);
  options.checkpoint_rows_a_step = random.between(1, 20);
  return options;
}

}  // namespace

Simulation::Simulation(std::uint64_t seed, std::unique_ptr<SteppedStore> store,
                       std::function<void(std::string_view)> tell)
    : random_(seed),
      tell_(std::move(tell)),
      store_(std::move(store)),
      model_(findings_),
      audit_(findings_),
      traffic_(random_),
      server_(*store_, now_, shard_options(random_),
              {[this](std::size_t call) { acknowledged(call); },
               [this](std::size_t call) { deliver(call); }}) {
  choose_weights();
}

// Each seed likes some things more than others, and leaves a few out.
void Simulation::choose_weights() {
  struct Preference {
    bool (Simulation::*run)();
    std::uint64_t weight;
    bool may_be_left_out;
  };
  const std::vector<Preference> preferences = {
      {&Simulation::begin_session, 100, false},
      {&Simulation::update_session, 340, false},
      {&Simulation::end_session, 50, true},
      {&Simulation::send_event, 100, true},
      {&Simulation::send_stray, 5, true},
      {&Simulation::send_duplicate, 80, true},
      {&Simulation::send_again, 150, false},
      {&Simulation::deliver_late, 80, false},
      {&Simulation::move_money, 60, false},
      {&Simulation::transfer, 10, true},
      {&Simulation::repeat_money, 20, true},
      {&Simulation::subscribe, 15, true},
      {&Simulation::end_subscription, 5, true},
      {&Simulation::change_state, 8, true},
      {&Simulation::close_session, 5, true},
      {&Simulation::add_account, 3, true},
      {&Simulation::add_subscriber, 3, true},
      {&Simulation::load_tariff, 2, true},
      {&Simulation::read_account, 30, false},
      {&Simulation::end_turn, 250, false},
      {&Simulation::sync, 200, false},
      {&Simulation::finish_round, 100, false},
      {&Simulation::run_read, 200, false},
      {&Simulation::deliver_post, 300, false},
      {&Simulation::tick, 30, false},
      {&Simulation::seconds_go_by, 40, false},
      {&Simulation::minutes_go_by, 8, true},
      {&Simulation::hours_go_by, 2, true},
      {&Simulation::fill_disk, 10, true},
      {&Simulation::crash, 6, true},
      {&Simulation::restart, 1, true},
      {&Simulation::retain, 4, true},
      {&Simulation::copy, 2, true},
  };
  for (const Preference& preference : preferences) {
    constexpr std::array<std::uint64_t, 6> factors = {1, 1, 1, 2, 3, 5};
    std::uint64_t factor = random_.pick(factors);
    if (preference.may_be_left_out && random_.chance(15)) factor = 0;
    actions_.push_back({preference.run, preference.weight * factor});
    weight_sum_ += preference.weight * factor;
  }
}

std::optional<Violation> Simulation::run(std::uint64_t steps) {
  if (step_ == 0) set_up();
  while (findings_.none() && step_ < steps) {
    ++step_;
    if (!take_step()) findings_.add("nothing could be done");
  }
  if (findings_.none()) settle();
  if (findings_.none()) compare_all();
  if (findings_.none()) settle();
  if (findings_.none()) prove(*store_);
  if (findings_.none()) return std::nullopt;
  return Violation{step_, findings_.first()};
}

void Simulation::set_up() {
  start();
  load_tariff();
  const std::uint64_t accounts = random_.between(2, 10);
  for (std::uint64_t i = 0; i < accounts; ++i) add_account();
  for (std::uint64_t i = 0; i < accounts; ++i) move_money();
  settle();
}

bool Simulation::take_step() {
  now_ += engine::Duration(random_.below(1500));
  for (int i = 0; i < tries_max; ++i) {
    std::uint64_t luck = random_.below(weight_sum_);
    for (const Action& action : actions_) {
      if (luck >= action.weight) {
        luck -= action.weight;
        continue;
      }
      if ((this->*action.run)()) return true;
      break;
    }
  }
  return false;
}

std::vector<std::string_view> Simulation::last_steps() const {
  std::vector<std::string_view> last;
  const std::uint64_t count = std::min<std::uint64_t>(notes_ever_, notes_max);
  for (std::uint64_t at = notes_ever_ - count; at < notes_ever_; ++at) {
    last.push_back(notes_[at % notes_max]);
  }
  return last;
}

std::uint64_t Simulation::fingerprint() const {
  const storage::LedgerEnd end = store_->end();
  std::uint64_t sum = end.last.value;
  for (std::byte byte : end.hash) sum = sum * 257 + static_cast<std::uint64_t>(byte);
  return sum;
}

// --- Clients -------------------------------------------------------------------------------------

bool Simulation::begin_session() { return send(traffic_.begin_session(now_), "new"); }
bool Simulation::update_session() { return send(traffic_.update_session(now_), "new"); }
bool Simulation::end_session() { return send(traffic_.end_session(now_), "new"); }
bool Simulation::send_event() { return send(traffic_.event(now_), "new"); }
bool Simulation::send_stray() { return send(traffic_.stray(now_), "stray"); }
bool Simulation::send_duplicate() { return send(traffic_.duplicate(now_), "copy"); }
bool Simulation::send_again() { return send(traffic_.send_again(now_), "again"); }

// Some requests take long on their way, so that others overtake them.
bool Simulation::send(std::optional<std::size_t> call, std::string_view what) {
  if (!call) return false;
  traffic_.sent(*call, server_.last());
  if (random_.chance(12)) {
    late_.push_back(*call);
    const engine::Request& request = traffic_.call(*call).request;
    note("{} {} {} of {} is on its way", what, name_of(request.key.type), request.key.number,
         request.session_id);
    return true;
  }
  note("{}:", what);
  deliver(*call);
  return true;
}

bool Simulation::deliver_late() {
  if (late_.empty()) return false;
  const std::size_t at = static_cast<std::size_t>(random_.below(late_.size()));
  const std::size_t call = late_[at];
  late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(at));
  if (traffic_.is_given_up(call, now_)) return true;
  note("late:");
  deliver(call);
  return true;
}

void Simulation::deliver(std::size_t number) {
  Traffic::Call& call = traffic_.call(number);
  scratch_ = call.request;
  const Sequence before = server_.last();
  const Server::Fate fate = server_.handle(scratch_, number);
  if (fate == Server::Fate::parked) {
    call.state = Traffic::Call::State::parked;
  } else {
    const Model::Circumstances at{server_.shard().now(), disk_full_, {before, server_.last()}};
    call.answer = server_.shard().answer();
    call.rests_on = model_.request(scratch_, call.answer, at);
    call.state = Traffic::Call::State::decided;
  }
  note("  {}{} {} of {}, {} services: {}, outcome {}, entry {}",
       call.request.retransmitted ? "T " : "", name_of(call.request.key.type),
       call.request.key.number, call.request.session_id, call.request.service_count, name_of(fate),
       static_cast<int>(call.answer.outcome), call.rests_on.value);
  if (fate == Server::Fate::parked) return;
  if (const ModelAccount* account = model_.account_of(call.request)) compare(account->name);
  if (fate == Server::Fate::answered) acknowledged(number);
}

void Simulation::acknowledged(std::size_t number) {
  const Traffic::Call& call = traffic_.call(number);
  model_.acknowledge(call.rests_on, store_->synced(), call.request.session_id);
  if (random_.chance(3)) {
    traffic_.went_astray(number);
  } else {
    traffic_.reached(number);
  }
}

}  // namespace farthing::sim
