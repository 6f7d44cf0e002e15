// A server that archives what is a second old: everything goes on, statements reach into the
// archive, and the ledger is proved live, stopped, restarted, and from its first entry.
#include "tests/system/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <optional>
#include <string>

namespace farthing::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using testing::HasSubstr;

constexpr const char* user = "8613800138000";

class RetentionSystemTest : public ::testing::Test {
 protected:
  RetentionSystemTest() { start(); }

  void start() {
    const std::string config = folder_.write(
        "farthing.yaml", "data: " + folder_.file("data") +
                             "\ntariff: " FARTHING_DEMO_TARIFF
                             "\norigin_host: ocs.farthing.example\norigin_realm: farthing.example\n"
                             "storage: {checkpoint_interval: 1 s}\n"
                             "records: {folder: " +
                             folder_.file("records") +
                             "}\nretention: {after: 1 s, archive: " + archive().string() + "}\n");
    server_.emplace(std::vector<std::string>{"--config", config, "--port", "0"}, folder_);
  }
  fs::path archive() const { return folder_.path() / "archive"; }

  void top_up() {
    const Exit exit = server_->farthing({"balance", "topup", user, "1.00", "--reason", "test"});
    ASSERT_EQ(exit.code, 0) << exit.err;
  }
  std::uint64_t begin() {
    const std::string text = server_->farthing({"metrics"}).out;
    const std::string name = "\nfarthing_ledger_begin ";
    const std::size_t at = text.find(name);
    return at == std::string::npos ? 0 : std::stoull(text.substr(at + name.size()));
  }
  void wait_for_cut(std::uint64_t before) {
    while (begin() <= before) top_up();
  }
  std::size_t rows() {
    const Exit shown = server_->farthing({"ledger", "show", user, "--limit", "10000", "--json"});
    EXPECT_EQ(shown.code, 0) << shown.err;
    const json::value answer = json::parse(shown.out);
    EXPECT_TRUE(answer.at("missing").is_null()) << shown.out;
    return answer.at("rows").as_array().size();
  }
  void expect_in_order(std::vector<std::string> options) {
    std::vector<std::string> arguments = {"ledger", "verify"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Exit verified = server_->farthing(arguments);
    EXPECT_EQ(verified.code, 0) << verified.err;
  }

  TempFolder folder_;
  std::optional<Farthingd> server_;
};

TEST_F(RetentionSystemTest, what_is_archived_is_shown_and_proved) {
  ASSERT_EQ(server_->farthing({"account", "create", user, "--kind", "prepaid"}).code, 0);
  for (int i = 0; i < 5; ++i) top_up();
  const std::size_t rows_before = rows();
  wait_for_cut(8);
  EXPECT_TRUE(fs::exists(archive() / "00000000000000000001.ledger"));
  EXPECT_GT(rows(), rows_before);
  expect_in_order({});
  expect_in_order({"--archive", archive().string()});

  EXPECT_EQ(server_->stop().code, 0);
  expect_in_order({"--data", folder_.file("data")});
  expect_in_order({"--data", folder_.file("data"), "--archive", archive().string()});
  const fs::path elsewhere = folder_.path() / "elsewhere";
  fs::rename(archive(), elsewhere);
  const Exit refused = server_->farthing({"ledger", "verify", "--data", folder_.file("data")});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr(archive().string() + "/opening-"));
  fs::rename(elsewhere, archive());

  start();
  expect_in_order({});
  wait_for_cut(begin());
  server_->kill();
  start();
  wait_for_cut(begin());
  expect_in_order({});
  expect_in_order({"--archive", archive().string()});
  EXPECT_GT(rows(), rows_before);
}

}  // namespace
}  // namespace farthing::test
