#include "storage/high_water.h"

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/files.h"

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/file_system.h>

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

StoreError unreadable(const std::filesystem::path& path, std::string_view what) {
  return {StoreError::Code::corrupt, Sequence(0),
          fmt::format("{} {}, so whether the ledger lost records cannot be told; restore it from a "
                      "copy, or put an empty file in its place to accept the ledger as it is",
                      path.string(), what)};
}

// All of the file, but no more than shows one that is too long.
base::Result<std::string, StoreError> read_all(rocksdb::FileSystem& files,
                                               const std::filesystem::path& path) {
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  auto status = files.NewSequentialFile(path, {}, &file, nullptr);
  if (status.IsNotFound() || status.IsPathNotFound()) return unreadable(path, "is missing");
  std::string scratch(file_size_bytes + 1, '\0');
  std::string bytes;
  for (rocksdb::Slice got; status.ok() && bytes.size() <= file_size_bytes;) {
    status = file->Read(scratch.size() - bytes.size(), {}, &got, scratch.data(), nullptr);
    if (got.empty()) break;
    bytes.append(got.data(), got.size());
  }
  if (!status.ok()) return file_error(path, status);
  return bytes;
}

}  // namespace

base::Result<HighWaterFile, StoreError> HighWaterFile::open(rocksdb::FileSystem& files,
                                                            const std::filesystem::path& path,
                                                            Mode mode) {
  HighWaterFile high_water(path);
  std::string bytes;
  if (mode != Mode::create || files.FileExists(path, {}, nullptr).ok()) {
    const auto read = read_all(files, path);
    if (!read.has_value()) return read.error();
    bytes = *read;
  }
  if (bytes.empty() && mode != Mode::read_only) {
    bytes.assign(file_size_bytes, '\0');
    if (const auto error = replace_file(files, path, bytes)) return *error;
  }
  if (mode != Mode::read_only) {
    const auto status = files.NewRandomRWFile(path, {}, &high_water.file_, nullptr);
    if (!status.ok()) return file_error(path, status);
  }
  if (bytes.empty()) return high_water;
  if (bytes.size() != file_size_bytes) return unreadable(path, "has the wrong size");

  bool readable = false;
  for (unsigned i = 0; i < places; ++i) {
    const std::string_view place(bytes.data() + i * place_size_bytes, place_size_bytes);
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

HighWaterFile::HighWaterFile(std::filesystem::path path) : path_(std::move(path)) {}
HighWaterFile::HighWaterFile(HighWaterFile&& other) noexcept = default;
HighWaterFile::~HighWaterFile() = default;

std::optional<StoreError> HighWaterFile::write(const HighWater& high_water) {
  const Place place = encode(high_water);
  auto status = file_->Write(next_place_ * place_size_bytes,
                             rocksdb::Slice(place.data(), place.size()), {}, nullptr);
  if (status.ok()) status = file_->Sync({}, nullptr);
  if (!status.ok()) return file_error(path_, status);
  next_place_ = (next_place_ + 1) % places;
  return std::nullopt;
}

}  // namespace farthing::storage
