// Figures for a monitoring system, and their text (Prometheus exposition format 0.0.4).
#pragma once

#include "engine/metrics.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace farthing::engine::admin {

// One figure of one name. Those of one name stand together in a list and have one help and kind.
struct Sample {
  std::string name;  // "farthing_peers_connected"; a counter's ends in _total
  std::string help;
  bool counter = false;  // else a gauge
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

// What a shard counts, and what others add.
struct Figures {
  const ShardMetrics& shard;
  double uptime_seconds = 0;
  std::uint64_t free_disk_bytes = 0;
  std::vector<Sample> others;
};

std::string metrics_text(const Figures& figures);

// The smallest value of the histogram's resolution that `share` (0 to 1) of all do not exceed; 0
// where there are none.
std::uint64_t quantile_us(const Histogram& histogram, double share);

// How requests end, as figures name it: "success", "credit_limit_reached" ...
std::string_view outcome_name(Outcome outcome);
std::string_view request_type_name(RequestType type);

}  // namespace farthing::engine::admin
