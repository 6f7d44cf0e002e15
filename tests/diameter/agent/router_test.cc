#include "diameter/agent/router.h"

#include <gtest/gtest.h>

namespace farthing::agent {
namespace {

class RouterTest : public ::testing::Test {
 protected:
  static RouteMap map() {
    return *RouteMap::parse(
        "realm example\n"
        "partition north ocs1.example ocs2.example\n"
        "partition south ocs3.example\n"
        "range e164 100 199 north\n"
        "range e164 200 299 south\n"
        "range imsi 200 299 south\n");
  }
  static MessageFacts request(std::uint32_t command = command_credit_control) {
    MessageFacts facts;
    facts.is_request = true;
    facts.command = command;
    facts.application = application_credit_control;
    facts.session_id = "s";
    facts.destination_realm = "example";
    return facts;
  }
  static MessageFacts answer(std::uint32_t result) {
    MessageFacts facts = request();
    facts.is_request = false;
    facts.result_code = result;
    return facts;
  }
  // The peers that may be sent to, the best first.
  std::string order(const MessageFacts& facts) {
    const Decision decision = router_.decide(facts);
    std::vector<std::pair<int, std::string>> ranked;
    for (const char* peer :
         {"ocs1.example", "client.example", "ocs2.example", "ocs3.example", "other.example"}) {
      const int preference = router_.preference(decision, peer);
      if (preference >= 0) ranked.emplace_back(-preference, peer);
    }
    std::sort(ranked.begin(), ranked.end());
    std::string result;
    for (const auto& [preference, peer] : ranked) {
      result += (result.empty() ? "" : " ") + peer.substr(0, peer.find('.'));
    }
    return result;
  }

  Router router_{map(), 1};
};

TEST_F(RouterTest, IdentityIsAskedFirst) {
  MessageFacts facts = request();
  facts.e164 = "150";
  facts.imsi = "250";
  facts.destination_host = "ocs3.example";
  EXPECT_EQ(order(facts), "ocs1 ocs2");
  facts.e164 = "999";  // nobody's
  EXPECT_EQ(order(facts), "ocs3");
}

TEST_F(RouterTest, ThenDestinationHostThenTheSession) {
  MessageFacts facts = request();
  EXPECT_EQ(order(facts), "ocs1 ocs2 ocs3");
  router_.learn(answer(2001), "ocs2.example");
  EXPECT_EQ(order(facts), "ocs2 ocs1");
  facts.destination_host = "OCS3.example";
  EXPECT_EQ(order(facts), "ocs3");
  facts.destination_host = "elsewhere.example";
  EXPECT_EQ(order(facts), "ocs2 ocs1");
}

TEST_F(RouterTest, LearnsOnlyFromServersThatServe) {
  router_.learn(answer(5002), "ocs3.example");
  router_.learn(answer(2001), "other.example");
  MessageFacts event = answer(2001);
  event.request_type = request_type_event;
  router_.learn(event, "ocs3.example");
  MessageFacts error = answer(2001);
  error.is_error = true;
  router_.learn(error, "ocs3.example");
  EXPECT_EQ(order(request()), "ocs1 ocs2 ocs3");
}

TEST_F(RouterTest, WhatAServerAsksGoesToTheClientItNames) {
  for (const std::uint32_t command : {command_re_auth, command_abort_session}) {
    MessageFacts facts = request(command);
    facts.destination_host = "client.example";
    EXPECT_EQ(order(facts), "client other");  // another agent may reach it where it is not here
  }
}

TEST_F(RouterTest, WhatIsNotOursPasses) {
  const std::string all = "client ocs1 ocs2 ocs3 other";
  MessageFacts facts = request();
  facts.application = 16777238;
  EXPECT_EQ(order(facts), all);
  facts = request();
  facts.destination_realm = "elsewhere";
  EXPECT_EQ(order(facts), all);
  EXPECT_EQ(order(request(271)), all);
}

}  // namespace
}  // namespace farthing::agent
