#include "diameter/tls.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/diameter/captures.h"
#include "tests/diameter/server_fixture.h"
#include "tests/support/certificates.h"
#include "tests/support/temp_folder.h"

namespace farthing::diameter {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::result_of;
using testing::ServerTest;
using testing::TestClient;

constexpr const char* ours = "ocs.farthing.example";
constexpr const char* gateway = "pgw.example";

class TlsTest : public ServerTest {
 protected:
  TlsTest() : certificates(folder.path()) {
    certificates.make(ours);
    certificates.make(gateway);
    config.tls = files();
    config.log = [this](LogLevel, std::string_view line) { lines += std::string(line) + "\n"; };
  }
  // The log belongs to the server's thread.
  std::string logged() {
    std::string copy;
    run([&] { copy = lines; });
    return copy;
  }
  TlsFiles files() const {
    return {certificates.certificate(ours), certificates.key(ours), certificates.authority()};
  }
  void require_certificates() { config.peers_allowed[0].certificate_required = true; }
  void listen_with_tls() { config.listen = {{"127.0.0.1", 0, true}}; }
  bool secure(TestClient& client, const std::string& name) {
    return client.start_tls(certificates.certificate(name), certificates.key(name));
  }
  // A CER that offers TLS; returns what the CEA says of Inband-Security-Id, or nothing.
  std::optional<std::uint32_t> offer_tls(TestClient& client, std::string_view host,
                                         std::vector<std::uint32_t> offers = {1}) {
    Buffer cer;
    testing::write_cer(cer, host, offers);
    client.send(cer.bytes());
    const auto cea = client.receive();
    if (!cea) return std::nullopt;
    result = result_of(*cea);
    const auto message = std::make_unique<Message>();
    if (decode(*cea, *message).has_error()) return std::nullopt;
    const Avp* avp = message->find(AvpId::inband_security_id);
    return avp == nullptr ? std::nullopt : std::optional(avp->u32());
  }

  test::TempFolder folder;
  test::Certificates certificates;
  std::string lines;
  std::uint32_t result = 0;
};

TEST_F(TlsTest, ServesOnAPortOfItsOwn) {
  config.listen = {{"127.0.0.1", 0, true}, {"127.0.0.1", 0, false}};
  start();
  TestClient secret(port);
  ASSERT_TRUE(secret.start_tls());
  EXPECT_EQ(secret.server_name(), ours);
  ASSERT_EQ(secret.exchange_capabilities("secret.example"), 2001u);
  TestClient plain(server->port(1));
  ASSERT_EQ(plain.exchange_capabilities("plain.example"), 2001u);
  for (std::uint32_t id = 1; id < 50; ++id) {
    expect_served(secret, id);
    expect_served(plain, id);
  }
  std::vector<PeerStatus> peers;
  run([&] { peers = server->peers(); });
  ASSERT_EQ(peers.size(), 2u);
  EXPECT_NE(peers[0].is_tls, peers[1].is_tls);
}

TEST_F(TlsTest, CarriesMoreThanARecordHolds) {
  listen_with_tls();
  application.padding = 4000;
  start();
  TestClient client(port);
  ASSERT_TRUE(client.start_tls());
  ASSERT_EQ(client.exchange_capabilities(), 2001u);
  Buffer batch;
  for (std::uint32_t i = 0; i < 300; ++i) testing::write_ccr(batch, i);
  client.send(batch.bytes());
  for (std::uint32_t i = 0; i < 300; ++i) {
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value()) << i;
    ASSERT_EQ(load_u32(&(*answer)[16]), i);
  }
}

TEST_F(TlsTest, NeedsACertificateThatNamesThePeer) {
  listen_with_tls();
  require_certificates();
  start();
  TestClient named(port);
  ASSERT_TRUE(secure(named, gateway));
  EXPECT_EQ(named.exchange_capabilities("PGW.example"), 2001u);
  TestClient other(port);
  ASSERT_TRUE(secure(other, gateway));
  EXPECT_EQ(other.exchange_capabilities("other.example"), 3010u);
  TestClient dotted(port);
  ASSERT_TRUE(secure(dotted, gateway));
  EXPECT_EQ(dotted.exchange_capabilities(".example"), 3010u) << "no name, but all below it";
  TestClient anonymous(port);
  ASSERT_TRUE(anonymous.start_tls());
  EXPECT_EQ(anonymous.exchange_capabilities(gateway), 3010u);
  EXPECT_THAT(logged(), HasSubstr("other.example: its certificate does not name it"));
}

TEST_F(TlsTest, BelievesOnlyTheAuthority) {
  listen_with_tls();
  start();
  const test::TempFolder elsewhere;
  test::Certificates strangers(elsewhere.path());
  strangers.make(gateway);
  TestClient stranger(port);
  stranger.start_tls(strangers.certificate(gateway), strangers.key(gateway));
  EXPECT_EQ(stranger.exchange_capabilities(gateway), 0u);
  certificates.make("old.example", true);
  TestClient expired(port);
  secure(expired, "old.example");
  EXPECT_EQ(expired.exchange_capabilities("old.example"), 0u);
  EXPECT_EQ(metrics().tls_handshakes_failed, 2u);
  EXPECT_THAT(logged(), HasSubstr("TLS handshake failed: certificate has expired"));
}

TEST_F(TlsTest, RefusesPlainPeersThatNeedACertificate) {
  require_certificates();
  start();
  TestClient plain(port);
  EXPECT_EQ(plain.exchange_capabilities(gateway), 5017u);
}

TEST_F(TlsTest, ClosesHandshakesThatDoNotEnd) {
  listen_with_tls();
  start();
  TestClient silent(port);
  TestClient babbling(port);
  babbling.send(testing::Octets{'G', 'E', 'T', ' ', '/', '\n'});
  EXPECT_TRUE(babbling.is_closed_by_server());
  TestClient slow(port);
  const testing::Octets begun = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01};
  slow.send(begun);
  ASSERT_TRUE(comes_true([&] { return metrics().connections == 2; }));
  advance(11s);
  EXPECT_TRUE(silent.is_closed_by_server());
  EXPECT_TRUE(slow.is_closed_by_server());
}

TEST_F(TlsTest, IsAgreedInTheCapabilitiesExchange) {
  config.has_inband_tls = true;
  require_certificates();
  start();
  TestClient client(port);
  ASSERT_EQ(offer_tls(client, gateway, {0, 1}), 1u);
  EXPECT_EQ(result, 2001u);
  EXPECT_EQ(application.opened, 0) << "not before the handshake";
  ASSERT_TRUE(secure(client, gateway));
  expect_served(client, 1);
  EXPECT_EQ(application.opened, 1);
  TestClient other(port);
  ASSERT_EQ(offer_tls(other, "other.example"), 1u);
  secure(other, gateway);
  EXPECT_TRUE(other.is_closed_by_server());
  EXPECT_EQ(application.opened, 1);
  TestClient plain(port);
  EXPECT_EQ(plain.exchange_capabilities(gateway), 5017u);
}

TEST_F(TlsTest, WhoHasNoCertificateTakesNobodysPlace) {
  config.has_inband_tls = true;
  require_certificates();
  start();
  TestClient client(port);
  ASSERT_EQ(offer_tls(client, gateway), 1u);
  ASSERT_TRUE(secure(client, gateway));
  expect_served(client, 1);
  TestClient impostor(port);
  ASSERT_EQ(offer_tls(impostor, gateway), 1u);
  advance(5s);
  expect_served(client, 2);
  impostor.start_tls();
  EXPECT_TRUE(impostor.is_closed_by_server());
  TestClient second(port);
  ASSERT_EQ(offer_tls(second, gateway), 1u);
  ASSERT_TRUE(secure(second, gateway));
  EXPECT_TRUE(second.is_closed_by_server()) << "the first one lives";
  expect_served(client, 3);
  EXPECT_EQ(application.opened, 1);
}

TEST_F(TlsTest, InbandIsForThoseWhoOfferIt) {
  config.has_inband_tls = true;
  start();
  TestClient plain(port);
  EXPECT_EQ(plain.exchange_capabilities(), 2001u);
  expect_served(plain, 1);
  TestClient silent(port);
  ASSERT_EQ(offer_tls(silent, gateway), 1u);
  advance(11s);
  EXPECT_TRUE(silent.is_closed_by_server());
  TestClient hasty(port);
  Buffer both;
  testing::write_cer(both, gateway, {1});
  testing::write_ccr(both, 1);
  hasty.send(both.bytes());
  EXPECT_TRUE(hasty.is_closed_by_server());
  EXPECT_EQ(application.requests, 1);
}

TEST_F(TlsTest, WithoutItInbandOffersAreDeclined) {
  start();
  TestClient client(port);
  EXPECT_EQ(offer_tls(client, gateway, {0, 1}), std::nullopt);
  EXPECT_EQ(result, 2001u);
  TestClient strict(port);
  EXPECT_EQ(offer_tls(strict, gateway, {1}), std::nullopt);
  EXPECT_EQ(result, 5017u);
}

TEST_F(TlsTest, EndsTheStreamProperly) {
  listen_with_tls();
  start();
  TestClient client(port);
  ASSERT_TRUE(client.start_tls());
  Buffer cer;
  testing::write_cer(cer, "");
  client.send(cer.bytes());
  const auto cea = client.receive();
  ASSERT_TRUE(cea.has_value());
  EXPECT_NE(result_of(*cea), 2001u);
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST(Tls, SaysWhatIsWrongWithItsFiles) {
  const test::TempFolder folder;
  test::Certificates certificates(folder.path());
  certificates.make("a.example");
  certificates.make("b.example");
  const TlsFiles good = {certificates.certificate("a.example"), certificates.key("a.example"),
                         certificates.authority()};
  EXPECT_TRUE(Tls::load(good).has_value());
  const std::string absent = folder.file("absent.pem");
  const std::string text = folder.file("text.pem");
  std::ofstream(text) << "hello";
  const auto error_of = [](const TlsFiles& files) {
    const auto tls = Tls::load(files);
    return tls.has_error() ? tls.error() : std::string("none");
  };
  TlsFiles files = good;
  files.certificate = absent;
  EXPECT_THAT(error_of(files), HasSubstr("absent.pem: cannot be read: No such file or directory"));
  files.certificate = text;
  EXPECT_THAT(error_of(files), HasSubstr("text.pem: holds no certificate in PEM"));
  files = good;
  files.key = certificates.key("b.example");
  EXPECT_THAT(error_of(files), HasSubstr("b.example.key: holds no key in PEM that fits"));
  files = good;
  files.ca = text;
  EXPECT_THAT(error_of(files), HasSubstr("text.pem: holds no certificates in PEM"));
}

}  // namespace
}  // namespace farthing::diameter
