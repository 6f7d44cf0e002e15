// The checkpoint's tables over RocksDB, and in memory where both must agree.
#include "storage/memory_store.h"
#include "storage/rocksdb_store.h"
#include "tests/storage/store_fixture.h"
#include "tests/storage/traffic.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <random>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::array<Table, table_count> all_tables = {
    Table::accounts, Table::index, Table::sessions, Table::duplicates, Table::meta};

class CheckpointTest : public testing::Test {
 protected:
  StoreOptions options() const {
    StoreOptions options;
    options.folder = folder_.path() / "data";
    return options;
  }
  Ledger open() const { return open_ledger(options()); }

  TempFolder folder_;
};

TEST_F(CheckpointTest, RoundsSurviveReopening) {
  Round round;
  {
    Ledger ledger = open();
    EXPECT_EQ(ledger.fetch(Table::accounts, "a"), std::nullopt);
    EXPECT_THAT(ledger.rows(Table::accounts), IsEmpty());
    for (const Table table : all_tables) {
      round.put(table, "b", std::string(table_name(table)));
      round.put(table, "a", "1");
    }
    ledger.write(round);
    EXPECT_EQ(ledger.fetch(Table::sessions, "b"), "sessions");
  }
  Ledger ledger = open();
  for (const Table table : all_tables) {
    EXPECT_THAT(ledger.rows(table), ElementsAre("a=1", "b=" + std::string(table_name(table))));
    EXPECT_EQ(ledger.fetch(table, "a"), "1");
    EXPECT_EQ(ledger.fetch(table, "aa"), std::nullopt);
  }
  EXPECT_THAT(ledger.rows(Table::meta, "aa"), ElementsAre("b=meta"));
}

TEST_F(CheckpointTest, TheLastChangeOfAKeyHolds) {
  Ledger ledger = open();
  Round round;
  round.put(Table::accounts, "k", "1");
  round.put(Table::accounts, "k", "2");
  round.put(Table::accounts, "gone", "1");
  round.erase(Table::accounts, "gone");
  round.erase(Table::accounts, "back");
  round.put(Table::accounts, "back", "");
  ledger.write(round);
  EXPECT_THAT(ledger.rows(Table::accounts), ElementsAre("back=", "k=2"));
  round.erase(Table::accounts, "k");
  round.put(Table::accounts, "back", "3");
  ledger.write(round);
  EXPECT_THAT(ledger.rows(Table::accounts), ElementsAre("back=3"));
  EXPECT_EQ(ledger.fetch(Table::accounts, "k"), std::nullopt);
}

TEST_F(CheckpointTest, ARangeErasesEarlierRoundsOnly) {
  Ledger ledger = open();
  Round round;
  for (const char* key : {"a", "b", "c", "d", "e", "f"}) round.put(Table::duplicates, key, "1");
  ledger.write(round);
  round.put(Table::duplicates, "c", "2");
  round.erase_range(Table::duplicates, "d", "f");
  round.erase_range(Table::duplicates, "b", "e");  // neither sorted nor apart
  round.put(Table::duplicates, "b", "2");
  ledger.write(round);
  EXPECT_THAT(ledger.rows(Table::duplicates), ElementsAre("a=1", "b=2", "c=2", "f=1"));
  EXPECT_EQ(ledger.fetch(Table::duplicates, "d"), std::nullopt);
  EXPECT_EQ(ledger.fetch(Table::duplicates, "c"), "2");
  round.erase_range(Table::duplicates, "a", "c");  // nothing else in it
  ledger.write(round);
  EXPECT_THAT(ledger.rows(Table::duplicates), ElementsAre("c=2", "f=1"));
}

// Buckets of time come at the end and go at the beginning: a table of them must stay bounded.
TEST_F(CheckpointTest, WhatARangeErasedGivesItsSpaceBack) {
  Ledger ledger = open();
  const auto bytes_on_disk = [&] {
    std::uintmax_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(options().folder / "ledger")) {
      std::error_code gone;
      const std::uintmax_t size = entry.path().extension() == ".sst" ? entry.file_size(gone) : 0;
      if (!gone) bytes += size;
    }
    return bytes;
  };
  constexpr std::uintmax_t bucket_bytes = 1'000'000;
  for (int bucket = 10; bucket < 18; ++bucket) {
    Round round;
    for (int i = 0; i < 1000; ++i) {
      round.put(Table::duplicates, fmt::format("{}/{:04}", bucket, i), std::string(1000, 'x'));
    }
    if (bucket >= 12) {
      round.erase_range(Table::duplicates, "", std::to_string(bucket - 2));
    }
    ledger.write(round);
  }
  while (bytes_on_disk() > 4 * bucket_bytes) ::sched_yield();
  EXPECT_EQ(ledger.rows(Table::duplicates).size(), 3000u);
  EXPECT_FALSE(ledger.fetch(Table::duplicates, "14/0999").has_value());
  EXPECT_TRUE(ledger.fetch(Table::duplicates, "15/0000").has_value());
}

TEST_F(CheckpointTest, AVisitorMayStopAndSeesNoLaterRound) {
  Ledger ledger = open();
  Round round;
  for (const char* key : {"a", "b", "c"}) round.put(Table::accounts, key, "1");
  ledger.write(round);
  std::string seen;
  const auto result = ledger->visit(Table::accounts, "", [&](std::string_view key, auto value) {
    if (key == "a") {
      round.put(Table::accounts, "b", "2");
      ledger.write(round);
    }
    seen += fmt::format("{}={};", key, value);
    return key < "b";
  });
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(seen, "a=1;b=1;");
}

// The same changes at random to RocksDB, to the store in memory and to a map: reopening and merging
// of files included.
TEST_F(CheckpointTest, AgreesWithAMap) {
  std::mt19937 random(7);
  const auto key = [&] { return fmt::format("{:02}", random() % 40); };
  std::map<std::string, std::string> expected;
  MemoryStore memory;
  for (int opening = 0; opening < 4; ++opening) {
    Ledger ledger = open();
    for (int n = 0; n < 15; ++n) {
      Round round;
      Round same;
      if (random() % 3 == 0) {
        std::string from = key();
        std::string to = key();
        if (to < from) std::swap(from, to);
        if (from != to) {
          for (Round* each : {&round, &same}) each->erase_range(Table::index, from, to);
          expected.erase(expected.lower_bound(from), expected.lower_bound(to));
        }
      }
      for (int change = 0; change < 6; ++change) {
        const std::string changed = key();
        if (random() % 3 == 0) {
          for (Round* each : {&round, &same}) each->erase(Table::index, changed);
          expected.erase(changed);
        } else {
          const std::string value = std::to_string(random());
          for (Round* each : {&round, &same}) each->put(Table::index, changed, value);
          expected[changed] = value;
        }
      }
      ledger.write(round);
      memory.write_round(same);
      EXPECT_TRUE(memory.finish_round());
    }
    std::vector<std::string> rows;
    for (const auto& [name, value] : expected) rows.push_back(name + "=" + value);
    EXPECT_EQ(ledger.rows(Table::index), rows);
    for (int i = 0; i < 40; ++i) {
      const std::string name = fmt::format("{:02}", i);
      const auto found = expected.find(name);
      const auto value = found == expected.end() ? std::nullopt : std::optional(found->second);
      EXPECT_EQ(ledger.fetch(Table::index, name), value);
      EXPECT_EQ(*memory.fetch(Table::index, name), value);
    }
  }
}

TEST_F(CheckpointTest, JobsRunInOrderOnOneThreadOfTheStore) {
  Ledger ledger = open();
  Round round;
  round.put(Table::accounts, "k", "v");
  ledger.write(round);
  std::vector<int> order;
  std::thread::id reader;
  std::promise<void> done;
  ledger->read_later([&] { order.push_back(1); });
  ledger->read_later([&] {
    order.push_back(2);
    reader = std::this_thread::get_id();
    EXPECT_EQ(ledger.fetch(Table::accounts, "k"), "v");
  });
  ledger->read_later([&] { done.set_value(); });
  done.get_future().wait();
  EXPECT_THAT(order, ElementsAre(1, 2));
  EXPECT_NE(reader, std::this_thread::get_id());
}

TEST_F(CheckpointTest, ReadsGoOnWhileRoundsAndAppendsRun) {
  Ledger ledger = open();
  constexpr int rounds = 12;
  std::atomic<int> written = 0;
  std::atomic<std::uint64_t> reads = 0;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&, reader] {
      int seen = 0;
      for (std::uint32_t i = 0; seen < rounds; ++i) {
        const int before = written;
        const std::string key = fmt::format("{:03}", (i * 7 + static_cast<unsigned>(reader)) % 200);
        const auto value = ledger.fetch(Table::accounts, key);
        const int round = value.has_value() ? std::stoi(*value) : 0;
        EXPECT_GE(round, before);
        if (i % 16 == 0) {
          // All of one round, whichever.
          const auto rows = ledger.rows(Table::accounts);
          for (const std::string& row : rows) EXPECT_EQ(row.substr(4), rows.front().substr(4));
        }
        seen = std::max(seen, before);
        ++reads;
      }
    });
  }
  Round round;
  for (int n = 1; n <= rounds; ++n) {
    for (int i = 0; i < 200; ++i) {
      round.put(Table::accounts, fmt::format("{:03}", i), std::to_string(n));
    }
    if (n % 4 == 0) round.erase_range(Table::accounts, "0", "9");
    ledger.write(round);
    written = n;
    ledger.append(std::string(1000, 'x'));
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(ledger.bodies().size(), std::size_t{rounds});
  EXPECT_GT(reads, 0u);
}

TEST_F(CheckpointTest, AKillLeavesTheLastWholeRound) {
  const fs::path unfinished = options().folder / "ledger" / "round";
  auto kill_after = [&](std::uint64_t appends) {
    Appender appender(options().folder, "100");
    for (std::uint64_t n = 0; n < appends; ++n) ASSERT_TRUE(appender.next_durable().has_value());
    appender.kill();
    EXPECT_TRUE(WIFSIGNALED(appender.status())) << appender.complaint();
    {
      Ledger ledger = open();
      EXPECT_EQ(wrong_with_traffic(*ledger), "");
    }
    EXPECT_TRUE(fs::is_empty(unfinished));
  };
  for (const std::uint64_t appends : {3, 40, 11, 25, 70, 17, 33, 58}) kill_after(appends);
  // On a slow disk it takes longer until a round is whole.
  auto has_round = [&] { return open().fetch(Table::meta, "round").has_value(); };
  for (std::uint64_t appends = 100; !has_round() && appends < 10'000; appends *= 2) {
    kill_after(appends);
  }
  EXPECT_TRUE(has_round());
}

}  // namespace
}  // namespace farthing::storage
