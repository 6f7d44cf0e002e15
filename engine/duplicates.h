// Outcomes of requests that no open session holds any more: of closed sessions, of events, and of
// requests older than a session's last eight. Found by Session-Id and request number, so that a
// request that comes again (RFC 8506 5.7, 6.5) gets the answer it got.
//
// Memory: bounded by `bytes_max`; the oldest go first, and going before their time is counted. The
// table keeps where the outcome stands in the ledger; only those not durable yet are kept here
// whole. Threads: one, the shard's. Times come in from outside.
#pragma once

#include "engine/account.h"
#include "engine/types.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace farthing::engine {

struct DuplicateOptions {
  Duration window = std::chrono::hours(24);  // 0: nothing is remembered
  std::uint64_t bytes_max = 256u << 20;
};

class DuplicateTable {
 public:
  explicit DuplicateTable(DuplicateOptions options);

  struct Found {
    Sequence sequence;           // the entry that holds the outcome
    const std::string* outcome;  // or the outcome itself while the entry may not be durable yet
  };

  // Remembers how the request `key` of a session ended; `outcome` is entry `sequence`'s.
  void insert(const SessionId128& session, const RequestKey& key, Sequence sequence,
              std::string_view outcome, Time now);

  // The outcome of the same request: same session, type, number and sub-session, and the same
  // content or the same End-to-End-Id; with `number_alone` (the T flag) whatever its content.
  std::optional<Found> find(const SessionId128& session, const RequestKey& key,
                            bool number_alone) const;

  void durable(Sequence last);  // entries up to here can be read from the ledger
  void expire(Time now);        // forgets what is older than the window

  std::uint64_t size() const { return next_ - first_; }
  std::uint64_t evicted_early() const { return evicted_early_; }

 private:
  struct Item {
    std::uint64_t slot = 0;  // hash of session, type, number and sub-session
    std::uint64_t content = 0;
    std::uint64_t sequence = 0;
    std::uint32_t end_to_end = 0;
    std::uint32_t at_s = 0;   // seconds since 1970
    std::uint64_t older = 0;  // position of the item before of the same slot; 0: none
  };
  static constexpr std::uint64_t bytes_per_item = sizeof(Item) + 32;  // with its place in the index
  static constexpr std::uint64_t chunk_items = 4096;
  // A peer that repeats one number with ever new content must not make each look-up longer.
  static constexpr int chain_max = 64;

  static std::uint64_t slot_of(const SessionId128& session, const RequestKey& key);
  Item* item(std::uint64_t position) const;
  void drop_oldest();

  DuplicateOptions options_;
  // Items in the order of insertion, positions first_ to next_ - 1, in chunks of fixed size.
  std::deque<std::unique_ptr<Item[]>> chunks_;
  std::unique_ptr<Item[]> spare_chunk_;
  std::uint64_t first_ = chunk_items;  // so that 0 is no position
  std::uint64_t next_ = chunk_items;
  boost::unordered_flat_map<std::uint64_t, std::uint64_t> newest_;  // slot -> position
  struct Pending {
    std::uint64_t sequence = 0;
    std::string outcome;
  };
  std::deque<Pending> pending_;  // not durable yet, in the order of insertion
  Sequence durable_;
  std::uint64_t evicted_early_ = 0;
};

}  // namespace farthing::engine
