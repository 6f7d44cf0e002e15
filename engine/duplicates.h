// Where the outcomes of closed sessions and of events stand in the ledger, so that a request that
// comes again (RFC 8506 5.7, 6.5) gets the answer it got.
//
// A key is a hash of a Session-Id (a closed session; its value is the closing entry, from which the
// session's entries are found backwards) or of a Session-Id and a request's number (an event, or a
// request refused before there was a session). What was entered since the last round of write-back
// is in memory; the rest in the checkpoint's table `duplicates`, in buckets by time, with a Bloom
// filter a bucket in memory: a request that is new is told so without a look at the disk. After a
// start the filters are made anew from the table, little by little; until a bucket's is there,
// every question about that bucket goes to the disk.
//
// Bounds: keys are kept for `window`, and at most `bytes_max` of them on disk (filters in memory
// take about a twentieth of that); a bucket that goes before its time is counted.
//
// Threads: one, the shard's. Times come in from outside.
#pragma once

#include "engine/account.h"
#include "engine/checkpoint.h"
#include "engine/recent_keys.h"
#include "storage/ledger_store.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace farthing::engine {

struct DuplicateOptions {
  Duration window = std::chrono::hours(24);  // 0: nothing is remembered
  std::uint64_t bytes_max = std::uint64_t{2} << 30;
};

// A set of keys that may say yes to a few more than it holds (about one in a hundred), never no to
// one of them. Fixed in size; memory that is never touched costs nothing.
class KeyFilter {
 public:
  explicit KeyFilter(std::uint64_t keys_max);
  void add(const SessionId128& key);
  bool may_have(const SessionId128& key) const;

 private:
  static constexpr std::size_t block_words = 8;  // one cache line
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::uint64_t block_of(const SessionId128& key) const;

  std::uint64_t blocks_;
  std::unique_ptr<std::uint64_t[], Free> words_;
};

class DuplicateTable {
 public:
  using Key = SessionId128;

  // `keys_expected`: what room is made for from the start, between two rounds.
  explicit DuplicateTable(DuplicateOptions options, std::size_t keys_expected = 0);

  static Key key_of_session(const SessionId128& session);
  static Key key_of_request(const SessionId128& session, const RequestKey& request);

  void insert(const Key& key, Sequence sequence, Time now);
  // What was inserted last, whether it is remembered or not; entry 0: nothing yet.
  struct Inserted {
    Key key;
    Sequence sequence;
  };
  const Inserted& newest() const { return newest_; }

  // Where the outcomes under a key may stand: entries known, newest first, and buckets of the table
  // that may have more. Empty: it was never seen.
  struct Places {
    std::vector<Sequence> entries;
    std::vector<std::uint32_t> buckets;  // numbers, newest first

    bool empty() const { return entries.empty() && buckets.empty(); }
  };
  // Adds to `places`.
  void find(const Key& key, Places& places) const;

  // Forgets what is older than the window or more than the bytes; what that takes goes into the
  // next round.
  void expire(Time now);
  std::uint64_t evicted_early() const { return evicted_early_; }
  std::uint64_t size() const { return size_; }

  // --- Write-back --------------------------------------------------------------------------------
  std::size_t unwritten() const { return fresh_.items().size(); }
  // What was inserted until now is to be written in the next round, a piece at a time.
  void begin_round();
  // Writes up to `keys` into the round; true: there is more. A bucket that was dropped meanwhile is
  // written all the same, since the round's state has it: the next round erases it.
  bool fill_round(storage::Round& round, std::size_t keys);
  // That round is durable: what it took is looked for in the table from now on.
  void round_written();
  std::vector<DuplicateBucket> buckets() const;

  // --- Start -------------------------------------------------------------------------------------
  void recover(const std::vector<DuplicateBucket>& buckets);
  // The number of a bucket whose filter is not there yet; nullopt: all are.
  std::optional<std::uint32_t> bucket_without_filter() const;
  std::uint64_t bucket_keys_max() const { return bucket_keys_max_; }
  void set_filter(std::uint32_t bucket, std::unique_ptr<KeyFilter> filter);

 private:
  struct Bucket {
    DuplicateBucket state;
    Time oldest;
    std::unique_ptr<KeyFilter> filter;  // nullptr: not made yet
  };

  Bucket& bucket_at(Time now);
  void drop_oldest();

  DuplicateOptions options_;
  std::uint64_t keys_max_;
  std::uint64_t bucket_keys_max_;
  std::deque<Bucket> buckets_;  // oldest first
  std::uint32_t next_bucket_ = 1;
  RecentKeys fresh_;                     // since the last round was begun
  RecentKeys writing_;                   // in the round under way
  std::size_t filled_ = 0;               // of writing_
  std::vector<std::uint32_t> dropped_;   // buckets whose keys the next round erases,
  std::vector<std::uint32_t> dropping_;  // and the round under way
  std::uint32_t first_kept_ = 0;         // of the buckets, when that round began
  Inserted newest_;
  std::uint64_t size_ = 0;
  std::uint64_t evicted_early_ = 0;
};

// --- The table's rows ----------------------------------------------------------------------------
// Bucket (4 bytes big-endian), key (16), entry (8, big-endian); no value.
std::string duplicate_prefix(std::uint32_t bucket, const DuplicateTable::Key& key);
std::string duplicate_prefix(std::uint32_t bucket);
struct DuplicateRow {
  std::uint32_t bucket = 0;
  DuplicateTable::Key key;
  Sequence sequence;
};
[[nodiscard]] bool decode_duplicate(std::string_view row_key, DuplicateRow& row);

}  // namespace farthing::engine
