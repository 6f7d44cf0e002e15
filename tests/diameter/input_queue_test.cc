#include "diameter/input_queue.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "diameter/byte_order.h"

namespace farthing::diameter {
namespace {

constexpr std::size_t size_max = 64u << 10;
constexpr std::uint32_t message_max = 4096;

std::vector<std::uint8_t> message(std::size_t size, std::uint8_t content) {
  std::vector<std::uint8_t> octets(size, content);
  store_u32(octets.data(), 0x01000000 | static_cast<std::uint32_t>(size));
  return octets;
}

const auto nothing_leaves = [](Bytes) { return false; };

template <class Leaves>
void add(InputQueue& queue, Bytes octets, Leaves leaves) {
  while (!octets.empty()) {
    const InputQueue::Room room = queue.room();
    const std::size_t size = std::min(room.size_bytes, octets.size());
    std::memcpy(room.data, octets.data(), size);
    queue.add(size, leaves);
    octets = octets.subspan(size);
  }
}

TEST(InputQueue, HoldsWhatWasReadInOrder) {
  InputQueue queue(size_max, message_max);
  EXPECT_TRUE(queue.is_empty());
  EXPECT_FALSE(queue.has_message());
  const auto first = message(40, 1);
  const auto second = message(60, 2);
  add(queue, first, nothing_leaves);
  add(queue, Bytes(second).first(30), nothing_leaves);
  EXPECT_EQ(queue.messages(), 1u);
  EXPECT_EQ(queue.size_bytes(), 70u);
  queue.consume(40);
  EXPECT_FALSE(queue.has_message()) << "half a message is none";
  add(queue, Bytes(second).subspan(30), nothing_leaves);
  EXPECT_EQ(queue.messages(), 1u);
  EXPECT_TRUE(std::ranges::equal(queue.bytes(), second));
}

TEST(InputQueue, WhatIsNoMessageIsToBeLookedAt) {
  InputQueue queue(size_max, message_max);
  const std::vector<std::uint8_t> noise(24, 0xff);
  add(queue, noise, nothing_leaves);
  EXPECT_TRUE(queue.has_message());
  EXPECT_EQ(queue.messages(), 0u);
  queue.consume(24);
  EXPECT_FALSE(queue.has_message());
}

TEST(InputQueue, IsFullAtItsLimit) {
  InputQueue queue(size_max, message_max);
  const auto one = message(1024, 7);
  while (!queue.is_full()) add(queue, one, nothing_leaves);
  EXPECT_EQ(queue.size_bytes(), size_max);
  EXPECT_TRUE(queue.is_almost_full());
  queue.consume(size_max);
  EXPECT_TRUE(queue.is_empty());
  EXPECT_GT(queue.room().size_bytes, 0u);
}

// What is read may be split anywhere, some messages leave at once, and others are consumed between:
// what comes out is what went in without those that left.
RC_GTEST_PROP(InputQueueProperty, LosesAndMixesUpNothing, ()) {
  const auto sizes = *rc::gen::container<std::vector<std::size_t>>(
      200,
      rc::gen::map(rc::gen::inRange<std::size_t>(1, 200), [](std::size_t n) { return 4 * n; }));
  std::vector<std::uint8_t> stream;
  std::vector<std::uint8_t> expected;
  std::uint8_t content = 0;
  for (const std::size_t size : sizes) {
    const auto octets = message(std::max<std::size_t>(size, 20), ++content);
    stream.insert(stream.end(), octets.begin(), octets.end());
    if (content % 3 != 0) expected.insert(expected.end(), octets.begin(), octets.end());
  }
  InputQueue queue(size_max, message_max);
  std::vector<std::uint8_t> out;
  const auto take = [&](std::size_t messages) {
    std::size_t size = 0;
    for (; messages > 0; --messages) size += load_u24(queue.bytes().data() + size + 1);
    const Bytes taken = queue.bytes().first(size);
    out.insert(out.end(), taken.begin(), taken.end());
    queue.consume(size);
  };
  for (Bytes rest = stream; !rest.empty();) {
    const std::size_t part = std::min<std::size_t>(rest.size(), *rc::gen::inRange(1, 4000));
    if (queue.is_full()) take(queue.messages());
    add(queue, rest.first(part), [](Bytes frame) { return frame[19] % 3 == 0; });
    rest = rest.subspan(part);
    if (*rc::gen::arbitrary<bool>()) take(queue.messages() / 2);
  }
  take(queue.messages());
  RC_ASSERT(out == expected);
  RC_ASSERT(queue.is_empty());
}

}  // namespace
}  // namespace farthing::diameter
