// What is wrong with a file that a person wrote, and where.
//
// FileErrors gathers every error of one run: a file is refused whole, with all of them. Lines and
// columns count from 1, columns in bytes. Texts from the file appear in messages only through
// in_quotes(), so that a hostile file cannot write to anyone's terminal. Threads: no shared state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

struct FilePosition {
  std::uint32_t line = 0;  // 0: the file as a whole
  std::uint32_t column = 0;

  friend auto operator<=>(const FilePosition&, const FilePosition&) = default;
};

struct FileError {
  std::string file;
  std::uint32_t line = 0;  // 0: the file as a whole
  std::uint32_t column = 0;
  std::string message;  // with "; expected ..." where that can be said

  friend bool operator==(const FileError&, const FileError&) = default;
};

std::string to_string(const FileError& error);  // "file:line:column: message"

class FileErrors {
 public:
  explicit FileErrors(std::string_view file) : file_(file) {}

  // `expected` completes "; expected ..." and may be empty.
  void add(FilePosition position, std::string message, std::string_view expected = {});

  bool empty() const { return errors_.empty(); }
  std::size_t count() const { return errors_.size() + left_out_; }

  // All of them by position; beyond the first 1000 only their number is told.
  std::vector<FileError> take();

 private:
  std::string file_;
  std::vector<FileError> errors_;
  std::size_t left_out_ = 0;
};

// A text of the file as messages show it: in double quotes, cut off after 40 bytes, anything that
// is not printable shown as '?'.
std::string in_quotes(std::string_view text);

// The one of `candidates` that `word` was probably meant to be; "" where none is near.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

// " (did you mean "amount"?)" or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace farthing::tariffs
