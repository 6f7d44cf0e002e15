#include "storage/round.h"

#include "engine/base/assert.h"

#include <algorithm>

namespace farthing::storage {

std::string_view table_name(Table table) {
  constexpr std::array<std::string_view, table_count> names = {"accounts", "index", "sessions",
                                                               "duplicates", "meta"};
  return names[static_cast<std::size_t>(table)];
}

void Round::put(Table table, std::string_view key, std::string_view value) {
  add(table, key, value, false);
}

void Round::erase(Table table, std::string_view key) { add(table, key, {}, true); }

void Round::erase_range(Table table, std::string_view from, std::string_view to) {
  FARTHING_ASSERT(from < to);
  tables_[static_cast<std::size_t>(table)].ranges.push_back({std::string(from), std::string(to)});
}

void Round::add(Table table, std::string_view key, std::string_view value, bool erased) {
  FARTHING_ASSERT(!key.empty() && key.size() <= UINT32_MAX && value.size() <= UINT32_MAX);
  TableChanges& changes = tables_[static_cast<std::size_t>(table)];
  changes.items.push_back({changes.arena.size(), static_cast<std::uint32_t>(key.size()),
                           static_cast<std::uint32_t>(value.size()), erased});
  changes.arena.append(key);
  changes.arena.append(value);
}

bool Round::empty() const {
  for (std::size_t i = 0; i < table_count; ++i) {
    if (!empty(static_cast<Table>(i))) return false;
  }
  return true;
}

bool Round::empty(Table table) const {
  const TableChanges& changes = tables_[static_cast<std::size_t>(table)];
  return changes.items.empty() && changes.ranges.empty();
}

std::size_t Round::size_bytes() const {
  std::size_t bytes = 0;
  for (const TableChanges& changes : tables_) bytes += changes.arena.size();
  return bytes;
}

void Round::clear() {
  for (TableChanges& changes : tables_) {
    changes.arena.clear();
    changes.items.clear();
    changes.ranges.clear();
  }
}

std::vector<Round::Change> Round::changes(Table table) const {
  const TableChanges& changes = tables_[static_cast<std::size_t>(table)];
  std::vector<Change> sorted;
  sorted.reserve(changes.items.size());
  for (const Item& item : changes.items) {
    const std::string_view bytes(changes.arena.data() + item.offset,
                                 std::size_t{item.key_bytes} + item.value_bytes);
    sorted.push_back({bytes.substr(0, item.key_bytes), bytes.substr(item.key_bytes), item.erased});
  }
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
