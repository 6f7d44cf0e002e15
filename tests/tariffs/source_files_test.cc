#include "tariffs/source_files.h"

#include "tests/support/temp_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace farthing::tariffs {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SourceFiles : public testing::Test {
 protected:
  TariffSource read(std::string text) {
    auto source = with_tables(folder_.path() / "t.yaml", std::move(text));
    EXPECT_TRUE(source.has_value());
    return std::move(*source);
  }

  test::TempFolder folder_;
};

TEST_F(SourceFiles, TablesAreThoseBesideTheFileThatItNames) {
  folder_.write("zones.csv", "prefix,zone\n49,eu\n");
  folder_.write("other.csv", "not named");
  const std::string text = "tables: {zones: zones.csv, holidays: none.csv, twice: zones.csv}\n";
  const TariffSource source = read(text);
  EXPECT_EQ(source.text, text);
  EXPECT_THAT(source.tables, ElementsAre(SourceTable{"zones.csv", "prefix,zone\n49,eu\n"}));
  folder_.write("empty.csv", "");
  EXPECT_THAT(read("tables: {zones: empty.csv}").tables, ElementsAre(SourceTable{"empty.csv", ""}));
}

TEST_F(SourceFiles, NothingOutsideOfTheFolderIsRead) {
  fs::create_directory(folder_.path() / "inner");
  folder_.write("zones.csv", "secret");
  for (const char* name : {"../zones.csv", "./zones.csv", "/etc/passwd", "..", "inner/../zones.csv",
                           "'inner/zones.csv'"}) {
    const auto source = with_tables(folder_.path() / "inner" / "t.yaml",
                                    "tables: {zones: " + std::string(name) + "}");
    ASSERT_TRUE(source.has_value()) << name;
    EXPECT_THAT(source->tables, IsEmpty()) << name;
  }
}

TEST_F(SourceFiles, WhatIsNoFileIsRefused) {
  fs::create_directory(folder_.path() / "zones.csv");
  const auto source = with_tables(folder_.path() / "t.yaml", "tables: {zones: zones.csv}");
  ASSERT_FALSE(source.has_value());
  EXPECT_THAT(source.error().message, HasSubstr("t.yaml: the table \"zones.csv\" is no file"));
}

TEST_F(SourceFiles, AFileThatIsNoYamlNamesNoTables) {
  EXPECT_THAT(read("tables: {zones: [").tables, IsEmpty());
  EXPECT_THAT(read("").tables, IsEmpty());
}

TEST_F(SourceFiles, WhatIsWrittenIsReadAgain) {
  const TariffSource source{"tables: {zones: zones.csv}\n", {{"zones.csv", "prefix,zone\n"}}};
  const std::string folder = folder_.path() / "new";
  ASSERT_TRUE(write_source(folder, source).has_value());
  EXPECT_EQ(*with_tables(folder + "/tariff.yaml", source.text), source);
  const auto again = write_source(folder, source);
  ASSERT_FALSE(again.has_value());
  EXPECT_THAT(again.error().message, HasSubstr("it exists"));
}

TEST_F(SourceFiles, NothingIsWrittenOutsideOfTheFolder) {
  for (const char* name : {"../out.csv", "/out.csv", "..", "", "tariff.yaml"}) {
    const std::string folder = folder_.path() / ("new" + std::to_string(std::string(name).size()));
    EXPECT_FALSE(write_source(folder, {"x", {{name, "secret"}}}).has_value()) << name;
  }
  EXPECT_FALSE(fs::exists(folder_.path() / "out.csv"));
}

}  // namespace
}  // namespace farthing::tariffs
