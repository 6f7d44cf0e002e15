// Text as files may hold it: UTF-8 (RFC 3629) without control characters; digits, and letters of
// ASCII without their case. Threads: no shared state.
#pragma once

#include "tariffs/file_error.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace farthing::tariffs {

// The length of the character that `text` begins with; 0 where there is none, or where it is a
// control character that no text of ours holds (NUL above all).
std::size_t character_bytes(std::string_view text);

// Whether the text is one; if not, the first place where it is none is an error.
bool check_characters(std::string_view text, FileErrors& errors);

// Of an empty text, too.
constexpr bool are_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

constexpr char lower_case(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string lower_case(std::string_view text);

// Whether the text is `lower`, which is in lower case, but for its case.
constexpr bool is_same(std::string_view lower, std::string_view text) {
  return std::ranges::equal(lower, text, {}, {}, [](char c) { return lower_case(c); });
}

}  // namespace farthing::tariffs
