// The real ledger store in the simulation's hand: RocksDB in a temporary folder, over a file system
// that loses what was not synced (lossy_file_system.h).
//
// The store's own threads do their work while the simulation waits for it: an append is written in
// sync(), a round in finish_round(), a job runs on the reading thread in read_next(). In half of
// the seeds appends and rounds begin when they are given, beside each other and beside all that the
// simulation does meanwhile; what they call is brought to the same places. So the operations follow
// from the seed as over a SimStore, and what a crash leaves follows from it too, as far as
// RocksDB's flushes and merging, which write when they are scheduled, leave that alone.
//
// A crash lets what is under way meet a power cut after some changes of files, a write or a sync
// that fails, a full disk, or nothing; then the machine loses its power, or only the process ends.
// The opening that follows may be cut off as well.
//
// Errors: std::runtime_error where there is no place for the folder.
#pragma once

#include "tools/sim/stepped_store.h"

#include <cstdint>
#include <memory>

namespace farthing::sim {

std::unique_ptr<SteppedStore> make_stepped_rocksdb(std::uint64_t seed, Break broken);

}  // namespace farthing::sim
