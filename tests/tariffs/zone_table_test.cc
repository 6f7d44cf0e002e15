#include "tariffs/zone_table.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace farthing::tariffs {
namespace {

using testing::ElementsAre;

std::vector<std::string> errors_of(std::string_view text) {
  FileErrors errors("zones.csv");
  ZoneTable::read(text, errors);
  std::vector<std::string> lines;
  for (const FileError& error : errors.take()) lines.push_back(to_string(error));
  return lines;
}

TEST(ZoneTable, FindsTheZoneOfANumber) {
  FileErrors errors("zones.csv");
  const ZoneTable table = ZoneTable::read(
      "prefix,zone,note\n49,eu,Germany\n4915,eu-mobile,\n33,eu,\"France, all\"\n", errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_THAT(table.zones(), ElementsAre("eu", "eu-mobile"));
  EXPECT_EQ(table.find("493012345"), 0);
  EXPECT_EQ(table.find("4915112345"), 1);
  EXPECT_EQ(table.find("33123"), 0);
  EXPECT_FALSE(table.find("8613800138000"));
}

TEST(ZoneTable, APortedNumberIsWhereItIsRouted) {
  FileErrors errors("zones.csv");
  const ZoneTable table = ZoneTable::read(
      "prefix,zone\n49,eu\n1,us\nrn:d1,carrier-b\nrn:D123,carrier-c\nrn:0,carrier-d\n", errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_THAT(table.zones(), ElementsAre("eu", "us", "carrier-b", "carrier-c", "carrier-d"));
  EXPECT_EQ(table.find("4915112345", "D1"), 2);
  EXPECT_EQ(table.find("4915112345", "D12"), 2);
  EXPECT_EQ(table.find("4915112345", "D1234"), 3);
  EXPECT_EQ(table.find("4915112345", "0301"), 4);
  EXPECT_EQ(table.find("4915112345", "D2"), 0) << "no prefix has it: the number's own";
  EXPECT_EQ(table.find("4915112345", "+12025550100"), 1) << "a number as others";
  EXPECT_EQ(table.find("4915112345", "12025550100"), 0) << "digits of somebody's own plan";
  EXPECT_EQ(table.find("4915112345", "+D1"), 2);
  EXPECT_FALSE(table.find("8613800138000", "D2"));
}

TEST(ZoneTable, RoutingPrefixesThatAreNone) {
  EXPECT_THAT(errors_of("prefix,zone\nrn:,eu\nrn:G1,eu\nrn:D1,eu\nrn:d1,us\nrn:+1,eu\n"),
              ElementsAre("zones.csv:2:1: \"rn:\" is no prefix of routing numbers; expected rn: "
                          "and 1 to 20 hexadecimal digits, as in rn:D123",
                          "zones.csv:3:1: \"rn:G1\" is no prefix of routing numbers; expected rn: "
                          "and 1 to 20 hexadecimal digits, as in rn:D123",
                          "zones.csv:5:1: the prefix rn:d1 is there already, in line 4; expected "
                          "each prefix once",
                          "zones.csv:6:1: \"rn:+1\" is no prefix of routing numbers; expected rn: "
                          "and 1 to 20 hexadecimal digits, as in rn:D123"));
}

TEST(ZoneTable, RowErrors) {
  EXPECT_THAT(
      errors_of("prefix,zone\n+49,eu\n,eu\n1234567890123456,eu\n0049,eu\n33,\n34,e u\n"),
      ElementsAre(
          "zones.csv:2:1: \"+49\" is no prefix; expected 1 to 15 digits, the country code first",
          "zones.csv:3:1: \"\" is no prefix; expected 1 to 15 digits, the country code first",
          "zones.csv:4:1: \"1234567890123456\" is no prefix; expected 1 to 15 digits, the country "
          "code first",
          "zones.csv:5:1: the prefix \"0049\" begins with 0; expected the country code first, as "
          "in 49 for what is dialled 0049",
          "zones.csv:6:4: \"\" is no name; expected a name of 1 to 64 letters, digits, '.', '_' "
          "and '-' that begins with a letter or digit",
          "zones.csv:7:4: \"e u\" is no name; expected a name of 1 to 64 letters, digits, '.', "
          "'_' and '-' that begins with a letter or digit"));
  EXPECT_THAT(errors_of("prefix,zone\n"),
              ElementsAre("zones.csv: there are no prefixes; expected a line for each prefix below "
                          "the header"));
}

TEST(ZoneTable, APrefixThatIsThereTwiceNamesBothLines) {
  EXPECT_THAT(
      errors_of("prefix,zone\n49,eu\n1,us\n49,eu\n49,de\n"),
      ElementsAre("zones.csv:4:1: the prefix 49 is there already, in line 2; expected each prefix "
                  "once",
                  "zones.csv:5:1: the prefix 49 is there already, in line 2; expected each prefix "
                  "once"));
}

TEST(ZoneTable, ZonesAreCounted) {
  std::string text = "prefix,zone\n";
  for (int i = 1; i <= 10'001; ++i) text += fmt::format("1{:05},z{}\n", i, i);
  EXPECT_THAT(errors_of(text),
              ElementsAre("zones.csv:10002:8: \"z10001\" is one zone too many; expected at most "
                          "10000"));
}

}  // namespace
}  // namespace farthing::tariffs
