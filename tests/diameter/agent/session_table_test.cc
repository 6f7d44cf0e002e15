#include "diameter/agent/session_table.h"

#include <gtest/gtest.h>

#include <string>

namespace farthing::agent {
namespace {

TEST(SessionTable, FindsWhatItLearnt) {
  SessionTable table(1000, 1);
  EXPECT_FALSE(table.find("s").has_value());
  table.learn("s", 3);
  EXPECT_EQ(table.find("s"), 3);
  table.learn("s", 4);
  EXPECT_EQ(table.find("s"), 4);
}

TEST(SessionTable, ForgetsWhatWasUsedLongestAgo) {
  SessionTable table(8, 1);  // one set
  for (int n = 0; n < 8; ++n) table.learn(std::to_string(n), 1);
  EXPECT_TRUE(table.find("0").has_value());
  table.learn("more", 2);
  EXPECT_TRUE(table.find("0").has_value());
  EXPECT_FALSE(table.find("1").has_value());
  EXPECT_TRUE(table.find("more").has_value());
}

TEST(SessionTable, IsBounded) {
  SessionTable table(64, 1);
  int found = 0;
  for (int n = 0; n < 10'000; ++n) table.learn(std::to_string(n), 1);
  for (int n = 0; n < 10'000; ++n) found += table.find(std::to_string(n)).has_value() ? 1 : 0;
  EXPECT_LE(found, 64);
  EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace farthing::agent
