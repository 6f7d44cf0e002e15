// Subscribers in bulk from a CSV file: header line msisdn,imsi,account,kind,balance,credit_limit,
// and after these columns attr.NAME for what new subscribers are (attr.segment); those that are
// there already stay as they are.
//
// Checked whole before anything is written: first the file in itself, then against the accounts
// that there are. Written in slices, each durable before the next, so that requests wait for one
// slice at most; a row that is there already is passed over, and so running a file again completes
// it.
//
// An empty account is the MSISDN. Several lines may share an account; what the account begins with
// (kind, balance, credit limit) stands on the first of them only. An empty kind is prepaid, an
// empty amount 0.
//
// Or attributes alone: header line msisdn and columns attr.NAME, for subscribers that are there. An
// empty field leaves what is said as it is.
//
// Memory: the text, and some 50 bytes a line for what must not come twice. Threads: one, not the
// shard's.
#pragma once

#include "engine/admin/gateway.h"
#include "engine/operations.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine::admin {

struct ImportError {
  std::uint64_t line = 0;
  std::string message;
};

// The first so many errors, and how many there are.
struct ImportErrors {
  static constexpr std::size_t shown_max = 20;

  std::vector<ImportError> first;
  std::uint64_t count = 0;

  void add(std::uint64_t line, std::string message);
};

// A row as the file has it.
struct ImportLine {
  std::uint64_t number = 0;  // from 1, the header included
  ImportRow row;
  bool first_of_account = false;
};

// What a file brings.
enum class ImportKind : std::uint8_t { subscribers, attributes };

// The file, row by row, as often as wanted.
class ImportFile {
 public:
  // `text` outlives the file. Reads all of it and gathers what is wrong.
  explicit ImportFile(std::string_view text, ImportKind kind = ImportKind::subscribers);

  const ImportErrors& errors() const { return errors_; }
  std::uint64_t rows() const { return rows_; }

  void rewind();
  // REQUIRES: no errors. Fills `lines` with the next rows, at most `count`; false: there are no
  // more.
  bool next(std::size_t count, std::vector<ImportLine>& lines);

 private:
  struct AccountLines {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
  };

  bool read_header();
  bool read_attribute_columns(std::string_view columns);
  bool next_line(std::string_view& line);
  bool parse(std::string_view text, ImportLine& line, std::string_view& account, bool& has_terms,
             std::string& wrong) const;
  bool parse_subscriber(std::span<const std::string_view> fields, ImportLine& line,
                        std::string_view& account, bool& has_terms, std::string& wrong) const;
  bool parse_attributes(std::string_view text, ImportRow& row, std::string& wrong) const;
  void check(std::string_view text);
  void check_identity(Identity identity, std::string_view what);

  ImportKind kind_;
  std::string_view text_;
  std::string_view rest_;
  std::string_view rows_text_;  // behind the header
  std::uint64_t line_number_ = 0;
  std::uint64_t header_line_ = 0;
  std::uint64_t rows_ = 0;
  std::vector<std::string> attribute_names_;  // of the further columns
  ImportErrors errors_;
  boost::unordered_flat_map<std::uint64_t, std::uint64_t> identities_;  // bits -> line
  boost::unordered_flat_map<std::string_view, AccountLines> accounts_;
};

struct ImportResult {
  std::string stopped;   // why it was not finished; what was written stays
  bool written = false;  // false: nothing was, because of the errors
  std::uint64_t accounts_created = 0;
  std::uint64_t subscribers_added = 0;
  std::uint64_t unchanged = 0;
  ImportErrors errors;  // with `written`: rows that came to contradict what is meanwhile
};

// Told the rows done of a phase ("checking", "writing") after each slice.
using ImportProgress = std::function<void(std::string_view phase, std::uint64_t rows)>;

struct AttributesResult {
  std::string stopped;   // as in ImportResult
  bool written = false;  // likewise
  std::uint64_t changed = 0;
  std::uint64_t unchanged = 0;
  ImportErrors errors;  // likewise
};

// REQUIRES: a file of attributes without errors.
AttributesResult import_attributes(ImportFile& file, ShardAccess& shard, const Note& note,
                                   const ImportProgress& progress);

// REQUIRES: a file of subscribers without errors.
ImportResult import_file(ImportFile& file, ShardAccess& shard, const Note& note,
                         const ImportProgress& progress);

}  // namespace farthing::engine::admin
