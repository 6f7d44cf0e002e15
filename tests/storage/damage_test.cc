// Folders with something wrong in them: found when they are opened or read, and named.
#include "storage/rocksdb_store.h"
#include "tests/storage/store_fixture.h"
#include "tests/storage/traffic.h"

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;
using Code = StoreError::Code;
using testing::AllOf;
using testing::HasSubstr;

class DamageTest : public testing::Test {
 protected:
  StoreOptions options() const {
    StoreOptions options;
    options.folder = data();
    options.ledger_file_bytes = 1 << 19;
    return options;
  }
  fs::path data() const { return folder_.path() / "data"; }
  fs::path ledger() const { return data() / "ledger"; }

  // Records and rounds in many files, and some in the log.
  void write_a_lot() const {
    Ledger ledger = open_ledger(options());
    Traffic traffic(*ledger, 20'000);
    std::thread runner([&] { traffic.run(); });
    while (traffic.last_durable() < Sequence(100) || traffic.rounds_written() < 2) {
      std::this_thread::yield();
    }
    traffic.stop();
    runner.join();
  }

  std::vector<fs::path> files(std::string_view start, std::string_view extension) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(ledger())) {
      if (entry.path().filename().string().starts_with(start) &&
          entry.path().extension() == extension) {
        found.push_back(entry.path());
      }
    }
    std::ranges::sort(found);
    return found;
  }

  StoreError refusal() const {
    const auto store = open_rocksdb_store(options());
    EXPECT_FALSE(store.has_value());
    return store.has_value() ? StoreError{} : store.error();
  }

  TempFolder folder_;
};

void write_position(Ledger& ledger, std::uint64_t position) {
  Round round;
  round.put(Table::meta, "position", {reinterpret_cast<const char*>(&position), sizeof position});
  ledger.write(round);
}

TEST_F(DamageTest, AMissingFileIsNamed) {
  write_a_lot();
  const fs::path good = folder_.path() / "good";
  fs::copy(data(), good, fs::copy_options::recursive);
  const auto expect_missing = [&](const fs::path& path) {
    fs::remove(path);
    const StoreError error = refusal();
    EXPECT_EQ(error.code, Code::corrupt) << error.message;
    EXPECT_THAT(error.message, AllOf(HasSubstr(data().string()), HasSubstr("missing"),
                                     HasSubstr(path.stem().string()), HasSubstr("from a copy")));
    EXPECT_FALSE(fs::exists(path));
    // Nothing else was taken away meanwhile: with the file back all is well.
    fs::copy(good / "ledger" / path.filename(), path);
    EXPECT_EQ(wrong_with_traffic(*open_ledger(options())), "");
    fs::remove_all(data());
    fs::copy(good, data(), fs::copy_options::recursive);
  };
  for (const fs::path& path : files("", ".sst")) expect_missing(path);
  for (const fs::path& path : files("MANIFEST", "")) expect_missing(path);
  expect_missing(ledger() / "CURRENT");
}

TEST_F(DamageTest, AFileThatWasCutShortIsSeen) {
  write_a_lot();
  const fs::path path = files("", ".sst").front();
  fs::resize_file(path, fs::file_size(path) - 1);
  const StoreError error = refusal();
  EXPECT_EQ(error.code, Code::corrupt);
  EXPECT_THAT(error.message, HasSubstr(data().string()));
}

TEST_F(DamageTest, ALedgerThatIsGoneIsNotBegunAnew) {
  write_a_lot();
  fs::remove_all(ledger());
  EXPECT_EQ(refusal().code, Code::cut_short);
  EXPECT_EQ(refusal().code, Code::cut_short);
  EXPECT_TRUE(fs::is_empty(ledger()));
}

TEST_F(DamageTest, ACheckpointNewerThanTheLedgerIsRefused) {
  {
    Ledger ledger = open_ledger(options());
    ledger.append("a", 3);
    write_position(ledger, 3);
    ledger.append("b", 2);
  }
  EXPECT_EQ(open_ledger(options())->end().last, Sequence(5));
  {
    Ledger ledger = open_ledger(options());
    write_position(ledger, 6);
  }
  for (const bool read_only : {false, true}) {
    StoreOptions again = options();
    again.read_only = read_only;
    const auto store = open_rocksdb_store(again);
    ASSERT_FALSE(store.has_value());
    EXPECT_EQ(store.error().code, Code::cut_short);
    EXPECT_EQ(store.error().sequence, Sequence(5));
    EXPECT_THAT(store.error().message,
                AllOf(HasSubstr(data().string()), HasSubstr("ends with entry 5"),
                      HasSubstr("folded entries up to 6"), HasSubstr("farthing ledger repair")));
  }
}

TEST_F(DamageTest, AStrangePositionIsRefused) {
  {
    Ledger ledger = open_ledger(options());
    Round round;
    round.put(Table::meta, "position", "three");
    ledger.write(round);
  }
  const StoreError error = refusal();
  EXPECT_EQ(error.code, Code::corrupt);
  EXPECT_THAT(error.message, HasSubstr("the checkpoint (table meta)"));
}

// Whatever byte of whatever file is flipped: refused, or found by who reads it, or of no account.
TEST_F(DamageTest, AFlippedByteIsNeverReadAsSomethingElse) {
  write_a_lot();
  const fs::path good = folder_.path() / "good";
  fs::copy(data(), good, fs::copy_options::recursive);
  std::mt19937_64 random(5);
  int refused = 0;
  int found = 0;
  std::vector<fs::path> all = files("", ".sst");
  for (const fs::path& log : files("", ".log")) all.push_back(log);
  for (const fs::path& manifest : files("MANIFEST", "")) all.push_back(manifest);
  for (int flips = 0; flips < 40; ++flips) {
    const fs::path& path = all[static_cast<std::size_t>(flips) % all.size()];
    if (fs::file_size(path) == 0) continue;
    flip_byte(path, random() % fs::file_size(path));
    {
      const auto store = open_rocksdb_store(options());
      if (!store.has_value()) {
        ++refused;
        EXPECT_TRUE(store.error().code == Code::corrupt || store.error().code == Code::cut_short)
            << store.error().message;
        EXPECT_THAT(store.error().message, HasSubstr("from a copy"));
      } else if (const std::string wrong = wrong_with_traffic(**store); !wrong.empty()) {
        ++found;
        EXPECT_THAT(wrong, HasSubstr("from a copy")) << path;
      }
    }
    fs::remove_all(data());
    fs::copy(good, data(), fs::copy_options::recursive);
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(found, 0);
}

// What `cp -r` makes of a folder that changes meanwhile: names as they were listed, contents as
// they were when their turn came.
void copy_carelessly(const fs::path& from, const fs::path& to) {
  fs::create_directories(to);
  std::vector<fs::directory_entry> entries;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(from, gone)) entries.push_back(entry);
  for (const auto& entry : entries) {
    const fs::path copy = to / entry.path().filename();
    if (entry.is_directory(gone)) {
      copy_carelessly(entry.path(), copy);
    } else {
      fs::copy_file(entry.path(), copy, gone);
    }
    std::this_thread::yield();
  }
}

// It opens with what was there at some moment, or it does not open, or whoever starts from the
// checkpoint is told.
TEST_F(DamageTest, AFolderCopiedWhileRunningIsWholeUpToItsEndOrRefused) {
  {
    Ledger ledger = open_ledger(options());
    Traffic traffic(*ledger, 20'000);
    std::thread runner([&] { traffic.run(); });
    for (int n = 0; n < 20; ++n) {
      StoreOptions copy = options();
      copy.folder = folder_.path() / "copy";
      const Sequence before = traffic.last_durable();
      while (traffic.last_durable().value < before.value + 7) std::this_thread::yield();
      copy_carelessly(data(), copy.folder);
      const Sequence after = traffic.last_durable();
      const auto store = open_rocksdb_store(copy);
      if (!store.has_value()) {
        EXPECT_THAT(store.error().message, HasSubstr(copy.folder.string()));
        EXPECT_NE(store.error().code, Code::in_use);
      } else if (const std::string wrong = wrong_with_traffic(**store); !wrong.empty()) {
        EXPECT_EQ(folded_end(**store).last, Sequence(0)) << wrong;
      } else {
        EXPECT_LE((*store)->end().last.value, after.value + 1);
      }
      fs::remove_all(copy.folder);
    }
    traffic.stop();
    runner.join();
  }
  EXPECT_EQ(wrong_with_traffic(*open_ledger(options())), "");
}

}  // namespace
}  // namespace farthing::storage
