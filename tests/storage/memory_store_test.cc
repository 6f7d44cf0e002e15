#include "storage/memory_store.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farthing::storage {
namespace {

base::Time at(std::int64_t us) { return base::Time(base::Duration(us)); }

class MemoryStoreTest : public testing::Test {
 protected:
  void append(std::string body, std::uint32_t count, std::int64_t now,
              std::vector<Document> documents = {}) {
    store_.append(body, count, at(now), documents);
    EXPECT_TRUE(body.empty());
    EXPECT_TRUE(documents.empty());
  }

  std::vector<std::string> bodies(std::uint64_t from) {
    std::vector<std::string> found;
    const auto result = store_.scan(Sequence(from), [&](const Record& record) {
      found.emplace_back(record.body);
      return true;
    });
    EXPECT_TRUE(result.has_value());
    return found;
  }

  MemoryStore store_;
};

TEST_F(MemoryStoreTest, NothingIsDurableBeforeSync) {
  std::vector<Sequence> durable;
  store_.set_durable([&](Sequence last) { durable.push_back(last); });
  append("a", 3, 10, {{"tariff/one", "text"}});
  EXPECT_EQ(store_.end().last, Sequence(0));
  EXPECT_TRUE(bodies(1).empty());
  EXPECT_FALSE(store_.document("tariff/one").has_value());
  EXPECT_TRUE(durable.empty());

  EXPECT_TRUE(store_.sync());
  EXPECT_FALSE(store_.sync());
  EXPECT_THAT(durable, testing::ElementsAre(Sequence(3)));
  EXPECT_EQ(store_.end().last, Sequence(3));
  EXPECT_EQ(store_.end().now, at(10));
  EXPECT_EQ(store_.document("tariff/one"), "text");
}

TEST_F(MemoryStoreTest, CrashLosesTheAppendUnderWayAndNothingElse) {
  append("a", 1, 10);
  store_.sync();
  append("lost", 1, 11, {{"tariff/one", "text"}});
  store_.crash();
  EXPECT_FALSE(store_.sync());
  EXPECT_EQ(store_.end().last, Sequence(1));
  EXPECT_TRUE(store_.documents("").empty());
  append("b", 1, 11);
  store_.sync();
  EXPECT_THAT(bodies(1), testing::ElementsAre("a", "b"));
}

TEST_F(MemoryStoreTest, TheCallbackMayAppendAgain) {
  int left = 3;
  store_.set_durable([&](Sequence) {
    if (left-- > 0) append("more", 2, 10);
  });
  append("first", 2, 10);
  while (store_.sync()) {
  }
  EXPECT_EQ(store_.end().last, Sequence(8));
}

TEST_F(MemoryStoreTest, ReadsAndScansFromAnyEntry) {
  for (int i = 0; i < 4; ++i) {
    append(std::string(1, static_cast<char>('a' + i)), 2, i);
    store_.sync();
  }
  EXPECT_THAT(bodies(0), testing::ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(bodies(4), testing::ElementsAre("b", "c", "d"));
  EXPECT_THAT(bodies(5), testing::ElementsAre("c", "d"));
  EXPECT_TRUE(bodies(9).empty());
  std::string buffer;
  const auto record = store_.read(Sequence(6), buffer);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->body, "c");
  EXPECT_EQ(record->header.first, Sequence(5));
  const auto none = store_.read(Sequence(9), buffer);
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, StoreError::Code::not_found);
}

TEST_F(MemoryStoreTest, FindsDocumentsByPrefixInOrder) {
  append("a", 1, 1, {{"tariff/2", "b"}, {"tariff/1", "a"}, {"zone/1", "z"}});
  store_.sync();
  append("b", 1, 1, {{"tariff/2", "c"}});
  store_.sync();
  const auto found = store_.documents("tariff/");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].key, "tariff/1");
  EXPECT_EQ(found[1].value, "c");
}

}  // namespace
}  // namespace farthing::storage
