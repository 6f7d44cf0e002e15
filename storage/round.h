// A round of write-back: changes of the checkpoint's tables that become visible and durable
// together, or not at all.
//
// The checkpoint is the fold of the ledger as its reader last wrote it back; storage knows its
// tables by name only. Whoever fills a round may do so bit by bit; the store sorts it.
//
// Threads: one at a time. Memory: keys and values are copied into blocks, which clear() keeps for
// the next round. Nothing is ever moved: whoever fills a round between two requests must not find
// one change among thousands that takes a hundred times as long.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::storage {

// The numbers stand in no file: families of RocksDB are named.
enum class Table : std::uint8_t { accounts, index, sessions, duplicates, meta };
inline constexpr std::size_t table_count = 5;

std::string_view table_name(Table table);

class Round {
 public:
  // The last change of a key holds. Keys are not empty.
  void put(Table table, std::string_view key, std::string_view value);
  void erase(Table table, std::string_view key);
  // Every key of earlier rounds from `from` up to, and without, `to`.
  void erase_range(Table table, std::string_view from, std::string_view to);

  bool empty() const;
  bool empty(Table table) const;
  std::size_t size_bytes() const;  // of keys and values
  void clear();

  struct Change {
    std::string_view key;
    std::string_view value;
    bool erased = false;
  };
  struct Range {
    std::string from;
    std::string to;
  };
  // Sorts; one change a key. Views into the round. For stores.
  std::vector<Change> changes(Table table) const;
  const std::vector<Range>& erased_ranges(Table table) const;

 private:
  // Changes, one after the other, in blocks that never move.
  class Log {
   public:
    void add(std::string_view key, std::string_view value, bool erased);
    std::vector<Change> all() const;
    std::size_t size() const { return changes_; }
    std::size_t bytes() const { return bytes_; }
    void clear();

   private:
    struct Head {
      std::uint32_t key_bytes = 0;
      std::uint32_t value_bytes = 0;
      bool erased = false;
    };
    struct Block {
      std::unique_ptr<char[]> bytes;
      std::size_t size = 0;
      std::size_t used = 0;
    };
    char* room_for(std::size_t bytes);

    std::vector<Block> blocks_;
    std::size_t current_ = 0;  // the block being filled; those after it are empty
    std::size_t changes_ = 0;
    std::size_t bytes_ = 0;
  };
  struct TableChanges {
    Log log;
    std::vector<Range> ranges;
  };

  std::array<TableChanges, table_count> tables_;
};

}  // namespace farthing::storage
