// Payers that pay a share of what falls to them (payers.h has the rule).
#include "engine/base/saturating.h"
#include "engine/worksheet.h"

#include <algorithm>
#include <utility>

namespace farthing::engine {

namespace {

constexpr auto by_place = [](const auto& work) { return std::pair(work.segment, work.bucket); };

}  // namespace

const Worksheet::ShareWork* Worksheet::find_fallen(std::uint16_t index, BucketNumber bucket) const {
  const auto found = std::ranges::lower_bound(fallen_, std::pair(index, bucket), {}, by_place);
  const bool is_it = found != fallen_.end() && by_place(*found) == std::pair(index, bucket);
  return is_it ? &*found : nullptr;
}

Worksheet::ShareWork& Worksheet::fallen(std::uint16_t index, BucketNumber bucket) {
  auto found = std::ranges::lower_bound(fallen_, std::pair(index, bucket), {}, by_place);
  if (found == fallen_.end() || by_place(*found) != std::pair(index, bucket)) {
    found = fallen_.insert(found, {index, bucket, 0, 0, 0, 0});
  }
  return *found;
}

// What the payer's share of `more` is where so much fell to it before.
std::int64_t Worksheet::part_of(const BucketWork& bucket, std::int64_t before,
                                std::int64_t more) const {
  const PayerChange& terms = *bucket.payer;
  const auto share = [&terms](std::int64_t micros) {
    return tariffs::share_of(Money(micros), terms.share, terms.rounding).micros;
  };
  return share(base::saturating_add(before, more)) - share(before);
}

// Of what is to be paid when it is the bucket's turn, what the bucket has to pay.
std::int64_t Worksheet::falls_to(std::uint16_t index, const BucketWork& bucket,
                                 std::int64_t micros) const {
  if (!bucket.has_share()) return micros;
  const ShareWork* const known = find_fallen(index, bucket.bucket->number);
  return part_of(bucket, known == nullptr ? 0 : known->fallen, micros);
}

// What fell to it counts whether it could pay or not, so that cuts make no difference.
void Worksheet::note_fallen(std::uint16_t index, const BucketWork& bucket, std::int64_t micros,
                            std::int64_t paid) {
  if (!is_valid(*bucket.bucket)) return;
  ShareWork& work = fallen(index, bucket.bucket->number);
  work.fallen = base::saturating_add(work.fallen, micros);
  work.paid += paid;
}

// What buckets leave to the main balance. It rises with what is to be paid.
std::int64_t Worksheet::rest_for_main(std::uint16_t index, std::int64_t micros) const {
  const Segment& segment = segments_[index].now;
  std::int64_t rest = micros;
  for (const BucketWork& bucket : buckets_) {
    if (rest == 0) break;
    if (!covers(*bucket.bucket, segment, Pays::money) || !is_valid(*bucket.bucket)) continue;
    rest -= std::min(falls_to(index, bucket, rest), left_for(bucket, segment));
  }
  return rest;
}

// The most of which the main balance can pay what the others do not. Sought by halves.
std::int64_t Worksheet::available_with_shares(std::uint16_t index, std::int64_t main) const {
  const std::int64_t all =
      std::min(base::saturating_add(main, left(segments_[index].now, Pays::money)),
               account_money_max.micros);
  std::int64_t low = 0;
  std::int64_t high = all;
  while (low < high) {
    const std::int64_t middle = high - (high - low) / 2;
    if (rest_for_main(index, middle) <= main) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

// Gives shares back what is theirs of so much less to be paid: no more than they paid of this
// segment, but for a refund, which is of a charge of another one. Returns how much that is.
std::int64_t Worksheet::return_to_shares(std::uint16_t index, std::int64_t micros, bool is_refund) {
  if (!has_shares_) return 0;
  Segment& segment = segments_[index].now;
  std::int64_t rest = micros;
  for (BucketWork& bucket : buckets_) {
    if (!bucket.has_share() || !covers(*bucket.bucket, segment, Pays::money) ||
        !is_valid(*bucket.bucket)) {
      continue;
    }
    std::int64_t part = 0;
    if (is_refund) {
      part = part_of(bucket, 0, rest);
    } else {
      ShareWork& work = fallen(index, bucket.bucket->number);
      const std::int64_t less = std::min(rest, work.fallen);
      part = std::min(part_of(bucket, work.fallen - less, less), work.paid);
      work.fallen -= less;
      work.paid -= part;
    }
    take(bucket, segment, -part);
    share(index, bucket.bucket->number).consumed -= part;
    segment.bucket_micros -= part;
    rest -= part;
  }
  return micros - rest;
}

}  // namespace farthing::engine
