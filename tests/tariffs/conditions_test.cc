#include "tariffs/conditions.h"

#include <gtest/gtest.h>

namespace farthing::tariffs {
namespace {

Facts facts(std::string_view access_point, std::string_view network,
            std::optional<std::uint8_t> rat_type = {}) {
  Facts facts;
  facts.access_point = access_point;
  facts.serving_network = network;
  facts.rat_type = rat_type;
  return facts;
}

TEST(Conditions, NoneAlwaysHold) {
  EXPECT_TRUE(Conditions().are_none());
  EXPECT_TRUE(Conditions().hold_without_tables(Facts()));
}

TEST(Conditions, AccessPointsWithoutTheirOperatorAndInAnyCase) {
  Conditions conditions;
  conditions.access_points = {"internet", "ims"};
  for (const char* name :
       {"internet", "Internet", "IMS", "internet.mnc001.mcc262.gprs", "ims.MNC01A.mcc262.gprs"}) {
    const bool is_one = std::string_view(name).find("01A") == std::string_view::npos;
    EXPECT_EQ(conditions.hold_without_tables(facts(name, "")), is_one) << name;
  }
  for (const char* name : {"", "internet2", "web.internet", ".mnc001.mcc262.gprs"}) {
    EXPECT_FALSE(conditions.hold_without_tables(facts(name, ""))) << name;
  }
}

TEST(Conditions, NetworksByCountryOrWhole) {
  Conditions conditions;
  conditions.serving_networks = {"262", "46001"};
  for (const char* network : {"26201", "262123", "46001"}) {
    EXPECT_TRUE(conditions.hold_without_tables(facts("", network))) << network;
  }
  for (const char* network : {"", "26", "46000", "460011", "20826"}) {
    EXPECT_FALSE(conditions.hold_without_tables(facts("", network))) << network;
  }
}

TEST(Conditions, AllThatAreGivenMustHold) {
  Conditions conditions;
  conditions.access_points = {"internet"};
  conditions.rat_types = {6};
  EXPECT_TRUE(conditions.hold_without_tables(facts("internet", "", 6)));
  EXPECT_FALSE(conditions.hold_without_tables(facts("internet", "", 1)));
  EXPECT_FALSE(conditions.hold_without_tables(facts("internet", "")));
  EXPECT_FALSE(conditions.hold_without_tables(facts("ims", "", 6)));
}

TEST(Conditions, Legs) {
  Conditions incoming;
  incoming.legs = {Leg::terminating, Leg::forwarded};
  Facts known;
  EXPECT_FALSE(incoming.are_none());
  EXPECT_FALSE(incoming.hold_without_tables(known));
  known.leg = Leg::forwarded;
  EXPECT_TRUE(incoming.hold_without_tables(known));
  Conditions forwarded;
  forwarded.legs = {Leg::forwarded};
  EXPECT_TRUE(incoming.cover(forwarded));
  EXPECT_FALSE(forwarded.cover(incoming));
  EXPECT_FALSE(forwarded.exclude(incoming));
  Conditions outgoing;
  outgoing.legs = {Leg::originating};
  EXPECT_TRUE(outgoing.exclude(incoming));
  for (std::size_t i = 0; i < leg_count; ++i) {
    EXPECT_EQ(parse_leg(leg_name(static_cast<Leg>(i))), static_cast<Leg>(i));
  }
  EXPECT_EQ(parse_leg("outgoing"), std::nullopt);
}

TEST(Conditions, GroupsOfBothParties) {
  Conditions related;
  related.groups = {"family", "vpn"};
  Facts known;
  EXPECT_FALSE(related.are_none());
  for (const char* common : {"family", "account,vpn", "a,family,z"}) {
    known.common_groups = common;
    EXPECT_TRUE(related.hold_without_tables(known)) << common;
  }
  for (const char* common : {"", "account", "famil", "familyy,xvpn", ","}) {
    known.common_groups = common;
    EXPECT_FALSE(related.hold_without_tables(known)) << common;
  }
  Conditions family;
  family.groups = {"family"};
  EXPECT_TRUE(related.cover(family));
  EXPECT_FALSE(family.cover(related));
  Conditions account;
  account.groups = {"account"};
  EXPECT_FALSE(account.exclude(family)) << "one may be of both";
}

TEST(Conditions, CoverWhatIsNarrower) {
  Conditions wide;
  wide.zones = {1, 2};
  wide.serving_networks = {"262"};
  Conditions narrow;
  narrow.zones = {2};
  narrow.serving_networks = {"26201"};
  narrow.times = Conditions::Times{0, 1};
  EXPECT_TRUE(Conditions().cover(wide));
  EXPECT_FALSE(wide.cover(Conditions()));
  EXPECT_TRUE(wide.cover(wide));
  EXPECT_TRUE(wide.cover(narrow));
  EXPECT_FALSE(narrow.cover(wide));
  narrow.zones = {2, 3};
  EXPECT_FALSE(wide.cover(narrow));

  Conditions times;
  times.times = Conditions::Times{0, 3};
  Conditions others;
  others.times = Conditions::Times{0, 2};
  EXPECT_TRUE(times.cover(others));
  EXPECT_FALSE(others.cover(times));
  others.times->calendar = 1;
  EXPECT_FALSE(times.cover(others));

  Conditions gold;
  gold.subscriber = {{"segment", {"gold", "silver"}}};
  Conditions gold_in_the_north;
  gold_in_the_north.subscriber = {{"region", {"north"}}, {"segment", {"gold"}}};
  EXPECT_TRUE(gold.cover(gold_in_the_north));
  EXPECT_FALSE(gold_in_the_north.cover(gold));
  EXPECT_FALSE(gold.are_none());
}

TEST(Conditions, ExcludeEachOtherWhereThatIsCertain) {
  const auto exclude = [](const Conditions& one, const Conditions& other) {
    EXPECT_EQ(one.exclude(other), other.exclude(one));
    EXPECT_FALSE(one.exclude(one));
    EXPECT_FALSE(one.exclude(Conditions()));
    return one.exclude(other);
  };
  const auto networks = [](std::vector<std::string> list) {
    Conditions conditions;
    conditions.serving_networks = std::move(list);
    return conditions;
  };
  EXPECT_TRUE(exclude(networks({"262", "20801"}), networks({"208001", "20802"})));
  EXPECT_FALSE(exclude(networks({"262", "20801"}), networks({"26207"})));
  const auto called = [](std::vector<std::string> list) {
    Conditions conditions;
    conditions.called_numbers = std::move(list);
    return conditions;
  };
  EXPECT_TRUE(exclude(called({"110", "112"}), called({"119"})));
  EXPECT_FALSE(exclude(called({"110"}), called({"+86110"}))) << "one may be dialled as the other";
  EXPECT_FALSE(exclude(called({"urn:service:sos"}), called({"urn:service:sos.police"})));
  const auto segment = [](std::string name, std::vector<std::string> list) {
    Conditions conditions;
    conditions.subscriber = {{std::move(name), std::move(list)}};
    return conditions;
  };
  EXPECT_TRUE(exclude(segment("segment", {"a", "b"}), segment("segment", {"c"})));
  EXPECT_FALSE(exclude(segment("segment", {"a"}), segment("region", {"b"})));
  const auto counted = [](std::uint64_t from, std::uint64_t below) {
    Conditions conditions;
    conditions.counted = {{.counter = 1, .from = from, .below = below}};
    return conditions;
  };
  EXPECT_TRUE(exclude(counted(0, 5), counted(5, 9)));
  EXPECT_FALSE(exclude(counted(0, 6), counted(5, 9)));
  const auto times = [](std::uint32_t calendar, std::uint64_t classes) {
    Conditions conditions;
    conditions.times = Conditions::Times{calendar, classes};
    return conditions;
  };
  EXPECT_TRUE(exclude(times(0, 1), times(0, 6)));
  EXPECT_FALSE(exclude(times(0, 1), times(1, 6)));
  Conditions zones;
  zones.zones = {1, 3};
  Conditions others;
  others.zones = {2};
  EXPECT_TRUE(exclude(zones, others));
}

}  // namespace
}  // namespace farthing::tariffs
