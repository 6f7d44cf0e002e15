#include "tariffs/file_error.h"

#include <gtest/gtest.h>

namespace farthing::tariffs {
namespace {

TEST(FileError, PrintsPlaceAndMessage) {
  EXPECT_EQ(to_string({"a.yaml", 3, 7, "wrong"}), "a.yaml:3:7: wrong");
  EXPECT_EQ(to_string({"a.yaml", 0, 0, "the file is empty"}), "a.yaml: the file is empty");
}

TEST(FileErrors, ComeOutByPosition) {
  FileErrors errors("f");
  errors.add({9, 1}, "third");
  errors.add({2, 8}, "second", "better");
  errors.add({2, 1}, "first");
  EXPECT_EQ(errors.count(), 3u);
  const std::vector<FileError> taken = errors.take();
  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(taken[0], (FileError{"f", 2, 1, "first"}));
  EXPECT_EQ(taken[1], (FileError{"f", 2, 8, "second; expected better"}));
  EXPECT_EQ(taken[2], (FileError{"f", 9, 1, "third"}));
}

TEST(FileErrors, ThousandsAreCutOffAndCounted) {
  FileErrors errors("f");
  for (std::uint32_t i = 1; i <= 1500; ++i) errors.add({i, 1}, "wrong");
  EXPECT_EQ(errors.count(), 1500u);
  const std::vector<FileError> taken = errors.take();
  ASSERT_EQ(taken.size(), 1001u);
  EXPECT_EQ(taken.back().message, "500 more errors are not shown");
}

TEST(InQuotes, IsShortAndPrintable) {
  EXPECT_EQ(in_quotes("abc"), "\"abc\"");
  EXPECT_EQ(in_quotes("a\x1b[2J\n"), "\"a?[2J?\"");
  EXPECT_EQ(in_quotes(std::string(41, 'x')), "\"" + std::string(40, 'x') + "...\"");
  EXPECT_EQ(in_quotes(std::string(39, 'x') + "\u00e9\u00e9"),
            "\"" + std::string(39, 'x') + "...\"");
}

TEST(Nearest, FindsTheMisspeltWord) {
  const std::vector<std::string_view> keys{"amount", "minimum", "per", "rating_group", "step"};
  EXPECT_EQ(nearest("amonut", keys), "amount");
  EXPECT_EQ(nearest("rating-group", keys), "rating_group");
  EXPECT_EQ(nearest("pre", keys), "per");
  EXPECT_EQ(nearest("steps", keys), "step");
  EXPECT_EQ(nearest("colour", keys), "");
  EXPECT_EQ(nearest("", keys), "");
  EXPECT_EQ(nearest(std::string(100'000, 'a'), keys), "");
  EXPECT_EQ(did_you_mean("amonut", keys), " (did you mean \"amount\"?)");
  EXPECT_EQ(did_you_mean("colour", keys), "");
}

}  // namespace
}  // namespace farthing::tariffs
