// Retention: what is older than an age leaves the ledger for an archive, and the ledger begins with
// opening balances that are chained in it.
//
// A run goes through these steps, each durable before the next; a run that a crash cut off anywhere
// is made good by the next one, which finds what is there:
//   1. the records that may go are copied to sealed segments in the archive's folder;
//   2. they are read back there, checked, and folded onto the opening balances of the cut before;
//   3. what they add up to is written beside them (opening.h);
//   4. a ledger entry is entered that names the last archived record and the hash of that file;
//   5. the records are cut off the ledger, and opening balances deleted that are older than those
//      of the cut before.
// What may go: records older than the age, behind the checkpoint's position, and needed by no
// reader any more.
//
// Threads: Retention does one run at a time for whoever calls it; RetentionJob has a thread of its
// own, at low priority. Never the shard's. Memory: a book with all accounts in it, while a run
// folds.
// Errors: sentences with the remedy; the ledger is then as whole as it was.
#pragma once

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/entry.h"
#include "storage/ledger_store.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace farthing::engine {

struct RetentionOptions {
  Duration after{};               // records younger than this stay
  std::filesystem::path archive;  // folder
  std::uint64_t segment_bytes = 256u << 20;
};

// What a run needs of the rest.
struct RetentionHooks {
  // Enters the cut and returns once it is durable; false: it is not, since the server is stopping.
  std::function<bool(const LedgerCut& cut)> enter;
  // The oldest entry that a reader of the ledger still needs; nullopt: not known yet.
  std::function<std::optional<Sequence>()> oldest_needed;
  std::function<bool()> keep_on;  // asked now and then; false: give up
};

class Retention {
 public:
  // `store` outlives it.
  Retention(storage::LedgerStore& store, RetentionOptions options, RetentionHooks hooks)
      : store_(store), options_(std::move(options)), hooks_(std::move(hooks)) {}

  // The cut that was made; nullopt: nothing was due.
  base::Result<std::optional<LedgerCut>, std::string> run(Time now);

 private:
  // What of the ledger is old enough and needed by nobody.
  struct Due {
    Time before;
    Sequence last;
    bool has(const storage::Record& record) const;
  };
  Due due(Time now) const;
  bool is_worth_it(const Due& due) const;
  base::Result<storage::LedgerEnd, std::string> copy_records(const Due& due) const;
  base::Result<LedgerCut, std::string> balance(const storage::LedgerEnd& end) const;

  storage::LedgerStore& store_;
  const RetentionOptions options_;
  const RetentionHooks hooks_;
};

struct RetentionStatus {
  Sequence begin;       // the first entry that the ledger still has
  Time cut_at;          // when the last cut of this process was made; epoch: none yet
  bool failed = false;  // the last run; it will be tried again
};

class RetentionJob {
 public:
  using Log = std::function<void(bool is_error, std::string_view line)>;

  // Runs every `interval`, the first time after one; but after at most a minute, so that a server
  // that is restarted daily gets to it. `store` and what the hooks need outlive it; their keep_on
  // is the job's own.
  RetentionJob(storage::LedgerStore& store, RetentionOptions options, RetentionHooks hooks,
               base::Clock clock, Log log, std::chrono::milliseconds interval);
  ~RetentionJob();  // waits for the run under way, which gives up
  RetentionJob(const RetentionJob&) = delete;
  RetentionJob& operator=(const RetentionJob&) = delete;

  void stop();                     // tells it to give up
  RetentionStatus status() const;  // from any thread

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// How often to look for what may go: a tenth of the age, from a second to a day.
std::chrono::milliseconds retention_interval(Duration after);

}  // namespace farthing::engine
