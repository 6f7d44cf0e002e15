#include "tariffs/prefix_table.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

namespace farthing::tariffs {
namespace {

[[maybe_unused]] const int many_cases = setenv("RC_PARAMS", "max_success=10000", 0);

using Model = std::map<std::string, std::uint16_t>;

PrefixTable table_of(const Model& model) {
  std::vector<PrefixTable::Row> rows;
  for (const auto& [digits, value] : model) rows.push_back({*Prefix::parse(digits), value});
  std::ranges::reverse(rows);  // their order does not matter
  return PrefixTable(std::move(rows));
}

// From the definition: every prefix of the number, the longest first.
std::optional<std::uint16_t> model_find(const Model& model, const std::string& number) {
  for (std::size_t size = std::min<std::size_t>(number.size(), 15); size > 0; --size) {
    if (const auto found = model.find(number.substr(0, size)); found != model.end()) {
      return found->second;
    }
  }
  return std::nullopt;
}

TEST(Prefix, IsOneToFifteenDigits) {
  EXPECT_EQ(Prefix::parse("49")->digits(), "49");
  EXPECT_EQ(Prefix::parse("012345678901234")->digits(), "012345678901234");
  for (const char* text : {"", "+49", "49x", " 49", "0123456789012345"}) {
    EXPECT_FALSE(Prefix::parse(text)) << text;
  }
  EXPECT_NE(Prefix::parse("49"), Prefix::parse("490"));
}

TEST(PrefixTable, TheLongestPrefixWins) {
  const PrefixTable table = table_of({{"4", 1}, {"49", 2}, {"4915", 3}, {"490", 4}, {"5", 5}});
  EXPECT_EQ(table.find("4"), 1);
  EXPECT_EQ(table.find("48999"), 1);
  EXPECT_EQ(table.find("49"), 2)
      << "shorter than 490, whose digits it would have with zeros behind";
  EXPECT_EQ(table.find("490"), 4);
  EXPECT_EQ(table.find("491"), 2);
  EXPECT_EQ(table.find("4914999999999"), 2);
  EXPECT_EQ(table.find("4915000000000"), 3);
  EXPECT_EQ(table.find("4916"), 2);
  EXPECT_EQ(table.find("5999999999999999999999"), 5) << "digits behind the fifteenth do not matter";
  EXPECT_FALSE(table.find("3999"));
  EXPECT_FALSE(table.find("6"));
}

TEST(PrefixTable, OnlyTheDigitsThatItBeginsWithAreTheNumber) {
  const PrefixTable table = table_of({{"49", 1}, {"4915", 2}});
  EXPECT_EQ(table.find("49;phone-context=15"), 1);
  for (const char* text : {"", "+49", "tel:49", " 49", "sip:49@example.org"}) {
    EXPECT_FALSE(table.find(text)) << text;
  }
}

TEST(PrefixTable, MayBeEmpty) {
  EXPECT_FALSE(table_of({}).find("49"));
  EXPECT_FALSE(table_of({}).find(""));
}

TEST(PrefixTable, TheEndsOfTheRange) {
  const PrefixTable table = table_of({{"000000000000000", 1}, {"999999999999999", 2}});
  EXPECT_EQ(table.find("000000000000000"), 1);
  EXPECT_EQ(table.find("999999999999999"), 2);
  EXPECT_FALSE(table.find("000000000000001"));
  EXPECT_FALSE(table.find("00000000000000"));
  EXPECT_FALSE(table.find("99999999999999"));
}

// Few digits, so that prefixes lie in each other and numbers meet them.
RC_GTEST_PROP(PrefixTableProperty, IsTheModel, ()) {
  const auto digits = rc::gen::element('0', '1', '8', '9');
  Model model;
  const int rows = *rc::gen::inRange(0, 60);
  for (int i = 0; i < rows; ++i) {
    const std::size_t size = *rc::gen::inRange<std::size_t>(1, *rc::gen::element(4, 7, 16));
    model[*rc::gen::container<std::string>(size, digits)] = *rc::gen::inRange<std::uint16_t>(0, 4);
  }
  const PrefixTable table = table_of(model);
  for (int i = 0; i < 20; ++i) {
    std::string number =
        *rc::gen::container<std::string>(*rc::gen::inRange<std::size_t>(0, 18), digits);
    if (!model.empty() && *rc::gen::arbitrary<bool>()) {
      const std::size_t at = *rc::gen::inRange<std::size_t>(0, model.size());
      number = std::next(model.begin(), static_cast<std::ptrdiff_t>(at))->first + number;
    }
    RC_ASSERT(table.find(number) == model_find(model, number));
  }
}

// As large as real ones: several levels of the ladder.
TEST(PrefixTable, AHundredThousandRowsAreTheModelToo) {
  std::mt19937_64 random(20);
  const auto some_digits = [&random](std::size_t lowest, std::size_t highest) {
    std::string digits(lowest + random() % (highest - lowest + 1), '0');
    for (char& c : digits) c = static_cast<char>('0' + random() % 10);
    return digits;
  };
  Model model;
  while (model.size() < 100'000) {
    model[some_digits(2, 9)] = static_cast<std::uint16_t>(random() % 300);
  }
  const PrefixTable table = table_of(model);
  for (int i = 0; i < 200'000; ++i) {
    const std::string number = some_digits(1, 15);
    ASSERT_EQ(table.find(number), model_find(model, number)) << number;
  }
  EXPECT_LE(table.bytes(), 100'000 * 2 * 11u);
}

}  // namespace
}  // namespace farthing::tariffs
