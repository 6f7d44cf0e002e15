// The server of the simulation: the real engine::Shard over a simulated store, and what stands
// between a shard and the network in farthingd (tools/daemon/service.cc): two generations of held
// answers, calls posted to the shard's thread, a tick.
//
// A call posted is delivered when the simulation says so, so that between a sync and the news of it
// anything can happen. Threads: one.
#pragma once

#include "engine/operations.h"
#include "engine/shard.h"
#include "tools/sim/model.h"
#include "tools/sim/sim_store.h"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace farthing::sim {

class Server {
 public:
  // `clock` and `store` outlive the server. `acknowledged` is called with the number of a request
  // whose answer leaves.
  Server(SimStore& store, const base::Time& clock, std::function<void(std::size_t)> acknowledged);
  ~Server();

  // Starts from what the store holds; the error's message where it cannot.
  std::optional<std::string> start();
  // Ends without a word: nothing that was posted or held is delivered.
  void kill();

  enum class Fate { answered, held, parked };
  // Hands request number `call` in. Parked: it comes again by `take_unparked`.
  Fate handle(engine::Request& request, std::size_t call);
  std::vector<std::size_t> take_unparked();

  // Whether everything of the account or session is in memory, so that it can be seen.
  std::optional<AccountSight> sight(const std::string& account) const;
  bool is_open(const std::string& session_id) const;

  bool post_waiting() const { return !posted_.empty(); }
  bool deliver_post();  // the oldest; false: there was none
  engine::Shard& shard() { return *shard_; }
  engine::Sequence last() const { return engine::Sequence(shard_->next_sequence().value - 1); }

 private:
  void post(std::function<void()> call) { posted_.push_back(std::move(call)); }

  SimStore& store_;
  const base::Time& clock_;
  std::function<void(std::size_t)> acknowledged_;
  std::unique_ptr<engine::Shard> shard_;
  std::array<std::vector<std::size_t>, 2> held_;  // gathering, committing
  std::vector<std::size_t> unparked_;
  std::deque<std::function<void()>> posted_;
};

}  // namespace farthing::sim
