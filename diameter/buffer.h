// Buffer: octets that grow at their end. Unlike std::vector it does not clear what it hands out.
//
// Owns its memory and keeps it through clear(), so a buffer that has been used once allocates no
// more for messages of the same size. Not shared between threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace farthing::diameter {

using Bytes = std::span<const std::uint8_t>;

class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }

  // Appends `count` octets of any content and returns where they begin. The pointer is good until
  // the next call.
  std::uint8_t* extend(std::size_t count) {
    if (capacity_ - size_ < count) grow(count);
    std::uint8_t* at = data_.get() + size_;
    size_ += count;
    return at;
  }
  void append(Bytes bytes) {
    if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
  }
  // Takes off what stands before `count`.
  void drop_front(std::size_t count) {
    size_ -= count;
    if (size_ > 0) std::memmove(data_.get(), data_.get() + count, size_);
  }
  // REQUIRES: size <= size().
  void truncate(std::size_t size) { size_ = size; }
  void clear() { size_ = 0; }
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  std::uint8_t* data() { return data_.get(); }
  const std::uint8_t* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  Bytes bytes() const { return {data_.get(), size_}; }

 private:
  [[gnu::noinline]] void grow(std::size_t count) {
    std::size_t capacity = capacity_ < 512 ? 1024 : capacity_ * 2;
    while (capacity - size_ < count) capacity *= 2;
    std::unique_ptr<std::uint8_t[]> data(new std::uint8_t[capacity]);
    if (size_ > 0) std::memcpy(data.get(), data_.get(), size_);
    data_ = std::move(data);
    capacity_ = capacity;
  }

  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace farthing::diameter
