#include "engine/admin/gateway.h"

#include "engine/operations.h"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace farthing::engine::admin {

namespace {

// Shared by the two threads. The work belongs to the caller's stack: once the caller has given up
// it must not be run any more, hence the lock around it.
struct Visit {
  std::mutex mutex;
  std::condition_variable changed;
  const std::function<void(Shard&)>* work = nullptr;  // nullptr: given up
  bool done = false;
  std::string error;

  // False: nobody waits any more.
  bool run(Shard& shard) {
    const std::lock_guard lock(mutex);
    if (work == nullptr) return false;
    shard.visit(*work);
    return true;
  }
  void finish(std::string_view wrong = {}) {
    const std::lock_guard lock(mutex);
    done = true;
    error = wrong;
    changed.notify_one();
  }
};

constexpr std::chrono::milliseconds stop_poll_interval{50};

// Waits for what `start` begins on the shard's thread.
template <class Start>
Visited wait_for(Gateway& gateway, const std::atomic<bool>& stopping,
                 const std::function<void(Shard&)>& work, Start start) {
  const std::string stopped = "the server is stopping";
  if (stopping) return Visited::not_done(stopped);
  const auto visit = std::make_shared<Visit>();
  visit->work = &work;
  gateway.run([visit, start = std::move(start)](Shard& shard) mutable { start(shard, visit); });
  std::unique_lock lock(visit->mutex);
  while (!visit->done && !stopping) visit->changed.wait_for(lock, stop_poll_interval);
  visit->work = nullptr;
  if (!visit->done) return Visited::not_done(stopped);
  return visit->error.empty() ? Visited::done() : Visited::not_done(visit->error);
}

}  // namespace

Visited ShardAccess::visit(Needs needs, const std::function<void(Shard&)>& work) {
  return wait_for(
      gateway_, stopping_, work,
      [needs = std::move(needs)](Shard& shard, const std::shared_ptr<Visit>& visit) mutable {
        shard.when_here(std::move(needs), [&shard, visit](std::string_view error) {
          if (!error.empty()) return visit->finish(error);
          if (!visit->run(shard)) return;
          shard.when_durable([visit] { visit->finish(); });
        });
      });
}

Visited ShardAccess::glance(const std::function<void(Shard&)>& work) {
  return wait_for(gateway_, stopping_, work, [](Shard& shard, const std::shared_ptr<Visit>& visit) {
    if (visit->run(shard)) visit->finish();
  });
}

Needs need_account(std::string_view name) {
  Needs needs;
  needs.names.emplace_back(name);
  return needs;
}

Needs need_subscriber(std::string_view msisdn) {
  Needs needs;
  if (const auto identity = parse_msisdn(msisdn)) needs.identities.push_back(*identity);
  return needs;
}

}  // namespace farthing::engine::admin
