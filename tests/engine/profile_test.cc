// What is said of a subscriber: entered, folded again, kept in rows; and what is refused.
#include "engine/profile.h"

#include "engine/checkpoint.h"
#include "engine/operations.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace farthing::engine {
namespace {

using test::TestEngine;

constexpr std::string_view anna = "8613800138000";
const Note note{"anna", "test", ""};

class Profiles : public testing::Test {
 protected:
  Operation set(const tariffs::SubscriberAttributes& attributes) {
    return set_attributes(engine_.shard(), anna, attributes, note);
  }
  std::string refused(const Operation& done) {
    return done.has_value() ? "" : done.error().message;
  }
  const Account& account() { return *engine_.shard().book().find_account(anna); }
  std::string profile() {
    const Profile* const profile = account().subscribers[0].profile.get();
    return profile == nullptr ? "" : describe_change(change_to(*profile, {}));
  }
  std::string row() {
    std::string bytes;
    encode_account(account(), bytes);
    return bytes;
  }

  TestEngine engine_;
};

TEST_F(Profiles, WhatIsSaidIsKeptUntilItIsSaidOtherwise) {
  ASSERT_TRUE(set({{"segment", "gold"}, {"region", "north"}}).has_value());
  EXPECT_EQ(profile(), "region=north, segment=gold");
  ASSERT_TRUE(set({{"segment", "silver"}, {"brand", "x y"}}).has_value());
  ASSERT_TRUE(set_switch(engine_.shard(), anna, "roaming", false, note).has_value());
  EXPECT_EQ(profile(), "brand=x y, region=north, segment=silver, roaming off");
  ASSERT_TRUE(set({{"brand", ""}, {"region", ""}, {"class", ""}}).has_value());
  EXPECT_EQ(profile(), "segment=silver, roaming off");
  ASSERT_TRUE(set({{"segment", ""}}).has_value());
  ASSERT_TRUE(set_switch(engine_.shard(), anna, "roaming", true, note).has_value());
  EXPECT_EQ(account().subscribers[0].profile, nullptr);
}

TEST_F(Profiles, WhatIsSoAlreadyIsNoEntry) {
  const Sequence before = account().last;
  EXPECT_TRUE(set({{"segment", ""}})->repeated);
  EXPECT_TRUE(set_switch(engine_.shard(), anna, "roaming", true, note)->repeated);
  EXPECT_EQ(account().last, before);
  EXPECT_FALSE(set({{"segment", "gold"}})->repeated);
  EXPECT_TRUE(set({{"segment", "gold"}, {"brand", ""}})->repeated);
}

TEST_F(Profiles, AreFoldedAgainAndComeBackFromRows) {
  ASSERT_TRUE(set({{"segment", "gold"}, {"region", "Norden \xc3\xa4"}}).has_value());
  ASSERT_TRUE(set_switch(engine_.shard(), anna, "data", false, note).has_value());
  engine_.sync();
  EXPECT_EQ(test::recovery_difference(engine_.shard()), "");
  const std::string before = row();
  engine_.crash_and_restart();
  EXPECT_EQ(row(), before);
  engine_.checkpoint();
  engine_.crash_and_restart();
  Needs needs;
  needs.identities.push_back(*parse_msisdn(anna));
  bool is_here = false;
  engine_.shard().when_here(std::move(needs), [&](std::string_view) { is_here = true; });
  engine_.sync();
  while (!is_here && engine_.store().read_next()) {
  }
  EXPECT_EQ(row(), before);
}

TEST_F(Profiles, ARowWithoutOneIsAsItEverWas) {
  const std::string without = row();
  ASSERT_TRUE(set({{"segment", "gold"}}).has_value());
  EXPECT_GT(row().size(), without.size());
  ASSERT_TRUE(set({{"segment", ""}}).has_value());
  EXPECT_EQ(row().size(), without.size());
}

TEST_F(Profiles, RowsThatAreNoneAreRefused) {
  ASSERT_TRUE(set({{"segment", "gold"}}).has_value());
  const std::string whole = row();
  Account read;
  ASSERT_TRUE(decode_account(whole, read));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_account(std::string_view(whole).substr(0, size), read)) << size;
  }
  std::string spoilt = whole;
  spoilt.replace(spoilt.find("segment"), 7, "Segment");
  EXPECT_FALSE(decode_account(spoilt, read));
  spoilt = whole;
  spoilt[spoilt.find("gold")] = '\0';
  EXPECT_FALSE(decode_account(spoilt, read));
}

TEST_F(Profiles, NamesValuesAndNumbersHaveLimits) {
  for (std::string_view name :
       {"", "Segment", "seg ment", "s\xc3\xa4", "a1", "a-b", "abcdefghijklmnopqrstuvwxyz_abcdef"}) {
    EXPECT_NE(refused(set({{std::string(name), "x"}})), "") << name;
    EXPECT_NE(refused(set_switch(engine_.shard(), anna, name, false, note)), "") << name;
  }
  for (const std::string& value :
       {std::string(65, 'x'), std::string("a\nb"), std::string("a\0b", 3), std::string("\xff"),
        std::string("\xc2\x85"), std::string("\t")}) {
    EXPECT_NE(refused(set({{"segment", value}})), "") << value;
  }
  EXPECT_EQ(refused(set({{"segment", "a"}, {"segment", "b"}})),
            "segment is there twice; give it once");
  EXPECT_EQ(refused(set(tariffs::SubscriberAttributes(33, {"segment", "a"}))),
            "33 attributes are given; give at most 32 at a time");
  EXPECT_EQ(refused(set({})), "no attribute is given, such as segment=gold");
  EXPECT_EQ(refused(set_attributes(engine_.shard(), "42", {{"segment", "a"}}, note)),
            "there is no subscriber 42");
  EXPECT_EQ(refused(set({{std::string(32, 'z'), std::string(64, 'x')}})), "");
  for (char c = 'a'; c < 'p'; ++c) EXPECT_EQ(refused(set({{std::string(1, c), "x"}})), "");
  EXPECT_EQ(refused(set({{"q", "x"}})),
            "it has too many attributes: at most 16 attributes and 16 switches that are off; "
            "remove one first");
  EXPECT_EQ(refused(set({{"q", "x"}, {"a", ""}})), "");
  for (char c = 'a'; c < 'q'; ++c) {
    EXPECT_EQ(refused(set_switch(engine_.shard(), anna, std::string(1, c), false, note)), "");
  }
  EXPECT_NE(refused(set_switch(engine_.shard(), anna, "q", false, note)), "");
}

TEST_F(Profiles, AnEntryThatCannotBeIsNotApplied) {
  Book book;
  Entry entry;
  entry.kind = EntryKind::account_created;
  entry.account = AccountNumber(1);
  entry.account_opening = AccountOpening{"a", 0, {}};
  entry.subscriber_opening = SubscriberOpening{SubscriberNumber(1), *parse_msisdn("1"), {}};
  entry.profile_change = ProfileChange{SubscriberNumber(2), {{"segment", "gold"}}, {}};
  EXPECT_NE(book.apply(entry, Sequence(1), Time()), nullptr) << "another's";
  entry.profile_change->number = SubscriberNumber(1);
  entry.profile_change->attributes[0].name = "SEGMENT";
  EXPECT_NE(book.apply(entry, Sequence(1), Time()), nullptr);
  entry.profile_change->attributes[0].name = "segment";
  EXPECT_EQ(book.apply(entry, Sequence(1), Time()), nullptr);
  EXPECT_EQ(book.account(AccountNumber(1))->subscribers[0].attributes()[0].value, "gold");
}

RC_GTEST_PROP(ProfileEntry, ComesBackAsItWas,
              (std::vector<std::pair<std::string, std::string>> attributes,
               std::vector<std::pair<std::string, bool>> switches)) {
  Entry entry;
  entry.kind = EntryKind::subscriber_changed;
  entry.account = AccountNumber(3);
  ProfileChange& change = entry.profile_change.emplace();
  change.number = SubscriberNumber(10'000);
  for (const auto& [name, value] : attributes) change.attributes.push_back({name, value});
  for (const auto& [name, is_on] : switches) change.switches.push_back({name, is_on});
  std::string bytes;
  encode_entry(entry, Sequence(9), bytes);
  std::string_view rest = bytes;
  Entry read;
  RC_ASSERT(decode_entry(rest, Sequence(9), read));
  RC_ASSERT(rest.empty());
  RC_ASSERT(read.profile_change->number == change.number);
  RC_ASSERT(describe_change(*read.profile_change) == describe_change(change));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    rest = std::string_view(bytes).substr(0, size);
    RC_ASSERT(!decode_entry(rest, Sequence(9), read));
  }
}

}  // namespace
}  // namespace farthing::engine
