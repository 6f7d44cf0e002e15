// The simulated disk: what a crash keeps and what it never does.
#include "tools/sim/sim_store.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

namespace farthing::sim {
namespace {

using storage::Sequence;

class SimStoreTest : public ::testing::Test {
 protected:
  void append(std::string body, std::uint32_t count) {
    std::vector<storage::Document> documents = {{"kind/" + body, body}};
    store_->append(body, count, base::Time(base::Duration(1)), documents);
  }
  std::vector<std::string> bodies() const {
    std::vector<std::string> found;
    EXPECT_TRUE((*store_)
                    .scan(Sequence(1),
                          [&](const storage::Record& record) {
                            found.emplace_back(record.body);
                            return true;
                          })
                    .has_value());
    return found;
  }

  std::optional<SimStore> store_{std::in_place};
};

TEST_F(SimStoreTest, AnAppendIsThereWhenItIsSynced) {
  Sequence durable;
  store_->set_durable([&](Sequence last) { durable = last; });
  append("a", 2);
  EXPECT_TRUE(bodies().empty());
  EXPECT_EQ(store_->document("kind/a"), std::nullopt);
  EXPECT_TRUE(store_->sync());
  EXPECT_EQ(durable, Sequence(2));
  EXPECT_EQ(bodies(), std::vector<std::string>{"a"});
  EXPECT_EQ(store_->document("kind/a"), "a");
  EXPECT_FALSE(store_->sync());
}

TEST_F(SimStoreTest, ACrashKeepsWhatWasSyncedAndTheRestWholeOrNotAtAll) {
  int kept = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    store_.emplace();
    append("synced", 1);
    store_->sync();
    append("unsynced", 3);
    EXPECT_EQ(store_->crash(Random(seed)), std::nullopt);
    const auto found = bodies();
    ASSERT_EQ(found.size(), store_->end().last.value == 4 ? 2u : 1u);
    EXPECT_EQ(found[0], "synced");
    EXPECT_EQ(store_->document("kind/unsynced").has_value(), found.size() == 2);
    kept += found.size() == 2 ? 1 : 0;
    append("after", 1);
    store_->sync();
    EXPECT_EQ(bodies().back(), "after");
  }
  EXPECT_GT(kept, 0);
  EXPECT_LT(kept, 50);
}

TEST_F(SimStoreTest, ACrashKeepsARoundWholeOrNotAtAll) {
  int kept = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    store_.emplace();
    storage::Round round;
    round.put(storage::Table::accounts, "a", "1");
    round.put(storage::Table::meta, "b", "2");
    store_->write_round(round);
    EXPECT_FALSE(store_->fetch(storage::Table::accounts, "a")->has_value());
    EXPECT_EQ(store_->crash(Random(seed)), std::nullopt);
    const bool first = store_->fetch(storage::Table::accounts, "a")->has_value();
    EXPECT_EQ(store_->fetch(storage::Table::meta, "b")->has_value(), first);
    EXPECT_FALSE(store_->finish_round());
    kept += first ? 1 : 0;
  }
  EXPECT_GT(kept, 0);
  EXPECT_LT(kept, 50);
}

TEST_F(SimStoreTest, WhatIsCutIsGoneAndTheRestStillFollows) {
  for (const char* body : {"a", "b", "c"}) {
    append(body, 2);
    store_->sync();
  }
  std::string buffer;
  const auto second = store_->read(Sequence(3), buffer);
  ASSERT_TRUE(second.has_value());
  const auto end = storage::end_after(buffer, Sequence(3));
  ASSERT_TRUE(end.has_value());
  ASSERT_TRUE(store_->cut(*end).has_value());
  EXPECT_EQ(store_->begin().last, Sequence(4));
  EXPECT_EQ(store_->read(Sequence(4), buffer).error().code, storage::StoreError::Code::archived);
  std::size_t records = 0;
  EXPECT_TRUE(store_
                  ->scan(Sequence(0),
                         [&](const storage::Record&) {
                           ++records;
                           return true;
                         })
                  .has_value());
  EXPECT_EQ(records, 1u);
}

TEST_F(SimStoreTest, NothingIsCalledBackAfterACrash) {
  bool called = false;
  store_->set_durable([&](Sequence) { called = true; });
  store_->read_later([&] { called = true; });
  append("a", 1);
  EXPECT_EQ(store_->crash(Random(1)), std::nullopt);
  EXPECT_FALSE(store_->sync());
  EXPECT_FALSE(store_->read_next());
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace farthing::sim
