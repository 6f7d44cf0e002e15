#include "tariffs/plain_text.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace farthing::tariffs {

std::size_t character_bytes(std::string_view text) {
  const auto byte = [text](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto continues = [&byte](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const std::uint32_t first = byte(0);
  if (first < 0x80) {
    const bool space = first == '\t' || first == '\n' || first == '\r';
    return (first >= 0x20 && first != 0x7f) || space ? 1 : 0;
  }
  if (first >= 0xc2 && first <= 0xdf && continues(1)) {
    return first == 0xc2 && byte(1) < 0xa0 ? 0 : 2;  // U+0080 to U+009F are controls too.
  }
  if ((first & 0xf0) == 0xe0 && continues(1) && continues(2)) {
    const bool overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = first == 0xed && byte(1) >= 0xa0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xf0 && first <= 0xf4 && continues(1) && continues(2) && continues(3)) {
    const bool overlong = first == 0xf0 && byte(1) < 0x90;
    const bool beyond = first == 0xf4 && byte(1) >= 0x90;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

bool check_characters(std::string_view text, FileErrors& errors) {
  FilePosition position{1, 1};
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    if (bytes == 0) {
      const auto byte = static_cast<unsigned char>(text.front());
      errors.add(position, fmt::format("byte 0x{:02x} is not part of a text", byte),
                 "UTF-8 without control characters");
      return false;
    }
    position.column += static_cast<std::uint32_t>(bytes);
    if (text.front() == '\n') position = {position.line + 1, 1};
    text.remove_prefix(bytes);
  }
  return true;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = lower_case(c);
  return lower;
}

}  // namespace farthing::tariffs
