#include "diameter/agent/message_facts.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/diameter/agent/test_message.h"

namespace farthing::agent {
namespace {

std::string request() {
  return message(272, 0xc0,
                 avp(263, "client;1;2") + avp(873, "not ours", 10415) + avp(283, "example") +
                     avp(9999, std::string("\0\xff", 2)) + avp(293, "ocs1.example") +
                     subscription(1, "460001234567890") + subscription(0, "+8613800138000") +
                     subscription(0, "49") + avp(416, octets(2, 4)));
}

TEST(MessageFacts, AreThoseOfARequest) {
  const std::string octets = request();
  const auto facts = read_facts(octets);
  ASSERT_TRUE(facts.has_value());
  EXPECT_TRUE(facts->is_request);
  EXPECT_FALSE(facts->is_error);
  EXPECT_EQ(facts->command, 272u);
  EXPECT_EQ(facts->application, 4u);
  EXPECT_EQ(facts->session_id, "client;1;2");
  EXPECT_EQ(facts->destination_realm, "example");
  EXPECT_EQ(facts->destination_host, "ocs1.example");
  EXPECT_EQ(facts->imsi, "460001234567890");
  EXPECT_EQ(facts->e164, "8613800138000");
  EXPECT_EQ(facts->request_type, 2u);
  EXPECT_FALSE(facts->result_code.has_value());
}

TEST(MessageFacts, ReadTheExtensionOfSubscriptionId) {
  const std::string octets = message(272, 0xc0, avp(659, avp(660, "8613800138000")));
  EXPECT_EQ(read_facts(octets)->e164, "8613800138000");
}

TEST(MessageFacts, PassOverAvpsOfVendorsWithTheSameCode) {
  const std::string octets = message(272, 0xc0, avp(263, "theirs", 10415) + avp(263, "ours"));
  EXPECT_EQ(read_facts(octets)->session_id, "ours");
}

TEST(MessageFacts, NeedAHeader) {
  EXPECT_FALSE(read_facts("").has_value());
  EXPECT_FALSE(read_facts(request().substr(0, 19)).has_value());
  EXPECT_FALSE(read_facts(request().substr(0, 60)).has_value());  // longer than what is there
  std::string other_version = request();
  other_version[0] = 2;
  EXPECT_FALSE(read_facts(other_version).has_value());
}

TEST(MessageFacts, EndAtALengthThatCannotBe) {
  for (const std::uint32_t length : {0u, 7u, 0xffffffu}) {
    const std::string octets_of_bad =
        avp(263, "s") + octets(293, 4) + octets(0x40, 1) + octets(length, 3) + avp(283, "example");
    const std::string whole = message(272, 0xc0, octets_of_bad);
    const auto facts = read_facts(whole);
    ASSERT_TRUE(facts.has_value());
    EXPECT_EQ(facts->session_id, "s");
    EXPECT_EQ(facts->destination_host, "");
    EXPECT_EQ(facts->destination_realm, "");
  }
}

TEST(MessageFacts, BearAnyOctets) {
  std::mt19937 random(7);
  const std::string good = request();
  for (int n = 0; n < 100'000; ++n) {
    // In a place of its own, so that a sanitizer sees what is read outside.
    std::string bad(good.begin(), good.begin() + 20 + random() % (good.size() - 19));
    for (unsigned change = random() % 8; change > 0; --change) {
      bad[random() % bad.size()] = static_cast<char>(random());
    }
    const auto facts = read_facts(bad);
    if (!facts.has_value() || facts->session_id.empty()) continue;
    EXPECT_GE(facts->session_id.data(), bad.data());
    EXPECT_LE(facts->session_id.data() + facts->session_id.size(), bad.data() + bad.size());
  }
}

}  // namespace
}  // namespace farthing::agent
