#include "storage/high_water.h"

#include "storage/bytes.h"
#include "storage/crc32c.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace farthing::storage {
namespace {

constexpr std::uint32_t file_format = 1;
constexpr std::size_t place_size_bytes =
    4096;  // a block each, so that a torn write spoils only one
constexpr unsigned places = 2;
constexpr std::size_t file_size_bytes = places * place_size_bytes;

constexpr std::size_t checksum_at = 0;
constexpr std::size_t format_at = 4;
constexpr std::size_t last_at = 8;
constexpr std::size_t hash_at = 16;
constexpr std::size_t used_bytes = 48;

using Place = std::array<char, used_bytes>;

Place encode(const HighWater& high_water) {
  Place place{};
  put_little<std::uint32_t>(place.data() + format_at, file_format);
  put_little<std::uint64_t>(place.data() + last_at, high_water.last.value);
  std::memcpy(place.data() + hash_at, high_water.hash.data(), high_water.hash.size());
  put_little<std::uint32_t>(place.data() + checksum_at,
                            crc32c({place.data() + format_at, used_bytes - format_at}));
  return place;
}

std::optional<HighWater> decode(std::string_view place) {
  const std::string_view checked = place.substr(format_at, used_bytes - format_at);
  if (get_little<std::uint32_t>(place.data() + checksum_at) != crc32c(checked)) return std::nullopt;
  if (get_little<std::uint32_t>(place.data() + format_at) != file_format) return std::nullopt;
  HighWater high_water;
  high_water.last = Sequence(get_little<std::uint64_t>(place.data() + last_at));
  std::memcpy(high_water.hash.data(), place.data() + hash_at, high_water.hash.size());
  return high_water;
}

bool never_written(std::string_view place) {
  return place.find_first_not_of('\0') == std::string_view::npos;
}

// Writes all of `bytes`; 0 or an errno.
int write_at(int file, std::string_view bytes, std::size_t offset) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return wrote < 0 ? errno : EIO;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
    offset += static_cast<std::size_t>(wrote);
  }
  return 0;
}

// At most one byte more than the file should have, to see one that is too long.
std::optional<std::string> read_all(int file) {
  std::string bytes(file_size_bytes + 1, '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got =
        ::pread(file, bytes.data() + size, bytes.size() - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  bytes.resize(size);
  return bytes;
}

StoreError failed(const std::filesystem::path& path, int error) {
  return {StoreError::Code::io, Sequence(0),
          fmt::format("{}: {}", path.string(), std::strerror(error))};
}

StoreError unreadable(const std::filesystem::path& path, std::string_view what) {
  return {StoreError::Code::corrupt, Sequence(0),
          fmt::format("{} {}, so whether the ledger lost records cannot be told; restore it from a "
                      "copy, or put an empty file in its place to accept the ledger as it is",
                      path.string(), what)};
}

}  // namespace

base::Result<HighWaterFile, StoreError> HighWaterFile::open(const std::filesystem::path& path,
                                                            Mode mode) {
  const int flags = mode == Mode::read_only ? O_RDONLY : O_RDWR;
  const int created = mode == Mode::create ? O_CREAT : 0;
  HighWaterFile high_water(::open(path.c_str(), flags | created | O_CLOEXEC, 0600));
  if (high_water.file_ < 0) {
    if (errno == ENOENT) return unreadable(path, "is missing");
    return failed(path, errno);
  }
  const auto bytes = read_all(high_water.file_);
  if (!bytes.has_value()) return failed(path, errno);
  if (bytes->empty()) {
    if (mode == Mode::read_only) return high_water;
    int error = write_at(high_water.file_, std::string(file_size_bytes, '\0'), 0);
    if (error == 0 && ::fsync(high_water.file_) != 0) error = errno;
    if (error != 0) return failed(path, error);
    return high_water;
  }
  if (bytes->size() != file_size_bytes) return unreadable(path, "has the wrong size");

  bool readable = false;
  for (unsigned i = 0; i < places; ++i) {
    const std::string_view place(bytes->data() + i * place_size_bytes, place_size_bytes);
    const auto found = decode(place);
    if (found.has_value() &&
        (!high_water.found_.has_value() || found->last > high_water.found_->last)) {
      high_water.found_ = found;
      high_water.next_place_ = (i + 1) % places;
    }
    readable = readable || found.has_value() || never_written(place);
  }
  if (!readable) return unreadable(path, "is damaged");
  return high_water;
}

HighWaterFile::HighWaterFile(HighWaterFile&& other) noexcept
    : file_(std::exchange(other.file_, -1)), next_place_(other.next_place_), found_(other.found_) {}

HighWaterFile::~HighWaterFile() {
  if (file_ >= 0) ::close(file_);
}

int HighWaterFile::write(const HighWater& high_water) {
  const Place place = encode(high_water);
  const int error = write_at(file_, {place.data(), place.size()}, next_place_ * place_size_bytes);
  if (error != 0) return error;
  if (::fdatasync(file_) != 0) return errno;
  next_place_ = (next_place_ + 1) % places;
  return 0;
}

}  // namespace farthing::storage
