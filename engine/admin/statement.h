// A statement: an account's entries in words, read from the ledger backwards by its links.
//
// Every row is one price segment that an entry used, or the entry itself where it used none.
// Amounts are the account's own view of them: what a charge takes is negative, what a top-up or a
// refund gives positive; `balance` is what the account stood at after the row, so that balance =
// balance before + amount + overage + what others paid.
//
// Entries that were archived are read from the archive; where that is not at hand the statement
// ends with the last entry that is. Never on the shard's thread. Errors: the store's.
#pragma once

#include "engine/archive.h"
#include "engine/entry.h"
#include "storage/ledger_store.h"
#include "tariffs/tariff.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace farthing::engine::admin {

struct StatementRow {
  Sequence sequence;
  Time time;
  EntryKind kind{};
  std::string session;  // Session-Id; "" where there was none
  std::optional<RatingGroup> rating_group;
  std::string service;
  std::optional<std::uint64_t> units;  // as reported
  Unit unit = Unit::octets;
  std::string rule;
  std::optional<tariffs::TariffVersion> tariff;
  Money amount;
  Money overage;  // the part of a charge that nobody could pay
  Money others;   // the part of a charge that gifts and payers paid
  Money balance;
  std::optional<tariffs::Percent> tax_rate;
  Money tax;  // the part of `amount` that is tax, rounded as the price is
  std::string operator_name;
  std::string reason;
  std::string request_id;
};

struct Statement {
  std::vector<StatementRow> rows;  // in the order of the ledger, the newest last
  Sequence next_before;            // where the page before this one ends; 0: there is none
  std::string missing;             // why there is none although there are older entries; "": not so
};

struct StatementQuery {
  Sequence newest;  // the account's last entry when its balance was looked at
  Money balance;    // that balance
  Sequence before;  // only entries before this one; 0: from the newest
  std::size_t entries_max = 0;
};

// `archive`: as archive_folder() says.
base::Result<Statement, storage::StoreError> read_statement(const storage::LedgerStore& store,
                                                            const std::filesystem::path& archive,
                                                            const tariffs::TariffHistory& tariffs,
                                                            const StatementQuery& query);

}  // namespace farthing::engine::admin
