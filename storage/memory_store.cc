#include "storage/memory_store.h"

#include "engine/base/assert.h"
#include "storage/bytes.h"

#include <utility>

namespace farthing::storage {

bool MemoryStore::sync() {
  if (!under_way_) return false;
  const Sequence first(end_.last.value + 1);
  const auto header = encode_record_header({first, count_, now_, end_.hash}, body_);
  const std::string_view header_bytes(header.data(), header.size());
  std::string& record = records_[first];
  record.append(header_bytes).append(body_);
  end_ = {Sequence(end_.last.value + count_), now_, hasher_.hash(header_bytes, body_)};
  for (Document& document : documents_under_way_) {
    documents_.insert_or_assign(std::move(document.key), std::move(document.value));
  }
  body_.clear();
  documents_under_way_.clear();
  under_way_ = false;
  // Only now: the callback may append again at once.
  if (durable_) durable_(end_.last);
  return true;
}

void MemoryStore::crash() {
  body_.clear();
  documents_under_way_.clear();
  under_way_ = false;
  durable_ = nullptr;
  round_.clear();
  round_under_way_ = false;
  round_written_ = nullptr;
  jobs_.clear();
}

void MemoryStore::set_durable(Durable durable) { durable_ = std::move(durable); }

void MemoryStore::append(std::string& body, std::uint32_t count, base::Time now,
                         std::vector<Document>& documents) {
  FARTHING_ASSERT(!under_way_ && count > 0);
  FARTHING_ASSERT(end_.last.value == 0 || now >= end_.now);
  body_.swap(body);
  documents_under_way_.swap(documents);
  count_ = count;
  now_ = now;
  under_way_ = true;
}

MemoryStore::Records::const_iterator MemoryStore::record_of(Sequence sequence) const {
  auto it = records_.upper_bound(sequence);
  return it == records_.begin() ? records_.end() : std::prev(it);
}

base::Result<void, StoreError> MemoryStore::scan(Sequence from, const Visitor& visitor) const {
  if (from.value > 0 && from <= begin_.last) return archived_entry(from, begin_.last);
  if (from > end_.last) return {};
  auto it = record_of(from);
  if (it == records_.end()) it = records_.begin();
  LedgerEnd before = begin_;
  if (it != records_.begin()) {
    const auto& [first, bytes] = *std::prev(it);
    const auto end = end_after(bytes, first);
    if (!end.has_value()) return end.error();
    before = *end;
  }
  ChainReader chain(before);
  for (; it != records_.end(); ++it) {
    const auto record = chain.next(it->second);
    if (!record.has_value()) return record.error();
    if (!visitor(*record)) break;
  }
  return {};
}

base::Result<Record, StoreError> MemoryStore::read(Sequence sequence, std::string& buffer) const {
  if (sequence.value > 0 && sequence <= begin_.last) return archived_entry(sequence, begin_.last);
  if (sequence.value == 0 || sequence > end_.last) return no_such_entry(sequence, end_.last);
  buffer = record_of(sequence)->second;
  const auto record = decode_record(buffer);
  if (!record.has_value()) return corrupt_record(sequence, describe(record.error()));
  return *record;
}

std::optional<std::string> MemoryStore::document(std::string_view key) const {
  const auto it = documents_.find(key);
  if (it == documents_.end()) return std::nullopt;
  return it->second;
}

std::vector<Document> MemoryStore::documents(std::string_view prefix) const {
  std::vector<Document> found;
  for (auto it = documents_.lower_bound(prefix);
       it != documents_.end() && it->first.starts_with(prefix); ++it) {
    found.push_back({it->first, it->second});
  }
  return found;
}

// --- Copies and retention ------------------------------------------------------------------------

base::Result<LedgerEnd, StoreError> MemoryStore::copy_to(
    const std::filesystem::path& folder) const {
  return StoreError{StoreError::Code::io, Sequence(0),
                    folder.string() + ": a ledger in memory cannot be copied into a folder"};
}

Sequence MemoryStore::position() const {
  const auto& meta = tables_[static_cast<std::size_t>(Table::meta)];
  const auto found = meta.find("position");
  if (found == meta.end() || found->second.size() != sizeof(std::uint64_t)) return Sequence(0);
  return Sequence(get_little<std::uint64_t>(found->second.data()));
}

base::Result<void, StoreError> MemoryStore::cut(const LedgerEnd& end) {
  if (end.last <= begin_.last) return {};
  if (end.last > end_.last) return no_such_entry(end.last, end_.last);
  const auto last = record_of(end.last);
  const auto there = end_after(last->second, last->first);
  if (!there.has_value()) return there.error();
  if (there->last != end.last || there->hash != end.hash) return no_record_ends_with(end.last);
  const Sequence position = this->position();
  if (position.value > 0 && position < end.last) return cut_beyond_checkpoint(end.last, position);
  records_.erase(records_.begin(), std::next(last));
  begin_ = *there;
  return {};
}

// --- The checkpoint ------------------------------------------------------------------------------

void MemoryStore::write_round(Round& round) {
  FARTHING_ASSERT(!round_under_way_);
  std::swap(round_, round);
  round.clear();
  round_under_way_ = true;
}

bool MemoryStore::finish_round() {
  if (!round_under_way_) return false;
  for (std::size_t i = 0; i < table_count; ++i) {
    auto& rows = tables_[i];
    for (const auto& [from, to] : round_.erased_ranges(static_cast<Table>(i))) {
      rows.erase(rows.lower_bound(from), rows.lower_bound(to));
    }
    for (const Round::Change& change : round_.changes(static_cast<Table>(i))) {
      if (change.erased) {
        rows.erase(std::string(change.key));
      } else {
        rows.insert_or_assign(std::string(change.key), std::string(change.value));
      }
    }
  }
  round_.clear();
  round_under_way_ = false;
  // Only now: the callback may write the next at once.
  if (round_written_) round_written_();
  return true;
}

base::Result<std::optional<std::string>, StoreError> MemoryStore::fetch(
    Table table, std::string_view key) const {
  const auto& rows = tables_[static_cast<std::size_t>(table)];
  const auto found = rows.find(key);
  if (found == rows.end()) return std::optional<std::string>();
  return std::optional(found->second);
}

base::Result<void, StoreError> MemoryStore::visit(Table table, std::string_view from,
                                                  const RowVisitor& visitor) const {
  const auto& rows = tables_[static_cast<std::size_t>(table)];
  for (auto row = rows.lower_bound(from); row != rows.end(); ++row) {
    if (!visitor(row->first, row->second)) break;
  }
  return {};
}

bool MemoryStore::read_next() {
  if (jobs_.empty()) return false;
  const std::function<void()> job = std::move(jobs_.front());
  jobs_.pop_front();
  job();
  return true;
}

}  // namespace farthing::storage
