// The ledger store over RocksDB: what a server runs on.
//
// A data folder holds `format` (a line of text), `ledger/` (the database) and `high-water`
// (docs/formats.md). One process has it open at a time; a read-only opening is for a stopped
// server's folder or a copy of one.
//
// Threads: beside those of ledger_store.h one that commits (one record, one synced write), one that
// writes rounds, one that reads, and one that keeps the high-water file and the figure for free
// disk space. Time units as named. Errors: values when opening and reading. A write or sync that
// fails ends the process with exit code 74 after one line on stderr.
#pragma once

#include "storage/ledger_store.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

namespace rocksdb {
class FileSystem;
}

namespace farthing::storage {

inline constexpr std::uint64_t ledger_file_bytes_default = std::uint64_t{64} << 20;

struct StoreOptions {
  std::filesystem::path folder;
  bool create_if_missing = true;
  bool read_only = false;  // append must not be called; nothing in the folder is changed
  std::chrono::milliseconds high_water_interval{500};  // how far the high-water file may lag
  // How much of the ledger a file holds, and about how much of what was cut stays on disk.
  std::uint64_t ledger_file_bytes = ledger_file_bytes_default;

  // For tests. What the store's files are reached through; null: the operating system's.
  std::shared_ptr<rocksdb::FileSystem> file_system = {};
  // Instead of ending the process: called by the thread whose write failed, with the line that
  // stderr would get. The store can only be destroyed then.
  using FailedWrite = std::function<void(std::string_view line)>;
  FailedWrite on_failed_write = {};
};

base::Result<std::unique_ptr<LedgerStore>, StoreError> open_rocksdb_store(
    const StoreOptions& options);

}  // namespace farthing::storage
