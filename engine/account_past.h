// An account as it stood before each of its entries: they are read back by their links, from one of
// them to the account's first, and folded again into a book of its own.
//
// In that book the account is the only one and its entries are numbered from 1, so its number and
// those of its sessions are not the ledger's; those of buckets, counters and subscribers are.
//
// Threads: one, not the shard's. Memory: 8 octets an entry and what the account has. Errors:
// sentences with the remedy.
#pragma once

#include "engine/base/result.h"
#include "engine/book.h"
#include "engine/entry_reader.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace farthing::engine {

class AccountPast {
 public:
  // `store` outlives it. `archive`: as archive_folder() says.
  AccountPast(const storage::LedgerStore& store, const std::filesystem::path& archive)
      : reader_(store, archive) {}

  // Told now and then how far it has got, and of how much; false: stop, which is an error too.
  using Progress = std::function<bool(std::uint64_t at, std::uint64_t of)>;
  // What is there when the visitor is called: an entry, and what stood before it.
  struct Moment {
    const Entry& entry;  // as the ledger has it; its texts are views, good for the call
    Sequence own;
    Time now;
    const Account* account = nullptr;  // nullptr: the entry opens it
    const Session* session = nullptr;  // nullptr: it is no session's, or opens one
  };
  using Visitor = std::function<void(const Moment& moment)>;
  // Visits every entry of the account up to `newest`, which is one of it, in their order. Once.
  base::Result<void, std::string> visit(Sequence newest, const Visitor& visitor,
                                        const Progress& progress);

 private:
  base::Result<std::vector<Sequence>, std::string> find_entries(Sequence newest,
                                                                const Progress& progress);
  const char* fold(const Moment& moment);

  EntryReader reader_;
  Book book_{{.duplicates = {.window = Duration(0)}}};
  Entry renumbered_;
  boost::unordered_flat_map<std::uint64_t, SessionNumber>
      sessions_;  // open, by the ledger's number
};

}  // namespace farthing::engine
