// The proof that the balances are the fold of the ledger: every record read again and folded into a
// book of its own, then compared with another book, account by account.
//
// Checked on the way: checksum, chain and numbering of the records (by the store), the form of
// every entry, its links, its legs (they add up to zero) and what Book::apply checks; at the end,
// that over all accounts what one side gained another lost, and that every tariff's source is the
// one loaded.
//
// Threads: one at a time, not the shard's: it reads the whole ledger. Memory: as much as the book
// has.
#pragma once

#include "engine/base/result.h"
#include "engine/base/wide.h"
#include "engine/book.h"
#include "storage/ledger_store.h"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace farthing::engine {

struct VerifyError {
  Sequence sequence;    // of the first wrong entry; 0: no single one
  std::string message;  // names it
};

class Verifier {
 public:
  static constexpr std::size_t side_count = 11;

  // `store` outlives the verifier.
  explicit Verifier(const storage::LedgerStore& store);

  // Folds on up to the entry `until`, which must be durable. `progress` is called now and then with
  // the sequence reached; it returns false to stop, which is an error too.
  using Progress = std::function<bool(Sequence)>;
  base::Result<void, VerifyError> fold_to(Sequence until, const Progress& progress);

  // What must hold of everything folded so far.
  base::Result<void, VerifyError> check_sums() const;

  const Book& book() const { return book_; }
  std::uint64_t records() const { return records_; }
  // What each side has gained, by Side: micros, or units.
  const std::array<base::Int128, side_count>& sums() const { return sums_; }

 private:
  const char* fold_record(const storage::Record& record, Sequence until, Sequence& own);

  const storage::LedgerStore& store_;
  Book book_;
  Entry entry_;
  std::uint64_t records_ = 0;
  std::array<base::Int128, side_count> sums_{};
};

std::string_view side_name(Side side);

// Everything that the ledger says of an account (amounts, buckets, subscribers, open sessions),
// hashed.
std::uint64_t account_fingerprint(const Account& account);

// The same in words, in a fixed order: "main", "100.000000".
std::vector<std::pair<std::string, std::string>> account_state(const Account& account);

// "main is 1.000000, not 2.000000"; "" where the two say the same.
std::string first_difference(const std::vector<std::pair<std::string, std::string>>& expected,
                             const std::vector<std::pair<std::string, std::string>>& actual);

}  // namespace farthing::engine
