#include "tariffs/source_files.h"

#include "tariffs/csv.h"
#include "tariffs/tariff_file.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

namespace farthing::tariffs {

namespace fs = std::filesystem;

namespace {

// One byte more than a table may have, so that one that is too large is seen to be.
std::optional<std::string> read_at_most(const fs::path& path, std::size_t bytes_max) {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(path, error);
  if (error) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  std::string text(std::min<std::uintmax_t>(bytes, bytes_max + 1), '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in) return std::nullopt;
  return text;
}

}  // namespace

base::Result<TariffSource, SourceError> with_tables(const std::string& path, std::string text) {
  TariffSource source{std::move(text), {}};
  std::vector<std::string> names = table_files(source.text);
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  for (const std::string& name : names) {
    const fs::path file = fs::path(path).parent_path() / name;
    std::error_code error;
    const fs::file_status status = fs::status(file, error);
    if (status.type() == fs::file_type::not_found) continue;
    if (!fs::is_regular_file(status)) {
      return SourceError{fmt::format("{}: the table {} is no file", path, in_quotes(name))};
    }
    std::optional<std::string> table = read_at_most(file, csv_bytes_max);
    if (!table) {
      return SourceError{
          fmt::format("{}: the table {} cannot be read; who may read it?", path, in_quotes(name))};
    }
    source.tables.push_back({name, std::move(*table)});
  }
  return source;
}

base::Result<void, SourceError> write_source(const std::string& folder,
                                             const TariffSource& source) {
  std::error_code error;
  if (!fs::create_directory(folder, error)) {
    return SourceError{
        fmt::format("{}: {}", folder, error ? error.message() : "it exists; name a new folder")};
  }
  std::vector<SourceTable> files = source.tables;
  files.push_back({"tariff.yaml", source.text});
  for (const SourceTable& file : files) {
    const fs::path path = fs::path(folder) / file.name;
    if (!is_name(file.name) || fs::exists(path, error)) {
      return SourceError{
          fmt::format("{}: {} is no name for a new file", folder, in_quotes(file.name))};
    }
    std::ofstream out(path, std::ios::binary);
    out.write(file.text.data(), static_cast<std::streamsize>(file.text.size())).flush();
    if (!out) return SourceError{fmt::format("{} cannot be written", path.string())};
  }
  return {};
}

}  // namespace farthing::tariffs
