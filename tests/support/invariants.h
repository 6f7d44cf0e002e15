// What must hold of every account at every moment, and of a ledger folded again.
#pragma once

#include "engine/shard.h"

#include <string>

namespace farthing::test {

// "" where everything holds; otherwise what does not, for people.
std::string broken_invariant(const engine::Book& book);

// "" where a fold of what is durable gives what the book holds. REQUIRES: all of it is durable.
std::string recovery_difference(const engine::Shard& shard);

// "" where the whole ledger folds and the checkpoint's rows are what it says.
std::string proof_failure(const storage::LedgerStore& store);

}  // namespace farthing::test
