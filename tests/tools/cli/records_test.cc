// The routes that hand out the ledger: its records to be copied, and charging data records.
#include "tests/engine/admin/api_fixture.h"

#include "engine/records/export.h"
#include "storage/record.h"
#include "tests/support/temp_folder.h"
#include "tools/cli/command_line.h"
#include "tools/cli/ledger_copy.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farthing::engine::admin {
namespace {

using testing::HasSubstr;

class RecordsRouteTest : public ApiTest {
 protected:
  std::string body_of(const std::string& target) {
    const auto answer = client().get(target);
    EXPECT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 200u) << answer->body;
    return answer->body;
  }
  std::uint64_t end() {
    return ok(get("/v1/status")).at("ledger").at("durable").to_number<std::uint64_t>();
  }
  // A session of 2 MiB, which costs 0.20.
  void play(const std::string& session, const std::string& msisdn) {
    request(RequestType::initial, 0, session, msisdn, {}, 1 << 20);
    request(RequestType::termination, 1, session, msisdn, 2 << 20, {});
  }
  int run(std::vector<std::string> words, std::string& text) {
    std::ostringstream out;
    const int code = tools::run_command_line(std::move(words), tools::Terminal{out, out}, {});
    text = out.str();
    return code;
  }
};

TEST_F(RecordsRouteTest, ledger_records_come_whole_and_in_order) {
  create_account("1001", "5");
  play("gw;1", "1001");
  std::string answer = body_of("/v1/ledger-records?from=1");
  const std::string line = fmt::format("farthing ledger records, format 1, end {}\n", end());
  ASSERT_TRUE(answer.starts_with(line)) << answer.substr(0, 80);
  std::string_view rest = std::string_view(answer).substr(line.size());
  storage::ChainReader chain({});
  while (!rest.empty()) {
    const std::size_t size = *storage::stated_record_size(rest);
    ASSERT_TRUE(chain.next(rest.substr(0, size)).has_value());
    rest.remove_prefix(size);
  }
  EXPECT_EQ(chain.end().last.value, end());
  EXPECT_EQ(body_of(fmt::format("/v1/ledger-records?from={}", end() + 1)), line);
}

TEST_F(RecordsRouteTest, a_request_for_what_is_not_there_yet_waits_for_it) {
  const std::uint64_t next = end() + 1;
  std::string answer;
  std::thread waiting(
      [&] { answer = body_of(fmt::format("/v1/ledger-records?from={}&wait_ms=10000", next)); });
  create_account("1001", "5");
  waiting.join();
  EXPECT_THAT(answer, HasSubstr("1001"));
}

TEST_F(RecordsRouteTest, bad_requests_are_refused) {
  for (const char* query : {"from=0", "from=x", "from=-1", "from=1&wait_ms=10001"}) {
    EXPECT_EQ(get(fmt::format("/v1/ledger-records?{}", query)).status, 400u) << query;
  }
  EXPECT_THAT(error_of(get(fmt::format("/v1/ledger-records?from={}", end() + 2)), 409),
              HasSubstr("the ledger ends at entry"));
  EXPECT_EQ(get("/v1/ledger-records?from=18446744073709551615").status, 409u);
  for (const char* query : {"format=xml", "from=yesterday", "until=2026-13-01"}) {
    EXPECT_EQ(get(fmt::format("/v1/charging-records?{}", query)).status, 400u) << query;
  }
}

TEST_F(RecordsRouteTest, charging_records_are_the_same_live_and_from_the_folder) {
  create_account("1001", "5");
  ok(post("/v1/accounts", R"({"id":"family","kind":"prepaid"})"));
  ok(post("/v1/subscribers", R"({"msisdn":"1002","account":"family"})"));
  ok(post("/v1/subscribers", R"({"msisdn":"1003","account":"family"})"));
  ok(post("/v1/accounts/family/topup", R"({"amount":"5"})"));
  play("gw;1", "1001");
  play("gw;2", "1002");
  play("gw;3", "1003");
  request(RequestType::initial, 0, "gw;open", "1001", {}, 1 << 20);
  for (const char* format : {"csv", "json"}) {
    const std::string live = body_of(fmt::format("/v1/charging-records?format={}", format));
    EXPECT_THAT(live, HasSubstr("gw;3"));
    EXPECT_THAT(live, HasSubstr("0.200000"));
    EXPECT_THAT(live, testing::Not(HasSubstr("gw;open")));
    std::string code;
    const std::string file = (folder_.path() / "live").string();
    EXPECT_EQ(
        run({"records", "export", "--api", socket_path(), "--format", format, "--to", file}, code),
        0);
    std::ifstream written(file, std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(written), {}), live);
    stop();
    std::string offline;
    EXPECT_EQ(
        run({"records", "export", "--format", format, "--data", (folder_.path() / "data").string()},
            offline),
        0);
    EXPECT_EQ(offline, live);
    restart();
  }
}

TEST_F(RecordsRouteTest, charging_records_are_of_what_ended_in_the_span) {
  create_account("1001", "5");
  play("gw;1", "1001");
  const std::string all = body_of("/v1/charging-records");
  EXPECT_EQ(body_of("/v1/charging-records?from=2000-01-01&until=2199-01-01"), all);
  const std::string header = records::header_line(records::Format::csv);
  EXPECT_EQ(body_of("/v1/charging-records?until=2000-01-01T00:00Z"), header);
  EXPECT_EQ(body_of("/v1/charging-records?from=2199-01-01T00:00:00"), header);
}

// --- The copy ------------------------------------------------------------------------------------

TEST_F(RecordsRouteTest, a_copy_takes_only_what_follows_it) {
  const test::TempFolder folder;
  create_account("1001", "5");
  const std::string answer = body_of("/v1/ledger-records?from=1");
  auto copy = tools::LedgerCopy::open(folder.path(), 1 << 20);
  ASSERT_TRUE(copy.has_value());
  EXPECT_THAT(tools::LedgerCopy::open(folder.path(), 1 << 20).error(), HasSubstr("locked"));
  for (std::string wrong :
       {std::string("hello"), std::string(), answer.substr(0, answer.size() - 1),
        "farthing ledger records, format 1, end x\n" + answer}) {
    EXPECT_FALSE(tools::LedgerCopy::open(folder.file("other"), 1 << 20)->take(wrong).has_value());
    std::filesystem::remove_all(folder.file("other"));
  }
  ASSERT_TRUE(copy->take(answer).has_value());
  EXPECT_EQ(copy->next().value, end() + 1);
  EXPECT_EQ(copy->ledger_end().value, end());
  EXPECT_THAT(copy->take(answer).error(), HasSubstr("does not follow the copy"));
}

TEST_F(RecordsRouteTest, the_command_copies_checks_and_names_what_is_wrong) {
  const test::TempFolder folder;
  const std::vector<std::string> follow = {"ledger",      "follow", "--api",
                                           socket_path(), "--to",   folder.file("copy")};
  const auto with = [&follow](const char* option) {
    auto words = follow;
    words.push_back(option);
    return words;
  };
  create_account("1001", "5");
  std::string text;
  EXPECT_EQ(run(with("--once"), text), 0);
  EXPECT_THAT(text, HasSubstr("lag 0"));
  create_account("1002", "5");
  EXPECT_EQ(run(with("--once"), text), 0);
  EXPECT_EQ(run(with("--check"), text), 0);
  EXPECT_THAT(text, HasSubstr(fmt::format("entries 1 to {}", end())));

  // A copy that is ahead is of another ledger, or the server's has lost records.
  stop();
  EXPECT_EQ(run(with("--once"), text), 3);
  std::filesystem::remove_all(folder_.path() / "data");
  restart();
  EXPECT_EQ(run(with("--once"), text), 1);
  EXPECT_THAT(text, HasSubstr("the ledger ends at entry"));
}

}  // namespace
}  // namespace farthing::engine::admin
