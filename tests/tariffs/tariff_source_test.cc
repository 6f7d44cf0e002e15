#include "tariffs/tariff_source.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace farthing::tariffs {
namespace {

TEST(TariffSource, ALoneFileIsItself) {
  EXPECT_EQ(canonical_bytes({"tariff: a\n", {}}), "tariff: a\n");
  EXPECT_EQ(parse_source("tariff: a\n")->text, "tariff: a\n");
  EXPECT_TRUE(parse_source("")->text.empty());
}

TEST(TariffSource, TheOrderOfTheTablesDoesNotMatter) {
  const TariffSource one{"t", {{"b.csv", "2"}, {"a.csv", "1"}}};
  const TariffSource other{"t", {{"a.csv", "1"}, {"b.csv", "2"}}};
  EXPECT_EQ(canonical_bytes(one), canonical_bytes(other));
  EXPECT_EQ(*parse_source(canonical_bytes(one)), other);
}

// The bytes stand in ledgers: they never change.
TEST(TariffSource, Format1) {
  const std::string expected = std::string("\x01") + "farthing tariff, format 1\n" + "\x02t\n" +
                               "\x01" + "\x05z.csv" +
                               "\x03"
                               "abc";
  EXPECT_EQ(canonical_bytes({"t\n", {{"z.csv", "abc"}}}), expected);
}

TEST(TariffSource, RefusesWhatIsNotCanonical) {
  const std::string good = canonical_bytes({"t", {{"a.csv", "1"}, {"b.csv", "2"}}});
  for (std::size_t size = 1; size < good.size(); ++size) {
    EXPECT_FALSE(parse_source(std::string_view(good).substr(0, size))) << size;
  }
  EXPECT_FALSE(parse_source(good + "x"));
  std::string twice = good;
  twice[twice.find("b.csv")] = 'a';
  EXPECT_EQ(parse_source(twice).error().message,
            "a tariff with tables whose bytes are cut off or changed; load it again");
  std::string later = good;
  later[later.find("format 1") + 7] = '2';
  EXPECT_EQ(parse_source(later).error().message,
            "a tariff in a format that is not known here; expected format 1 or YAML");
  const std::string no_tables = std::string("\x01") + "farthing tariff, format 1\n\x01t" + '\0';
  EXPECT_FALSE(parse_source(no_tables)) << "its canonical form is the lone file";
}

RC_GTEST_PROP(TariffSourceProperty, IsReadBack, ()) {
  TariffSource source;
  source.text = *rc::gen::container<std::string>(rc::gen::inRange('\n', 'z'));
  for (auto& [name, text] : *rc::gen::arbitrary<std::map<std::string, std::string>>()) {
    source.tables.push_back({name, text});
  }
  RC_ASSERT(*parse_source(canonical_bytes(source)) == source);
}

}  // namespace
}  // namespace farthing::tariffs
