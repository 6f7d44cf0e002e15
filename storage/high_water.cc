#include "storage/high_water.h"

#include "storage/bytes.h"
#include "storage/crc32c.h"

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>

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

// At most one byte more than the file should have, to see one that is too long.
base::Result<std::string, std::error_code> read_all(const File& file) {
  std::string bytes(file_size_bytes + 1, '\0');
  const auto size = file.read_at(bytes.data(), bytes.size(), 0);
  if (!size.has_value()) return size.error();
  bytes.resize(*size);
  return bytes;
}

StoreError failed(const std::filesystem::path& path, std::error_code error) {
  return {StoreError::Code::io, Sequence(0), fmt::format("{}: {}", path.string(), error.message())};
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
  auto file = File::open(path, flags | created);
  if (!file.has_value()) {
    if (file.error() == std::errc::no_such_file_or_directory) return unreadable(path, "is missing");
    return failed(path, file.error());
  }
  HighWaterFile high_water(std::move(*file));
  const auto bytes = read_all(high_water.file_);
  if (!bytes.has_value()) return failed(path, bytes.error());
  if (bytes->empty()) {
    if (mode == Mode::read_only) return high_water;
    std::error_code error = high_water.file_.write_at(std::string(file_size_bytes, '\0'), 0);
    if (!error) error = high_water.file_.sync();
    if (error) return failed(path, error);
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

int HighWaterFile::write(const HighWater& high_water) {
  const Place place = encode(high_water);
  std::error_code error =
      file_.write_at({place.data(), place.size()}, next_place_ * place_size_bytes);
  if (!error) error = file_.sync();
  if (error) return error.value();
  next_place_ = (next_place_ + 1) % places;
  return 0;
}

}  // namespace farthing::storage
