// Fetching: what a request needs and the book does not hold, read from the store on its reading
// thread: rows of accounts, administrative request ids, and outcomes of earlier requests.
//
// A Fetch is a question that becomes its own answer: the shard fills in what is wanted, run_fetch()
// fills in what there is, the shard takes that into its book. Values only; while the reading thread
// has it, nobody else touches it.
#pragma once

#include "engine/account.h"
#include "engine/checkpoint.h"
#include "engine/duplicates.h"
#include "storage/ledger_store.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace farthing::engine {

// The accounts and request ids that a piece of work is going to look up; and room, where it is
// going to change many accounts: then it waits while write-back is behind.
struct Needs {
  bool room = false;
  std::vector<Identity> identities;
  std::vector<std::string> names;
  std::vector<AccountNumber> numbers;
  std::vector<std::string> request_ids;
};

// An earlier request like this one: where its outcome may stand.
struct OutcomeQuestion {
  RequestKey key;
  bool number_alone = false;
  Sequence at;      // exactly here; 0: not known
  Sequence behind;  // further back in an open session than this entry of it; 0: no open session
  DuplicateTable::Key session;  // of a closed session
  DuplicateTable::Key request;  // of an event, or of a request refused without a session
  DuplicateTable::Places session_places;
  DuplicateTable::Places request_places;
};

struct Fetch {
  std::uint64_t ticket = 0;
  // Wanted.
  SessionId128 session;  // whose requests wait; unused where `done` is set
  Needs needs;
  std::optional<OutcomeQuestion> question;
  Sequence not_before;  // to be read once this entry is durable
  // Called in place of the hook, once all is in the book, with what went wrong ("": nothing).
  std::function<void(std::string_view error)> done;
  // A filter of the table of duplicates that is to be made anew.
  std::optional<std::uint32_t> filter_bucket;
  std::uint64_t filter_keys_max = 0;
  std::string filter_from;  // row to go on from

  // Found.
  std::vector<Account> accounts;
  std::vector<std::pair<std::string, AdminRequest>> admin_requests;
  struct Outcome {
    Sequence sequence;
    std::string bytes;  // encoded (outcome.h)
  };
  std::optional<Outcome> outcome;
  // The session that was closed, where the question is of one.
  struct Closed {
    AccountNumber account;
    SubscriberNumber subscriber;
    bool by_client = false;               // else it expired, or somebody ended it
    bool is_whole = true;                 // all its entries were read, back to its first
    std::optional<std::uint32_t> number;  // of its last request
  };
  std::optional<Closed> closed;
  bool given_up = false;  // there may be an outcome further back than it was looked for
  std::unique_ptr<KeyFilter> filter;
  bool filter_complete = false;
  std::string error;  // the store could not read: nothing found can be relied on
};

// On the reading thread.
void run_fetch(const storage::LedgerStore& store, Fetch& fetch);

}  // namespace farthing::engine
