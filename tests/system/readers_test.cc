// What reads the ledger beside the server, with the plug pulled again and again: the exporter
// writes each record exactly once, and a follower's copy is the ledger. Load and crashes happen in
// real time, at moments that differ from run to run.
#include "tests/system/process.h"

#include "storage/rocksdb_store.h"
#include "storage/segment.h"
#include "tariffs/money.h"
#include "tests/support/ledger_sums.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <optional>
#include <random>
#include <thread>

namespace farthing::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

class ReadersTest : public ::testing::Test {
 protected:
  ReadersTest() {
    RecordProperty("seed", std::to_string(seed_));
    start();
    port_ = server_->port();
  }

  // With records, on the port that it had.
  void start() {
    const std::string config = folder_.write(
        "farthing.yaml", "data: " + folder_.file("data") +
                             "\ntariff: " FARTHING_DEMO_TARIFF
                             "\norigin_host: ocs.farthing.example\norigin_realm: farthing.example\n"
                             "records: {folder: " +
                             records().string() +
                             ", format: json, rotate_bytes: 64 KiB, rotate_after: 2 s}\n"
                             "log: {level: error}\n");
    server_.emplace(std::vector<std::string>{"--config", config, "--port", std::to_string(port_)},
                    folder_);
  }
  fs::path records() const { return folder_.path() / "records"; }

  std::unique_ptr<Process> start_load() {
    auto load = std::make_unique<Process>(
        std::vector<std::string>{program("farthing-load"), "--connect", server_->endpoint(),
                                 "--api", server_->api(), "--subscribers", "300", "--sessions",
                                 "600", "--in-flight", "200", "--updates-per-session", "3",
                                 "--timeout-ms", "3000", "--drain-ms", "60000", "--seconds", "4"},
        folder_);
    while (position_of_server() < 1000) {
    }
    return load;
  }
  static void expect_done(Process& load) {
    const Exit exit = load.wait(std::chrono::seconds(180));
    EXPECT_EQ(exit.code, 0) << exit.out << exit.err;
  }
  std::uint64_t position_of_server() {
    const json::value status = json::parse(server_->farthing({"status", "--json"}).out);
    return status.at("ledger").at("durable").to_number<std::uint64_t>();
  }
  // A line of the server's figures.
  std::string figure(const std::string& name) {
    const std::string text = "\n" + server_->farthing({"metrics"}).out;
    const std::size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return "";
    const std::size_t begin = at + name.size() + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
  }
  void wait_some_ms(unsigned most) {
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % most));
  }
  std::unique_ptr<storage::LedgerStore> open_ledger() {
    auto store = storage::open_rocksdb_store(
        {.folder = folder_.path() / "data", .create_if_missing = false, .read_only = true});
    EXPECT_TRUE(store.has_value()) << store.error().message;
    return std::move(*store);
  }

  TempFolder folder_;
  std::uint16_t port_ = 0;
  std::optional<Farthingd> server_;

 private:
  unsigned seed_ = std::random_device()();
  std::mt19937 random_{seed_};
};

TEST_F(ReadersTest, each_record_is_written_once_whatever_kills_the_server) {
  const auto load = start_load();
  for (int cycle = 0; cycle < 4; ++cycle) {
    wait_some_ms(900);
    server_->kill();
    start();
  }
  expect_done(*load);
  EXPECT_EQ(server_->stop().code, 0);
  start();
  while (figure("farthing_records_lag_entries") != "0") {
  }
  EXPECT_EQ(figure("farthing_records_failed"), "0");
  EXPECT_EQ(server_->stop().code, 0);

  const auto store = open_ledger();
  const LedgerSums sums = ledger_sums(*store);
  std::set<std::uint64_t> closings;
  std::map<std::uint64_t, Charged> accounts = sums.open;
  std::size_t files = 0;
  for (const auto& file : fs::directory_iterator(records())) {
    if (!file.path().filename().string().starts_with("records-")) continue;
    ++files;
    std::ifstream in(file.path());
    for (std::string line; std::getline(in, line);) {
      const json::value record = json::parse(line);
      const auto last = record.at("last_entry").to_number<std::uint64_t>();
      EXPECT_TRUE(closings.insert(last).second) << "twice: " << line;
      EXPECT_TRUE(record.at("complete").as_bool()) << line;
      const auto micros = [&record](const char* name) {
        return tariffs::Money::parse(std::string(record.at(name).as_string()))->micros;
      };
      Charged& account = accounts[record.at("account_number").to_number<std::uint64_t>()];
      account.charged_micros += micros("charged");
      account.overage_micros += micros("overage");
    }
  }
  EXPECT_GT(files, 1u);
  EXPECT_GT(closings.size(), 600u);
  EXPECT_EQ(closings, sums.closings);
  for (const auto& [account, charged] : sums.accounts) EXPECT_EQ(accounts[account], charged);
}

TEST_F(ReadersTest, a_copy_is_the_ledger_whatever_is_killed) {
  const std::vector<std::string> follow = {
      program("farthing"),  "--api",           server_->api(), "ledger", "follow", "--to",
      folder_.file("copy"), "--segment-bytes", "65536"};
  auto follower = std::make_unique<Process>(follow, folder_);
  const auto load = start_load();
  for (int cycle = 0; cycle < 6; ++cycle) {
    wait_some_ms(600);
    if (cycle % 2 == 0) {
      server_->kill();
      start();
    } else {
      follower->signal(SIGKILL);
      follower->wait();
      follower = std::make_unique<Process>(follow, folder_);
    }
  }
  expect_done(*load);
  follower->signal(SIGKILL);
  follower->wait();
  std::vector<std::string> rest = follow;
  rest.push_back("--once");
  const Exit copied = run(rest, folder_);
  EXPECT_EQ(copied.code, 0) << copied.err;
  const Exit checked =
      server_->farthing({"ledger", "follow", "--to", folder_.file("copy"), "--check"});
  EXPECT_EQ(checked.code, 0) << checked.err;
  server_->kill();

  const auto copy = storage::SegmentFolder::open(folder_.file("copy"));
  ASSERT_TRUE(copy.has_value()) << copy.error().message;
  EXPECT_GT(copy->segments().size(), 3u);
  const auto store = open_ledger();
  EXPECT_GE(copy->end().last.value + 10, store->end().last.value);
  storage::RecordHasher hasher;
  const auto hash_of = [&hasher](const storage::Record& record) {
    const auto header = storage::encode_record_header(record.header, record.body);
    return hasher.hash({header.data(), header.size()}, record.body);
  };
  std::vector<storage::Hash> expected;
  ASSERT_TRUE(store
                  ->scan(storage::Sequence(1),
                         [&](const storage::Record& record) {
                           if (record.header.first <= copy->end().last)
                             expected.push_back(hash_of(record));
                           return true;
                         })
                  .has_value());
  std::vector<storage::Hash> found;
  ASSERT_TRUE(copy->scan(storage::Sequence(1),
                         [&](const storage::Record& record) {
                           found.push_back(hash_of(record));
                           return true;
                         })
                  .has_value());
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace farthing::test
