// The queue of a trace is bounded: whoever is too slow misses messages, and is told how many.
#include "engine/admin/trace.h"

#include <gtest/gtest.h>

namespace farthing::engine::admin {
namespace {

using std::chrono::milliseconds;

TracedMessage message_of(std::size_t size) {
  TracedMessage message;
  message.frame.resize(size);
  return message;
}

TEST(TraceQueue, KeepsTheOrderAndTakesAll) {
  TraceQueue queue;
  for (std::size_t size : {1u, 2u, 3u}) queue.push(message_of(size));
  const TraceQueue::Taken taken = queue.take(milliseconds(0));
  ASSERT_EQ(taken.messages.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(taken.messages[i].frame.size(), i + 1);
  EXPECT_EQ(taken.lost, 0u);
  EXPECT_TRUE(queue.take(milliseconds(0)).messages.empty());
}

TEST(TraceQueue, CountsWhatItHasNoRoomFor) {
  TraceQueue queue;
  std::size_t pushed = 0;
  for (; pushed < 20; ++pushed) queue.push(message_of(1u << 20));
  const TraceQueue::Taken taken = queue.take(milliseconds(0));
  EXPECT_GT(taken.messages.size(), 1u);
  EXPECT_LT(taken.messages.size(), pushed);
  EXPECT_EQ(taken.messages.size() + taken.lost, pushed);
  queue.push(message_of(1));  // there is room again
  EXPECT_EQ(queue.take(milliseconds(0)).messages.size(), 1u);
}

}  // namespace
}  // namespace farthing::engine::admin
