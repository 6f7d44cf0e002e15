#include "engine/admin/trace.h"

#include <iterator>
#include <utility>

namespace farthing::engine::admin {

namespace {

constexpr std::size_t queue_bytes_max = 8u << 20;
constexpr std::size_t message_bytes = 256;  // of one, beside its frame

}  // namespace

void TraceQueue::push(TracedMessage message) {
  const std::lock_guard lock(mutex_);
  const std::size_t bytes = message_bytes + message.frame.size();
  if (bytes_ + bytes > queue_bytes_max) {
    ++lost_;
    return;
  }
  bytes_ += bytes;
  messages_.push_back(std::move(message));
  come_.notify_one();
}

TraceQueue::Taken TraceQueue::take(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  come_.wait_for(lock, most, [this] { return !messages_.empty() || lost_ > 0; });
  Taken taken;
  taken.messages.assign(std::make_move_iterator(messages_.begin()),
                        std::make_move_iterator(messages_.end()));
  taken.lost = std::exchange(lost_, 0);
  messages_.clear();
  bytes_ = 0;
  return taken;
}

}  // namespace farthing::engine::admin
