// A text with a part of it replaced: files with a fault in them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace farthing::test {

// The first `from`, which must be there.
inline std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result(text);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string_view::npos) << from;
  return at == std::string_view::npos ? result : result.replace(at, from.size(), to);
}

}  // namespace farthing::test
