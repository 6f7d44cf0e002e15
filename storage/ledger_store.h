// The ledger store: a sequence of records, appended durably, read back in order.
//
// Storage knows records, not what is in them: a record is a header (format, sequence, count, time,
// checksum, hash of the record before) and an opaque body of `count` entries. Entries are numbered
// from 1 without gaps; a record carries the number of its first entry. Beside the records it keeps
// named documents (tariff sources and the like), written in the same atomic, synced write as a
// record. And it keeps the checkpoint: tables of the ledger's fold, written back in rounds
// (storage/round.h), so that a start need not fold everything again and what is not in memory can
// be fetched.
//
// Threads: one thread (the engine's) appends and writes rounds, one append and one round under way
// at a time; reads may come from any thread at any time. Ownership: the store owns its threads and
// its database until destroyed.
#pragma once

#include "engine/base/named.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "storage/round.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::storage {

// The number of a ledger entry, from 1; 0 is "none".
using Sequence = base::Named<struct SequenceTag, std::uint64_t>;

using Hash = std::array<std::byte, 32>;  // SHA-256

struct RecordHeader {
  Sequence first;           // number of the record's first entry
  std::uint32_t count = 0;  // entries in it; the next record begins at first + count
  base::Time now;           // the time at which all its entries were decided; never goes back
  Hash previous{};          // hash of the record before, header and body; zeroes for the first
};

struct Record {
  RecordHeader header;
  std::string_view body;
};

// A document to be put in the same write as a record. Keys are "kind/name".
struct Document {
  std::string key;
  std::string value;
};

struct StoreError {
  enum class Code {
    in_use,         // another process has the folder open
    wrong_version,  // written by a format that this program does not read
    corrupt,        // a checksum, the chain or the numbering is wrong: `sequence` says where
    cut_short,      // the ledger ends before the high-water mark: records were lost
    io,             // the file system said no (full, read-only, permission)
    not_found,      // no entry of that number (read), no record that ends there (cut)
    archived,       // the entry was cut off
  };
  Code code{};
  Sequence sequence;
  std::string message;  // names the folder or record and the remedy; for people
};

// The end of the ledger as recovery found it or the last append left it.
struct LedgerEnd {
  Sequence last;  // number of the last entry; 0 when empty
  base::Time now;
  Hash hash{};  // of the last record
};

class LedgerStore {
 public:
  virtual ~LedgerStore() = default;

  // Called on the store's own thread when the record is durable (synced), with its last entry's
  // number. There is no failure: a write or sync that fails stops the process (exit code 74,
  // EX_IOERR) after one line on stderr, and is never retried. Nothing unsaved was ever promised.
  using Durable = std::function<void(Sequence last)>;
  virtual void set_durable(Durable durable) = 0;

  // Appends `count` entries as one record numbered from the end of the ledger, in one synced write
  // with `documents`. Takes the buffer by swapping it with an empty one of an earlier append, so
  // that no memory is allocated once warm. REQUIRES: no append under way; count > 0.
  virtual void append(std::string& body, std::uint32_t count, base::Time now,
                      std::vector<Document>& documents) = 0;

  virtual LedgerEnd end() const = 0;  // of what is durable

  // Visits every record from the one that holds `from` onward (0: from the first that is kept),
  // checking checksum, chain and numbering, until the end or until the visitor returns false. A
  // `from` that was cut off is an error: nobody is to take what is left for the whole.
  using Visitor = std::function<bool(const Record&)>;
  virtual base::Result<void, StoreError> scan(Sequence from, const Visitor& visitor) const = 0;

  // The record that holds entry `sequence`; its bytes go into `buffer`, which the record views.
  virtual base::Result<Record, StoreError> read(Sequence sequence, std::string& buffer) const = 0;

  virtual std::optional<std::string> document(std::string_view key) const = 0;
  // Every document whose key begins with `prefix`, in key order.
  virtual std::vector<Document> documents(std::string_view prefix) const = 0;

  // --- Copies and retention ----------------------------------------------------------------------

  // Copies all of it, as it is at one moment, while appends and rounds go on, into a folder that
  // does not exist or is empty; returns the end that the copy has, which is at least the end when
  // the call began. On the same file system files are shared, not copied. A copy that fails is
  // removed, and one that a crash cut off opens nowhere.
  virtual base::Result<LedgerEnd, StoreError> copy_to(
      const std::filesystem::path& folder) const = 0;

  // What the first record kept must follow: LedgerEnd{} until something is cut.
  virtual LedgerEnd begin() const = 0;
  // Removes every record up to and with `end.last`, the last entry of a record whose hash is
  // `end.hash`: for reading at once and for ever, from the disk as its files empty. No effect when
  // that was cut before; an error behind what the checkpoint has folded. From any thread, one at a
  // time. REQUIRES: that nobody needs them any more.
  virtual base::Result<void, StoreError> cut(const LedgerEnd& end) = 0;

  // --- The checkpoint ----------------------------------------------------------------------------

  // Called on a thread of the store's when a round is durable and visible to fetch and visit.
  using RoundWritten = std::function<void()>;
  virtual void set_round_written(RoundWritten written) = 0;

  // Writes all of the round or, should a crash come, none of it; slowly, so that appends are not
  // kept waiting. Takes the round by swapping it with an empty one. A write that fails stops the
  // process, as an append's does. REQUIRES: no round under way, and that everything in it follows
  // from durable records: a checkpoint ahead of its ledger is a balance that nobody can prove.
  virtual void write_round(Round& round) = 0;

  // The value of a key; nullopt: there is none.
  virtual base::Result<std::optional<std::string>, StoreError> fetch(
      Table table, std::string_view key) const = 0;

  // Visits a table's rows in key order from `from` on, as they were when the visit began, until
  // the end or until the visitor returns false.
  using RowVisitor = std::function<bool(std::string_view key, std::string_view value)>;
  virtual base::Result<void, StoreError> visit(Table table, std::string_view from,
                                               const RowVisitor& visitor) const = 0;

  // Runs `job` on the store's reading thread, after those given before: what takes a disk's time
  // and must not hold up the caller. A store that is destroyed drops what has not begun.
  virtual void read_later(std::function<void()> job) = 0;

  virtual std::uint64_t free_disk_bytes()
      const = 0;  // of the folder's file system, at most 1 s old
};

}  // namespace farthing::storage
