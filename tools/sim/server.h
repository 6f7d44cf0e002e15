// The server of the simulation: the real engine::Shard over a store in hand, and what stands
// between a shard and the network in farthingd (tools/daemon/service.cc): two generations of held
// answers, calls posted to the shard's thread, a tick.
//
// A call posted is delivered when the simulation says so, so that between a sync and the news of it
// anything can happen. Threads: one.
#pragma once

#include "engine/operations.h"
#include "engine/shard.h"
#include "storage/ledger_store.h"
#include "tools/sim/model.h"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace farthing::sim {

class Server {
 public:
  struct Hooks {
    std::function<void(std::size_t call)> acknowledged;  // its answer leaves
    std::function<void(std::size_t call)> fetched;       // it is to be handed in again, at once
  };
  // `clock` and `store` outlive the server.
  Server(storage::LedgerStore& store, const base::Time& clock, engine::ShardOptions options,
         Hooks hooks);
  ~Server();

  // Starts from what the store holds; the error's message where it cannot.
  std::optional<std::string> start();
  // Ends without a word: nothing that was posted or held is delivered.
  void kill();

  enum class Fate { answered, held, parked };
  // Hands request number `call` in. Parked: it waits for a reading, and Hooks::fetched comes.
  Fate handle(engine::Request& request, std::size_t call);

  // nullopt: it is not in memory.
  std::optional<AccountSight> sight(const std::string& account) const;
  bool is_open(const std::string& session_id) const;

  bool post_waiting() const { return !posted_.empty(); }
  bool deliver_post();  // the oldest; false: there was none
  engine::Shard& shard() { return *shard_; }
  engine::Sequence last() const { return engine::Sequence(shard_->next_sequence().value - 1); }

 private:
  void post(std::function<void()> call) { posted_.push_back(std::move(call)); }

  storage::LedgerStore& store_;
  const base::Time& clock_;
  engine::ShardOptions options_;
  Hooks hooks_;
  std::unique_ptr<engine::Shard> shard_;
  std::array<std::vector<std::size_t>, 2> held_;                        // gathering, committing
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> parked_;  // by ticket, in order
  std::deque<std::function<void()>> posted_;
};

}  // namespace farthing::sim
