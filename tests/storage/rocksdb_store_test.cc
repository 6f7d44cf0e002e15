#include "storage/rocksdb_store.h"

#include "tests/storage/store_fixture.h"
#include "tests/storage/traffic.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;
using Code = StoreError::Code;
using testing::ElementsAre;
using testing::HasSubstr;

class RocksdbStoreTest : public testing::Test {
 protected:
  StoreOptions options() const {
    StoreOptions options;
    options.folder = folder_.path() / "data";
    return options;
  }

  Ledger open() const { return open_ledger(options()); }

  static std::optional<StoreError> refusal(const StoreOptions& options) {
    const auto store = open_rocksdb_store(options);
    if (store.has_value()) return std::nullopt;
    return store.error();
  }

  void expect_refusal(Code code, const std::string& words) const {
    const auto error = refusal(options());
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, code) << error->message;
    EXPECT_THAT(error->message, HasSubstr(words));
  }

  fs::path high_water() const { return folder_.path() / "data" / "high-water"; }

  fs::path newest_log() const { return storage::newest_log(options().folder); }

  TempFolder folder_;
};

TEST_F(RocksdbStoreTest, AppendsReadsAndScans) {
  Ledger ledger = open();
  EXPECT_EQ(ledger->end().last, Sequence(0));
  ledger.append("ab", 2);
  ledger.append("c", 1);
  ledger.append("defg", 4);
  EXPECT_EQ(ledger->end().last, Sequence(7));
  EXPECT_EQ(ledger->end().now, at(7));
  EXPECT_THAT(ledger.bodies(0), ElementsAre("ab", "c", "defg"));
  EXPECT_THAT(ledger.bodies(1), ElementsAre("ab", "c", "defg"));
  EXPECT_THAT(ledger.bodies(2), ElementsAre("ab", "c", "defg"));
  EXPECT_THAT(ledger.bodies(3), ElementsAre("c", "defg"));
  EXPECT_THAT(ledger.bodies(7), ElementsAre("defg"));
  EXPECT_THAT(ledger.bodies(8), ElementsAre());

  std::string buffer;
  for (std::uint64_t entry = 4; entry <= 7; ++entry) {
    const auto record = ledger->read(Sequence(entry), buffer);
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->body, "defg");
    EXPECT_EQ(record->header.first, Sequence(4));
    EXPECT_EQ(record->header.count, 4u);
    EXPECT_EQ(record->header.now, at(7));
  }
  for (const std::uint64_t entry : {0, 8}) {
    const auto none = ledger->read(Sequence(entry), buffer);
    ASSERT_FALSE(none.has_value());
    EXPECT_EQ(none.error().code, Code::not_found);
  }
  EXPECT_GT(ledger->free_disk_bytes(), 0u);
}

TEST_F(RocksdbStoreTest, AVisitorMayStop) {
  Ledger ledger = open();
  for (int i = 0; i < 3; ++i) ledger.append("x");
  int visited = 0;
  EXPECT_TRUE(ledger->scan(Sequence(1), [&](const Record&) { return ++visited < 2; }).has_value());
  EXPECT_EQ(visited, 2);
}

TEST_F(RocksdbStoreTest, DocumentsComeWithTheirRecord) {
  {
    Ledger ledger = open();
    ledger.append("a", 1, {{"tariff/2", "b"}, {"tariff/1", "a"}, {"tariffs", "no"}});
    ledger.append("b", 1, {{"tariff/2", "c"}});
  }
  Ledger ledger = open();
  EXPECT_EQ(ledger->document("tariff/2"), "c");
  EXPECT_FALSE(ledger->document("tariff/3").has_value());
  const auto found = ledger->documents("tariff/");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].key, "tariff/1");
  EXPECT_EQ(found[1].value, "c");
}

TEST_F(RocksdbStoreTest, GoesOnWhereItEnded) {
  LedgerEnd end;
  {
    Ledger ledger = open();
    ledger.append(std::string(300'000, 'a'), 5);
    ledger.append("b", 2);
    end = ledger->end();
  }
  Ledger ledger = open();
  EXPECT_EQ(ledger->end().last, end.last);
  EXPECT_EQ(ledger->end().now, end.now);
  EXPECT_EQ(ledger->end().hash, end.hash);
  ledger.append("c");
  EXPECT_THAT(ledger.bodies(6), ElementsAre("b", "c"));
}

TEST_F(RocksdbStoreTest, ReadOnlyReadsAndChangesNothing) {
  StoreOptions read_only = options();
  read_only.read_only = true;
  EXPECT_EQ(refusal(read_only)->code, Code::io);
  EXPECT_FALSE(fs::exists(read_only.folder));
  { open().append("a", 3); }
  const auto files = [&] {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(read_only.folder)) {
      names.push_back(entry.path().string() + " " +
                      (entry.is_regular_file() ? std::to_string(entry.file_size()) : ""));
    }
    std::sort(names.begin(), names.end());
    return names;
  };
  const auto before = files();
  {
    const auto store = open_rocksdb_store(read_only);
    ASSERT_TRUE(store.has_value()) << store.error().message;
    EXPECT_EQ((*store)->end().last, Sequence(3));
    std::string buffer;
    EXPECT_EQ((*store)->read(Sequence(2), buffer)->body, "a");
  }
  EXPECT_EQ(files(), before);
}

TEST_F(RocksdbStoreTest, RefusesAFolderInUse) {
  Ledger ledger = open();
  expect_refusal(Code::in_use, "in use by another process");
  expect_refusal(Code::in_use, folder_.path().string());
}

TEST_F(RocksdbStoreTest, RefusesAFolderThatCannotBeMade) {
  StoreOptions bad = options();
  bad.folder = folder_.path() / "file" / "data";
  std::ofstream(folder_.path() / "file") << "not a folder";
  const auto error = refusal(bad);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, Code::io);
  EXPECT_THAT(error->message, HasSubstr(bad.folder.string()));

  bad.folder = folder_.path() / "empty";
  bad.create_if_missing = false;
  EXPECT_THAT(refusal(bad)->message, HasSubstr("holds no ledger"));
}

TEST_F(RocksdbStoreTest, RefusesAFolderOfAnotherVersion) {
  { open().append("a"); }
  const auto format = options().folder / "format";
  std::ofstream(format) << "farthing data folder, format 3\n";
  expect_refusal(Code::wrong_version, "of format 3, and this program reads formats 1 to 2");
  for (const char* number : {"0", "-1", "2 ", "99999999999999999999"}) {
    std::ofstream(format) << "farthing data folder, format " << number << "\n";
    expect_refusal(Code::wrong_version, "of an unknown format");
  }
  std::ofstream(format) << "something else";
  expect_refusal(Code::wrong_version, "of an unknown format");
  fs::remove(format);
  expect_refusal(Code::wrong_version, "of an unknown format");
  EXPECT_FALSE(fs::exists(format));
}

// A crash while the folder was being made leaves some of its files.
TEST_F(RocksdbStoreTest, FinishesAFolderThatWasBeingMade) {
  { (void)open(); }
  fs::remove(high_water());
  EXPECT_EQ(open()->end().last, Sequence(0));
  fs::remove_all(options().folder / "ledger");
  EXPECT_EQ(open()->end().last, Sequence(0));
}

TEST_F(RocksdbStoreTest, RefusesALedgerThatEndsBeforeItsHighWater) {
  { open().append("a"); }
  const auto copy = folder_.path() / "copy";
  fs::copy(options().folder, copy, fs::copy_options::recursive);
  { open().append("b"); }
  // An older copy of the database beside a newer high-water file.
  fs::remove_all(options().folder / "ledger");
  fs::copy(copy / "ledger", options().folder / "ledger", fs::copy_options::recursive);
  expect_refusal(Code::cut_short, "ends with entry 1, but entry 2 was durable");

  // The stated way out.
  fs::resize_file(high_water(), 0);
  EXPECT_THAT(open().bodies(), ElementsAre("a"));
}

TEST_F(RocksdbStoreTest, RefusesALedgerThatIsGone) {
  { open().append("a"); }
  fs::remove_all(options().folder / "ledger");
  expect_refusal(Code::cut_short, "ends with entry 0");
}

TEST_F(RocksdbStoreTest, RefusesAnotherHistory) {
  { open().append("a"); }
  fs::copy(high_water(), folder_.path() / "high-water");
  fs::remove_all(options().folder);
  { open().append("b"); }
  fs::copy(folder_.path() / "high-water", high_water(), fs::copy_options::overwrite_existing);
  expect_refusal(Code::corrupt, "not the one that the high-water file saw");
}

TEST_F(RocksdbStoreTest, OneSpoiledPlaceOfTheHighWaterFileIsSurvived) {
  { open().append("a"); }
  { open().append("b"); }
  flip_byte(high_water(), 8);
  { open().append("c"); }
  fs::remove(high_water());
  expect_refusal(Code::corrupt, "is missing");
  std::ofstream(high_water()) << std::string(8192, 'x');
  expect_refusal(Code::corrupt, "is damaged");
  std::ofstream(high_water()) << std::string(8193, '\0');
  expect_refusal(Code::corrupt, "wrong size");
}

TEST_F(RocksdbStoreTest, HighWaterIsWrittenWhileRunning) {
  StoreOptions quick = options();
  quick.high_water_interval = std::chrono::milliseconds(1);
  auto store = open_rocksdb_store(quick);
  ASSERT_TRUE(store.has_value());
  Ledger ledger(std::move(*store));
  ledger.append("a");
  const auto never_written = [&] {
    std::ifstream file(high_water(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    return bytes.find_first_not_of('\0') == std::string::npos;
  };
  while (never_written()) ::sched_yield();
}

// RocksDB keeps a record in pieces with a checksum each; whichever byte of the middle one is
// flipped, the records after it must not vanish without a word.
TEST_F(RocksdbStoreTest, AFlippedByteInTheLogIsNotSilent) {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  {
    Ledger ledger = open();
    ledger.append("first");
    begin = fs::file_size(newest_log());
    ledger.append(std::string(100, 'm'));
    end = fs::file_size(newest_log());
    ledger.append("last");
  }
  const auto good = folder_.path() / "good";
  fs::copy(options().folder, good, fs::copy_options::recursive);
  ASSERT_GT(end, begin);
  for (std::uint64_t offset = begin; offset < end; ++offset) {
    fs::remove_all(options().folder);
    fs::copy(good, options().folder, fs::copy_options::recursive);
    flip_byte(newest_log(), offset);
    const auto error = refusal(options());
    ASSERT_TRUE(error.has_value()) << "byte " << offset;
    EXPECT_TRUE(error->code == Code::corrupt || error->code == Code::cut_short) << error->message;
  }
}

TEST_F(RocksdbStoreTest, ACutLogIsSeenIfTheHighWaterFileSawMore) {
  {
    Ledger ledger = open();
    ledger.append("first");
    ledger.append(std::string(1000, 'l'));
  }
  fs::resize_file(newest_log(), fs::file_size(newest_log()) - 10);
  expect_refusal(Code::cut_short, "ends with entry 1");
}

// A crash can leave part of a record that was promised to nobody: that is no damage.
TEST_F(RocksdbStoreTest, AnUnfinishedLastRecordIsForgiven) {
  {
    Ledger ledger = open();
    ledger.append("first");
  }
  const auto saved = folder_.path() / "saved";
  fs::copy(high_water(), saved);
  { open().append("second"); }
  const auto log = newest_log();
  fs::resize_file(log, fs::file_size(log) - 3);
  fs::copy(saved, high_water(), fs::copy_options::overwrite_existing);
  Ledger ledger = open();
  EXPECT_THAT(ledger.bodies(), ElementsAre("first"));
  ledger.append("again");
  EXPECT_EQ(ledger->end().last, Sequence(2));
}

void expect_all_there(Ledger& ledger, std::uint64_t durable) {
  EXPECT_GE(ledger->end().last.value, durable);
  EXPECT_EQ(wrong_with_traffic(*ledger), "");
}

TEST_F(RocksdbStoreTest, KillLosesNothingThatWasCalledDurable) {
  std::uint64_t durable = 0;
  for (const char* body_bytes : {"10", "100000", "40000"}) {
    const std::uint64_t until = durable + 60;
    Appender appender(options().folder, body_bytes);
    while (const auto next = appender.next_durable()) {
      EXPECT_EQ(*next, durable + 1);
      durable = *next;
      if (durable == until) appender.kill();
    }
    EXPECT_TRUE(WIFSIGNALED(appender.status())) << appender.complaint();
    Ledger ledger = open();
    expect_all_there(ledger, durable);
    durable = ledger->end().last.value;
  }
}

TEST_F(RocksdbStoreTest, AFullDiskStopsTheProcessAndLosesNothing) {
  std::uint64_t durable = 0;
  {
    Appender appender(options().folder, "100000", rlim_t{3} << 20);
    while (const auto next = appender.next_durable()) durable = *next;
    const int status = appender.status();
    const std::string complaint = appender.complaint();
    ASSERT_TRUE(WIFEXITED(status)) << complaint;
    EXPECT_EQ(WEXITSTATUS(status), 74) << complaint;
    EXPECT_THAT(complaint, HasSubstr(options().folder.string()));
    EXPECT_EQ(std::count(complaint.begin(), complaint.end(), '\n'), 1) << complaint;
  }
  EXPECT_GT(durable, 10u);
  Ledger ledger = open();
  expect_all_there(ledger, durable);
}

TEST_F(RocksdbStoreTest, RefusesAFolderThatAnotherProcessHasOpen) {
  Appender appender(options().folder, "10");
  ASSERT_TRUE(appender.next_durable().has_value());
  expect_refusal(Code::in_use, "in use");
  StoreOptions read_only = options();
  read_only.read_only = true;
  EXPECT_EQ(refusal(read_only)->code, Code::in_use);
  appender.kill();
  EXPECT_TRUE(WIFSIGNALED(appender.status()));
}

}  // namespace
}  // namespace farthing::storage
