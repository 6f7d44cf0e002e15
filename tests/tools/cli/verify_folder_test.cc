// farthing ledger verify --data: a stopped server's folder, whole and damaged.
#include "tests/engine/admin/api_fixture.h"
#include "tools/cli/command_line.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

namespace farthing::tools {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class VerifyFolderTest : public engine::admin::ApiTest {
 protected:
  std::string verify(int code) {
    std::ostringstream out;
    const std::string folder = (folder_.path() / "data").string();
    EXPECT_EQ(run_command_line({"ledger", "verify", "--data", folder}, Terminal{out, out}, {}),
              code);
    return out.str();
  }
  // Flips a bit of the first file under the ledger that holds `text`.
  bool flip(const std::string& text) {
    for (const auto& file : fs::recursive_directory_iterator(folder_.path() / "data" / "ledger")) {
      if (!file.is_regular_file()) continue;
      std::ifstream in(file.path(), std::ios::binary);
      std::string bytes((std::istreambuf_iterator<char>(in)), {});
      const std::size_t at = bytes.find(text);
      if (at == std::string::npos) continue;
      bytes[at] = static_cast<char>(bytes[at] ^ 1);
      std::ofstream(file.path(), std::ios::binary) << bytes;
      return true;
    }
    return false;
  }
};

TEST_F(VerifyFolderTest, AStoppedServersFolder) {
  for (int i = 0; i < 20; ++i) create_account(fmt::format("10{:02}", i), "5");
  ok(post("/v1/accounts/1001/topup", R"({"amount":"1","reason":"damaged below"})"));
  ok(post("/v1/accounts/1002/topup", R"({"amount":"1"})"));
  stop();
  EXPECT_THAT(verify(0), HasSubstr("20 accounts"));
  EXPECT_THAT(verify(0), HasSubstr("the ledger is in order"));  // and nothing was changed by that
  ASSERT_TRUE(flip("damaged below"));
  EXPECT_THAT(verify(1), HasSubstr("farthing: "));
}

}  // namespace
}  // namespace farthing::tools
