#include "engine/records/exporter.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace farthing::engine::records {

namespace {

constexpr std::size_t batch_max = 512;  // names asked for at once
constexpr std::chrono::milliseconds poll_interval{50};
constexpr int niceness = 10;

Sequence before(Sequence sequence) { return Sequence(sequence.value - 1); }

}  // namespace

RecordReader::RecordReader(const storage::LedgerStore& store, FindNames find_names,
                           const ExportOptions& options, RecordFiles files)
    : store_(store),
      find_names_(std::move(find_names)),
      options_(options),
      ledger_(store, archive_folder(store, options.archive)),
      tariffs_(store),
      files_(std::move(files)),
      write_from_(files_.position().next),
      next_(files_.position().oldest_needed),
      batch_(batch_max),
      who_(batch_max) {}

base::Result<std::unique_ptr<RecordReader>, std::string> RecordReader::open(
    const storage::LedgerStore& store, FindNames find_names, const ExportOptions& options,
    const std::function<bool()>& keep_on) {
  auto files = RecordFiles::open(options.folder, options.format);
  if (!files.has_value()) return files.error();
  std::unique_ptr<RecordReader> reader(
      new RecordReader(store, std::move(find_names), options, std::move(*files)));
  if (auto checked = reader->check_ledger(); !checked.has_value()) return checked.error();
  if (auto begun = reader->skip_missing(); !begun.has_value()) return begun.error();
  while (reader->next_ < reader->write_from_) {
    if (!keep_on()) return std::string("stopped");
    const Sequence until(std::min(reader->next_.value + step_entries, reader->write_from_.value));
    if (auto read = reader->read_to(until); !read.has_value()) return read.error();
  }
  return reader;
}

// Is this the ledger that the position was written of?
base::Result<void, std::string> RecordReader::check_ledger() {
  const Sequence last = before(write_from_);
  if (last.value == 0) return {};
  const bool fits = last <= store_.end().last && next_ <= write_from_ && next_.value > 0;
  const auto read = ledger_.read(last, buffer_);
  if (fits && !read.has_value() && read.error().code == storage::StoreError::Code::archived) {
    return fmt::format(
        "{} ends with the records of entry {}, and {}; or name an empty folder, for "
        "the records from there on that can be had",
        options_.folder.string(), last.value, read.error().message);
  }
  if (fits && read.has_value() && base::hash64(buffer_) == files_.position().ledger_hash) return {};
  return fmt::format(
      "{} has records of another ledger, or of entries that this one has lost (up to {}); give "
      "each ledger a folder of its own",
      options_.folder.string(), last.value);
}

base::Result<void, std::string> RecordReader::skip_missing() {
  const auto beginning = ledger_.beginning();
  if (!beginning.has_value()) return beginning.error().message;
  if (next_ >= beginning->first) return {};
  missing_ = beginning->missing;
  next_ = beginning->first;
  write_from_ = std::max(write_from_, next_);
  return {};
}

// Reads the entries up to `until`, which it does not include.
base::Result<void, std::string> RecordReader::read_to(Sequence until) {
  while (next_ < until) {
    if (next_ > store_.begin().last) {
      const auto record = store_.read(next_, buffer_);
      // Cut off just now: it is in the archive.
      if (!record.has_value() && record.error().code == storage::StoreError::Code::archived) {
        continue;
      }
      if (!record.has_value()) return record.error().message;
      if (auto read = read_record(*record, until); !read.has_value()) return read;
      continue;
    }
    // The archive is packed: many records at a time.
    base::Result<void, std::string> read;
    const auto scanned = ledger_.scan(next_, [&](const storage::Record& record) {
      read = read_record(record, until);
      return read.has_value() && next_ < until;
    });
    if (!scanned.has_value()) return scanned.error().message;
    if (!read.has_value()) return read;
  }
  return {};
}

base::Result<void, std::string> RecordReader::read_record(const storage::Record& record,
                                                          Sequence until) {
  std::string_view body = record.body;
  Sequence own = record.header.first;
  for (std::uint32_t i = 0; i < record.header.count && own < until; ++i, ++own.value) {
    if (!decode_entry(body, own, entry_)) {
      return fmt::format("ledger entry {} is not readable; run: farthing ledger verify", own.value);
    }
    if (own < next_) continue;
    next_ = Sequence(own.value + 1);
    if (!assembler_.add(entry_, own, record.header.now, batch_[batch_count_])) continue;
    if (own < write_from_) continue;
    if (++batch_count_ < batch_max) continue;
    if (auto flushed = flush_batch(); !flushed.has_value()) return flushed;
  }
  return {};
}

base::Result<void, std::string> RecordReader::flush_batch() {
  if (batch_count_ == 0) return {};
  for (std::size_t i = 0; i < batch_count_; ++i) {
    who_[i].account = batch_[i].account;
    who_[i].subscriber = batch_[i].subscriber;
    who_[i].name.clear();
    who_[i].msisdn = who_[i].imsi = {};
  }
  if (!find_names_(std::span(who_).first(batch_count_))) return std::string("stopped");
  for (std::size_t i = 0; i < batch_count_; ++i) {
    const ChargingRecord& record = batch_[i];
    text_.clear();
    append_record(options_.format, record, who_[i], tariffs_, text_);
    if (auto added = files_.add(text_, record.last, record.closed_at); !added.has_value()) {
      return added;
    }
    ++records_;
    if (files_.file_bytes() < options_.rotate_bytes) continue;
    // Complete up to this record; the rest of the batch is read again should the server end now.
    const Position& saved = files_.position();
    write_from_ = Sequence(record.last.value + 1);
    std::string bytes;
    if (const auto read = ledger_.read(record.last, bytes); !read.has_value()) {
      return read.error().message;
    }
    const Sequence oldest(std::min(saved.oldest_needed.value, record.last.value));
    auto done = files_.commit({write_from_, oldest, base::hash64(bytes), {}, 0, {}});
    if (done.has_value()) done = files_.complete();
    if (!done.has_value()) return done;
  }
  batch_count_ = 0;
  return files_.write();
}

base::Result<bool, std::string> RecordReader::step(Time now) {
  const Sequence end(store_.end().last.value + 1);
  const Sequence until(std::min(next_.value + step_entries, end.value));
  if (next_ < until) {
    committed_ = false;
    if (auto read = read_to(until); !read.has_value()) return read.error();
    if (auto flushed = flush_batch(); !flushed.has_value()) return flushed.error();
  }
  const Position& position = files_.position();
  const bool is_old = files_.file_bytes() > 0 && now - position.begun_at >= options_.rotate_after;
  if (is_old || (!committed_ && now - committed_at_ >= options_.commit_interval) ||
      now < committed_at_) {
    if (auto done = commit(now); !done.has_value()) return done.error();
  }
  if (is_old) {
    if (auto done = files_.complete(); !done.has_value()) return done.error();
  }
  return next_ < end;
}

base::Result<void, std::string> RecordReader::commit(Time now) {
  FARTHING_ASSERT(batch_count_ == 0);
  committed_at_ = now;
  committed_ = true;
  const Sequence last = before(next_);
  if (last.value == 0) return {};
  // The last entry is kept as the witness that this is the ledger.
  const Sequence open = assembler_.oldest_needed();
  const Sequence oldest = open.value == 0 ? last : std::min(open, last);
  write_from_ = next_;
  if (const auto read = ledger_.read(last, buffer_); !read.has_value()) return read.error().message;
  return files_.commit({next_, oldest, base::hash64(buffer_), {}, 0, {}});
}

// --- The thread ----------------------------------------------------------------------------------

class Exporter::Impl {
 public:
  Impl(const storage::LedgerStore& store, FindNames find_names, ExportOptions options,
       base::Clock clock, Log log)
      : store_(store),
        find_names_(std::move(find_names)),
        options_(std::move(options)),
        clock_(std::move(clock)),
        log_(std::move(log)),
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

  ExporterStatus status() const {
    ExporterStatus status;
    {
      const std::lock_guard lock(mutex_);
      status = status_;
    }
    const std::uint64_t end = store_.end().last.value;
    status.lag = end - std::min(end, status.position.value);
    return status;
  }

 private:
  void run() {
    pthread_setname_np(pthread_self(), "records");
    // Linux: each thread has a niceness of its own.
    setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), niceness);
    const auto done = read_until_stopped();
    if (done.has_value() || stopping()) return;
    log_(true, fmt::format("records: the exporter has stopped: {}; the server goes on, and records "
                           "are written from there on after a restart",
                           done.error()));
    const std::lock_guard lock(mutex_);
    status_.failed = true;
  }

  base::Result<void, std::string> read_until_stopped() {
    auto opened = RecordReader::open(store_, find_names_, options_, [this] { return !stopping(); });
    if (!opened.has_value()) return opened.error();
    RecordReader& reader = **opened;
    if (!reader.missing().empty()) log_(true, "records: " + reader.missing());
    log_(false, fmt::format("records: writing to {} from ledger entry {} on",
                            options_.folder.string(), reader.next().value));
    while (!stopping()) {
      const auto more = reader.step(clock_());
      if (!more.has_value()) return more.error();
      publish(reader);
      if (!*more) pause();
    }
    return reader.commit(clock_());
  }

  void publish(const RecordReader& reader) {
    const std::lock_guard lock(mutex_);
    status_.position = before(reader.next());
    status_.oldest_needed = reader.oldest_needed();
    status_.records = reader.records();
    status_.files = reader.files().completed_files();
    status_.bytes = reader.files().written_bytes();
  }

  bool stopping() const {
    const std::lock_guard lock(mutex_);
    return stop_;
  }
  void pause() {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, poll_interval, [this] { return stop_; });
  }

  const storage::LedgerStore& store_;
  const FindNames find_names_;
  const ExportOptions options_;
  const base::Clock clock_;
  const Log log_;

  mutable std::mutex mutex_;  // guards the next two
  bool stop_ = false;
  ExporterStatus status_;
  std::condition_variable wake_;
  std::thread thread_;
};

Exporter::Exporter(const storage::LedgerStore& store, FindNames find_names, ExportOptions options,
                   base::Clock clock, Log log)
    : impl_(std::make_unique<Impl>(store, std::move(find_names), std::move(options),
                                   std::move(clock), std::move(log))) {}
Exporter::~Exporter() = default;

void Exporter::stop() { impl_->stop(); }

ExporterStatus Exporter::status() const { return impl_->status(); }

}  // namespace farthing::engine::records
