#include "storage/memory_store.h"

#include "engine/base/assert.h"

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
  if (from > end_.last) return {};
  auto it = record_of(from);
  if (it == records_.end()) it = records_.begin();
  LedgerEnd before;
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

}  // namespace farthing::storage
