// A round of changes: the last one of a key holds, sorted, whatever their sizes.
#include "storage/round.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace farthing::storage {
namespace {

using Model = std::map<std::string, std::optional<std::string>>;  // nullopt: erased

void expect_changes(const Round& round, const Model& model) {
  const std::vector<Round::Change> changes = round.changes(Table::sessions);
  ASSERT_EQ(changes.size(), model.size());
  auto change = changes.begin();
  for (const auto& [key, value] : model) {
    EXPECT_EQ(change->key, key);
    EXPECT_EQ(change->erased, !value.has_value());
    EXPECT_EQ(change->value, value.value_or(""));
    ++change;
  }
}

TEST(RoundTest, HoldsTheLastChangeOfEachKeyAlsoWhenItIsUsedAgain) {
  std::mt19937 random(1);
  Round round;
  for (int use = 0; use < 5; ++use) {
    Model model;
    for (int i = 0; i < 2000; ++i) {
      const std::string key(1 + random() % 3, static_cast<char>('a' + random() % 26));
      if (random() % 4 == 0) {
        round.erase(Table::sessions, key);
        model[key] = std::nullopt;
        continue;
      }
      // Now and then more than a block holds.
      const std::size_t bytes = random() % 500 == 0 ? random() % 1'000'000 : random() % 2000;
      const std::string value(bytes, static_cast<char>(random()));
      round.put(Table::sessions, key, value);
      model[key] = value;
    }
    expect_changes(round, model);
    EXPECT_TRUE(round.empty(Table::accounts));
    EXPECT_GT(round.size_bytes(), 0u);
    round.clear();
    EXPECT_TRUE(round.empty());
    EXPECT_EQ(round.size_bytes(), 0u);
  }
}

}  // namespace
}  // namespace farthing::storage
