#include "tariffs/numbering.h"

#include <gtest/gtest.h>

#include <string>

namespace farthing::tariffs {
namespace {

std::string international(const NumberingPlan& plan, std::string_view dialled) {
  std::array<char, e164_digits_max> number{};
  return {number.data(), international_number(plan, dialled, number)};
}

TEST(Numbering, PrefixesSayHowANumberIsMeant) {
  const NumberingPlan china{"86", "00", "0"};
  EXPECT_EQ(international(china, "0049301234567"), "49301234567");
  EXPECT_EQ(international(china, "01012345678"), "861012345678");
  EXPECT_EQ(international(china, "13800138000"), "") << "it may be anything";
  EXPECT_EQ(international(china, "110"), "");
  EXPECT_EQ(international(china, "00"), "") << "a way abroad, and nobody there";
  EXPECT_EQ(international(china, "0"), "");
  EXPECT_EQ(international(china, ""), "");
  EXPECT_EQ(international(china, "urn:service:sos"), "");
  const NumberingPlan america{"1", "011", "1"};
  EXPECT_EQ(international(america, "01149301234567"), "49301234567");
  EXPECT_EQ(international(america, "12125550123"), "12125550123");
  EXPECT_EQ(international({"86", "", ""}, "0049301234567"), "");
}

TEST(Numbering, WhatIsNoNumberIsNone) {
  const NumberingPlan china{"86", "00", "0"};
  EXPECT_EQ(international(china, "000301234567"), "") << "no country code begins with 0";
  EXPECT_EQ(international(china, "00123456789012345"), "123456789012345");
  EXPECT_EQ(international(china, "001234567890123456"), "");
  EXPECT_EQ(international(china, "012345678901234"), "");
}

std::string first_error(std::string_view text) {
  FileErrors errors("t.yaml");
  const auto node = read_yaml(text, errors);
  if (node) read_numbering(*node, errors);
  const auto all = errors.take();
  return all.empty() ? "" : to_string(all.front());
}

TEST(Numbering, IsReadFromAFile) {
  FileErrors errors("t.yaml");
  const auto node = read_yaml("{country_code: 86, international: 00, national: 0}", errors);
  EXPECT_EQ(read_numbering(*node, errors), (NumberingPlan{"86", "00", "0"}));
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(first_error("{country_code: +86}"),
            "t.yaml:1:16: \"+86\" are no digits to dial; expected 1 to 3 digits, such as 86");
  EXPECT_EQ(first_error("{country_code: 086}"),
            "t.yaml:1:16: no country code begins with 0; expected one such as 86");
  EXPECT_EQ(first_error("{country_code: 86, international: 0, national: 0}"),
            "t.yaml:1:48: national and international numbers are dialled alike; expected prefixes "
            "that differ");
}

}  // namespace
}  // namespace farthing::tariffs
