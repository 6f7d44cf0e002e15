#include "storage/file.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace farthing::storage {
namespace {

std::error_code last_error() { return {errno, std::system_category()}; }

// What a call that gives 0 or sets errno said.
std::error_code outcome_of(int returned) {
  return returned == 0 ? std::error_code() : last_error();
}

}  // namespace

base::Result<File, std::error_code> File::open(const std::filesystem::path& path, int flags) {
  File file(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (file.descriptor_ < 0) return last_error();
  return file;
}

File::File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

File::~File() { close(); }

void File::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

std::error_code File::write_at(std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t wrote =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return last_error();
    if (wrote == 0) return std::make_error_code(std::errc::io_error);
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
    offset += static_cast<std::uint64_t>(wrote);
  }
  return {};
}

base::Result<std::size_t, std::error_code> File::read_at(char* to, std::size_t size,
                                                         std::uint64_t offset) const {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got =
        ::pread(descriptor_, to + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return last_error();
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

base::Result<std::uint64_t, std::error_code> File::size_bytes() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) return last_error();
  return static_cast<std::uint64_t>(status.st_size);
}

std::error_code File::truncate(std::uint64_t size_bytes) {
  return outcome_of(::ftruncate(descriptor_, static_cast<off_t>(size_bytes)));
}

std::error_code File::sync() { return outcome_of(::fdatasync(descriptor_)); }

std::error_code File::lock() { return outcome_of(::flock(descriptor_, LOCK_EX | LOCK_NB)); }

std::error_code sync_names(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return last_error();
  const std::error_code error = outcome_of(::fsync(descriptor));
  ::close(descriptor);
  return error;
}

std::error_code replace_file(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path fresh = path.string() + ".new";
  auto file = File::open(fresh, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.has_value()) return file.error();
  if (const std::error_code error = file->write_at(text, 0)) return error;
  if (const std::error_code error = file->sync()) return error;
  if (::rename(fresh.c_str(), path.c_str()) != 0) return last_error();
  return sync_names(path.parent_path());
}

}  // namespace farthing::storage
