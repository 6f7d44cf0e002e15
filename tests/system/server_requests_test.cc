// What the server asks of its clients by itself, through a whole server: support staff does
// something, and a Re-Auth-Request or an Abort-Session-Request comes over the client's connection.
#include <gtest/gtest.h>

#include "diameter/message.h"
#include "diameter/writer.h"
#include "tests/system/process.h"
#include "tests/system/wire.h"

namespace farthing::test {
namespace {

constexpr const char* poor = "8613800138001";  // of the demo: 0.50, five MiB

class ServerRequestsTest : public ::testing::Test {
 protected:
  ServerRequestsTest() {
    EXPECT_EQ(result_of(wire_.ask(capabilities_request())), 2001u);
    CreditRequest request;
    request.msisdn = poor;
    request.requested_octets = 100u << 20;
    EXPECT_EQ(result_of(wire_.ask(credit_request(request))), 2001u);
  }

  void done(std::vector<std::string> arguments) {
    const Exit exit = server_.farthing(std::move(arguments));
    EXPECT_EQ(exit.code, 0) << exit.err;
  }

  // The server's next request; answered with 2001.
  std::uint32_t asked() {
    const std::optional<Octets> request = wire_.receive();
    if (!request) return 0;
    const auto decoded = diameter::decode(*request, message_);
    EXPECT_TRUE(decoded.has_value());
    EXPECT_EQ(message_.header().application, 4u);
    EXPECT_TRUE(message_.header().is_request());
    EXPECT_EQ(message_.find(diameter::AvpId::session_id)->text(), "client.example;1;1");
    EXPECT_EQ(message_.find(diameter::AvpId::destination_host)->text(), "client.example");
    diameter::Buffer answer;
    diameter::Writer writer(answer);
    writer.begin_answer(message_.header());
    writer.put_text(diameter::AvpId::session_id, "client.example;1;1");
    writer.put_u32(diameter::AvpId::result_code, 2001);
    writer.put_text(diameter::AvpId::origin_host, "client.example");
    writer.put_text(diameter::AvpId::origin_realm, "example");
    writer.finish();
    EXPECT_TRUE(wire_.send({answer.bytes().begin(), answer.bytes().end()}));
    return command_of(*request);
  }

  TempFolder folder_;
  Farthingd server_ = Farthingd::demo(folder_);
  Wire wire_{server_.port()};
  diameter::Message message_;
};

TEST_F(ServerRequestsTest, a_top_up_makes_a_client_ask_again) {
  done({"balance", "topup", poor, "5.00", "--request-id", "one"});
  EXPECT_EQ(asked(), 258u);
  ASSERT_NE(message_.find(diameter::AvpId::rating_group), nullptr);
  EXPECT_EQ(message_.find(diameter::AvpId::rating_group)->u32(), 10u);
  EXPECT_EQ(message_.find(diameter::AvpId::re_auth_request_type)->u32(), 0u);
}

TEST_F(ServerRequestsTest, who_is_barred_is_ended) {
  done({"subscriber", "state", poor, "suspended"});
  EXPECT_EQ(asked(), 274u);
  CreditRequest last;
  last.msisdn = poor;
  last.type = 3;
  last.number = 1;
  last.used_octets = 1u << 20;
  EXPECT_EQ(result_of(wire_.ask(credit_request(last))), 2001u);
}

}  // namespace
}  // namespace farthing::test
