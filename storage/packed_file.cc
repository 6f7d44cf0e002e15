#include "storage/packed_file.h"

#include "engine/base/assert.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <zstd.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t frame_bytes = std::size_t{1} << 20;
constexpr std::size_t read_bytes = std::size_t{1} << 18;
constexpr int compression_level = 3;
constexpr std::string_view unfinished = ".new";

StoreError io_error(const fs::path& path, std::error_code error) {
  return {StoreError::Code::io, Sequence(0), fmt::format("{}: {}", path.string(), error.message())};
}

EVP_MD_CTX* digest(void* context) { return static_cast<EVP_MD_CTX*>(context); }
ZSTD_DCtx* unpacker(void* context) { return static_cast<ZSTD_DCtx*>(context); }

}  // namespace

// --- Hash ----------------------------------------------------------------------------------------

void ContentHasher::Free::operator()(void* context) const { EVP_MD_CTX_free(digest(context)); }

ContentHasher::ContentHasher() : context_(EVP_MD_CTX_new()) {
  FARTHING_ASSERT(context_ != nullptr);
  const int begun = EVP_DigestInit_ex(digest(context_.get()), EVP_sha256(), nullptr);
  FARTHING_ASSERT(begun == 1);
}

void ContentHasher::add(std::string_view bytes) {
  const int added = EVP_DigestUpdate(digest(context_.get()), bytes.data(), bytes.size());
  FARTHING_ASSERT(added == 1);
}

Hash ContentHasher::finish() {
  Hash hash;
  const int finished = EVP_DigestFinal_ex(digest(context_.get()),
                                          reinterpret_cast<unsigned char*>(hash.data()), nullptr);
  FARTHING_ASSERT(finished == 1);
  return hash;
}

// --- Writer --------------------------------------------------------------------------------------

base::Result<PackedWriter, StoreError> PackedWriter::create(fs::path path) {
  const fs::path fresh = path.string() + std::string(unfinished);
  auto file = File::open(fresh, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.has_value()) return io_error(fresh, file.error());
  return PackedWriter(std::move(path), std::move(*file));
}

base::Result<void, StoreError> PackedWriter::append(std::string_view bytes) {
  hasher_.add(bytes);
  frame_ += bytes;
  if (frame_.size() < frame_bytes) return {};
  return write_frame();
}

base::Result<void, StoreError> PackedWriter::write_frame() {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                     ZSTD_freeCCtx);
  FARTHING_ASSERT(context != nullptr);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, compression_level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string packed(ZSTD_compressBound(frame_.size()), '\0');
  const std::size_t size =
      ZSTD_compress2(context.get(), packed.data(), packed.size(), frame_.data(), frame_.size());
  FARTHING_ASSERT(!ZSTD_isError(size));  // there is room, and nothing else can go wrong
  const auto error = file_.write_at(std::string_view(packed).substr(0, size), offset_);
  if (error) return io_error(path_, error);
  offset_ += size;
  frame_.clear();
  return {};
}

base::Result<Hash, StoreError> PackedWriter::finish() {
  if (const auto written = write_frame(); !written.has_value()) return written.error();
  std::error_code error = file_.sync();
  if (!error) fs::rename(path_.string() + std::string(unfinished), path_, error);
  if (!error) error = sync_names(path_.parent_path());
  if (error) return io_error(path_, error);
  return hasher_.finish();
}

// --- Reader --------------------------------------------------------------------------------------

void PackedReader::Free::operator()(void* context) const { ZSTD_freeDCtx(unpacker(context)); }

PackedReader::PackedReader(fs::path path, File file)
    : path_(std::move(path)), file_(std::move(file)), context_(ZSTD_createDCtx()) {
  FARTHING_ASSERT(context_ != nullptr);
}

base::Result<PackedReader, StoreError> PackedReader::open(fs::path path) {
  auto file = File::open(path, O_RDONLY);
  if (!file.has_value()) return io_error(path, file.error());
  return PackedReader(std::move(path), std::move(*file));
}

StoreError PackedReader::damaged() const {
  return {StoreError::Code::corrupt, Sequence(0),
          fmt::format("{} is damaged or cut short; restore it from a copy", path_.string())};
}

base::Result<std::string_view, StoreError> PackedReader::next() {
  piece_.resize(frame_bytes);
  ZSTD_outBuffer out{piece_.data(), piece_.size(), 0};
  while (out.pos == 0) {
    if (packed_at_ == packed_.size()) {
      packed_.resize(read_bytes);
      const auto got = file_.read_at(packed_.data(), packed_.size(), offset_);
      if (!got.has_value()) return io_error(path_, got.error());
      packed_.resize(*got);
      packed_at_ = 0;
      offset_ += *got;
      if (*got == 0 && !is_between_frames_) return damaged();
      if (*got == 0) break;
    }
    ZSTD_inBuffer in{packed_.data(), packed_.size(), packed_at_};
    const std::size_t left = ZSTD_decompressStream(unpacker(context_.get()), &out, &in);
    if (ZSTD_isError(left)) return damaged();
    packed_at_ = in.pos;
    is_between_frames_ = left == 0;
  }
  piece_.resize(out.pos);
  hasher_.add(piece_);
  return std::string_view(piece_);
}

}  // namespace farthing::storage
