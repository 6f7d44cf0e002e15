#include "engine/retention.h"

#include "engine/checkpoint.h"
#include "engine/opening.h"
#include "engine/verify.h"
#include "storage/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace farthing::engine {

namespace {

namespace fs = std::filesystem;
using storage::LedgerEnd;
using storage::Record;
using storage::SegmentFolder;
using storage::SegmentWriter;

// An idle server's ledger has one entry more with each cut: that alone is no reason for the next.
constexpr std::uint64_t entries_min = 2;
constexpr std::uint64_t records_between_questions = 256;
constexpr int niceness = 19;
constexpr std::chrono::minutes first_pause_max(1);
constexpr std::string_view stopped = "stopped";

Sequence last_of(const Record& record) {
  return Sequence(record.header.first.value + record.header.count - 1);
}

// Puts records into the archive's newest segment, and begins another when it is full.
class ArchiveWriter {
 public:
  ArchiveWriter(fs::path folder, std::uint64_t segment_bytes)
      : folder_(std::move(folder)), segment_bytes_(segment_bytes) {}

  // Goes on behind what is there; where there is nothing, behind `begin`.
  base::Result<void, std::string> open(const LedgerEnd& begin) {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) return fmt::format("{}: {}", folder_.string(), error.message());
    const auto segments = SegmentFolder::open(folder_);
    if (!segments.has_value()) return segments.error().message;
    end_ = segments->is_empty() ? begin : segments->end();
    if (end_.last < begin.last) {
      return fmt::format(
          "{} ends with entry {}, and the ledger begins after entry {}: bring back "
          "the segments between, or give it an empty folder with {} in it",
          folder_.string(), end_.last.value, begin.last.value, opening_file_name(begin.last));
    }
    if (segments->is_empty() || segments->segments().back().is_sealed()) return {};
    return keep(SegmentWriter::resume(segments->segments().back()));
  }

  // Takes the record unless it is there. `bytes`: all of it.
  base::Result<void, std::string> add(Sequence first, std::string_view bytes) {
    if (first <= end_.last) return {};
    if (!writer_) {
      if (auto begun = keep(SegmentWriter::create(folder_, end_)); !begun.has_value()) return begun;
    }
    const auto appended = writer_->append(bytes);
    if (!appended.has_value()) {
      return fmt::format("{}: {}", folder_.string(), appended.error().message);
    }
    end_ = writer_->end();
    if (writer_->size_bytes() < segment_bytes_) return {};
    return seal();
  }

  base::Result<void, std::string> seal() {
    if (!writer_) return {};
    const auto sealed = writer_->seal();
    writer_.reset();
    if (!sealed.has_value()) return sealed.error().message;
    return {};
  }

 private:
  base::Result<void, std::string> keep(base::Result<SegmentWriter, storage::StoreError> writer) {
    if (!writer.has_value()) return writer.error().message;
    writer_.emplace(std::move(*writer));
    return {};
  }

  const fs::path folder_;
  const std::uint64_t segment_bytes_;
  LedgerEnd end_;
  std::optional<SegmentWriter> writer_;
};

}  // namespace

// --- One run -------------------------------------------------------------------------------------

base::Result<std::optional<LedgerCut>, std::string> Retention::run(Time now) {
  const Due due = this->due(now);
  if (!is_worth_it(due)) return std::optional<LedgerCut>();
  const auto end = copy_records(due);
  if (!end.has_value()) return end.error();
  const auto cut = balance(*end);
  if (!cut.has_value()) return cut.error();
  if (!hooks_.enter(*cut)) return std::string(stopped);
  const Sequence before = store_.begin().last;
  const auto done = store_.cut(cut->end);
  if (!done.has_value()) return done.error().message;
  // Copies of the data folder that were made since the cut before begin there.
  remove_openings_before(options_.archive, before);
  return std::optional(*cut);
}

bool Retention::Due::has(const Record& record) const {
  return record.header.now < before && last_of(record) <= last;
}

Retention::Due Retention::due(Time now) const {
  Due due{now - options_.after, {}};
  const std::optional<Sequence> needed = hooks_.oldest_needed();
  const auto position = store_.fetch(storage::Table::meta, meta_position_key);
  if (!needed || !position.has_value() || !position->has_value() ||
      (*position)->size() != sizeof(due.last)) {
    return due;
  }
  std::memcpy(&due.last, (*position)->data(), sizeof(due.last));
  due.last = std::min(due.last, Sequence(std::max<std::uint64_t>(needed->value, 1) - 1));
  return due;
}

bool Retention::is_worth_it(const Due& due) const {
  std::uint64_t entries = 0;
  const Sequence from(store_.begin().last.value + 1);
  if (due.last < from) return false;
  const auto scanned = store_.scan(from, [&](const Record& record) {
    if (!due.has(record)) return false;
    entries += record.header.count;
    return entries < entries_min;
  });
  return scanned.has_value() && entries >= entries_min;
}

// Gives the end of what is due, all of it in sealed segments then.
base::Result<LedgerEnd, std::string> Retention::copy_records(const Due& due) const {
  const LedgerEnd begin = store_.begin();
  ArchiveWriter archive(options_.archive, options_.segment_bytes);
  if (auto opened = archive.open(begin); !opened.has_value()) return opened.error();
  LedgerEnd end;
  std::string bytes;  // of the last record that is due
  std::string wrong;
  std::uint64_t records = 0;
  const auto scanned = store_.scan(Sequence(begin.last.value + 1), [&](const Record& record) {
    if (!due.has(record)) return false;
    if (++records % records_between_questions == 0 && !hooks_.keep_on()) {
      wrong = stopped;
      return false;
    }
    const auto header = storage::encode_record_header(record.header, record.body);
    bytes.assign(header.data(), header.size()).append(record.body);
    end.last = last_of(record);
    end.now = record.header.now;
    if (auto added = archive.add(record.header.first, bytes); !added.has_value()) {
      wrong = added.error();
    }
    return wrong.empty();
  });
  if (!scanned.has_value()) return scanned.error().message;
  if (!wrong.empty()) return wrong;
  if (auto sealed = archive.seal(); !sealed.has_value()) return sealed.error();
  end.hash = storage::RecordHasher().hash(bytes, {});
  return end;
}

// Reads the archive back to that end, and writes what it adds up to.
base::Result<LedgerCut, std::string> Retention::balance(const LedgerEnd& end) const {
  const auto segments = SegmentFolder::open(options_.archive);
  if (!segments.has_value()) return segments.error().message;
  std::string bytes;
  const auto last = segments->read(end.last, bytes);
  if (!last.has_value()) return last.error().message;
  if (last_of(*last) != end.last || storage::RecordHasher().hash(bytes, {}) != end.hash) {
    return fmt::format(
        "entry {} in {} is not what the ledger has: that is the archive of another "
        "ledger; give each a folder of its own",
        end.last.value, options_.archive.string());
  }
  Verifier verifier(store_, options_.archive, [&segments](Sequence from, const auto& visitor) {
    return segments->scan(from, visitor);
  });
  if (const auto begun = verifier.begin(); !begun.has_value()) return begun.error().message;
  const auto folded = verifier.fold_to(end.last, [this](Sequence) { return hooks_.keep_on(); });
  if (!folded.has_value()) return folded.error().message;
  if (const auto sums = verifier.check_sums(); !sums.has_value()) return sums.error().message;
  const auto opening = write_opening(options_.archive, verifier.book(), end, verifier.sums());
  if (!opening.has_value()) return opening.error().message;
  return LedgerCut{end, *opening, verifier.sums()};
}

// --- The thread ----------------------------------------------------------------------------------

class RetentionJob::Impl {
 public:
  Impl(storage::LedgerStore& store, RetentionOptions options, RetentionHooks hooks,
       base::Clock clock, Log log, std::chrono::milliseconds interval)
      : archive_(options.archive),
        clock_(std::move(clock)),
        log_(std::move(log)),
        interval_(interval),
        retention_(store, std::move(options), told_to_stop(std::move(hooks))),
        thread_([this] { run(); }) {}
  ~Impl() {
    stop();
    thread_.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
  }

  RetentionStatus status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  RetentionHooks told_to_stop(RetentionHooks hooks) {
    hooks.keep_on = [this] {
      const std::lock_guard lock(mutex_);
      return !stop_;
    };
    return hooks;
  }

  void run() {
    pthread_setname_np(pthread_self(), "retention");
    // Linux: each thread has a niceness of its own.
    setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), niceness);
    std::unique_lock lock(mutex_);
    std::chrono::milliseconds pause =
        std::min<std::chrono::milliseconds>(interval_, first_pause_max);
    while (!wake_.wait_for(lock, pause, [this] { return stop_; })) {
      pause = interval_;
      lock.unlock();
      const Time now = clock_();
      const auto cut = retention_.run(now);
      lock.lock();
      if (!stop_) note(cut, now);
    }
  }

  void note(const base::Result<std::optional<LedgerCut>, std::string>& cut, Time now) {
    status_.failed = !cut.has_value();
    if (!cut.has_value()) {
      log_(true,
           fmt::format("retention: nothing was removed: {}; it is tried again in {} s", cut.error(),
                       std::chrono::duration_cast<std::chrono::seconds>(interval_).count()));
      return;
    }
    if (!*cut) return;
    status_.cut_at = now;
    log_(false, fmt::format("retention: entries up to {} are in {}; the ledger begins with entry "
                            "{}",
                            (*cut)->end.last.value, archive_.string(), (*cut)->end.last.value + 1));
  }

  const fs::path archive_;
  const base::Clock clock_;
  const Log log_;
  const std::chrono::milliseconds interval_;
  Retention retention_;

  mutable std::mutex mutex_;  // guards the next two
  bool stop_ = false;
  RetentionStatus status_;
  std::condition_variable wake_;
  std::thread thread_;
};

RetentionJob::RetentionJob(storage::LedgerStore& store, RetentionOptions options,
                           RetentionHooks hooks, base::Clock clock, Log log,
                           std::chrono::milliseconds interval)
    : impl_(std::make_unique<Impl>(store, std::move(options), std::move(hooks), std::move(clock),
                                   std::move(log), interval)) {}
RetentionJob::~RetentionJob() = default;

void RetentionJob::stop() { impl_->stop(); }

RetentionStatus RetentionJob::status() const { return impl_->status(); }

std::chrono::milliseconds retention_interval(Duration after) {
  using std::chrono::milliseconds;
  return std::clamp(std::chrono::duration_cast<milliseconds>(after / 10),
                    milliseconds(std::chrono::seconds(1)), milliseconds(std::chrono::hours(24)));
}

}  // namespace farthing::engine
