// The files that the running exporter writes, and the position that makes each record be in them
// exactly once, whatever ends the server and when.
//
// A file is named records-TIME-ENTRY.csv (or .json): the time in UTC and the number of the entry
// that ended its first record, so that names sort as the ledger does. While it is written .part is
// added to its name; complete, it gets its own name and is never touched again.
//
// The protocol. `position` in the folder says: every record of the entries before `next` stands in
// the files; the file being written has `bytes` bytes of them. It is replaced in one piece, and
// only after those bytes are synced. So at a start,
//   - the file named is cut to `bytes`: what stands behind will be written again;
//   - a file is given its own name only when `position` has its whole length, so a file named that
//     is gone was complete, and whoever collects files may have taken it;
//   - any other .part was begun after the position: the same records begin a file of the same name
//     again, which starts it anew.
// A folder belongs to one ledger: the position has a hash of the record before `next`.
//
// Threads: one; position() of another folder's reader: any. Errors: sentences with the remedy;
// after one of write or sync the object is done for.
#pragma once

#include "engine/base/result.h"
#include "engine/records/text.h"
#include "storage/file.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace farthing::engine::records {

struct Position {
  Sequence next{1};               // the first entry whose record is not written
  Sequence oldest_needed{1};      // the first that is needed to go on
  std::uint64_t ledger_hash = 0;  // of the record that holds entry next - 1; 0 where there is none
  std::string file;               // being written; "": none
  std::uint64_t bytes = 0;        // of it
  Time begun_at;                  // the file's: when its first record ended
};

class RecordFiles {
 public:
  // Makes the folder where it is missing, reads its position and brings its files to it.
  static base::Result<RecordFiles, std::string> open(const std::filesystem::path& folder,
                                                     Format format);

  const Position& position() const { return position_; }
  std::uint64_t written_bytes() const { return written_bytes_; }  // since opened
  std::uint64_t completed_files() const { return completed_files_; }
  // Of the file at hand, what is not written yet included; 0: there is none.
  std::uint64_t file_bytes() const;

  // Takes the whole text of one record, which the entry `last` ended at `closed_at`.
  base::Result<void, std::string> add(std::string_view text, Sequence last, Time closed_at);
  // Hands what was taken to the system, so that readers of the file see it.
  base::Result<void, std::string> write();
  // Makes it durable, and `next`, `oldest_needed` and `ledger_hash` with it.
  base::Result<void, std::string> commit(const Position& reached);
  // Completes the file at hand, if there is one. REQUIRES: committed, and nothing added since.
  base::Result<void, std::string> complete();

 private:
  RecordFiles(std::filesystem::path folder, Format format)
      : folder_(std::move(folder)), format_(format) {}

  base::Result<void, std::string> lock();
  base::Result<void, std::string> resume();
  base::Result<void, std::string> begin_file(Sequence last, Time closed_at);
  base::Result<void, std::string> save();
  std::string failed(const std::string& name, std::error_code error) const;

  std::filesystem::path folder_;
  Format format_;
  storage::File lock_;  // held while this lives: two exporters would write over each other
  Position position_;   // as saved, but for the file at hand
  storage::File file_;
  std::string pending_;
  std::uint64_t written_bytes_ = 0;
  std::uint64_t completed_files_ = 0;
};

}  // namespace farthing::engine::records
