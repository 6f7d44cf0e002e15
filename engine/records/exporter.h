// The running exporter: follows the ledger behind its live end and writes charging data records to
// rotated files, each exactly once (engine/records/files.h says how).
//
// RecordReader is the work, step by step, for whoever calls it. Exporter runs it on a thread of its
// own, at low priority. It reads only what is durable and never holds up the shard: names are asked
// for in batches. A disk that refuses a write ends the exporter, with a line in the log and in the
// figures, never the server.
#pragma once

#include "engine/archive.h"
#include "engine/base/result.h"
#include "engine/records/assembler.h"
#include "engine/records/files.h"
#include "engine/records/names.h"
#include "storage/ledger_store.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace farthing::engine::records {

struct ExportOptions {
  std::filesystem::path folder;
  std::filesystem::path archive;  // of the ledger, as archive_folder() takes it
  Format format = Format::csv;
  std::uint64_t rotate_bytes = 64 << 20;            // a file that has reached this is completed
  std::chrono::seconds rotate_after{900};           // and so is one that is so old
  std::chrono::milliseconds commit_interval{1000};  // how far the position may lag
};

class RecordReader {
 public:
  // Goes on where the folder's position says: reads the entries again that open sessions need. A
  // folder without one begins with the ledger's first entry, archived or not.
  // `store` outlives it. `keep_on` is asked now and then; false: stop, which is an error too.
  static base::Result<std::unique_ptr<RecordReader>, std::string> open(
      const storage::LedgerStore& store, FindNames find_names, const ExportOptions& options,
      const std::function<bool()>& keep_on);

  // Reads up to so many entries, writes their records, and completes and commits files when it is
  // time. False: the ledger has no more. `now` is the machine's time.
  static constexpr std::uint64_t step_entries = 16'384;
  base::Result<bool, std::string> step(Time now);
  // Makes everything that was read durable, at once.
  base::Result<void, std::string> commit(Time now);

  // Which entries should have been read and are not to be had, in words; "": none. What began in
  // them is marked as not complete.
  const std::string& missing() const { return missing_; }
  Sequence next() const { return next_; }
  // No entry before this one will be read again, whatever happens: what retention may remove.
  Sequence oldest_needed() const { return files_.position().oldest_needed; }
  std::uint64_t records() const { return records_; }
  const RecordFiles& files() const { return files_; }

 private:
  RecordReader(const storage::LedgerStore& store, FindNames find_names,
               const ExportOptions& options, RecordFiles files);

  base::Result<void, std::string> check_ledger();
  base::Result<void, std::string> skip_missing();
  base::Result<void, std::string> read_to(Sequence until);
  base::Result<void, std::string> read_record(const storage::Record& record, Sequence until);
  base::Result<void, std::string> flush_batch();

  const storage::LedgerStore& store_;
  const FindNames find_names_;
  const ExportOptions options_;
  LedgerReader ledger_;
  TariffNames tariffs_;
  RecordFiles files_;
  Assembler assembler_;
  Sequence write_from_;  // records of entries before it are in the files
  Sequence next_;
  std::string missing_;
  std::string buffer_;  // the ledger record read last
  Entry entry_;
  // Records that wait for their names.
  std::vector<ChargingRecord> batch_;
  std::vector<Who> who_;
  std::size_t batch_count_ = 0;
  std::string text_;
  std::uint64_t records_ = 0;
  bool committed_ = true;
  Time committed_at_;
};

struct ExporterStatus {
  Sequence position;  // the newest entry whose record, if it made one, is written
  // No entry before it will be read again: what retention must keep. 0: not known yet, keep all.
  Sequence oldest_needed;
  std::uint64_t lag = 0;  // entries
  std::uint64_t records = 0;
  std::uint64_t files = 0;  // completed
  std::uint64_t bytes = 0;
  bool failed = false;
};

class Exporter {
 public:
  using Log = std::function<void(bool is_error, std::string_view line)>;

  // Begins at once. `store` and what the functions need outlive it.
  Exporter(const storage::LedgerStore& store, FindNames find_names, ExportOptions options,
           base::Clock clock, Log log);
  ~Exporter();  // waits for the thread's end; what is read by then is committed
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  // Tells the thread to end. To be called before names cannot be found any more.
  void stop();
  ExporterStatus status() const;  // from any thread

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace farthing::engine::records
