// When accounts have something to do about their subscriptions: renewals fall due by the million at
// one instant, and nobody asks for most of them.
//
// A hint, not the truth: an account stands in it for every time noted, and whoever takes it out
// looks at the account whether anything is due (Account::due_at). Times are noted to 10 seconds,
// those that are whole ones exactly; 8 bytes a note.
//
// Threads: none of its own.
#pragma once

#include "engine/types.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace farthing::engine {

class DueIndex {
 public:
  // REQUIRES: there is such a time.
  void note(AccountNumber account, Time due);
  // Takes out up to `most` whose time has come, the longest due first.
  void take(Time now, std::size_t most, std::vector<AccountNumber>& out);

 private:
  std::map<std::int64_t, std::vector<AccountNumber>> accounts_;  // by tens of seconds since 1970
};

}  // namespace farthing::engine
