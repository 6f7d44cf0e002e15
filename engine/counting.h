// The fold of what ledger entries say of counters: a part of the book (book.h). Counters hold what
// is used, and what open grants may yet add, so that parallel sessions do not pass a threshold
// together that each of them would keep.
//
// Threads: none of its own.
#pragma once

#include "engine/account.h"
#include "engine/entry.h"

namespace farthing::engine {

// So long counters stay behind their period where their owner counts in a later one.
inline constexpr Duration counters_kept = std::chrono::days(62);

// nullptr: the entry can be folded into the account (nullptr: there is none) and the session
// (nullptr: it opens one); else what is wrong with it.
const char* check_counters(const Entry& entry, const Account* account, const Session* session);

// REQUIRES: check_counters() found nothing wrong.
void count(Account& account, const Entry& entry);
void hold_counted(Session& session, const Entry& entry);

}  // namespace farthing::engine
