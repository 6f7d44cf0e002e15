// InputQueue: what was read from one connection and not worked on yet, in whole messages.
//
// Owned by its connection; one thread. Its memory grows up to twice the limit, and what a burst has
// blown up is given back when the queue is empty. Nothing is allocated between two of these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "diameter/buffer.h"
#include "diameter/message.h"

namespace farthing::diameter {

class InputQueue {
 public:
  InputQueue(std::size_t size_bytes_max, std::uint32_t message_size_bytes_max);

  std::size_t size_bytes() const { return end_ - begin_; }
  bool is_empty() const { return begin_ == end_; }
  // Nothing more is to be read.
  bool is_full() const { return size_bytes() >= size_bytes_max_; }
  bool is_almost_full() const { return size_bytes() >= size_bytes_max_ / 4 * 3; }
  std::size_t messages() const { return messages_; }  // whole ones
  // There is a whole message, or something that is none.
  bool has_message() const { return framed_ > begin_ || is_broken_; }
  Bytes bytes() const { return {data_.get() + begin_, size_bytes()}; }

  struct Room {
    std::uint8_t* data;
    std::size_t size_bytes;
  };
  // Where what is read next goes; it stays there until add(), whatever is consumed meanwhile.
  // REQUIRES: !is_full().
  Room room();
  // So much of the room is filled. Whole messages for which `leaves(Bytes)` are taken out again.
  template <class Leaves>
  void add(std::size_t size_bytes, Leaves&& leaves);
  // The first octets are done with.
  void consume(std::size_t size_bytes);

 private:
  const std::size_t size_bytes_max_;
  const std::uint32_t message_size_bytes_max_;
  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t framed_ = 0;  // up to here there are whole messages
  std::size_t end_ = 0;
  bool is_broken_ = false;  // what stands at framed_ is no message
  std::size_t messages_ = 0;
};

template <class Leaves>
void InputQueue::add(std::size_t size_bytes, Leaves&& leaves) {
  constexpr std::size_t size_field_bytes = 4;
  const std::size_t read = end_ + size_bytes;
  std::size_t from = framed_;  // messages that stay move down from here over those that leave
  while (!is_broken_ && read - from >= size_field_bytes) {
    std::uint8_t* const at = data_.get() + from;
    const auto size = frame_size(at, message_size_bytes_max_);
    is_broken_ = size.has_error();
    if (is_broken_ || read - from < *size) break;
    from += *size;
    if (leaves(Bytes{at, *size})) continue;
    if (data_.get() + framed_ != at) std::memmove(data_.get() + framed_, at, *size);
    framed_ += *size;
    ++messages_;
  }
  if (from != framed_) std::memmove(data_.get() + framed_, data_.get() + from, read - from);
  end_ = framed_ + (read - from);
}

}  // namespace farthing::diameter
