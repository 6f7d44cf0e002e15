// Counts allocations, so it is a program of its own: it replaces operator new.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "diameter/error_answer.h"
#include "diameter/message.h"
#include "diameter/writer.h"
#include "tests/diameter/sample_messages.h"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace farthing::diameter {
namespace {

TEST(Allocation, DecodingAndEncodingAllocateNothingOnceWarm) {
  Buffer request;
  testing::write_sample_request(request);
  const auto message = std::make_unique<Message>();
  Buffer answer;
  std::size_t before = 0;
  for (int i = 0; i < 100; ++i) {
    if (i == 1) before = allocations;  // The first one warms up.
    answer.clear();
    ASSERT_TRUE(decode(request.bytes(), *message).has_value());
    testing::write_sample_answer(answer, *message);
  }
  EXPECT_GT(before, 0u) << "the counter counts";
  EXPECT_EQ(allocations - before, 0u);
}

TEST(Allocation, RefusingAllocatesNothingOnceWarm) {
  Buffer request;
  testing::write_sample_request(request);
  request.data()[24] |= 1;  // A reserved bit in the first AVP.
  const auto message = std::make_unique<Message>();
  const Identity identity{"ocs.farthing.example", "farthing.example", 1};
  Buffer answer;
  std::size_t before = 0;
  for (int i = 0; i < 100; ++i) {
    if (i == 1) before = allocations;
    answer.clear();
    const auto result = decode(request.bytes(), *message);
    ASSERT_TRUE(result.has_error());
    const DecodeError error = result.error();
    write_error_answer(answer, *message, identity, error.code, error.failed_avp);
  }
  EXPECT_EQ(allocations - before, 0u);
}

}  // namespace
}  // namespace farthing::diameter
