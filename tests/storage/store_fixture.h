// What the tests of the store share: a store whose appends and rounds are waited for, and a process
// to be killed.
#pragma once

#include "storage/rocksdb_store.h"
#include "tests/support/temp_folder.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/types.h>

namespace farthing::storage {

using test::TempFolder;

inline base::Time at(std::uint64_t us) { return base::Time(base::Duration(us)); }

// A store whose appends and rounds are waited for.
class Ledger {
 public:
  explicit Ledger(std::unique_ptr<LedgerStore> store);
  ~Ledger() { store_.reset(); }

  void append(std::string body, std::uint32_t count = 1, std::vector<Document> documents = {});
  void write(Round& round);
  std::vector<std::string> bodies(std::uint64_t from = 1) const;
  // "key=value", in order.
  std::vector<std::string> rows(Table table, std::string_view from = {}) const;
  std::optional<std::string> fetch(Table table, std::string_view key) const;

  LedgerStore* operator->() const { return store_.get(); }
  LedgerStore& operator*() const { return *store_; }

 private:
  std::unique_ptr<LedgerStore> store_;
  std::atomic<std::uint64_t> durable_;
  std::atomic<std::uint64_t> rounds_ = 0;
};

// Opens what must open.
Ledger open_ledger(const StoreOptions& options);

// The write-ahead log of a data folder that holds the newest records.
std::filesystem::path newest_log(const std::filesystem::path& folder);
void flip_byte(const std::filesystem::path& path, std::uint64_t offset);

// append_until_killed as another process.
class Appender {
 public:
  Appender(const std::filesystem::path& folder, const char* body_bytes,
           rlim_t file_size_max = RLIM_INFINITY);
  ~Appender();
  Appender(const Appender&) = delete;
  Appender& operator=(const Appender&) = delete;

  void kill() const;
  // The next entry that the process calls durable; nothing once it has ended.
  std::optional<std::uint64_t> next_durable();
  int status() const;
  std::string complaint();

 private:
  pid_t pid_ = 0;
  std::FILE* out_ = nullptr;
  std::FILE* err_ = nullptr;
};

}  // namespace farthing::storage
