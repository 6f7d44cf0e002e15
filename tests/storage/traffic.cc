#include "tests/storage/traffic.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace farthing::storage {
namespace {

constexpr unsigned accounts = 2000;

std::string body_start(std::uint64_t number) { return fmt::format("{};", number); }

std::optional<std::string> fetched(const LedgerStore& store, Table table, std::string_view key) {
  const auto value = store.fetch(table, key);
  return value.has_value() ? *value : std::nullopt;
}

Sequence position_of(const LedgerStore& store) {
  const auto bytes = fetched(store, Table::meta, "position");
  std::uint64_t position = 0;
  if (bytes.has_value()) bytes->copy(reinterpret_cast<char*>(&position), sizeof position);
  return Sequence(position);
}

std::string wrong_with_records(const LedgerStore& store) {
  std::uint64_t number = store.begin().last.value;
  std::string wrong;
  const auto scanned = store.scan(Sequence(0), [&](const Record& record) {
    ++number;
    if (!record.body.starts_with(body_start(number))) {
      wrong = fmt::format("record {} has the body {}", number, record.body.substr(0, 20));
    }
    return wrong.empty();
  });
  if (!scanned.has_value()) return scanned.error().message;
  if (!wrong.empty()) return wrong;
  if (number != store.end().last.value) {
    return fmt::format("{} records, and the end is {}", number, store.end().last.value);
  }
  if (number > 0 && store.document("last/one") != std::to_string(number)) {
    return fmt::format("the document is not that of record {}", number);
  }
  return {};
}

// Every row of a table has the value; how many there are.
std::string wrong_with_table(const LedgerStore& store, Table table, std::size_t expected,
                             std::string_view value) {
  std::size_t rows = 0;
  std::string wrong;
  const auto visited = store.visit(table, "", [&](std::string_view key, std::string_view found) {
    ++rows;
    if (found != value) wrong = fmt::format("{}: {} and not {}", key, found, value);
    return wrong.empty();
  });
  if (!visited.has_value()) return visited.error().message;
  if (wrong.empty() && rows != expected) wrong = fmt::format("{} rows", rows);
  return wrong.empty() ? wrong : fmt::format("{}: {}", table_name(table), wrong);
}

}  // namespace

Traffic::Traffic(LedgerStore& store, std::size_t body_bytes, std::function<void(Sequence)> durable)
    : store_(store), body_bytes_(body_bytes), durable_(store.end().last.value) {
  store.set_durable([this, durable = std::move(durable)](Sequence last) {
    if (durable) durable(last);
    const std::lock_guard lock(mutex_);
    durable_ = last.value;
    append_under_way_ = false;
    changed_.notify_all();
  });
  store.set_round_written([this] {
    const std::lock_guard lock(mutex_);
    round_under_way_ = false;
    rounds_written_ = rounds_;
    changed_.notify_all();
  });
  const auto last_round = fetched(store, Table::meta, "round");
  if (last_round.has_value()) rounds_ = rounds_written_ = std::stoull(*last_round);
}

Traffic::~Traffic() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return failed_ || !(append_under_way_ || round_under_way_); });
}

void Traffic::run() {
  std::vector<Document> documents;
  std::string body;
  for (;;) {
    std::uint64_t before = 0;
    bool write_round_too = false;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return failed_ || !append_under_way_; });
      if (failed_ || stop_) return;
      before = durable_;
      append_under_way_ = true;
      write_round_too = !std::exchange(round_under_way_, true);
    }
    if (write_round_too) write_round();
    body = body_start(before + 1);
    body.resize(std::max(body.size(), body_bytes_), 'x');
    documents.push_back({"last/one", std::to_string(before + 1)});
    store_.append(body, 1, base::Time(base::Duration(before)), documents);
  }
}

void Traffic::stop() {
  const std::lock_guard lock(mutex_);
  stop_ = true;
}

void Traffic::fail() {
  const std::lock_guard lock(mutex_);
  failed_ = true;
  changed_.notify_all();
}

Sequence Traffic::last_durable() const {
  const std::lock_guard lock(mutex_);
  return Sequence(durable_);
}

std::uint64_t Traffic::rounds_written() const {
  const std::lock_guard lock(mutex_);
  return rounds_written_;
}

void Traffic::write_round() {
  const std::string value = std::to_string(++rounds_);
  for (unsigned i = 0; i < accounts; ++i) {
    const std::string key = fmt::format("{:04}", i);
    round_.put(Table::accounts, key, value);
    if (i % 2 == 0) round_.put(Table::sessions, key, value);
  }
  // The row of the round before, by a range over all digits.
  round_.erase_range(Table::duplicates, "0", ":");
  round_.put(Table::duplicates, value, value);
  round_.put(Table::meta, "round", value);
  const std::uint64_t position = last_durable().value;
  round_.put(Table::meta, "position", {reinterpret_cast<const char*>(&position), sizeof position});
  store_.write_round(round_);
}

LedgerEnd folded_end(const LedgerStore& store) {
  const Sequence position = position_of(store);
  LedgerEnd end = store.end();
  if (position >= end.last) return end;
  // The next record says the hash of the one before.
  const auto scanned = store.scan(Sequence(position.value + 1), [&](const Record& record) {
    end = {position, record.header.now, record.header.previous};
    return false;
  });
  return scanned.has_value() ? end : LedgerEnd{};
}

std::string wrong_with_traffic(const LedgerStore& store) {
  if (auto wrong = wrong_with_records(store); !wrong.empty()) return wrong;
  const auto found = store.fetch(Table::meta, "round");
  if (!found.has_value()) return found.error().message;
  const auto& round = *found;
  if (!round.has_value()) return wrong_with_table(store, Table::accounts, 0, "");
  for (const auto& [table, rows] : {std::pair{Table::accounts, std::size_t{accounts}},
                                    {Table::sessions, std::size_t{accounts / 2}},
                                    {Table::duplicates, std::size_t{1}}}) {
    if (auto wrong = wrong_with_table(store, table, rows, *round); !wrong.empty()) return wrong;
  }
  if (position_of(store) > store.end().last) return "the checkpoint is ahead of the ledger";
  return {};
}

}  // namespace farthing::storage
