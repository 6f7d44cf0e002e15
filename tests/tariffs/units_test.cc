#include "tariffs/units.h"

#include <gtest/gtest.h>

namespace farthing::tariffs {
namespace {

TEST(Units, NamesAreReadBack) {
  for (Unit unit : {Unit::seconds, Unit::octets, Unit::events, Unit::money}) {
    EXPECT_EQ(unit_named(unit_name(unit)), unit);
  }
  EXPECT_EQ(unit_name(Unit::octets), "octets");
  EXPECT_FALSE(unit_named("Octets"));
  EXPECT_FALSE(unit_named(""));
}

// The numbers stand in ledgers: these must never change.
TEST(Units, NumbersAreFixed) {
  EXPECT_EQ(static_cast<int>(Unit::seconds), 0);
  EXPECT_EQ(static_cast<int>(Unit::octets), 1);
  EXPECT_EQ(static_cast<int>(Unit::events), 2);
  EXPECT_EQ(static_cast<int>(Unit::money), 3);
}

// FNV-1a's published vectors, and two words that are known to collide.
TEST(Units, ServiceKeyIsFnv1a) {
  EXPECT_EQ(service_key("").value, 0x811c9dc5u);
  EXPECT_EQ(service_key("a").value, 0xe40c292cu);
  EXPECT_EQ(service_key("foobar").value, 0xbf9cf968u);
  EXPECT_EQ(service_key("costarring"), service_key("liquid"));
}

}  // namespace
}  // namespace farthing::tariffs
