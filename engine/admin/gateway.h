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
#include <string>
#include <string_view>
#include <utility>

namespace farthing::engine::admin {

class Gateway {
 public:
  virtual ~Gateway() = default;
  // Runs `work` on the shard's thread, soon and in the order of the calls, then Shard::end_turn().
  // A program that is stopping may drop it.
  virtual void run(std::function<void(Shard&)> work) = 0;
};

// How a visit ended: true where the work was done, otherwise why it was not.
class Visited {
 public:
  static Visited done() { return Visited({}); }
  static Visited not_done(std::string why) { return Visited(std::move(why)); }
  explicit operator bool() const { return why_.empty(); }
  const std::string& why() const { return why_; }  // for people

 private:
  explicit Visited(std::string why) : why_(std::move(why)) {}
  std::string why_;
};

class ShardAccess {
 public:
  explicit ShardAccess(Gateway& gateway) : gateway_(gateway) {}

  // Runs `work` on the shard's thread, with what it `needs` in the book, and returns once all that
  // was entered up to then is durable. It should take well under a millisecond: requests wait
  // behind it. Where it was not done because the server is stopping, it may or may not have been.
  [[nodiscard]] Visited visit(Needs needs, const std::function<void(Shard&)>& work);
  // The same for work that looks up no account.
  [[nodiscard]] Visited visit(const std::function<void(Shard&)>& work) { return visit({}, work); }

  // For work that reads nothing of an account: it does not wait for anything to be durable.
  [[nodiscard]] Visited glance(const std::function<void(Shard&)>& work);

  // From now on visits fail, and so do those that wait.
  void stop() { stopping_ = true; }
  bool stopping() const { return stopping_; }

 private:
  Gateway& gateway_;
  std::atomic<bool> stopping_ = false;
};

// The accounts and subscribers that people name.
Needs need_account(std::string_view name);
Needs need_subscriber(std::string_view msisdn);

}  // namespace farthing::engine::admin
