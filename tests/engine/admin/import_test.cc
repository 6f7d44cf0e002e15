// The import: what is wrong with a file in itself, against the accounts there are, and running it
// again.
#include "engine/admin/import.h"

#include "tests/engine/admin/api_fixture.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

namespace farthing::engine::admin {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

const std::string header = "msisdn,imsi,account,kind,balance,credit_limit\n";

// The one error of a file with these rows, as "line: message".
std::string error_of_rows(const std::string& rows) {
  const std::string text = header + rows;
  const ImportFile file(text);
  if (file.errors().count != 1) return fmt::format("{} errors", file.errors().count);
  return fmt::format("{}: {}", file.errors().first[0].line, file.errors().first[0].message);
}

TEST(ImportFile, TakesWhatPeopleWrite) {
  const std::string text = "\xef\xbb\xbf" + header.substr(0, header.size() - 1) +
                           "\r\n"
                           "+1001,,,,,\r\n"
                           "\r\n"
                           "1002,460001234567890,family,hybrid,12.5,50\r\n"
                           "1003,,family,,,";
  ImportFile file(text);
  ASSERT_EQ(file.errors().count, 0u) << file.errors().first[0].message;
  EXPECT_EQ(file.rows(), 3u);
  std::vector<ImportLine> lines;
  ASSERT_TRUE(file.next(10, lines));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].row.account, "1001");
  EXPECT_EQ(lines[0].row.kind, AccountKind::prepaid);
  EXPECT_EQ(lines[0].number, 2u);
  EXPECT_EQ(lines[1].number, 4u);
  EXPECT_EQ(lines[1].row.imsi.digits(), "460001234567890");
  EXPECT_EQ(lines[1].row.balance, Money(12'500'000));
  EXPECT_EQ(lines[1].row.credit_limit, Money(50'000'000));
  EXPECT_TRUE(lines[1].first_of_account);
  EXPECT_FALSE(lines[2].first_of_account);
  EXPECT_FALSE(file.next(10, lines));
  file.rewind();
  EXPECT_TRUE(file.next(2, lines));
  EXPECT_EQ(lines.size(), 2u);
}

TEST(ImportFile, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(error_of_rows("1001,,,,\n"), HasSubstr("2: it has not the 6 fields"));
  EXPECT_THAT(error_of_rows("1001,,,,,,\n"), HasSubstr("2: it has not the 6 fields"));
  EXPECT_EQ(error_of_rows("12a,,,,,\n"), "2: msisdn: \"12a\" is not up to 15 digits");
  EXPECT_EQ(error_of_rows("1,x,,,,\n"), "2: imsi: \"x\" is not up to 15 digits");
  EXPECT_THAT(error_of_rows("1,,a b,,,\n"), HasSubstr("2: account: \"a b\""));
  EXPECT_THAT(error_of_rows("1,,,free,,\n"), HasSubstr("2: kind: \"free\""));
  EXPECT_THAT(error_of_rows("1,,,,1.2345678,\n"), HasSubstr("balance: \"1.2345678\" has too many"));
  EXPECT_THAT(error_of_rows("1,,,,-1,\n"), HasSubstr("balance: -1.000000 is not between 0"));
  EXPECT_THAT(error_of_rows("1,,,,,5\n"), HasSubstr("a prepaid account has no credit limit"));
  EXPECT_EQ(error_of_rows("1,,,,,\n2,,,,,\n1,,,,,\n"), "4: msisdn 1 stands in line 2 already");
  EXPECT_EQ(error_of_rows("1,7,,,,\n2,7,,,,\n"), "3: imsi 7 stands in line 2 already");
  EXPECT_THAT(error_of_rows("1,,a,,5,\n2,,a,,5,\n"), HasSubstr("3: account a begins in line 2"));
  for (const std::string& text : {std::string(), std::string("msisdn,imsi\n1,2\n")}) {
    const ImportFile file(text);
    ASSERT_EQ(file.errors().count, 1u);
    EXPECT_THAT(file.errors().first[0].message, HasSubstr("the header msisdn,imsi"));
  }
}

TEST(ImportFile, FurtherColumnsSayWhatSubscribersAre) {
  const std::string text = header.substr(0, header.size() - 1) +
                           ",attr.segment,attr.region\n"
                           "1001,,,,,,gold,\n"
                           "1002,,,,,,,Norden \xc3\xa4\n";
  ImportFile file(text);
  ASSERT_EQ(file.errors().count, 0u) << file.errors().first[0].message;
  std::vector<ImportLine> lines;
  ASSERT_TRUE(file.next(10, lines));
  EXPECT_EQ(lines[0].row.attributes, (tariffs::SubscriberAttributes{{"segment", "gold"}}));
  EXPECT_EQ(lines[1].row.attributes,
            (tariffs::SubscriberAttributes{{"region", "Norden \xc3\xa4"}}));
  const auto error_of = [](const std::string& columns, const std::string& row) {
    const std::string spoilt = header.substr(0, header.size() - 1) + columns + "\n" + row;
    const ImportFile bad(spoilt);
    return bad.errors().count == 0 ? "" : bad.errors().first[0].message;
  };
  EXPECT_THAT(error_of(",segment", ""), HasSubstr("the column \"segment\" is none"));
  EXPECT_THAT(error_of(",attr.Segment", ""), HasSubstr("the column \"attr.Segment\" is none"));
  EXPECT_THAT(error_of(",", ""), HasSubstr("the column \"\" is none"));
  EXPECT_THAT(error_of(",attr.a,attr.a", ""), HasSubstr("the column attr.a is there twice"));
  EXPECT_THAT(error_of("segment", ""), HasSubstr("the first line is not the header"));
  std::string many;
  for (char c = 'a'; c <= 'q'; ++c) many += std::string(",attr.") + c;
  EXPECT_THAT(error_of(many, ""), HasSubstr("at most 16 attributes"));
  const std::string further = header.substr(0, header.size() - 1) + many + ",none,neither";
  EXPECT_EQ(ImportFile(further).errors().count, 1u) << "columns behind those are not looked at";
  EXPECT_THAT(error_of(",attr.a", "1,,,,,\n"), HasSubstr("it has not the 7 fields"));
  EXPECT_THAT(error_of(",attr.a", "1,,,,,,\x01\n"), HasSubstr("the value of a cannot be kept"));
}

TEST(ImportFile, AttributesAlone) {
  const std::string text = "msisdn,attr.family,attr.company\n+1001,smith,\n1002,,acme\n";
  ImportFile file(text, ImportKind::attributes);
  ASSERT_EQ(file.errors().count, 0u) << file.errors().first[0].message;
  std::vector<ImportLine> lines;
  ASSERT_TRUE(file.next(10, lines));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].row.msisdn.digits(), "1001");
  EXPECT_EQ(lines[0].row.attributes, (tariffs::SubscriberAttributes{{"family", "smith"}}));
  EXPECT_EQ(lines[1].row.attributes, (tariffs::SubscriberAttributes{{"company", "acme"}}));
  const auto error_of = [](const std::string& spoilt) {
    const ImportFile bad(spoilt, ImportKind::attributes);
    return bad.errors().count == 0 ? "" : bad.errors().first[0].message;
  };
  EXPECT_THAT(error_of("msisdn\n1001\n"), HasSubstr("the header msisdn and columns attr.NAME"));
  EXPECT_THAT(error_of("msisdn,family\n"), HasSubstr("the column \"family\" is none"));
  EXPECT_THAT(error_of("msisdn,attr.a\n1001\n"), HasSubstr("it has not the 2 fields"));
  EXPECT_THAT(error_of("msisdn,attr.a\nx,b\n"), HasSubstr("is not up to 15 digits"));
  EXPECT_THAT(error_of("msisdn,attr.a\n1,b\n1,c\n"), HasSubstr("stands in line 2 already"));
}

TEST(ImportFile, CountsMoreErrorsThanItShows) {
  std::string rows;
  for (int i = 0; i < 50; ++i) rows += "x,,,,,\n";
  const std::string text = header + rows;
  const ImportFile file(text);
  EXPECT_EQ(file.errors().count, 50u);
  EXPECT_EQ(file.errors().first.size(), ImportErrors::shown_max);
}

TEST(ImportFile, AnAccountHasLimitedSubscribers) {
  std::string rows;
  for (int i = 0; i < 10'001; ++i) rows += fmt::format("{},,a,,,\n", 1000 + i);
  EXPECT_THAT(error_of_rows(rows), HasSubstr("10002: account a has more than 10000"));
}

// Whatever is in a file: either it has errors, or every row can be read again.
RC_GTEST_PROP(ImportFileProperty, BelievesNothing, ()) {
  const auto piece = rc::gen::elementOf(std::vector<std::string>{",", ",,,,,", "\n", "\r", "1001",
                                                                 "+1", "-1", "prepaid", "hybrid",
                                                                 "5.5", "a", "\"", "\xff", " "});
  std::string text = header;
  for (const std::string& part : *rc::gen::container<std::vector<std::string>>(piece)) text += part;
  ImportFile file(text);
  if (file.errors().count > 0) return;
  std::vector<ImportLine> lines;
  std::uint64_t rows = 0;
  while (file.next(3, lines)) rows += lines.size();
  RC_ASSERT(rows == file.rows());
}

class ImportTest : public ApiTest {
 protected:
  json::value import_attributes(const std::string& rows) {
    return ok(post("/v1/subscribers/import-attributes", "msisdn,attr.family\n" + rows));
  }
  json::value import_rows(const std::string& rows) {
    return ok(post("/v1/subscribers/import", header + rows));
  }
  std::int64_t count(const json::value& reply, const char* name) {
    return reply.at(name).as_int64();
  }
};

TEST_F(ImportTest, RunningItAgainChangesNothing) {
  std::string rows;
  for (int i = 0; i < 1500; ++i) rows += fmt::format("86199{:08},,,,{}.5,\n", i, i);
  EXPECT_EQ(count(import_rows(rows), "accounts_created"), 1500);
  const std::uint64_t before =
      ok(get("/v1/status")).at("ledger").at("sequence").to_number<std::uint64_t>();
  const json::value again = import_rows(rows);
  EXPECT_EQ(count(again, "unchanged"), 1500);
  EXPECT_EQ(count(again, "subscribers_added"), 0);
  EXPECT_EQ(ok(get("/v1/status")).at("ledger").at("sequence").to_number<std::uint64_t>(), before);
  restart();
  EXPECT_EQ(count(import_rows(rows), "unchanged"), 1500);
  EXPECT_EQ(balance_of("8619900001499"), "1499.500000");
}

TEST_F(ImportTest, AttributesInBulkAndAgain) {
  import_rows("1001,,,,,\n1002,,,,,\n1003,,,,,\n");
  EXPECT_EQ(count(import_attributes("1001,smith\n1002,smith\n"), "changed"), 2);
  const json::value again = import_attributes("1001,smith\n1002,jones\n1003,\n");
  EXPECT_EQ(count(again, "changed"), 1);
  EXPECT_EQ(count(again, "unchanged"), 2);
  const json::value one = ok(get("/v1/subscribers/1002"));
  EXPECT_EQ(one.at("attributes").at("family").as_string(), "jones");
  const JsonAnswer refused =
      post("/v1/subscribers/import-attributes", "msisdn,attr.family\n1001,x\n1009,x\n");
  EXPECT_EQ(refused.status, 422u);
  EXPECT_EQ(refused.body.at("error").at("errors").at(0).at("line").as_int64(), 3);
  EXPECT_EQ(ok(get("/v1/subscribers/1001")).at("attributes").at("family").as_string(), "smith");
}

TEST_F(ImportTest, CompletesWhatAnEarlierRunBegan) {
  const std::string first = "1001,,,,5,\n1002,,family,hybrid,5,20\n";
  EXPECT_EQ(count(import_rows(first), "subscribers_added"), 2);
  const json::value whole = import_rows(first + "1003,,family,,,\n1004,,,,1,\n");
  EXPECT_EQ(count(whole, "unchanged"), 2);
  EXPECT_EQ(count(whole, "subscribers_added"), 2);
  EXPECT_EQ(count(whole, "accounts_created"), 1);
  EXPECT_EQ(balance_of("family"), "5.000000");
}

TEST_F(ImportTest, NothingIsWrittenWhereOneRowContradicts) {
  import_rows("1001,460001,,,5,\n1002,,family,hybrid,5,20\n");
  const auto refused = [&](const std::string& row) {
    const JsonAnswer answer = post("/v1/subscribers/import", header + "2001,,,,,\n" + row);
    EXPECT_EQ(answer.status, 422u);
    const json::value& error = answer.body.at("error");
    EXPECT_EQ(error.at("count").as_int64(), 1);
    EXPECT_EQ(error.at("errors").at(0).at("line").as_int64(), 3);
    return std::string(error.at("errors").at(0).at("message").as_string());
  };
  EXPECT_THAT(refused("1001,,other,,,\n"),
              HasSubstr("1001 is a subscriber of account 1001 already"));
  EXPECT_THAT(refused("1005,460001,,,,\n"), HasSubstr("460001 is a subscriber of account 1001"));
  EXPECT_THAT(refused("1001,460002,,,,\n"), HasSubstr("with another IMSI"));
  EXPECT_THAT(refused("1002,,family,prepaid,5,\n"), HasSubstr("is hybrid, not prepaid"));
  EXPECT_THAT(refused("1002,,family,hybrid,5,21\n"), HasSubstr("credit limit of 20.000000"));
  EXPECT_THAT(refused("1006,,family,hybrid,7,20\n"), HasSubstr("leave its balance empty"));
  EXPECT_EQ(get("/v1/subscribers/2001").status, 404u);
}

TEST_F(ImportTest, TellsHowFarItGot) {
  std::string text = header;
  for (int i = 0; i < 25'000; ++i) text += fmt::format("86199{:08},,,,,\n", i);
  std::string streamed;
  const auto answer =
      client().send("POST", "/v1/subscribers/import?progress=1", text, [&](std::string_view piece) {
        streamed += piece;
        return true;
      });
  ASSERT_TRUE(answer.has_value());
  EXPECT_THAT(streamed, HasSubstr(R"({"phase":"checking","rows":10000,"of":25000})"));
  EXPECT_THAT(streamed, HasSubstr(R"({"phase":"writing","rows":20000,"of":25000})"));
  EXPECT_THAT(streamed, HasSubstr(R"({"status":200,"reply":{"rows":25000,)"));
}

}  // namespace
}  // namespace farthing::engine::admin
