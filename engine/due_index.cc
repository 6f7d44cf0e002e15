#include "engine/due_index.h"

#include "engine/base/assert.h"
#include "engine/subscription.h"

#include <chrono>

namespace farthing::engine {

namespace {

using Tens = std::chrono::duration<std::int64_t, std::ratio<10>>;

}  // namespace

void DueIndex::note(AccountNumber account, Time due) {
  FARTHING_ASSERT(due != never);
  accounts_[std::chrono::ceil<Tens>(due.time_since_epoch()).count()].push_back(account);
}

void DueIndex::take(Time now, std::size_t most, std::vector<AccountNumber>& out) {
  const std::int64_t reached = std::chrono::floor<Tens>(now.time_since_epoch()).count();
  while (most > 0 && !accounts_.empty() && accounts_.begin()->first <= reached) {
    std::vector<AccountNumber>& due = accounts_.begin()->second;
    for (; most > 0 && !due.empty(); --most) {
      out.push_back(due.back());
      due.pop_back();
    }
    if (due.empty()) accounts_.erase(accounts_.begin());
  }
}

}  // namespace farthing::engine
