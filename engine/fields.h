// Fields that ledger entries and the checkpoint's rows have in common, written and read alike.
//
// Threads: none of its own. What is read is believed only as far as it was checked: false, or a
// reader that is not ok(), says that the bytes are not of this format.
#pragma once

#include "engine/base/bytes.h"
#include "engine/entry.h"

#include <cstdint>
#include <optional>

namespace farthing::engine {

inline std::int64_t micros_of(Time time) { return time.time_since_epoch().count(); }
inline Time time_of(std::int64_t micros) { return Time(Duration(micros)); }

// Absent rating groups are 0, present ones one more than their number.
std::uint64_t rating_group_code(const std::optional<RatingGroup>& group);
std::optional<RatingGroup> read_rating_group(base::ByteReader& in);

// At most 22 numbers, and the bytes of the price's shape.
std::size_t shape_size_bound(const tariffs::PriceTerms& terms);
void write(base::ByteWriter& out, const SegmentOpening& opening);
[[nodiscard]] bool read(base::ByteReader& in, SegmentOpening& opening);

// At most 9 numbers, the offer's name, three numbers for each of the coverage and two for each
// limit.
void write(base::ByteWriter& out, const CounterOpening& counter);
[[nodiscard]] bool read(base::ByteReader& in, CounterOpening& counter);
void write(base::ByteWriter& out, const BucketOpening& bucket);
[[nodiscard]] bool read(base::ByteReader& in, BucketOpening& bucket);

// At most 5 numbers.
void write(base::ByteWriter& out, const PayerChange& payer);
[[nodiscard]] bool read(base::ByteReader& in, PayerChange& payer);
[[nodiscard]] bool read(base::ByteReader& in, FinalUnit& final_unit);

void write(base::ByteWriter& out, const ShareUse& use);
[[nodiscard]] bool read(base::ByteReader& in, ShareUse& use);
void write(base::ByteWriter& out, const PayerBudget& budget);
[[nodiscard]] bool read(base::ByteReader& in, PayerBudget& budget);

std::size_t size_bound(const ChosenList& chosen);
void write(base::ByteWriter& out, const ChosenList& chosen);
// False also where a list has more numbers than any may have, or what is no number.
[[nodiscard]] bool read(base::ByteReader& in, ChosenList& chosen);

std::size_t size_bound(const OwnCeiling& ceiling);
void write(base::ByteWriter& out, const OwnCeiling& ceiling);
[[nodiscard]] bool read(base::ByteReader& in, OwnCeiling& ceiling);

// At most 5 numbers.
void write(base::ByteWriter& out, const AccountTerms& terms);
[[nodiscard]] bool read(base::ByteReader& in, AccountTerms& terms);

std::size_t size_bound(const SpendCommitment& commitment);
void write(base::ByteWriter& out, const SpendCommitment& commitment);
[[nodiscard]] bool read(base::ByteReader& in, SpendCommitment& commitment);

std::size_t size_bound(const InstalmentPlan& plan);
void write(base::ByteWriter& out, const InstalmentPlan& plan);
[[nodiscard]] bool read(base::ByteReader& in, InstalmentPlan& plan);

std::size_t size_bound(const Subscription& subscription);
void write(base::ByteWriter& out, const Subscription& subscription);
[[nodiscard]] bool read(base::ByteReader& in, Subscription& subscription);

std::size_t size_bound(const ProfileChange& change);
void write(base::ByteWriter& out, const ProfileChange& change);
[[nodiscard]] bool read(base::ByteReader& in, ProfileChange& change);

constexpr std::size_t cut_size_bound =
    3 * base::ByteWriter::varint_bytes_max + 2 * sizeof(storage::Hash) + sizeof(SideSums);
void write(base::ByteWriter& out, const LedgerCut& cut);
[[nodiscard]] bool read(base::ByteReader& in, LedgerCut& cut);

}  // namespace farthing::engine
