// The routes that hand out the ledger itself: its records as they are, to be copied, and charging
// data records made of it.
#include "engine/admin/job_place.h"
#include "engine/admin/routes.h"
#include "engine/archive.h"
#include "engine/records/export.h"
#include "storage/record.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace farthing::engine::admin {

namespace {

constexpr std::uint64_t copy_bytes_max = 4 << 20;  // of an answer, or one record
constexpr std::uint64_t wait_ms_max = 10'000;
constexpr int copies_waiting_max = 4;  // each takes one of the API's threads
constexpr std::chrono::milliseconds wait_step{10};

// Until the ledger has entry `from`, or the time is over.
void wait_for_entry(Api& api, Sequence from, std::chrono::milliseconds most) {
  const auto until = std::chrono::steady_clock::now() + most;
  if (api.copies_waiting.fetch_add(1) < copies_waiting_max) {
    while (api.store.end().last < from && !api.shard.stopping() &&
           std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(wait_step);
    }
  }
  --api.copies_waiting;
}

LedgerReader whole_ledger(const Api& api, std::string_view archive = {}) {
  return {api.store, archive_folder(api.store, archive.empty() ? api.archive_folder : archive)};
}

// Why entry `from` cannot be had, and where there is something again.
Reply archived_reply(const LedgerReader& ledger, const storage::StoreError& error) {
  const auto beginning = ledger.beginning();
  if (!beginning.has_value()) return error_reply(500, "ledger", beginning.error().message);
  const std::string& missing = beginning->missing;
  return json_reply({{"error",
                      {{"code", "archived"},
                       {"message", missing.empty() ? error.message : missing},
                       {"first", beginning->first.value}}}},
                    410);
}

}  // namespace

// A line "farthing ledger records, format 1, end N", then whole records from the one that holds
// `from` on, archived or not.
Reply copy_ledger_records(Api& api, const HttpRequest& request, Stream&) {
  const auto number = query_number(request, "from", 1, UINT64_MAX);
  const auto wait_ms = query_number(request, "wait_ms", 0, wait_ms_max);
  if (!number || *number == 0 || !wait_ms) {
    return error_reply(
        400, "invalid",
        fmt::format("from is an entry's number, from 1; wait_ms is at most {}", wait_ms_max));
  }
  const Sequence from(*number);
  wait_for_entry(api, from, std::chrono::milliseconds(*wait_ms));
  const Sequence end = api.store.end().last;
  if (from.value - 1 > end.value) {
    return error_reply(
        409, "beyond_end",
        fmt::format("the ledger ends at entry {}, before entry {}", end.value, from.value));
  }
  Reply reply;
  reply.type = "application/octet-stream";
  reply.body = fmt::format("farthing ledger records, format 1, end {}\n", end.value);
  if (from > end) return reply;
  const LedgerReader ledger = whole_ledger(api);
  const auto scanned = ledger.scan(from, [&](const storage::Record& record) {
    if (record.header.first > end) return false;
    const auto header = storage::encode_record_header(record.header, record.body);
    reply.body.append(header.data(), header.size()).append(record.body);
    return reply.body.size() < copy_bytes_max;
  });
  if (scanned.has_value()) return reply;
  if (scanned.error().code == storage::StoreError::Code::archived) {
    return archived_reply(ledger, scanned.error());
  }
  return error_reply(500, "ledger", scanned.error().message);
}

Reply export_records(Api& api, const HttpRequest& request, Stream& stream) {
  const auto format = records::parse_format(
      request.query_value("format").empty() ? "csv" : request.query_value("format"));
  if (!format) return error_reply(400, "invalid", "a format is csv or json");
  records::Span span;
  for (auto [name, time] : {std::pair("from", &span.from), std::pair("until", &span.until)}) {
    const std::string_view text = request.query_value(name);
    if (text.empty()) continue;
    *time = records::parse_time(text);
    if (*time) continue;
    return error_reply(400, "invalid",
                       fmt::format("{} is a time in UTC: 2026-06-01 or 2026-06-01T08:00", name));
  }
  JobPlace place(api.records_run);
  if (!place.mine()) {
    return error_reply(409, "busy", "an export of records is running; wait until it is done");
  }
  const LedgerReader ledger = whole_ledger(api, request.query_value("archive"));
  const auto beginning = ledger.beginning();
  if (!beginning.has_value()) return error_reply(500, "ledger", beginning.error().message);
  records::ExportCalls calls;
  stream.begin(*format == records::Format::csv ? "text/csv" : "application/x-ndjson",
               beginning->missing);
  calls.write = [&](std::string_view text) { return stream.write(text) && !api.shard.stopping(); };
  calls.find_names = [&api](std::span<records::Who> who) {
    const Visited asked =
        api.shard.glance([who](Shard& shard) { records::find_names(shard.book(), who); });
    return asked && records::find_names(api.store, who);
  };
  calls.progress = [](Sequence) {};
  const auto exported = records::export_span(ledger, beginning->first, span, *format, calls);
  place.leave();
  if (exported.has_value()) stream.finish();  // else it is cut off
  return {};
}

}  // namespace farthing::engine::admin
