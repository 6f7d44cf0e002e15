// The ledger in the database: records by the number of their first entry, where they begin and
// end, and how they are read and checked.
//
// Threads: any, an iterator one at a time. A caller whose ledger may be cut meanwhile makes the
// iterator first and asks where the ledger begins then: what an iterator sees stays.
#pragma once

#include "storage/high_water.h"
#include "storage/ledger_store.h"
#include "storage/rocksdb_database.h"

#include <array>
#include <optional>
#include <string>

namespace farthing::storage {

using RecordKey = std::array<char, 8>;

// Big-endian, so that RocksDB's order of bytes is the order of numbers.
RecordKey record_key(Sequence first);
rocksdb::Slice slice(const RecordKey& key);

// What the first record kept must follow: LedgerEnd{} until the ledger is cut.
base::Result<LedgerEnd, StoreError> find_begin(const Database& database);
// Makes it so, synced. The records before are no longer there for anybody.
rocksdb::Status write_begin(const Database& database, const LedgerEnd& begin);
// Deletes the files that hold nothing else; the rest goes with them another time.
rocksdb::Status delete_files_before(const Database& database, const LedgerEnd& begin);

// The end by the last record's key: nothing between the two is read.
base::Result<LedgerEnd, StoreError> find_end(const Database& database, const LedgerEnd& begin);
// The end that the record which holds `sequence` makes, where it stands between begin and end.
base::Result<LedgerEnd, StoreError> end_of_record(const Database& database, Sequence sequence);

// The last entry that the checkpoint has folded, as its writer notes it in table `meta` (key
// `position`, 8 bytes little-endian); 0: nothing.
base::Result<Sequence, StoreError> find_position(const Database& database);
// Whether the ledger has what follows the checkpoint.
std::optional<StoreError> check_position(const Database& database, const LedgerEnd& begin,
                                         const LedgerEnd& end, Sequence position);

// Whether every document can be read. They are few, and who asks for one gets no error.
std::optional<StoreError> check_documents(const Database& database);

// The error for a ledger that ends before the mark.
StoreError cut_short(const std::filesystem::path& folder, Sequence end,
                     const HighWater& high_water);
// Whether a ledger that ends so is the one that the high-water file saw, and all of it.
std::optional<StoreError> check_high_water(const Database& database, const LedgerEnd& begin,
                                           const LedgerEnd& end, const HighWater& high_water);

// LedgerStore's.
base::Result<void, StoreError> scan_records(const Database& database, rocksdb::Iterator& records,
                                            const LedgerEnd& begin, Sequence from,
                                            const LedgerStore::Visitor& visitor);
base::Result<Record, StoreError> read_record(const Database& database, rocksdb::Iterator& records,
                                             const LedgerEnd& begin, const LedgerEnd& end,
                                             Sequence sequence, std::string& buffer);

}  // namespace farthing::storage
