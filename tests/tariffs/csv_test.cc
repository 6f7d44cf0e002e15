#include "tariffs/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace farthing::tariffs {
namespace {

using testing::ElementsAre;

using Rows = std::vector<std::vector<std::string>>;

struct Read {
  Rows rows;  // prefix, zone, note
  std::vector<std::string> places;
  std::vector<std::string> errors;
};

Read read(std::string_view text) {
  FileErrors errors("t.csv");
  CsvReader reader(text, {{"prefix"}, {"zone"}, {"note", false}}, errors);
  Read result;
  while (reader.next()) {
    std::vector<std::string> row;
    std::string places;
    for (std::size_t i = 0; i < 3; ++i) {
      row.emplace_back(reader.field(i));
      const FilePosition at = reader.position(i);
      places += std::to_string(at.line) + ":" + std::to_string(at.column) + " ";
    }
    result.rows.push_back(std::move(row));
    result.places.push_back(std::move(places));
  }
  for (const FileError& error : errors.take()) result.errors.push_back(to_string(error));
  return result;
}

TEST(Csv, RowsByTheNamesOfTheirColumns) {
  const Read got = read("zone,prefix\neu,49\nus,1\n");
  EXPECT_EQ(got.rows, (Rows{{"49", "eu", ""}, {"1", "us", ""}}));
  EXPECT_THAT(got.places, ElementsAre("2:4 2:1 2:1 ", "3:4 3:1 3:1 "));
  EXPECT_THAT(got.errors, ElementsAre());
}

TEST(Csv, WhatSpreadsheetsWrite) {
  const Read got =
      read("\xef\xbb\xbfprefix,note,\"zone\"\r\n\r\n49,\"a, \"\"b\"\"\",eu\r\n1,,\"\"");
  EXPECT_EQ(got.rows, (Rows{{"49", "eu", "a, \"b\""}, {"1", "", ""}}));
  EXPECT_THAT(got.places, ElementsAre("3:1 3:15 3:4 ", "4:1 4:4 4:3 "));
  EXPECT_THAT(got.errors, ElementsAre());
}

TEST(Csv, SeveralFieldsWithQuotesInThem) {
  const Read got =
      read("prefix,zone,note\n\"a\"\"\",\"\"\"\",\"\"\"long enough to be elsewhere\"\n");
  EXPECT_EQ(got.rows, (Rows{{"a\"", "\"", "\"long enough to be elsewhere"}}));
}

TEST(Csv, HeaderErrors) {
  EXPECT_THAT(read("").errors, ElementsAre("t.csv: the file is empty; expected a header line with "
                                           "the names of the columns"));
  EXPECT_THAT(read("prefix;zone\n1;eu\n").errors,
              ElementsAre("t.csv:1:7: the columns are separated by semicolons; expected commas"));
  EXPECT_THAT(
      read("prefx,zone\n1,eu\n").errors,
      ElementsAre("t.csv:1:1: unknown column \"prefx\" (did you mean \"prefix\"?); expected "
                  "prefix, zone, note",
                  "t.csv:1:1: the column \"prefix\" is missing; expected a header line with "
                  "prefix, zone, note"));
  EXPECT_THAT(read("prefix,zone,zone\n").errors,
              ElementsAre("t.csv:1:13: the column \"zone\" is there twice; expected each column "
                          "once"));
  EXPECT_THAT(read("\nprefix,zone\n").errors,
              testing::Contains("t.csv:1:1: the column \"zone\" is missing; expected a header line "
                                "with prefix, zone, note"));
}

TEST(Csv, EveryRowThatIsWrongHasItsError) {
  const Read got = read(
      "prefix,zone\n"
      "1\n"
      "2,eu,x\n"
      "3,\"eu\n"
      "4,\"eu\"x\n"
      "5,e\"u\n"
      "6,e\ru\n"
      "7,eu\n");
  EXPECT_EQ(got.rows, (Rows{{"7", "eu", ""}})) << "the others are passed over";
  EXPECT_THAT(got.errors,
              ElementsAre("t.csv:2:1: there is 1 field here; expected 2 as in the header",
                          "t.csv:3:1: there are 3 fields here; expected 2 as in the header",
                          "t.csv:4:3: the quotes that begin here do not end in this line; expected "
                          "a closing quote before the end of the line",
                          "t.csv:5:7: there is something behind the closing quote; expected a "
                          "comma or the end of the line",
                          "t.csv:6:4: a quote stands inside a field without quotes; expected the "
                          "whole field in quotes, and each quote in it doubled",
                          "t.csv:7:4: a carriage return stands inside the line; expected lines "
                          "that end in LF or CRLF"));
}

TEST(Csv, WhatIsNoText) {
  EXPECT_THAT(read("prefix,zone\n1,\xff\n").errors,
              ElementsAre("t.csv:2:3: byte 0xff is not part of a text; expected UTF-8 without "
                          "control characters"));
  EXPECT_THAT(read(std::string_view("prefix,zone\n1,\0\n", 16)).errors,
              ElementsAre("t.csv:2:3: byte 0x00 is not part of a text; expected UTF-8 without "
                          "control characters"));
  EXPECT_THAT(read(std::string((64 << 20) + 1, 'x')).errors,
              ElementsAre("t.csv: the file has 67108865 bytes; expected at most 67108864"));
}

std::string quoted(const std::string& field) {
  std::string text = "\"";
  for (char c : field) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

// What is written by RFC 4180 is read back, field for field.
RC_GTEST_PROP(CsvProperty, WhatIsWrittenIsReadBack, ()) {
  const auto field = rc::gen::container<std::string>(rc::gen::element('a', '"', ',', ' ', '1'));
  const auto rows =
      *rc::gen::container<Rows>(rc::gen::container<std::vector<std::string>>(3, field));
  std::string text = "prefix,zone,note\n";
  for (const std::vector<std::string>& row : rows) {
    text += quoted(row[0]) + "," + quoted(row[1]) + "," + quoted(row[2]);
    text += *rc::gen::element<std::string>("\n", "\r\n");
  }
  const Read got = read(text);
  RC_ASSERT(got.rows == rows);
  RC_ASSERT(got.errors.empty());
}

// Any bytes at all: every line that holds something is a row or an error.
RC_GTEST_PROP(CsvProperty, NothingIsLostInSilence, ()) {
  const auto text =
      *rc::gen::container<std::string>(rc::gen::element('a', '"', ',', '\n', '\r', ';', ' '));
  std::size_t lines = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    if (!line.empty() && line != "\r") ++lines;
    at = end + 1;
  }
  FileErrors errors("t.csv");
  const std::string whole = "a\n" + text;
  CsvReader reader(whole, {{"a"}}, errors);
  std::size_t rows = 0;
  while (reader.next()) ++rows;
  RC_ASSERT(rows + errors.count() == lines);
}

TEST(Csv, NoCutCharacterIsRead) {
  for (const std::string_view cut : {"\xc3", "\xc3(", "\xe2\x82", "\xf0\x9f\x98", "\x80"}) {
    EXPECT_EQ(read("prefix,zone\n1," + std::string(cut) + "\n").errors.size(), 1u);
  }
}

}  // namespace
}  // namespace farthing::tariffs
