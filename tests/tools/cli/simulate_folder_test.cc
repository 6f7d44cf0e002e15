// farthing tariff simulate: the same from a running server and from its folder once it is stopped.
#include "tests/engine/admin/api_fixture.h"
#include "tools/cli/command_line.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <sstream>

namespace farthing::tools {
namespace {

using engine::RequestType;

class SimulateFolderTest : public engine::admin::ApiTest {
 protected:
  std::string file(const char* name) const { return (folder_.path() / name).string(); }
  // What the command prints, and then what it writes.
  std::string simulate(const std::string& option, const std::string& value) {
    std::ostringstream out;
    const std::vector<std::string> words = {
        "tariff",     "simulate", "--version",          "1",      "--from", "2026-01-01", "--to",
        "2199-01-01", "--csv",    file("accounts.csv"), "--json", option,   value};
    EXPECT_EQ(run_command_line(words, Terminal{out, out}, {}), 0);
    std::ifstream written(file("accounts.csv"), std::ios::binary);
    return out.str() + std::string(std::istreambuf_iterator<char>(written), {});
  }
};

TEST_F(SimulateFolderTest, LiveAndFromTheFolder) {
  create_account("1001", "5");
  create_account("1002", "5");
  request(RequestType::initial, 0, "gw;1", "1001", {}, 1 << 20);
  request(RequestType::termination, 1, "gw;1", "1001", 2 << 20, {});
  const std::string live = simulate("--api", socket_path());
  EXPECT_THAT(
      live, testing::EndsWith("account,kind,was,would_be,difference,overage_was,overage_would_be\n"
                              "1001,prepaid,0.200000,0.200000,0.000000,0.000000,0.000000\n"));
  stop();
  EXPECT_EQ(simulate("--data", file("data")), live);
}

TEST_F(SimulateFolderTest, AFileThatCannotBeWrittenIsSaid) {
  create_account("1001", "5");
  request(RequestType::event, 0, "sms", "1001", {}, 1);
  const auto said = [&](const std::string& option, const std::string& value) {
    std::filesystem::create_symlink("/dev/full", file("full.csv.part"));
    std::ostringstream out;
    const std::vector<std::string> words = {"tariff", "simulate",       "--version", "all",
                                            "--from", "2026-01-01",     "--to",      "2199-01-01",
                                            "--csv",  file("full.csv"), option,      value};
    EXPECT_EQ(run_command_line(words, Terminal{out, out}, {}), 1);
    return out.str();
  };
  EXPECT_THAT(said("--api", socket_path()), testing::HasSubstr("full.csv cannot be written"));
  stop();
  EXPECT_THAT(said("--data", file("data")), testing::HasSubstr("full.csv cannot be written"));
}

}  // namespace
}  // namespace farthing::tools
