// A ledger whose beginning was cut off, on disk and in memory alike.
#include "storage/memory_store.h"
#include "storage/rocksdb_store.h"
#include "tests/storage/store_fixture.h"
#include "tests/storage/traffic.h"

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;
using Code = StoreError::Code;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RetentionTest : public testing::Test {
 protected:
  StoreOptions options() const {
    StoreOptions options;
    options.folder = folder_.path() / "data";
    return options;
  }
  Ledger open() const { return open_ledger(options()); }

  TempFolder folder_;
};

std::vector<std::string> bodies(const LedgerStore& store, std::uint64_t from) {
  std::vector<std::string> found;
  const auto scanned = store.scan(Sequence(from), [&](const Record& record) {
    found.emplace_back(record.body);
    return true;
  });
  EXPECT_TRUE(scanned.has_value());
  return found;
}

// Records a: 1 and 2, b: 3, c: 4 to 6, d: 7; cut behind b.
void expect_cut_behind_b(const LedgerStore& store, const LedgerEnd& cut) {
  EXPECT_EQ(store.begin().last, cut.last);
  EXPECT_EQ(store.begin().now, cut.now);
  EXPECT_EQ(store.begin().hash, cut.hash);
  EXPECT_EQ(store.end().last, Sequence(7));
  EXPECT_THAT(bodies(store, 0), ElementsAre("c", "d"));
  EXPECT_THAT(bodies(store, 4), ElementsAre("c", "d"));
  EXPECT_THAT(bodies(store, 5), ElementsAre("c", "d"));
  EXPECT_THAT(bodies(store, 7), ElementsAre("d"));
  EXPECT_THAT(bodies(store, 8), IsEmpty());
  std::string buffer;
  EXPECT_EQ(store.read(Sequence(4), buffer)->body, "c");
  for (const std::uint64_t gone : {1, 2, 3}) {
    const auto read = store.read(Sequence(gone), buffer);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code, Code::archived);
    EXPECT_EQ(read.error().sequence, Sequence(gone));
    EXPECT_THAT(read.error().message, HasSubstr("begins with entry 4"));
    const auto scanned = store.scan(Sequence(gone), [](const Record&) { return true; });
    ASSERT_FALSE(scanned.has_value());
    EXPECT_EQ(scanned.error().code, Code::archived);
  }
  EXPECT_EQ(store.read(Sequence(0), buffer).error().code, Code::not_found);
}

// What no record ends with, or another one does.
void expect_refused_cuts(LedgerStore& store, const LedgerEnd& good) {
  LedgerEnd inside = good;
  inside.last = Sequence(5);
  LedgerEnd other = good;
  other.last = Sequence(7);
  LedgerEnd beyond = good;
  beyond.last = Sequence(8);
  for (const LedgerEnd& end : {inside, other, beyond}) {
    const auto cut = store.cut(end);
    ASSERT_FALSE(cut.has_value());
    EXPECT_EQ(cut.error().code, Code::not_found);
  }
}

TEST_F(RetentionTest, OnDisk) {
  LedgerEnd cut;
  {
    Ledger ledger = open();
    EXPECT_EQ(ledger->begin().last, Sequence(0));
    ledger.append("a", 2);
    ledger.append("b", 1, {{"tariff/1", "kept"}});
    cut = ledger->end();
    ledger.append("c", 3);
    ledger.append("d", 1);
    expect_refused_cuts(*ledger, cut);
    EXPECT_EQ(ledger.bodies().size(), 4u);
    ASSERT_TRUE(ledger->cut(cut).has_value());
    expect_cut_behind_b(*ledger, cut);
    EXPECT_TRUE(ledger->cut(cut).has_value());  // again
    EXPECT_TRUE(ledger->cut({}).has_value());
    expect_refused_cuts(*ledger, cut);
  }
  for (const bool read_only : {true, false}) {
    StoreOptions again = options();
    again.read_only = read_only;
    const Ledger ledger = open_ledger(again);
    expect_cut_behind_b(*ledger, cut);
    EXPECT_EQ(ledger->document("tariff/1"), "kept");
  }
  Ledger ledger = open();
  ledger.append("e");
  EXPECT_EQ(ledger->copy_to(folder_.path() / "copy")->last, Sequence(8));
  StoreOptions copied = options();
  copied.folder = folder_.path() / "copy";
  EXPECT_THAT(bodies(*open_ledger(copied), 0), ElementsAre("c", "d", "e"));
}

TEST_F(RetentionTest, InMemory) {
  MemoryStore store;
  std::vector<Document> none;
  LedgerEnd cut;
  for (const auto& [text, count] : {std::pair{"a", 2u}, {"b", 1u}, {"c", 3u}, {"d", 1u}}) {
    std::string body = text;
    store.append(body, count, at(10), none);
    EXPECT_TRUE(store.sync());
    if (body.empty() && store.end().last == Sequence(3)) cut = store.end();
  }
  expect_refused_cuts(store, cut);
  ASSERT_TRUE(store.cut(cut).has_value());
  expect_cut_behind_b(store, cut);
  EXPECT_TRUE(store.cut(cut).has_value());
  expect_refused_cuts(store, cut);
}

TEST_F(RetentionTest, NothingGoesThatTheCheckpointHasNotFolded) {
  Ledger ledger = open();
  MemoryStore memory;
  const auto expect_refused = [&](LedgerStore& store, const LedgerEnd& end) {
    const auto cut = store.cut(end);
    ASSERT_FALSE(cut.has_value());
    EXPECT_THAT(cut.error().message, HasSubstr("up to 1 only"));
    EXPECT_EQ(store.begin().last, Sequence(0));
  };
  for (const char* text : {"a", "b"}) {
    ledger.append(text);
    std::string body = text;
    std::vector<Document> none;
    memory.append(body, 1, at(10), none);
    EXPECT_TRUE(memory.sync());
  }
  const std::string position("\1\0\0\0\0\0\0\0", 8);
  Round round;
  round.put(Table::meta, "position", position);
  ledger.write(round);
  round.put(Table::meta, "position", position);
  memory.write_round(round);
  EXPECT_TRUE(memory.finish_round());
  expect_refused(*ledger, ledger->end());
  expect_refused(memory, memory.end());
}

TEST_F(RetentionTest, AllOfItMayGo) {
  LedgerEnd end;
  {
    Ledger ledger = open();
    ledger.append("a", 3);
    end = ledger->end();
    ASSERT_TRUE(ledger->cut(end).has_value());
    EXPECT_THAT(bodies(*ledger, 0), IsEmpty());
  }
  {
    Ledger ledger = open();
    EXPECT_EQ(ledger->end().last, end.last);
    EXPECT_EQ(ledger->end().hash, end.hash);
    EXPECT_THAT(bodies(*ledger, 0), IsEmpty());
    ledger.append("b");
  }
  EXPECT_THAT(bodies(*open(), 0), ElementsAre("b"));
}

// Where the cut fell between two writes of the high-water file and then all went dark.
TEST_F(RetentionTest, AHighWaterMarkBeforeTheCutIsNoLoss) {
  const fs::path high_water = options().folder / "high-water";
  { open().append("a"); }
  fs::copy(high_water, folder_.path() / "saved");
  {
    Ledger ledger = open();
    ledger.append("b");
    ASSERT_TRUE(ledger->cut(ledger->end()).has_value());
    ledger.append("c");
  }
  fs::copy(folder_.path() / "saved", high_water, fs::copy_options::overwrite_existing);
  EXPECT_THAT(bodies(*open(), 0), ElementsAre("c"));
}

TEST_F(RetentionTest, GivesItsSpaceBack) {
  StoreOptions small_files = options();
  small_files.ledger_file_bytes = 1 << 20;
  const auto bytes_on_disk = [&] {
    std::uintmax_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(options().folder / "ledger")) {
      std::error_code gone;
      const std::uintmax_t size = entry.path().extension() == ".sst" ? entry.file_size(gone) : 0;
      if (!gone) bytes += size;
    }
    return bytes;
  };
  constexpr std::uintmax_t record_bytes = 100'000;
  constexpr std::uintmax_t records = 300;
  {
    Ledger ledger = open_ledger(small_files);
    for (std::uintmax_t i = 0; i < records; ++i) ledger.append(std::string(record_bytes, 'x'));
  }
  open_ledger(small_files);  // what was only in the log is in files now
  const auto before = bytes_on_disk();
  EXPECT_GT(before, record_bytes * records * 9 / 10);
  {
    Ledger ledger = open_ledger(small_files);
    ASSERT_TRUE(ledger->cut(ledger->end()).has_value());
  }
  open_ledger(small_files);
  EXPECT_LT(bytes_on_disk(), before / 3);
}

TEST_F(RetentionTest, ReadersOfWhatIsBeingCutGoOn) {
  StoreOptions small_files = options();
  small_files.ledger_file_bytes = 1 << 20;
  {
    Ledger ledger = open_ledger(small_files);
    Traffic traffic(*ledger, 20'000);
    std::thread runner([&] { traffic.run(); });
    for (int cuts = 0; cuts < 5; ++cuts) {
      LedgerEnd end;
      while (end.last.value < ledger->begin().last.value + 100) {
        std::this_thread::yield();
        end = folded_end(*ledger);
      }
      std::uint64_t seen = ledger->begin().last.value;
      const auto scanned = ledger->scan(Sequence(0), [&](const Record& record) {
        if (++seen == end.last.value - 50) {
          EXPECT_TRUE(ledger->cut(end).has_value());
        }
        EXPECT_TRUE(record.body.starts_with(std::to_string(seen) + ";"));
        return true;
      });
      EXPECT_TRUE(scanned.has_value()) << scanned.error().message;
      EXPECT_EQ(ledger->begin().last, end.last);
    }
    traffic.stop();
    runner.join();
  }
  EXPECT_EQ(wrong_with_traffic(*open_ledger(small_files)), "");
}

}  // namespace
}  // namespace farthing::storage
