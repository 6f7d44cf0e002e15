// Bad input to the programs: each says what is wrong in words, with its exit code, and nothing is
// lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/certificates.h"
#include "tests/system/process.h"
#include "tests/system/wire.h"

namespace farthing::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr int refused = 1;
constexpr int usage = 2;
constexpr int not_reachable = 3;

class ProgramsTest : public ::testing::Test {
 protected:
  // farthingd that does not come up.
  Exit farthingd(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program("farthingd"));
    return run(arguments, folder_);
  }
  Exit demo_in(const std::string& data, const std::string& port = "0") {
    return farthingd({"--demo", "--data", data, "--port", port});
  }
  Exit farthing(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program("farthing"));
    return run(arguments, folder_);
  }

  TempFolder folder_;
};

TEST_F(ProgramsTest, say_what_they_are) {
  for (const char* name : {"farthingd", "farthing", "farthing-load"}) {
    const Exit version = run({program(name), "--version"}, folder_);
    EXPECT_EQ(version.code, 0) << name;
    EXPECT_THAT(version.out, HasSubstr("0.")) << name;
    const Exit help = run({program(name), "--help"}, folder_);
    EXPECT_EQ(help.code, 0) << name;
    EXPECT_THAT(help.out, HasSubstr("--")) << name;
    const Exit wrong = run({program(name), "--no-such-option"}, folder_);
    EXPECT_EQ(wrong.code, usage) << name;
    EXPECT_FALSE((wrong.out + wrong.err).empty()) << name;
  }
}

TEST_F(ProgramsTest, port_in_use) {
  Farthingd server = Farthingd::demo(folder_);
  const Exit second = demo_in(folder_.file("other"), std::to_string(server.port()));
  EXPECT_EQ(second.code, refused);
  EXPECT_THAT(second.err, HasSubstr("127.0.0.1"));
  EXPECT_THAT(second.err, HasSubstr(std::to_string(server.port())));
  EXPECT_THAT(second.err, HasSubstr("in use"));
  EXPECT_EQ(second.out, "");
  EXPECT_EQ(server.balance("8613800138000"), "100.000000");
}

TEST_F(ProgramsTest, data_folder_in_use) {
  Farthingd server = Farthingd::demo(folder_);
  const Exit second = demo_in(server.data());
  EXPECT_EQ(second.code, refused);
  EXPECT_THAT(second.err, HasSubstr(server.data()));
  EXPECT_THAT(second.err, HasSubstr("in use"));
  // The first one's socket is still its own.
  EXPECT_EQ(server.balance("8613800138000"), "100.000000");
  EXPECT_EQ(server.stop().code, 0);
}

TEST_F(ProgramsTest, data_folder_of_another_version) {
  std::string data;
  {
    Farthingd server = Farthingd::demo(folder_);
    data = server.data();
    ASSERT_EQ(server.farthing({"balance", "topup", "8613800138000", "1"}).code, 0);
    ASSERT_EQ(server.stop().code, 0);
  }
  const fs::path format = fs::path(data) / "format";
  fs::copy_file(format, folder_.file("format"));
  std::ofstream(format) << "farthing data folder, format 999\n";
  const Exit other = demo_in(data);
  EXPECT_EQ(other.code, refused);
  EXPECT_THAT(other.err, HasSubstr("999"));
  EXPECT_THAT(other.err, HasSubstr(data));
  fs::copy_file(folder_.file("format"), format, fs::copy_options::overwrite_existing);
  EXPECT_EQ(Farthingd::demo(folder_).balance("8613800138000"), "101.000000");
}

TEST_F(ProgramsTest, data_folder_that_cannot_be_made) {
  const std::string file = folder_.write("a-file", "no folder\n");
  const Exit inside = demo_in(file + "/data");
  EXPECT_EQ(inside.code, refused);
  EXPECT_THAT(inside.err, HasSubstr(file));
  const Exit itself = demo_in(file);
  EXPECT_EQ(itself.code, refused);
  EXPECT_THAT(itself.err, HasSubstr(file));
}

TEST_F(ProgramsTest, socket_path_that_is_too_long) {
  const std::string data = folder_.file(std::string(100, 'd'));
  const Exit refusal = demo_in(data);
  EXPECT_NE(refusal.code, 0);
  EXPECT_THAT(refusal.err, HasSubstr("107"));
}

TEST_F(ProgramsTest, configuration) {
  const std::string start = "data: " + folder_.file("data") +
                            "\norigin_host: a.example\norigin_realm: example\nlisten: "
                            "[\"127.0.0.1:0\"]\n";
  struct Case {
    std::string more;
    std::string expected;
  };
  for (const Case& wrong : {Case{"nonsense: 1\n", ":5:1: "}, Case{"watchdog: 1 s\n", ":5:11: "},
                            Case{"origin_host: b.example\n", ":5:1: "},
                            Case{"limits: {message_bytes: lots}\n", ":5:25: "}}) {
    const std::string file = folder_.write("farthing.yaml", start + wrong.more);
    const Exit refusal = farthingd({"--config", file});
    EXPECT_EQ(refusal.code, usage);
    EXPECT_THAT(refusal.err, HasSubstr(file + wrong.expected));
  }
  const Exit missing = farthingd({"--config", folder_.file("missing.yaml")});
  EXPECT_EQ(missing.code, usage);
  EXPECT_THAT(missing.err, HasSubstr("missing.yaml"));
  EXPECT_FALSE(fs::exists(folder_.file("data")));
  // And with nothing wrong it comes up.
  Farthingd server({"--config", folder_.write("farthing.yaml", start)}, folder_);
  EXPECT_EQ(server.stop().code, 0);
}

// Below the reserve of free disk, initial requests get 3004; reports and terminations are still
// written.
TEST_F(ProgramsTest, disk_that_is_nearly_full) {
  const std::string start = "data: " + folder_.file("data") +
                            "\ntariff: " FARTHING_DEMO_TARIFF
                            "\norigin_host: a.example\norigin_realm: example\n"
                            "listen: [\"127.0.0.1:0\"]\nstorage: {reserve: ";
  CreditRequest request;
  request.requested_octets = 1 << 20;
  {
    Farthingd roomy({"--config", folder_.write("roomy.yaml", start + "0 B}\n")}, folder_);
    ASSERT_EQ(roomy.farthing({"account", "create", "a", "--kind", "prepaid"}).code, 0);
    ASSERT_EQ(roomy.farthing({"subscriber", "add", request.msisdn, "--account", "a"}).code, 0);
    ASSERT_EQ(roomy.farthing({"balance", "topup", "a", "1"}).code, 0);
    Wire wire(roomy.port());
    EXPECT_EQ(result_of(wire.ask(capabilities_request())), 2001u);
    EXPECT_EQ(result_of(wire.ask(credit_request(request))), 2001u);
    EXPECT_EQ(roomy.stop().code, 0);
  }
  Farthingd full({"--config", folder_.write("full.yaml", start + "1 TiB}\n")}, folder_);
  Wire wire(full.port());
  EXPECT_EQ(result_of(wire.ask(capabilities_request())), 2001u);
  CreditRequest another = request;
  another.session = "client.example;1;2";
  EXPECT_EQ(result_of(wire.ask(credit_request(another))), 3004u);
  request.type = 3;
  request.number = 1;
  request.requested_octets.reset();
  request.used_octets = 1 << 20;
  EXPECT_EQ(result_of(wire.ask(credit_request(request))), 2001u);
  EXPECT_EQ(full.balance("a"), "0.900000");
}

TEST_F(ProgramsTest, configured_tariff) {
  const std::string tariff = folder_.write("tariff.yaml", "tariff: mine\ncurrency: XXZ\n");
  const std::string file =
      folder_.write("farthing.yaml", "data: " + folder_.file("data") + "\ntariff: " + tariff +
                                         "\norigin_host: a.example\norigin_realm: example\n");
  const Exit refusal = farthingd({"--config", file, "--port", "0"});
  EXPECT_EQ(refusal.code, refused);
  EXPECT_THAT(refusal.err, HasSubstr(tariff + ":2:11: "));
}

// A wrong tariff is refused whole; the running one goes on.
TEST_F(ProgramsTest, loaded_tariff) {
  Farthingd server = Farthingd::demo(folder_);
  std::ifstream in(FARTHING_DEMO_TARIFF);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::size_t at = text.find("rating_group: video");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 19, "rating_group: vidio");
  const std::string file = folder_.write("wrong.yaml", text);
  for (const char* verb : {"check", "load"}) {
    const Exit refusal = server.farthing({"tariff", verb, file});
    EXPECT_EQ(refusal.code, refused) << verb;
    EXPECT_THAT(refusal.err + refusal.out, HasSubstr("wrong.yaml:")) << verb;
    EXPECT_THAT(refusal.err + refusal.out, HasSubstr("vidio")) << verb;
  }
  Wire wire(server.port());
  EXPECT_EQ(result_of(wire.ask(capabilities_request())), 2001u);
  CreditRequest request;
  request.requested_octets = 1 << 20;
  EXPECT_EQ(result_of(wire.ask(credit_request(request))), 2001u);
  EXPECT_EQ(server.reserved("8613800138000"), "0.100000");
}

TEST_F(ProgramsTest, amounts_and_request_ids) {
  Farthingd server = Farthingd::demo(folder_);
  const std::string account = "8613800138000";
  for (const char* amount : {"12.3456789", "1e3", "", "ten", "--5", "9999999999999999999"}) {
    const Exit refusal = server.farthing({"balance", "topup", account, amount});
    EXPECT_NE(refusal.code, 0) << amount;
    EXPECT_FALSE(refusal.err.empty()) << amount;
  }
  EXPECT_EQ(server.balance(account), "100.000000");
  const auto topup = [&](const char* amount) {
    return server.farthing({"balance", "topup", account, amount, "--request-id", "k1"}).code;
  };
  EXPECT_EQ(topup("5"), 0);
  EXPECT_EQ(topup("5"), 0);
  EXPECT_EQ(topup("6"), refused);
  EXPECT_EQ(server.balance(account), "105.000000");
  EXPECT_EQ(server.farthing({"balance", "show", "nobody"}).code, refused);
}

TEST_F(ProgramsTest, server_that_is_not_there) {
  const Exit exit = farthing({"--api", folder_.file("no.sock"), "status"});
  EXPECT_EQ(exit.code, not_reachable);
  EXPECT_THAT(exit.err, HasSubstr("no.sock"));
  const Exit load = run(
      {program("farthing-load"), "--connect", "127.0.0.1:1", "--seconds", "1", "--drain-ms", "100"},
      folder_);
  EXPECT_EQ(load.code, not_reachable);
}

// The socket of a server that was killed is no obstacle; the API is for its owner alone.
TEST_F(ProgramsTest, api_socket) {
  Farthingd server = Farthingd::demo(folder_);
  const auto permissions = fs::status(server.api()).permissions();
  EXPECT_EQ(permissions, fs::perms::owner_read | fs::perms::owner_write);
  server.kill();
  EXPECT_TRUE(fs::exists(server.api()));
  Farthingd again = Farthingd::demo(folder_);
  EXPECT_EQ(again.balance("8613800138000"), "100.000000");
}

TEST(LoadTest, over_tls_every_balance_is_right) {
  TempFolder folder;
  Certificates certificates(folder.path().string());
  certificates.make("ocs.farthing.example");
  const std::string config = folder.write(
      "farthing.yaml", "data: " + folder.file("data") +
                           "\ntariff: " FARTHING_DEMO_TARIFF
                           "\norigin_host: ocs.farthing.example"
                           "\norigin_realm: farthing.example"
                           "\nlisten: []\nlisten_tls: [\"127.0.0.1:0\"]\ntls:\n  certificate: " +
                           certificates.certificate("ocs.farthing.example") +
                           "\n  key: " + certificates.key("ocs.farthing.example") + "\n");
  Farthingd server({"--config", config}, folder);
  std::vector<std::string> load = {program("farthing-load"),
                                   "--connect",
                                   server.endpoint(),
                                   "--api",
                                   server.api(),
                                   "--subscribers",
                                   "50",
                                   "--sessions",
                                   "50",
                                   "--in-flight",
                                   "20",
                                   "--seconds",
                                   "0.3",
                                   "--tls"};
  std::vector<std::string> stranger = load;
  load.push_back(certificates.authority());
  const Exit done = run(load, folder);
  EXPECT_EQ(done.code, 0) << done.err << done.out;
  EXPECT_THAT(done.out, testing::HasSubstr("audit"));

  TempFolder elsewhere;
  Certificates others(elsewhere.path().string());
  stranger.push_back(others.authority());
  const Exit turned_away = run(stranger, folder);
  EXPECT_EQ(turned_away.code, not_reachable);
  EXPECT_THAT(turned_away.err, testing::HasSubstr("certificate is not trusted"));
}

}  // namespace
}  // namespace farthing::test
