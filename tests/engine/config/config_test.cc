#include "engine/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

namespace farthing::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view required =
    "data: /d\norigin_host: ocs.farthing.example\norigin_realm: farthing.example\n";

std::vector<std::string> errors_of(const std::string& text) {
  const auto config = parse_config("c.yaml", text);
  std::vector<std::string> lines;
  if (config) return lines;
  for (const tariffs::FileError& error : config.error()) lines.push_back(to_string(error));
  return lines;
}

// The errors of a configuration with these lines beside the required ones (which are three).
std::vector<std::string> errors_with(const std::string& lines) {
  return errors_of(std::string(required) + lines);
}

std::string sample() {
  std::ifstream file(FARTHING_SOURCE_FOLDER "/docs/farthing.sample.yaml");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Config, TheSampleHoldsTheDefaults) {
  const auto config = parse_config("farthing.sample.yaml", sample());
  ASSERT_TRUE(config) << to_string(config.error().at(0));
  EXPECT_TRUE(*config == Config{});
}

TEST(Config, TheAgentIsNotOnLoopback) {
  EXPECT_THAT(errors_with("agent: {identity: a, realm: b, listen: 127.0.0.1:3868, certificate: c, "
                          "key: d, ca: e, map: f, servers: []}\n"),
              ElementsAre(HasSubstr("the agent cannot listen on loopback")));
  EXPECT_THAT(errors_with("agent: {identity: a, realm: b, listen: 192.0.2.1:3868, certificate: c, "
                          "key: d, ca: e, map: f, servers: [{origin_host: a, to: 192.0.2.2:0}]}\n"),
              ElementsAre(HasSubstr("port 0 cannot be connected to")));
}

// The sample's profile is commented out; without the signs it is read, and holds the defaults.
TEST(Config, TheSampleShowsAProfile) {
  std::string text = sample();
  const std::size_t begin = text.find("# profiles:\n");
  const std::size_t end = text.find("\n\n", begin);
  ASSERT_NE(end, std::string::npos);
  std::istringstream lines(text.substr(begin, end - begin));
  std::string profile;
  for (std::string line; std::getline(lines, line);) profile += line.substr(2) + "\n";
  const auto config =
      parse_config("c.yaml", std::string(required) + profile +
                                 "peers: [{origin_host: '*', from: '*', profile: gateways}]\n");
  ASSERT_TRUE(config) << to_string(config.error().at(0));
  EXPECT_EQ(config->peers.at(0).profile, diameter::PeerProfile{});
  for (const std::string& error : errors_with("profiles: {a: {zzz: 1}}\n")) {
    std::istringstream keys(error.substr(error.find("; expected ") + 11));
    for (std::string key; std::getline(keys, key, ',');) {
      EXPECT_THAT(profile, HasSubstr("    " + key.substr(key.find_first_not_of(' ')) + ": "));
    }
  }
}

// So are the keys of TLS and of connections that are made.
TEST(Config, TheSampleShowsTlsAndConnect) {
  const std::string text = sample();
  std::string shown;
  for (const char* key : {"# listen_tls:\n", "# tls:\n", "# connect:\n", "# agent:\n"}) {
    const std::size_t begin = text.find(key);
    ASSERT_NE(begin, std::string::npos) << key;
    std::istringstream lines(text.substr(begin));
    for (std::string line; std::getline(lines, line) && line.starts_with("# ");) {
      shown += line.substr(2) + "\n";
    }
  }
  const auto config = parse_config("c.yaml", std::string(required) + shown);
  ASSERT_TRUE(config) << to_string(config.error().at(0)) << "\n" << shown;
  EXPECT_EQ(config->listen_tls, (std::vector<Endpoint>{{"127.0.0.1", 5658}}));
  EXPECT_EQ(config->tls.ca, "/etc/farthing/authorities.pem");
  EXPECT_FALSE(config->tls.inband);
  ASSERT_EQ(config->connect.size(), 1u);
  EXPECT_EQ(config->connect[0].origin_host, "dra.example");
  ASSERT_TRUE(config->agent.has_value());
  EXPECT_EQ(config->agent->identity, "dra.example");
  EXPECT_EQ(config->agent->tls_clients, std::vector<std::string>{"*.ims.example"});
  ASSERT_EQ(config->agent->servers.size(), 1u);
  EXPECT_EQ(config->agent->servers[0].to, (Endpoint{"192.0.2.2", 3868}));
}

// The message about an unknown key names all that are known; each must be in the sample.
TEST(Config, TheSampleShowsEveryKey) {
  const std::string text = sample();
  for (const char* map : {"", "limits: ", "api: ", "metrics: ", "accounts: ", "storage: ",
                          "duplicates: ", "records: ", "retention: ", "log: "}) {
    const std::string unknown = std::string(map) + "{zzz: 1}\n";
    const std::vector<std::string> errors =
        *map == '\0' ? errors_of("{zzz: 1}") : errors_with(unknown);
    ASSERT_FALSE(errors.empty());
    const std::string& message = errors.back();
    const std::size_t expected = message.find("; expected ");
    ASSERT_NE(expected, std::string::npos) << message;
    std::string keys = message.substr(expected + 11) + ",";
    while (!keys.empty()) {
      const std::string key = keys.substr(0, keys.find(','));
      keys.erase(0, key.size() + 1);
      if (keys.starts_with(' ')) keys.erase(0, 1);
      const std::string indent = *map == '\0' ? "\n" : "\n  ";
      const bool is_shown = text.find(indent + key + ":") != std::string::npos ||
                            text.find(indent + "# " + key + ":") != std::string::npos;
      EXPECT_TRUE(is_shown) << map << key;
    }
  }
}

TEST(Config, TheRestHasDefaults) {
  const auto config = parse_config("c.yaml", required);
  ASSERT_TRUE(config);
  Config expected;
  expected.data = "/d";
  EXPECT_TRUE(*config == expected);
  EXPECT_EQ(api_socket_path(*config), "/d/api.sock");
}

TEST(Config, ReadsEveryKey) {
  const auto config = parse_config("c.yaml", R"(data: /data/
tariff: t.yaml
origin_host: ocs1.example.org
origin_realm: example.org
product_name: Test
destinations: own
listen: [0.0.0.0:3868, "[::]:3869", 127.0.0.1:0]
peers:
  - {origin_host: pgw1.example.org, from: 10.1.0.0/16}
  - {origin_host: "*", from: "2001:db8::/32"}
  - {origin_host: "*", from: "*"}
watchdog: 6 s
limits: {message_bytes: 8 KiB, peer_output_bytes: 1 MiB, peer_input_bytes: 2 MiB, connections: 5}
api: {socket: /run/f.sock}
metrics: {listen: 127.0.0.1:9868}
storage: {reserve: 0 B}
duplicates: {window: 0 s, bytes: 1 MiB}
records: {folder: /var/r, format: json, rotate_bytes: 1 MiB, rotate_after: 1 s}
retention: {after: 90 d, archive: /var/a}
log: {level: warning, file: /var/log/f}
)");
  ASSERT_TRUE(config) << to_string(config.error().at(0));
  EXPECT_EQ(config->tariff, "t.yaml");
  EXPECT_EQ(config->origin_host, "ocs1.example.org");
  EXPECT_EQ(config->origin_realm, "example.org");
  EXPECT_EQ(config->product_name, "Test");
  EXPECT_EQ(config->destinations, Destinations::own);
  EXPECT_EQ(config->listen,
            (std::vector<Endpoint>{{"0.0.0.0", 3868}, {"::", 3869}, {"127.0.0.1", 0}}));
  EXPECT_EQ(config->peers,
            (std::vector<AllowedPeer>{
                {"pgw1.example.org", "10.1.0.0/16"}, {"*", "2001:db8::/32"}, {"*", "*"}}));
  EXPECT_EQ(config->watchdog, std::chrono::seconds(6));
  EXPECT_EQ(config->limits, (Config::Limits{8192, 1 << 20, 2 << 20, 5}));
  EXPECT_EQ(api_socket_path(*config), "/run/f.sock");
  EXPECT_EQ(config->metrics_listen, (Endpoint{"127.0.0.1", 9868}));
  EXPECT_EQ(config->records,
            (Config::Records{"/var/r", RecordFormat::json, 1 << 20, std::chrono::seconds(1)}));
  EXPECT_EQ(config->retention, (Config::Retention{std::chrono::hours(24 * 90), "/var/a"}));
  EXPECT_EQ(config->storage_reserve_bytes, 0u);
  EXPECT_EQ(config->duplicates_window, std::chrono::seconds(0));
  EXPECT_EQ(config->duplicates_bytes, 1u << 20);
  EXPECT_EQ(config->log_level, LogLevel::warning);
  EXPECT_EQ(config->log_file, "/var/log/f");
}

TEST(Config, RetentionHasAnAgeAndAFolder) {
  const std::string expected =
      "retention has only one of after and archive; expected both, or neither";
  EXPECT_THAT(errors_with("retention: {after: 90 d}\n"), ElementsAre(HasSubstr(expected)));
  EXPECT_THAT(errors_with("retention: {archive: /a}\n"), ElementsAre(HasSubstr(expected)));
  EXPECT_THAT(errors_with("retention: {after: 0 s, archive: /a}\n"), ElementsAre(HasSubstr("1 s")));
}

TEST(Config, ASectionMayBeEmpty) {
  EXPECT_THAT(errors_with("limits:\napi:\n"), ElementsAre());
  EXPECT_THAT(errors_with("listen:\n"), ElementsAre("c.yaml:4:1: there is nothing here; "
                                                    "expected a list of ADDRESS:PORT"));
}

TEST(Config, UnknownTwiceWrittenAndMissingKeys) {
  EXPECT_THAT(errors_with("watchdgo: 30 s\n"),
              ElementsAre(HasSubstr("c.yaml:4:1: unknown key \"watchdgo\" in the configuration "
                                    "(did you mean \"watchdog\"?); expected accounts, agent, api, "
                                    "connect, data, ")));
  EXPECT_THAT(errors_with("watchdog: 30 s\nwatchdog: 40 s\n"),
              ElementsAre("c.yaml:5:1: the key \"watchdog\" is written twice, first in line 4; "
                          "expected each key once"));
  EXPECT_THAT(errors_of("watchdog: 30 s\n"),
              ElementsAre(HasSubstr("the key \"data\" is missing"),
                          HasSubstr("the key \"origin_host\" is missing"),
                          HasSubstr("the key \"origin_realm\" is missing")));
  EXPECT_THAT(errors_of(""), ElementsAre("c.yaml: the file is empty"));
}

TEST(Config, ValuesOutOfRange) {
  EXPECT_THAT(errors_with("watchdog: 5 s\n"),
              ElementsAre("c.yaml:4:11: \"5 s\" is out of range; expected 6 s to 5 min"));
  EXPECT_THAT(errors_with("limits: {message_bytes: 1 GB, connections: 0}\n"),
              ElementsAre(HasSubstr("c.yaml:4:25: \"GB\" can mean units of 1000 or of 1024"),
                          "c.yaml:4:44: \"0\" is out of range; "
                          "expected a whole number from 1 to 65536"));
  EXPECT_THAT(errors_with("limits: {message_bytes: 1 MiB, peer_output_bytes: 512 KiB}\n"),
              ElementsAre("c.yaml:4:32: peer_output_bytes has no room for one message; "
                          "expected at least message_bytes"));
  EXPECT_THAT(errors_with("log: {level: loud}\ndestinations: mine\n"),
              ElementsAre("c.yaml:4:14: \"loud\" is not allowed here; "
                          "expected one of debug, info, warning, error",
                          "c.yaml:5:15: \"mine\" is not allowed here; "
                          "expected one of any, own"));
}

TEST(Config, Identities) {
  for (const char* name : {"ocs", "ocs-1.example.org", "epc.mnc001.mcc001.3gppnetwork.org"}) {
    EXPECT_THAT(errors_of("data: /d\norigin_realm: x\norigin_host: " + std::string(name)),
                ElementsAre())
        << name;
  }
  for (const char* name : {"a..b", ".a", "a.", "a b", "a@b", "\"\\u00e9\"", "a:3868"}) {
    EXPECT_THAT(errors_of("data: /d\norigin_realm: x\norigin_host: " + std::string(name)),
                ElementsAre(HasSubstr("c.yaml:3:14: ")))
        << name;
  }
}

TEST(Config, AddressesToListenOn) {
  for (const char* text : {"127.0.0.1:3868", "0.0.0.0:0", "[::1]:65535", "[2001:db8::1]:1"}) {
    ASSERT_TRUE(parse_endpoint(text)) << text;
    EXPECT_EQ(to_string(*parse_endpoint(text)), text);
  }
  for (const char* text :
       {"", ":", "3868", ":3868", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:03868", "::1:3868", "[127.0.0.1]:1", "[::1]", "[]:1", "localhost:3868", "*:3868",
        "127.0.0.1:3868 ", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
  EXPECT_THAT(errors_with("listen: [localhost:3868]\n"),
              ElementsAre("c.yaml:4:10: \"localhost:3868\" is no address to listen on; expected "
                          "ADDRESS:PORT such as 127.0.0.1:3868 or [::1]:3868"));
  EXPECT_THAT(errors_with("listen: [127.0.0.1:1, 127.0.0.1:1]\n"),
              ElementsAre("c.yaml:4:23: \"127.0.0.1:1\" is there already; "
                          "expected each address once"));
  EXPECT_THAT(errors_with("listen: []\n"),
              ElementsAre("c.yaml:4:9: there are 0 addresses; expected 1 to 16, here or in "
                          "listen_tls"));
  const auto tls_alone = parse_config(
      "c.yaml",
      std::string(required) +
          "listen: []\nlisten_tls: [127.0.0.1:5658]\ntls: {certificate: c.pem, key: k.pem}\n");
  ASSERT_TRUE(tls_alone.has_value());
  EXPECT_TRUE(tls_alone->listen.empty());
  EXPECT_EQ(tls_alone->listen_tls.size(), 1u);
}

TEST(Config, PeersAndTheirNetworks) {
  const auto from = [](const std::string& network) {
    return errors_with("peers: [{origin_host: '*', from: '" + network + "'}]\n");
  };
  for (const char* network : {"*", "10.0.0.0/8", "0.0.0.0/0", "192.0.2.7", "192.0.2.7/32", "::/0",
                              "2001:db8::/32", "::1", "::1/128"}) {
    EXPECT_THAT(from(network), ElementsAre()) << network;
  }
  for (const char* network :
       {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "10.0.0.0/08", "2001:db8::1/32",
        "::/129", "pgw.example.org", "::ffff:10.0.0.0/104"}) {
    EXPECT_THAT(from(network),
                ElementsAre(HasSubstr("is no network; expected an address, a network "
                                      "such as 10.0.0.0/8 without bits behind its "
                                      "prefix, or \"*\"")))
        << network;
  }
  EXPECT_THAT(errors_with("peers: [{origin_host: 'a b', from: '*'}]\n"),
              ElementsAre(HasSubstr("c.yaml:4:23: \"a b\" is no DiameterIdentity")));
  EXPECT_THAT(errors_with("peers: [{from: '*'}]\n"),
              ElementsAre(HasSubstr("the key \"origin_host\" is missing in a peer")));
  EXPECT_THAT(errors_with("peers: []\n"),
              ElementsAre("c.yaml:4:8: there are 0 peers; expected 1 to 1000"));
}

TEST(Config, Tls) {
  const auto config = parse_config("c.yaml", std::string(required) + R"(listen_tls: ["[::]:5658"]
tls: {certificate: /c.pem, key: /c.key, ca: /ca.pem, inband: true}
peers: [{origin_host: a, from: "*", certificate: required}, {origin_host: b, from: "*"}]
)");
  ASSERT_TRUE(config) << to_string(config.error().at(0));
  EXPECT_EQ(config->listen_tls, (std::vector<Endpoint>{{"::", 5658}}));
  EXPECT_EQ(config->tls, (Config::Tls{"/c.pem", "/c.key", "/ca.pem", true}));
  EXPECT_TRUE(config->peers[0].certificate_required);
  EXPECT_FALSE(config->peers[1].certificate_required);
}

TEST(Config, TlsThatCannotBe) {
  EXPECT_THAT(errors_with("listen_tls: [127.0.0.1:5658]\n"),
              ElementsAre("c.yaml:4:1: listen_tls has no certificate to show; "
                          "expected tls: {certificate: FILE, key: FILE}"));
  EXPECT_THAT(errors_with("tls: {certificate: /c.pem}\n"),
              ElementsAre(HasSubstr("c.yaml:4:6: tls has no certificate and key")));
  EXPECT_THAT(errors_with("listen: [127.0.0.1:1]\nlisten_tls: [127.0.0.1:1]\n"
                          "tls: {certificate: /c.pem, key: /k.pem}\n"),
              ElementsAre(HasSubstr("c.yaml:5:14: \"127.0.0.1:1\" is there already")));
  EXPECT_THAT(errors_with("peers: [{origin_host: a, from: '*', certificate: required}]\n"),
              ElementsAre(HasSubstr("c.yaml:4:50: no certificate of a peer can be believed; "
                                    "expected tls: {ca: FILE}")));
}

TEST(Config, PeersToConnectTo) {
  const auto config = parse_config("c.yaml", std::string(required) + R"(reconnect: 5 s
tls: {certificate: /c.pem, key: /c.key, ca: /ca.pem}
connect:
  - {to: 192.0.2.1:3868, origin_host: dra1.example, profile: cisco}
  - {to: "[2001:db8::1]:5658", origin_host: dra2.example, tls: true}
)");
  ASSERT_TRUE(config) << to_string(config.error().at(0));
  ASSERT_EQ(config->connect.size(), 2u);
  EXPECT_EQ(config->connect[0].to, (Endpoint{"192.0.2.1", 3868}));
  EXPECT_EQ(config->connect[0].profile.tariff_change,
            diameter::PeerProfile::TariffChange::one_quota);
  EXPECT_EQ(config->connect[1].origin_host, "dra2.example");
  EXPECT_TRUE(config->connect[1].tls);
  EXPECT_EQ(config->reconnect, std::chrono::seconds(5));
  EXPECT_THAT(errors_with("connect: [{to: 192.0.2.1:0, origin_host: '*', tls: true}]\n"),
              ElementsAre(HasSubstr("c.yaml:4:16: port 0 cannot be connected to"),
                          HasSubstr("c.yaml:4:42: \"*\" is no DiameterIdentity"),
                          HasSubstr("c.yaml:4:52: no certificate of a peer can be believed")));
  EXPECT_THAT(errors_with("connect: [{to: 192.0.2.1:1, origin_host: a}, "
                          "{to: 192.0.2.1:2, origin_host: a}]\n"),
              ElementsAre(HasSubstr("c.yaml:4:46: \"a\" is there already")));
}

TEST(Config, PeersHaveProfiles) {
  const auto config = parse_config("c.yaml", std::string(required) + R"(profiles:
  lab: {based_on: open5gs, tx: 5 s, reauthorise: true, destinations: own, requests_per_second: 500}
  dual: {tariff_change: two_quotas, free_service: 4011, rating_groups: strict,
         final_units: terminate, qos_final_unit: true, abort: false}
peers:
  - {origin_host: a, from: "*", profile: lab}
  - {origin_host: b, from: "*", profile: dual}
  - {origin_host: c, from: "*", profile: kamailio-5.6}
  - {origin_host: d, from: "*"}
)");
  ASSERT_TRUE(config) << to_string(config.error().at(0));
  using diameter::PeerProfile;
  PeerProfile lab;
  lab.one_service = true;
  lab.final_units = PeerProfile::FinalUnits::terminate;
  lab.abort = false;
  lab.destinations = PeerProfile::Destinations::own;
  lab.tx = std::chrono::seconds(5);
  lab.requests_per_second = 500;
  EXPECT_EQ(config->peers[0].profile, lab);
  PeerProfile dual;
  dual.tariff_change = PeerProfile::TariffChange::two_quotas;
  dual.free_service = PeerProfile::FreeService::credit_control_not_applicable;
  dual.rating_groups = PeerProfile::RatingGroups::strict;
  dual.final_units = PeerProfile::FinalUnits::terminate;
  dual.qos_final_unit = true;
  dual.abort = false;
  EXPECT_EQ(config->peers[1].profile, dual);
  EXPECT_FALSE(config->peers[2].profile.reauthorise);
  EXPECT_EQ(config->peers[3].profile, PeerProfile{});
}

TEST(Config, ProfilesThatCannotBe) {
  EXPECT_THAT(errors_with("peers: [{origin_host: '*', from: '*', profile: open5g}]\n"),
              ElementsAre(HasSubstr("c.yaml:4:48: \"open5g\" is not allowed here (did you mean "
                                    "\"open5gs\"?); expected one of cisco, default, ")));
  EXPECT_THAT(errors_with("profiles: {a: {based_on: b}, b: {}}\n"),
              ElementsAre(HasSubstr("c.yaml:4:26: \"b\" is not allowed here")));
  EXPECT_THAT(errors_with("profiles: {open5gs: {tx: 5 s}}\n"),
              ElementsAre("c.yaml:4:12: the profile \"open5gs\" is built in; "
                          "expected another name, with based_on: open5gs"));
  EXPECT_THAT(errors_with("profiles: {a: {one_service: true, tariff_change: two_quotas}}\n"),
              ElementsAre(HasSubstr("c.yaml:4:35: two_quotas needs two services in an answer")));
  EXPECT_THAT(
      errors_with("profiles: {a b: {tx: 0 s, free_service: 2002, abort: no}}\n"),
      ElementsAre(HasSubstr("c.yaml:4:12: \"a b\" is no name"), HasSubstr("expected 1 s to 1 min"),
                  HasSubstr("expected one of 2001, 4011"), HasSubstr("4:54: \"no\"")));
  EXPECT_THAT(errors_with("profiles: [open5gs]\n"),
              ElementsAre(HasSubstr("expected a map of profiles by name")));
}

TEST(Config, ASocketsPathHasALimit) {
  const std::string longest(106, 'x');
  EXPECT_THAT(errors_with("api: {socket: /" + longest + "}\n"), ElementsAre());
  EXPECT_THAT(errors_with("api: {socket: /" + longest + "y}\n"),
              ElementsAre(HasSubstr("c.yaml:4:15: the API's socket \"/xxx")));
  const std::string identity = "\norigin_host: a\norigin_realm: b\n";
  EXPECT_THAT(errors_of("data: /" + std::string(97, 'x') + identity), ElementsAre());
  EXPECT_THAT(
      errors_of("data: /" + std::string(98, 'x') + identity),
      ElementsAre(HasSubstr("would have a path of 108 bytes; expected a path of at most 107 "
                            "bytes in api: {socket: ...}")));
}

}  // namespace
}  // namespace farthing::engine
