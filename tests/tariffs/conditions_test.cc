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

}  // namespace
}  // namespace farthing::tariffs
