#include "engine/admin/routes.h"
#include "engine/admin/time_text.h"
#include "engine/utf8.h"
#include "engine/admin/views.h"

#include <boost/json.hpp>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

json::object requests_json(const ShardMetrics& metrics) {
  json::object requests;
  std::uint64_t total = 0;
  for (const RequestType type :
       {RequestType::initial, RequestType::update, RequestType::termination, RequestType::event}) {
    json::object outcomes;
    const auto& counts = metrics.requests[static_cast<std::size_t>(type) - 1];
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i].value() == 0) continue;
      outcomes[outcome_name(static_cast<Outcome>(i))] = counts[i].value();
      total += counts[i].value();
    }
    requests[request_type_name(type)] = std::move(outcomes);
  }
  requests["total"] = total;
  requests["duplicates"] = metrics.duplicates.value();
  return requests;
}

json::object histogram_json(const Histogram& histogram) {
  return {{"p50", quantile_us(histogram, 0.5)},
          {"p90", quantile_us(histogram, 0.9)},
          {"p99", quantile_us(histogram, 0.99)},
          {"p999", quantile_us(histogram, 0.999)},
          {"max", quantile_us(histogram, 1)}};
}

json::value tariff_json(const TariffView& view) {
  const tariffs::VersionedTariff* const now = view.in_force();
  if (now == nullptr) return nullptr;
  return {{"version", now->version.value},
          {"name", now->tariff->name()},
          {"currency", now->tariff->currency()},
          {"valid_from", time_text(now->tariff->time_zone(), now->valid_from)}};
}

}  // namespace

Reply get_status(Api& api, const HttpRequest&, Stream&) {
  TariffView tariffs;
  std::uint64_t entered = 0;
  std::uint64_t accounts = 0;
  std::uint64_t sessions = 0;
  const Visited ran = api.shard.glance([&](Shard& shard) {
    tariffs = view_tariffs(shard);
    entered = shard.book().last().value;
    accounts = shard.book().account_count();
    sessions = shard.book().session_count();
  });
  if (!ran) return unavailable_reply(ran.why());
  json::array peers;
  if (api.peers) {
    for (const PeerStatus& peer : api.peers()) {
      peers.push_back(
          {{"host", utf8_text(peer.host)}, {"address", peer.address}, {"state", peer.state}});
    }
  }
  return json_reply({{"version", FARTHING_VERSION},
                     {"uptime_seconds", seconds(api.clock() - api.started_at)},
                     {"started_at", time_text(tariffs.time_zone(), api.started_at)},
                     {"data", api.data_folder},
                     {"ledger",
                      {{"sequence", entered},
                       {"durable", api.metrics.sequence.value()},
                       {"waiting_bytes", api.metrics.gathering_bytes.value()},
                       {"free_disk_bytes", api.store.free_disk_bytes()}}},
                     {"accounts", accounts},
                     {"sessions_open", sessions},
                     {"peers", std::move(peers)},
                     {"requests", requests_json(api.metrics)},
                     {"request_us", histogram_json(api.metrics.request_us)},
                     {"commit_us", histogram_json(api.metrics.commit_us)},
                     {"tariff", tariff_json(tariffs)}});
}

Reply get_metrics(Api& api, const HttpRequest&, Stream&) {
  Figures figures{api.metrics, seconds(api.clock() - api.started_at), api.store.free_disk_bytes(),
                  api.samples ? api.samples() : std::vector<Sample>()};
  return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(figures)};
}

}  // namespace farthing::engine::admin
