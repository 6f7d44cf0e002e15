#include "engine/records/export.h"

#include "engine/records/assembler.h"
#include "tariffs/local_time.h"

#include <fmt/format.h>

#include <vector>

namespace farthing::engine::records {

namespace {

constexpr std::size_t batch_max = 512;
constexpr std::uint64_t records_between_progress = 1024;  // of the ledger

class SpanExport {
 public:
  SpanExport(const LedgerReader& ledger, Sequence first, const Span& span, Format format,
             const ExportCalls& calls)
      : ledger_(ledger),
        first_(first),
        span_(span),
        format_(format),
        calls_(calls),
        tariffs_(ledger.store()),
        batch_(batch_max),
        who_(batch_max) {}

  base::Result<std::uint64_t, std::string> run() {
    if (!calls_.write(header_line(format_))) return stopped();
    const auto scanned = ledger_.scan(first_, [this](const storage::Record& record) {
      if (span_.until && record.header.now >= *span_.until) return false;
      return read(record);
    });
    if (!scanned.has_value()) return scanned.error().message;
    if (!wrong_.empty()) return wrong_;
    if (!flush()) return wrong_;
    return count_;
  }

 private:
  static std::string stopped() { return "stopped before the end"; }

  bool read(const storage::Record& record) {
    std::string_view body = record.body;
    Sequence own = record.header.first;
    for (std::uint32_t i = 0; i < record.header.count; ++i, ++own.value) {
      if (!decode_entry(body, own, entry_)) {
        wrong_ =
            fmt::format("ledger entry {} is not readable; run: farthing ledger verify", own.value);
        return false;
      }
      if (!calls_.find_names) names_.add(entry_);
      if (!assembler_.add(entry_, own, record.header.now, batch_[batch_count_])) continue;
      if (span_.from && record.header.now < *span_.from) continue;
      if (++batch_count_ == batch_max && !flush()) return false;
    }
    if (++read_ % records_between_progress == 0) calls_.progress(own);
    return true;
  }

  bool flush() {
    const auto who = std::span(who_).first(batch_count_);
    for (std::size_t i = 0; i < batch_count_; ++i) {
      who[i] = {batch_[i].account, batch_[i].subscriber, {}, {}, {}};
    }
    if (!find(who)) return false;
    text_.clear();
    for (std::size_t i = 0; i < batch_count_; ++i) {
      append_record(format_, batch_[i], who[i], tariffs_, text_);
    }
    count_ += batch_count_;
    batch_count_ = 0;
    if (!text_.empty() && !calls_.write(text_)) wrong_ = stopped();
    return wrong_.empty();
  }

  bool find(std::span<Who> who) {
    if (calls_.find_names) {
      if (!calls_.find_names(who)) wrong_ = stopped();
      return wrong_.empty();
    }
    if (first_.value > 1 && !find_names(ledger_.store(), who)) {
      wrong_ = "the names of accounts cannot be read; run: farthing ledger verify";
      return false;
    }
    names_.find(who);
    return true;
  }

  const LedgerReader& ledger_;
  const Sequence first_;
  const Span& span_;
  const Format format_;
  const ExportCalls& calls_;
  TariffNames tariffs_;
  NameTable names_;
  Assembler assembler_;
  Entry entry_;
  std::vector<ChargingRecord> batch_;
  std::vector<Who> who_;
  std::size_t batch_count_ = 0;
  std::string text_;
  std::string wrong_;
  std::uint64_t read_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace

std::optional<Time> parse_time(std::string_view text) {
  if (text.ends_with('Z')) text.remove_suffix(1);
  constexpr std::size_t date_size = std::string_view("2026-06-01").size();
  const auto time = tariffs::parse_local_time(
      "UTC", text.size() == date_size ? std::string(text) + "T00:00" : std::string(text));
  return time.has_value() ? std::optional(*time) : std::nullopt;
}

base::Result<std::uint64_t, std::string> export_span(const LedgerReader& ledger, Sequence first,
                                                     const Span& span, Format format,
                                                     const ExportCalls& calls) {
  return SpanExport(ledger, first, span, format, calls).run();
}

}  // namespace farthing::engine::records
