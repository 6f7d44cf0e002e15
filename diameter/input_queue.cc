#include "diameter/input_queue.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace farthing::diameter {

namespace {

constexpr std::size_t capacity_first = 64u << 10;
constexpr std::size_t room_min = 16u << 10;
constexpr std::size_t room_max = 256u << 10;
constexpr std::size_t capacity_kept_max = 1u << 20;

}  // namespace

InputQueue::InputQueue(std::size_t size_bytes_max, std::uint32_t message_size_bytes_max)
    : size_bytes_max_(std::max<std::size_t>({size_bytes_max, message_size_bytes_max, room_min})),
      message_size_bytes_max_(message_size_bytes_max),
      data_(new std::uint8_t[capacity_first]),
      capacity_(capacity_first) {}

InputQueue::Room InputQueue::room() {
  FARTHING_ASSERT(!is_full());
  if (is_empty()) begin_ = framed_ = end_ = 0;
  if (is_empty() && capacity_ > capacity_kept_max) {
    data_.reset(new std::uint8_t[capacity_first]);
    capacity_ = capacity_first;
  }
  if (capacity_ - end_ < room_min) {
    const std::size_t size = size_bytes();
    if (size > capacity_ / 2) {
      std::unique_ptr<std::uint8_t[]> larger(new std::uint8_t[capacity_ * 2]);
      std::memcpy(larger.get(), data_.get() + begin_, size);
      data_ = std::move(larger);
      capacity_ *= 2;
    } else {
      std::memmove(data_.get(), data_.get() + begin_, size);
    }
    framed_ -= begin_;
    end_ = size;
    begin_ = 0;
  }
  return {data_.get() + end_, std::min(capacity_ - end_, room_max)};
}

void InputQueue::consume(std::size_t size_bytes) {
  FARTHING_ASSERT(size_bytes <= this->size_bytes());
  const std::size_t end = begin_ + size_bytes;
  while (begin_ < std::min(end, framed_)) {
    begin_ += *frame_size(data_.get() + begin_, message_size_bytes_max_);
    --messages_;
  }
  begin_ = end;
  if (begin_ > framed_) {  // what is no message, or the beginning of one, thrown away
    framed_ = begin_;
    is_broken_ = false;
  }
}

}  // namespace farthing::diameter
