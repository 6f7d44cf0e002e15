// A disk that can lose its power, for stores under test: a rocksdb::FileSystem over a real folder
// that knows what was synced and forgets the rest when told to.
//
// What it takes for durable: of a file, what stood in it at its last sync; of a folder, what was
// made, linked, renamed or deleted in it before its last sync. After a power cut each file keeps in
// addition a random part of what was not synced (a prefix; of writes in place, the first few), and
// each folder a random number of its last changes, in order. Syncs do not reach the real disk, so
// that they cost nothing.
//
// Threads: any. Ownership: what the store has open must be closed before restart().
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

namespace rocksdb {
class FileSystem;
}

namespace farthing::sim {

class LossyDisk;

class LossyFileSystem {
 public:
  // `folder` is what restart() puts right; `attic`, beside it, keeps what may have to come back.
  LossyFileSystem(std::filesystem::path folder, std::filesystem::path attic, std::uint64_t seed);
  ~LossyFileSystem();

  std::shared_ptr<rocksdb::FileSystem> get() const;

  // From now on, or from the n-th change from now on, every change fails.
  void cut_power();
  void cut_power_after(std::uint64_t changes);
  bool is_off() const;
  // The folder as a disk shows it when the power is back.
  void restart();
  // Only the process ended and a new one comes: all that was written is there, and what was not
  // synced can still be lost.
  void restart_process();

  // Of the changes from now on, the n-th write or sync fails, and nothing else.
  void fail_write_after(std::uint64_t writes);
  void fail_sync_after(std::uint64_t syncs);
  // While it is full every write fails for want of space.
  void set_full(bool full);
  // While it pretends, a sync does nothing and says that it has: a disk that lies.
  void pretend_syncs(bool pretended);
  // While they are held, syncs wait. As slow as a disk can be.
  void hold_syncs(bool held);
  std::uint64_t syncs_waiting() const;

 private:
  std::shared_ptr<LossyDisk> disk_;
  std::shared_ptr<rocksdb::FileSystem> files_;
};

}  // namespace farthing::sim
