// The book: every account and open session of a shard, with the indexes that find them. It is the
// fold of the ledger: apply() is the only way it changes, live and in recovery alike, and needs no
// tariff, no clock and no I/O.
//
// Ownership: the book owns accounts (stable addresses, never removed) and sessions (pooled).
// Threads: one, the shard's.
#pragma once

#include "engine/account.h"
#include "engine/duplicates.h"
#include "engine/entry.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine {

struct SubscriberRef {
  AccountNumber account;
  SubscriberNumber subscriber;
};

// What was done under an administrative request id, so that doing it again does nothing.
struct AdminRequest {
  EntryKind kind = EntryKind::top_up;
  AccountNumber account;
  Money amount;
  Sequence sequence;
};

struct TariffLoaded {
  tariffs::TariffVersion version;
  std::uint64_t source_hash = 0;
  Time loaded_at;
};

struct BookOptions {
  DuplicateOptions duplicates;
  std::uint64_t session_key_seed = 0;  // random for each process: keys of the session directory
};

class Book {
 public:
  explicit Book(BookOptions options = {});
  ~Book();
  Book(const Book&) = delete;
  Book& operator=(const Book&) = delete;

  // Folds entry number `own` of a record decided at `now` in. nullptr: done; otherwise what is
  // wrong with the entry (it cannot follow what the book holds), and the book is unchanged.
  [[nodiscard]] const char* apply(const Entry& entry, Sequence own, Time now);

  Account* account(AccountNumber number);
  const Account* account(AccountNumber number) const;
  // Many accounts are named by an MSISDN: a plus before the name of one is passed over.
  const Account* find_account(std::string_view name) const;
  std::optional<SubscriberRef> find_subscriber(Identity identity) const;
  std::uint64_t account_count() const { return accounts_.size(); }

  SessionId128 session_key(std::string_view session_id) const;
  const Session* find_session(const SessionId128& key) const;
  const Session* find_session(SessionNumber number) const;
  // Keeps the fingerprint of the last request's attributes with its session: a memo, not its state.
  void note_fingerprint(const Session& session, std::uint64_t fingerprint);
  std::uint64_t session_count() const { return sessions_by_number_.size(); }

  const AdminRequest* find_admin_request(std::string_view request_id) const;
  const std::vector<TariffLoaded>& tariffs() const { return tariffs_; }
  const DuplicateTable& duplicates() const { return duplicates_; }
  DuplicateTable& duplicates() { return duplicates_; }

  // The open session whose time without news ran out before `now`, or nullptr. After a start, no
  // session is given up before the clients had time to be heard (its validity, at most 10 minutes).
  const Session* next_expired(Time now);

  Sequence last() const { return last_; }

 private:
  const char* check(const Entry& entry, Sequence own, const Account* account,
                    const Session* session) const;
  const char* check_opening(const Entry& entry) const;
  const char* check_units(const Entry& entry, const Account* account) const;
  const char* check_amounts(const Entry& entry, const Account* account,
                            const Session* session) const;
  Account& open_account(const AccountOpening& opening);
  void change_account(Account& account, const Entry& entry);
  void move_legs(Account& account, Session* session, const Entry& entry);
  Session& open_session(Account& account, const Entry& entry, Sequence own, Time now);
  void change_session(Session& session, const Entry& entry, Sequence own, Time now);
  void remember_outcome(Session& session, const Entry& entry, Sequence own, Time now);
  void close_session(Session& session, Time now);
  Time expiry_of(const Session& session) const;
  void enter_wheel(Session& session);
  void enter_slot(Session& session, std::int64_t slot);
  void leave_wheel(Session& session);
  void sweep_slot(std::int64_t slot, Time now);

  BookOptions options_;
  std::deque<Account> accounts_;  // by AccountNumber - 1
  boost::unordered_flat_map<Identity, SubscriberRef> identities_;
  boost::unordered_flat_map<std::string_view, AccountNumber> names_;  // views into accounts_
  boost::unordered_flat_map<SessionId128, Session*> sessions_by_key_;
  boost::unordered_flat_map<std::uint64_t, Session*> sessions_by_number_;
  std::deque<Session> session_memory_;
  std::vector<Session*> session_pool_;

  // A timer wheel: open sessions by the second in which they expire, one list a second, later
  // rounds in the same lists. A session heard of again stays where it is until its second comes
  // round. One list more is of those found due.
  static constexpr std::int64_t wheel_seconds = 4096;
  static constexpr std::int64_t due_slot = wheel_seconds;
  std::array<Session*, wheel_seconds + 1> wheel_{};
  std::int64_t wheel_at_s_ = 0;  // every second before this one has been looked at
  Time started_at_;

  boost::unordered_flat_map<std::string, AdminRequest> admin_requests_;
  std::vector<TariffLoaded> tariffs_;
  DuplicateTable duplicates_;
  Sequence last_;
  std::string merged_;  // memory of merge_attributes()
};

}  // namespace farthing::engine
