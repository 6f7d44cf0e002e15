#include "tariffs/file_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace farthing::tariffs {
namespace {

constexpr std::size_t errors_kept_max = 1000;
constexpr std::size_t quoted_bytes_max = 40;
constexpr std::size_t word_bytes_max = 32;  // longer ones are not compared: no key is so long

// Edit distance in which two neighbouring letters that changed places count as one mistake.
std::size_t distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, word_bytes_max + 1>;
  Row before_last{};
  Row last{};
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    Row row{};
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::string to_string(const FileError& error) {
  if (error.line == 0) return fmt::format("{}: {}", error.file, error.message);
  return fmt::format("{}:{}:{}: {}", error.file, error.line, error.column, error.message);
}

void FileErrors::add(FilePosition position, std::string message, std::string_view expected) {
  if (errors_.size() == errors_kept_max) {
    ++left_out_;
    return;
  }
  if (!expected.empty()) message += fmt::format("; expected {}", expected);
  errors_.push_back({file_, position.line, position.column, std::move(message)});
}

std::vector<FileError> FileErrors::take() {
  std::ranges::stable_sort(errors_, {}, [](const FileError& error) {
    return FilePosition{error.line, error.column};
  });
  if (left_out_ > 0) {
    errors_.push_back({file_, 0, 0, fmt::format("{} more errors are not shown", left_out_)});
    left_out_ = 0;
  }
  return std::move(errors_);
}

std::string in_quotes(std::string_view text) {
  const bool whole = text.size() <= quoted_bytes_max;
  std::string_view shown = text.substr(0, quoted_bytes_max);
  // Not in the middle of a character of UTF-8.
  if (!whole) {
    while (!shown.empty() && (static_cast<unsigned char>(text[shown.size()]) & 0xc0) == 0x80) {
      shown.remove_suffix(1);
    }
  }
  std::string result = "\"";
  for (char c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    result += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  return result + (whole ? "\"" : "...\"");
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.size() > word_bytes_max) return {};
  std::string_view best;
  // One mistake for each three letters begun, so that "per" is not taken for "min".
  std::size_t best_distance = (word.size() + 2) / 3 + 1;
  for (std::string_view candidate : candidates) {
    if (candidate.size() > word_bytes_max) continue;
    const std::size_t mistakes = distance(word, candidate);
    if (mistakes < best_distance && mistakes < candidate.size()) {
      best = candidate;
      best_distance = mistakes;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates) {
  const std::string_view meant = nearest(word, candidates);
  return meant.empty() ? std::string() : fmt::format(" (did you mean {}?)", in_quotes(meant));
}

}  // namespace farthing::tariffs
