// Latencies in buckets whose width grows with the value: 128 to each power of two, so that a
// percentile is off by less than 1 %. Nanoseconds; whatever is negative counts as 0.
//
// Threads: one.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace farthing::load {

class Histogram {
 public:
  void record(std::int64_t ns) {
    const std::uint64_t value = ns < 0 ? 0 : static_cast<std::uint64_t>(ns);
    ++buckets_[bucket_of(value)];
    ++count_;
    if (value > max_) max_ = value;
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t max_ns() const { return max_; }

  // The least value that at least `fraction` (0..1) of the values do not exceed; 0 when empty.
  std::uint64_t percentile_ns(double fraction) const;

 private:
  static constexpr unsigned sub_bits = 7;
  static constexpr std::uint64_t sub_count = std::uint64_t{1} << sub_bits;

  static std::size_t bucket_of(std::uint64_t value) {
    if (value < sub_count) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - sub_bits;
    return (shift + 1) * sub_count + (value >> shift) - sub_count;
  }
  static std::uint64_t greatest_in(std::size_t bucket);

  std::array<std::uint64_t, (64 - sub_bits + 1) * sub_count> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace farthing::load
