// The plug is pulled under load, again and again: no answered debit is lost and none is applied
// twice. The load generator sends again what was not answered, and compares all balances with its
// own sums. Load and crashes happen in real time, at moments that differ from run to run.
#include <gtest/gtest.h>
#include <signal.h>

#include <boost/json.hpp>
#include <chrono>
#include <optional>
#include <random>
#include <thread>

#include "tests/system/process.h"
#include "tests/system/wire.h"

namespace farthing::test {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

class RestartTest : public ::testing::Test {
 protected:
  RestartTest() : server_(Farthingd::demo(folder_)), port_(server_->port()) {
    RecordProperty("seed", std::to_string(seed_));
  }

  void restart() { server_.emplace(Farthingd::demo(folder_, port_)); }

  // The load, when its sessions are under way: subscribers made, balances read.
  std::unique_ptr<Process> start_load(const std::string& seconds) {
    std::vector<std::string> arguments = {program("farthing-load"),
                                          "--connect",
                                          server_->endpoint(),
                                          "--api",
                                          server_->api(),
                                          "--subscribers",
                                          "300",
                                          "--sessions",
                                          "600",
                                          "--connections",
                                          "3",
                                          "--in-flight",
                                          "200",
                                          "--updates-per-session",
                                          "5",
                                          "--timeout-ms",
                                          "3000",
                                          "--drain-ms",
                                          "60000",
                                          "--seconds",
                                          seconds,
                                          "--json"};
    auto load = std::make_unique<Process>(arguments, folder_);
    while (open_sessions() == 0) {
    }
    return load;
  }

  // The report of a load that found everything right.
  static json::object report_of(Process& load) {
    const Exit exit = load.wait(std::chrono::seconds(180));
    EXPECT_EQ(exit.code, 0) << exit.out << exit.err;
    json::object report = json::parse(exit.out).as_object();
    EXPECT_EQ(report.at("audit").as_string(), "ok") << exit.out;
    EXPECT_EQ(report.at("unanswered").to_number<int>(), 0) << exit.out;
    EXPECT_EQ(report.at("audit_uncertain").to_number<int>(), 0) << exit.out;
    EXPECT_GT(report.at("answered").to_number<int>(), 1000) << exit.out;
    return report;
  }

  // Refolds the ledger: while it is served, and again from the folder alone.
  void expect_sound_ledger() {
    const Exit live = server_->farthing({"ledger", "verify"});
    EXPECT_EQ(live.code, 0) << live.out << live.err;
    EXPECT_EQ(server_->stop().code, 0);
    const Exit stopped =
        run({program("farthing"), "ledger", "verify", "--data", server_->data()}, folder_);
    EXPECT_EQ(stopped.code, 0) << stopped.out << stopped.err;
  }

  void wait_some_ms(unsigned most) { std::this_thread::sleep_for(milliseconds(random_() % most)); }

  TempFolder folder_;
  std::optional<Farthingd> server_;
  std::uint16_t port_;

 private:
  std::size_t open_sessions() {
    const Exit listed = server_->farthing({"session", "list", "--json"});
    EXPECT_EQ(listed.code, 0) << listed.err;
    const json::value sessions = json::parse(listed.out);
    return sessions.is_array() ? sessions.as_array().size()
                               : sessions.at("sessions").as_array().size();
  }

  unsigned seed_ = std::random_device()();
  std::mt19937 random_{seed_};
};

TEST_F(RestartTest, kill_under_load_loses_nothing) {
  auto load = start_load("6");
  for (int cycle = 0; cycle < 5; ++cycle) {
    wait_some_ms(1000);
    server_->kill();
    // Once in the middle of its start, too.
    if (cycle % 2 == 1) {
      Process starting({program("farthingd"), "--demo", "--port", std::to_string(port_), "--data",
                        folder_.file("data")},
                       folder_);
      wait_some_ms(60);
      starting.signal(SIGKILL);
      starting.wait();
    }
    restart();
  }
  const json::object report = report_of(*load);
  EXPECT_GT(report.at("reconnects").to_number<int>(), 0);
  expect_sound_ledger();
}

TEST_F(RestartTest, stop_under_load_loses_nothing) {
  auto load = start_load("3");
  for (int cycle = 0; cycle < 2; ++cycle) {
    wait_some_ms(700);
    const Exit exit = server_->stop();
    EXPECT_EQ(exit.code, 0) << exit.err;
    restart();
  }
  report_of(*load);
  expect_sound_ledger();
}

// Files may not grow beyond 1 MiB, which the ledger soon reaches: the first write that fails ends
// the server with its own exit code, and what it had answered is there when there is room again.
TEST_F(RestartTest, failed_write_ends_the_server_and_loses_nothing) {
  EXPECT_EQ(server_->stop().code, 0);
  server_.emplace(Farthingd::demo(folder_, port_, 1 << 20));
  auto load = start_load("3");
  const Exit exit = server_->process().wait();
  EXPECT_EQ(exit.code, 74) << exit.err;
  EXPECT_FALSE(exit.err.empty());
  restart();
  report_of(*load);
  expect_sound_ledger();
}

TEST_F(RestartTest, demo_data_is_opened_and_not_seeded_again) {
  ASSERT_EQ(server_->farthing({"balance", "topup", "8613800138000", "1.5"}).code, 0);
  server_->kill();
  restart();
  EXPECT_EQ(server_->balance("8613800138000"), "101.500000");
  EXPECT_EQ(server_->stop().code, 0);
  restart();
  EXPECT_EQ(server_->balance("8613800138000"), "101.500000");
}

// An open session goes on after a crash, and a request that was answered gets the same answer again
// and is charged once. 1 MiB costs 0.10.
TEST_F(RestartTest, session_goes_on_and_duplicates_are_known) {
  CreditRequest request;
  request.requested_octets = 1 << 20;
  Octets update;
  Octets answer;
  {
    Wire wire(port_);
    ASSERT_EQ(result_of(wire.ask(capabilities_request())), 2001u);
    ASSERT_EQ(result_of(wire.ask(credit_request(request))), 2001u);
    request.type = 2;
    request.number = 1;
    request.used_octets = 1 << 20;
    update = credit_request(request);
    answer = wire.ask(update);
    ASSERT_EQ(result_of(answer), 2001u);
  }
  server_->kill();
  restart();
  EXPECT_EQ(server_->balance(request.msisdn), "99.900000");
  EXPECT_EQ(server_->reserved(request.msisdn), "0.100000");
  Wire wire(port_);
  ASSERT_EQ(result_of(wire.ask(capabilities_request())), 2001u);
  EXPECT_EQ(wire.ask(update), answer);
  EXPECT_EQ(server_->balance(request.msisdn), "99.900000");
  request.type = 3;
  request.number = 2;
  request.requested_octets.reset();
  EXPECT_EQ(result_of(wire.ask(credit_request(request))), 2001u);
  EXPECT_EQ(server_->balance(request.msisdn), "99.800000");
  EXPECT_EQ(server_->reserved(request.msisdn), "0.000000");
}

}  // namespace
}  // namespace farthing::test
