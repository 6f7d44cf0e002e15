// Service: the server as one piece: a store, a shard, the Diameter server and what joins them. The
// program around it (tools/farthingd.cc) reads options, prints lines and handles signals.
//
// Threads: one runs the io_context given (Diameter, the shard, timers); the store has its commit
// thread. run_on_shard() may be called from any thread, everything else from the one that runs the
// io_context.
#pragma once

#include "diameter/config.h"
#include "engine/shard.h"
#include "storage/ledger_store.h"

#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace farthing::diameter {
class Server;
}

namespace farthing::tools {

class Service {
 public:
  // `store` is owned from here on. The clock is the machine's.
  Service(boost::asio::io_context& io, std::unique_ptr<storage::LedgerStore> store,
          engine::ShardOptions shard_options, diameter::ServerConfig diameter_config);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  engine::Shard& shard();
  diameter::Server& diameter();
  storage::LedgerStore& store();

  // Begins to serve: timers run, peers may connect. The error says why not, in words.
  base::Result<void, std::string> start();
  // Says goodbye to the peers, waits for what is under way to be durable, then calls `done`.
  void stop(std::function<void()> done);

  // Runs work on the shard's thread and hands over what it entered. From any thread.
  void run_on_shard(std::function<void(engine::Shard&)> work);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace farthing::tools
