// Data folders of earlier formats, and folders that are none.
#include "storage/folder_format.h"

#include "storage/rocksdb_store.h"
#include "tests/storage/store_fixture.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class FolderFormatTest : public testing::Test {
 protected:
  StoreOptions options() const {
    StoreOptions options;
    options.folder = folder_.path() / "data";
    return options;
  }
  // A folder that format 1 wrote.
  void copy_format_1() const {
    fs::copy(DATA_FORMAT_1, options().folder, fs::copy_options::recursive);
  }
  static void expect_all_records(const LedgerStore& store) {
    EXPECT_EQ(store.end().last, Sequence(186));
    std::uint64_t entries = 0;
    int records = 0;
    const auto result = store.scan(Sequence(1), [&](const Record& record) {
      entries += record.header.count;
      ++records;
      return true;
    });
    EXPECT_TRUE(result.has_value());
    EXPECT_EQ(entries, 186u);
    EXPECT_EQ(records, 123);
  }

  TempFolder folder_;
};

TEST_F(FolderFormatTest, OpensFormat1AndGoesOnInFormat2) {
  copy_format_1();
  for (int opening = 0; opening < 2; ++opening) {
    Ledger ledger = open_ledger(options());
    EXPECT_EQ(bytes_of(options().folder / "format"), "farthing data folder, format 2\n");
    Round round;
    round.put(Table::accounts, "k", "v");
    ledger.write(round);
    EXPECT_EQ(ledger.fetch(Table::accounts, "k"), "v");
    if (opening == 0) expect_all_records(*ledger);
  }
}

TEST_F(FolderFormatTest, ReadsFormat1AndChangesNothing) {
  copy_format_1();
  const auto files = [&] {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(options().folder)) {
      found[entry.path()] = entry.is_directory() ? "" : bytes_of(entry.path());
    }
    return found;
  };
  const auto before = files();
  {
    StoreOptions read_only = options();
    read_only.read_only = true;
    Ledger ledger = open_ledger(read_only);
    expect_all_records(*ledger);
    EXPECT_THAT(ledger.rows(Table::accounts), IsEmpty());
    EXPECT_EQ(ledger.fetch(Table::meta, "position"), std::nullopt);
  }
  EXPECT_EQ(files(), before);
}

TEST_F(FolderFormatTest, LeavesAFolderOfOthersAlone) {
  fs::create_directory(options().folder);
  std::ofstream(options().folder / "thesis.txt") << "two years of work";
  const auto store = open_rocksdb_store(options());
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, StoreError::Code::io);
  EXPECT_THAT(store.error().message, HasSubstr(options().folder.string()));
  EXPECT_THAT(store.error().message, HasSubstr("thesis.txt"));
  EXPECT_THAT(store.error().message, HasSubstr("name an empty folder"));
  EXPECT_FALSE(fs::exists(options().folder / "ledger"));
  EXPECT_FALSE(fs::exists(options().folder / "format"));
}

TEST_F(FolderFormatTest, AnUnfinishedCopyIsNoDataFolder) {
  { (void)open_ledger(options()); }
  fs::remove(options().folder / "format");
  const auto store = open_rocksdb_store(options());
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, StoreError::Code::wrong_version);
  EXPECT_THAT(store.error().message, HasSubstr("not finished"));
  EXPECT_FALSE(fs::exists(options().folder / "format"));
}

TEST_F(FolderFormatTest, TakesAFolderWithNothingOfOthersInIt) {
  fs::create_directories(options().folder / "lost+found");
  for (const char* name : {"api.sock", "server.log", "format.new"}) {
    std::ofstream(options().folder / name) << "x";
  }
  EXPECT_EQ(open_ledger(options())->end().last, Sequence(0));
}

TEST_F(FolderFormatTest, ALaterFormatIsNotMadeAnew) {
  fs::create_directory(options().folder);
  std::ofstream(options().folder / "format") << "farthing data folder, format 9\n";
  const auto store = open_rocksdb_store(options());
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, StoreError::Code::wrong_version);
  EXPECT_THAT(store.error().message, HasSubstr("format 9"));
}

}  // namespace
}  // namespace farthing::storage
