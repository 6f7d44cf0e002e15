// Two servers behind freeDiameterd with our extension: each request reaches the one that owns the
// account. In a network namespace of the test's own, since freeDiameter 1.2.1 binds all addresses.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <thread>

#include "diameter/message.h"
#include "tests/diameter/agent/test_message.h"
#include "tests/system/process.h"
#include "tests/system/wire.h"

namespace farthing::test {
namespace {

using agent::avp;
using agent::octets;

constexpr std::uint16_t agent_port = 3868;
constexpr const char* agent_address = "192.0.2.1";  // it does not listen on loopback
constexpr const char* daemon_program = "/usr/bin/freeDiameterd";
constexpr const char* north = "8613800000001";
constexpr const char* south = "8613900000001";

struct Answered {
  std::uint32_t result = 0;
  std::string host;
};

class AgentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(daemon_program)) GTEST_SKIP() << "freediameterd is not installed";
    if (::unshare(CLONE_NEWNET) != 0 ||
        std::system("ip link set lo up && ip address add 192.0.2.1/32 dev lo") != 0) {
      GTEST_SKIP() << "a network namespace is not permitted here: run it as root";
    }
    one_ = start_server("ocs1", north);
    two_ = start_server("ocs2", south);
    write_agent_files();
    start_agent();
  }

  std::unique_ptr<Farthingd> start_server(const std::string& name, const std::string& msisdn) {
    const std::string config = folder_.write(
        name + ".yaml", "data: " + folder_.file(name) +
                            "\ntariff: " FARTHING_DEMO_TARIFF "\norigin_host: " + name +
                            ".farthing.example\n" + "origin_realm: farthing.example\n" +
                            "listen: [\"127.0.0.1:0\"]\n");
    auto server =
        std::make_unique<Farthingd>(std::vector<std::string>{"--config", config}, folder_);
    EXPECT_EQ(server->farthing({"account", "create", msisdn, "--kind", "prepaid"}).code, 0);
    EXPECT_EQ(server->farthing({"subscriber", "add", msisdn, "--account", msisdn}).code, 0);
    EXPECT_EQ(server
                  ->farthing({"balance", "topup", msisdn, "100.00", "--request-id", "one",
                              "--reason", "test"})
                  .code,
              0);
    return server;
  }

  void write_agent_files() {
    const std::string key = folder_.file("key.pem");
    const std::string certificate = folder_.file("certificate.pem");
    const std::string make =
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 "
        "-subj /CN=agent.example -keyout " +
        key + " -out " + certificate + " 2>/dev/null";
    ASSERT_EQ(std::system(make.c_str()), 0);
    const std::string map = folder_.write(
        "agent.map",
        "realm farthing.example\n"
        "partition north ocs1.farthing.example\npartition south ocs2.farthing.example\n"
        "partition both ocs1.farthing.example ocs2.farthing.example\n"
        "range e164 8613800000000 8613899999999 north\n"
        "range e164 8613900000000 8613999999999 south\n"
        "range e164 8614000000000 8614099999999 both\n");
    const auto server = [](const std::string& name, std::uint16_t port) {
      return "    - {origin_host: " + name +
             ".farthing.example, to: \"127.0.0.1:" + std::to_string(port) + "\"}\n";
    };
    const std::string yaml = folder_.write(
        "agent.yaml",
        "data: unused\norigin_host: ocs1.farthing.example\n"
        "origin_realm: farthing.example\nagent:\n  identity: agent.example\n"
        "  realm: example\n  listen: \"" +
            std::string(agent_address) + ":" + std::to_string(agent_port) + "\"\n  certificate: " +
            certificate + "\n  key: " + key + "\n  ca: " + certificate + "\n  map: " + map +
            "\n  extension: " FARTHING_EXTENSION "\n  clients: [client.example]\n" +
            "  servers:\n" + server("ocs1", one_->port()) + server("ocs2", two_->port()));
    const Exit written =
        one_->farthing({"agent", "config", "--config", yaml, "--output", folder_.file("agent")});
    ASSERT_EQ(written.code, 0) << written.err;
    config_ = folder_.file("agent") + "/freeDiameter.conf";
  }

  void start_agent() {
    agent_ =
        std::make_unique<Process>(std::vector<std::string>{daemon_program, "-c", config_}, folder_);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!connect() || answered("n", 1, north).result == 3002 ||
           answered("s", 1, south).result == 3002) {
      if (std::chrono::steady_clock::now() > until) {
        throw std::runtime_error("the agent does not come up: " + agent_->error_output());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  bool connect() {
    if (client_ != nullptr) return true;
    try {
      auto client = std::make_unique<Wire>(agent_port, agent_address);
      if (result_of(client->ask(capabilities_request())) != 2001) return false;
      client_ = std::move(client);
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  Answered answered(const std::string& session, std::uint32_t type, const std::string& msisdn,
                    const std::string& destination_host = "") {
    std::string avps = avp(263, "client.example;" + session) + avp(264, "client.example") +
                       avp(296, "client.example") + avp(283, "farthing.example") +
                       avp(258, octets(4, 4)) + avp(461, "32251@3gpp.org") +
                       avp(416, octets(type, 4)) + avp(415, octets(number_++, 4));
    if (!destination_host.empty()) avps += avp(293, destination_host);
    if (!msisdn.empty()) avps += agent::subscription(0, msisdn);
    std::string unknown = avp(9999, "no dictionary has this", 10415);
    unknown[4] = '\x80';  // the server may pass it over
    avps += avp(873, unknown, 10415);
    avps += avp(456, avp(437, avp(421, octets(0, 4) + octets(1000, 4))) + avp(432, octets(10, 4)));
    std::string request = agent::message(272, 0xc0, avps);
    request[15] = static_cast<char>(number_);  // Hop-by-Hop and End-to-End Identifiers
    request[19] = static_cast<char>(number_);
    const Octets answer = client_->ask(Octets(request.begin(), request.end()));
    const auto message = std::make_unique<diameter::Message>();
    if (!diameter::decode({answer.data(), answer.size()}, *message).has_value()) return {};
    const diameter::Avp* const host = message->find(diameter::AvpId::origin_host);
    return {result_of(answer), host == nullptr ? "" : std::string(host->text())};
  }

  TempFolder folder_;
  std::unique_ptr<Farthingd> one_;
  std::unique_ptr<Farthingd> two_;
  std::string config_;
  std::unique_ptr<Process> agent_;
  std::unique_ptr<Wire> client_;
  std::uint32_t number_ = 0;
};

// What the daemon has an application for it dispatches to itself.
TEST_F(AgentTest, HasNoApplicationOfItsOwn) {
  std::ifstream file(config_);
  std::vector<std::string> loaded;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("LoadExtension")) loaded.push_back(line);
  }
  ASSERT_EQ(loaded.size(), 2u);
  EXPECT_NE(loaded[0].find("\"acl_wl.fdx\""), std::string::npos);
  EXPECT_NE(loaded[1].find("rt_farthing.fdx\""), std::string::npos);
  agent_->signal(SIGTERM);
  const Exit ended = agent_->wait();
  EXPECT_NE((ended.out + ended.err).find("Local applications ..... : (none)"), std::string::npos);
}

TEST_F(AgentTest, EachRequestReachesTheOwner) {
  const std::string first = "ocs1.farthing.example";
  const std::string second = "ocs2.farthing.example";
  // By identity, whatever the host says.
  EXPECT_EQ(answered("a", 1, north).host, first);
  EXPECT_EQ(answered("b", 1, south).host, second);
  EXPECT_EQ(answered("b", 2, south, first).host, second);
  // By session, which answers have taught.
  const Answered by_session = answered("b", 2, "");
  EXPECT_EQ(by_session.result, 2001u);
  EXPECT_EQ(by_session.host, second);
  EXPECT_EQ(answered("a", 2, "").host, first);
  // By the host.
  EXPECT_EQ(answered("unheard", 2, "", second).host, second);
  EXPECT_EQ(answered("unheard", 2, "", first).host, first);
}

TEST_F(AgentTest, AStoppedServersRequestsGoToTheNextOfItsPartitionAndToNoOther) {
  EXPECT_EQ(answered("c", 1, "8614000000001").host, "ocs1.farthing.example");
  EXPECT_EQ(one_->stop().code, 0);
  EXPECT_EQ(answered("c", 2, "8614000000001").host, "ocs2.farthing.example");
  const Answered refused = answered("a", 1, north);
  EXPECT_EQ(refused.result, 3002u);
  EXPECT_EQ(refused.host, "agent.example");
}

TEST_F(AgentTest, AServersRequestGoesToTheClientThatItNames) {
  EXPECT_EQ(answered("e", 1, north).result, 2001u);
  EXPECT_EQ(one_->farthing({"subscriber", "state", north, "suspended"}).code, 0);
  const std::optional<Octets> asked = client_->receive();
  ASSERT_TRUE(asked.has_value());
  EXPECT_EQ(command_of(*asked), 274u);  // Abort-Session
}

TEST_F(AgentTest, ItsDeathLosesNothingAndDisturbsNoDirectPeer) {
  Wire direct(one_->port());
  ASSERT_EQ(result_of(direct.ask(capabilities_request("direct.example"))), 2001u);
  EXPECT_EQ(answered("d", 1, north).result, 2001u);
  agent_->signal(SIGKILL);
  agent_->wait();
  client_.reset();
  CreditRequest request;
  request.session = "direct.example;1";
  request.msisdn = north;
  request.requested_octets = 1000;
  EXPECT_EQ(result_of(direct.ask(credit_request(request))), 2001u);
  start_agent();
  EXPECT_EQ(answered("d", 2, north).result, 2001u);  // its session is still open
}

}  // namespace
}  // namespace farthing::test
