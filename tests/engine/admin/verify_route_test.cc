// POST /v1/ledger/verify: the live book against the ledger.
#include "engine/admin/verify_json.h"

#include "tests/engine/admin/api_fixture.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

namespace farthing::engine::admin {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

class VerifyRouteTest : public ApiTest {
 protected:
  VerifyRouteTest() {
    create_account("1001", "10");
    create_account("1002", "20");
    ok(post("/v1/subscribers/1002/subscriptions", R"({"offer":"bundle-1g"})"));
    request(RequestType::initial, 0, "s1", "1001", {}, 5 << 20);
    request(RequestType::initial, 0, "s2", "1002", {}, 5 << 20);
    request(RequestType::update, 1, "s2", "1002", 3 << 20, 5 << 20);
  }
  // Changes the account behind the ledger's back.
  void tamper(const char* name, const std::function<void(Account&)>& change) {
    shard_thread().run_and_wait(
        [&](Shard& shard) { change(const_cast<Account&>(*shard.book().find_account(name))); });
  }
  std::string problem() {
    const json::value verdict = ok(post("/v1/ledger/verify", ""));
    if (verdict.at("ok").as_bool()) return "ok";
    return std::string(verdict.at("problem").at("message").as_string());
  }
};

TEST_F(VerifyRouteTest, ALedgerInOrder) {
  const json::value verdict = ok(post("/v1/ledger/verify", ""));
  EXPECT_TRUE(verdict.at("ok").as_bool());
  EXPECT_EQ(verdict.at("accounts").as_int64(), 2);
  EXPECT_EQ(verdict.at("sessions_open").as_int64(), 2);
  EXPECT_EQ(verdict.at("money").at("top_up").as_string(), "-30.000000");
  EXPECT_EQ(verdict.at("money").at("reserved").as_string(), "0.500000");
  restart();
  EXPECT_EQ(problem(), "ok");
}

TEST_F(VerifyRouteTest, NamesWhatIsNotAsTheLedgerSays) {
  tamper("1001", [](Account& account) { account.main_micros += 1; });
  EXPECT_EQ(problem(), "account 1001 is not what the ledger says: main is 9.500001, not 9.500000");
  tamper("1001", [](Account& account) { account.main_micros -= 1; });
  EXPECT_EQ(problem(), "ok");
  tamper("1002", [](Account& account) { account.buckets[0].remaining += 7; });
  EXPECT_THAT(problem(), HasSubstr("bucket 1: remaining is"));
  tamper("1002", [](Account& account) {
    account.buckets[0].remaining -= 7;
    account.sessions->segments[0].used = 1;
  });
  EXPECT_THAT(problem(), HasSubstr("segment's use is 1, not 3145728"));
}

TEST_F(VerifyRouteTest, AccountsMayMoveMeanwhile) {
  std::atomic<bool> stop = false;
  std::thread traffic([&] {
    for (std::uint32_t i = 2; !stop; ++i) {
      request(RequestType::update, i, "s2", "1002", 1024, 5 << 20);
    }
  });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(problem(), "ok");
  stop = true;
  traffic.join();
}

}  // namespace
}  // namespace farthing::engine::admin
