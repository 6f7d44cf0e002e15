// A ledger entry of an account, begun: what every one of them says.
#pragma once

#include "engine/account.h"
#include "engine/entry.h"

namespace farthing::engine {

// `subscriber`: whose it is; 0: the account's own.
inline Entry entry_of(const Account& account, EntryKind kind, SubscriberNumber subscriber = {}) {
  Entry entry;
  entry.kind = kind;
  entry.account = account.number;
  entry.subscriber = subscriber;
  entry.previous = account.last;
  return entry;
}

}  // namespace farthing::engine
