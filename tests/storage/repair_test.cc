// Folders that are made to end earlier, sound ones and damaged ones.
#include "storage/repair.h"

#include "storage/rocksdb_store.h"
#include "tests/storage/store_fixture.h"
#include "tests/storage/traffic.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;
using Code = StoreError::Code;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RepairTest : public testing::Test {
 protected:
  StoreOptions options() const {
    StoreOptions options;
    options.folder = folder_.path() / "data";
    return options;
  }
  fs::path data() const { return options().folder; }
  Ledger open() const { return open_ledger(options()); }

  // Records a: 1 and 2, b: 3, c: 4 to 6, d: 7; the checkpoint has folded up to `position`.
  void write_four_records(std::uint64_t position) const {
    Ledger ledger = open();
    ledger.append("a", 2, {{"tariff/1", "text"}});
    ledger.append("b", 1);
    write_checkpoint(ledger, position);
    ledger.append("c", 3);
    ledger.append("d", 1);
  }
  static void write_checkpoint(Ledger& ledger, std::uint64_t position) {
    Round round;
    round.put(Table::accounts, "k", "v");
    round.put(Table::meta, "position", {reinterpret_cast<const char*>(&position), sizeof position});
    ledger.write(round);
  }

  // What the normal opening says; nothing if it opens.
  std::string refusal() const {
    const auto store = open_rocksdb_store(options());
    return store.has_value() ? "" : store.error().message;
  }
  // What a scan of all says; nothing if all is well.
  static std::string complaint(const Ledger& ledger) {
    const auto scanned = ledger->scan(Sequence(0), [](const Record&) { return true; });
    return scanned.has_value() ? "" : scanned.error().message;
  }

  TempFolder folder_;
};

TEST_F(RepairTest, SaysWhatItWouldDropAndThenDropsIt) {
  write_four_records(3);
  const auto plan = plan_drop(data(), Sequence(3));
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_EQ(plan->end.last, Sequence(3));
  EXPECT_EQ(plan->end.now, at(3));
  EXPECT_EQ(plan->first, Sequence(4));
  EXPECT_EQ(plan->last, Sequence(7));
  EXPECT_EQ(plan->records, 2u);
  EXPECT_EQ(plan->bytes, 2u * 64 + 2);
  EXPECT_EQ(plan->from, at(6));
  EXPECT_EQ(plan->to, at(7));
  EXPECT_EQ(plan->checkpoint, "");
  EXPECT_EQ(plan->damage, "");
  EXPECT_EQ(plan->high_water, Sequence(7));
  EXPECT_THAT(open().bodies(), ElementsAre("a", "b", "c", "d"));

  fs::path saved;
  const auto done = drop_after(data(), Sequence(3), &saved);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(done->records, 2u);
  {
    Ledger ledger = open();
    EXPECT_EQ(ledger->end().hash, plan->end.hash);
    EXPECT_EQ(ledger->document("tariff/1"), "text");
    EXPECT_THAT(ledger.rows(Table::accounts), ElementsAre("k=v"));
    ledger.append("other");
    EXPECT_THAT(ledger.bodies(), ElementsAre("a", "b", "other"));
  }
  EXPECT_EQ(saved, data() / "before-repair-1");
  StoreOptions before = options();
  before.folder = saved;
  EXPECT_THAT(open_ledger(before).bodies(), ElementsAre("a", "b", "c", "d"));

  ASSERT_TRUE(drop_after(data(), Sequence(2), &saved).has_value());
  EXPECT_EQ(saved, data() / "before-repair-2");
  EXPECT_THAT(open().bodies(), ElementsAre("a"));
}

TEST_F(RepairTest, KeepsWholeRecordsOnly) {
  write_four_records(3);
  const auto inside = plan_drop(data(), Sequence(5));
  ASSERT_FALSE(inside.has_value());
  EXPECT_EQ(inside.error().code, Code::not_found);
  EXPECT_THAT(inside.error().message, HasSubstr("name 6 to keep the record, or 3 to drop it"));
  const auto beyond = drop_after(data(), Sequence(8));
  ASSERT_FALSE(beyond.has_value());
  EXPECT_THAT(beyond.error().message, HasSubstr("up to entry 7 only"));
  EXPECT_THAT(open().bodies(), ElementsAre("a", "b", "c", "d"));
}

TEST_F(RepairTest, ACheckpointThatIsAheadGoes) {
  write_four_records(3);
  const auto plan = plan_drop(data(), Sequence(2));
  ASSERT_TRUE(plan.has_value());
  EXPECT_THAT(plan->checkpoint, HasSubstr("folded entries up to 3"));
  ASSERT_TRUE(drop_after(data(), Sequence(2)).has_value());
  Ledger ledger = open();
  EXPECT_THAT(ledger.bodies(), ElementsAre("a"));
  EXPECT_THAT(ledger.rows(Table::accounts), IsEmpty());
  EXPECT_THAT(ledger.rows(Table::meta), IsEmpty());
}

TEST_F(RepairTest, AllMayGo) {
  write_four_records(3);
  ASSERT_TRUE(drop_after(data(), Sequence(0)).has_value());
  Ledger ledger = open();
  EXPECT_EQ(ledger->end().last, Sequence(0));
  ledger.append("new");
  EXPECT_THAT(ledger.bodies(), ElementsAre("new"));
}

TEST_F(RepairTest, WhatWasCutOffStaysSo) {
  {
    Ledger ledger = open();
    ledger.append("a", 2);
    ASSERT_TRUE(ledger->cut(ledger->end()).has_value());
    ledger.append("b");
    ledger.append("c");
  }
  EXPECT_EQ(plan_drop(data(), Sequence(1)).error().code, Code::archived);
  ASSERT_TRUE(drop_after(data(), Sequence(3)).has_value());
  {
    const Ledger ledger = open();
    EXPECT_EQ(ledger->begin().last, Sequence(2));
    EXPECT_THAT(ledger.bodies(0), ElementsAre("b"));
  }
  ASSERT_TRUE(drop_after(data(), Sequence(2)).has_value());
  Ledger ledger = open();
  EXPECT_EQ(ledger->end().last, Sequence(2));
  ledger.append("d");
  EXPECT_THAT(ledger.bodies(0), ElementsAre("d"));
}

TEST_F(RepairTest, ALedgerCutShortIsTakenAsItIs) {
  write_four_records(3);
  const fs::path mark = folder_.path() / "high-water";
  {
    Ledger ledger = open();
    ledger.append("e");
  }
  fs::copy(data() / "high-water", mark);
  ASSERT_TRUE(drop_after(data(), Sequence(7)).has_value());
  fs::copy(mark, data() / "high-water", fs::copy_options::overwrite_existing);
  EXPECT_THAT(refusal(), HasSubstr("entry 8 was durable"));

  const auto plan = plan_drop(data(), Sequence(7));
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->records, 0u);
  EXPECT_EQ(plan->high_water, Sequence(8));
  fs::path saved = "something";
  ASSERT_TRUE(drop_after(data(), Sequence(7), &saved).has_value());
  EXPECT_EQ(saved, "");
  EXPECT_THAT(open().bodies(), ElementsAre("a", "b", "c", "d"));
}

TEST_F(RepairTest, ADamagedLogEndsWhereItCanBeRead) {
  std::uint64_t middle = 0;
  {
    Ledger ledger = open();
    ledger.append("first");
    middle = fs::file_size(newest_log(data())) + 50;
    ledger.append(std::string(100, 'm'));
    ledger.append("last");
  }
  flip_byte(newest_log(data()), middle);
  EXPECT_NE(refusal(), "");
  const auto plan = plan_drop(data(), Sequence(1));
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_NE(plan->damage, "");
  EXPECT_EQ(plan->records, 0u);
  EXPECT_EQ(plan->high_water, Sequence(3));
  EXPECT_FALSE(plan_drop(data(), Sequence(2)).has_value());
  EXPECT_NE(refusal(), "");
  ASSERT_TRUE(drop_after(data(), Sequence(1)).has_value());
  EXPECT_THAT(open().bodies(), ElementsAre("first"));
}

// Many files, one of them damaged: those before it are kept whole, and what it can still say.
TEST_F(RepairTest, ADamagedFileEndsWhereItCanBeRead) {
  StoreOptions small_files = options();
  small_files.ledger_file_bytes = 1 << 20;
  {
    Ledger ledger = open_ledger(small_files);
    Traffic traffic(*ledger, 50'000);
    std::thread runner([&] { traffic.run(); });
    while (traffic.last_durable() < Sequence(200)) std::this_thread::yield();
    traffic.stop();
    runner.join();
  }
  {
    // The checkpoint of the traffic is at the end, and goes; this is what it was early on.
    Ledger ledger = open_ledger(small_files);
    write_checkpoint(ledger, 10);
  }
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(data() / "ledger")) {
    if (entry.path().extension() == ".sst" && entry.file_size() > (1 << 19)) {
      files.push_back(entry.path());
    }
  }
  ASSERT_GT(files.size(), 4u);
  std::ranges::sort(files);
  const fs::path& damaged = files[files.size() / 2];
  flip_byte(damaged, fs::file_size(damaged) / 2);

  // The normal opening need not see it: whoever reads does.
  std::string found;
  std::uint64_t last_good = 0;
  {
    const Ledger ledger = open_ledger(small_files);
    const auto scanned = ledger->scan(Sequence(0), [&](const Record& record) {
      last_good = record.header.first.value;
      return true;
    });
    ASSERT_FALSE(scanned.has_value());
    EXPECT_EQ(scanned.error().code, Code::corrupt);
    found = scanned.error().message;
  }
  EXPECT_GT(last_good, 20u);
  const auto plan = plan_drop(data(), Sequence(last_good));
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_EQ(plan->damage, found);
  StoreOptions before = small_files;
  const auto dropped = drop_after(data(), Sequence(last_good), &before.folder);
  ASSERT_TRUE(dropped.has_value()) << dropped.error().message;
  {
    Ledger ledger = open_ledger(small_files);
    EXPECT_EQ(complaint(ledger), "");
    EXPECT_EQ(ledger->end().last, Sequence(last_good));
    EXPECT_THAT(ledger.fetch(Table::accounts, "k"), "v");
    ledger.append("goes on");
    write_checkpoint(ledger, ledger->end().last.value);
    ASSERT_TRUE(ledger->cut(ledger->end()).has_value());
  }
  // They share files, and neither takes them from the other.
  EXPECT_THAT(complaint(open_ledger(before)), HasSubstr("block checksum mismatch"));
}

TEST_F(RepairTest, AFolderInUseIsLeftAlone) {
  const Ledger ledger = open();
  EXPECT_EQ(plan_drop(data(), Sequence(0)).error().code, Code::in_use);
  EXPECT_EQ(drop_after(data(), Sequence(0)).error().code, Code::in_use);
  EXPECT_EQ(plan_drop(folder_.path() / "none", Sequence(0)).error().code, Code::io);
}

TEST_F(RepairTest, AFolderOfFormat1BecomesOneOfFormat2) {
  fs::copy(DATA_FORMAT_1, data(), fs::copy_options::recursive);
  std::uint64_t until = 0;
  {
    StoreOptions read_only = options();
    read_only.read_only = true;
    const auto scanned = open_ledger(read_only)->scan(Sequence(0), [&](const Record& record) {
      until = record.header.first.value + record.header.count - 1;
      return until < 100;
    });
    EXPECT_TRUE(scanned.has_value());
  }
  fs::path saved;
  ASSERT_TRUE(drop_after(data(), Sequence(until), &saved).has_value());
  EXPECT_EQ(open()->end().last, Sequence(until));
  StoreOptions before = options();
  before.folder = saved;
  before.read_only = true;
  EXPECT_EQ(open_ledger(before)->end().last, Sequence(186));
}

}  // namespace
}  // namespace farthing::storage
