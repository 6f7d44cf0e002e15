// The checkpoint's rows: accounts, open sessions, the index and the book's own state, as bytes.
//
// A row says what the ledger says up to one entry: an account's and a session's up to the `last`
// that stands in it, the book's state up to the checkpoint's position. Rows are written in the same
// bytes whenever they say the same, so that a fold can be compared with them. Layouts:
// docs/formats.md. What is read is checked as far as it can be without the ledger; false: it is no
// row of this format.
//
// Threads: none of its own.
#pragma once

#include "engine/account.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine {

// --- Keys ----------------------------------------------------------------------------------------
// Numbers are 8 bytes big-endian, so that rows stand in the order of their numbers.
using NumberKey = std::array<char, 8>;
NumberKey number_key(std::uint64_t number);
inline std::string_view view(const NumberKey& key) { return {key.data(), key.size()}; }
std::optional<std::uint64_t> read_number_key(std::string_view key);

std::string index_key(Identity identity);
std::string index_key_of_name(std::string_view account_name);
std::string index_key_of_request(std::string_view request_id);
std::string index_key_of_due(AccountNumber account);
constexpr std::string_view index_keys_of_dues = "d";  // what they begin with

constexpr std::string_view meta_position_key = "position";  // 8 bytes little-endian
constexpr std::string_view meta_book_key = "book";

// --- Rows ----------------------------------------------------------------------------------------
void encode_account(const Account& account, std::string& out);
// Into an account that is empty but for its number.
[[nodiscard]] bool decode_account(std::string_view row, Account& account);

void encode_session(const Session& session, std::string& out);
// Into an empty session; its number, key and links are the caller's.
[[nodiscard]] bool decode_session(std::string_view row, Session& session, AccountNumber& account);

// Only whose it is. 0: malformed.
AccountNumber account_of_session(std::string_view row);

// An identity's or a name's: whose it is.
struct IndexRow {
  AccountNumber account;
  SubscriberNumber subscriber;  // 0 for a name
};
std::string encode_index(const IndexRow& row);
[[nodiscard]] bool decode_index(std::string_view row, IndexRow& index);

// When an account's subscriptions have something to do.
std::string encode_due(Time due);
[[nodiscard]] bool decode_due(std::string_view row, Time& due);

// What was done under an administrative request id, so that doing it again does nothing.
struct AdminRequest {
  EntryKind kind = EntryKind::top_up;
  AccountNumber account = {};
  Money amount = {};
  Sequence sequence = {};
  std::uint64_t content = 0;  // hash of what was asked for beside the amount; 0: nothing was
};
std::string encode_admin_request(const AdminRequest& request);
[[nodiscard]] bool decode_admin_request(std::string_view row, AdminRequest& request);

struct TariffLoaded {
  tariffs::TariffVersion version;
  std::uint64_t source_hash = 0;
  Time loaded_at;
  std::optional<tariffs::SubscriberAttribute> only = std::nullopt;  // nullopt: for all
};
// As its entry says, made at that time.
TariffLoaded loaded_by(const TariffLoading& loading, Time at);

// Keys of closed sessions and events that stand in the table of duplicates (duplicates.h).
struct DuplicateBucket {
  std::uint32_t number = 0;  // first part of its keys
  Time newest;               // of what is in it
  std::uint64_t keys = 0;
};

struct BookState {
  std::uint64_t account_count = 0;  // ever created
  std::uint64_t session_key_seed = 0;
  Time started_at;
  std::vector<TariffLoaded> tariffs;
  std::vector<DuplicateBucket> duplicates;
};
std::string encode_book_state(const BookState& state);
[[nodiscard]] bool decode_book_state(std::string_view row, BookState& state);

}  // namespace farthing::engine
