// The demo's tariff and subscribers: what farthingd --demo begins with, and what examples and tests
// are written against. Entered through the ordinary operations, so its ledger is an ordinary one.
#pragma once

#include "engine/shard.h"

namespace farthing::engine {

// Enters the demo tariff, its accounts, subscribers, balances and the bundle. REQUIRES: an empty
// book.
void enter_demo(Shard& shard);

}  // namespace farthing::engine
