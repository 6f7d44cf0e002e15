// Packed files: what was written comes back with its hash; damage and cuts anywhere are errors.
#include "storage/packed_file.h"

#include "tests/support/temp_folder.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;

class PackedFileTest : public ::testing::Test {
 protected:
  Hash write(const std::string& content) {
    auto writer = PackedWriter::create(path_);
    EXPECT_TRUE(writer.has_value());
    for (std::size_t at = 0; at < content.size(); at += 100'001) {
      EXPECT_TRUE(writer->append(std::string_view(content).substr(at, 100'001)).has_value());
    }
    EXPECT_FALSE(fs::exists(path_));
    const auto hash = writer->finish();
    EXPECT_TRUE(hash.has_value());
    return *hash;
  }
  // The content, and its hash; the error.
  base::Result<std::string, StoreError> read(Hash& hash) {
    auto reader = PackedReader::open(path_);
    if (!reader.has_value()) return reader.error();
    std::string content;
    for (;;) {
      const auto piece = reader->next();
      if (!piece.has_value()) return piece.error();
      if (piece->empty()) break;
      content += *piece;
    }
    hash = reader->hash();
    return content;
  }

  test::TempFolder folder_;
  const fs::path path_ = folder_.path() / "packed";
};

TEST_F(PackedFileTest, GivesBackWhatWasWritten) {
  std::string content;
  for (std::int64_t i = 0; i < 500'000; ++i) content += std::to_string(i * 7919);
  for (const std::string& text : {std::string(), std::string("short"), content}) {
    fs::remove(path_);
    const Hash written = write(text);
    Hash hash;
    const auto found = read(hash);
    ASSERT_TRUE(found.has_value()) << found.error().message;
    EXPECT_EQ(*found, text);
    EXPECT_EQ(hash, written);
  }
}

TEST_F(PackedFileTest, NamesAFileThatIsDamagedCutShortOrMissing) {
  write(std::string(3000, 'x') + "some text that differs, and again some text");
  std::string good;
  {
    std::ifstream in(path_, std::ios::binary);
    good.assign(std::istreambuf_iterator<char>(in), {});
  }
  Hash hash;
  for (std::size_t cut = 1; cut < good.size(); ++cut) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << good.substr(0, cut);
    const auto found = read(hash);
    ASSERT_FALSE(found.has_value()) << cut;
    EXPECT_NE(found.error().message.find(path_.string()), std::string::npos);
  }
  std::string bad = good;
  bad[good.size() / 2] = static_cast<char>(bad[good.size() / 2] ^ 1);
  std::ofstream(path_, std::ios::binary | std::ios::trunc) << bad;
  EXPECT_FALSE(read(hash).has_value());
  fs::remove(path_);
  const auto missing = read(hash);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, StoreError::Code::io);
}

}  // namespace
}  // namespace farthing::storage
