// A server that archives what is a second old: everything goes on, statements reach into the
// archive, and the ledger is proved live, stopped, restarted, and from its first entry.
#include "tests/system/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
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
  static std::string all_of(const fs::path& folder) {
    std::string text;
    for (const auto& file : fs::directory_iterator(folder)) {
      std::ifstream in(file.path());
      text.append(std::istreambuf_iterator<char>(in), {});
    }
    return text;
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

// What was never read before is read from its first entry on, wherever that is by now.
TEST_F(RetentionSystemTest, those_who_read_the_ledger_for_the_first_time_read_the_archive) {
  ASSERT_EQ(server_->farthing({"account", "create", user, "--kind", "prepaid"}).code, 0);
  ASSERT_EQ(server_->farthing({"subscriber", "add", user, "--account", user}).code, 0);
  top_up();
  const Exit played =
      run({program("farthing-play"), "--connect", server_->endpoint(), "message", "--user", user},
          folder_);
  ASSERT_EQ(played.code, 0) << played.err;
  wait_for_cut(8);
  const auto follow = [this](const std::string& folder, const std::string& option) {
    return server_->farthing({"ledger", "follow", "--to", folder_.file(folder), option});
  };
  const Exit followed = follow("copy", "--once");
  EXPECT_EQ(followed.code, 0) << followed.err;
  EXPECT_EQ(followed.err, "");
  EXPECT_THAT(follow("copy", "--check").out, HasSubstr("in order: entries 1 to"));
  const Exit live = server_->farthing({"records", "export"});
  EXPECT_EQ(live.code, 0) << live.err;
  EXPECT_THAT(live.out, HasSubstr("event_debited"));

  EXPECT_EQ(server_->stop().code, 0);
  const std::string records = folder_.file("records");
  fs::rename(records, folder_.file("records before"));
  start();
  while (server_->farthing({"metrics"}).out.find("farthing_records_lag_entries 0\n") ==
         std::string::npos) {
  }
  EXPECT_EQ(server_->stop().code, 0);
  EXPECT_THAT(all_of(records), HasSubstr("event_debited"));
  const Exit stopped = server_->farthing({"records", "export", "--data", folder_.file("data")});
  EXPECT_EQ(stopped.code, 0) << stopped.err;
  EXPECT_EQ(stopped.out, live.out);

  const fs::path elsewhere = folder_.path() / "elsewhere";
  fs::rename(archive(), elsewhere);
  const Exit without = server_->farthing({"records", "export", "--data", folder_.file("data")});
  EXPECT_EQ(without.code, 0);
  EXPECT_THAT(without.err, HasSubstr("are missing"));
  EXPECT_EQ(without.out.find("event_debited"), std::string::npos);
  const Exit named = server_->farthing(
      {"records", "export", "--data", folder_.file("data"), "--archive", elsewhere.string()});
  EXPECT_EQ(named.err, "");
  EXPECT_EQ(named.out, live.out);

  start();
  const Exit warned = server_->farthing({"records", "export"});
  EXPECT_EQ(warned.code, 0);
  EXPECT_THAT(warned.err, HasSubstr("are missing"));
  const Exit later = follow("later copy", "--once");
  EXPECT_EQ(later.code, 0) << later.err;
  EXPECT_THAT(later.err, HasSubstr("are missing"));
  EXPECT_EQ(follow("later copy", "--once").err, "");
  EXPECT_EQ(follow("later copy", "--check").code, 0);
}

}  // namespace
}  // namespace farthing::test
