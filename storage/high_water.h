// The high-water file: the second witness to how far the ledger went, outside RocksDB.
//
// Two places of one block each, written in turn and synced; a write that is torn by a crash spoils
// one and leaves the other. Nobody waits for it: it may lag behind the ledger, never lead it. The
// file has its full size before the ledger has its first record, so that it needs no space on a
// full disk.
//
// An empty file (0 bytes) is a person's statement: take the ledger as it is.
//
// Threads: one at a time. Errors: values; a file that says nothing readable is corrupt.
#pragma once

#include "storage/ledger_store.h"

#include <filesystem>
#include <memory>
#include <optional>

namespace rocksdb {
class FileSystem;
class FSRandomRWFile;
}  // namespace rocksdb

namespace farthing::storage {

struct HighWater {
  Sequence last;  // last entry of a record that was durable
  Hash hash{};    // of that record
};

class HighWaterFile {
 public:
  enum class Mode { create, read_write, read_only };

  static base::Result<HighWaterFile, StoreError> open(rocksdb::FileSystem& files,
                                                      const std::filesystem::path& path, Mode mode);

  HighWaterFile(HighWaterFile&& other) noexcept;
  HighWaterFile& operator=(HighWaterFile&&) = delete;
  ~HighWaterFile();

  // What the file said when it was opened; nothing before the first record.
  const std::optional<HighWater>& found() const { return found_; }

  // Writes and syncs. REQUIRES: not opened read-only.
  std::optional<StoreError> write(const HighWater& high_water);

 private:
  explicit HighWaterFile(std::filesystem::path path);

  std::filesystem::path path_;
  std::unique_ptr<rocksdb::FSRandomRWFile> file_;
  unsigned next_place_ = 0;
  std::optional<HighWater> found_;
};

}  // namespace farthing::storage
