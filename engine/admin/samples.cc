#include "engine/admin/samples.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <limits>

namespace farthing::engine::admin {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::array<std::string_view, 9> outcome_names = {
    "success",          "service_denied", "credit_limit_reached",
    "rating_failed",    "user_unknown",   "unknown_session",
    "unable_to_comply", "too_busy",       "not_applicable"};
constexpr std::array<std::string_view, 4> type_names = {"initial", "update", "termination",
                                                        "event"};

// Histograms are shown at powers of two from 16 us to 67 s: every fourth of the shard's own
// buckets.
constexpr std::uint64_t first_edge_us = 16;
constexpr std::uint64_t last_edge_us = std::uint64_t{1} << 26;

class Families {
 public:
  void counter(std::string name, std::string help, std::uint64_t value) {
    Sample sample{std::move(name), std::move(help), true, {}, static_cast<double>(value)};
    add(sample);
  }
  void gauge(std::string name, std::string help, double value) {
    Sample sample{std::move(name), std::move(help), false, {}, value};
    add(sample);
  }
  // A sample joins the family before it where that has its name.
  void add(const Sample& sample) {
    if (families_.empty() || families_.back().name != sample.name) {
      families_.push_back(
          {sample.name, sample.help, sample.counter ? MetricType::Counter : MetricType::Gauge, {}});
    }
    ClientMetric metric;
    for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
    if (families_.back().type == MetricType::Counter) {
      metric.counter.value = sample.value;
    } else {
      metric.gauge.value = sample.value;
    }
    families_.back().metric.push_back(std::move(metric));
  }
  // `what`: takes of the shard.
  void pauses(const std::string& name, const std::string& what, const Pauses& pauses) {
    histogram(name + "_seconds", what + " take of the shard at a time.", pauses.us);
    histogram(name + "_cpu_seconds",
              "The same in processor time, without what other threads took in between.",
              pauses.cpu_us);
  }
  void histogram(std::string name, std::string help, const Histogram& histogram) {
    ClientMetric metric;
    std::uint64_t edge_us = first_edge_us;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < Histogram::bucket_count; ++i) {
      // Values are whole microseconds cut off, so all of a bucket lie below its largest and one.
      const std::uint64_t upper_us = Histogram::upper_us(i) + 1;
      sum += histogram.count(i);
      if (upper_us == edge_us && edge_us <= last_edge_us) {
        metric.histogram.bucket.push_back({sum, static_cast<double>(edge_us) / 1e6});
        edge_us *= 2;
      }
    }
    metric.histogram.bucket.push_back({sum, std::numeric_limits<double>::infinity()});
    metric.histogram.sample_count = sum;
    metric.histogram.sample_sum = static_cast<double>(histogram.sum_us()) / 1e6;
    families_.push_back({std::move(name), std::move(help), MetricType::Histogram, {}});
    families_.back().metric.push_back(std::move(metric));
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  std::vector<MetricFamily> families_;
};

void add_requests(Families& families, const ShardMetrics& shard) {
  for (std::size_t type = 0; type < type_names.size(); ++type) {
    for (std::size_t outcome = 0; outcome < outcome_names.size(); ++outcome) {
      families.add({"farthing_requests_total",
                    "Credit-control requests by how the command ended.",
                    true,
                    {{"type", std::string(type_names[type])},
                     {"result", std::string(outcome_names[outcome])}},
                    static_cast<double>(shard.requests[type][outcome].value())});
    }
  }
  for (std::size_t outcome = 0; outcome < outcome_names.size(); ++outcome) {
    families.add({"farthing_services_total",
                  "Services inside requests by how each ended.",
                  true,
                  {{"result", std::string(outcome_names[outcome])}},
                  static_cast<double>(shard.services[outcome].value())});
  }
}

}  // namespace

std::string_view outcome_name(Outcome outcome) {
  return outcome_names[static_cast<std::size_t>(outcome)];
}

std::string_view request_type_name(RequestType type) {
  return type_names[static_cast<std::size_t>(type) - 1];
}

std::string metrics_text(const Figures& figures) {
  const ShardMetrics& shard = figures.shard;
  Families families;
  families.add({"farthing_build_info",
                "1; the version is its label.",
                false,
                {{"version", FARTHING_VERSION}},
                1});
  families.gauge("farthing_uptime_seconds", "Seconds since the start.", figures.uptime_seconds);
  add_requests(families, shard);
  families.counter("farthing_duplicates_total", "Requests answered again from what was remembered.",
                   shard.duplicates.value());
  families.counter("farthing_renewals_total",
                   "Subscriptions renewed, left unpaid or ended by time.", shard.renewals.value());
  families.counter("farthing_duplicates_read_total", "Of those, read back from the ledger.",
                   shard.duplicates_read.value());
  families.counter("farthing_duplicates_evicted_total",
                   "Answers forgotten before their window was over: give duplicates.bytes more.",
                   shard.duplicates_evicted.value());
  families.gauge("farthing_sessions_open", "Open sessions.",
                 static_cast<double>(shard.sessions_open.value()));
  families.counter("farthing_sessions_expired_total", "Sessions closed because nothing was heard.",
                   shard.sessions_expired.value());
  families.gauge("farthing_accounts", "Accounts.", static_cast<double>(shard.accounts.value()));
  families.gauge("farthing_ledger_sequence", "Number of the newest durable ledger entry.",
                 static_cast<double>(shard.sequence.value()));
  families.gauge("farthing_accounts_resident", "Accounts in memory.",
                 static_cast<double>(shard.accounts_resident.value()));
  families.gauge("farthing_accounts_bytes", "What they take, estimated (accounts.memory).",
                 static_cast<double>(shard.accounts_bytes.value()));
  families.counter("farthing_accounts_evicted_total", "Accounts that left memory.",
                   shard.accounts_evicted.value());
  families.counter("farthing_fetches_total", "Readings of what was not in memory.",
                   shard.fetches.value());
  families.counter("farthing_fetches_failed_total", "Of those, ones that could not read.",
                   shard.fetches_failed.value());
  families.counter("farthing_rounds_total", "Rounds of write-back.", shard.rounds.value());
  families.gauge("farthing_checkpoint_position", "Entry up to which a start replays nothing.",
                 static_cast<double>(shard.checkpoint_position.value()));
  families.counter("farthing_batches_total", "Batches handed to the store.", shard.batches.value());
  families.counter("farthing_batch_entries_total", "Ledger entries in those batches.",
                   shard.batch_entries.value());
  families.gauge("farthing_queue_bytes", "Bytes of the batch that waits for the store.",
                 static_cast<double>(shard.gathering_bytes.value()));
  families.gauge("farthing_disk_free_bytes", "Free space where the data folder is.",
                 static_cast<double>(figures.free_disk_bytes));
  families.histogram("farthing_request_seconds", "Request read to answer released.",
                     shard.request_us);
  families.pauses("farthing_upkeep", "What write-back, eviction and what was fetched",
                  shard.upkeep);
  families.pauses("farthing_visit", "What calls of the API", shard.visits);
  families.histogram("farthing_commit_seconds", "Batch handed over to durable.", shard.commit_us);
  for (const Sample& sample : figures.others) families.add(sample);
  return families.text();
}

std::uint64_t quantile_us(const Histogram& histogram, double share) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < Histogram::bucket_count; ++i) total += histogram.count(i);
  const double wanted = share * static_cast<double>(total);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < Histogram::bucket_count; ++i) {
    sum += histogram.count(i);
    if (sum > 0 && static_cast<double>(sum) >= wanted) return Histogram::upper_us(i);
  }
  return 0;
}

}  // namespace farthing::engine::admin
