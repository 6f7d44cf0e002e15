#include "engine/duplicate_check.h"

#include "engine/base/hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace farthing::engine {

using storage::Table;

void DuplicateCheck::Sum::add(const DuplicateTable::Inserted& key) {
  const std::array<std::uint64_t, 3> parts = {key.key.high, key.key.low, key.sequence.value};
  std::array<char, sizeof parts> bytes;
  std::memcpy(bytes.data(), parts.data(), sizeof parts);
  ++keys;
  hashes += base::hash64({bytes.data(), bytes.size()});
}

std::optional<std::string> DuplicateCheck::read(const storage::LedgerStore& store,
                                                const std::vector<DuplicateBucket>& buckets,
                                                Sequence position) {
  position_ = position;
  for (const DuplicateBucket& bucket : buckets) buckets_.push_back({bucket.number, {}, {}, {}, {}});
  std::optional<std::string> wrong;
  const auto visited =
      store.visit(Table::duplicates, {}, [&](std::string_view key, std::string_view value) {
        DuplicateRow row;
        wrong = decode_duplicate(key, row) && value.empty()
                    ? add_row(row)
                    : std::optional<std::string>("it has a row that is malformed");
        return !wrong;
      });
  if (!visited.has_value()) return visited.error().message;
  return wrong ? wrong : check_buckets(buckets);
}

std::optional<std::string> DuplicateCheck::add_row(const DuplicateRow& row) {
  const auto bucket = std::ranges::find(buckets_, row.bucket, &Bucket::number);
  if (bucket == buckets_.end()) {
    return fmt::format("it has a row of bucket {}, which there is not", row.bucket);
  }
  if (row.sequence.value == 0 || row.sequence > position_) {
    return fmt::format("it has a row of entry {}, and its position is entry {}", row.sequence.value,
                       position_.value);
  }
  if (bucket->first.value == 0 || row.sequence < bucket->first) bucket->first = row.sequence;
  bucket->last = std::max(bucket->last, row.sequence);
  bucket->found.add({row.key, row.sequence});
  return std::nullopt;
}

std::optional<std::string> DuplicateCheck::check_buckets(
    const std::vector<DuplicateBucket>& said) const {
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    if (buckets_[i].found.keys != said[i].keys) {
      return fmt::format("bucket {} has {} rows, of {} that were written", said[i].number,
                         buckets_[i].found.keys, said[i].keys);
    }
    if (i > 0 && buckets_[i].first <= buckets_[i - 1].last) {
      return fmt::format("bucket {} has a row of entry {}, which is older than the bucket before",
                         said[i].number, buckets_[i].first.value);
    }
  }
  return std::nullopt;
}

void DuplicateCheck::inserted(const DuplicateTable::Inserted& key) {
  // What is older than the oldest bucket has been forgotten.
  if (key.sequence > position_ || buckets_.empty() || key.sequence < buckets_.front().first) return;
  const auto behind = std::ranges::upper_bound(buckets_, key.sequence, {}, &Bucket::first);
  Bucket& bucket = *(behind - 1);
  if (key.sequence <= bucket.last) {
    bucket.expected.add(key);
  } else if (stray_.value == 0) {
    stray_ = key.sequence;
  }
}

std::optional<std::string> DuplicateCheck::finish() const {
  for (const Bucket& bucket : buckets_) {
    if (bucket.first <= begin_ || bucket.found == bucket.expected) continue;
    return fmt::format(
        "bucket {}, of entries {} to {}, has {} rows that are not those of the {} "
        "closed sessions and events there",
        bucket.number, bucket.first.value, bucket.last.value, bucket.found.keys,
        bucket.expected.keys);
  }
  if (stray_.value == 0) return std::nullopt;
  return fmt::format("the row of entry {} is missing", stray_.value);
}

}  // namespace farthing::engine
