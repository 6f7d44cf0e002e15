#include "tools/load/histogram.h"

#include <algorithm>
#include <cmath>

namespace farthing::load {

std::uint64_t Histogram::greatest_in(std::size_t bucket) {
  if (bucket < sub_count) return bucket;
  const std::size_t shift = bucket / sub_count - 1;
  return ((bucket % sub_count + sub_count + 1) << shift) - 1;
}

std::uint64_t Histogram::percentile_ns(double fraction) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(fraction * static_cast<double>(count_));
  const std::uint64_t rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(greatest_in(i), max_);
  }
  return max_;
}

}  // namespace farthing::load
