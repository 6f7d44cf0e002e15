// Which server the command line finds, and the table that it prints.
#include "tools/cli/discovery.h"

#include "tests/engine/admin/api_fixture.h"
#include "tools/cli/exit_codes.h"
#include "tools/cli/table.h"

#include <gmock/gmock.h>

#include <sstream>

namespace farthing::tools {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class DiscoveryTest : public engine::admin::ApiTest {
 protected:
  Environment environment() const { return {"", folder_.path().string(), "/nowhere/api.sock"}; }
  // A demo's folder whose socket is the running server's.
  std::string link_demo(const std::string& name) {
    const fs::path demo = folder_.path() / name;
    fs::create_directory(demo);
    fs::create_hard_link(socket_path(), demo / "api.sock");
    return (demo / "api.sock").string();
  }
};

TEST_F(DiscoveryTest, TheEnvironmentComesFirst) {
  Environment named = environment();
  named.api = "/some/socket";
  EXPECT_EQ(*find_server(named), "/some/socket");
}

TEST_F(DiscoveryTest, ThenTheInstalledServerAndThenADemo) {
  const auto none = find_server(environment());
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().exit_code, exit_unreachable);
  EXPECT_THAT(none.error().message, HasSubstr("farthingd --demo"));

  fs::create_directory(folder_.path() / "farthing-demo-empty");
  link_demo("another-folder");
  EXPECT_FALSE(find_server(environment()).has_value());
  const std::string demo = link_demo("farthing-demo-1");
  EXPECT_EQ(*find_server(environment()), demo);

  Environment installed = environment();
  installed.standard_socket = socket_path();
  EXPECT_EQ(*find_server(installed), socket_path());
}

TEST(Table, IsAlignedAndPrintable) {
  Table table({{"name"}, {"amount", true}});
  table.add({"a\x1b[31m", "1.00"});
  table.add({"", "100.00"});
  std::ostringstream plain;
  table.print(plain, false);
  EXPECT_EQ(plain.str(), "name    amount\na?[31m    1.00\n-       100.00\n");
  std::ostringstream coloured;
  table.print(coloured, true);
  EXPECT_EQ(coloured.str().substr(0, 18), "\x1b[1mname    amount");
}

}  // namespace
}  // namespace farthing::tools
