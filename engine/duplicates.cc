#include "engine/duplicates.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <utility>

namespace farthing::engine {

namespace {

constexpr std::uint64_t bytes_per_key = 32;  // of a row on disk
constexpr std::uint64_t bucket_keys_most = std::uint64_t{8} << 20;
constexpr std::uint64_t bucket_keys_least = std::uint64_t{1} << 14;
constexpr std::uint64_t buckets_at_full = 16;
constexpr Duration bucket_time = std::chrono::hours(1);
constexpr std::uint64_t bits_per_key = 12;
constexpr int bits_set = 7;
// A peer that repeats one number with ever new content must not make each look-up longer.
constexpr int same_key_max = 64;

std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

void append_prefix(std::string& out, std::uint32_t bucket, const SessionId128& key) {
  append_big_endian(out, bucket, 4);
  append_big_endian(out, key.high, 8);
  append_big_endian(out, key.low, 8);
}

constexpr std::size_t row_key_bytes = 4 + 16 + 8;

}  // namespace

// --- KeyFilter -----------------------------------------------------------------------------------

KeyFilter::KeyFilter(std::uint64_t keys_max)
    : blocks_(keys_max * bits_per_key / (64 * block_words) + 1),
      words_(static_cast<std::uint64_t*>(std::calloc(blocks_ * block_words, 8))) {
  FARTHING_ASSERT(words_ != nullptr);
}

std::uint64_t KeyFilter::block_of(const SessionId128& key) const {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(Wide{key.high} * blocks_ >> 64) * block_words;
}

void KeyFilter::add(const SessionId128& key) {
  std::uint64_t* const block = &words_[block_of(key)];
  std::uint64_t bits = mixed(key.low);
  for (int i = 0; i < bits_set; ++i, bits >>= 9) {
    block[bits >> 6 & 7] |= std::uint64_t{1} << (bits & 63);
  }
}

bool KeyFilter::may_have(const SessionId128& key) const {
  const std::uint64_t* const block = &words_[block_of(key)];
  std::uint64_t bits = mixed(key.low);
  for (int i = 0; i < bits_set; ++i, bits >>= 9) {
    if ((block[bits >> 6 & 7] >> (bits & 63) & 1) == 0) return false;
  }
  return true;
}

// --- Keys ----------------------------------------------------------------------------------------

DuplicateTable::Key DuplicateTable::key_of_session(const SessionId128& session) { return session; }

DuplicateTable::Key DuplicateTable::key_of_request(const SessionId128& session,
                                                   const RequestKey& request) {
  // The session's hash is keyed and 128 bits wide; the rest only has to be mixed in.
  std::uint64_t x = static_cast<std::uint64_t>(request.type) << 32 | request.number;
  x = mixed(x ^ mixed(request.sub_session));
  return {mixed(session.low ^ x), mixed(session.high + x)};
}

std::string duplicate_prefix(std::uint32_t bucket) {
  std::string prefix;
  append_big_endian(prefix, bucket, 4);
  return prefix;
}

std::string duplicate_prefix(std::uint32_t bucket, const DuplicateTable::Key& key) {
  std::string prefix;
  append_prefix(prefix, bucket, key);
  return prefix;
}

bool decode_duplicate(std::string_view row_key, DuplicateRow& row) {
  if (row_key.size() != row_key_bytes) return false;
  row.bucket = static_cast<std::uint32_t>(read_big_endian(row_key.substr(0, 4)));
  row.key.high = read_big_endian(row_key.substr(4, 8));
  row.key.low = read_big_endian(row_key.substr(12, 8));
  row.sequence = Sequence(read_big_endian(row_key.substr(20, 8)));
  return true;
}

// --- DuplicateTable ------------------------------------------------------------------------------

DuplicateTable::DuplicateTable(DuplicateOptions options, std::size_t keys_expected)
    : options_(options),
      keys_max_(options.window > Duration::zero() ? options.bytes_max / bytes_per_key : 0),
      bucket_keys_max_(
          std::clamp(keys_max_ / buckets_at_full, bucket_keys_least, bucket_keys_most)),
      // Growing a full index under traffic would stall it.
      fresh_(std::min<std::uint64_t>(keys_expected, keys_max_)),
      writing_(std::min<std::uint64_t>(keys_expected, keys_max_)) {}

DuplicateTable::Bucket& DuplicateTable::bucket_at(Time now) {
  if (buckets_.empty() || buckets_.back().filter == nullptr ||
      buckets_.back().state.keys >= bucket_keys_max_ ||
      now - buckets_.back().oldest >= bucket_time) {
    Bucket& bucket = buckets_.emplace_back();
    bucket.state.number = next_bucket_++;
    bucket.oldest = now;
    bucket.filter = std::make_unique<KeyFilter>(bucket_keys_max_);
  }
  return buckets_.back();
}

void DuplicateTable::insert(const Key& key, Sequence sequence, Time now) {
  newest_ = {key, sequence};
  if (keys_max_ == 0) return;
  Bucket& bucket = bucket_at(now);
  bucket.filter->add(key);
  bucket.state.newest = now;
  ++bucket.state.keys;
  ++size_;
  fresh_.insert(key, sequence.value, bucket.state.number);
}

void DuplicateTable::find(const Key& key, Places& places) const {
  bool in_memory = true;  // what is not written yet is looked through once
  for (auto bucket = buckets_.rbegin(); bucket != buckets_.rend(); ++bucket) {
    if (bucket->filter != nullptr && !bucket->filter->may_have(key)) continue;
    if (std::exchange(in_memory, false)) {
      for (const RecentKeys* recent : {&fresh_, &writing_}) {
        recent->find(key, same_key_max,
                     [&places](std::uint64_t sequence) { places.entries.emplace_back(sequence); });
      }
    }
    places.buckets.push_back(bucket->state.number);
  }
}

void DuplicateTable::expire(Time now) {
  while (!buckets_.empty() && buckets_.front().state.newest < now - options_.window) drop_oldest();
  while (size_ > keys_max_ && buckets_.size() > 1) {
    evicted_early_ += buckets_.front().state.keys;
    drop_oldest();
  }
}

void DuplicateTable::drop_oldest() {
  const Bucket& oldest = buckets_.front();
  size_ -= oldest.state.keys;
  dropped_.push_back(oldest.state.number);
  buckets_.pop_front();
}

// --- Write-back ----------------------------------------------------------------------------------

void DuplicateTable::begin_round() {
  FARTHING_ASSERT(writing_.items().empty());
  std::swap(fresh_, writing_);
  std::swap(dropped_, dropping_);
  // The oldest are dropped first.
  if (!dropping_.empty()) first_kept_ = dropping_.back() + 1;
  filled_ = 0;
}

bool DuplicateTable::fill_round(storage::Round& round, std::size_t keys) {
  for (std::uint32_t bucket : dropping_) {
    round.erase_range(storage::Table::duplicates, duplicate_prefix(bucket),
                      duplicate_prefix(bucket + 1));
  }
  dropping_.clear();
  std::string key;
  for (; keys > 0 && filled_ < writing_.items().size(); --keys, ++filled_) {
    const RecentKeys::Item& item = writing_.items()[filled_];
    if (item.bucket < first_kept_) continue;  // erased by this very round
    key.clear();
    append_prefix(key, item.bucket, item.key);
    append_big_endian(key, item.sequence, 8);
    round.put(storage::Table::duplicates, key, {});
  }
  return filled_ < writing_.items().size();
}

void DuplicateTable::round_written() { writing_.clear(); }

std::vector<DuplicateBucket> DuplicateTable::buckets() const {
  std::vector<DuplicateBucket> states;
  for (const Bucket& bucket : buckets_) states.push_back(bucket.state);
  return states;
}

// --- Start ---------------------------------------------------------------------------------------

void DuplicateTable::recover(const std::vector<DuplicateBucket>& buckets) {
  FARTHING_ASSERT(buckets_.empty());
  for (const DuplicateBucket& state : buckets) {
    Bucket& bucket = buckets_.emplace_back();
    bucket.state = state;
    bucket.oldest = state.newest;
    size_ += state.keys;
    next_bucket_ = std::max(next_bucket_, state.number + 1);
  }
}

std::optional<std::uint32_t> DuplicateTable::bucket_without_filter() const {
  for (auto bucket = buckets_.rbegin(); bucket != buckets_.rend(); ++bucket) {
    if (bucket->filter == nullptr) return bucket->state.number;
  }
  return std::nullopt;
}

void DuplicateTable::set_filter(std::uint32_t number, std::unique_ptr<KeyFilter> filter) {
  for (Bucket& bucket : buckets_) {
    if (bucket.state.number == number) bucket.filter = std::move(filter);
  }
}

}  // namespace farthing::engine
