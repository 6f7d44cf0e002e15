// The verifier: it follows the ledger to any entry and finds what is wrong with it.
#include "engine/verify.h"

#include "engine/demo.h"
#include "engine/operations.h"
#include "engine/shard.h"
#include "engine/tariff_versions.h"
#include "storage/memory_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farthing::engine {
namespace {

using testing::HasSubstr;

class ForgetfulStore : public storage::MemoryStore {
 public:
  std::optional<std::string> document(std::string_view key) const override {
    return key == forgotten ? std::nullopt : storage::MemoryStore::document(key);
  }
  std::string forgotten;
};

class VerifyTest : public testing::Test {
 protected:
  VerifyTest()
      : shard_(store_, ShardOptions{}, [] { return Time(std::chrono::hours(24 * 365 * 56)); }) {
    store_.set_durable([this](Sequence last) { shard_.durable(last); });
    EXPECT_TRUE(shard_.recover([](Sequence) {}).has_value());
    enter_demo(shard_);
    sync();
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(top_up(shard_, "8613800138000", Money(1'000'000), Note{}).has_value());
      sync();
    }
  }
  void sync() {
    shard_.end_turn();
    while (store_.sync()) {
    }
  }
  static bool go_on(Sequence) { return true; }

  ForgetfulStore store_;
  Shard shard_;
};

TEST_F(VerifyTest, FoldsStepByStepToTheSameBook) {
  Verifier verifier(store_);
  const std::uint64_t end = store_.end().last.value;
  for (std::uint64_t at = 1; at <= end; ++at) {  // entries inside records too
    ASSERT_TRUE(verifier.fold_to(Sequence(at), go_on).has_value()) << at;
    EXPECT_EQ(verifier.book().last().value, at);
  }
  EXPECT_TRUE(verifier.check_sums().has_value());
  EXPECT_EQ(verifier.records(), 4u);
  ASSERT_EQ(verifier.book().account_count(), shard_.book().account_count());
  for (std::uint64_t i = 1; i <= verifier.book().account_count(); ++i) {
    const Account& expected = *shard_.book().account(AccountNumber(i));
    const Account& folded = *verifier.book().account(AccountNumber(i));
    EXPECT_EQ(account_fingerprint(folded), account_fingerprint(expected));
    EXPECT_EQ(first_difference(account_state(expected), account_state(folded)), "");
  }
}

TEST_F(VerifyTest, FindsDocumentsThatAreMissing) {
  const auto verdict = [this](Sequence until) {
    Verifier verifier(store_);
    EXPECT_TRUE(verifier.fold_to(until, go_on).has_value());
    const auto sums = verifier.check_sums();
    return sums.has_value() ? std::string() : sums.error().message;
  };
  const Sequence before = store_.end().last;
  ASSERT_TRUE(
      load_numbers(shard_, std::make_shared<tariffs::PortedNumbers>(), std::string("x"), {}));
  sync();
  EXPECT_EQ(verdict(store_.end().last), "");
  store_.forgotten = "numbers/ported";
  EXPECT_THAT(verdict(store_.end().last), HasSubstr("the table of ported numbers is missing"));
  EXPECT_EQ(verdict(before), "") << "of then, when there was none";
  store_.forgotten = tariff_document_key(tariffs::TariffVersion(1));
  EXPECT_THAT(verdict(before), HasSubstr("the source of tariff version 1 is missing"));
}

TEST_F(VerifyTest, SaysInWhatTwoAccountsDiffer) {
  const Account& account = *shard_.book().find_account("8613800138003");
  Account other = account;
  other.buckets[0].reserved = 5;
  EXPECT_NE(account_fingerprint(account), account_fingerprint(other));
  EXPECT_EQ(first_difference(account_state(account), account_state(other)),
            "bucket 1: reserved is 5, not 0");
  other = account;
  other.buckets.clear();
  EXPECT_THAT(first_difference(account_state(account), account_state(other)), HasSubstr("missing"));
  EXPECT_THAT(first_difference(account_state(other), account_state(account)),
              HasSubstr("too much"));
}

TEST_F(VerifyTest, StopsWhenToldTo) {
  Verifier verifier(store_);
  const auto stopped = verifier.fold_to(Sequence(store_.end().last.value + 5), go_on);
  ASSERT_FALSE(stopped.has_value());
  EXPECT_THAT(stopped.error().message, HasSubstr("the ledger ends at entry"));
}

// A store whose ledger holds one entry more than the book knows of.
TEST_F(VerifyTest, NamesAnEntryThatCannotFollow) {
  Entry entry;
  entry.kind = EntryKind::top_up;
  entry.account = AccountNumber(1);
  entry.previous = Sequence(1);  // not the account's last
  const Sequence own(store_.end().last.value + 1);
  std::string body;
  encode_entry(entry, own, body);
  std::vector<storage::Document> documents;
  store_.set_durable([](Sequence) {});
  store_.append(body, 1, store_.end().now, documents);
  store_.sync();
  Verifier verifier(store_);
  const auto folded = verifier.fold_to(own, go_on);
  ASSERT_FALSE(folded.has_value());
  EXPECT_EQ(folded.error().sequence, own);
  EXPECT_THAT(folded.error().message, HasSubstr("does not follow its account's last entry"));
}

}  // namespace
}  // namespace farthing::engine
