#include "storage/round.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <cstring>

namespace farthing::storage {

namespace {
constexpr std::size_t block_bytes = std::size_t{256} << 10;
}

std::string_view table_name(Table table) {
  constexpr std::array<std::string_view, table_count> names = {"accounts", "index", "sessions",
                                                               "duplicates", "meta"};
  return names[static_cast<std::size_t>(table)];
}

// --- Log -----------------------------------------------------------------------------------------

char* Round::Log::room_for(std::size_t bytes) {
  while (current_ < blocks_.size() && blocks_[current_].size - blocks_[current_].used < bytes) {
    ++current_;
  }
  if (current_ == blocks_.size()) {
    const std::size_t size = std::max(bytes, block_bytes);
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size, 0});
  }
  Block& block = blocks_[current_];
  char* const room = block.bytes.get() + block.used;
  block.used += bytes;
  return room;
}

void Round::Log::add(std::string_view key, std::string_view value, bool erased) {
  FARTHING_ASSERT(!key.empty() && key.size() <= UINT32_MAX && value.size() <= UINT32_MAX);
  const Head head = {static_cast<std::uint32_t>(key.size()),
                     static_cast<std::uint32_t>(value.size()), erased};
  char* room = room_for(sizeof head + key.size() + value.size());
  std::memcpy(room, &head, sizeof head);
  room += sizeof head;
  std::memcpy(room, key.data(), key.size());
  // An empty value may be a null pointer.
  if (!value.empty()) std::memcpy(room + key.size(), value.data(), value.size());
  ++changes_;
  bytes_ += key.size() + value.size();
}

std::vector<Round::Change> Round::Log::all() const {
  std::vector<Change> all;
  all.reserve(changes_);
  for (const Block& block : blocks_) {
    for (std::size_t at = 0; at < block.used;) {
      Head head;
      std::memcpy(&head, block.bytes.get() + at, sizeof head);
      const char* const key = block.bytes.get() + at + sizeof head;
      all.push_back({{key, head.key_bytes}, {key + head.key_bytes, head.value_bytes}, head.erased});
      at += sizeof head + head.key_bytes + head.value_bytes;
    }
  }
  return all;
}

void Round::Log::clear() {
  for (Block& block : blocks_) block.used = 0;
  current_ = 0;
  changes_ = 0;
  bytes_ = 0;
}

// --- Round ---------------------------------------------------------------------------------------

void Round::put(Table table, std::string_view key, std::string_view value) {
  tables_[static_cast<std::size_t>(table)].log.add(key, value, false);
}

void Round::erase(Table table, std::string_view key) {
  tables_[static_cast<std::size_t>(table)].log.add(key, {}, true);
}

void Round::erase_range(Table table, std::string_view from, std::string_view to) {
  FARTHING_ASSERT(from < to);
  tables_[static_cast<std::size_t>(table)].ranges.push_back({std::string(from), std::string(to)});
}

bool Round::empty() const {
  for (std::size_t i = 0; i < table_count; ++i) {
    if (!empty(static_cast<Table>(i))) return false;
  }
  return true;
}

bool Round::empty(Table table) const {
  const TableChanges& changes = tables_[static_cast<std::size_t>(table)];
  return changes.log.size() == 0 && changes.ranges.empty();
}

std::size_t Round::size_bytes() const {
  std::size_t bytes = 0;
  for (const TableChanges& changes : tables_) bytes += changes.log.bytes();
  return bytes;
}

void Round::clear() {
  for (TableChanges& changes : tables_) {
    changes.log.clear();
    changes.ranges.clear();
  }
}

std::vector<Round::Change> Round::changes(Table table) const {
  std::vector<Change> sorted = tables_[static_cast<std::size_t>(table)].log.all();
  // Of one key's changes the last is kept: stable order, then the last of each run.
  std::ranges::stable_sort(sorted, {}, &Change::key);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i + 1 < sorted.size() && sorted[i + 1].key == sorted[i].key) continue;
    sorted[kept++] = sorted[i];
  }
  sorted.resize(kept);
  return sorted;
}

const std::vector<Round::Range>& Round::erased_ranges(Table table) const {
  return tables_[static_cast<std::size_t>(table)].ranges;
}

}  // namespace farthing::storage
