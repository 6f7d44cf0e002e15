#include "tariffs/ported_numbers.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace farthing::tariffs {
namespace {

using Texts = std::vector<std::string>;

Texts errors_of(std::string_view text) {
  FileErrors errors("ported.csv");
  PortedNumbers::read(text, errors);
  Texts texts;
  for (const FileError& error : errors.take()) texts.push_back(to_string(error));
  return texts;
}

TEST(PortedNumbers, AreFoundWhole) {
  FileErrors errors("ported.csv");
  const PortedNumbers table = PortedNumbers::read(
      "number,routing,note\n"
      "4915112345678,d123,to carrier B\n"
      "12025550100,+12025550199,\n",
      errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(table.find("4915112345678"), "D123");
  EXPECT_EQ(table.find("12025550100"), "+12025550199");
  for (const char* other : {"", "491511234567", "49151123456789", "04915112345678", "+12025550100",
                            "1202555010O", "99999999999999999999"}) {
    EXPECT_EQ(table.find(other), "") << other;
  }
}

TEST(PortedNumbers, AFileWithoutRowsHasNone) {
  EXPECT_EQ(errors_of("number,routing\n"), Texts());
  EXPECT_EQ(PortedNumbers().find("1"), "");
}

TEST(PortedNumbers, WhatIsWrongIsNamedWithItsPlace) {
  EXPECT_EQ(
      errors_of("number,routing\n049,D1\n49,\n49,G1\n,D1\n1234567890123456,D1\n491,+\n"),
      Texts({"ported.csv:2:1: \"049\" is no number; expected 1 to 15 digits, the country "
             "code first",
             "ported.csv:3:4: \"\" is no routing number; expected 1 to 20 hexadecimal digits "
             "such as D123, a plus before those of E.164",
             "ported.csv:4:4: \"G1\" is no routing number; expected 1 to 20 hexadecimal "
             "digits such as D123, a plus before those of E.164",
             "ported.csv:5:1: \"\" is no number; expected 1 to 15 digits, the country code "
             "first",
             "ported.csv:6:1: \"1234567890123456\" is no number; expected 1 to 15 digits, the "
             "country code first",
             "ported.csv:7:5: \"+\" is no routing number; expected 1 to 20 hexadecimal "
             "digits such as D123, a plus before those of E.164"}));
  EXPECT_EQ(errors_of("number,routing\n49,D1\n50,D1\n49,D1\n"),
            Texts({"ported.csv:4:1: the number 49 is there already; expected each number once"}));
  EXPECT_EQ(errors_of("number\n49\n").size(), 1u);
  EXPECT_EQ(errors_of("").size(), 1u);
}

RC_GTEST_PROP(PortedNumbers, FindWhatAMapFinds, ()) {
  std::map<std::uint64_t, std::string> model;
  std::string file = "number,routing\n";
  const auto count = *rc::gen::inRange(0, 60);
  for (int i = 0; i < count; ++i) {
    const auto number = *rc::gen::inRange<std::uint64_t>(1, 200);
    const std::string route = fmt::format("D{}", *rc::gen::inRange(0, 9));
    if (model.emplace(number, route).second) file += fmt::format("{},{}\n", number, route);
  }
  FileErrors errors("ported.csv");
  const PortedNumbers table = PortedNumbers::read(file, errors);
  RC_ASSERT(errors.empty());
  RC_ASSERT(table.size() == model.size());
  for (std::uint64_t number = 0; number < 220; ++number) {
    const auto known = model.find(number);
    RC_ASSERT(table.find(std::to_string(number)) ==
              (known == model.end() ? std::string() : known->second));
  }
}

TEST(PortedNumbers, AMillionAreReadAndFound) {
  std::string file = "number,routing\n";
  for (int i = 0; i < 1'000'000; ++i) file += fmt::format("49151{:08},D{:03}\n", i, i % 500);
  FileErrors errors("ported.csv");
  const PortedNumbers table = PortedNumbers::read(file, errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(table.size(), 1'000'000u);
  EXPECT_EQ(table.find("4915100999999"), "D499");
  EXPECT_EQ(table.find("4915101000000"), "");
}

}  // namespace
}  // namespace farthing::tariffs
