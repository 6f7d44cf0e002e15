// Backups by the commands that people use: taken under load, checked, restored into a new folder
// and served from there. Load runs in real time.
#include "tests/system/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace farthing::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using testing::HasSubstr;

constexpr const char* quiet = "quiet";  // an account that the load does not touch

class BackupTest : public ::testing::Test {
 protected:
  BackupTest() {
    EXPECT_EQ(server_.farthing({"account", "create", quiet, "--kind", "prepaid"}).code, 0);
    EXPECT_EQ(server_.farthing({"balance", "topup", quiet, "12.34", "--reason", "test"}).code, 0);
  }

  std::unique_ptr<Process> start_load() {
    auto load = std::make_unique<Process>(
        std::vector<std::string>{program("farthing-load"), "--connect", server_.endpoint(), "--api",
                                 server_.api(), "--subscribers", "200", "--sessions", "400",
                                 "--in-flight", "100", "--updates-per-session", "3", "--seconds",
                                 "3"},
        folder_);
    while (entries() < 1000) {
    }
    return load;
  }
  std::uint64_t entries() {
    const json::value status = json::parse(server_.farthing({"status", "--json"}).out);
    return status.at("ledger").at("durable").to_number<std::uint64_t>();
  }
  // Gives the last entry that the backup has.
  std::uint64_t create(const std::string& backup) {
    const Exit created = server_.farthing({"backup", "create", backup, "--json"});
    EXPECT_EQ(created.code, 0) << created.err;
    return json::parse(created.out).at("entries").to_number<std::uint64_t>();
  }
  Exit verify(const std::string& backup) { return server_.farthing({"backup", "verify", backup}); }
  Farthingd restored(const std::string& backup, const std::string& data) {
    return Farthingd({"--demo", "--restore", backup, "--data", data, "--port", "0"}, folder_);
  }

  TempFolder folder_;
  Farthingd server_ = Farthingd::demo(folder_);
};

TEST_F(BackupTest, of_a_server_under_load_is_checked_restored_and_served) {
  const std::string busy = folder_.file("busy backup");
  const std::string idle = folder_.file("idle backup");
  const auto load = start_load();
  const std::uint64_t before = entries();
  EXPECT_GE(create(busy), before);
  const Exit loaded = load->wait();
  EXPECT_EQ(loaded.code, 0) << loaded.out << loaded.err;
  const std::string balances = server_.farthing({"balance", "list", "--csv"}).out;
  EXPECT_THAT(balances, HasSubstr("12.34"));
  create(idle);
  for (const std::string& backup : {busy, idle}) {
    const Exit verified = verify(backup);
    EXPECT_EQ(verified.code, 0) << verified.err;
  }
  server_.kill();  // and its folder is lost
  fs::remove_all(server_.data());
  {
    Farthingd again = restored(idle, folder_.file("new"));
    EXPECT_EQ(again.farthing({"balance", "list", "--csv"}).out, balances);
    EXPECT_EQ(again.farthing({"ledger", "verify"}).code, 0);
    EXPECT_EQ(again.farthing({"balance", "topup", quiet, "1", "--reason", "test"}).code, 0);
    EXPECT_EQ(again.stop().code, 0);
  }
  // The backup is as it was, and can be restored again.
  EXPECT_EQ(verify(idle).code, 0);
  Farthingd again = restored(busy, folder_.file("newer"));
  EXPECT_EQ(again.balance(quiet), "12.340000");
  const Exit proved = again.farthing({"ledger", "verify"});
  EXPECT_EQ(proved.code, 0) << proved.err;
}

TEST_F(BackupTest, what_cannot_be_done_is_refused_and_named) {
  const std::string backup = folder_.file("backup");
  create(backup);
  const Exit again = server_.farthing({"backup", "create", backup});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("it is not empty"));

  const auto refused = [this](const std::string& from, const std::string& data) {
    Process process(
        {program("farthingd"), "--demo", "--restore", from, "--data", data, "--port", "0"},
        folder_);
    const Exit exit = process.wait();
    EXPECT_EQ(exit.code, 1);
    return exit.err;
  };
  const std::string mine = folder_.file("mine");
  fs::create_directory(mine);
  std::ofstream(mine + "/thesis.txt") << "two years of work";
  EXPECT_THAT(refused(backup, mine), HasSubstr(mine));
  EXPECT_THAT(refused(mine, folder_.file("new")), HasSubstr(mine));
  EXPECT_FALSE(fs::exists(folder_.file("new") + "/format"));
  EXPECT_EQ(fs::file_size(mine + "/thesis.txt"), 17u);

  // A newcomer's folder is not served from either.
  Process served({program("farthingd"), "--demo", "--data", mine, "--port", "0"}, folder_);
  const Exit exit = served.wait();
  EXPECT_EQ(exit.code, 1);
  EXPECT_THAT(exit.err, HasSubstr("is not a data folder of Farthing, and it is not empty"));
  EXPECT_THAT(exit.err, HasSubstr("thesis.txt"));

  bool damaged = false;
  for (const auto& file : fs::directory_iterator(fs::path(backup) / "ledger")) {
    if (file.path().extension() != ".log" || file.file_size() < 200) continue;
    std::fstream bytes(file.path(), std::ios::binary | std::ios::in | std::ios::out);
    bytes.seekp(100);
    bytes.put('\xff');
    damaged = true;
  }
  ASSERT_TRUE(damaged);
  const Exit verified = verify(backup);
  EXPECT_EQ(verified.code, 1);
  EXPECT_THAT(verified.err + verified.out, HasSubstr(backup));
}

}  // namespace
}  // namespace farthing::test
