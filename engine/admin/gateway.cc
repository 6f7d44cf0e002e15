#include "engine/admin/gateway.h"

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

  void finish() {
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_one();
  }
};

constexpr std::chrono::milliseconds stop_poll_interval{50};

}  // namespace

bool ShardAccess::visit(const std::function<void(Shard&)>& work) { return run(work, true); }

bool ShardAccess::glance(const std::function<void(Shard&)>& work) { return run(work, false); }

bool ShardAccess::run(const std::function<void(Shard&)>& work, bool durable) {
  if (stopping_) return false;
  const auto visit = std::make_shared<Visit>();
  visit->work = &work;
  gateway_.run([visit, durable](Shard& shard) {
    {
      const std::lock_guard lock(visit->mutex);
      if (visit->work == nullptr) return;
      (*visit->work)(shard);
    }
    if (durable) {
      shard.when_durable([visit] { visit->finish(); });
    } else {
      visit->finish();
    }
  });
  std::unique_lock lock(visit->mutex);
  while (!visit->done && !stopping_) {
    visit->changed.wait_for(lock, stop_poll_interval);
  }
  visit->work = nullptr;
  return visit->done;
}

}  // namespace farthing::engine::admin
