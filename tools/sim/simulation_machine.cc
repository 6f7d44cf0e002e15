// What the server's machine does in the simulation: its disk, its clock, and how it stops.
#include "tools/sim/simulation.h"

#include "engine/archive.h"
#include "engine/retention.h"
#include "engine/verify.h"

#include <utility>

namespace farthing::sim {

namespace {

constexpr int settling_rounds_max = 100'000;
constexpr std::uint64_t segment_bytes = 4096;

}  // namespace

bool Simulation::end_turn() {
  server_.shard().end_turn();
  note("end of turn");
  return true;
}

bool Simulation::sync() {
  if (!store_->sync()) return false;
  model_.synced(store_->synced());
  note("synced up to entry {}", store_->synced().value);
  return true;
}

bool Simulation::finish_round() {
  if (!store_->finish_round()) return false;
  note("a round of write-back is done");
  return true;
}

bool Simulation::run_read() {
  if (!store_->read_next()) return false;
  note("the reading thread has read");
  return true;
}

bool Simulation::deliver_post() {
  if (!server_.deliver_post()) return false;
  note("a posted call has come");
  return true;
}

bool Simulation::tick() {
  const Sequence before = server_.last();
  server_.shard().tick();
  const Entered entered{before, server_.last()};
  note("tick: {} entries", entered.count());
  model_.expire(server_.shard().now(), entered,
                [this](const std::string& id) { return server_.is_open(id); });
  return true;
}

bool Simulation::seconds_go_by() {
  now_ += std::chrono::milliseconds(random_.below(20'000));
  note("some seconds go by");
  return true;
}

bool Simulation::minutes_go_by() {
  now_ += std::chrono::seconds(random_.below(1'800));
  note("some minutes go by");
  return true;
}

bool Simulation::hours_go_by() {
  now_ += std::chrono::seconds(random_.below(10'000));
  note("some hours go by");
  return true;
}

bool Simulation::fill_disk() {
  if (!disk_full_ && !random_.chance(20)) return false;  // it is seldom full for long
  disk_full_ = !disk_full_;
  store_->set_free_disk_bytes(disk_full_ ? 1000 : std::uint64_t{1} << 40);
  note("the disk is {}", disk_full_ ? "full" : "no longer full");
  return true;
}

// --- Stops and starts ----------------------------------------------------------------------------

void Simulation::start() {
  if (const auto why = server_.start()) {
    findings_.add("the server does not start: {}", *why);
    return;
  }
  model_.started(server_.shard().now());
}

// The seed of what the store does is one draw, so that what is drawn next does not depend on it.
void Simulation::crash_store() {
  if (const auto why = store_->crash(Random(random_.next()))) {
    findings_.add("after a crash the store does not open: {}", *why);
    return;
  }
  model_.crash(store_->synced());
}

bool Simulation::crash() {
  server_.kill();
  crash_store();
  if (!findings_.none()) return true;
  late_.clear();
  staff_waiting_ = 0;
  traffic_.server_lost(store_->synced());
  note("crash: the ledger ends at entry {}", store_->synced().value);
  // A machine that fails may fail again before it is up.
  if (random_.chance(20)) {
    start();
    server_.kill();
    crash_store();
    note("crash in the middle of the start");
  }
  if (!findings_.none()) return true;
  start();
  if (findings_.none()) compare_all();
  return true;
}

bool Simulation::restart() {
  settle();
  bool written_back = false;
  server_.shard().checkpoint([&written_back] { written_back = true; });
  settle();
  if (!written_back) findings_.add("the checkpoint before a stop does not end");
  server_.kill();
  late_.clear();
  traffic_.server_lost(store_->synced());
  note("stopped and started again");
  if (const auto why = store_->restart()) {
    findings_.add("after a stop the store does not open: {}", *why);
    return true;
  }
  start();
  if (findings_.none()) compare_all();
  if (findings_.none()) prove(*store_);
  return true;
}

// Lets everything that is under way come to its end.
void Simulation::settle() {
  server_.shard().end_turn();
  bool busy = true;
  for (int rounds = 0; busy && findings_.none(); ++rounds) {
    if (rounds > settling_rounds_max) findings_.add("the server does not come to rest");
    busy = store_->sync() || store_->finish_round() || store_->read_next();
    model_.synced(store_->synced());
    if (server_.deliver_post()) {
      server_.shard().end_turn();
      busy = true;
    }
  }
  if (traffic_.waiting() > 0) findings_.add("{} answers never leave", traffic_.waiting());
  if (staff_waiting_ > 0) findings_.add("{} of the staff wait for ever", staff_waiting_);
}

// --- What can be seen ----------------------------------------------------------------------------

void Simulation::compare(const std::string& account) {
  const ModelAccount* const model = model_.named(account);
  const std::optional<AccountSight> seen = server_.sight(account);
  if (!seen) {
    if (model != nullptr && server_.shard().book().is_everything_here()) {
      findings_.add("account {} is gone", account);
    }
    return;
  }
  if (model == nullptr) {
    findings_.add("there is an account {}, which there should not be", account);
    return;
  }
  const AccountSight expected = model_.sight(*model);
  if (*seen == expected) return;
  findings_.add("account {} has {}; it must have {}", account, to_string(*seen),
                to_string(expected));
}

// Of the engine, of the ledger, and of the model. REQUIRES: nothing of an account is unsynced.
void Simulation::compare_all() {
  for (const ModelAccount& account : model_.accounts()) {
    read(account.name);
    for (const ModelSession& session : account.sessions) {
      if (!server_.is_open(session.id)) findings_.add("session {} is gone", session.id);
    }
  }
  audit_.read_on(*store_);
  if (findings_.none()) audit_.compare(model_);
}

// --- The ledger as a whole -----------------------------------------------------------------------

// What no client repeats any more leaves the ledger for the archive.
bool Simulation::retain() {
  audit_.read_on(*store_);
  const bool stops_halfway = random_.chance(20);
  const Sequence oldest = traffic_.oldest_needed();
  engine::RetentionHooks hooks;
  hooks.oldest_needed = [oldest] { return oldest; };
  hooks.keep_on = [] { return true; };
  bool is_entered = false;
  hooks.enter = [&](const engine::LedgerCut& cut) {
    is_entered = true;
    return enter_cut(cut) && !stops_halfway;
  };
  const engine::RetentionOptions options{.archive = archive_.path(),
                                         .segment_bytes = segment_bytes};
  const auto cut = engine::Retention(*store_, options, hooks).run(now_);
  if (!is_entered && cut.has_value()) return false;  // nothing was due
  if (is_entered && stops_halfway) {
    note("the ledger is to be cut, and is not");
  } else if (!cut.has_value()) {
    findings_.add("the ledger cannot be archived: {}", cut.error());
  } else {
    note("the ledger is archived up to entry {}", (*cut)->end.last.value);
  }
  return true;
}

// Returns when it is durable.
bool Simulation::enter_cut(const engine::LedgerCut& cut) {
  server_.shard().enter_cut(cut, archive_.path());
  bool is_durable = false;
  server_.shard().when_durable([&is_durable] { is_durable = true; });
  while (!is_durable && findings_.none()) {
    server_.shard().end_turn();
    if (!sync() && !deliver_post()) findings_.add("a cut never gets durable");
  }
  return is_durable;
}

// A backup, while appends and rounds go on.
bool Simulation::copy() {
  const Sequence durable = store_->synced();
  const auto copied = store_->copy();
  if (!copied.has_value()) {
    findings_.add("there is no copy: {}", copied.error());
    return true;
  }
  const Sequence last = (*copied)->end().last;
  if (last < durable) {
    findings_.add("entry {} is synced, and a copy ends at {}", durable.value, last.value);
  }
  prove(**copied);
  note("a copy is made, which has what was synced");
  return true;
}

// As `farthing ledger verify` does. REQUIRES: that the store stays as it is.
void Simulation::prove(const storage::LedgerStore& store) {
  engine::Verifier verifier(store, engine::archive_folder(store, {}));
  auto proved = verifier.read_rows();
  if (proved.has_value()) proved = verifier.begin();
  if (proved.has_value()) {
    proved = verifier.fold_to(store.end().last, [](Sequence) { return true; });
  }
  if (proved.has_value()) proved = verifier.check_sums();
  if (proved.has_value()) proved = verifier.check_end();
  if (!proved.has_value()) findings_.add("the ledger is not proved: {}", proved.error().message);
}

}  // namespace farthing::sim
