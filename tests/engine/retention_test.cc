// Retention over a store in memory: what is old leaves the ledger for the archive and the ledger
// is still proved, whichever step of a run was the last.
#include "engine/retention.h"

#include "engine/archive.h"
#include "engine/opening.h"
#include "engine/operations.h"
#include "engine/verify.h"
#include "storage/packed_file.h"
#include "tests/support/temp_folder.h"
#include "tests/support/requests.h"
#include "tests/support/test_engine.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace farthing::engine {
namespace {

namespace fs = std::filesystem;
using test::request_of;
using test::use;
using testing::HasSubstr;

constexpr std::string_view user = "8613800138000";
constexpr std::chrono::hours day(24);

class RetentionTest : public testing::Test {
 protected:
  RetentionTest() { live_some_days(5); }

  void live_some_days(int days) {
    for (int i = 0; i < days; ++i) {
      engine_.advance(day);
      request(fmt::format("session {}", next_session_), 0);
      request(fmt::format("session {}", next_session_), 1);
      if (next_session_ % 3 != 0) {  // some stay open
        const Account& account = *engine_.shard().book().find_account(user);
        engine_.shard().close_session(*account.sessions, EntryKind::session_closed);
      }
      ++next_session_;
      EXPECT_TRUE(top_up(engine_.shard(), user, Money(1'000'000),
                         Note{"op", "why", fmt::format("top-up {}", next_session_)})
                      .has_value());
      engine_.sync();
    }
    engine_.checkpoint();
  }
  void request(const std::string& session, std::uint32_t number) {
    Request request =
        request_of(number == 0 ? RequestType::initial : RequestType::update, number, session, user);
    use(request, number > 0 ? 1000 : 0, 1024);
    EXPECT_NE(engine_.handle(request), Shard::Hold::fetching);
    EXPECT_EQ(engine_.shard().answer().outcome, Outcome::success);
    engine_.sync();
  }

  RetentionHooks hooks() {
    RetentionHooks hooks;
    hooks.enter = [this](const LedgerCut& cut) {
      engine_.shard().enter_cut(cut, archive().string());
      engine_.sync();
      return true;
    };
    hooks.oldest_needed = [this] { return std::optional(oldest_needed_); };
    hooks.keep_on = [] { return true; };
    return hooks;
  }
  base::Result<std::optional<LedgerCut>, std::string> run(RetentionHooks hooks) {
    Retention retention(engine_.store(), {3 * day, archive(), segment_bytes_}, std::move(hooks));
    return retention.run(engine_.now());
  }
  // REQUIRES: something is due.
  LedgerCut cut() {
    const auto done = run(hooks());
    EXPECT_TRUE(done.has_value()) << done.error();
    EXPECT_TRUE(done->has_value());
    return **done;
  }

  // "": all is in order.
  std::string verdict(const fs::path& archive, bool from_first) {
    Verifier verifier(engine_.store(), archive);
    if (const auto rows = verifier.read_rows(); !rows.has_value()) return rows.error().message;
    if (!from_first) {
      if (const auto begun = verifier.begin(); !begun.has_value()) return begun.error().message;
    }
    const auto folded = verifier.fold_to(engine_.store().end().last, [](Sequence) { return true; });
    if (!folded.has_value()) return folded.error().message;
    if (const auto sums = verifier.check_sums(); !sums.has_value()) return sums.error().message;
    const auto end = verifier.check_end();
    return end.has_value() ? "" : end.error().message;
  }
  void expect_in_order() {
    EXPECT_EQ(verdict(archive(), false), "");
    EXPECT_EQ(verdict(archive(), true), "");
  }

  fs::path archive() const { return folder_.path() / "archive"; }
  std::uint64_t begin() { return engine_.store().begin().last.value + 1; }

  test::TempFolder folder_;
  test::TestEngine engine_;
  Sequence oldest_needed_{UINT64_MAX};
  std::uint64_t segment_bytes_ = 1u << 20;
  int next_session_ = 0;
};

TEST_F(RetentionTest, WhatIsOldIsInTheArchiveAndStillProved) {
  const std::uint64_t end = engine_.store().end().last.value;
  const LedgerCut first = cut();
  EXPECT_GT(first.end.last.value, 1u);
  EXPECT_LT(first.end.last.value, end);
  EXPECT_LT(first.end.now, engine_.now() - 3 * day);
  EXPECT_EQ(begin(), first.end.last.value + 1);
  EXPECT_TRUE(fs::exists(archive() / opening_file_name(first.end.last)));
  expect_in_order();

  const auto again = run(hooks());
  ASSERT_TRUE(again.has_value()) << again.error();
  EXPECT_FALSE(again->has_value());  // nothing is due

  live_some_days(4);
  const LedgerCut second = cut();
  EXPECT_GT(second.end.last, first.end.last);
  expect_in_order();
  engine_.crash_and_restart();
  std::ofstream(archive() / "opening-remarks") << "of somebody else";
  live_some_days(4);
  const LedgerCut third = cut();
  expect_in_order();
  // Opening balances are kept of the last two cuts.
  EXPECT_FALSE(fs::exists(archive() / opening_file_name(first.end.last)));
  EXPECT_TRUE(fs::exists(archive() / opening_file_name(second.end.last)));
  EXPECT_TRUE(fs::exists(archive() / opening_file_name(third.end.last)));
  EXPECT_TRUE(fs::exists(archive() / "opening-remarks"));
}

TEST_F(RetentionTest, EveryRecordIsInTheArchiveOrInTheLedgerInItsOrder) {
  std::vector<std::string> before;
  const auto collect = [](std::vector<std::string>& into) {
    return [&into](const storage::Record& record) {
      into.push_back(fmt::format("{} {}", record.header.first.value, record.body));
      return true;
    };
  };
  ASSERT_TRUE(engine_.store().scan(Sequence(1), collect(before)).has_value());
  segment_bytes_ = 100;  // many segments
  cut();
  EXPECT_GT(storage::SegmentFolder::open(archive())->segments().size(), 2u);
  std::vector<std::string> after;
  LedgerReader reader(engine_.store(), archive());
  ASSERT_TRUE(reader.scan(Sequence(1), collect(after)).has_value());
  ASSERT_EQ(after.size(), before.size() + 1);  // and the cut
  after.pop_back();
  EXPECT_EQ(after, before);
  std::string buffer;
  for (std::uint64_t own = 1; own <= engine_.store().end().last.value; ++own) {
    const auto record = reader.read(Sequence(own), buffer);
    ASSERT_TRUE(record.has_value()) << own << record.error().message;
    EXPECT_LE(record->header.first.value, own);
    EXPECT_GT(record->header.first.value + record->header.count, own);
  }
}

// Whether it was answered before its session ended nobody can tell any more.
TEST_F(RetentionTest, AReportOfASessionThatIsPartlyArchivedIsNotCharged) {
  request("long", 0);
  request("long", 1);
  engine_.advance(4 * day);
  request("long", 3);
  const auto late = [&](std::uint32_t number) {
    Request report = request_of(RequestType::update, number, "long", user);
    use(report, 5000, 0);
    engine_.handle(report);
    engine_.sync();
    return engine_.shard().answer().outcome;
  };
  const Account& account = *engine_.shard().book().find_account(user);
  const Session* const session = engine_.shard().book().find_session(
      engine_.shard().book().session_key("long"));
  ASSERT_NE(session, nullptr);
  engine_.shard().close_session(*session, EntryKind::session_closed);
  engine_.sync();
  engine_.checkpoint();
  const Money before = account.balance();
  EXPECT_EQ(late(2), Outcome::success);
  EXPECT_LT(account.balance(), before);
  const Money charged = account.balance();
  EXPECT_EQ(late(2), Outcome::success);
  EXPECT_EQ(account.balance(), charged);  // once
  engine_.checkpoint();
  cut();
  EXPECT_EQ(late(1), Outcome::unknown_session);
  EXPECT_EQ(late(2), Outcome::success);  // as remembered
  EXPECT_EQ(account.balance(), charged);
  expect_in_order();
}

TEST_F(RetentionTest, WhatAReaderNeedsStays) {
  oldest_needed_ = Sequence(1);
  EXPECT_FALSE(run(hooks())->has_value());
  oldest_needed_ = Sequence(engine_.store().end().last.value - 16);  // of the first day
  cut();
  EXPECT_LE(begin(), oldest_needed_.value);
  RetentionHooks unknown = hooks();
  unknown.oldest_needed = [] { return std::optional<Sequence>(); };
  oldest_needed_ = Sequence(UINT64_MAX);
  EXPECT_FALSE(run(unknown)->has_value());
}

TEST_F(RetentionTest, WhatTheCheckpointHasNotFoldedStays) {
  test::TestEngine fresh;  // without one
  fresh.advance(10 * day);
  Retention retention(fresh.store(), {3 * day, archive(), segment_bytes_}, hooks());
  const auto done = retention.run(fresh.now());
  ASSERT_TRUE(done.has_value());
  EXPECT_FALSE(done->has_value());
}

TEST_F(RetentionTest, ARunThatEndsBeforeItsEntryIsMadeGood) {
  RetentionHooks dying = hooks();
  dying.enter = [](const LedgerCut&) { return false; };
  EXPECT_FALSE(run(dying).has_value());
  EXPECT_EQ(begin(), 1u);
  EXPECT_EQ(verdict("", false), "");
  engine_.crash_and_restart();
  cut();
  EXPECT_GT(begin(), 1u);
  expect_in_order();
}

TEST_F(RetentionTest, ARunThatEndsBetweenItsEntryAndTheCutIsMadeGood) {
  std::optional<LedgerCut> entered;
  RetentionHooks dying = hooks();
  dying.enter = [this, &entered](const LedgerCut& cut) {
    entered = cut;
    engine_.shard().enter_cut(cut, archive().string());
    engine_.sync();
    return false;  // and there the process dies
  };
  EXPECT_FALSE(run(dying).has_value());
  ASSERT_TRUE(entered.has_value());
  EXPECT_EQ(begin(), 1u);
  EXPECT_EQ(verdict(archive(), false), "");
  engine_.crash_and_restart();
  const LedgerCut made = cut();  // the same once more
  EXPECT_EQ(made.end.last, entered->end.last);
  EXPECT_EQ(made.opening, entered->opening);
  expect_in_order();
  live_some_days(4);  // later there is more
  cut();
  expect_in_order();
}

TEST_F(RetentionTest, ASegmentThatWasBeingWrittenIsGoneOnWith) {
  // As a crash leaves it: open, with half a record at its end.
  fs::create_directories(archive());
  auto writer = storage::SegmentWriter::create(archive(), {});
  ASSERT_TRUE(writer.has_value());
  int records = 0;
  ASSERT_TRUE(engine_.store()
                  .scan(Sequence(1),
                        [&](const storage::Record& record) {
                          const auto header =
                              storage::encode_record_header(record.header, record.body);
                          const std::string bytes =
                              std::string(header.data(), header.size()).append(record.body);
                          EXPECT_TRUE(writer->append(bytes).has_value());
                          return ++records < 3;
                        })
                  .has_value());
  ASSERT_TRUE(writer->sync().has_value());
  std::ofstream(archive() / storage::segment_file_name(Sequence(1)),
                std::ios::binary | std::ios::app)
      << "half a record";
  std::ofstream(archive() / (opening_file_name(Sequence(7)) + ".new")) << "half an opening";
  cut();
  expect_in_order();
}

TEST_F(RetentionTest, AnArchiveOfAnotherLedgerIsRefused) {
  cut();
  test::TestEngine other;
  other.advance(10 * day);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(top_up(other.shard(), user, Money(1), Note{}).has_value());
    other.sync();
    other.advance(day);
  }
  other.checkpoint();
  Retention retention(other.store(), {3 * day, archive(), segment_bytes_}, hooks());
  const auto done = retention.run(other.now());
  ASSERT_FALSE(done.has_value());
  EXPECT_THAT(done.error(), HasSubstr(archive().string()));
  EXPECT_EQ(other.store().begin().last.value, 0u);
}

TEST_F(RetentionTest, SaysWhichFileIsMissing) {
  const LedgerCut made = cut();
  EXPECT_THAT(verdict("", false), HasSubstr(opening_file_name(made.end.last)));
  const fs::path opening = archive() / opening_file_name(made.end.last);
  fs::rename(opening, folder_.path() / "kept");
  EXPECT_THAT(verdict(archive(), false), HasSubstr(opening.string()));
  live_some_days(4);
  const auto next = run(hooks());  // the balances go on from that file
  ASSERT_FALSE(next.has_value());
  EXPECT_THAT(next.error(), HasSubstr(opening.string()));
  fs::rename(folder_.path() / "kept", opening);
  EXPECT_THAT(verdict("", true), HasSubstr("ledger entry 1 was archived"));
  cut();
  expect_in_order();
}

// What can be read out of a packed file; "" where that is refused.
std::string content_of(const fs::path& path) {
  auto reader = storage::PackedReader::open(path);
  std::string content;
  while (reader.has_value()) {
    const auto piece = reader->next();
    if (!piece.has_value()) return "";
    if (piece->empty()) break;
    content += *piece;
  }
  return content;
}

TEST_F(RetentionTest, FindsWhateverIsWrongInTheOpeningBalances) {
  const LedgerCut made = cut();
  const fs::path opening = archive() / opening_file_name(made.end.last);
  std::string good;
  {
    std::ifstream in(opening, std::ios::binary);
    good.assign(std::istreambuf_iterator<char>(in), {});
  }
  const std::string content = content_of(opening);
  ASSERT_FALSE(content.empty());
  for (std::size_t i = 0; i <= good.size(); i += 7) {
    std::string bad = good;
    if (i + 7 <= good.size()) {
      bad[i] = static_cast<char>(bad[i] ^ 1);
    } else {
      bad.resize(good.size() - 1);
    }
    std::ofstream(opening, std::ios::binary | std::ios::trunc) << bad;
    if (content_of(opening) == content) continue;  // a bit that means nothing to Zstandard
    EXPECT_THAT(verdict(archive(), false), HasSubstr(opening.string())) << i;
  }
  // A file that is whole, of other balances.
  ASSERT_TRUE(write_opening(archive(), engine_.shard().book(),
                            {engine_.shard().book().last(), {}, {}}, made.sums)
                  .has_value());
  fs::rename(archive() / opening_file_name(engine_.shard().book().last()), opening);
  EXPECT_THAT(verdict(archive(), false), HasSubstr("is not the file with whose balances"));
  std::ofstream(opening, std::ios::binary | std::ios::trunc) << good;
  expect_in_order();
}

}  // namespace
}  // namespace farthing::engine
