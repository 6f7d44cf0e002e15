// Segments of records in files: what was written is read back, from anywhere; a torn end is cut
// off, all other damage is found and named.
#include "storage/segment.h"

#include "storage/memory_store.h"
#include "tests/support/temp_folder.h"

#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farthing::storage {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class SegmentTest : public testing::Test {
 protected:
  // `count` records of 1 to 5 entries, some of them large, as bytes.
  explicit SegmentTest(int count = 60, std::size_t large_bytes = 100'000) {
    std::mt19937 random(7);
    for (int i = 0; i < count; ++i) {
      std::string body(i % 7 == 3 ? large_bytes : random() % 200, '\0');
      for (char& c : body) c = static_cast<char>(random() % 16);
      std::vector<Document> none;
      store_.append(body, 1 + static_cast<std::uint32_t>(random() % 5),
                    base::Time(base::Duration(i)), none);
      EXPECT_TRUE(store_.sync());
    }
    for (Sequence at(1); at <= store_.end().last;) {
      std::string bytes;
      const auto record = store_.read(at, bytes);
      EXPECT_TRUE(record.has_value());
      at = Sequence(record->header.first.value + record->header.count);
      records_.push_back(bytes);
    }
  }

  // Records [begin, end) as one segment.
  fs::path write(std::size_t begin, std::size_t end, bool seal) {
    auto writer = SegmentWriter::create(folder_.path(), end_before(begin));
    EXPECT_TRUE(writer.has_value());
    for (std::size_t i = begin; i < end; ++i) EXPECT_TRUE(writer->append(records_[i]).has_value());
    EXPECT_TRUE(writer->sync().has_value());
    EXPECT_EQ(writer->end().last.value + 1, first_of(end));
    if (seal) {
      const auto sealed = writer->seal();
      EXPECT_TRUE(sealed.has_value()) << sealed.error().message;
    }
    return folder_.path() / segment_file_name(Sequence(first_of(begin)));
  }

  std::uint64_t first_of(std::size_t index) const {
    return index == records_.size() ? store_.end().last.value + 1
                                    : decode_record(records_[index])->header.first.value;
  }
  LedgerEnd end_before(std::size_t index) const {
    if (index == 0) return {};
    return *end_after(records_[index - 1], Sequence(first_of(index - 1)));
  }

  SegmentFolder open() {
    auto folder = SegmentFolder::open(folder_.path());
    EXPECT_TRUE(folder.has_value()) << folder.error().message;
    return std::move(*folder);
  }
  std::string open_error() {
    const auto folder = SegmentFolder::open(folder_.path());
    return folder.has_value() ? "" : folder.error().message;
  }
  // Every record from `from` on, or the error's message as the last.
  static std::vector<std::string> scanned(const SegmentFolder& folder, std::uint64_t from) {
    std::vector<std::string> found;
    const auto result = folder.scan(Sequence(from), [&](const Record& record) {
      const auto header = encode_record_header(record.header, record.body);
      found.push_back(std::string(header.data(), header.size()).append(record.body));
      return true;
    });
    if (!result.has_value()) found.push_back(result.error().message);
    return found;
  }

  test::TempFolder folder_;
  MemoryStore store_;
  std::vector<std::string> records_;
};

TEST_F(SegmentTest, are_read_back_across_files_from_any_entry) {
  write(0, 20, true);
  write(20, 45, true);
  write(45, records_.size(), false);
  const SegmentFolder folder = open();
  EXPECT_EQ(folder.first(), Sequence(1));
  EXPECT_EQ(folder.end().last, store_.end().last);
  EXPECT_EQ(folder.end().hash, store_.end().hash);
  ASSERT_EQ(folder.segments().size(), 3u);
  EXPECT_TRUE(folder.segments()[1].is_sealed());
  EXPECT_FALSE(folder.segments()[2].is_sealed());
  for (std::size_t i = 0; i < records_.size(); ++i) {
    const Record record = *decode_record(records_[i]);
    const std::uint64_t last = record.header.first.value + record.header.count - 1;
    EXPECT_EQ(scanned(folder, last),
              std::vector(records_.begin() + static_cast<std::ptrdiff_t>(i), records_.end()));
    std::string buffer;
    const auto read = folder.read(Sequence(last), buffer);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->body, record.body);
    EXPECT_EQ(buffer, records_[i]);
  }
  std::string buffer;
  EXPECT_EQ(folder.read(Sequence(store_.end().last.value + 1), buffer).error().code,
            StoreError::Code::not_found);
}

TEST_F(SegmentTest, are_smaller_when_sealed_and_plain_zstd) {
  const fs::path path = write(0, records_.size(), false);
  const auto before = fs::file_size(path);
  auto writer = SegmentWriter::resume(*SegmentReader::open(path));
  ASSERT_TRUE(writer.has_value());
  ASSERT_TRUE(writer->seal().has_value());
  EXPECT_LT(fs::file_size(path), before * 2 / 3);
  EXPECT_EQ(read_file(path).substr(8, 42), "farthing ledger segment, format 1, sealed\n");
  EXPECT_EQ(scanned(open(), 1), records_);
}

TEST_F(SegmentTest, a_torn_end_is_cut_off_wherever_the_crash_came) {
  const fs::path path = write(0, 10, false);
  const std::string whole = read_file(path);
  const std::size_t last = records_[9].size();
  for (std::size_t cut = 1; cut <= last; cut += cut < 100 || cut + 100 > last ? 1 : 37) {
    write_file(path, std::string_view(whole).substr(0, whole.size() - cut));
    const auto segment = SegmentReader::open(path);
    ASSERT_TRUE(segment.has_value());
    EXPECT_EQ(segment->end().last.value + 1, first_of(9));
    EXPECT_EQ(segment->torn_bytes(), last - cut);
    auto writer = SegmentWriter::resume(*segment);
    ASSERT_TRUE(writer.has_value());
    ASSERT_TRUE(writer->append(records_[9]).has_value());
    ASSERT_EQ(read_file(path), whole);
  }
}

// The system made the file longer before the bytes came, or wrote the second half first.
TEST_F(SegmentTest, bytes_that_were_never_written_are_a_torn_end_too) {
  const fs::path path = write(0, 10, false);
  const std::string whole = read_file(path);
  for (std::string spoiled : {whole + std::string(5000, '\0'), whole + std::string(30, '\xff')}) {
    write_file(path, spoiled);
    EXPECT_EQ(SegmentReader::open(path)->torn_bytes(), spoiled.size() - whole.size());
  }
  write_file(path, "farthing led");
  EXPECT_TRUE(SegmentReader::open(path)->is_empty());
  EXPECT_TRUE(open().is_empty());
  EXPECT_TRUE(SegmentWriter::create(folder_.path(), {}).has_value());
}

TEST_F(SegmentTest, a_writer_takes_only_what_follows) {
  auto writer = SegmentWriter::create(folder_.path(), {});
  ASSERT_TRUE(writer->append(records_[0]).has_value());
  EXPECT_EQ(writer->append(records_[2]).error().code, StoreError::Code::corrupt);
  EXPECT_EQ(writer->append("nonsense").error().code, StoreError::Code::corrupt);
  EXPECT_TRUE(writer->append(records_[1]).has_value());
  EXPECT_EQ(SegmentWriter::create(folder_.path(), {}).error().code, StoreError::Code::io);
}

TEST_F(SegmentTest, gaps_and_strangers_are_named) {
  write(0, 20, true);
  const fs::path middle = write(20, 40, true);
  write(40, 60, true);
  const std::string kept = read_file(middle);
  fs::remove(middle);
  EXPECT_THAT(open_error(), HasSubstr("entry " + std::to_string(first_of(20)) + " is missing"));
  write_file(middle, kept);
  EXPECT_EQ(open_error(), "");

  fs::remove(middle);
  write(20, 40, false);
  EXPECT_THAT(open_error(), HasSubstr("is not sealed"));
  write_file(middle, "no segment at all, but long enough to be looked at closely");
  EXPECT_THAT(open_error(), HasSubstr("no segment of a format"));
}

// Every byte of a sealed file is covered: whatever is changed, something is wrong, and nothing else
// comes out.
class SmallSegmentTest : public SegmentTest {
 protected:
  SmallSegmentTest() : SegmentTest(8, 300) {}
};

TEST_F(SmallSegmentTest, no_damage_to_a_sealed_file_goes_unnoticed) {
  const fs::path path = write(0, records_.size(), true);
  const std::string whole = read_file(path);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string spoiled = whole;
    spoiled[i] = static_cast<char>(spoiled[i] ^ 0x10);
    write_file(path, spoiled);
    const auto folder = SegmentFolder::open(folder_.path());
    if (!folder.has_value()) continue;
    EXPECT_NE(scanned(*folder, 1), records_) << "byte " << i;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_file(path, std::string_view(whole).substr(0, size));
    const auto folder = SegmentFolder::open(folder_.path());
    EXPECT_TRUE(!folder.has_value() || folder->is_empty()) << size;
  }
}

}  // namespace
}  // namespace farthing::storage
