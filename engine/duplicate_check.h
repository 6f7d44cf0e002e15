// The proof that the checkpoint's table of duplicates (duplicates.h) has exactly the keys that the
// ledger gives it, up to the checkpoint's position.
//
// Buckets hold consecutive insertions, so the entries between a bucket's first and its last are all
// its own: its rows are counted and their hashes added up when the table is read, and so are the
// keys of those entries when the fold comes by. A bucket that begins before the fold does is only
// counted.
//
// Threads: none of its own. Memory: some hundred bytes a bucket, whatever the table holds. Errors:
// what is wrong, in words.
#pragma once

#include "engine/duplicates.h"
#include "storage/ledger_store.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace farthing::engine {

class DuplicateCheck {
 public:
  // Reads the whole table, which must have these buckets and nothing of entries behind `position`.
  std::optional<std::string> read(const storage::LedgerStore& store,
                                  const std::vector<DuplicateBucket>& buckets, Sequence position);
  // The fold begins after this entry.
  void begin_after(Sequence last) { begin_ = last; }
  // The fold has inserted a key.
  void inserted(const DuplicateTable::Inserted& key);
  // Everything up to the position has been folded.
  std::optional<std::string> finish() const;

 private:
  // Keys with their entries: how many, and the sum of their hashes.
  struct Sum {
    std::uint64_t keys = 0;
    std::uint64_t hashes = 0;

    void add(const DuplicateTable::Inserted& key);
    bool operator==(const Sum&) const = default;
  };
  struct Bucket {
    std::uint32_t number = 0;
    Sequence first;
    Sequence last;
    Sum found;
    Sum expected;
  };

  std::optional<std::string> add_row(const DuplicateRow& row);
  std::optional<std::string> check_buckets(const std::vector<DuplicateBucket>& said) const;

  std::vector<Bucket> buckets_;  // oldest first
  Sequence position_;
  Sequence begin_;
  Sequence stray_;  // an entry whose key stands in no bucket; 0: none
};

}  // namespace farthing::engine
