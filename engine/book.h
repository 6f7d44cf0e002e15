// The book: the accounts and open sessions of a shard, with the indexes that find them. It is the
// fold of the ledger: apply() is the only way it changes, live and in recovery alike, and needs no
// tariff, no clock and no I/O.
//
// Accounts may be missing: those without open sessions are evicted when memory is short, and loaded
// from their rows when they are needed. Whoever applies an entry has its account here. Open
// sessions and their accounts always are.
//
// The book notes what has changed since its row was last written (changes()), and encodes rows into
// a round of write-back. A round is filled while the book goes on changing, so that its rows say
// what was true at different entries, each at or behind the round's position: replay() knows by the
// `last` of each row what it holds already. One thing must not slip through: a session that closes
// while the round has yet to take its row is written as it was before.
//
// Ownership: the book owns accounts and sessions (pooled); their addresses hold while they are in
// it. Threads: one, the shard's.
#pragma once

#include "engine/account_table.h"
#include "engine/checkpoint.h"
#include "engine/due_index.h"
#include "engine/duplicates.h"
#include "engine/entry.h"
#include "engine/expiry_wheel.h"
#include "engine/session_directory.h"
#include "storage/round.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farthing::engine {

struct BookOptions {
  DuplicateOptions duplicates;
  std::uint64_t session_key_seed = 0;  // random for each data folder: keys of the session directory
  std::uint64_t accounts_memory_bytes = 0;  // what room is made for from the start
  std::size_t sessions_expected = 0;        // likewise
  std::size_t changes_expected = 0;         // likewise: between two rounds of write-back
};

class Book {
 public:
  explicit Book(BookOptions options = {});
  ~Book();
  Book(const Book&) = delete;
  Book& operator=(const Book&) = delete;

  // Folds entry number `own` of a record decided at `now` in. nullptr: done; otherwise what is
  // wrong with the entry (it cannot follow what the book holds), and the book is unchanged.
  // `known`: the session that the entry continues, where the caller has it.
  [[nodiscard]] const char* apply(const Entry& entry, Sequence own, Time now,
                                  const Session* known = nullptr);
  // The same where rows of a checkpoint may hold the entry already: only the rest is done.
  [[nodiscard]] const char* replay(const Entry& entry, Sequence own, Time now);

  const Account* account(AccountNumber number) const;
  // Many accounts are named by an MSISDN: a plus before the name of one is passed over.
  const Account* find_account(std::string_view name) const;
  std::optional<SubscriberRef> find_subscriber(Identity identity) const;
  std::uint64_t account_count() const { return account_count_; }  // ever created
  const AccountTable& accounts() const { return accounts_; }
  bool is_everything_here() const { return accounts_.size() == account_count_; }
  void note_nobody(Identity identity) { accounts_.note_nobody(identity); }

  SessionId128 session_key(std::string_view session_id) const;
  // From now on keys are those of a book with this seed. REQUIRES: no session in it.
  void set_session_key_seed(std::uint64_t seed);
  const Session* find_session(const SessionId128& key) const;
  const Session* find_session(SessionNumber number) const;
  // Requests of these sessions are about to come: has the processor fetch what they will look at,
  // all at once, where each alone would wait for memory several times.
  void expect(std::span<const std::string_view> session_ids) const;
  // From now on the account is not evicted. False: it is not here.
  bool pin(AccountNumber number) const;
  // Keeps the fingerprint of the last request's attributes with its session: a memo, not its state.
  void note_fingerprint(const Session& session, std::uint64_t fingerprint);
  std::uint64_t session_count() const { return sessions_by_number_.size(); }
  // For walks over all of them, a part at a time: places that sessions stand in, or none.
  std::size_t session_places() const { return session_memory_.size(); }
  const Session* session_at(std::size_t place) const {
    const Session& session = session_memory_[place];
    return session.number.value == 0 ? nullptr : &session;
  }

  const AdminRequest* find_admin_request(std::string_view request_id) const;
  // Those in memory, in no order.
  template <class Visit>
  void for_each_admin_request(Visit&& visit) const {
    for (const auto& [id, known] : admin_requests_) visit(id, known.request);
  }
  const std::vector<TariffLoaded>& tariffs() const { return tariffs_; }
  const DuplicateTable& duplicates() const { return duplicates_; }
  DuplicateTable& duplicates() { return duplicates_; }

  const Session* next_expired(Time now) { return wheel_.next_expired(now); }
  // Open sessions, by slots of the wheel (ExpiryWheel::visit).
  template <class Visit>
  void visit_wheel(std::size_t slot, Visit visit) const {
    wheel_.visit(slot, visit);
  }
  // Accounts whose subscriptions may have something to do, in memory or not.
  void take_due(Time now, std::size_t most, std::vector<AccountNumber>& out) {
    due_.take(now, most, out);
  }
  void note_due(AccountNumber account, Time due) { due_.note(account, due); }

  Sequence last() const { return last_; }

  // --- Rows in -----------------------------------------------------------------------------------
  // The state at the checkpoint's position, into an empty book.
  void recover(Sequence position, const BookState& state);
  // nullptr: the row is malformed. What is in the book already stays as it is.
  const Account* load_account(AccountNumber number, std::string_view row);
  // The same for a row that has been decoded. REQUIRES: its number is there.
  const Account& load_account(Account&& read);
  // REQUIRES: its account is in the book. False: malformed, or it contradicts the book.
  [[nodiscard]] bool load_session(SessionNumber number, std::string_view row);
  void load_admin_request(std::string_view request_id, const AdminRequest& request);

  // --- Rows out ----------------------------------------------------------------------------------
  struct Changes {
    std::vector<Account*> accounts;
    // The pointer is good while the session's number is still this one.
    std::vector<std::pair<Session*, SessionNumber>> sessions;
    std::vector<SessionNumber> closed;  // that have a row
    std::vector<std::string> admin_requests;

    void reserve(std::size_t changes);
    std::size_t size() const { return accounts.size() + sessions.size() + closed.size(); }
    void clear();
  };
  std::size_t changed() const { return changes_.size(); }
  BookState state() const;  // as of last()

  // Begins round number `round`: hands over what has changed until now. Everything of it is to be
  // written into `rows` (or skipped, where a session has ended), then end_round().
  void begin_round(std::uint64_t round, storage::Round& rows, Changes& changes);
  // Accounts return the newest entry that their row holds; so do sessions.
  Sequence write_row(Account& account);
  Sequence write_row(Session& session);
  void write_row(const std::string& admin_request_id);
  // The newest entry in any row written so far, those of sessions that closed meanwhile included.
  Sequence newest_written() const { return newest_written_; }
  void end_round();
  // Rounds up to this one are durable.
  void round_written(std::uint64_t round);

  // --- Eviction ----------------------------------------------------------------------------------
  // What is loaded or changed from now on bears this stamp.
  void set_stamp(std::uint64_t stamp) { stamp_ = stamp; }
  std::size_t evict(std::size_t steps, std::uint64_t stamp_before) {
    return accounts_.evict(steps, round_written_, stamp_before);
  }

 private:
  const char* check(const Entry& entry, Sequence own, const Account* account,
                    const Session* session) const;
  const char* check_opening(const Entry& entry) const;
  const char* check_profile(const Entry& entry, const Account* account) const;
  const char* check_buckets(const Entry& entry, const Account* account) const;
  const char* check_payers(const Entry& entry, const Account* account) const;
  static const char* check_limits(const Entry& entry, const Account* account);
  const char* check_subscription(const Entry& entry, const Account* account) const;
  const char* check_amounts(const Entry& entry, const Account* account,
                            const Session* session) const;
  void apply_to_book(const Account* account, const Entry& entry, Sequence own, Time now);
  void apply_to_account(Account* account, const Entry& entry, Sequence own);
  void apply_to_session(Account& account, Session* session, const Entry& entry, Sequence own,
                        Time now);
  Account& open_account(const Entry& entry);
  void change_account(Account& account, const Entry& entry);
  void change_buckets(Account& account, const Entry& entry);
  void change_subscription(Account& account, const Subscription& after);
  void find_due(Account& account);
  void change_payer(Account& account, const PayerChange& after);
  static void change_ceiling(Account& account, const OwnCeiling& after);
  void note_spending(Account& account, const Entry& entry);
  void move_account_legs(Account& account, const Entry& entry);
  void move_session_legs(Session& session, const Entry& entry);
  Session& new_session(SessionNumber number);
  void link_session(Session& session, Account& account);
  Session& open_session(Account& account, const Entry& entry, Sequence own, Time now);
  void remember_request(Session& session, const Entry& entry, Sequence own);
  void close_session(Session& session, Time now);
  void note_change(Account& account);
  void note_change(Session& session);
  bool is_row_due(const Session& session) const;

  BookOptions options_;
  AccountTable accounts_;
  std::uint64_t account_count_ = 0;
  SessionDirectory sessions_by_key_;
  boost::unordered_flat_map<std::uint64_t, Session*> sessions_by_number_;
  std::deque<Session> session_memory_;
  std::vector<Session*> session_pool_;
  ExpiryWheel wheel_;
  DueIndex due_;

  struct KnownRequest {
    AdminRequest request;
    std::uint64_t round = 0;  // that has taken it, or was filled when it was loaded
    bool is_changed = false;
  };
  boost::unordered_flat_map<std::string, KnownRequest> admin_requests_;
  std::vector<TariffLoaded> tariffs_;
  DuplicateTable duplicates_;
  Sequence last_;
  std::string merged_;  // memory of merge_attributes()

  Changes changes_;
  storage::Round* rows_ = nullptr;  // of the round being filled
  std::string row_;                 // memory of write_row()
  Sequence newest_written_;
  std::uint64_t round_ = 0;  // the newest begun
  std::uint64_t round_written_ = 0;
  std::uint64_t stamp_ = 0;
};

}  // namespace farthing::engine
