#include "diameter/network.h"

#include <gtest/gtest.h>

namespace farthing::diameter {
namespace {

TEST(IpAddress, ReadsAndWritesBothFamilies) {
  for (const std::string_view text : {"127.0.0.1", "255.1.2.3", "::1", "2001:db8::42"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address.has_value()) << text;
    EXPECT_EQ(address->to_string(), text);
  }
  EXPECT_EQ(IpAddress::parse("10.0.0.1")->to_avp().octets.size(), 4u);
  EXPECT_EQ(IpAddress::parse("::1")->to_avp().family, Address::ipv6);
  for (const std::string_view text : {"", "localhost", "1.2.3", "1.2.3.256", "::g", "1.2.3.4/8"}) {
    EXPECT_FALSE(IpAddress::parse(text).has_value()) << text;
  }
}

TEST(IpNetwork, ContainsItsAddresses) {
  struct Row {
    const char* network;
    const char* inside;
    const char* outside;
  };
  const Row rows[] = {
      {"127.0.0.0/8", "127.255.0.1", "128.0.0.1"},
      {"10.1.0.0/15", "10.0.0.1", "10.2.0.0"},
      {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
      {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
      {"::1/128", "::1", "::2"},
      {"0.0.0.0/0", "9.9.9.9", "2001:db8::"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.network);
    const auto network = IpNetwork::parse(row.network);
    ASSERT_TRUE(network.has_value());
    EXPECT_TRUE(network->contains(*IpAddress::parse(row.inside)));
    EXPECT_FALSE(network->contains(*IpAddress::parse(row.outside)));
  }
  EXPECT_TRUE(IpNetwork::parse("*")->contains(*IpAddress::parse("8.8.8.8")));
  for (const std::string_view text :
       {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "x/8"}) {
    EXPECT_FALSE(IpNetwork::parse(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace farthing::diameter
