// Segments: ledger records in files of their own, outside the database; copies of the ledger
// (farthing ledger follow) and archives of it are folders of them. README.md has the format.
//
// A segment is a file of consecutive records, named by its first entry's number. While it is
// written it is open: records one after the other, appended and synced. Sealed, it is compressed,
// in frames that are read one at a time, with an index and checksums; it never changes again. A
// folder holds segments that follow each other without a gap, by number and by hash; only the
// newest may be open.
//
// A crash can leave an open segment with a torn end: bytes that were not yet synced. They are not
// part of it, and the writer that goes on cuts them off. Anything else that is wrong is an error,
// never read over.
//
// Threads: a reader may be used by several at once, a writer by one; nobody reads a segment that is
// being sealed. Errors: values that name the file and the remedy.
#pragma once

#include "storage/file.h"
#include "storage/ledger_store.h"
#include "storage/record.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::storage {

// The file's name of the segment whose first entry is `first`: 20 digits, so that names sort.
std::string segment_file_name(Sequence first);

class SegmentReader {
 public:
  // Reads a sealed segment's index, or all of an open one.
  static base::Result<SegmentReader, StoreError> open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  bool is_sealed() const { return sealed_; }
  bool is_empty() const { return end_.last < first_; }  // only an open one can be
  Sequence first() const { return first_; }
  // What its first record follows, by that record's own word; all zeroes where there is none.
  const Hash& previous() const { return previous_; }
  const LedgerEnd& end() const { return end_; }  // of its last whole record
  std::uint64_t file_bytes() const { return file_bytes_; }
  std::uint64_t torn_bytes() const { return torn_bytes_; }  // after the last whole record

  // Visits the records from the one that holds `from` (or the first) onward, checked as in
  // ChainReader. The first must follow `end` where that is given; false: the visitor wants no more.
  using Visitor = LedgerStore::Visitor;
  base::Result<bool, StoreError> scan(Sequence from, std::optional<LedgerEnd>& end,
                                      const Visitor& visitor) const;

 private:
  struct Frame {
    Sequence first;
    std::uint64_t offset = 0;
    std::uint32_t packed_bytes = 0;
    std::uint32_t bytes = 0;
    std::uint32_t checksum = 0;
  };

  std::optional<StoreError> load_index(const File& file);
  std::optional<StoreError> read_open(const File& file);
  base::Result<bool, StoreError> scan_sealed(const File& file, Sequence from,
                                             std::optional<LedgerEnd>& end,
                                             const Visitor& visitor) const;
  std::optional<StoreError> unpack(const File& file, const Frame& frame, std::string& bytes) const;
  StoreError damaged(std::string_view what) const;
  StoreError failed(std::error_code error) const;

  std::filesystem::path path_;
  bool sealed_ = false;
  Sequence first_;
  Hash previous_{};
  LedgerEnd end_;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t torn_bytes_ = 0;
  std::vector<Frame> frames_;  // of a sealed one
};

class SegmentWriter {
 public:
  // Begins the segment whose first record follows `end`. Its file must not exist, or hold no
  // record.
  static base::Result<SegmentWriter, StoreError> create(const std::filesystem::path& folder,
                                                        const LedgerEnd& end);
  // Goes on with an open segment, its torn end cut off. REQUIRES: `segment` as it is on the disk.
  static base::Result<SegmentWriter, StoreError> resume(const SegmentReader& segment);

  // Appends one record, checked as in ChainReader. After an error of the file the writer is done
  // for; after one of the record it is as it was.
  base::Result<void, StoreError> append(std::string_view record_bytes);
  // Makes what was appended durable.
  base::Result<void, StoreError> sync();
  // Compresses the segment and puts the sealed file in the place of the open one, durably. Takes as
  // much disk again while it runs. REQUIRES: not empty; nothing is called afterwards.
  base::Result<void, StoreError> seal();

  const LedgerEnd& end() const { return chain_.end(); }
  std::uint64_t size_bytes() const { return size_bytes_; }

 private:
  SegmentWriter(std::filesystem::path path, File file, const LedgerEnd& end, std::uint64_t size)
      : path_(std::move(path)), file_(std::move(file)), chain_(end), size_bytes_(size) {}

  StoreError failed(std::error_code error) const;

  std::filesystem::path path_;
  File file_;
  ChainReader chain_;
  std::uint64_t size_bytes_ = 0;
};

class SegmentFolder {
 public:
  // Looks at every segment and at the joints between them. A folder without any is empty; one that
  // does not exist is an error.
  static base::Result<SegmentFolder, StoreError> open(const std::filesystem::path& folder);

  bool is_empty() const { return segments_.empty(); }
  // The first entry that it holds. REQUIRES: not empty.
  Sequence first() const { return segments_.front().first(); }
  // What the next record must follow; of an empty folder, the beginning of the ledger.
  LedgerEnd end() const { return segments_.empty() ? LedgerEnd{} : segments_.back().end(); }
  const std::vector<SegmentReader>& segments() const { return segments_; }

  // As in LedgerStore.
  base::Result<void, StoreError> scan(Sequence from, const LedgerStore::Visitor& visitor) const;
  base::Result<Record, StoreError> read(Sequence sequence, std::string& buffer) const;

 private:
  std::vector<SegmentReader> segments_;
};

}  // namespace farthing::storage
