// What the files of operations have in common. Not for those who call operations.
//
// Threads: the shard's.
#pragma once

#include "engine/operations.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace farthing::engine {

inline constexpr std::size_t buckets_max = 256;  // of one account, bought or of payers

Refusal refusal(Refusal::Code code, std::string message);
Refusal no_account(std::string_view name);
bool fits(std::int64_t micros);  // what an account may hold, or owe

// An entry of the account's own, to be filled.
Entry entry_for(const Account& account, EntryKind kind, const Note& note);
// One that closes the bucket, of which nothing is held; what is left of it is gone.
Entry ending_of(const Account& account, const Bucket& bucket, const Note& note);

// Makes room for so many buckets: ends those whose time was over before any usage that may still be
// reported (a subscription's go with it), and payers of who is terminated.
bool make_room(Shard& shard, const Account& account, std::size_t buckets, Time now,
               const Note& note);

}  // namespace farthing::engine
