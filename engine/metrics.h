// What a shard counts. Written by its thread only, without locks; read by any thread at any time,
// each figure by itself.
#pragma once

#include "engine/types.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace farthing::engine {

// A counter or gauge with one writer.
class Figure {
 public:
  void add(std::uint64_t n = 1) { set(value() + n); }
  void set(std::uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Microseconds, in buckets of a quarter of a power of two: exact to 25 %, up to 2^32 us.
class Histogram {
 public:
  static constexpr std::size_t buckets_per_octave = 4;
  static constexpr std::size_t bucket_count = 31 * buckets_per_octave;

  void record(std::uint64_t us, std::uint64_t times = 1) {
    buckets_[bucket_of(us)].add(times);
    sum_us_.add(us * times);
  }
  std::uint64_t count(std::size_t bucket) const { return buckets_[bucket].value(); }
  std::uint64_t sum_us() const { return sum_us_.value(); }

  static constexpr std::size_t bucket_of(std::uint64_t us) {
    if (us < buckets_per_octave) return us;
    const auto octave = static_cast<std::size_t>(std::bit_width(us)) - 3;  // from 0 for 4 to 7
    const std::size_t bucket = (octave + 1) * buckets_per_octave + (us >> octave & 3);
    return bucket < bucket_count ? bucket : bucket_count - 1;
  }
  // The largest value of a bucket.
  static constexpr std::uint64_t upper_us(std::size_t bucket) {
    if (bucket < buckets_per_octave) return bucket;
    const std::size_t octave = bucket / buckets_per_octave - 1;
    return ((buckets_per_octave + bucket % buckets_per_octave + 1) << octave) - 1;
  }

 private:
  std::array<Figure, bucket_count> buckets_;
  Figure sum_us_;
};

// What the shard's thread spends at a time on something else than requests.
struct Pauses {
  Histogram us;
  Histogram cpu_us;  // of that, its processor time: others' turns on the processor excluded
};

struct ShardMetrics {
  // Requests by type (RequestType - 1) and by how the command ended.
  std::array<std::array<Figure, 8>, 4> requests;
  // Services inside them, by how each ended.
  std::array<Figure, 9> services;
  Figure duplicates;          // answered again from what was remembered
  Figure duplicates_read;     // of those, read back from the ledger
  Figure duplicates_evicted;  // forgotten before their window was over
  Figure sessions_open;
  Figure sessions_expired;
  Figure renewals;  // entries about subscriptions that nobody asked for: renewed, unpaid, ended
  Figure accounts;
  Figure accounts_resident;
  Figure accounts_bytes;
  Figure accounts_evicted;
  Figure fetches;
  Figure fetches_failed;
  Figure rounds;
  Figure checkpoint_position;  // of the newest durable round
  Figure sequence;             // of the newest durable entry
  Figure batches;
  Figure batch_entries;
  Figure gathering_bytes;  // of the batch that waits for the store
  Histogram commit_us;     // hand-over to durable
  Histogram request_us;    // read to answer released
  Pauses upkeep;           // for write-back, eviction and what was fetched
  Pauses visits;           // for what people ask through the API
};

}  // namespace farthing::engine
