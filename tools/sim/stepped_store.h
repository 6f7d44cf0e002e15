// A ledger store that the simulation has in hand: what it is given stays under way until the
// simulation says that it is done, and it stops and starts when it is told to.
//
// Threads: one. The callbacks are called from sync(), finish_round() and read_next(): whoever needs
// them later brings them there. Errors: sentences for people.
#pragma once

#include "engine/base/result.h"
#include "storage/ledger_store.h"
#include "tools/sim/random.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace farthing::sim {

// Ways in which a store can break its contract, so that tests see the simulation find it.
enum class Break {
  none,
  ack_before_sync,  // says that an append is durable when it has only begun
  lose_synced,      // a crash now and then takes the last synced record away
};

class SteppedStore : public storage::LedgerStore {
 public:
  // Makes the append, or the round, under way durable and calls back. False: there was none.
  virtual bool sync() = 0;
  virtual bool finish_round() = 0;
  virtual bool read_next() = 0;  // runs the oldest job of the reading thread

  // The process, or its machine, stops and starts again; what was under way is kept or lost as
  // chance has it. No callback is called any more. Why what is left cannot be opened, if so: then
  // nothing may be called but the destructor.
  virtual std::optional<std::string> crash(Random random) = 0;
  // The same where nothing is under way and the process ends in good order.
  virtual std::optional<std::string> restart() = 0;

  // A copy of it all as it is now, whatever is under way, opened for reading; why there is none, if
  // so. REQUIRES: the copy before is gone.
  virtual base::Result<std::unique_ptr<storage::LedgerStore>, std::string> copy() = 0;

  // What is durable in truth, whatever the callbacks said.
  virtual storage::Sequence synced() const = 0;
  virtual void set_free_disk_bytes(std::uint64_t free) = 0;
};

}  // namespace farthing::sim
