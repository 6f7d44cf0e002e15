#include "storage/crc32c.h"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace farthing::storage {
namespace {

// The examples of RFC 3720 appendix B.4, and the usual check value.
TEST(Crc32c, GivesThePublishedValues) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(Crc32c, InstructionAndTableAgreeWhereverTheTextIsCut) {
  EXPECT_TRUE(rc::check([](const std::string& a, const std::string& b) {
    RC_ASSERT(crc32c(a + b) == crc32c_by_table(a + b));
    RC_ASSERT(crc32c(b, crc32c(a)) == crc32c(a + b));
  }));
}

}  // namespace
}  // namespace farthing::storage
