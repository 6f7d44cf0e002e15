#include "storage/record.h"

#include "storage/crc32c.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace farthing::storage {
namespace {

base::Time at(std::int64_t us) { return base::Time(base::Duration(us)); }

std::string encode(const RecordHeader& header, std::string_view body) {
  const auto bytes = encode_record_header(header, body);
  return std::string(bytes.data(), bytes.size()).append(body);
}

// Puts the right checksum into a record that was changed by hand.
std::string with_checksum(std::string bytes) {
  const std::uint32_t crc = crc32c(std::string_view(bytes).substr(4));
  std::memcpy(bytes.data(), &crc, sizeof crc);
  return bytes;
}

RecordHeader header_of(std::uint64_t first, std::uint32_t count) {
  RecordHeader header;
  header.first = Sequence(first);
  header.count = count;
  header.now = at(1'700'000'000'000'000);
  header.previous.fill(std::byte{0xab});
  return header;
}

TEST(Record, ReadsWhatItWrote) {
  EXPECT_TRUE(rc::check(
      [](const std::string& body, std::uint32_t first, std::uint16_t count, std::int64_t now) {
        RecordHeader header = header_of(1ull + first, 1u + count);
        header.now = at(now);
        const std::string bytes = encode(header, body);
        const auto record = decode_record(bytes);
        RC_ASSERT(record.has_value());
        RC_ASSERT(record->header.first == header.first);
        RC_ASSERT(record->header.count == header.count);
        RC_ASSERT(record->header.now == header.now);
        RC_ASSERT(record->header.previous == header.previous);
        RC_ASSERT(record->body == body);
      }));
}

// The bytes themselves, so that a later version cannot change the format without noticing.
TEST(Record, HasItsFieldsWhereTheFormatSays) {
  RecordHeader header = header_of(0x0102030405060708, 0x11121314);
  header.now = at(0x2122232425262728);
  const std::string bytes = encode(header, "body");
  ASSERT_EQ(bytes.size(), 68u);
  EXPECT_EQ(bytes.substr(4, 4), std::string("\x01\x00\x00\x00", 4));
  EXPECT_EQ(bytes.substr(8, 8), "\x08\x07\x06\x05\x04\x03\x02\x01");
  EXPECT_EQ(bytes.substr(16, 4), "\x14\x13\x12\x11");
  EXPECT_EQ(bytes.substr(20, 4), std::string("\x04\x00\x00\x00", 4));
  EXPECT_EQ(bytes.substr(24, 8), "\x28\x27\x26\x25\x24\x23\x22\x21");
  EXPECT_EQ(bytes.substr(32, 32), std::string(32, '\xab'));
  EXPECT_EQ(bytes.substr(64), "body");
  EXPECT_EQ(with_checksum(bytes), bytes);
}

TEST(Record, EveryFlippedBitAndEveryCutIsSeen) {
  const std::string good = encode(header_of(7, 3), "three entries");
  for (std::size_t byte = 0; byte < good.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[byte] = static_cast<char>(bad[byte] ^ (1 << bit));
      EXPECT_FALSE(decode_record(bad).has_value()) << byte << "." << bit;
    }
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(decode_record(std::string_view(good).substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(decode_record(good + "x").has_value());
}

TEST(Record, RefusesWhatOnlyItsChecksumSpeaksFor) {
  const std::string good = encode(header_of(7, 3), "body");
  const auto fault_with = [&](std::size_t offset, std::string_view bytes) {
    std::string bad = good;
    bad.replace(offset, bytes.size(), bytes);
    const auto record = decode_record(with_checksum(bad));
    EXPECT_FALSE(record.has_value());
    return record.error();
  };
  EXPECT_EQ(fault_with(4, "\x02"), RecordFault::unknown_format);
  EXPECT_EQ(fault_with(6, "\x01"), RecordFault::unknown_format);
  EXPECT_EQ(fault_with(20, "\x05"), RecordFault::wrong_length);
  EXPECT_EQ(fault_with(16, std::string(4, '\0')), RecordFault::wrong_numbering);
  EXPECT_EQ(fault_with(8, std::string(8, '\0')), RecordFault::wrong_numbering);
  EXPECT_EQ(fault_with(8, std::string(8, '\xff')), RecordFault::wrong_numbering);
  for (auto fault : {RecordFault::too_short, RecordFault::wrong_checksum}) {
    EXPECT_FALSE(describe(fault).empty());
  }
}

TEST(Record, HostileBytesAreAValueError) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    RC_ASSERT(!decode_record(bytes).has_value());
    if (bytes.size() >= 4) (void)decode_record(with_checksum(bytes));
  }));
}

TEST(RecordHasher, IsSha256OfAllItsParts) {
  RecordHasher hasher;
  const Hash abc = hasher.hash("a", "bc");
  EXPECT_EQ(abc, hasher.hash("ab", "c"));
  // FIPS 180-4's example for "abc".
  EXPECT_EQ(static_cast<int>(abc[0]), 0xba);
  EXPECT_EQ(static_cast<int>(abc[1]), 0x78);
  EXPECT_EQ(static_cast<int>(abc[31]), 0xad);
}

class Chain : public testing::Test {
 protected:
  // The next record of a chain of two entries each.
  std::string next(base::Time now) {
    RecordHeader header;
    header.first = Sequence(end_.last.value + 1);
    header.count = 2;
    header.now = now;
    header.previous = end_.hash;
    std::string bytes = encode(header, "body");
    end_ = *end_after(bytes, header.first);
    return bytes;
  }

  LedgerEnd end_;
};

TEST_F(Chain, FollowsNumberTimeAndHash) {
  const std::string a = next(at(5));
  const std::string b = next(at(5));
  const std::string c = next(at(4));  // goes back in time
  ChainReader chain{LedgerEnd{}};
  ASSERT_TRUE(chain.next(a).has_value());
  ASSERT_TRUE(chain.next(b).has_value());
  EXPECT_EQ(chain.end().last, Sequence(4));
  const auto old = chain.next(c);
  ASSERT_FALSE(old.has_value());
  EXPECT_EQ(old.error().code, StoreError::Code::corrupt);
  EXPECT_EQ(old.error().sequence, Sequence(5));

  ChainReader gap{LedgerEnd{}};
  ASSERT_TRUE(gap.next(a).has_value());
  EXPECT_FALSE(gap.next(c).has_value());

  end_ = LedgerEnd{};
  (void)next(at(3));  // another history with the same numbers
  const std::string other = next(at(5));
  ChainReader forked{LedgerEnd{}};
  ASSERT_TRUE(forked.next(a).has_value());
  EXPECT_FALSE(forked.next(other).has_value());
}

TEST_F(Chain, EndIsOnlyBelievedUnderItsOwnNumber) {
  const std::string a = next(at(5));
  EXPECT_TRUE(end_after(a, Sequence(1)).has_value());
  EXPECT_FALSE(end_after(a, Sequence(2)).has_value());
  EXPECT_FALSE(end_after("", Sequence(1)).has_value());
}

}  // namespace
}  // namespace farthing::storage
