// farthing explain: the same from a running server and from its folder once it is stopped.
#include "tests/engine/admin/api_fixture.h"
#include "tools/cli/command_line.h"

#include <gmock/gmock.h>

#include <map>
#include <sstream>

namespace farthing::tools {
namespace {

using engine::RequestType;

class ExplainFolderTest : public engine::admin::ApiTest {
 protected:
  std::string explain(const std::string& of, const std::string& option, const std::string& value) {
    std::ostringstream out;
    EXPECT_EQ(run_command_line({"explain", of, "--json", option, value}, Terminal{out, out}, {}), 0)
        << out.str();
    return out.str();
  }
};

TEST_F(ExplainFolderTest, LiveAndFromTheFolder) {
  create_account("1001", "5");
  request(RequestType::initial, 0, "gw;1", "1001", {}, 1 << 20);
  request(RequestType::update, 1, "gw;1", "1001", 2 << 20, 1 << 20);
  request(RequestType::initial, 0, "gw;open", "1001", {}, 1 << 20);
  request(RequestType::termination, 2, "gw;1", "1001", 1 << 20, {});
  std::map<std::string, std::string> live;
  for (const char* of : {"1", "4", "6", "gw;1", "gw;open"}) {
    live[of] = explain(of, "--api", socket_path());
  }
  EXPECT_THAT(live["gw;1"], testing::HasSubstr(R"("sum":{"amount":"0.300000")"));
  stop();
  for (const auto& [of, said] : live) {
    EXPECT_EQ(explain(of, "--data", (folder_.path() / "data").string()), said) << of;
  }
}

}  // namespace
}  // namespace farthing::tools
