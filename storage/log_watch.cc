#include "storage/log_watch.h"

#include <mutex>
#include <string>
#include <utility>

#include <rocksdb/file_system.h>

namespace farthing::storage {

namespace fs = std::filesystem;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

struct LogWatch::Listener {
  std::mutex mutex;  // held while `failed` is called
  Failed failed;

  IOStatus passed_on(IOStatus status) {
    if (status.ok()) return status;
    const std::lock_guard lock(mutex);
    if (failed) failed(status.ToString());
    return status;
  }
};

class LogWatch::LogFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  LogFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, std::shared_ptr<Listener> listener)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), listener_(std::move(listener)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return listener_->passed_on(target()->Append(data, options, debug));
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& verification,
                  IODebugContext* debug) override {
    return listener_->passed_on(target()->Append(data, options, verification, debug));
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    return listener_->passed_on(target()->Flush(options, debug));
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return listener_->passed_on(target()->Sync(options, debug));
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return listener_->passed_on(target()->Fsync(options, debug));
  }

 private:
  const std::shared_ptr<Listener> listener_;
};

class LogWatch::Files final : public rocksdb::FileSystemWrapper {
 public:
  Files(const std::shared_ptr<rocksdb::FileSystem>& files, fs::path folder,
        std::shared_ptr<Listener> listener)
      : rocksdb::FileSystemWrapper(files),
        folder_(std::move(folder)),
        listener_(std::move(listener)) {}

  const char* Name() const override { return "farthing log watch"; }
  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    const IOStatus made = target()->NewWritableFile(path, options, file, debug);
    const fs::path name(path);
    if (made.ok() && name.extension() == ".log" && name.parent_path() == folder_) {
      *file = std::make_unique<LogFile>(std::move(*file), listener_);
    }
    return made;
  }

 private:
  const fs::path folder_;
  const std::shared_ptr<Listener> listener_;
};

LogWatch::LogWatch(std::shared_ptr<rocksdb::FileSystem> files, fs::path folder)
    : listener_(std::make_shared<Listener>()),
      files_(std::make_shared<Files>(files, std::move(folder), listener_)) {}

LogWatch::~LogWatch() {
  if (listener_ != nullptr) set_failed({});
}

void LogWatch::set_failed(Failed failed) {
  const std::lock_guard lock(listener_->mutex);
  listener_->failed = std::move(failed);
}

}  // namespace farthing::storage
