#include "tools/cli/ledger_copy.h"

#include "storage/record.h"

#include <charconv>

#include <fcntl.h>
#include <fmt/format.h>

namespace farthing::tools {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view answer_begin = "farthing ledger records, format 1, end ";

// Takes the line off the front of an answer: the end of the server's ledger.
std::optional<storage::Sequence> take_line(std::string_view& answer) {
  const std::size_t end = answer.find('\n');
  if (!answer.starts_with(answer_begin) || end == std::string_view::npos) return std::nullopt;
  const std::string_view digits = answer.substr(answer_begin.size(), end - answer_begin.size());
  std::uint64_t number = 0;
  const auto [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || at != digits.data() + digits.size()) return std::nullopt;
  answer.remove_prefix(end + 1);
  return storage::Sequence(number);
}

}  // namespace

base::Result<LedgerCopy, std::string> LedgerCopy::open(const fs::path& folder,
                                                       std::uint64_t segment_bytes) {
  LedgerCopy copy(folder, segment_bytes);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fmt::format("{}: {}", folder.string(), error.message());
  if (auto locked = copy.lock(); !locked.has_value()) return locked.error();
  const auto segments = storage::SegmentFolder::open(folder);
  if (!segments.has_value()) return segments.error().message;
  copy.end_ = segments->end();
  if (segments->is_empty() || segments->segments().back().is_sealed()) return copy;
  const storage::SegmentReader& newest = segments->segments().back();
  copy.torn_bytes_ = newest.torn_bytes();
  auto writer = storage::SegmentWriter::resume(newest);
  if (!writer.has_value()) return writer.error().message;
  copy.writer_.emplace(std::move(*writer));
  return copy;
}

base::Result<void, std::string> LedgerCopy::lock() {
  auto file = storage::File::open(folder_ / "lock", O_RDWR | O_CREAT);
  if (!file.has_value()) {
    return fmt::format("{}/lock: {}", folder_.string(), file.error().message());
  }
  if (const auto error = file->lock()) {
    return fmt::format("{} cannot be locked ({}); is another copy being written there?",
                       folder_.string(), error.message());
  }
  lock_ = std::move(*file);
  return {};
}

base::Result<void, std::string> LedgerCopy::take(std::string_view answer) {
  const std::size_t bytes = answer.size();
  const auto end = take_line(answer);
  if (!end) return std::string("the server's answer is not understood; is it of this version?");
  ledger_end_ = *end;
  if (answer.empty()) return {};
  while (!answer.empty()) {
    const auto size = storage::stated_record_size(answer);
    if (!size || *size > answer.size()) {
      return std::string("the server's answer ends in the middle of a record");
    }
    if (auto appended = append(answer.substr(0, *size)); !appended.has_value()) return appended;
    answer.remove_prefix(*size);
  }
  taken_bytes_ += bytes;
  return sync();
}

base::Result<void, std::string> LedgerCopy::append(std::string_view record) {
  if (!writer_) {
    if (is_empty() && end_.last.value > 0) follow_own_word_of(record);
    auto writer = storage::SegmentWriter::create(folder_, end_);
    if (!writer.has_value()) return writer.error().message;
    writer_.emplace(std::move(*writer));
  }
  const auto appended = writer_->append(record);
  if (!appended.has_value()) {
    return fmt::format("what the server sent does not follow the copy in {}: {}", folder_.string(),
                       appended.error().message);
  }
  end_ = writer_->end();
  return {};
}

// Nobody else says what the first record of a copy follows that begins in the middle.
void LedgerCopy::follow_own_word_of(std::string_view record) {
  const auto first = storage::decode_record(record);
  if (!first.has_value()) return;  // that it is none is said where it is appended
  end_.hash = first->header.previous;
  end_.now = first->header.now;
}

base::Result<void, std::string> LedgerCopy::sync() {
  const bool is_full = writer_->size_bytes() >= segment_bytes_;
  const auto done = is_full ? writer_->seal() : writer_->sync();
  if (!done.has_value()) return done.error().message;
  if (is_full) writer_.reset();
  return {};
}

}  // namespace farthing::tools
