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

#include "engine/archive.h"
#include "engine/base/result.h"
#include "engine/base/wide.h"
#include "engine/book.h"
#include "engine/row_check.h"
#include "storage/ledger_store.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace farthing::engine {

class Verifier {
 public:
  using Visitor = storage::LedgerStore::Visitor;
  // Where the records come from, as LedgerStore::scan; else from the ledger, archived or not.
  using Scan =
      std::function<base::Result<void, storage::StoreError>(Sequence, const Visitor& visitor)>;

  // `store` outlives the verifier. `archive`: as archive_folder() says.
  explicit Verifier(const storage::LedgerStore& store, std::filesystem::path archive = {},
                    Scan scan = {});

  // Takes the opening balances with which the ledger begins since something was cut off. Without
  // this the fold begins with the first entry ever. REQUIRES: nothing folded yet.
  base::Result<void, VerifyError> begin();

  // Compares the checkpoint's rows too, as the fold comes by. REQUIRES: nothing folded yet; that
  // the store stays as it is.
  base::Result<void, VerifyError> read_rows();

  // Folds on up to the entry `until`, which must be durable. `progress` is called now and then with
  // the sequence reached; it returns false to stop, which is an error too.
  using Progress = std::function<bool(Sequence)>;
  base::Result<void, VerifyError> fold_to(Sequence until, const Progress& progress);

  // What must hold of everything folded so far.
  base::Result<void, VerifyError> check_sums() const;
  // What must hold of rows that were read, and of the opening balances: that the ledger names them.
  // REQUIRES: everything has been folded.
  base::Result<void, VerifyError> check_end() const;

  const Book& book() const { return book_; }
  // For those who go on from there with entries of their own (simulate.h): nothing is to be folded
  // or checked after that.
  Book& book_to_change() { return book_; }
  std::uint64_t records() const { return records_; }
  // What each side has gained.
  const SideSums& sums() const { return sums_; }

 private:
  base::Result<void, VerifyError> check_numbers() const;
  std::optional<VerifyError> check_budgets() const;
  std::optional<VerifyError> check_cut(const LedgerCut& cut, Sequence own);
  std::optional<VerifyError> fold_record(const storage::Record& record, Sequence until);

  const storage::LedgerStore& store_;
  const LedgerReader reader_;
  const Scan scan_;
  Book book_;
  std::optional<LedgerCut> opening_;  // that the fold began with
  bool is_opening_named_ = false;     // by an entry of the ledger
  std::optional<NumbersLoading> numbers_;
  std::unique_ptr<RowCheck> rows_;  // nullptr: they are not checked, or there are none
  Entry entry_;
  std::uint64_t records_ = 0;
  SideSums sums_{};
};

std::string_view side_name(Side side);

// Everything that the ledger says of an account (amounts, buckets, subscribers, open sessions),
// hashed.
std::uint64_t account_fingerprint(const Account& account);

// The same in words, in a fixed order: "main", "100.000000".
using StateInWords = std::vector<std::pair<std::string, std::string>>;
StateInWords account_state(const Account& account);
StateInWords session_state(const Session& session);

// "main is 1.000000, not 2.000000"; "" where the two say the same.
std::string first_difference(const StateInWords& expected, const StateInWords& actual);

}  // namespace farthing::engine
