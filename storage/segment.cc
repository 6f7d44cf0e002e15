#include "storage/segment.h"

#include "engine/base/assert.h"
#include "storage/bytes.h"
#include "storage/crc32c.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <zstd.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view extension = ".ledger";
constexpr std::string_view sealing_extension = ".sealing";
constexpr std::size_t name_digits = 20;

// An open file begins with this line. A sealed one holds frames of Zstandard (RFC 8878): a
// skippable one with the other line, the records, and a skippable one with the index; so that
// `zstd -dc` gives the records.
constexpr std::string_view open_line = "farthing ledger segment, format 1, open\n";
constexpr std::string_view sealed_line = "farthing ledger segment, format 1, sealed\n";
constexpr std::uint32_t line_frame_magic = 0x184D2A50;
constexpr std::uint32_t index_frame_magic = 0x184D2A5E;
constexpr std::size_t skippable_header_bytes = 8;
constexpr std::size_t sealed_begin_bytes = skippable_header_bytes + sealed_line.size();

constexpr std::size_t frame_bytes_wanted = std::size_t{1} << 20;
constexpr std::size_t frame_bytes_max =
    frame_bytes_wanted + record_header_size_bytes + record_body_size_bytes_max;
constexpr int compression_level = 3;

// One row of the index.
constexpr std::size_t row_bytes = 32;
constexpr std::size_t row_first_at = 0;
constexpr std::size_t row_offset_at = 8;
constexpr std::size_t row_packed_at = 16;
constexpr std::size_t row_bytes_at = 20;
constexpr std::size_t row_checksum_at = 24;

// The end of a sealed file.
constexpr std::size_t footer_bytes = 112;
constexpr std::size_t footer_checksum_at = 0;  // of the index and all of the footer that follows
constexpr std::size_t footer_rows_at = 4;
constexpr std::size_t footer_first_at = 8;
constexpr std::size_t footer_last_at = 16;
constexpr std::size_t footer_now_at = 24;
constexpr std::size_t footer_previous_at = 32;
constexpr std::size_t footer_hash_at = 64;
constexpr std::size_t footer_bytes_at = 96;
constexpr std::size_t footer_magic_at = 104;
constexpr std::string_view footer_magic = "FARTHSEG";

StoreError io_error(const fs::path& path, std::error_code error) {
  return {StoreError::Code::io, Sequence(0), fmt::format("{}: {}", path.string(), error.message())};
}

StoreError segment_error(const fs::path& path, Sequence sequence, std::string_view what) {
  return {StoreError::Code::corrupt, sequence,
          fmt::format("{} {}; restore it from a copy", path.string(), what)};
}

std::optional<Sequence> first_of_name(std::string_view name) {
  if (name.size() != name_digits + extension.size() || !name.ends_with(extension)) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  for (char digit : name.substr(0, name_digits)) {
    if (digit < '0' || digit > '9' || __builtin_mul_overflow(number, 10u, &number) ||
        __builtin_add_overflow(number, static_cast<unsigned>(digit - '0'), &number)) {
      return std::nullopt;
    }
  }
  return number == 0 ? std::nullopt : std::optional(Sequence(number));
}

// Records one after the other in a file, read in large pieces.
class RecordStream {
 public:
  RecordStream(const File& file, std::uint64_t offset, std::uint64_t end)
      : file_(file), offset_(offset), end_(end) {}

  // The next record's bytes, by the length that it states; empty where the file has no more of it.
  base::Result<std::string_view, std::error_code> next() {
    auto filled = fill(record_header_size_bytes);
    if (!filled.has_value()) return filled.error();
    const auto size = stated_record_size(view());
    if (!size || *size > frame_bytes_max) return std::string_view();
    filled = fill(*size);
    if (!filled.has_value()) return filled.error();
    if (view().size() < *size) return std::string_view();
    const std::string_view record = view().substr(0, *size);
    begin_ += *size;
    return record;
  }

 private:
  std::string_view view() const { return std::string_view(buffer_).substr(begin_); }

  // Reads on until `size` bytes are at hand or the file ends.
  base::Result<void, std::error_code> fill(std::size_t size) {
    if (view().size() >= size || offset_ == end_) return {};
    buffer_.erase(0, begin_);
    begin_ = 0;
    const std::size_t had = buffer_.size();
    const std::size_t wanted = static_cast<std::size_t>(
        std::min<std::uint64_t>(std::max(size - had, frame_bytes_wanted), end_ - offset_));
    buffer_.resize(had + wanted);
    const auto got = file_.read_at(buffer_.data() + had, wanted, offset_);
    if (!got.has_value()) return got.error();
    buffer_.resize(had + *got);
    offset_ = *got < wanted ? end_ : offset_ + *got;
    return {};
  }

  const File& file_;
  std::uint64_t offset_;
  std::uint64_t end_;
  std::string buffer_;
  std::size_t begin_ = 0;
};

void append_skippable(std::string& out, std::uint32_t magic, std::string_view content) {
  std::array<char, skippable_header_bytes> header{};
  put_little<std::uint32_t>(header.data(), magic);
  put_little<std::uint32_t>(header.data() + 4, static_cast<std::uint32_t>(content.size()));
  out.append(header.data(), header.size()).append(content);
}

// Writes a sealed file, record by record.
class Sealer {
 public:
  explicit Sealer(File& file) : file_(file), context_(ZSTD_createCCtx(), ZSTD_freeCCtx) {
    FARTHING_ASSERT(context_ != nullptr);
    append_skippable(packed_, line_frame_magic, sealed_line);
  }

  std::error_code add(std::string_view record_bytes, Sequence first) {
    if (frame_.empty()) frame_first_ = first;
    frame_ += record_bytes;
    return frame_.size() >= frame_bytes_wanted ? write_frame() : std::error_code();
  }

  std::error_code finish(Sequence first, const Hash& previous, const LedgerEnd& end) {
    if (!frame_.empty()) {
      if (const std::error_code error = write_frame()) return error;
    }
    std::array<char, footer_bytes> footer{};
    char* const to = footer.data();
    put_little<std::uint32_t>(to + footer_rows_at,
                              static_cast<std::uint32_t>(index_.size() / row_bytes));
    put_little<std::uint64_t>(to + footer_first_at, first.value);
    put_little<std::uint64_t>(to + footer_last_at, end.last.value);
    put_little<std::int64_t>(to + footer_now_at, end.now.time_since_epoch().count());
    std::memcpy(to + footer_previous_at, previous.data(), previous.size());
    std::memcpy(to + footer_hash_at, end.hash.data(), end.hash.size());
    put_little<std::uint64_t>(to + footer_bytes_at, raw_bytes_);
    std::memcpy(to + footer_magic_at, footer_magic.data(), footer_magic.size());
    const std::string_view checked(to + footer_rows_at, footer_bytes - footer_rows_at);
    put_little<std::uint32_t>(to + footer_checksum_at, crc32c(checked, crc32c(index_)));
    index_.append(to, footer_bytes);
    append_skippable(packed_, index_frame_magic, index_);
    return flush();
  }

 private:
  std::error_code write_frame() {
    const std::size_t begin = packed_.size();
    packed_.resize(begin + ZSTD_compressBound(frame_.size()));
    const std::size_t size =
        ZSTD_compressCCtx(context_.get(), packed_.data() + begin, packed_.size() - begin,
                          frame_.data(), frame_.size(), compression_level);
    FARTHING_ASSERT(!ZSTD_isError(size));  // there is room, and nothing else can go wrong
    packed_.resize(begin + size);
    std::array<char, row_bytes> row{};
    put_little<std::uint64_t>(row.data() + row_first_at, frame_first_.value);
    put_little<std::uint64_t>(row.data() + row_offset_at, offset_ + begin);
    put_little<std::uint32_t>(row.data() + row_packed_at, static_cast<std::uint32_t>(size));
    put_little<std::uint32_t>(row.data() + row_bytes_at, static_cast<std::uint32_t>(frame_.size()));
    put_little<std::uint32_t>(row.data() + row_checksum_at,
                              crc32c(std::string_view(packed_).substr(begin)));
    index_.append(row.data(), row.size());
    raw_bytes_ += frame_.size();
    frame_.clear();
    return flush();
  }

  std::error_code flush() {
    const std::error_code error = file_.write_at(packed_, offset_);
    offset_ += packed_.size();
    packed_.clear();
    return error;
  }

  File& file_;
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_;
  std::string frame_;
  Sequence frame_first_;
  std::string packed_;
  std::uint64_t offset_ = 0;
  std::uint64_t raw_bytes_ = 0;
  std::string index_;
};

// What a record must follow by its own word.
base::Result<LedgerEnd, StoreError> before_record(std::string_view bytes, const fs::path& path,
                                                  Sequence expected) {
  const auto record = decode_record(bytes);
  if (!record.has_value()) {
    return segment_error(path, expected,
                         fmt::format("holds a record that cannot be read (entry {}): {}",
                                     expected.value, describe(record.error())));
  }
  return LedgerEnd{Sequence(record->header.first.value - 1), base::Time::min(),
                   record->header.previous};
}

// Gives one record after the other to the visitor, each checked against the one before.
class Visit {
 public:
  Visit(const fs::path& path, std::optional<LedgerEnd>& end, Sequence from,
        const LedgerStore::Visitor& visitor)
      : path_(path), end_(end), from_(from), visitor_(visitor) {}

  // False: the visitor wants no more.
  base::Result<bool, StoreError> record(std::string_view bytes, Sequence expected) {
    if (!chain_) {
      if (!end_) {
        const auto before = before_record(bytes, path_, expected);
        if (!before.has_value()) return before.error();
        end_ = *before;
      }
      chain_.emplace(*end_);
    }
    const auto record = chain_->next(bytes);
    if (!record.has_value()) return record.error();
    end_ = chain_->end();
    return end_->last < from_ || visitor_(*record);
  }

 private:
  const fs::path& path_;
  std::optional<LedgerEnd>& end_;
  Sequence from_;
  const LedgerStore::Visitor& visitor_;
  std::optional<ChainReader> chain_;
};

}  // namespace

std::string segment_file_name(Sequence first) {
  return fmt::format("{:020}{}", first.value, extension);
}

// --- Reader --------------------------------------------------------------------------------------

StoreError SegmentReader::damaged(std::string_view what) const {
  return segment_error(path_, first_, what);
}

StoreError SegmentReader::failed(std::error_code error) const { return io_error(path_, error); }

base::Result<SegmentReader, StoreError> SegmentReader::open(const fs::path& path) {
  SegmentReader reader;
  reader.path_ = path;
  const auto first = first_of_name(path.filename().string());
  if (!first) return reader.damaged("has no segment's name (20 digits and .ledger)");
  reader.first_ = *first;
  const auto file = File::open(path, O_RDONLY);
  if (!file.has_value()) return reader.failed(file.error());
  const auto size = file->size_bytes();
  if (!size.has_value()) return reader.failed(size.error());
  reader.file_bytes_ = *size;

  std::array<char, sealed_begin_bytes> begin;
  const auto got = file->read_at(begin.data(), begin.size(), 0);
  if (!got.has_value()) return reader.failed(got.error());
  const std::string_view line(begin.data(), *got);
  std::string sealed;
  append_skippable(sealed, line_frame_magic, sealed_line);
  std::optional<StoreError> error;
  if (line == sealed) {
    reader.sealed_ = true;
    error = reader.load_index(*file);
  } else if (line.starts_with(open_line) || open_line.starts_with(line)) {
    error = reader.read_open(*file);
  } else {
    error = reader.damaged("is no segment of a format that this program reads");
  }
  if (error) return *error;
  return reader;
}

std::optional<StoreError> SegmentReader::load_index(const File& file) {
  constexpr std::size_t least = sealed_begin_bytes + skippable_header_bytes + footer_bytes;
  if (file_bytes_ < least) return damaged("is cut short");
  std::string tail(footer_bytes, '\0');
  auto got = file.read_at(tail.data(), footer_bytes, file_bytes_ - footer_bytes);
  if (!got.has_value()) return failed(got.error());
  const std::size_t rows = get_little<std::uint32_t>(tail.data() + footer_rows_at);
  if (tail.substr(footer_magic_at) != footer_magic || rows == 0 ||
      rows > (file_bytes_ - least) / row_bytes) {
    return damaged("has no index at its end, or is cut short");
  }
  const std::size_t content_bytes = rows * row_bytes + footer_bytes;
  tail.resize(skippable_header_bytes + content_bytes);
  got = file.read_at(tail.data(), tail.size(), file_bytes_ - tail.size());
  if (!got.has_value()) return failed(got.error());
  if (get_little<std::uint32_t>(tail.data()) != index_frame_magic ||
      get_little<std::uint32_t>(tail.data() + 4) != content_bytes) {
    return damaged("has an index that does not fit it");
  }
  const std::string_view index =
      std::string_view(tail).substr(skippable_header_bytes, rows * row_bytes);
  const std::string_view footer = std::string_view(tail).substr(tail.size() - footer_bytes);
  if (get_little<std::uint32_t>(footer.data() + footer_checksum_at) !=
      crc32c(footer.substr(footer_rows_at), crc32c(index))) {
    return damaged("has a damaged index");
  }
  std::uint64_t offset = sealed_begin_bytes;
  for (std::size_t i = 0; i < rows; ++i) {
    const char* const row = index.data() + i * row_bytes;
    Frame frame;
    frame.first = Sequence(get_little<std::uint64_t>(row + row_first_at));
    frame.offset = get_little<std::uint64_t>(row + row_offset_at);
    frame.packed_bytes = get_little<std::uint32_t>(row + row_packed_at);
    frame.bytes = get_little<std::uint32_t>(row + row_bytes_at);
    frame.checksum = get_little<std::uint32_t>(row + row_checksum_at);
    const bool in_order =
        frames_.empty() ? frame.first == first_ : frame.first > frames_.back().first;
    if (!in_order || frame.offset != offset || frame.bytes > frame_bytes_max) {
      return damaged("has an index that does not fit it");
    }
    offset += frame.packed_bytes;
    frames_.push_back(frame);
  }
  if (offset + tail.size() != file_bytes_ ||
      get_little<std::uint64_t>(footer.data() + footer_first_at) != first_.value) {
    return damaged("has an index that does not fit it");
  }
  end_.last = Sequence(get_little<std::uint64_t>(footer.data() + footer_last_at));
  end_.now = base::Time(base::Duration(get_little<std::int64_t>(footer.data() + footer_now_at)));
  std::memcpy(previous_.data(), footer.data() + footer_previous_at, previous_.size());
  std::memcpy(end_.hash.data(), footer.data() + footer_hash_at, end_.hash.size());
  return std::nullopt;
}

// All records up to the first that is not whole.
std::optional<StoreError> SegmentReader::read_open(const File& file) {
  std::uint64_t whole = std::min<std::uint64_t>(open_line.size(), file_bytes_);
  if (whole < open_line.size()) whole = 0;  // the crash came before the line was synced
  RecordStream records(file, open_line.size(),
                       std::max<std::uint64_t>(file_bytes_, open_line.size()));
  std::optional<ChainReader> chain;
  end_.last = Sequence(first_.value - 1);
  for (;;) {
    const auto bytes = records.next();
    if (!bytes.has_value()) return failed(bytes.error());
    if (bytes->empty() || !decode_record(*bytes).has_value()) break;
    if (!chain) {
      const auto before = before_record(*bytes, path_, first_);
      if (!before.has_value()) return before.error();
      if (before->last.value + 1 != first_.value) {
        return damaged(fmt::format("begins with entry {}", before->last.value + 1));
      }
      previous_ = before->hash;
      chain.emplace(*before);
    }
    const auto record = chain->next(*bytes);
    if (!record.has_value()) return record.error();
    whole += bytes->size();
    end_ = chain->end();
  }
  torn_bytes_ = file_bytes_ - whole;
  return std::nullopt;
}

base::Result<bool, StoreError> SegmentReader::scan(Sequence from, std::optional<LedgerEnd>& end,
                                                   const Visitor& visitor) const {
  if (is_empty()) return true;
  const auto file = File::open(path_, O_RDONLY);
  if (!file.has_value()) return failed(file.error());
  if (sealed_) return scan_sealed(*file, from, end, visitor);
  RecordStream records(*file, open_line.size(), file_bytes_ - torn_bytes_);
  Visit visit(path_, end, from, visitor);
  Sequence expected = first_;
  while (expected <= end_.last) {
    const auto bytes = records.next();
    if (!bytes.has_value()) return failed(bytes.error());
    if (bytes->empty()) return damaged("is shorter than it was");
    const auto more = visit.record(*bytes, expected);
    if (!more.has_value() || !*more) return more;
    expected = Sequence(end->last.value + 1);
  }
  return true;
}

base::Result<bool, StoreError> SegmentReader::scan_sealed(const File& file, Sequence from,
                                                          std::optional<LedgerEnd>& end,
                                                          const Visitor& visitor) const {
  auto frame = std::upper_bound(frames_.begin(), frames_.end(), from,
                                [](Sequence at, const Frame& f) { return at < f.first; });
  if (frame != frames_.begin()) --frame;
  // Where reading begins in the middle, the frame's first record follows what it says itself.
  if (frame != frames_.begin()) end.reset();
  Visit visit(path_, end, from, visitor);
  std::string bytes;
  for (; frame != frames_.end(); ++frame) {
    if (const auto error = unpack(file, *frame, bytes)) return *error;
    std::string_view rest = bytes;
    Sequence expected = frame->first;
    while (!rest.empty()) {
      const auto size = stated_record_size(rest);
      if (!size || *size > rest.size()) return damaged("holds a record that is cut short");
      const auto more = visit.record(rest.substr(0, *size), expected);
      if (!more.has_value() || !*more) return more;
      expected = Sequence(end->last.value + 1);
      rest.remove_prefix(*size);
    }
  }
  if (end->last != end_.last || end->hash != end_.hash) {
    return damaged("does not end as its index says");
  }
  return true;
}

std::optional<StoreError> SegmentReader::unpack(const File& file, const Frame& frame,
                                                std::string& bytes) const {
  std::string packed(frame.packed_bytes, '\0');
  const auto got = file.read_at(packed.data(), packed.size(), frame.offset);
  if (!got.has_value()) return failed(got.error());
  const auto wrong = [&] {
    return segment_error(path_, frame.first,
                         fmt::format("is damaged in the frame of entry {}", frame.first.value));
  };
  if (*got < packed.size() || crc32c(packed) != frame.checksum ||
      ZSTD_getFrameContentSize(packed.data(), packed.size()) != frame.bytes) {
    return wrong();
  }
  bytes.resize(frame.bytes);
  const std::size_t size =
      ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size());
  if (ZSTD_isError(size) || size != frame.bytes) return wrong();
  return std::nullopt;
}

// --- Writer --------------------------------------------------------------------------------------

StoreError SegmentWriter::failed(std::error_code error) const { return io_error(path_, error); }

base::Result<SegmentWriter, StoreError> SegmentWriter::create(const fs::path& folder,
                                                              const LedgerEnd& end) {
  const fs::path path = folder / segment_file_name(Sequence(end.last.value + 1));
  const auto left = SegmentReader::open(path);
  const bool is_left_empty = left.has_value() && left->is_empty();
  auto file = File::open(path, O_RDWR | O_CREAT | (is_left_empty ? O_TRUNC : O_EXCL));
  if (!file.has_value()) return io_error(path, file.error());
  std::error_code error = file->write_at(open_line, 0);
  if (!error) error = sync_names(folder);
  if (error) return io_error(path, error);
  return SegmentWriter(path, std::move(*file), end, open_line.size());
}

base::Result<SegmentWriter, StoreError> SegmentWriter::resume(const SegmentReader& segment) {
  FARTHING_ASSERT(!segment.is_sealed() && !segment.is_empty());
  auto file = File::open(segment.path(), O_RDWR);
  if (!file.has_value()) return io_error(segment.path(), file.error());
  const std::uint64_t whole = segment.file_bytes() - segment.torn_bytes();
  std::error_code error = file->truncate(whole);
  if (!error) error = file->sync();
  if (error) return io_error(segment.path(), error);
  return SegmentWriter(segment.path(), std::move(*file), segment.end(), whole);
}

base::Result<void, StoreError> SegmentWriter::append(std::string_view record_bytes) {
  const auto record = chain_.next(record_bytes);
  if (!record.has_value()) return record.error();
  if (const std::error_code error = file_.write_at(record_bytes, size_bytes_)) return failed(error);
  size_bytes_ += record_bytes.size();
  return {};
}

base::Result<void, StoreError> SegmentWriter::sync() {
  if (const std::error_code error = file_.sync()) return failed(error);
  return {};
}

base::Result<void, StoreError> SegmentWriter::seal() {
  const auto synced = sync();
  if (!synced.has_value()) return synced.error();
  const auto open = SegmentReader::open(path_);
  if (!open.has_value()) return open.error();
  FARTHING_ASSERT(!open->is_empty());
  const fs::path sealed = path_.string() + std::string(sealing_extension);
  auto file = File::open(sealed, O_RDWR | O_CREAT | O_TRUNC);
  if (!file.has_value()) return io_error(sealed, file.error());
  Sealer sealer(*file);
  RecordStream records(file_, open_line.size(), size_bytes_);
  Sequence next = open->first();
  while (next <= open->end().last) {
    const auto bytes = records.next();
    if (!bytes.has_value()) return failed(bytes.error());
    const auto record = decode_record(*bytes);
    if (!record.has_value()) return segment_error(path_, next, "changed while it was sealed");
    if (const std::error_code error = sealer.add(*bytes, next)) return io_error(sealed, error);
    next = Sequence(next.value + record->header.count);
  }
  std::error_code error = sealer.finish(open->first(), open->previous(), open->end());
  if (!error) error = file->sync();
  if (!error) fs::rename(sealed, path_, error);
  if (!error) error = sync_names(path_.parent_path());
  if (error) return io_error(sealed, error);
  return {};
}

// --- Folder --------------------------------------------------------------------------------------

base::Result<SegmentFolder, StoreError> SegmentFolder::open(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (first_of_name(it->path().filename().string())) paths.push_back(it->path());
  }
  if (error) return io_error(folder, error);
  std::sort(paths.begin(), paths.end());

  SegmentFolder opened;
  for (const fs::path& path : paths) {
    auto segment = SegmentReader::open(path);
    if (!segment.has_value()) return segment.error();
    const bool is_newest = path == paths.back();
    if (segment->is_empty() && is_newest) break;  // begun, and nothing in it yet
    if (!segment->is_sealed() && !is_newest) {
      return segment_error(path, segment->first(), "is not sealed, and is not the newest");
    }
    if (!opened.is_empty()) {
      const LedgerEnd before = opened.end();
      if (segment->first().value != before.last.value + 1) {
        return segment_error(
            path, Sequence(before.last.value + 1),
            fmt::format("does not follow: entry {} is missing", before.last.value + 1));
      }
      if (segment->previous() != before.hash) {
        return segment_error(path, segment->first(), "is of another ledger (hash chain)");
      }
    }
    opened.segments_.push_back(std::move(*segment));
  }
  return opened;
}

base::Result<void, StoreError> SegmentFolder::scan(Sequence from,
                                                   const LedgerStore::Visitor& visitor) const {
  auto segment =
      std::upper_bound(segments_.begin(), segments_.end(), from,
                       [](Sequence at, const SegmentReader& s) { return at < s.first(); });
  if (segment != segments_.begin()) --segment;
  std::optional<LedgerEnd> end;
  for (; segment != segments_.end(); ++segment) {
    const auto more = segment->scan(from, end, visitor);
    if (!more.has_value()) return more.error();
    if (!*more) break;
  }
  return {};
}

base::Result<Record, StoreError> SegmentFolder::read(Sequence sequence, std::string& buffer) const {
  if (is_empty() || sequence < first() || sequence > end().last) {
    return no_such_entry(sequence, end().last);
  }
  std::optional<Record> found;
  const auto scanned = scan(sequence, [&](const Record& record) {
    const RecordHeaderBytes header = encode_record_header(record.header, record.body);
    buffer.assign(header.data(), header.size()).append(record.body);
    found = record;
    found->body = std::string_view(buffer).substr(header.size());
    return false;
  });
  if (!scanned.has_value()) return scanned.error();
  FARTHING_ASSERT(found.has_value());
  return *found;
}

}  // namespace farthing::storage
