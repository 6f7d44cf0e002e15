// How a shard starts: from the checkpoint's rows and the ledger behind them.
#include "engine/shard.h"
#include "engine/tariff_versions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace farthing::engine {

namespace {

// Of all open sessions, each once, in the order of the rows that they are to be read from: blocks
// of the table are read once then, not once for each account.
base::Result<std::vector<AccountNumber>, storage::StoreError> accounts_of_sessions(
    const storage::LedgerStore& store) {
  std::vector<AccountNumber> accounts;
  const auto visited =
      store.visit(storage::Table::sessions, {}, [&](std::string_view, std::string_view row) {
        const AccountNumber account = account_of_session(row);
        if (account.value != 0) accounts.push_back(account);  // else it is named with its session
        return true;
      });
  if (!visited.has_value()) return visited.error();
  std::ranges::sort(accounts);
  const auto repeated = std::ranges::unique(accounts);
  accounts.erase(repeated.begin(), repeated.end());
  return accounts;
}

}  // namespace

base::Result<void, RecoveryError> Shard::recover(const std::function<void(Sequence)>& progress) {
  if (auto error = recover_checkpoint()) return *error;
  const Sequence position = write_back_.position();
  RecoveryError wrong;
  Entry entry;
  std::uint64_t records = 0;
  auto scanned = store_.scan(Sequence(position.value + 1), [&](const storage::Record& record) {
    std::string_view body = record.body;
    Sequence own = record.header.first;
    for (std::uint32_t i = 0; i < record.header.count; ++i, ++own.value) {
      const char* why = "its bytes are no entry of this format";
      if (decode_entry(body, own, entry)) {
        why = own <= position ? nullptr : replay_entry(entry, own, record.header.now);
      }
      if (why != nullptr) {
        wrong = {own, fmt::format("ledger entry {}: {}", own.value, why)};
        return false;
      }
    }
    if (!body.empty()) {
      wrong = {own, fmt::format("ledger record {}: bytes behind its last entry",
                                record.header.first.value)};
      return false;
    }
    if (++records % 1024 == 0) progress(book_.last());
    return true;
  });
  if (!scanned.has_value()) return RecoveryError{scanned.error().sequence, scanned.error().message};
  if (!wrong.message.empty()) return wrong;
  if (const char* why = recover_payers()) return RecoveryError{{}, why};
  durable_ = book_.last();
  batch_now_ = store_.end().now;
  if (auto tariffs = recover_tariffs(); !tariffs.has_value()) return tariffs.error();
  if (auto numbers = recover_numbers(); !numbers.has_value()) return numbers.error();

  Entry start;
  start.kind = EntryKind::server_started;
  enter(start);
  metrics_.accounts.set(book_.account_count());
  metrics_.sequence.set(durable_.value);
  return {};
}

// The book as the checkpoint has it: its own state and all open sessions, with their accounts. The
// position up to which the ledger need not be replayed is write_back_'s.
std::optional<RecoveryError> Shard::recover_checkpoint() {
  auto broken = [](std::string_view what) {
    return RecoveryError{{},
                         fmt::format("the checkpoint is damaged: {}; restore the data folder from "
                                     "a copy",
                                     what)};
  };
  const auto position_row = store_.fetch(storage::Table::meta, meta_position_key);
  if (!position_row.has_value()) return broken(position_row.error().message);
  const auto book_row = store_.fetch(storage::Table::meta, meta_book_key);
  if (!book_row.has_value()) return broken(book_row.error().message);
  if (!position_row->has_value() && !book_row->has_value()) return std::nullopt;
  BookState state;
  std::array<char, sizeof(Sequence)> bytes{};
  if (!position_row->has_value() || (*position_row)->size() != bytes.size() ||
      !book_row->has_value() || !decode_book_state(**book_row, state)) {
    return broken("its position and state are not whole");
  }
  std::copy_n((*position_row)->data(), bytes.size(), bytes.data());
  const auto position = std::bit_cast<Sequence>(bytes);
  if (position > store_.end().last) return broken("it is ahead of the ledger");
  book_.recover(position, state);
  write_back_.recover(position);
  metrics_.checkpoint_position.set(position.value);

  const auto accounts = accounts_of_sessions(store_);
  if (!accounts.has_value()) return broken(accounts.error().message);
  for (const AccountNumber account : *accounts) {
    if (const char* why = load_from_store(account)) {
      return broken(fmt::format("account {}: {}", account.value, why));
    }
  }
  std::optional<std::string> wrong;
  const auto visited =
      store_.visit(storage::Table::sessions, {}, [&](std::string_view key, std::string_view row) {
        const std::optional<std::uint64_t> number = read_number_key(key);
        const AccountNumber account = account_of_session(row);
        const char* why = nullptr;
        if (!number || account.value == 0) {
          why = "its row is malformed";
        } else if (book_.account(account) == nullptr) {
          why = "its account is not there";
        } else if (!book_.load_session(SessionNumber(*number), row)) {
          why = "it contradicts another row";
        }
        if (why != nullptr) wrong = fmt::format("session {}: {}", number.value_or(0), why);
        return why == nullptr;
      });
  if (!visited.has_value()) return broken(visited.error().message);
  if (wrong) return broken(*wrong);
  return recover_dues();
}

// Whoever lends to open sessions is there while they are.
const char* Shard::recover_payers() {
  std::vector<AccountNumber> payers;
  book_.accounts().for_each([&payers](const Account& account) {
    if (account.session_count == 0) return;
    for (const Payer& payer : account.payers) payers.push_back(payer.terms.account);
  });
  for (const AccountNumber payer : payers) {
    if (const char* why = load_from_store(payer)) return why;
    if (!book_.pin(payer)) return "the account that pays for another one is not there";
  }
  return nullptr;
}

// Of accounts that are not read until somebody asks for them, when they have something to do.
std::optional<RecoveryError> Shard::recover_dues() {
  bool is_whole = true;
  const auto visited = store_.visit(
      storage::Table::index, index_keys_of_dues, [&](std::string_view key, std::string_view row) {
        if (!key.starts_with(index_keys_of_dues)) return false;
        const auto number = read_number_key(key.substr(index_keys_of_dues.size()));
        Time due;
        is_whole = number && *number != 0 && decode_due(row, due);
        if (is_whole) book_.note_due(AccountNumber(*number), due);
        return is_whole;
      });
  if (visited.has_value() && is_whole) return std::nullopt;
  return RecoveryError{{},
                       fmt::format("the checkpoint is damaged: {}; restore the data folder from a "
                                   "copy",
                                   visited.has_value() ? "when subscriptions are due is malformed"
                                                       : visited.error().message)};
}

const char* Shard::replay_entry(const Entry& entry, Sequence own, Time now) {
  if (write_back_.position().value != 0 && entry.account.value != 0) {
    if (const char* why = load_from_store(entry.account)) return why;
  }
  return book_.replay(entry, own, now);
}

// nullptr where the account is in the book now, or there is none of this number.
const char* Shard::load_from_store(AccountNumber number) {
  if (book_.account(number) != nullptr) return nullptr;
  const auto row = store_.fetch(storage::Table::accounts, view(number_key(number.value)));
  if (!row.has_value()) return "its account's row cannot be read";
  if (!row->has_value() || book_.load_account(number, **row) != nullptr) return nullptr;
  return "its account's row is malformed";
}

base::Result<void, RecoveryError> Shard::recover_tariffs() {
  auto recalled = recall_tariffs(store_, book_.tariffs());
  if (!recalled.has_value()) return RecoveryError{{}, recalled.error()};
  tariffs_ = std::move(*recalled);
  for (const tariffs::VersionedTariff& version : tariffs_->versions()) {
    sells_passes_ = sells_passes_ || version.tariff->has_passes();
    look_up_.add(*version.tariff);
  }
  return {};
}

}  // namespace farthing::engine
