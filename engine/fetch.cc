#include "engine/fetch.h"

#include "engine/entry.h"

#include <algorithm>

namespace farthing::engine {

namespace {

using storage::Table;

// How far back in a session an earlier request is looked for: a client that numbers all its
// requests alike must not have a whole day's entries read for each.
constexpr int steps_back_max = 256;
constexpr std::size_t filter_rows_at_once = 5'000;  // a millisecond or two: others wait

class Fetcher {
 public:
  Fetcher(const storage::LedgerStore& store, Fetch& fetch) : store_(store), fetch_(fetch) {}

  void run() {
    for (Identity identity : fetch_.needs.identities) fetch_subscriber(identity);
    for (const std::string& name : fetch_.needs.names) {
      fetch_indexed(index_key_of_name(name));
      // Many accounts are named by an MSISDN: a plus before the name of one is passed over.
      if (name.starts_with('+')) fetch_indexed(index_key_of_name(name.substr(1)));
    }
    for (AccountNumber number : fetch_.needs.numbers) fetch_account(number);
    for (const std::string& id : fetch_.needs.request_ids) fetch_admin_request(id);
    if (fetch_.question) find_outcome(*fetch_.question);
    if (fetch_.filter_bucket) make_filter();
  }

 private:
  std::optional<std::string> value_of(Table table, std::string_view key) {
    auto value = store_.fetch(table, key);
    if (value.has_value()) return std::move(*value);
    fetch_.error = value.error().message;
    return std::nullopt;
  }

  // Mostly the identities of one request are one subscriber's.
  void fetch_subscriber(Identity identity) {
    auto is_its = [identity](const Subscriber& subscriber) { return subscriber.bears(identity); };
    const bool here = std::ranges::any_of(fetch_.accounts, [&](const Account& account) {
      return std::ranges::any_of(account.subscribers, is_its);
    });
    if (!here) fetch_indexed(index_key(identity));
  }

  void fetch_indexed(const std::string& key) {
    const std::optional<std::string> row = value_of(Table::index, key);
    if (!row) return;
    IndexRow index;
    if (!decode_index(*row, index)) return malformed();
    fetch_account(index.account);
  }

  void fetch_account(AccountNumber number) {
    if (std::ranges::find(fetch_.accounts, number, &Account::number) != fetch_.accounts.end())
      return;
    const std::optional<std::string> row =
        value_of(Table::accounts, view(number_key(number.value)));
    if (!row) return;
    Account& account = fetch_.accounts.emplace_back();
    account.number = number;
    if (decode_account(*row, account)) return;
    fetch_.error = "an account's row is malformed";
    fetch_.accounts.pop_back();
  }

  void fetch_admin_request(const std::string& id) {
    const std::optional<std::string> row = value_of(Table::index, index_key_of_request(id));
    if (!row) return;
    AdminRequest request;
    if (!decode_admin_request(*row, request)) return malformed();
    fetch_.admin_requests.emplace_back(id, request);
  }

  void malformed() { fetch_.error = "a row of the checkpoint's index is malformed"; }

  // --- Outcomes ----------------------------------------------------------------------------------

  void find_outcome(const OutcomeQuestion& question) {
    if (question.at.value != 0) {
      if (read_entry(question.at)) take_outcome(question.at);
      return;
    }
    if (question.behind.value != 0) return walk_back(question, question.behind);
    for (Sequence entry : places_of(question.request_places, question.request)) {
      look_at(question, entry);
      if (is_found()) return;
    }
    for (Sequence closing : places_of(question.session_places, question.session)) {
      walk_back(question, closing);
      if (is_found()) return;
    }
    if (fetch_.closed && !fetch_.outcome) fetch_account(fetch_.closed->account);
  }

  void note_closed() {
    if (!fetch_.closed) {
      fetch_.closed = Fetch::Closed{entry_.account, entry_.subscriber,
                                    entry_.kind == EntryKind::session_terminated, true,
                                    std::nullopt};
    }
    if (!fetch_.closed->number && entry_.request) {
      fetch_.closed->number = entry_.request->key.number;
    }
  }

  // What matches by content, which nothing better can follow.
  bool is_found() const { return fetch_.outcome.has_value() && !by_number_alone_; }

  // The entries under a key: those that memory knew, then those in the table.
  std::vector<Sequence> places_of(const DuplicateTable::Places& places,
                                  const DuplicateTable::Key& key) {
    std::vector<Sequence> entries = places.entries;
    for (std::uint32_t bucket : places.buckets) {
      const std::string prefix = duplicate_prefix(bucket, key);
      const auto visited =
          store_.visit(Table::duplicates, prefix, [&](std::string_view row_key, std::string_view) {
            DuplicateRow row;
            if (!row_key.starts_with(prefix) || !decode_duplicate(row_key, row)) return false;
            entries.push_back(row.sequence);
            return true;
          });
      if (!visited.has_value()) fetch_.error = visited.error().message;
    }
    std::ranges::sort(entries, std::ranges::greater());
    const auto repeated = std::ranges::unique(entries);
    entries.erase(repeated.begin(), repeated.end());
    return entries;
  }

  // Follows a session's entries from one of them backwards.
  void walk_back(const OutcomeQuestion& question, Sequence from) {
    Sequence at = from;
    for (int steps = 0; at.value != 0; ++steps) {
      if (steps == steps_back_max) {
        fetch_.given_up = true;
        if (fetch_.closed) fetch_.closed->is_whole = false;
        return;
      }
      look_at(question, at);
      if (is_found()) return;
      if (!is_read_) {
        if (fetch_.closed) fetch_.closed->is_whole = false;
        return;
      }
      if (question.behind.value == 0) note_closed();
      at = entry_.session && entry_.session->session.value != 0 ? entry_.session->previous
                                                                : Sequence(0);
    }
  }

  void look_at(const OutcomeQuestion& question, Sequence sequence) {
    is_read_ = read_entry(sequence);
    if (!is_read_ || !entry_.request || entry_.outcome.empty()) return;
    if (is_same_request(entry_.request->key, question.key, false)) {
      by_number_alone_ = false;
      take_outcome(sequence);
    } else if (!fetch_.outcome &&
               is_same_request(entry_.request->key, question.key, question.number_alone)) {
      by_number_alone_ = true;  // the same content further back is better
      take_outcome(sequence);
    }
  }

  void take_outcome(Sequence sequence) { fetch_.outcome = {sequence, std::string(entry_.outcome)}; }

  // Into entry_, which views buffer_.
  bool read_entry(Sequence sequence) {
    const auto record = store_.read(sequence, buffer_);
    if (!record.has_value()) {
      // What was archived is as good as forgotten.
      if (record.error().code == storage::StoreError::Code::corrupt) {
        fetch_.error = record.error().message;
      }
      return false;
    }
    std::string_view body = record->body;
    for (Sequence own = record->header.first; own <= sequence; ++own.value) {
      if (decode_entry(body, own, entry_)) continue;
      fetch_.error = "an entry of the ledger is malformed";
      return false;
    }
    return true;
  }

  // --- Filters -----------------------------------------------------------------------------------

  // A piece of the work: the reading thread has others waiting.
  void make_filter() {
    if (!fetch_.filter) fetch_.filter = std::make_unique<KeyFilter>(fetch_.filter_keys_max);
    const std::string prefix = duplicate_prefix(*fetch_.filter_bucket);
    if (fetch_.filter_from.empty()) fetch_.filter_from = prefix;
    std::size_t rows = 0;
    fetch_.filter_complete = true;
    const auto visited = store_.visit(Table::duplicates, fetch_.filter_from,
                                      [&](std::string_view key, std::string_view) {
                                        DuplicateRow row;
                                        if (!key.starts_with(prefix) || !decode_duplicate(key, row))
                                          return false;
                                        if (rows++ == filter_rows_at_once) {
                                          fetch_.filter_from = key;
                                          fetch_.filter_complete = false;
                                          return false;
                                        }
                                        fetch_.filter->add(row.key);
                                        return true;
                                      });
    if (!visited.has_value()) fetch_.error = visited.error().message;
  }

  const storage::LedgerStore& store_;
  Fetch& fetch_;
  Entry entry_;
  std::string buffer_;
  bool is_read_ = false;
  bool by_number_alone_ = false;
};

}  // namespace

void run_fetch(const storage::LedgerStore& store, Fetch& fetch) { Fetcher(store, fetch).run(); }

}  // namespace farthing::engine
