#include "tools/sim/lossy_file_system.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <rocksdb/file_system.h>
#include <sys/stat.h>

namespace farthing::sim {

namespace fs = std::filesystem;
using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

// Files are known by their inode: links of one file share what was synced.
using Inode = ino_t;

std::optional<Inode> inode_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return status.st_ino;
}

std::string folder_of(const std::string& path) {
  return fs::path(path).lexically_normal().parent_path().string();
}

}  // namespace

// What is durable, and what goes wrong.
class LossyDisk {
 public:
  LossyDisk(fs::path folder, fs::path attic, std::uint64_t seed)
      : folder_(std::move(folder)), attic_(std::move(attic)), random_(seed) {
    fs::create_directories(attic_);
  }

  enum class Change { write, sync, name };
  // Asked before every change; an error is the change's.
  IOStatus ask(Change change);

  // --- Files
  void made(const std::string& path);
  void opened(const std::string& path);
  void appended(Inode inode, std::uint64_t size);
  void overwritten(Inode inode, std::uint64_t offset, std::string before);
  void synced(Inode inode);

  // --- Folders
  void changed(const std::string& path, std::function<void()> undo);
  void folder_synced(const std::string& folder);
  // Keeps what is about to be replaced or deleted; where.
  fs::path keep(const std::string& path);

  void restart();
  void end_faults();  // REQUIRES: mutex held

  std::mutex mutex;  // guards all of it
  std::condition_variable released;
  std::optional<std::uint64_t> changes_left;
  std::optional<std::uint64_t> writes_left;
  std::optional<std::uint64_t> syncs_left;
  bool is_full = false;
  bool is_held = false;
  bool pretends = false;
  std::uint64_t syncs_waiting = 0;
  bool is_off = false;

 private:
  struct Overwritten {
    std::uint64_t offset;
    std::string before;
  };
  struct File {
    std::uint64_t size = 0;
    std::uint64_t synced_size = 0;
    std::vector<Overwritten> overwritten;  // since the last sync
  };
  std::uint64_t up_to(std::uint64_t max) { return random_() % (max + 1); }
  void put_right(const std::string& path, const File& file);

  const fs::path folder_;
  const fs::path attic_;
  std::mt19937_64 random_;
  std::uint64_t kept_ = 0;
  std::map<Inode, File> files_;
  std::map<std::string, std::deque<std::function<void()>>> folders_;  // undo of each change
};

IOStatus LossyDisk::ask(Change change) {
  std::unique_lock lock(mutex);
  const auto is_due = [](std::optional<std::uint64_t>& left) {
    if (!left.has_value()) return false;
    if (*left > 0) --*left;
    return *left == 0;
  };
  if (change == Change::sync && is_held) {
    ++syncs_waiting;
    released.wait(lock, [this] { return !is_held || is_off; });
    --syncs_waiting;
  }
  if (is_due(changes_left)) is_off = true;
  // Of all errors the one that RocksDB's merging does not wait a second over.
  if (is_off) return IOStatus::Busy("the power is off");
  if (change == Change::write && is_full) return IOStatus::NoSpace("the disk is full");
  auto& left = change == Change::write ? writes_left : syncs_left;
  if (change != Change::name && is_due(left)) {
    left.reset();
    return IOStatus::IOError("as ordered");
  }
  return IOStatus::OK();
}

void LossyDisk::made(const std::string& path) {
  const std::lock_guard lock(mutex);
  if (const auto inode = inode_of(path)) files_[*inode] = {};
}

// As it stood there before the disk was watched.
void LossyDisk::opened(const std::string& path) {
  const std::lock_guard lock(mutex);
  const auto inode = inode_of(path);
  if (!inode.has_value()) return;
  const std::uint64_t size = fs::file_size(path);
  files_.emplace(*inode, File{size, size, {}});
}

void LossyDisk::appended(Inode inode, std::uint64_t size) {
  const std::lock_guard lock(mutex);
  files_[inode].size = size;
}

void LossyDisk::overwritten(Inode inode, std::uint64_t offset, std::string before) {
  const std::lock_guard lock(mutex);
  files_[inode].overwritten.push_back({offset, std::move(before)});
}

void LossyDisk::synced(Inode inode) {
  const std::lock_guard lock(mutex);
  if (pretends) return;
  File& file = files_[inode];
  file.synced_size = file.size;
  file.overwritten.clear();
}

void LossyDisk::changed(const std::string& path, std::function<void()> undo) {
  const std::lock_guard lock(mutex);
  folders_[folder_of(path)].push_back(std::move(undo));
}

void LossyDisk::folder_synced(const std::string& folder) {
  const std::lock_guard lock(mutex);
  if (!pretends) folders_.erase(folder);
}

fs::path LossyDisk::keep(const std::string& path) {
  const std::lock_guard lock(mutex);
  const fs::path kept = attic_ / std::to_string(++kept_);
  std::error_code ignored;
  fs::create_hard_link(path, kept, ignored);
  return kept;
}

void LossyDisk::restart() {
  const std::lock_guard lock(mutex);
  for (auto& [folder, undos] : folders_) {
    for (std::uint64_t survive = up_to(undos.size()); undos.size() > survive; undos.pop_back()) {
      undos.back()();
    }
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
    if (!entry.is_regular_file()) continue;
    const auto file = files_.find(inode_of(entry.path()).value_or(0));
    if (file == files_.end()) continue;
    put_right(entry.path(), file->second);
    files_.erase(file);  // and its links with it
  }
  files_.clear();
  folders_.clear();
  fs::remove_all(attic_);
  fs::create_directories(attic_);
  end_faults();
}

void LossyDisk::end_faults() {
  changes_left.reset();
  writes_left.reset();
  syncs_left.reset();
  is_full = is_held = is_off = pretends = false;
}

void LossyDisk::put_right(const std::string& path, const File& file) {
  if (!file.overwritten.empty()) {
    std::unique_ptr<rocksdb::FSRandomRWFile> real;
    auto status =
        rocksdb::FileSystem::Default()->NewRandomRWFile(path, FileOptions(), &real, nullptr);
    for (std::uint64_t i = file.overwritten.size(), survive = up_to(i); i > survive; --i) {
      const Overwritten& last = file.overwritten[i - 1];
      if (status.ok()) status = real->Write(last.offset, last.before, {}, nullptr);
    }
    if (!status.ok()) throw std::system_error(EIO, std::generic_category(), status.ToString());
  } else if (file.size > file.synced_size) {
    fs::resize_file(path, file.synced_size + up_to(file.size - file.synced_size));
  }
}

namespace {

using Change = LossyDisk::Change;

class LossyWritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  LossyWritableFile(std::unique_ptr<rocksdb::FSWritableFile> real, LossyDisk& disk, Inode inode,
                    std::uint64_t size)
      : FSWritableFileOwnerWrapper(std::move(real)), disk_(disk), inode_(inode), size_(size) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    auto status = disk_.ask(Change::write);
    if (status.ok()) status = FSWritableFileOwnerWrapper::Append(data, options, debug);
    if (status.ok()) disk_.appended(inode_, size_ += data.size());
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    auto status = disk_.ask(Change::write);
    if (status.ok()) status = FSWritableFileOwnerWrapper::Truncate(size, options, debug);
    if (status.ok()) disk_.appended(inode_, size_ = size);
    return status;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    auto status = disk_.ask(Change::sync);
    if (status.ok()) status = Flush(options, debug);
    if (status.ok()) disk_.synced(inode_);
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();  // a hint; promises nothing
  }
  bool IsSyncThreadSafe() const override { return true; }

 private:
  LossyDisk& disk_;
  const Inode inode_;
  std::uint64_t size_;
};

class LossyRandomFile final : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  LossyRandomFile(std::unique_ptr<rocksdb::FSRandomRWFile> real, LossyDisk& disk, Inode inode)
      : FSRandomRWFileOwnerWrapper(std::move(real)), disk_(disk), inode_(inode) {}

  IOStatus Write(std::uint64_t offset, const Slice& data, const IOOptions& options,
                 IODebugContext* debug) override {
    auto status = disk_.ask(Change::write);
    std::string before(data.size(), '\0');
    Slice found;
    if (status.ok()) status = Read(offset, before.size(), options, &found, before.data(), debug);
    if (status.ok()) status = FSRandomRWFileOwnerWrapper::Write(offset, data, options, debug);
    if (status.ok()) disk_.overwritten(inode_, offset, found.ToString());
    return status;
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    auto status = disk_.ask(Change::sync);
    if (status.ok()) disk_.synced(inode_);
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }

 private:
  LossyDisk& disk_;
  const Inode inode_;
};

class LossyDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  LossyDirectory(std::unique_ptr<rocksdb::FSDirectory> real, LossyDisk& disk, std::string path)
      : FSDirectoryWrapper(std::move(real)), disk_(disk), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    auto status = disk_.ask(Change::sync);
    if (status.ok()) disk_.folder_synced(path_);
    return status;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  LossyDisk& disk_;
  const std::string path_;
};

class LossyFiles final : public rocksdb::FileSystemWrapper {
 public:
  explicit LossyFiles(LossyDisk& disk)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), disk_(disk) {}

  const char* Name() const override { return "LossyFiles"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    auto status = disk_.ask(Change::name);
    if (!status.ok()) return status;
    const fs::path before = disk_.keep(path);
    std::error_code ignored;
    fs::remove(path, ignored);  // a file of its own, since what it replaces may come back
    std::unique_ptr<rocksdb::FSWritableFile> real;
    status = target()->NewWritableFile(path, options, &real, debug);
    if (!status.ok()) return status;
    disk_.made(path);
    disk_.changed(path, [path, before] { put_back(before, path); });
    *file = std::make_unique<LossyWritableFile>(std::move(real), disk_, *inode_of(path), 0);
    return status;
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              IODebugContext* debug) override {
    auto status = disk_.ask(Change::name);
    std::unique_ptr<rocksdb::FSWritableFile> real;
    if (status.ok()) status = target()->ReopenWritableFile(path, options, &real, debug);
    if (!status.ok()) return status;
    disk_.opened(path);
    *file = std::make_unique<LossyWritableFile>(std::move(real), disk_, *inode_of(path),
                                                fs::file_size(path));
    return status;
  }
  IOStatus ReuseWritableFile(const std::string&, const std::string&, const FileOptions&,
                             std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("files are not used again here");
  }
  IOStatus NewRandomRWFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                           IODebugContext* debug) override {
    auto status = disk_.ask(Change::name);
    std::unique_ptr<rocksdb::FSRandomRWFile> real;
    if (status.ok()) status = target()->NewRandomRWFile(path, options, &real, debug);
    if (!status.ok()) return status;
    disk_.opened(path);
    *file = std::make_unique<LossyRandomFile>(std::move(real), disk_, *inode_of(path));
    return status;
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* directory,
                        IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSDirectory> real;
    const auto status = target()->NewDirectory(path, options, &real, debug);
    if (!status.ok()) return status;
    *directory = std::make_unique<LossyDirectory>(std::move(real), disk_, folder_of(path + "/any"));
    return status;
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override {
    auto status = disk_.ask(Change::name);
    if (!status.ok()) return status;
    const fs::path before = disk_.keep(path);
    status = target()->DeleteFile(path, options, debug);
    if (status.ok()) disk_.changed(path, [path, before] { put_back(before, path); });
    return status;
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    auto status = disk_.ask(Change::name);
    if (!status.ok()) return status;
    const fs::path before = disk_.keep(to);
    status = target()->RenameFile(from, to, options, debug);
    if (status.ok()) {
      disk_.changed(to, [from, to, before] {
        put_back(to, from);
        put_back(before, to);
      });
    }
    return status;
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                    IODebugContext* debug) override {
    auto status = disk_.ask(Change::name);
    if (status.ok()) status = target()->LinkFile(from, to, options, debug);
    if (status.ok()) disk_.changed(to, [to] { put_back({}, to); });
    return status;
  }

 private:
  // What was there before takes its name again, or nothing does.
  static void put_back(const fs::path& before, const fs::path& path) {
    std::error_code ignored;
    if (before.empty() || !fs::exists(before, ignored)) {
      fs::remove(path, ignored);
    } else {
      fs::rename(before, path, ignored);
    }
  }

  LossyDisk& disk_;
};

}  // namespace

LossyFileSystem::LossyFileSystem(fs::path folder, fs::path attic, std::uint64_t seed)
    : disk_(std::make_shared<LossyDisk>(std::move(folder), std::move(attic), seed)),
      files_(std::make_shared<LossyFiles>(*disk_)) {}

LossyFileSystem::~LossyFileSystem() = default;

std::shared_ptr<rocksdb::FileSystem> LossyFileSystem::get() const { return files_; }

void LossyFileSystem::cut_power() {
  const std::lock_guard lock(disk_->mutex);
  disk_->is_off = true;
  disk_->released.notify_all();
}

void LossyFileSystem::cut_power_after(std::uint64_t changes) {
  const std::lock_guard lock(disk_->mutex);
  disk_->changes_left = changes;
}

bool LossyFileSystem::is_off() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->is_off;
}

void LossyFileSystem::restart() { disk_->restart(); }

void LossyFileSystem::restart_process() {
  const std::lock_guard lock(disk_->mutex);
  disk_->end_faults();
}

void LossyFileSystem::fail_write_after(std::uint64_t writes) {
  const std::lock_guard lock(disk_->mutex);
  disk_->writes_left = writes;
}

void LossyFileSystem::fail_sync_after(std::uint64_t syncs) {
  const std::lock_guard lock(disk_->mutex);
  disk_->syncs_left = syncs;
}

void LossyFileSystem::set_full(bool full) {
  const std::lock_guard lock(disk_->mutex);
  disk_->is_full = full;
}

void LossyFileSystem::pretend_syncs(bool pretended) {
  const std::lock_guard lock(disk_->mutex);
  disk_->pretends = pretended;
}

void LossyFileSystem::hold_syncs(bool held) {
  const std::lock_guard lock(disk_->mutex);
  disk_->is_held = held;
  disk_->released.notify_all();
}

std::uint64_t LossyFileSystem::syncs_waiting() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->syncs_waiting;
}

}  // namespace farthing::sim
