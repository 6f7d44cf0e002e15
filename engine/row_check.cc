#include "engine/row_check.h"

#include "engine/base/hash.h"
#include "engine/fields.h"
#include "engine/verify.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <span>

namespace farthing::engine {

namespace {

using storage::Table;

constexpr std::string_view remedy = "restore the data folder from a copy";

VerifyError wrong_at(Sequence sequence, std::string_view what) {
  return {sequence, fmt::format("the checkpoint is wrong: {}; {}", what, remedy)};
}

std::optional<VerifyError> in_duplicates(const std::optional<std::string>& what) {
  if (!what) return std::nullopt;
  return wrong_at({}, fmt::format("in the table of duplicates, {}", *what));
}

// An account without what stands in other rows.
Account alone(const Account& account) {
  Account copy = account;
  copy.sessions = nullptr;
  copy.session_count = 0;
  return copy;
}

// Of its name and of the identities that the first so many of its subscribers bear.
std::uint64_t count_index_rows(const Account& account, std::size_t subscribers) {
  std::uint64_t rows = 1;
  for (const Subscriber& subscriber : std::span(account.subscribers).first(subscribers)) {
    if (subscriber.state == LifeState::terminated) continue;
    for (Identity identity : {subscriber.msisdn, subscriber.imsi}) {
      if (identity.kind() != Identity::Kind::none) ++rows;
    }
  }
  return rows;
}

// Whether an identity's row leads to one that bore it, and is terminated.
bool is_of_terminated(const Book& book, Identity identity, std::string_view row) {
  IndexRow index;
  if (!decode_index(row, index)) return false;
  const Account* const account = book.account(index.account);
  const Subscriber* const who =
      account == nullptr ? nullptr : account->subscriber(index.subscriber);
  return who != nullptr && who->state == LifeState::terminated &&
         (who->msisdn == identity || who->imsi == identity);
}

std::string name_of(const Book& book, AccountNumber number) {
  const Account* const account = book.account(number);
  return account == nullptr ? fmt::format("account number {}", number.value)
                            : fmt::format("account {}", account->name);
}

}  // namespace

// --- Reading -------------------------------------------------------------------------------------

base::Result<std::unique_ptr<RowCheck>, VerifyError> RowCheck::read(
    const storage::LedgerStore& store) {
  std::unique_ptr<RowCheck> check(new RowCheck(store));
  if (auto error = check->read_meta()) return *error;
  if (auto error = check->read_duplicates()) return *error;
  if (auto error = check->read_accounts()) return *error;
  if (auto error = check->read_sessions()) return *error;
  if (check->position_.value != 0) return check;
  if (!check->accounts_.empty() || !check->sessions_.empty()) {
    return wrong_at({}, "it has rows, but its position is missing");
  }
  return std::unique_ptr<RowCheck>();
}

std::optional<VerifyError> RowCheck::read_meta() {
  const auto position = store_.fetch(Table::meta, meta_position_key);
  if (!position.has_value()) return VerifyError{{}, position.error().message};
  const auto state = store_.fetch(Table::meta, meta_book_key);
  if (!state.has_value()) return VerifyError{{}, state.error().message};
  if (!position->has_value() && !state->has_value()) return std::nullopt;
  if (!position->has_value() || !state->has_value()) {
    return wrong_at({}, "of its position and its state one is missing");
  }
  if ((*position)->size() == sizeof(position_)) {
    std::memcpy(&position_, (*position)->data(), sizeof(position_));
  }
  const Sequence end = store_.end().last;
  if (position_.value == 0 || position_ > end) {
    return wrong_at({}, fmt::format("its position is entry {}, and the ledger has entries up to {}",
                                    position_.value, end.value));
  }
  state_row_ = **state;
  if (decode_book_state(state_row_, said_)) return std::nullopt;
  return wrong_at(position_, "the row of its state is malformed");
}

std::optional<VerifyError> RowCheck::read_duplicates() {
  return in_duplicates(duplicates_.read(store_, said_.duplicates, position_));
}

std::optional<VerifyError> RowCheck::read_accounts() {
  std::optional<VerifyError> wrong;
  Account account;
  const auto visited =
      store_.visit(Table::accounts, {}, [&](std::string_view key, std::string_view row) {
        const std::uint64_t number = read_number_key(key).value_or(0);
        // Every account has had an entry: no number can be higher.
        if (number <= accounts_.size() || number > store_.end().last.value) {
          wrong = wrong_at({}, fmt::format("it has a row for account number {}, which there cannot "
                                           "be",
                                           number));
          return false;
        }
        accounts_.resize(number);
        subscribers_.resize(number);
        account.clear();
        if (decode_account(row, account) && account.last <= store_.end().last) {
          accounts_.back() = Seen(account.last, base::hash64(row));
          subscribers_.back() = static_cast<std::uint16_t>(account.subscribers.size());
          if (account.due_at != never) dues_.emplace(number, account.due_at);
        }
        return true;
      });
  if (!visited.has_value()) return VerifyError{{}, visited.error().message};
  return wrong;
}

std::optional<VerifyError> RowCheck::read_sessions() {
  std::optional<VerifyError> wrong;
  Session session;
  const auto visited =
      store_.visit(Table::sessions, {}, [&](std::string_view key, std::string_view row) {
        const std::uint64_t number = read_number_key(key).value_or(0);
        AccountNumber account;
        session.clear();
        if (number == 0 || !decode_session(row, session, account) ||
            session.last > store_.end().last) {
          wrong = wrong_at(
              Sequence(number),
              fmt::format("the row of session {} (opened by that entry) is malformed", number));
          return false;
        }
        sessions_.emplace(number, Seen(session.last, base::hash64(row)));
        return true;
      });
  if (!visited.has_value()) return VerifyError{{}, visited.error().message};
  return wrong;
}

// --- While the ledger is folded ------------------------------------------------------------------

std::optional<VerifyError> RowCheck::begun(const Book& book) {
  duplicates_.begin_after(book.last());
  for (std::uint64_t number = 1; number <= book.account_count(); ++number) {
    const Account& account = *book.account(AccountNumber(number));
    if (auto error = check_account(account)) return error;
    for (const Session* at = account.sessions; at != nullptr; at = at->account_next) {
      if (auto error = check_session(*at)) return error;
    }
  }
  return book.last() == position_ ? check_position(book) : std::nullopt;
}

std::optional<VerifyError> RowCheck::folded(const Book& book, const Entry& entry, Sequence own) {
  const DuplicateTable::Inserted& newest = book.duplicates().newest();
  if (newest.sequence == own) duplicates_.inserted(newest);
  if (entry.account.value != 0) {
    if (auto error = check_account(*book.account(entry.account))) return error;
  }
  if (entry.session) {
    const SessionNumber number(entry.session->session.value == 0 ? own.value
                                                                 : entry.session->session.value);
    if (const Session* const session = book.find_session(number)) {
      if (auto error = check_session(*session)) return error;
    }
  }
  return own == position_ ? check_position(book) : std::nullopt;
}

std::optional<VerifyError> RowCheck::check_account(const Account& account) {
  if (account.number.value > accounts_.size()) return std::nullopt;
  Seen& row = accounts_[account.number.value - 1];
  if (!row.is_there() || row.last() != account.last) return std::nullopt;
  row_.clear();
  encode_account(account, row_);
  return row.meet(base::hash64(row_)) ? std::nullopt : std::optional(differs(account));
}

std::optional<VerifyError> RowCheck::check_session(const Session& session) {
  const auto row = sessions_.find(session.number.value);
  if (row == sessions_.end() || row->second.last() != session.last) return std::nullopt;
  row_.clear();
  encode_session(session, row_);
  return row->second.meet(base::hash64(row_)) ? std::nullopt : std::optional(differs(session));
}

// Everything up to the position is in the checkpoint: nothing is missing from it, and nothing older
// stands in it.
std::optional<VerifyError> RowCheck::check_position(const Book& book) const {
  for (std::uint64_t number = 1; number <= book.account_count(); ++number) {
    const Account& account = *book.account(AccountNumber(number));
    if (number > accounts_.size() || !accounts_[number - 1].is_there()) return missing(account);
    if (const Sequence last = accounts_[number - 1].last(); last < account.last) {
      return wrong_at(account.last, fmt::format("the row of account {} is that of entry {}, "
                                                "without entry {}",
                                                account.name, last.value, account.last.value));
    }
    for (const Session* at = account.sessions; at != nullptr; at = at->account_next) {
      const auto row = sessions_.find(at->number.value);
      if (row != sessions_.end() && row->second.last() >= at->last) continue;
      return wrong_at(
          at->last,
          fmt::format("the row of session {} of account {} is {}; its newest entry is "
                      "{}",
                      at->number.value, account.name,
                      row == sessions_.end() ? "missing" : "an older one", at->last.value));
    }
  }
  if (accounts_.size() > book.account_count()) {
    return wrong_at({}, fmt::format("it has a row for account number {}, of {} that there are",
                                    accounts_.size(), book.account_count()));
  }
  for (const auto& [number, row] : sessions_) {
    if (row.last() > position_ || book.find_session(SessionNumber(number)) != nullptr) continue;
    return wrong_at(row.last(), fmt::format("it has a row for session {} as of entry {}, which is "
                                            "not open",
                                            number, row.last().value));
  }
  if (auto error = in_duplicates(duplicates_.finish())) return error;
  return check_state(book);
}

std::optional<VerifyError> RowCheck::check_state(const Book& book) const {
  BookState expected = book.state();
  // What no ledger tells.
  expected.session_key_seed = said_.session_key_seed;
  expected.duplicates = said_.duplicates;
  if (encode_book_state(expected) == state_row_) return std::nullopt;
  return wrong_at(
      position_,
      fmt::format("the row of its state, as of entry {}, is not what the ledger says: {} accounts "
                  "(not {}), {} tariffs ({}), started at {} us ({})",
                  position_.value, said_.account_count, expected.account_count,
                  said_.tariffs.size(), expected.tariffs.size(), micros_of(said_.started_at),
                  micros_of(expected.started_at)));
}

// --- At the end ----------------------------------------------------------------------------------

std::optional<VerifyError> RowCheck::finish(const Book& book) {
  if (auto error = check_unmet(book)) return error;
  if (auto error = check_dues()) return error;
  return check_index(book);
}

std::optional<VerifyError> RowCheck::check_unmet(const Book& book) const {
  for (std::uint64_t i = 0; i < accounts_.size(); ++i) {
    if (accounts_[i].is_met()) continue;
    const Sequence last = accounts_[i].last();
    return wrong_at(last, fmt::format("the row of {} names entry {} as its newest, which is no "
                                      "entry of that account",
                                      name_of(book, AccountNumber(i + 1)), last.value));
  }
  for (const auto& [number, row] : sessions_) {
    if (row.is_met()) continue;
    return wrong_at(row.last(), fmt::format("the row of session {} names entry {} as its newest, "
                                            "which is none that left it open",
                                            number, row.last().value));
  }
  return std::nullopt;
}

// Of names and identities.
std::uint64_t RowCheck::index_rows_due(const Book& book) const {
  std::uint64_t rows = 0;
  for (std::uint64_t i = 0; i < accounts_.size(); ++i) {
    if (!accounts_[i].is_there()) continue;
    rows += count_index_rows(*book.account(AccountNumber(i + 1)), subscribers_[i]);
  }
  return rows;
}

std::optional<VerifyError> RowCheck::check_index(const Book& book) const {
  std::uint64_t found = 0;
  std::uint64_t requests = 0;
  std::optional<VerifyError> wrong;
  const auto visited =
      store_.visit(Table::index, {}, [&](std::string_view key, std::string_view row) {
        if (key.starts_with(index_keys_of_dues)) return true;
        const std::string_view name = key.substr(1);
        if (key.front() == 'r') {
          const AdminRequest* const request = book.find_admin_request(name);
          ++requests;
          if (request == nullptr || encode_admin_request(*request) != row) {
            wrong = wrong_at(request == nullptr ? Sequence() : request->sequence,
                             fmt::format("the index's row of the request id \"{}\" is not what the "
                                         "ledger says",
                                         name));
          }
          return !wrong;
        }
        SubscriberRef who;
        const Identity identity = Identity::from_bits(read_number_key(name).value_or(0));
        if (key.front() == 'n') {
          who.account = book.find_account(name);
        } else if (key.front() == 'i' && is_of_terminated(book, identity, row)) {
          return true;  // until another one bears it whose row is written
        } else if (const auto subscriber = book.find_subscriber(identity);
                   key.front() == 'i' && subscriber) {
          who = *subscriber;
        }
        if (who.account == nullptr) {
          wrong = wrong_at({}, "the index has a row for a name or an identity that nobody bears");
        } else if (encode_index({who.account->number, who.subscriber}) != row) {
          wrong = wrong_at(
              who.account->last,
              fmt::format("the index's row for {} of account {} leads elsewhere",
                          key.front() == 'n' ? "the name" : "an identity", who.account->name));
        }
        ++found;
        return !wrong;
      });
  if (!visited.has_value()) return VerifyError{{}, visited.error().message};
  if (wrong) return wrong;
  std::uint64_t requests_due = 0;
  book.for_each_admin_request([&](std::string_view, const AdminRequest& request) {
    if (request.sequence <= position_) ++requests_due;
  });
  if (found == index_rows_due(book) && requests == requests_due) return std::nullopt;
  return find_missing_index(book);
}

// Subscriptions of accounts that nobody asks for renew by these rows.
std::optional<VerifyError> RowCheck::check_dues() const {
  std::optional<VerifyError> wrong;
  std::size_t found = 0;
  const auto visited = store_.visit(
      Table::index, index_keys_of_dues, [&](std::string_view key, std::string_view row) {
        if (!key.starts_with(index_keys_of_dues)) return false;
        const auto number = read_number_key(key.substr(index_keys_of_dues.size()));
        const auto due = dues_.find(number.value_or(0));
        if (due == dues_.end() || encode_due(due->second) != row) {
          wrong = wrong_at({}, fmt::format("the index's row of when subscriptions of account "
                                           "number {} are due is not what its row says",
                                           number.value_or(0)));
        }
        ++found;
        return !wrong;
      });
  if (!visited.has_value()) return VerifyError{{}, visited.error().message};
  if (wrong || found == dues_.size()) return wrong;
  return wrong_at({}, "the index lacks a row of when an account's subscriptions are due");
}

// Which row the index lacks: slow, and only where one is known to be wrong.
std::optional<VerifyError> RowCheck::find_missing_index(const Book& book) const {
  std::optional<VerifyError> wrong;
  book.for_each_admin_request([&](std::string_view id, const AdminRequest& request) {
    if (request.sequence > position_ || !row_of(Table::index, index_key_of_request(id)).empty()) {
      return;
    }
    wrong = wrong_at(request.sequence,
                     fmt::format("the index's row of the request id \"{}\" is missing", id));
  });
  for (std::uint64_t number = 1; !wrong && number <= accounts_.size(); ++number) {
    Account account;
    if (!decode_account(row_of(Table::accounts, view(number_key(number))), account)) continue;
    bool is_whole = !row_of(Table::index, index_key_of_name(account.name)).empty();
    const Account& now = *book.account(AccountNumber(number));
    for (std::size_t i = 0; i < account.subscribers.size(); ++i) {
      const Subscriber& subscriber = now.subscribers[i];
      if (subscriber.state == LifeState::terminated) continue;
      for (Identity identity : {subscriber.msisdn, subscriber.imsi}) {
        is_whole = is_whole && (identity.kind() == Identity::Kind::none ||
                                !row_of(Table::index, index_key(identity)).empty());
      }
    }
    if (!is_whole) {
      wrong =
          wrong_at(account.last,
                   fmt::format("a row of the index for account {}, its name's or an identity's, "
                               "is missing",
                               account.name));
    }
  }
  return wrong ? wrong : wrong_at({}, "the index has rows for more than the accounts' rows say");
}

// --- In words ------------------------------------------------------------------------------------

std::string RowCheck::row_of(Table table, std::string_view key) const {
  const auto row = store_.fetch(table, key);
  return row.has_value() && row->has_value() ? **row : std::string();
}

VerifyError RowCheck::differs(const Account& account) const {
  Account said;
  said.number = account.number;
  const bool read =
      decode_account(row_of(Table::accounts, view(number_key(account.number.value))), said);
  const std::string difference =
      read ? first_difference(account_state(alone(account)), account_state(said)) : "";
  return wrong_at(
      account.last,
      fmt::format("the row of account {}, as of entry {}, is not what the ledger says{}{}",
                  account.name, account.last.value, difference.empty() ? "" : ": ", difference));
}

VerifyError RowCheck::differs(const Session& session) const {
  Session said;
  said.number = session.number;
  AccountNumber account;
  const bool read = decode_session(row_of(Table::sessions, view(number_key(session.number.value))),
                                   said, account);
  const std::string difference =
      read ? first_difference(session_state(session), session_state(said)) : "";
  return wrong_at(
      session.last,
      fmt::format("the row of session {} of account {}, as of entry {}, is not what the "
                  "ledger says{}{}",
                  session.number.value, session.account->name, session.last.value,
                  difference.empty() ? "" : ": ", difference));
}

VerifyError RowCheck::missing(const Account& account) const {
  const bool is_there = !row_of(Table::accounts, view(number_key(account.number.value))).empty();
  return wrong_at(
      account.last,
      fmt::format("the row of account {} is {}; its newest entry then was {}", account.name,
                  is_there ? "malformed" : "missing", account.last.value));
}

}  // namespace farthing::engine
