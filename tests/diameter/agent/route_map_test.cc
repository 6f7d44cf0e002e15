#include "diameter/agent/route_map.h"

#include <gtest/gtest.h>

#include <map>

namespace farthing::agent {
namespace {

const std::string good =
    "realm example  # of the servers\n"
    "sessions 64\n\n"
    "partition north ocs1.example ocs2.example\n"
    "partition south ocs2.example\n"
    "range e164 8613800000000 8613899999999 south\n"
    "range e164 100 199 north\n"
    "range imsi 460000000000000 460009999999999 north\n";

std::string owner(const RouteMap& map, IdentityKind kind, std::string_view digits) {
  const Partition* const found = map.owner(kind, digits);
  return found == nullptr ? "" : found->name;
}

TEST(RouteMap, KnowsWhoOwnsARange) {
  const auto map = RouteMap::parse(good);
  ASSERT_TRUE(map.has_value()) << map.error();
  EXPECT_EQ(map->realm(), "example");
  EXPECT_EQ(map->sessions_max(), 64u);
  EXPECT_EQ(map->server("OCS2.example"), 1);
  EXPECT_FALSE(map->server("ocs3.example").has_value());
  EXPECT_EQ(owner(*map, IdentityKind::e164, "8613800000000"), "south");
  EXPECT_EQ(owner(*map, IdentityKind::e164, "8613899999999"), "south");
  EXPECT_EQ(owner(*map, IdentityKind::e164, "8613900000000"), "");
  EXPECT_EQ(owner(*map, IdentityKind::e164, "8613799999999"), "");
  EXPECT_EQ(owner(*map, IdentityKind::e164, "138000"), "");  // fewer digits
  EXPECT_EQ(owner(*map, IdentityKind::e164, "150"), "north");
  EXPECT_EQ(owner(*map, IdentityKind::imsi, "460001234567890"), "north");
  EXPECT_EQ(owner(*map, IdentityKind::imsi, "8613800000000"), "");
  EXPECT_EQ(owner(*map, IdentityKind::e164, ""), "");
  EXPECT_EQ(owner(*map, IdentityKind::e164, "15a"), "");
}

TEST(RouteMap, SharesTheRestByHash) {
  const auto map = RouteMap::parse(good + "hash e164 north south\n");
  ASSERT_TRUE(map.has_value()) << map.error();
  std::map<std::string, int> owners;
  for (int n = 0; n < 1000; ++n) {
    ++owners[owner(*map, IdentityKind::e164, std::to_string(490000000 + n))];
  }
  EXPECT_GT(owners["north"], 400);
  EXPECT_GT(owners["south"], 400);
  EXPECT_EQ(owner(*map, IdentityKind::e164, "150"), "north");
}

TEST(RouteMap, NamesWhatIsWrong) {
  const std::string head = "realm example\npartition a ocs1.example\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "no realm is named: add a line \"realm NAME\""},
      {"realm example\n", "no partition is named: add \"partition NAME SERVER\""},
      {"relm example\n", "line 1: \"relm\" is none of realm, sessions, partition, range, hash"},
      {head + "realm b\n", "line 3: realm stands here a second time"},
      {head + "sessions 7\n", "line 3: expected: sessions COUNT, of 8 to 100000000"},
      {head + "sessions 99999999999999999999\n",
       "line 3: expected: sessions COUNT, of 8 to 100000000"},
      {head + "partition a ocs2.example\n", "line 3: partition \"a\" stands here again"},
      {head + "partition b o_s\n", "line 3: \"o_s\" is not a host name"},
      {head + "partition b x X\n", "line 3: server \"X\" stands twice in the partition"},
      {head + "range sip 1 2 a\n", "line 3: \"sip\" is neither e164 nor imsi"},
      {head + "range e164 1 2 b\n", "line 3: no partition \"b\" stands above"},
      {head + "range e164 1 1234567890123456 a\n", "line 3: a range is of 1 to 15 digits"},
      {head + "range e164 2 1 a\n",
       "line 3: the last of a range has as many digits as the first, and is not below it"},
      {head + "range e164 10 30 a\nrange e164 20 40 a\n", "the ranges from 10 and from 20 overlap"},
      {head + "hash imsi a\nhash imsi a\n", "line 4: hash imsi stands here again"},
  };
  for (const auto& [text, message] : cases) {
    const auto map = RouteMap::parse(text);
    ASSERT_TRUE(map.has_error()) << text;
    EXPECT_EQ(map.error(), message);
  }
}

}  // namespace
}  // namespace farthing::agent
