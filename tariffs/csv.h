// Strict reading of CSV files that people write: tables that stand beside a tariff.
//
// RFC 4180: a header line names the columns, in any order; fields are separated by commas; a field
// in double quotes may hold commas and, doubled, quotes, but no line's end. Lines may end in CRLF,
// a byte order mark is borne, empty lines are passed over. A file is hostile input: whatever is
// wrong becomes a FileError with its place, as many of them in one run as can be found, and nothing
// is guessed or trimmed. Refused: text that is not UTF-8, control characters, columns that nobody
// asked for, rows with more or fewer fields than the header, files over 64 MiB.
//
// Memory: a line's. Threads: no shared state.
#pragma once

#include "tariffs/file_error.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

constexpr std::size_t csv_bytes_max = 64 << 20;

struct CsvColumn {
  std::string_view name;
  bool is_required = true;  // false: the file may do without it, then its fields are empty
};

class CsvReader {
 public:
  // Reads the header. The text and the errors must outlive the reader.
  CsvReader(std::string_view text, std::vector<CsvColumn> columns, FileErrors& errors);

  // The next row that can be read (about others there are errors); false: there are no more.
  bool next();

  // Of the row that next() gave; `column` is an index into the columns asked for. Valid until the
  // next call of next().
  std::string_view field(std::size_t column) const;
  FilePosition position(std::size_t column) const;  // where there is no such field: the row
  std::uint32_t line() const { return line_; }

 private:
  static constexpr std::size_t absent = static_cast<std::size_t>(-1);

  struct Field {
    std::string_view text;  // of the file, or of unquoted_
    std::uint32_t column = 0;
  };

  bool next_line(std::string_view& line);
  bool split(std::string_view line);
  bool split_quoted(std::string_view line, std::size_t& at, Field& field);
  std::string_view without_doubling(std::string_view quoted);
  void read_header();
  void match_columns();

  std::string_view rest_;
  std::vector<CsvColumn> columns_;
  FileErrors& errors_;
  std::uint32_t line_ = 0;
  std::vector<Field> fields_;  // in the order of the file; the first `field_count_` are in use
  std::size_t field_count_ = 0;
  std::size_t header_count_ = 0;
  std::string unquoted_;             // the line's fields in which quotes stand, one after the other
  std::vector<std::size_t> places_;  // of each column asked for among the fields, or absent
};

}  // namespace farthing::tariffs
