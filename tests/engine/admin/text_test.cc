// Amounts read, times written, identities masked, targets taken apart, figures as text.
#include "engine/admin/amount.h"
#include "engine/admin/http.h"
#include "engine/admin/log.h"
#include "engine/admin/mask.h"
#include "engine/admin/samples.h"
#include "engine/admin/time_text.h"
#include "engine/utf8.h"

#include "tests/engine/admin/api_fixture.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace farthing::engine::admin {
namespace {

using testing::HasSubstr;

TEST(Amount, IsExactOrRefused) {
  EXPECT_EQ(*parse_amount("12.5"), Money(12'500'000));
  EXPECT_EQ(*parse_amount("-0.000001"), Money(-1));
  EXPECT_EQ(parse_amount("12.3456789").error(),
            "\"12.3456789\" has too many digits after the point: at most 6");
  EXPECT_EQ(parse_amount("9223372036854775807").error(),
            "\"9223372036854775807\" is too large an amount");
  for (const char* text : {"", "-", ".5", "5.", "+5", "1e3", "1,5", " 5", "5 ", "0x5", "1.2.3"}) {
    EXPECT_THAT(parse_amount(text).error(), HasSubstr("is no amount")) << text;
  }
}

TEST(TimeText, IsLocalWithItsOffset) {
  const Time at = Time(std::chrono::microseconds(1'767'225'600'123'456));
  EXPECT_EQ(time_text("Asia/Shanghai", at), "2026-01-01T08:00:00.123+08:00");
  EXPECT_EQ(time_text("America/New_York", at), "2025-12-31T19:00:00.123-05:00");
  EXPECT_EQ(time_text("nowhere", at), "2026-01-01T00:00:00.123+00:00");
}

TEST(Mask, KeepsTheEndsOfIdentities) {
  EXPECT_EQ(mask_identities("8613800138000"), "86138****8000");
  EXPECT_EQ(mask_identities("/v1/subscribers/+8613800138000/bar"),
            "/v1/subscribers/+86138****8000/bar");
  EXPECT_EQ(mask_identities("12345678"), "****5678");
  EXPECT_EQ(mask_identities("limit=1000 and 1234567"), "limit=1000 and 1234567");
  EXPECT_EQ(mask_identities(""), "");
}

TEST(Target, IsTakenApart) {
  HttpRequest request;
  ASSERT_TRUE(parse_target("/v1/sessions/a%2Fb%3B1?limit=5&account=x%20y&flag", request));
  EXPECT_EQ(request.path, (std::vector<std::string>{"v1", "sessions", "a/b;1"}));
  EXPECT_EQ(request.query_value("limit"), "5");
  EXPECT_EQ(request.query_value("account"), "x y");
  EXPECT_EQ(request.query_value("flag"), "");
  EXPECT_EQ(query_number(request, "limit", 1, 10), 5u);
  EXPECT_EQ(query_number(request, "absent", 1, 10), 1u);
  EXPECT_EQ(query_number(request, "limit", 1, 4), std::nullopt);
  EXPECT_EQ(query_number(request, "account", 1, 4), std::nullopt);
  HttpRequest wrong;
  EXPECT_FALSE(parse_target("v1", wrong));
  EXPECT_FALSE(parse_target("/a%4", wrong));
  EXPECT_FALSE(parse_target("/a?b=%g0", wrong));
  const std::string hostile("\0\xff/;%é", 7);
  EXPECT_EQ(decode_url(encode_url(hostile)), hostile);
}

TEST(Utf8, KeepsCharactersAndReplacesBytes) {
  EXPECT_EQ(utf8_text("pgw.example;1;\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
            "pgw.example;1;\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(utf8_text("a\xff"
                      "b"),
            "a" + bad + "b");
  EXPECT_EQ(utf8_text("\xc0\x80"), bad + bad);                      // longer than needed
  EXPECT_EQ(utf8_text("\xed\xa0\x80"), bad + bad + bad);            // a surrogate
  EXPECT_EQ(utf8_text("\xf4\x90\x80\x80"), bad + bad + bad + bad);  // beyond the last
  EXPECT_EQ(utf8_text("\xe2\x82"), bad + bad);                      // cut off
}

TEST(BodyFields, ReadsTextsOnly) {
  BodyFields fields(R"({"a":"1","b":null})");
  EXPECT_EQ(fields.required("a"), "1");
  EXPECT_EQ(fields.optional("b"), "");
  EXPECT_FALSE(fields.wrong());
  for (const char* body : {"", "[]", "{", R"({"a":1})", R"({"a":"1","c":"2"})", R"({"b":"1"})"}) {
    BodyFields wrong(body);
    wrong.required("a");
    wrong.optional("b");
    ASSERT_TRUE(wrong.wrong()) << body;
    EXPECT_EQ(wrong.wrong()->status, 400) << body;
  }
}

TEST(Samples, AreExpositionText) {
  ShardMetrics metrics;
  metrics.requests[0][2].add(7);
  for (std::uint64_t us : {1u, 15u, 16u, 100u, 5000u}) metrics.commit_us.record(us);
  Figures figures{metrics,
                  1.5,
                  42,
                  {{"farthing_x_total", "X.", true, {{"kind", "a"}}, 1},
                   {"farthing_x_total", "X.", true, {{"kind", "b"}}, 2}}};
  const std::string text = metrics_text(figures);
  EXPECT_THAT(
      text,
      HasSubstr("farthing_requests_total{type=\"initial\",result=\"credit_limit_reached\"} 7"));
  EXPECT_THAT(text, HasSubstr("farthing_commit_seconds_bucket{le=\"1.6e-05\"} 2"));
  EXPECT_THAT(text, HasSubstr("farthing_commit_seconds_bucket{le=\"3.2e-05\"} 3"));
  EXPECT_THAT(text, HasSubstr("farthing_commit_seconds_count 5"));
  EXPECT_THAT(text, HasSubstr("# TYPE farthing_x_total counter\nfarthing_x_total{kind=\"a\"} 1\n"
                              "farthing_x_total{kind=\"b\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("farthing_disk_free_bytes 42"));
}

TEST(Samples, QuantilesAreTheHistogramsOwn) {
  Histogram histogram;
  EXPECT_EQ(quantile_us(histogram, 0.5), 0u);
  histogram.record(3, 99);
  histogram.record(1000);
  EXPECT_EQ(quantile_us(histogram, 0.5), 3u);
  EXPECT_EQ(quantile_us(histogram, 0.99), 3u);
  EXPECT_GE(quantile_us(histogram, 1), 1000u);
}

TEST(Log, WritesLinesToAFile) {
  const TemporaryFolder folder;
  const std::string file = (folder.path() / "log").string();
  log(LogLevel::info, "nobody listens yet");
  ASSERT_TRUE(start_log({file, LogLevel::info}).has_value());
  log(LogLevel::info, "one\nline");
  log(LogLevel::debug, "not this one");
  stop_log();
  std::ifstream in(file);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  EXPECT_THAT(text, HasSubstr(" info one?line\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_FALSE(
      start_log({(folder.path() / "no/such/log").string() + std::string(300, 'x'), LogLevel::info})
          .has_value());
}

}  // namespace
}  // namespace farthing::engine::admin
