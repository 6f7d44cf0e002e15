// Connections that the server makes, to another server of ours or to a socket of the test.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/diameter/captures.h"
#include "tests/diameter/server_fixture.h"
#include "tests/support/certificates.h"
#include "tests/support/temp_folder.h"

namespace farthing::diameter {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::Octets;
using testing::result_of;
using testing::ServerTest;
using testing::TestClient;

constexpr const char* agent_name = "dra.example";
constexpr const char* our_name = "ocs.farthing.example";

// A port of this machine that a test listens on, or that nobody does.
class TestListener {
 public:
  TestListener() {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~TestListener() { ::close(socket_); }
  void listen() { ::listen(socket_, 8); }
  // The next connection, waited for.
  std::unique_ptr<TestClient> accept() {
    const timeval timeout{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    return TestClient::of_socket(::accept(socket_, nullptr, nullptr));
  }
  // Whether one has come.
  bool has_connection() {
    pollfd waiting{socket_, POLLIN, 0};
    return ::poll(&waiting, 1, 0) == 1;
  }
  std::uint16_t port() const { return port_; }

 private:
  int socket_;
  std::uint16_t port_;
};

class ConnectTest : public ServerTest {
 protected:
  ConnectTest() {
    config.random = [] { return 0u; };
    config.log = [this](LogLevel, std::string_view line) { lines += std::string(line) + "\n"; };
  }
  void connect_to(std::uint16_t to, bool is_tls = false) {
    PeerRule rule;
    rule.origin_host = agent_name;
    rule.profile.tx = 3s;
    config.connect = {{"127.0.0.1", to, is_tls, rule}};
  }
  // Time goes by until there is one more connection of ours.
  bool connects_again() {
    const std::uint64_t before = metrics().connections_made;
    return comes_true([&] {
      advance(1s);
      return metrics().connections_made > before;
    });
  }
  std::string logged() {
    std::string copy;
    run([&] { copy = lines; });
    return copy;
  }
  // What the other side says to our CER.
  static void answer_cer(TestClient& agent, const Octets& cer, std::string_view host = agent_name,
                         std::uint32_t result = 2001) {
    Buffer cea;
    Writer writer(cea);
    writer.begin(Header{0, 257, 0, load_u32(&cer[12]), load_u32(&cer[16])});
    writer.put_u32(AvpId::result_code, result);
    writer.put_text(AvpId::origin_host, host);
    writer.put_text(AvpId::origin_realm, "example");
    writer.put_u32(AvpId::auth_application_id, application::relay);
    writer.finish();
    agent.send(cea.bytes());
  }

  TestListener listener;
  std::string lines;
};

TEST_F(ConnectTest, SaysWhoItIsAndServes) {
  connect_to(listener.port());
  listener.listen();
  start();
  const auto agent = listener.accept();
  const auto cer = agent->receive();
  ASSERT_TRUE(cer.has_value());
  const auto message = std::make_unique<Message>();
  ASSERT_TRUE(decode(*cer, *message).has_value());
  EXPECT_EQ(message->header().command, 257u);
  EXPECT_TRUE(message->header().is_request());
  EXPECT_EQ(message->find(AvpId::origin_host)->text(), our_name);
  EXPECT_EQ(message->find(AvpId::auth_application_id)->u32(), 4u);
  answer_cer(*agent, *cer);
  expect_served(*agent, 1);
  server->post([&] {
    Peer* const peer = server->find_peer(agent_name);
    ASSERT_NE(peer, nullptr);
    EXPECT_EQ(peer->profile().tx, 3s);
    EXPECT_EQ(peer->state(), PeerState::open);
  });
  EXPECT_EQ(metrics().connections_made, 1u);
}

TEST_F(ConnectTest, TriesAgainAfterTc) {
  connect_to(listener.port());
  start();
  ASSERT_TRUE(comes_true([&] { return logged().find("cannot connect") != std::string::npos; }));
  EXPECT_THAT(logged(), HasSubstr("peer dra.example: cannot connect: Connection refused"));
  listener.listen();
  advance(29s);
  for (int i = 0; i < 10; ++i) metrics();
  EXPECT_FALSE(listener.has_connection());
  advance(1s);
  const auto agent = listener.accept();
  const auto cer = agent->receive();
  ASSERT_TRUE(cer.has_value());
  answer_cer(*agent, *cer);
  expect_served(*agent, 1);
}

TEST_F(ConnectTest, ConnectsAnewWhenItWasLost) {
  connect_to(listener.port());
  listener.listen();
  start();
  auto agent = listener.accept();
  answer_cer(*agent, agent->receive().value_or(Octets(20)));
  expect_served(*agent, 1);
  agent.reset();
  ASSERT_TRUE(comes_true([&] { return application.closed == 1; }));
  ASSERT_TRUE(connects_again());
  agent = listener.accept();
  answer_cer(*agent, agent->receive().value_or(Octets(20)));
  expect_served(*agent, 2);
}

TEST_F(ConnectTest, TakesOnlyThePeerThatItExpects) {
  connect_to(listener.port());
  listener.listen();
  start();
  auto agent = listener.accept();
  answer_cer(*agent, agent->receive().value_or(Octets(20)), "other.example");
  EXPECT_TRUE(agent->is_closed_by_server());
  EXPECT_THAT(logged(), HasSubstr("it calls itself other.example; the configuration expects "
                                  "dra.example"));
  ASSERT_TRUE(connects_again());
  agent = listener.accept();
  answer_cer(*agent, agent->receive().value_or(Octets(20)), agent_name, 3010);
  EXPECT_TRUE(agent->is_closed_by_server());
  EXPECT_THAT(logged(), HasSubstr("was refused with 3010"));
  ASSERT_TRUE(connects_again());
  agent = listener.accept();
  ASSERT_TRUE(agent->receive().has_value());
  advance(10s);
  EXPECT_TRUE(agent->is_closed_by_server()) << "no CEA in time";
  EXPECT_EQ(application.opened, 0);
}

TEST_F(ConnectTest, LeavesThoseAloneWhoDoNotWantToTalk) {
  connect_to(listener.port());
  listener.listen();
  start();
  auto agent = listener.accept();
  answer_cer(*agent, agent->receive().value_or(Octets(20)));
  Buffer dpr;
  Writer writer(dpr);
  writer.begin(Header{0x80, 282, 0, 9, 9});
  writer.put_text(AvpId::origin_host, agent_name);
  writer.put_text(AvpId::origin_realm, "example");
  writer.put_u32(AvpId::disconnect_cause, disconnect_cause::do_not_want_to_talk_to_you);
  writer.finish();
  agent->send(dpr.bytes());
  ASSERT_TRUE(agent->receive().has_value());
  agent.reset();
  ASSERT_TRUE(comes_true([&] { return application.closed == 1; }));
  EXPECT_THAT(logged(), HasSubstr("says goodbye: DO_NOT_WANT_TO_TALK_TO_YOU"));
  advance(299s);
  for (int i = 0; i < 10; ++i) metrics();
  EXPECT_FALSE(listener.has_connection());
  advance(1s);
  EXPECT_NE(listener.accept()->receive(), std::nullopt);
}

// Ours is the greater name, so its connection stays.
TEST_F(ConnectTest, WinsAnElection) {
  connect_to(listener.port());
  config.identity.origin_host = "zzz.example";
  listener.listen();
  start();
  const auto agent = listener.accept();
  ASSERT_TRUE(agent->receive().has_value());
  TestClient incoming(port);
  EXPECT_EQ(incoming.exchange_capabilities(agent_name), 2001u);
  EXPECT_TRUE(agent->is_closed_by_server());
  expect_served(incoming, 1);
  advance(60s);
  for (int i = 0; i < 10; ++i) metrics();
  EXPECT_FALSE(listener.has_connection()) << "it is connected";
}

TEST_F(ConnectTest, LosesAnElection) {
  connect_to(listener.port());
  config.identity.origin_host = "aaa.example";
  listener.listen();
  start();
  const auto agent = listener.accept();
  const auto cer = agent->receive();
  ASSERT_TRUE(cer.has_value());
  TestClient incoming(port);
  EXPECT_EQ(incoming.exchange_capabilities(agent_name), 4003u);
  EXPECT_TRUE(incoming.is_closed_by_server());
  answer_cer(*agent, *cer);
  expect_served(*agent, 1);
}

TEST_F(ConnectTest, OverTls) {
  const test::TempFolder folder;
  test::Certificates certificates(folder.path());
  for (const char* name : {our_name, agent_name, "mallory.example"}) certificates.make(name);
  const auto files_of = [&](const char* name) {
    return TlsFiles{certificates.certificate(name), certificates.key(name),
                    certificates.authority()};
  };
  testing::ServerApplication agent_application;
  for (const char* name : {agent_name, "mallory.example"}) {
    ServerConfig agent_config = config;
    agent_config.identity = {agent_name, "example", 1};
    agent_config.tls = files_of(name);
    agent_config.listen = {{"127.0.0.1", 0, true}};
    agent_config.peers_allowed[0].certificate_required = true;
    agent_config.log = [](LogLevel, std::string_view) {};
    Server agent(io(), agent_config, agent_application);
    ASSERT_TRUE(agent.listen().has_value());
    connect_to(agent.port(), true);
    config.tls = files_of(our_name);
    start();
    if (name == agent_name) {
      EXPECT_TRUE(comes_true([&] { return application.opened == 1; })) << logged();
      EXPECT_TRUE(comes_true([&] { return agent_application.opened == 1; }));
    } else {
      EXPECT_TRUE(comes_true(
          [&] { return logged().find("its certificate does not name it") != std::string::npos; }));
      EXPECT_EQ(application.opened, 1);
    }
    run([&] { server.reset(); });
    stop_loop();
  }
}

}  // namespace
}  // namespace farthing::diameter
