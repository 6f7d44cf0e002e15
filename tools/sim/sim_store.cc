#include "tools/sim/sim_store.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <utility>

namespace farthing::sim {

using storage::Document;
using storage::Record;
using storage::Round;
using storage::Sequence;
using storage::StoreError;
using storage::Table;

// --- Appending -----------------------------------------------------------------------------------

void SimStore::append(std::string& body, std::uint32_t count, base::Time now,
                      std::vector<Document>& documents) {
  FARTHING_ASSERT(break_ == Break::ack_before_sync || !append_under_way());
  FARTHING_ASSERT(count > 0 && (end_.last.value == 0 || now >= end_.now));
  if (append_under_way()) sync();  // only where the contract is broken on purpose
  const Sequence first(end_.last.value + 1);
  const auto header = storage::encode_record_header({first, count, now, end_.hash}, body);
  unsynced_.assign(header.data(), header.size());
  unsynced_.append(body);
  unsynced_documents_.swap(documents);
  spare_body_.clear();
  spare_body_.swap(body);
  if (break_ == Break::ack_before_sync && durable_) {
    durable_(Sequence(end_.last.value + count));
  }
}

bool SimStore::sync() {
  if (!append_under_way()) return false;
  keep_record(std::exchange(unsynced_, {}));
  for (Document& document : unsynced_documents_) {
    documents_.insert_or_assign(std::move(document.key), std::move(document.value));
  }
  unsynced_documents_.clear();
  // Only now: the callback may append again at once.
  if (durable_ && break_ != Break::ack_before_sync) durable_(end_.last);
  return true;
}

void SimStore::keep_record(std::string bytes) {
  const auto record = storage::decode_record(bytes);
  FARTHING_ASSERT(record.has_value());
  const storage::RecordHeader& header = record->header;
  const std::string_view view = bytes;
  end_ = {Sequence(header.first.value + header.count - 1), header.now,
          hasher_.hash(view.substr(0, storage::record_header_size_bytes),
                       view.substr(storage::record_header_size_bytes))};
  records_.push_back({header.first, std::move(bytes)});
}

std::optional<std::string> SimStore::crash(Random random) {
  durable_ = nullptr;
  round_written_ = nullptr;
  jobs_.clear();
  // None of the record, all of it, or a part: whatever is torn is no record.
  if (append_under_way()) {
    const std::uint64_t luck = random.below(3);
    const std::size_t kept =
        luck == 0 ? 0 : (luck == 1 ? unsynced_.size() : random.below(unsynced_.size() + 1));
    unsynced_.resize(kept);
    if (storage::decode_record(unsynced_).has_value()) sync();
  }
  unsynced_.clear();
  unsynced_documents_.clear();
  if (round_under_way_ && random.chance(50)) apply_round();
  round_.clear();
  round_under_way_ = false;
  if (break_ == Break::lose_synced && records_.size() > 1 && random.chance(30)) {
    const auto before = storage::end_after(records_[records_.size() - 2].bytes,
                                           records_[records_.size() - 2].first);
    FARTHING_ASSERT(before.has_value());
    end_ = *before;
    records_.pop_back();
  }
  return std::nullopt;
}

// --- Reading -------------------------------------------------------------------------------------

// The place of the record that holds an entry. REQUIRES: there is one.
std::size_t SimStore::place_of(Sequence sequence) const {
  const auto after = std::ranges::upper_bound(records_, sequence, {}, &Stored::first);
  return static_cast<std::size_t>(after - records_.begin()) - 1;
}

base::Result<void, StoreError> SimStore::scan(Sequence from, const Visitor& visitor) const {
  if (from > end_.last) return {};
  if (from.value > 0 && from <= begin_.last) return storage::archived_entry(from, begin_.last);
  std::size_t at = from.value == 0 ? 0 : place_of(from);
  storage::LedgerEnd before = begin_;
  if (at > 0) {
    const auto end = storage::end_after(records_[at - 1].bytes, records_[at - 1].first);
    if (!end.has_value()) return end.error();
    before = *end;
  }
  storage::ChainReader chain(before);
  for (; at < records_.size(); ++at) {
    const auto record = chain.next(records_[at].bytes);
    if (!record.has_value()) return record.error();
    if (!visitor(*record)) break;
  }
  return {};
}

base::Result<Record, StoreError> SimStore::read(Sequence sequence, std::string& buffer) const {
  if (sequence.value == 0 || sequence > end_.last) {
    return storage::no_such_entry(sequence, end_.last);
  }
  if (sequence <= begin_.last) return storage::archived_entry(sequence, begin_.last);
  buffer = records_[place_of(sequence)].bytes;
  const auto record = storage::decode_record(buffer);
  if (!record.has_value()) return storage::corrupt_record(sequence, describe(record.error()));
  return *record;
}

std::optional<std::string> SimStore::document(std::string_view key) const {
  const auto found = documents_.find(key);
  if (found == documents_.end()) return std::nullopt;
  return found->second;
}

std::vector<Document> SimStore::documents(std::string_view prefix) const {
  std::vector<Document> found;
  for (auto at = documents_.lower_bound(prefix);
       at != documents_.end() && at->first.starts_with(prefix); ++at) {
    found.push_back({at->first, at->second});
  }
  return found;
}

// --- Copies and retention ------------------------------------------------------------------------

base::Result<std::unique_ptr<storage::LedgerStore>, std::string> SimStore::copy() {
  auto copy = std::make_unique<SimStore>();
  copy->begin_ = begin_;
  copy->end_ = end_;
  copy->records_ = records_;
  copy->documents_ = documents_;
  copy->tables_ = tables_;
  return std::unique_ptr<storage::LedgerStore>(std::move(copy));
}

base::Result<storage::LedgerEnd, StoreError> SimStore::copy_to(
    const std::filesystem::path& folder) const {
  return StoreError{StoreError::Code::io, Sequence(0),
                    folder.string() + ": a simulated ledger cannot be copied into a folder"};
}

base::Result<void, StoreError> SimStore::cut(const storage::LedgerEnd& end) {
  if (end.last <= begin_.last) return {};
  if (end.last > end_.last) return storage::no_such_entry(end.last, end_.last);
  const std::size_t place = place_of(end.last);
  const auto there = storage::end_after(records_[place].bytes, records_[place].first);
  if (!there.has_value()) return there.error();
  if (there->last != end.last || there->hash != end.hash) {
    return storage::no_record_ends_with(end.last);
  }
  records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  begin_ = *there;
  return {};
}

// --- The checkpoint ------------------------------------------------------------------------------

void SimStore::write_round(Round& round) {
  FARTHING_ASSERT(!round_under_way_);
  std::swap(round_, round);
  round.clear();
  round_under_way_ = true;
}

void SimStore::apply_round() {
  for (std::size_t i = 0; i < storage::table_count; ++i) {
    auto& rows = tables_[i];
    const auto table = static_cast<Table>(i);
    for (const auto& [from, to] : round_.erased_ranges(table)) {
      rows.erase(rows.lower_bound(from), rows.lower_bound(to));
    }
    for (const Round::Change& change : round_.changes(table)) {
      if (change.erased) {
        rows.erase(std::string(change.key));
      } else {
        rows.insert_or_assign(std::string(change.key), std::string(change.value));
      }
    }
  }
}

bool SimStore::finish_round() {
  if (!round_under_way_) return false;
  apply_round();
  round_.clear();
  round_under_way_ = false;
  // Only now: the callback may write the next at once.
  if (round_written_) round_written_();
  return true;
}

base::Result<std::optional<std::string>, StoreError> SimStore::fetch(Table table,
                                                                     std::string_view key) const {
  const auto& rows = tables_[static_cast<std::size_t>(table)];
  const auto found = rows.find(key);
  if (found == rows.end()) return std::optional<std::string>();
  return std::optional(found->second);
}

base::Result<void, StoreError> SimStore::visit(Table table, std::string_view from,
                                               const RowVisitor& visitor) const {
  const auto& rows = tables_[static_cast<std::size_t>(table)];
  for (auto row = rows.lower_bound(from); row != rows.end(); ++row) {
    if (!visitor(row->first, row->second)) break;
  }
  return {};
}

bool SimStore::read_next() {
  if (jobs_.empty()) return false;
  const std::function<void()> job = std::move(jobs_.front());
  jobs_.pop_front();
  job();
  return true;
}

}  // namespace farthing::sim
