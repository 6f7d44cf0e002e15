// The checkpoint's rows against the fold of the ledger: what is in order passes, at any moment of a
// round; every row that is changed, taken away or out of date is named.
#include "engine/checkpoint.h"
#include "engine/operations.h"
#include "engine/verify.h"
#include "tests/support/requests.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farthing::engine {
namespace {

using storage::Table;
using test::request_of;
using test::use;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::string_view user = "8613800138000";

class RowCheckTest : public testing::Test {
 protected:
  RowCheckTest() {
    open_session("one", 0);
    EXPECT_TRUE(top_up(engine_.shard(), user, Money(1'000'000), Note{"op", "why", "request-1"})
                    .has_value());
    engine_.checkpoint();
  }

  void open_session(std::string_view id, std::uint32_t number) {
    Request request =
        request_of(number == 0 ? RequestType::initial : RequestType::update, number, id, user);
    use(request, number > 0 ? 1000 : 0, 1024);
    EXPECT_NE(engine_.handle(request), Shard::Hold::fetching);
    EXPECT_EQ(engine_.shard().answer().outcome, Outcome::success);
    engine_.sync();
  }

  // "": all is in order.
  std::string verdict() { return test::proof_failure(engine_.store()); }

  std::string row(Table table, std::string_view key) {
    const auto found = engine_.store().fetch(table, key);
    return found.has_value() && found->has_value() ? **found : "";
  }
  void put(Table table, std::string_view key, std::string_view value) {
    storage::Round round;
    round.put(table, key, value);
    write(round);
  }
  void erase(Table table, std::string_view key) {
    storage::Round round;
    round.erase(table, key);
    write(round);
  }
  void write(storage::Round& round) {
    engine_.store().set_round_written([] {});
    engine_.store().write_round(round);
    engine_.store().finish_round();
  }

  // A session that is over, and two messages.
  void close_some(const std::string& id) {
    open_session(id, 0);
    engine_.shard().close_session(*account().sessions, EntryKind::session_closed);
    for (const char* event : {" a", " b"}) {
      Request request;
      request.key = {RequestType::event, 0, 0, 1, 1};
      const std::string session = id + event;
      request.session_id = session;
      request.service_context = "32274@3gpp.org";
      request.identities = {*parse_msisdn(user)};
      request.action = RequestedAction::direct_debiting;
      request.add_service().requested.emplace().events = 1;
      EXPECT_NE(engine_.handle(request), Shard::Hold::fetching);
    }
    engine_.sync();
  }
  std::vector<std::string> duplicates() {
    std::vector<std::string> keys;
    EXPECT_TRUE(engine_.store()
                    .visit(Table::duplicates, {},
                           [&keys](std::string_view key, std::string_view) {
                             keys.emplace_back(key);
                             return true;
                           })
                    .has_value());
    return keys;
  }

  const Account& account() { return *engine_.shard().book().find_account(user); }
  std::string account_key() { return std::string(view(number_key(account().number.value))); }
  std::string session_key() {
    return std::string(view(number_key(account().sessions->number.value)));
  }

  static ShardOptions options() {
    ShardOptions options;
    options.checkpoint_interval = std::chrono::seconds(1);
    options.checkpoint_rows_a_step = 1;
    return options;
  }

  test::TestEngine engine_{options()};
};

TEST_F(RowCheckTest, PassesWhatWasWrittenBack) {
  EXPECT_EQ(verdict(), "");
  open_session("one", 1);  // behind the position, its rows are those of before
  EXPECT_EQ(verdict(), "");
}

TEST_F(RowCheckTest, PassesRowsThatRanAheadOfTheirRoundsPosition) {
  open_session("two", 0);
  open_session("one", 1);
  engine_.advance(std::chrono::seconds(2));
  const std::string before = row(Table::meta, meta_position_key);
  engine_.shard().tick();  // begins a round, and takes one row
  open_session("two", 1);
  engine_.shard().close_session(*account().sessions, EntryKind::session_closed);
  engine_.sync();
  while (!engine_.store().round_under_way()) engine_.shard().tick();
  engine_.store().finish_round();
  EXPECT_NE(row(Table::meta, meta_position_key), before);
  EXPECT_EQ(verdict(), "");
}

TEST_F(RowCheckTest, NamesWhateverIsWrongInTheTableOfDuplicates) {
  close_some("three");
  engine_.checkpoint();
  engine_.crash_and_restart();
  close_some("four");  // in a bucket of its own
  engine_.checkpoint();
  close_some("five");  // behind the position
  EXPECT_EQ(verdict(), "");
  const std::vector<std::string> keys = duplicates();
  ASSERT_EQ(keys.size(), 6u);
  for (const std::string& key : keys) {
    erase(Table::duplicates, key);
    EXPECT_THAT(verdict(), HasSubstr("has 2 rows, of 3"));
    for (std::size_t i = 0; i < key.size(); ++i) {
      std::string other = key;
      other[i] = static_cast<char>(other[i] ^ 0x10);
      put(Table::duplicates, other, {});
      EXPECT_THAT(verdict(), HasSubstr("in the table of duplicates")) << i;
      erase(Table::duplicates, other);
    }
    put(Table::duplicates, key, {});
    EXPECT_EQ(verdict(), "");
  }
  put(Table::duplicates, keys.front() + "x", {});
  EXPECT_THAT(verdict(), HasSubstr("malformed"));
}

TEST_F(RowCheckTest, PassesATableOfDuplicatesThatHasForgottenItsOldest) {
  close_some("three");
  engine_.checkpoint();
  engine_.advance(std::chrono::hours(20));
  close_some("four");
  engine_.checkpoint();
  engine_.advance(std::chrono::hours(10));
  engine_.sync();
  engine_.shard().tick();
  engine_.checkpoint();
  ASSERT_FALSE(duplicates().empty());
  EXPECT_TRUE(std::ranges::none_of(
      duplicates(), [](const std::string& key) { return key.starts_with(duplicate_prefix(1)); }));
  EXPECT_EQ(verdict(), "");
}

// A server that nobody asks for a day writes nothing meanwhile.
TEST_F(RowCheckTest, WhatIsForgottenBeforeItWasWrittenIsNotWritten) {
  engine_.checkpoint();
  close_some("three");
  engine_.advance(std::chrono::hours(30));
  engine_.sync();
  engine_.shard().tick();
  close_some("four");
  engine_.checkpoint();
  ASSERT_FALSE(duplicates().empty());
  EXPECT_EQ(verdict(), "");
}

TEST_F(RowCheckTest, NamesAnAccountWhoseRowWasChanged) {
  Account changed;
  ASSERT_TRUE(decode_account(row(Table::accounts, account_key()), changed));
  changed.main_micros += 1;
  std::string bytes;
  encode_account(changed, bytes);
  put(Table::accounts, account_key(), bytes);
  EXPECT_THAT(verdict(), AllOf(HasSubstr("account 8613800138000"), HasSubstr("main is "),
                               HasSubstr(std::to_string(account().last.value))));
}

TEST_F(RowCheckTest, NamesWhateverByteOfAnAccountsRowIsFlipped) {
  const std::string good = row(Table::accounts, account_key());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    put(Table::accounts, account_key(), bad);
    EXPECT_THAT(verdict(), HasSubstr("account 8613800138000")) << i;
  }
}

TEST_F(RowCheckTest, NamesWhateverByteOfASessionsRowIsFlipped) {
  const std::string good = row(Table::sessions, session_key());
  ASSERT_NE(good, "");
  const std::string name = "session " + std::to_string(account().sessions->number.value);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    put(Table::sessions, session_key(), bad);
    EXPECT_THAT(verdict(), HasSubstr(name)) << i;
  }
}

TEST_F(RowCheckTest, NamesRowsThatAreMissing) {
  const std::string account_row = row(Table::accounts, account_key());
  erase(Table::accounts, account_key());
  EXPECT_THAT(verdict(), HasSubstr("the row of account 8613800138000 is missing"));
  put(Table::accounts, account_key(), account_row);

  const std::string session_row = row(Table::sessions, session_key());
  erase(Table::sessions, session_key());
  EXPECT_THAT(verdict(), AllOf(HasSubstr("of account 8613800138000 is missing")));
  put(Table::sessions, session_key(), session_row);

  for (const std::string& key :
       {index_key_of_name(user), index_key(account().subscribers[0].msisdn)}) {
    const std::string index_row = row(Table::index, key);
    ASSERT_NE(index_row, "");
    erase(Table::index, key);
    EXPECT_THAT(verdict(), HasSubstr("index for account 8613800138000"));
    put(Table::index, key, index_row);
  }
  erase(Table::index, index_key_of_request("request-1"));
  EXPECT_THAT(verdict(), HasSubstr("\"request-1\" is missing"));
}

TEST_F(RowCheckTest, NamesRowsOfTheIndexThatLeadElsewhere) {
  const std::string key = index_key(account().subscribers[0].msisdn);
  const std::string good = row(Table::index, key);
  put(Table::index, key, encode_index({AccountNumber(2), SubscriberNumber(1)}));
  EXPECT_THAT(verdict(), HasSubstr("an identity of account 8613800138000 leads elsewhere"));
  put(Table::index, key, good);
  put(Table::index, index_key_of_name("nobody"), encode_index({account().number, {}}));
  EXPECT_THAT(verdict(), HasSubstr("nobody bears"));
  erase(Table::index, index_key_of_name("nobody"));
  EXPECT_EQ(verdict(), "");
  put(Table::index, index_key_of_request("request-1"), encode_admin_request({}));
  EXPECT_THAT(verdict(), HasSubstr("\"request-1\" is not what"));
}

TEST_F(RowCheckTest, NamesRowsThatAreOutOfDate) {
  const std::string before = row(Table::accounts, account_key());
  const std::string session_before = row(Table::sessions, session_key());
  open_session("one", 1);
  engine_.checkpoint();
  EXPECT_EQ(verdict(), "");
  const std::string now = row(Table::accounts, account_key());
  put(Table::accounts, account_key(), before);
  EXPECT_THAT(verdict(), HasSubstr("the row of account 8613800138000 is that of entry"));
  put(Table::accounts, account_key(), now);
  put(Table::sessions, session_key(), session_before);
  EXPECT_THAT(verdict(), HasSubstr("is an older one"));
}

TEST_F(RowCheckTest, NamesASessionsRowThatOutlivedIt) {
  const std::string key = session_key();
  const std::string left = row(Table::sessions, key);
  engine_.shard().close_session(*account().sessions, EntryKind::session_closed);
  engine_.checkpoint();
  EXPECT_EQ(verdict(), "");
  EXPECT_EQ(row(Table::sessions, key), "");
  put(Table::sessions, key, left);
  EXPECT_THAT(verdict(), HasSubstr("which is not open"));
}

TEST_F(RowCheckTest, NamesALastEntryOfAnotherAccount) {
  engine_.crash_and_restart();
  Account changed;
  ASSERT_TRUE(decode_account(row(Table::accounts, account_key()), changed));
  changed.last = engine_.store().end().last;  // nobody's: the start's
  ASSERT_NE(changed.last, account().last);
  std::string bytes;
  encode_account(changed, bytes);
  put(Table::accounts, account_key(), bytes);
  EXPECT_THAT(verdict(),
              AllOf(HasSubstr("account 8613800138000"), HasSubstr("no entry of that account")));
}

TEST_F(RowCheckTest, NamesWhatIsWrongInTheMetaRows) {
  const std::string state = row(Table::meta, meta_book_key);
  BookState said;
  ASSERT_TRUE(decode_book_state(state, said));
  ++said.account_count;
  put(Table::meta, meta_book_key, encode_book_state(said));
  EXPECT_THAT(verdict(), HasSubstr("the row of its state"));
  put(Table::meta, meta_book_key, "");
  EXPECT_THAT(verdict(), HasSubstr("the row of its state is malformed"));
  put(Table::meta, meta_book_key, state);
  EXPECT_EQ(verdict(), "");

  const std::string position = row(Table::meta, meta_position_key);
  put(Table::meta, meta_position_key, std::string(8, '\x7f'));
  EXPECT_THAT(verdict(), HasSubstr("its position is entry"));
  std::string earlier = position;
  --earlier[0];
  put(Table::meta, meta_position_key, earlier);
  EXPECT_NE(verdict(), "");
  erase(Table::meta, meta_position_key);
  EXPECT_THAT(verdict(), HasSubstr("one is missing"));
  erase(Table::meta, meta_book_key);
  EXPECT_THAT(verdict(), HasSubstr("its position is missing"));
}

}  // namespace
}  // namespace farthing::engine
