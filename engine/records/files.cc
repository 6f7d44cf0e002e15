#include "engine/records/files.h"

#include "engine/base/assert.h"
#include "storage/crc32c.h"

#include <charconv>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>

namespace farthing::engine::records {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view part_extension = ".part";
constexpr std::string_view position_name = "position";
constexpr std::string_view lock_name = "lock";
constexpr std::string_view first_line = "farthing records position, format 1";
constexpr std::size_t position_bytes_max = 4096;

std::string position_text(const Position& position) {
  std::string text =
      fmt::format("{}\nnext {}\noldest_needed {}\nledger_hash {}\nfile {}\nbytes {}\nbegun_at {}\n",
                  first_line, position.next.value, position.oldest_needed.value,
                  position.ledger_hash, position.file.empty() ? "-" : position.file, position.bytes,
                  position.begun_at.time_since_epoch().count());
  return text + fmt::format("check {:08x}\n", storage::crc32c(text));
}

// Reads the lines of a position in their order.
class PositionReader {
 public:
  explicit PositionReader(std::string_view text) : rest_(text) {}

  bool is_ok() const { return ok_ && rest_.empty(); }
  std::string_view line() {
    const std::size_t end = rest_.find('\n');
    ok_ = ok_ && end != std::string_view::npos;
    const std::string_view found = rest_.substr(0, end);
    rest_.remove_prefix(ok_ ? end + 1 : rest_.size());
    return found;
  }
  std::string_view value(std::string_view name) {
    const std::string_view found = line();
    ok_ = ok_ && found.starts_with(name) && found.substr(name.size()).starts_with(' ');
    return ok_ ? found.substr(name.size() + 1) : std::string_view();
  }
  template <class Number>
  Number number(std::string_view name) {
    const std::string_view text = value(name);
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    ok_ = ok_ && error == std::errc() && end == text.data() + text.size();
    return number;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::optional<Position> parse_position(std::string_view text) {
  const std::size_t check = text.rfind("check ");
  if (check == std::string_view::npos) return std::nullopt;
  const std::string_view checked = text.substr(0, check);
  if (text.substr(check) != fmt::format("check {:08x}\n", storage::crc32c(checked))) {
    return std::nullopt;
  }
  PositionReader reader(checked);
  if (reader.line() != first_line) return std::nullopt;
  Position position;
  position.next = Sequence(reader.number<std::uint64_t>("next"));
  position.oldest_needed = Sequence(reader.number<std::uint64_t>("oldest_needed"));
  position.ledger_hash = reader.number<std::uint64_t>("ledger_hash");
  position.file = reader.value("file");
  position.bytes = reader.number<std::uint64_t>("bytes");
  position.begun_at = Time(Duration(reader.number<std::int64_t>("begun_at")));
  if (position.file == "-") position.file.clear();
  if (!reader.is_ok() || position.file.find('/') != std::string::npos) return std::nullopt;
  return position;
}

// "records-20260601T080000Z-00000000000000000012.csv"
std::string file_name(Sequence last, Time closed_at, Format format) {
  std::string time;
  append_time(closed_at, time);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return fmt::format("records-{}Z-{:020}.{}", time.substr(0, time.find('.')), last.value,
                     format_name(format));
}

}  // namespace

std::string RecordFiles::failed(const std::string& name, std::error_code error) const {
  return fmt::format("{}: {}", (folder_ / name).string(), error.message());
}

base::Result<RecordFiles, std::string> RecordFiles::open(const fs::path& folder, Format format) {
  RecordFiles files(folder, format);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return files.failed("", error);
  if (auto locked = files.lock(); !locked.has_value()) return locked.error();
  const std::string name(position_name);
  if (!fs::exists(folder / name, error) && !error) return files;
  const auto file = storage::File::open(folder / name, O_RDONLY);
  if (!file.has_value()) return files.failed(name, file.error());
  std::string text(position_bytes_max, '\0');
  const auto size = file->read_at(text.data(), text.size(), 0);
  if (!size.has_value()) return files.failed(name, size.error());
  const auto position = parse_position(std::string_view(text).substr(0, *size));
  if (!position) {
    return fmt::format(
        "{} is damaged; restore it, or empty the folder to have all records written again",
        (folder / name).string());
  }
  files.position_ = *position;
  if (auto resumed = files.resume(); !resumed.has_value()) return resumed.error();
  return files;
}

base::Result<void, std::string> RecordFiles::lock() {
  const std::string name(lock_name);
  auto file = storage::File::open(folder_ / name, O_RDWR | O_CREAT);
  if (!file.has_value()) return failed(name, file.error());
  if (const auto error = file->lock()) {
    if (error != std::errc::operation_would_block) return failed(name, error);
    return fmt::format("{} is in use by another server; give each a folder of its own",
                       folder_.string());
  }
  lock_ = std::move(*file);
  return {};
}

// Brings the file being written to the length that the position names.
base::Result<void, std::string> RecordFiles::resume() {
  const std::string name = position_.file;
  if (name.empty()) return {};
  auto file = storage::File::open(folder_ / (name + std::string(part_extension)), O_RDWR);
  if (!file.has_value()) {
    if (file.error() != std::errc::no_such_file_or_directory) return failed(name, file.error());
    position_.file.clear();  // it was complete
    position_.bytes = 0;
    return {};
  }
  const auto size = file->size_bytes();
  if (!size.has_value()) return failed(name, size.error());
  if (*size < position_.bytes) {
    return fmt::format(
        "{}{} has {} bytes and had {}; restore it, or empty the folder to have all records "
        "written again",
        (folder_ / name).string(), part_extension, *size, position_.bytes);
  }
  if (const auto error = file->truncate(position_.bytes)) return failed(name, error);
  file_ = std::move(*file);
  // Another format was configured since: what follows goes to a file of its own.
  if (!name.ends_with(format_name(format_))) return complete();
  return {};
}

std::uint64_t RecordFiles::file_bytes() const {
  return file_.is_open() ? position_.bytes + pending_.size() : 0;
}

base::Result<void, std::string> RecordFiles::begin_file(Sequence last, Time closed_at) {
  position_.file = file_name(last, closed_at, format_);
  position_.bytes = 0;
  position_.begun_at = closed_at;
  auto file = storage::File::open(folder_ / (position_.file + std::string(part_extension)),
                                  O_RDWR | O_CREAT | O_TRUNC);
  if (!file.has_value()) return failed(position_.file, file.error());
  if (const auto error = storage::sync_names(folder_)) return failed("", error);
  file_ = std::move(*file);
  pending_ = header_line(format_);
  return {};
}

base::Result<void, std::string> RecordFiles::add(std::string_view text, Sequence last,
                                                 Time closed_at) {
  if (!file_.is_open()) {
    if (auto begun = begin_file(last, closed_at); !begun.has_value()) return begun;
  }
  pending_ += text;
  return {};
}

base::Result<void, std::string> RecordFiles::write() {
  if (pending_.empty()) return {};
  if (const auto error = file_.write_at(pending_, position_.bytes)) {
    return failed(position_.file, error);
  }
  position_.bytes += pending_.size();
  written_bytes_ += pending_.size();
  pending_.clear();
  return {};
}

base::Result<void, std::string> RecordFiles::commit(const Position& reached) {
  if (auto written = write(); !written.has_value()) return written;
  if (file_.is_open()) {
    if (const auto error = file_.sync()) return failed(position_.file, error);
  }
  position_.next = reached.next;
  position_.oldest_needed = reached.oldest_needed;
  position_.ledger_hash = reached.ledger_hash;
  return save();
}

base::Result<void, std::string> RecordFiles::complete() {
  FARTHING_ASSERT(pending_.empty());
  if (!file_.is_open()) return {};
  const fs::path name = folder_ / position_.file;
  std::error_code error;
  fs::rename(name.string() + std::string(part_extension), name, error);
  if (!error) error = storage::sync_names(folder_);
  if (error) return failed(position_.file, error);
  file_.close();
  ++completed_files_;
  position_.file.clear();
  position_.bytes = 0;
  return save();
}

base::Result<void, std::string> RecordFiles::save() {
  const std::string name(position_name);
  if (const auto error = storage::replace_file(folder_ / name, position_text(position_))) {
    return failed(name, error);
  }
  return {};
}

}  // namespace farthing::engine::records
