// Copies of a store that goes on meanwhile.
#include "storage/memory_store.h"
#include "storage/null_store.h"
#include "storage/rocksdb_store.h"
#include "tests/storage/store_fixture.h"
#include "tests/storage/traffic.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class CopyTest : public testing::Test {
 protected:
  StoreOptions options(const std::string& name = "data") const {
    StoreOptions options;
    options.folder = folder_.path() / name;
    return options;
  }

  TempFolder folder_;
};

TEST_F(CopyTest, IsConsistentWhileAppendsAndRoundsRun) {
  StoreOptions small_files = options();
  small_files.ledger_file_bytes = 1 << 20;  // so that there are files to share, not only a log
  {
    Ledger ledger = open_ledger(small_files);
    Traffic traffic(*ledger, 20'000);
    std::thread runner([&] { traffic.run(); });
    for (const char* name : {"copy 1", "copy 2", "copy 3", "copy 4"}) {
      while (traffic.last_durable().value % 60 != 30) std::this_thread::yield();
      const Sequence before = ledger->end().last;
      const auto end = ledger->copy_to(options(name).folder);
      ASSERT_TRUE(end.has_value()) << end.error().message;
      EXPECT_GE(end->last, before);
      {
        StoreOptions read_only = options(name);
        read_only.read_only = true;
        const Ledger copy = open_ledger(read_only);
        EXPECT_EQ(copy->end().last, end->last);
        EXPECT_EQ(copy->end().hash, end->hash);
        EXPECT_EQ(wrong_with_traffic(*copy), "");
      }
      Ledger copy = open_ledger(options(name));
      copy.append("its own history");
      EXPECT_EQ(copy->end().last.value, end->last.value + 1);
    }
    traffic.stop();
    runner.join();
  }
  EXPECT_EQ(wrong_with_traffic(*open_ledger(small_files)), "");
}

TEST_F(CopyTest, OfAnEmptyStoreAndOfACopy) {
  {
    Ledger ledger = open_ledger(options());
    EXPECT_EQ(ledger->copy_to(options("empty").folder)->last, Sequence(0));
  }
  Ledger ledger = open_ledger(options("empty"));
  ledger.append("a", 2, {{"tariff/1", "text"}});
  EXPECT_EQ(ledger->copy_to(options("second").folder)->last, Sequence(2));
  StoreOptions read_only = options("second");
  read_only.read_only = true;
  Ledger second = open_ledger(read_only);
  EXPECT_THAT(second.bodies(), ElementsAre("a"));
  EXPECT_EQ(second->document("tariff/1"), "text");
  EXPECT_EQ(second->copy_to(options("third").folder)->last, Sequence(2));
}

TEST_F(CopyTest, LeavesAFolderOfOthersAlone) {
  Ledger ledger = open_ledger(options());
  const fs::path other = folder_.path() / "other";
  fs::create_directory(other);
  std::ofstream(other / "thesis.txt") << "two years of work";
  for (const fs::path& folder : {other, other / "thesis.txt", options().folder}) {
    const auto end = ledger->copy_to(folder);
    ASSERT_FALSE(end.has_value());
    EXPECT_EQ(end.error().code, StoreError::Code::io);
    EXPECT_THAT(end.error().message, HasSubstr(folder.string()));
  }
  EXPECT_EQ(fs::file_size(other / "thesis.txt"), 17u);
  ledger.append("goes on");
}

TEST_F(CopyTest, StoresWithoutAFolderRefuse) {
  const fs::path folder = options().folder;
  EXPECT_EQ(MemoryStore().copy_to(folder).error().code, StoreError::Code::io);
  EXPECT_EQ(NullStore().copy_to(folder).error().code, StoreError::Code::io);
  EXPECT_FALSE(fs::exists(folder));
}

}  // namespace
}  // namespace farthing::storage
