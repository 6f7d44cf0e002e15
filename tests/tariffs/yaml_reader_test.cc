#include "tariffs/yaml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>

namespace farthing::tariffs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> printed(FileErrors& errors) {
  std::vector<std::string> lines;
  for (const FileError& error : errors.take()) lines.push_back(to_string(error));
  return lines;
}

std::vector<std::string> errors_of(std::string_view text) {
  FileErrors errors("f");
  read_yaml(text, errors);
  return printed(errors);
}

TEST(YamlReader, BuildsTheTreeWithPlaces) {
  FileErrors errors("f");
  const auto root =
      read_yaml("\xef\xbb\xbf# comment\na: 1\nb:\n  - x\n  - {c: ~, d: 'q'}\n", errors);
  ASSERT_TRUE(root);
  EXPECT_TRUE(errors.empty());
  ASSERT_EQ(root->entries.size(), 2u);
  EXPECT_EQ(root->entries[0].key, "a");
  EXPECT_EQ(root->entries[0].key_position, (FilePosition{2, 1}));
  EXPECT_EQ(root->entries[0].value.text, "1");
  EXPECT_EQ(root->entries[0].value.position, (FilePosition{2, 4}));
  const YamlNode& list = root->entries[1].value;
  ASSERT_EQ(list.kind, YamlNode::Kind::sequence);
  ASSERT_EQ(list.items.size(), 2u);
  EXPECT_EQ(list.items[1].position, (FilePosition{5, 5}));
  EXPECT_EQ(list.items[1].entries[0].value.kind, YamlNode::Kind::empty);
  EXPECT_EQ(list.items[1].entries[1].value.text, "q");
}

TEST(YamlReader, RefusesEqualKeys) {
  EXPECT_THAT(errors_of("a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\n"),
              ElementsAre("f:3:1: the key \"a\" is written twice, first in line 1; "
                          "expected each key once",
                          "f:4:11: the key \"d\" is written twice, first in line 4; "
                          "expected each key once"));
}

TEST(YamlReader, RefusesAnchorsAliasesAndTags) {
  EXPECT_THAT(errors_of("a: &x [1]\nb: *x\nc: !!binary aGk=\nd: !mine {}\n"),
              ElementsAre("f:1:4: the anchor \"x\" is not allowed; "
                          "expected the value itself, wherever it is used",
                          "f:2:4: an alias is not allowed; expected the value itself",
                          "f:3:4: the tag \"tag:yaml.org,2002:binary\" is not allowed; "
                          "expected a value without a tag",
                          "f:4:4: the tag \"!mine\" is not allowed; "
                          "expected a value without a tag"));
}

TEST(YamlReader, RefusesWhatIsNotOneDocument) {
  EXPECT_THAT(errors_of(""), ElementsAre("f: the file is empty"));
  EXPECT_THAT(errors_of("# nothing\n"), ElementsAre("f: the file is empty"));
  EXPECT_THAT(errors_of("a: 1\n---\nb: 2\n"),
              ElementsAre("f:2:1: a second document begins here; expected one document a file"));
}

TEST(YamlReader, RefusesWhatIsNotText) {
  EXPECT_THAT(errors_of(std::string_view("a: 1\nb: \0\n", 10)),
              ElementsAre("f:2:4: byte 0x00 is not part of a text; "
                          "expected UTF-8 without control characters"));
  for (const char* text :
       {"a: \xff", "a: \xc0\xaf", "a: \xe0\x80\x80", "a: \xed\xa0\x80", "a: \xf4\x90\x80\x80",
        "a: \xf0\x80\x80\x80", "a: \xc3", "a: \xe2\x82", "a: \xc2\x9b", "a: \x1b[2J", "a: \x7f"}) {
    EXPECT_THAT(errors_of(text), ElementsAre(StartsWith("f:1:4: byte 0x"))) << text;
  }
  EXPECT_THAT(errors_of("a: \"\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x92\xb0\"\n"), ElementsAre());
  EXPECT_THAT(errors_of("a: \"x\\0y\"\nb: \"\\e\"\n"),
              ElementsAre("f:1:4: the text holds a control character; "
                          "expected printable characters",
                          "f:2:4: the text holds a control character; "
                          "expected printable characters"));
}

TEST(YamlReader, SyntaxErrorsHaveTheirPlace) {
  EXPECT_THAT(errors_of("a: [1, 2\n"), ElementsAre(StartsWith("f:2:1: this is not YAML: ")));
  EXPECT_THAT(errors_of("a: 1\n\tb: 2\n"), ElementsAre(StartsWith("f:2:1: this is not YAML: ")));
  EXPECT_THAT(errors_of("a: b: c\n"), ElementsAre(StartsWith("f:1:5: this is not YAML: ")));
  for (const char* text : {"a: 'open", "a: 'open\n", "a: \"open\n\n", "a: 'it''s\n", "a: \"\\\"\n",
                           "a: 'x'\nb: 'open\n"}) {
    EXPECT_THAT(errors_of(text), ElementsAre(HasSubstr("this is not YAML: "))) << text;
  }
  EXPECT_THAT(errors_of("a: 'it''s'\nb: \"\\\"\"\nc: 'x' # it's\n"), ElementsAre());
  EXPECT_THAT(errors_of("? [a, b]\n: 1\n"),
              ElementsAre("f:1:3: a list or a map as a key, or a bracket that is not closed; "
                          "expected a word"));
  EXPECT_THAT(errors_of("~: 1\n"), ElementsAre("f:1:1: a key is empty; expected a word"));
}

TEST(YamlReader, RefusesDeepNesting) {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + "1" + std::string(levels, ']');
  };
  EXPECT_THAT(errors_of(nested(64)), ElementsAre());
  EXPECT_THAT(errors_of(nested(65)),
              ElementsAre("f:1:65: nested too deeply; expected at most 64 levels"));
  std::string blocks;
  for (int i = 0; i < 100; ++i) blocks += std::string(i, ' ') + "a:\n";
  EXPECT_THAT(errors_of(blocks), ElementsAre(HasSubstr("nested too deeply")));
  EXPECT_EQ(errors_of(std::string(100'000, '[')).size(), 1u);
  EXPECT_EQ(errors_of(std::string(100'000, '{')).size(), 1u);
  std::string dashes;
  for (int i = 0; i < 100'000; ++i) dashes += "- ";
  EXPECT_THAT(errors_of(dashes), ElementsAre(HasSubstr("nested too deeply")));
}

TEST(YamlReader, RefusesTooMuch) {
  EXPECT_THAT(errors_of(std::string((16 << 20) + 1, ' ')),
              ElementsAre("f: the file has 16777217 bytes; expected at most 16 MiB"));
  std::string values = "[";
  for (int i = 0; i < 1'000'001; ++i) values += "1,\n";
  EXPECT_THAT(errors_of(values + "]"),
              ElementsAre("f:1000000:1: too many values; expected at most 1,000,000"));
}

TEST(YamlReader, TakesAHugeScalarAsItIs) {
  FileErrors errors("f");
  const std::string huge(4 << 20, 'x');
  const auto root = read_yaml("a: " + huge + "\n", errors);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->entries[0].value.text, huge);
}

TEST(YamlMap, ReportsMissingAndUnknownKeys) {
  FileErrors errors("f");
  const auto root = read_yaml("nmae: x\nsize: 3\nelse: 4\n", errors);
  ASSERT_TRUE(root);
  YamlMap map(*root, "the file", errors);
  EXPECT_EQ(map.require("name", "a name"), nullptr);
  EXPECT_EQ(map.require("size", "a size")->text, "3");
  EXPECT_EQ(map.find("colour"), nullptr);
  EXPECT_EQ(map.key_position("size"), (FilePosition{2, 1}));
  map.finish();
  EXPECT_THAT(printed(errors),
              ElementsAre("f:1:1: the key \"name\" is missing in the file; expected a name",
                          "f:1:1: unknown key \"nmae\" in the file (did you mean \"name\"?); "
                          "expected colour, name, size",
                          "f:3:1: unknown key \"else\" in the file; expected colour, name, size"));
}

TEST(YamlMap, WhatIsNoMapIsOneError) {
  FileErrors errors("f");
  const auto root = read_yaml("[1]\n", errors);
  YamlMap map(*root, "the file", errors);
  EXPECT_EQ(map.require("name", "a name"), nullptr);
  map.finish();
  EXPECT_THAT(printed(errors),
              ElementsAre("f:1:1: there is a list here; expected the keys of the file"));
}

TEST(YamlMap, WhatWasRefusedIsNotRefusedAgain) {
  FileErrors errors("f");
  const auto root = read_yaml("a: *b\n", errors);
  EXPECT_FALSE(root) << "an alias without an anchor is not YAML";
  FileErrors more("f");
  const auto other = read_yaml("a: &b 1\nc: *b\n", more);
  ASSERT_TRUE(other);
  YamlMap map(other->entries[1].value, "c", more);
  EXPECT_EQ(more.count(), 2u);
}

// Whatever the bytes are: a value or errors, never a crash.
RC_GTEST_PROP(YamlReaderProperty, AnyBytesAreReadOrRefused, (const std::string& bytes)) {
  FileErrors errors("f");
  const auto root = read_yaml(bytes, errors);
  RC_ASSERT(root.has_value() || !errors.empty());
}

RC_GTEST_PROP(YamlReaderProperty, AnyYamlLikeTextIsReadOrRefused, ()) {
  const auto parts = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
      "a", "b", ": ", "- ", "\n", "  ", "{", "}", "[", "]", ",", "&x ", "*x", "!t ", "? ", "|\n",
      ">-\n", "'", "\"", "\\", "#", "---\n", "...\n", "%YAML 1.2\n", "~", "\t", "<<", "\xc3\xa9"));
  std::string text;
  for (const std::string& part : parts) text += part;
  FileErrors errors("f");
  const auto root = read_yaml(text, errors);
  RC_ASSERT(root.has_value() || !errors.empty());
}

}  // namespace
}  // namespace farthing::tariffs
