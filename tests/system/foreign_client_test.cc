// The wire against a client that is not ours: what it builds by its dictionary is served, and what
// it gets back stands by its rules. Prices are the demo's.
#include <gtest/gtest.h>

#include <memory>

#include "tests/system/foreign_client.h"
#include "tests/system/process.h"

namespace farthing::test {
namespace {

constexpr const char* mscc = "Multiple-Services-Credit-Control";
constexpr const char* data_context = "32251@3gpp.org";
constexpr std::uint64_t mib = 1024 * 1024;

using Values = std::vector<std::string>;

ForeignAvp octets(const char* group, std::uint64_t total) {
  return {group, ForeignAvps{{"CC-Total-Octets", total}}};
}

// One server and one client for all tests of the process.
class ForeignClientTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder;
    server_ = new Farthingd(Farthingd::demo(*folder_));
    client_ = new ForeignClient(*folder_, server_->port());
  }
  static void TearDownTestSuite() {
    delete client_;
    delete server_;
    delete folder_;
  }

  // RFC 8506 3.1, for a subscriber by E.164.
  ForeignAnswer ask(const std::string& context, int type, int number, const std::string& msisdn,
                    const ForeignAvps& more) {
    ForeignAvps avps = {
        {"Destination-Realm", "farthing.example"},
        {"Auth-Application-Id", 4},
        {"Service-Context-Id", context},
        {"CC-Request-Type", type},
        {"CC-Request-Number", number},
        {"Subscription-Id",
         ForeignAvps{{"Subscription-Id-Type", 0}, {"Subscription-Id-Data", msisdn}}},
    };
    avps.insert(avps.end(), more.begin(), more.end());
    ForeignAnswer answer = client().ask(session_, avps);
    EXPECT_EQ(answer["Session-Id"], Values{session_});
    EXPECT_EQ(answer["CC-Request-Type"], Values{std::to_string(type)});
    EXPECT_EQ(answer["CC-Request-Number"], Values{std::to_string(number)});
    EXPECT_EQ(answer["Auth-Application-Id"], Values{"4"});
    EXPECT_EQ(answer["Origin-Host"], Values{"ocs.farthing.example"});
    EXPECT_EQ(answer["unknown"], Values{}) << "AVPs that its dictionary does not have";
    return answer;
  }

  static Values in_mscc(ForeignAnswer& answer, const std::string& path) {
    return answer[std::string(mscc) + "/" + path];
  }

  Farthingd& server() { return *server_; }
  ForeignClient& client() { return *client_; }

  // Of its own in each test.
  std::string session_ = std::string("foreign.client.example;1;") +
                         ::testing::UnitTest::GetInstance()->current_test_info()->name();

 private:
  static inline TempFolder* folder_ = nullptr;
  static inline Farthingd* server_ = nullptr;
  static inline ForeignClient* client_ = nullptr;
};

// 1 MiB at 0.10, then half of one.
TEST_F(ForeignClientTest, data_session) {
  const std::string user = "8613800138000";
  auto answer =
      ask(data_context, 1, 0, user,
          {{"Multiple-Services-Indicator", 1},
           {mscc, ForeignAvps{octets("Requested-Service-Unit", mib), {"Rating-Group", 10}}}});
  EXPECT_EQ(answer["Result-Code"], Values{"2001"});
  EXPECT_EQ(in_mscc(answer, "Result-Code"), Values{"2001"});
  EXPECT_EQ(in_mscc(answer, "Granted-Service-Unit/CC-Total-Octets"), Values{std::to_string(mib)});
  EXPECT_EQ(in_mscc(answer, "Rating-Group"), Values{"10"});
  EXPECT_EQ(in_mscc(answer, "Validity-Time"), Values{"3600"});
  EXPECT_EQ(server().reserved(user), "0.100000");

  answer = ask(data_context, 2, 1, user,
               {{mscc, ForeignAvps{octets("Requested-Service-Unit", mib),
                                   octets("Used-Service-Unit", mib),
                                   {"Rating-Group", 10}}}});
  EXPECT_EQ(answer["Result-Code"], Values{"2001"});
  EXPECT_EQ(in_mscc(answer, "Granted-Service-Unit/CC-Total-Octets"), Values{std::to_string(mib)});
  EXPECT_EQ(server().balance(user), "99.900000");

  answer = ask(data_context, 3, 2, user,
               {{"Termination-Cause", 1},
                {mscc, ForeignAvps{octets("Used-Service-Unit", mib / 2), {"Rating-Group", 10}}}});
  EXPECT_EQ(answer["Result-Code"], Values{"2001"});
  EXPECT_EQ(server().balance(user), "99.850000");
  EXPECT_EQ(server().reserved(user), "0.000000");
}

// A second subscriber would pay 0.05 for the last 5 MiB of 0.50: they are the last grant.
TEST_F(ForeignClientTest, last_grant_with_final_unit_indication) {
  auto answer =
      ask(data_context, 1, 0, "8613800138001",
          {{mscc, ForeignAvps{octets("Requested-Service-Unit", 100 * mib), {"Rating-Group", 10}}}});
  EXPECT_EQ(answer["Result-Code"], Values{"2001"});
  EXPECT_EQ(in_mscc(answer, "Granted-Service-Unit/CC-Total-Octets"),
            Values{std::to_string(5 * mib)});
  EXPECT_EQ(in_mscc(answer, "Final-Unit-Indication/Final-Unit-Action"), Values{"0"});
}

TEST_F(ForeignClientTest, several_services_in_one_request) {
  auto answer =
      ask(data_context, 1, 0, "8613800138004",
          {{mscc, ForeignAvps{octets("Requested-Service-Unit", mib), {"Rating-Group", 10}}},
           {mscc, ForeignAvps{octets("Requested-Service-Unit", mib), {"Rating-Group", 99}}},
           {mscc, ForeignAvps{{"Requested-Service-Unit", ForeignAvps{}},
                              {"Service-Identifier", 7},
                              {"Rating-Group", 20}}}});
  EXPECT_EQ(answer["Result-Code"], Values{"2001"});
  EXPECT_EQ(in_mscc(answer, "Rating-Group"), (Values{"10", "99", "20"}));
  EXPECT_EQ(in_mscc(answer, "Result-Code"), (Values{"2001", "5031", "2001"}));
  EXPECT_EQ(in_mscc(answer, "Granted-Service-Unit/CC-Total-Octets"),
            (Values{std::to_string(mib), std::to_string(10 * mib)}));
  EXPECT_EQ(in_mscc(answer, "Service-Identifier"), Values{"7"});
}

TEST_F(ForeignClientTest, refusals) {
  const ForeignAvps wish = {
      {mscc, ForeignAvps{octets("Requested-Service-Unit", mib), {"Rating-Group", 10}}}};
  auto answer = ask(data_context, 1, 0, "999", wish);
  EXPECT_EQ(answer["Result-Code"], Values{"5030"});
  answer = ask(data_context, 1, 0, "8613800138009", wish);
  EXPECT_EQ(answer["Result-Code"], Values{"4010"});
  answer = ask(data_context, 2, 7, "8613800138000", wish);
  EXPECT_EQ(answer["Result-Code"], Values{"5002"});
  answer = ask(data_context, 1, 0, "8613800138008", wish);
  EXPECT_EQ(answer["Result-Code"], Values{"2001"});
  EXPECT_EQ(in_mscc(answer, "Result-Code"), Values{"4012"});
}

TEST_F(ForeignClientTest, voice_call) {
  const std::string context = "ext.01.001.8.32260@3gpp.org";
  const std::string user = "8613800138002";
  const auto time = [](const char* group, int seconds) {
    return ForeignAvp{group, ForeignAvps{{"CC-Time", seconds}}};
  };
  auto answer = ask(context, 1, 0, user, {{mscc, ForeignAvps{time("Requested-Service-Unit", 60)}}});
  EXPECT_EQ(in_mscc(answer, "Granted-Service-Unit/CC-Time"), Values{"60"});
  answer = ask(context, 3, 1, user,
               {{"Termination-Cause", 1}, {mscc, ForeignAvps{time("Used-Service-Unit", 42)}}});
  EXPECT_EQ(answer["Result-Code"], Values{"2001"});
  EXPECT_EQ(server().balance(user), "-0.105000");  // 42 seconds at 0.15 a minute, postpaid
}

// Direct debit, price enquiry and balance check of a text message at 0.10.
TEST_F(ForeignClientTest, events) {
  const std::string context = "32274@3gpp.org";
  const std::string user = "8613800138004";
  const ForeignAvp one = {"Requested-Service-Unit",
                          ForeignAvps{{"CC-Service-Specific-Units", std::uint64_t{1}}}};
  const auto event = [&](int number, int action) {
    return ask(context, 4, number, user, {{"Requested-Action", action}, one});
  };
  auto answer = event(0, 3);
  EXPECT_EQ(answer["Result-Code"], Values{"2001"});
  EXPECT_EQ(answer["Cost-Information/Currency-Code"], Values{"156"});
  answer = event(1, 2);
  EXPECT_EQ(answer["Check-Balance-Result"], Values{"0"});
  EXPECT_EQ(server().balance(user), "10.000000");
  answer = event(2, 0);
  EXPECT_EQ(answer["Result-Code"], Values{"2001"});
  EXPECT_EQ(server().balance(user), "9.900000");
}

}  // namespace
}  // namespace farthing::test
