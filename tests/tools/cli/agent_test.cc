// farthing agent config: what it writes, and what it refuses.
#include "tests/support/temp_folder.h"
#include "tools/cli/command_line.h"
#include "tools/cli/exit_codes.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <sstream>

namespace farthing::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* good_map =
    "realm farthing.example\npartition all ocs1.farthing.example\nhash e164 all\n";

class AgentConfigTest : public ::testing::Test {
 protected:
  // Runs the command with this map and these lines of the section beside the usual ones.
  int write(const std::string& map, const std::string& lines = "") {
    const std::string map_file = write_file("agent.map", map);
    const std::string yaml = write_file(
        "farthing.yaml",
        "data: unused\norigin_host: ocs1.farthing.example\norigin_realm: farthing.example\n"
        "agent:\n  identity: dra.example\n  realm: example\n  listen: 192.0.2.1:3868\n"
        "  certificate: /c.pem\n  key: /k.pem\n  ca: /ca.pem\n  map: " +
            map_file + "\n  servers: [{origin_host: ocs1.farthing.example, to: 192.0.2.2:3868}]\n" +
            lines);
    out_.str("");
    err_.str("");
    return run_command_line({"agent", "config", "--config", yaml, "--output", folder("agent")},
                            {out_, err_}, {});
  }
  std::string folder(const std::string& name) const { return folder_.path() / name; }
  std::string write_file(const std::string& name, const std::string& text) const {
    std::ofstream(folder(name)) << text;
    return folder(name);
  }
  std::string written(const std::string& name) const {
    std::ifstream file(folder("agent") + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  test::TempFolder folder_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(AgentConfigTest, WritesWhatTheSectionSays) {
  ASSERT_EQ(write(good_map, "  clients: [pgw.example]\n  tls_clients: ['*.ims.example']\n"),
            exit_done)
      << err_.str();
  const std::string daemon = written("freeDiameter.conf");
  EXPECT_THAT(daemon, HasSubstr("Identity = \"dra.example\";\n"));
  EXPECT_THAT(daemon, HasSubstr("SecPort = 5658;\n"));
  EXPECT_THAT(daemon, HasSubstr("No_SCTP;\n"));
  EXPECT_THAT(daemon, HasSubstr("ConnectPeer = \"ocs1.farthing.example\" { ConnectTo = "
                                "\"192.0.2.2\"; Port = 3868; No_TLS; No_SCTP;"));
  EXPECT_THAT(written("clients.acl"), HasSubstr("ALLOW_IPSEC pgw.example\n*.ims.example\n"));
}

TEST_F(AgentConfigTest, WithoutTlsClientsThereIsNoPortForThem) {
  ASSERT_EQ(write(good_map, "  sctp: true\n"), exit_done) << err_.str();
  EXPECT_THAT(written("freeDiameter.conf"), HasSubstr("SecPort = 0;\n"));
  EXPECT_THAT(written("freeDiameter.conf"), Not(HasSubstr("\nNo_SCTP")));
}

TEST_F(AgentConfigTest, MapAndServersMustAgree) {
  EXPECT_EQ(write("realm farthing.example\npartition all ocs9.farthing.example\nhash e164 all\n"),
            exit_refused);
  EXPECT_THAT(err_.str(), HasSubstr("no partition has ocs1.farthing.example"));
  EXPECT_EQ(write("realm farthing.example\npartition all ocs1.farthing.example "
                  "ocs2.farthing.example\nhash e164 all\n"),
            exit_refused);
  EXPECT_THAT(err_.str(), HasSubstr("ocs2.farthing.example is not among agent: servers"));
  EXPECT_EQ(write("nonsense\n"), exit_refused);
  EXPECT_THAT(err_.str(), HasSubstr("agent.map: "));
}

TEST_F(AgentConfigTest, RefusesWhatFreeDiameterCannotTake) {
  EXPECT_EQ(write(good_map, "  extension: 'a\"b'\n"), exit_refused);
  EXPECT_THAT(err_.str(), HasSubstr("no quote"));
  EXPECT_EQ(write(good_map, "  clients: ['two words']\n"), exit_refused);
  EXPECT_THAT(err_.str(), HasSubstr("no DiameterIdentity"));
}

}  // namespace
}  // namespace farthing::tools
