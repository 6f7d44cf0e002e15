// The proof that the checkpoint's rows are the fold of the ledger: each is held against the book of
// somebody who folds, at the very entry up to which the row says what the ledger says.
//
// Rows are canonical bytes, so that hashes are compared: of an account's row when the fold reaches
// the `last` entry that it names, of an open session's likewise. At the checkpoint's position every
// account and every open session has a row that is at least so new, and the book's own state is
// compared. At the end the index is gone through: every row leads to who bears that name or
// identity, and nobody's is missing.
//
// The table of duplicates is counted and added up, bucket by bucket (duplicate_check.h).
//
// Threads: one at a time, not the shard's. Memory: 16 bytes an account, some 32 an open session.
// Ownership: `store` outlives it, and nobody writes rounds meanwhile.
#pragma once

#include "engine/base/result.h"
#include "engine/book.h"
#include "engine/duplicate_check.h"
#include "storage/ledger_store.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine {

struct VerifyError {
  Sequence sequence;    // of the first wrong entry; 0: no single one
  std::string message;  // names it
};

class RowCheck {
 public:
  // Reads all rows. nullptr: there is no checkpoint.
  static base::Result<std::unique_ptr<RowCheck>, VerifyError> read(
      const storage::LedgerStore& store);

  // Which the book that folds must have, for its keys to be those of the rows.
  std::uint64_t session_key_seed() const { return said_.session_key_seed; }

  // The fold begins with `book`, that of opening balances.
  std::optional<VerifyError> begun(const Book& book);
  // Entry `own` has been folded into the book.
  std::optional<VerifyError> folded(const Book& book, const Entry& entry, Sequence own);
  // The fold has reached the end of the ledger.
  std::optional<VerifyError> finish(const Book& book);

 private:
  // A row as far as it is kept in memory.
  class Seen {
   public:
    Seen() = default;  // missing, or malformed
    Seen(Sequence last, std::uint64_t hash) : last_(last.value), hash_(hash) {}
    bool is_there() const { return last_ != 0; }
    Sequence last() const { return Sequence(last_ & ~met_bit); }
    bool is_met() const { return (last_ & met_bit) != 0; }
    // Whether the row of this hash is the one; it has been met then.
    bool meet(std::uint64_t hash) {
      last_ |= met_bit;
      return hash == hash_;
    }

   private:
    static constexpr std::uint64_t met_bit = std::uint64_t{1} << 63;
    std::uint64_t last_ = 0;
    std::uint64_t hash_ = 0;
  };

  explicit RowCheck(const storage::LedgerStore& store) : store_(store) {}

  std::optional<VerifyError> read_meta();
  std::optional<VerifyError> read_duplicates();
  std::optional<VerifyError> read_accounts();
  std::optional<VerifyError> read_sessions();
  std::optional<VerifyError> check_account(const Account& account);
  std::optional<VerifyError> check_session(const Session& session);
  std::optional<VerifyError> check_position(const Book& book) const;
  std::optional<VerifyError> check_state(const Book& book) const;
  std::optional<VerifyError> check_unmet(const Book& book) const;
  std::uint64_t index_rows_due(const Book& book) const;
  std::optional<VerifyError> check_index(const Book& book) const;
  std::optional<VerifyError> check_dues() const;
  std::optional<VerifyError> find_missing_index(const Book& book) const;
  VerifyError differs(const Account& account) const;
  VerifyError differs(const Session& session) const;
  VerifyError missing(const Account& account) const;
  // The row as it is now; "" where there is none.
  std::string row_of(storage::Table table, std::string_view key) const;

  const storage::LedgerStore& store_;
  Sequence position_;
  std::string state_row_;
  BookState said_;  // by that row
  DuplicateCheck duplicates_;
  std::vector<Seen> accounts_;  // by number - 1
  boost::unordered_flat_map<std::uint64_t, Seen> sessions_;
  // So many of an account's subscribers its row knows.
  std::vector<std::uint16_t> subscribers_;
  // By the accounts' rows: when subscriptions have something to do.
  boost::unordered_flat_map<std::uint64_t, Time> dues_;
  std::string row_;  // memory of the checks
};

}  // namespace farthing::engine
