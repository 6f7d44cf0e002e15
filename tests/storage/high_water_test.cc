#include "storage/high_water.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <rocksdb/file_system.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;
using Mode = HighWaterFile::Mode;

class HighWaterTest : public testing::Test {
 protected:
  HighWaterTest() {
    std::string name = (fs::temp_directory_path() / "farthing-high-water-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~HighWaterTest() override { fs::remove_all(folder_); }

  static HighWater mark(std::uint64_t last) {
    HighWater high_water{Sequence(last), {}};
    high_water.hash.fill(static_cast<std::byte>(last));
    return high_water;
  }

  // What the file says when it is opened again.
  std::uint64_t found() const {
    const auto file = HighWaterFile::open(*rocksdb::FileSystem::Default(), path(), Mode::read_only);
    if (!file.has_value() || !(*file).found().has_value()) return 0;
    EXPECT_EQ((*file).found()->hash, mark((*file).found()->last.value).hash);
    return (*file).found()->last.value;
  }

  fs::path path() const { return folder_ / "high-water"; }

  fs::path folder_;
};

TEST_F(HighWaterTest, IsNotMadeUnlessToldTo) {
  const auto file = HighWaterFile::open(*rocksdb::FileSystem::Default(), path(), Mode::read_write);
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code, StoreError::Code::corrupt);
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(HighWaterTest, HasItsSizeFromTheStartAndSaysTheNewest) {
  auto file = HighWaterFile::open(*rocksdb::FileSystem::Default(), path(), Mode::create);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(fs::file_size(path()), 8192u);
  EXPECT_EQ(found(), 0u);
  for (std::uint64_t last = 3; last < 9; ++last) {
    EXPECT_FALSE((*file).write(mark(last)).has_value());
    EXPECT_EQ(found(), last);
  }
  EXPECT_EQ(fs::file_size(path()), 8192u);
}

// A crash in the middle of a write leaves a place that is neither old nor new.
TEST_F(HighWaterTest, ATornWriteLeavesTheOneBefore) {
  {
    auto file = HighWaterFile::open(*rocksdb::FileSystem::Default(), path(), Mode::create);
    ASSERT_TRUE(file.has_value());
    EXPECT_FALSE((*file).write(mark(1)).has_value());
    EXPECT_FALSE((*file).write(mark(2)).has_value());
  }
  std::fstream(path(), std::ios::in | std::ios::out).seekp(4096 + 20) << "torn";
  EXPECT_EQ(found(), 1u);
  // The next write goes to the spoiled place, not over the only good one.
  auto file = HighWaterFile::open(*rocksdb::FileSystem::Default(), path(), Mode::read_write);
  ASSERT_TRUE(file.has_value());
  EXPECT_FALSE((*file).write(mark(3)).has_value());
  EXPECT_EQ(found(), 3u);
  std::fstream(path(), std::ios::in | std::ios::out).seekp(4096 + 20) << "torn";
  EXPECT_EQ(found(), 1u);
}

}  // namespace
}  // namespace farthing::storage
