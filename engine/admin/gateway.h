// How the admin API reaches a shard: work is brought to the shard's thread, and the answer leaves
// only when everything that the work read or entered is durable.
//
// Gateway is what the program brings (an asio::post, say). ShardAccess is what the routes use:
// calls that wait. Threads: both may be called from any thread but the shard's own. Ownership:
// none.
#pragma once

#include "engine/shard.h"

#include <atomic>
#include <functional>

namespace farthing::engine::admin {

class Gateway {
 public:
  virtual ~Gateway() = default;
  // Runs `work` on the shard's thread, soon and in the order of the calls, then Shard::end_turn().
  // A program that is stopping may drop it.
  virtual void run(std::function<void(Shard&)> work) = 0;
};

class ShardAccess {
 public:
  explicit ShardAccess(Gateway& gateway) : gateway_(gateway) {}

  // Runs `work` on the shard's thread and returns once all that was entered up to then is durable.
  // It should take well under a millisecond: requests wait behind it. False: stopping, and the
  // work may or may not have been done.
  [[nodiscard]] bool visit(const std::function<void(Shard&)>& work);

  // The same for work that reads nothing of an account: it does not wait for anything to be
  // durable.
  [[nodiscard]] bool glance(const std::function<void(Shard&)>& work);

  // From now on visits fail, and so do those that wait.
  void stop() { stopping_ = true; }
  bool stopping() const { return stopping_; }

 private:
  bool run(const std::function<void(Shard&)>& work, bool durable);

  Gateway& gateway_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace farthing::engine::admin
