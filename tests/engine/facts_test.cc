#include "engine/facts.h"

#include "tests/support/requests.h"

#include <gtest/gtest.h>

#include <string>

namespace farthing::engine {
namespace {

constexpr Time noon =
    std::chrono::sys_days(std::chrono::year(2026) / 6 / 1) + std::chrono::hours(12);

AttributeView attribute(AttributeId id, std::string_view value) {
  return {static_cast<std::uint8_t>(id), value};
}

std::string called(std::string_view address) {
  RatingFacts facts;
  facts.learn({attribute(AttributeId::called_party, address)});
  return std::string(facts.at(noon).called_number);
}

TEST(RatingFacts, InternationalNumbersHoweverTheyAreWritten) {
  for (const char* address :
       {"+49301234567", "tel:+49301234567", "tel:+49-30-1234567;npdi;rn=+4912345",
        "TEL:+49(30)123.4567", "sip:+49301234567@ims.example;user=phone", "sips:+49301234567",
        "SIP:+49301234567:secret@ims.example", "sip:+49301234567;phone-context=x@ims.example"}) {
    EXPECT_EQ(called(address), "49301234567") << address;
  }
  EXPECT_EQ(called("+123456789012345"), "123456789012345");
}

TEST(RatingFacts, ANumberThatMayBeAnotherOneIsNotKnown) {
  for (const char* address :
       {"", "+", "tel:", "tel:+", "49301234567", "0301234567", "0049301234567", "110",
        "tel:0301234567;phone-context=+49", "sip:0301234567@ims.example;user=phone",
        "sip:anna@ims.example", "anna+49301234567", "urn:service:sos", "+0301234567",
        "+1234567890123456", "+49 30", "+49301234567a", "++49301234567", "mailto:+49301234567"}) {
    EXPECT_EQ(called(address), "") << address;
  }
}

std::string dialled(std::string_view address) {
  RatingFacts facts;
  facts.learn({attribute(AttributeId::called_party, address)});
  return std::string(facts.at(noon).dialled_number);
}

TEST(RatingFacts, WhatIsDialledIsHandedOn) {
  EXPECT_EQ(dialled("110"), "110");
  EXPECT_EQ(dialled("tel:0301234567;phone-context=+49"), "0301234567");
  EXPECT_EQ(dialled("sip:0049-301234567@ims.example;user=phone"), "0049301234567");
  EXPECT_EQ(dialled("urn:service:sos.police"), "urn:service:sos.police");
  EXPECT_EQ(dialled("+49301234567"), "");
  EXPECT_EQ(dialled("sip:anna@ims.example"), "");
  EXPECT_EQ(dialled("123456789012345678901"), "") << "too long";
}

TEST(RatingFacts, TheLegIsKnownByTheRoleOfTheNode) {
  using tariffs::Leg;
  const auto leg = [](std::string_view role) {
    RatingFacts facts;
    facts.learn({attribute(AttributeId::role_of_node, role)});
    return facts.at(noon).leg;
  };
  for (const Leg each : {Leg::originating, Leg::terminating, Leg::forwarded}) {
    EXPECT_EQ(leg(role_of(each)), each);
  }
  EXPECT_EQ(leg({"\0\0\0\3", 4}), Leg::originating) << "B2BUA_ROLE";
  EXPECT_EQ(leg("\2"), Leg::originating) << "no number of four bytes";
  EXPECT_EQ(RatingFacts().leg(), Leg::originating);
}

TEST(RatingFacts, TheLegOfAMessageIsKnownByItsRecipient) {
  using tariffs::Leg;
  RatingFacts facts;
  facts.know(*Identity::make(Identity::Kind::e164, "8613800138000"), {});
  facts.learn({attribute(AttributeId::recipient, "x8613800138000y")});
  EXPECT_EQ(facts.leg(), Leg::terminating);
  facts.learn({attribute(AttributeId::originator, "8613800138000")});
  EXPECT_EQ(facts.leg(), Leg::originating) << "to itself";
  facts.learn({attribute(AttributeId::role_of_node, role_of(Leg::forwarded))});
  EXPECT_EQ(facts.leg(), Leg::forwarded) << "the role decides where it is said";
}

std::string routed(std::string_view called, std::string_view told = {},
                   std::string_view looked_up = {}) {
  RatingFacts facts;
  facts.learn({attribute(AttributeId::called_party, called)});
  if (!told.empty()) facts.learn({attribute(AttributeId::routing_number, told)});
  if (!looked_up.empty()) facts.learn({attribute(AttributeId::ported_to, looked_up)});
  return std::string(facts.at(noon).routing_number);
}

TEST(RatingFacts, ThePartiesOfAMessage) {
  const auto recipient = [](std::string_view bytes) {
    RatingFacts facts;
    facts.learn({attribute(AttributeId::recipient, bytes)});
    return std::string(facts.at(noon).recipient_number);
  };
  using namespace std::string_view_literals;
  const std::string number = "8613800138077";
  const std::string whole = test::message_address(number);
  EXPECT_EQ(recipient(whole), number);
  EXPECT_EQ(recipient(test::avp_3gpp(897, "+" + number)), number);
  EXPECT_EQ(recipient(test::avp_3gpp(897, number)), "") << "of no type";
  EXPECT_EQ(recipient(test::avp_3gpp(899, "\0\0\0\0"sv) + test::avp_3gpp(897, number)), "");
  EXPECT_EQ(recipient(test::message_address("anna@example.org")), "");
  EXPECT_EQ(recipient(test::message_address("0613800138077")), "");
  EXPECT_EQ(recipient(test::message_address("86138001380770000")), "") << "too long";
  EXPECT_EQ(recipient(number), "") << "no AVPs";
  for (std::size_t size = 0; size < whole.size() - 3; ++size) {
    EXPECT_EQ(recipient(whole.substr(0, size)), "") << size;
  }
  RatingFacts facts;
  facts.learn({attribute(AttributeId::originator, whole)});
  EXPECT_EQ(facts.at(noon).originator_number, number);
}

TEST(RatingFacts, LocalTimeWhereTheSubscriberIs) {
  using std::chrono::minutes;
  const auto offset = [](std::string_view bytes) {
    RatingFacts facts;
    facts.learn({attribute(AttributeId::time_zone, bytes)});
    return facts.at(noon).visited_offset;
  };
  using namespace std::string_view_literals;
  EXPECT_EQ(offset("\x00\x00"sv), minutes(0));
  EXPECT_EQ(offset("\x23\x00"sv), minutes(8 * 60));
  EXPECT_EQ(offset("\x80\x01"sv), minutes(2 * 60)) << "daylight saving is in it already";
  EXPECT_EQ(offset("\x0a\x00"sv), minutes(-20 * 15));
  EXPECT_EQ(offset("\x65\x00"sv), minutes(14 * 60));
  EXPECT_EQ(offset("\x75\x00"sv), std::nullopt) << "farther than anywhere";
  EXPECT_EQ(offset("\xa0\x00"sv), std::nullopt) << "no digit";
  EXPECT_EQ(offset("\x23"sv), std::nullopt);
  EXPECT_EQ(offset(""), std::nullopt);
  EXPECT_EQ(RatingFacts().at(noon).visited_offset, std::nullopt);
}

TEST(RatingFacts, WhereAPortedNumberIsRouted) {
  EXPECT_EQ(routed("+491511", "D123"), "D123");
  EXPECT_EQ(routed("+491511", "d-12.3"), "D123");
  EXPECT_EQ(routed("+491511", "rn=+1-202-555-0100;npdi"), "+12025550100");
  EXPECT_EQ(routed("+491511", "tel:+491511;rn=D123;rn-context=+49;npdi"), "D123");
  EXPECT_EQ(routed("tel:+491511;rn=D9;npdi"), "D9");
  EXPECT_EQ(routed("sip:+491511;RN=d9;npdi@ims.example;user=phone"), "D9");
  EXPECT_EQ(routed("tel:+491511;rn=D9", "D123"), "D123") << "what the network says goes first";
  EXPECT_EQ(routed("+491511", "", "D7"), "D7");
  EXPECT_EQ(routed("tel:+491511;rn=D9", "", "D7"), "D9");
  for (const char* none :
       {"+491511", "tel:+491511;npdi", "tel:+491511;rn=", "tel:+491511;rn=+", "tel:+491511;rn=xyz",
        "tel:+491511;rn=D1+2", "tel:+491511;xrn=D1", "tel:+491511;rn=1234567890123456789012"}) {
    EXPECT_EQ(routed(none), "") << none;
  }
}

TEST(RatingFacts, TheNetworkMayKnowThatANumberWasNotPorted) {
  const auto knows = [](std::string_view called) {
    RatingFacts facts;
    facts.learn({attribute(AttributeId::called_party, called)});
    return facts.knows_route();
  };
  EXPECT_TRUE(knows("tel:+491511;npdi"));
  EXPECT_TRUE(knows("sip:+491511;npdi@ims.example"));
  EXPECT_TRUE(knows("tel:+491511;rn=D1"));
  EXPECT_FALSE(knows("tel:+491511"));
  EXPECT_FALSE(knows("+491511"));
}

TEST(RatingFacts, WhatIsLearntLaterTakesThePlaceOfWhatWasKnown) {
  RatingFacts facts;
  const std::string eutran = "\x06";
  facts.learn({attribute(AttributeId::called_party, "+4930"),
               attribute(AttributeId::access_point, "internet"),
               attribute(AttributeId::serving_network, "26201"),
               attribute(AttributeId::rat_type, eutran)});
  facts.learn({attribute(AttributeId::serving_network, "46000"),
               attribute(AttributeId::user_location, "somewhere")});
  const tariffs::Facts known = facts.at(noon);
  EXPECT_EQ(known.called_number, "4930");
  EXPECT_EQ(known.access_point, "internet");
  EXPECT_EQ(known.serving_network, "46000");
  EXPECT_EQ(known.rat_type, 6);
  EXPECT_EQ(known.time, noon);
  facts.learn({attribute(AttributeId::called_party, "110"),
               attribute(AttributeId::rat_type, "LTE")});  // no longer known
  EXPECT_EQ(facts.at(noon).called_number, "");
  EXPECT_EQ(facts.at(noon).rat_type, std::nullopt);
}

TEST(RatingFacts, ACopyStandsByItself) {
  tariffs::Facts known;
  RatingFacts copy;
  {
    RatingFacts facts;
    facts.learn({attribute(AttributeId::called_party, "tel:+4930")});
    copy = facts;
  }
  EXPECT_EQ(copy.at(noon).called_number, "4930");
}

}  // namespace
}  // namespace farthing::engine
