// Service: the server as one piece: a store, a shard, the Diameter server, the admin API, and what
// joins them. The program around it (tools/farthingd.cc) reads options, prints lines and handles
// signals.
//
// Threads: one runs the io_context given (Diameter, the shard, timers); the store has its commit
// thread, the API threads of its own. Everything here is called from the one that runs the
// io_context.
#pragma once

#include "engine/config/config.h"
#include "engine/shard.h"
#include "storage/ledger_store.h"

#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace farthing::tools {

class Service {
 public:
  // `store` is owned from here on. The clock is the machine's. Log lines go to the program's log
  // (engine/admin/log.h). REQUIRES: at least one endpoint to listen on.
  Service(boost::asio::io_context& io, std::unique_ptr<storage::LedgerStore> store,
          const engine::Config& config);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  engine::Shard& shard();

  // Begins to serve: timers run, peers and API clients may connect. The error says why not, in
  // words.
  base::Result<void, std::string> start();
  std::string diameter_endpoint() const;  // of the first listener, once started
  // Says goodbye to the peers, waits for what is under way to be durable, then calls `done`.
  void stop(std::function<void()> done);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace farthing::tools
