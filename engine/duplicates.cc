#include "engine/duplicates.h"

#include <algorithm>

namespace farthing::engine {

std::uint64_t DuplicateTable::slot_of(const SessionId128& session, const RequestKey& key) {
  // The session's hash is keyed and 128 bits wide; the rest only has to be mixed in.
  std::uint64_t x = session.low ^ (session.high * 0x9e3779b97f4a7c15u);
  for (std::uint64_t part :
       {static_cast<std::uint64_t>(key.type), std::uint64_t{key.number}, key.sub_session}) {
    x = (x ^ part) * 0xbf58476d1ce4e5b9u;
    x ^= x >> 29;
  }
  return x;
}

DuplicateTable::DuplicateTable(DuplicateOptions options) : options_(options) {
  // Room for all from the start: growing a full index under traffic would stall it. Memory that is
  // never touched costs nothing.
  if (options_.window > Duration::zero()) newest_.reserve(options_.bytes_max / bytes_per_item);
}

DuplicateTable::Item* DuplicateTable::item(std::uint64_t position) const {
  if (position < first_ || position >= next_) return nullptr;
  const std::uint64_t chunk = position / chunk_items - first_ / chunk_items;
  return &chunks_[chunk][position % chunk_items];
}

void DuplicateTable::insert(const SessionId128& session, const RequestKey& key, Sequence sequence,
                            std::string_view outcome, Time now) {
  if (options_.window == Duration::zero() || options_.bytes_max < bytes_per_item) return;
  while ((size() + 1) * bytes_per_item > options_.bytes_max) {
    drop_oldest();
    ++evicted_early_;
  }
  if (next_ % chunk_items == 0) {
    if (!spare_chunk_) spare_chunk_ = std::make_unique<Item[]>(chunk_items);
    chunks_.push_back(std::move(spare_chunk_));
  }
  const std::uint64_t position = next_++;
  Item& added = *item(position);
  added.slot = slot_of(session, key);
  added.content = key.content;
  added.sequence = sequence.value;
  added.end_to_end = key.end_to_end;
  added.at_s = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  added.older = 0;
  auto [place, fresh] = newest_.try_emplace(added.slot, position);
  if (!fresh) {
    added.older = place->second;
    place->second = position;
  }
  if (sequence > durable_) pending_.push_back({sequence.value, std::string(outcome)});
}

std::optional<DuplicateTable::Found> DuplicateTable::find(const SessionId128& session,
                                                          const RequestKey& key,
                                                          bool number_alone) const {
  auto newest = newest_.find(slot_of(session, key));
  if (newest == newest_.end()) return std::nullopt;
  const Item* match = nullptr;
  int steps = 0;
  for (const Item* at = item(newest->second); at != nullptr && steps < chain_max;
       at = item(at->older), ++steps) {
    if (at->content == key.content || at->end_to_end == key.end_to_end) {
      match = at;
      break;
    }
    if (number_alone && match == nullptr) match = at;  // the same content further back is better
  }
  if (match == nullptr) return std::nullopt;
  const Sequence sequence(match->sequence);
  if (sequence <= durable_) return Found{sequence, nullptr};
  const auto pending = std::find_if(pending_.begin(), pending_.end(), [match](const Pending& p) {
    return p.sequence == match->sequence;
  });
  return Found{sequence, pending == pending_.end() ? nullptr : &pending->outcome};
}

void DuplicateTable::durable(Sequence last) {
  durable_ = last;
  while (!pending_.empty() && pending_.front().sequence <= last.value) pending_.pop_front();
}

void DuplicateTable::expire(Time now) {
  const std::int64_t oldest_s =
      std::chrono::duration_cast<std::chrono::seconds>((now - options_.window).time_since_epoch())
          .count();
  while (size() > 0 && item(first_)->at_s < oldest_s) drop_oldest();
}

void DuplicateTable::drop_oldest() {
  auto newest = newest_.find(item(first_)->slot);
  if (newest != newest_.end() && newest->second == first_) newest_.erase(newest);
  ++first_;
  if (first_ % chunk_items == 0) {
    spare_chunk_ = std::move(chunks_.front());
    chunks_.pop_front();
  }
}

}  // namespace farthing::engine
