#include "storage/folder_format.h"

#include "storage/files.h"

#include <array>
#include <charconv>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view format_line_start = "farthing data folder, format ";

StoreError io_error(std::string message) {
  return {StoreError::Code::io, Sequence(0), std::move(message)};
}

StoreError wrong_version(const fs::path& folder, std::string_view found) {
  return {StoreError::Code::wrong_version, Sequence(0),
          fmt::format("{} is a data folder of {}, and this program reads formats 1 to {}; use the "
                      "version of Farthing that wrote it, or another data folder",
                      folder.string(), found, folder_format)};
}

base::Result<unsigned, StoreError> read_format(const fs::path& folder) {
  std::ifstream file(folder / "format");
  std::string line;
  if (!file.is_open()) {
    return wrong_version(folder,
                         "an unknown format (it has no file that says which: a copy that "
                         "was not finished?)");
  }
  if (!std::getline(file, line) || !line.starts_with(format_line_start)) {
    return wrong_version(folder, "an unknown format");
  }
  const std::string_view number = std::string_view(line).substr(format_line_start.size());
  unsigned format = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), format);
  if (error != std::errc() || end != number.data() + number.size() || format == 0) {
    return wrong_version(folder, "an unknown format");
  }
  if (format > folder_format) return wrong_version(folder, fmt::format("format {}", format));
  return format;
}

// RocksDB would make a new database here and delete what there is of the old one.
std::optional<StoreError> check_no_remains(const fs::path& folder) {
  const fs::path ledger = folder / "ledger";
  std::error_code error;
  for (fs::directory_iterator entry(ledger, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path extension = entry->path().extension();
    if (extension != ".sst" && extension != ".log") continue;
    return StoreError{StoreError::Code::corrupt, Sequence(0),
                      fmt::format("a file of the database in {} is missing (ledger/CURRENT); "
                                  "restore the data folder from a copy",
                                  folder.string())};
  }
  return std::nullopt;
}

// What may lie in a folder in which no ledger was begun: a file system's own, the server's socket
// and logs, and what a crash leaves of a folder that was being made.
bool may_lie_there(const fs::path& name) {
  constexpr std::array<std::string_view, 3> names = {"lost+found", "api.sock", "format.new"};
  for (const std::string_view ours : names) {
    if (name == ours) return true;
  }
  return name.extension() == ".log";
}

std::optional<StoreError> make_folder(rocksdb::FileSystem& files, const fs::path& folder,
                                      bool has_format) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error && !has_format) {
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      if (may_lie_there(entry->path().filename())) continue;
      return io_error(
          fmt::format("{} is not a data folder of Farthing, and it is not empty (it "
                      "holds {}); name an empty folder or a new one",
                      folder.string(), entry->path().filename().string()));
    }
    if (!error) {
      if (auto failed = write_folder_format(files, folder)) return failed;
    }
  }
  // After the format: where there is a database, its format is known.
  if (!error) fs::create_directories(folder / "ledger", error);
  if (!error) return std::nullopt;
  return io_error(
      fmt::format("the data folder {} cannot be made: {}; choose another, or allow this "
                  "user to write there",
                  folder.string(), error.message()));
}

}  // namespace

base::Result<FolderState, StoreError> prepare_folder(rocksdb::FileSystem& files,
                                                     const fs::path& folder, bool create) {
  std::error_code error;
  FolderState state;
  state.has_ledger = fs::exists(folder / "ledger" / "CURRENT", error);
  const bool has_format = !error && fs::exists(folder / "format", error);
  if (error && error != std::errc::not_a_directory) {
    return io_error(fmt::format("{}: {}", folder.string(), error.message()));
  }
  if (state.has_ledger || has_format) {
    const auto format = read_format(folder);
    if (!format.has_value()) return format.error();
    state.format = *format;
  }
  if (state.has_ledger) return state;
  if (const auto missing = check_no_remains(folder)) return *missing;
  if (!create) {
    return io_error(fmt::format("{} holds no ledger; name a data folder", folder.string()));
  }
  if (auto failed = make_folder(files, folder, has_format)) return *failed;
  return state;
}

std::optional<StoreError> write_folder_format(rocksdb::FileSystem& files, const fs::path& folder) {
  return replace_file(files, folder / "format",
                      fmt::format("{}{}\n", format_line_start, folder_format));
}

}  // namespace farthing::storage
