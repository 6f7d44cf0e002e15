#include "tariffs/csv.h"

#include "engine/base/assert.h"
#include "tariffs/plain_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace farthing::tariffs {
namespace {

std::uint32_t column_at(std::size_t offset) { return static_cast<std::uint32_t>(offset) + 1; }

}  // namespace

CsvReader::CsvReader(std::string_view text, std::vector<CsvColumn> columns, FileErrors& errors)
    : rest_(text), columns_(std::move(columns)), errors_(errors) {
  places_.assign(columns_.size(), absent);
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
  if (text.size() > csv_bytes_max) {
    errors_.add({}, fmt::format("the file has {} bytes", text.size()),
                fmt::format("at most {}", csv_bytes_max));
    rest_ = {};
  } else if (!check_characters(rest_, errors_)) {
    rest_ = {};
  } else {
    read_header();
  }
}

bool CsvReader::next() {
  std::string_view line;
  while (next_line(line)) {
    if (line.empty() || !split(line)) continue;
    if (field_count_ == header_count_) return true;
    errors_.add({line_, 1},
                fmt::format("there {} {} field{} here", field_count_ == 1 ? "is" : "are",
                            field_count_, field_count_ == 1 ? "" : "s"),
                fmt::format("{} as in the header", header_count_));
  }
  field_count_ = 0;
  return false;
}

std::string_view CsvReader::field(std::size_t column) const {
  FARTHING_ASSERT(field_count_ > 0);
  const std::size_t place = places_.at(column);
  return place == absent ? std::string_view() : fields_[place].text;
}

FilePosition CsvReader::position(std::size_t column) const {
  const std::size_t place = places_.at(column);
  return {line_, place == absent ? 1 : fields_[place].column};
}

bool CsvReader::next_line(std::string_view& line) {
  if (rest_.empty()) return false;
  const std::size_t end = rest_.find('\n');
  line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  ++line_;
  return true;
}

bool CsvReader::split(std::string_view line) {
  field_count_ = 0;
  if (const std::size_t at = line.find('\r'); at != std::string_view::npos) {
    errors_.add({line_, column_at(at)}, "a carriage return stands inside the line",
                "lines that end in LF or CRLF");
    return false;
  }
  unquoted_.clear();
  unquoted_.reserve(line.size());  // fields point into it: it must not move
  std::size_t at = 0;
  while (true) {
    if (field_count_ == fields_.size()) fields_.emplace_back();
    Field& field = fields_[field_count_++];
    field.column = column_at(at);
    if (at < line.size() && line[at] == '"') {
      if (!split_quoted(line, at, field)) return false;
    } else {
      const std::size_t end = std::min(line.find(',', at), line.size());
      field.text = line.substr(at, end - at);
      if (const std::size_t quote = field.text.find('"'); quote != std::string_view::npos) {
        errors_.add({line_, column_at(at + quote)}, "a quote stands inside a field without quotes",
                    "the whole field in quotes, and each quote in it doubled");
        return false;
      }
      at = end;
    }
    if (at == line.size()) return true;
    ++at;  // the comma
  }
}

// A field in quotes that begins at `at`, which is moved behind it.
bool CsvReader::split_quoted(std::string_view line, std::size_t& at, Field& field) {
  const std::size_t begin = at + 1;
  std::size_t end = begin;
  bool has_quotes = false;
  while ((end = line.find('"', end)) != std::string_view::npos) {
    if (end + 1 >= line.size() || line[end + 1] != '"') break;
    has_quotes = true;
    end += 2;
  }
  if (end == std::string_view::npos) {
    errors_.add({line_, field.column}, "the quotes that begin here do not end in this line",
                "a closing quote before the end of the line");
    return false;
  }
  field.text = line.substr(begin, end - begin);
  if (has_quotes) field.text = without_doubling(field.text);
  at = end + 1;
  if (at == line.size() || line[at] == ',') return true;
  errors_.add({line_, column_at(at)}, "there is something behind the closing quote",
              "a comma or the end of the line");
  return false;
}

std::string_view CsvReader::without_doubling(std::string_view quoted) {
  const std::size_t begin = unquoted_.size();
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    unquoted_ += quoted[i];
    if (quoted[i] == '"') ++i;
  }
  return std::string_view(unquoted_).substr(begin);
}

void CsvReader::read_header() {
  std::string_view line;
  const std::size_t errors_before = errors_.count();
  if (!next_line(line)) {
    errors_.add({}, "the file is empty", "a header line with the names of the columns");
  } else if (line.find(';') != std::string_view::npos && line.find(',') == std::string_view::npos) {
    errors_.add({line_, column_at(line.find(';'))}, "the columns are separated by semicolons",
                "commas");
  } else if (split(line)) {
    match_columns();
  }
  // Without a header nothing can be said of the rows.
  if (errors_.count() != errors_before) rest_ = {};
}

void CsvReader::match_columns() {
  header_count_ = field_count_;
  std::vector<std::string_view> names;
  for (const CsvColumn& column : columns_) names.push_back(column.name);
  for (std::size_t i = 0; i < field_count_; ++i) {
    const Field& field = fields_[i];
    const FilePosition position{line_, field.column};
    const auto found = std::ranges::find(names, field.text);
    if (found == names.end()) {
      errors_.add(position,
                  fmt::format("unknown column {}{}", in_quotes(field.text),
                              did_you_mean(field.text, names)),
                  fmt::format("{}", fmt::join(names, ", ")));
      continue;
    }
    std::size_t& place = places_[static_cast<std::size_t>(found - names.begin())];
    if (place != absent) {
      errors_.add(position, fmt::format("the column {} is there twice", in_quotes(field.text)),
                  "each column once");
    }
    place = i;
  }
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (places_[i] != absent || !columns_[i].is_required) continue;
    errors_.add({line_, 1}, fmt::format("the column {} is missing", in_quotes(columns_[i].name)),
                fmt::format("a header line with {}", fmt::join(names, ", ")));
  }
}

}  // namespace farthing::tariffs
