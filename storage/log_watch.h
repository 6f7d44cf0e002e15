// Watches the files of a database's write-ahead log: of a write or sync that fails whoever built
// it is told on the thread that met it, before the database is.
//
// Why before: RocksDB as Debian builds it has assertions, and one of them ends the process (134)
// when a copy of the database syncs the log of which an append has just failed. The store ends the
// process for the failed append, with its own line and exit code, and must come first.
//
// Threads: any. Ownership: the file system may outlive the watch; nobody is told then.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

namespace rocksdb {
class FileSystem;
}

namespace farthing::storage {

class LogWatch {
 public:
  using Failed = std::function<void(std::string_view what)>;

  // `folder`: the database's; files elsewhere, copies among them, are not watched.
  LogWatch(std::shared_ptr<rocksdb::FileSystem> files, std::filesystem::path folder);
  ~LogWatch();
  LogWatch(LogWatch&&) noexcept = default;
  LogWatch& operator=(LogWatch&&) = delete;

  // Through which the database reaches its files.
  const std::shared_ptr<rocksdb::FileSystem>& files() const { return files_; }
  // Who is told from now on: every time that a write or sync fails.
  void set_failed(Failed failed);

 private:
  struct Listener;
  class LogFile;
  class Files;

  std::shared_ptr<Listener> listener_;
  std::shared_ptr<rocksdb::FileSystem> files_;
};

}  // namespace farthing::storage
