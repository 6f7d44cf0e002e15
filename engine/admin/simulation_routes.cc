// The route that charges the ledger's usage again by another tariff. It takes long, and one runs at
// a time.
#include "engine/admin/given_tariff.h"
#include "engine/admin/job_reply.h"
#include "engine/admin/routes.h"
#include "engine/admin/simulation_json.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

Reply run_simulation(Api& api, const HttpRequest& request, JobReply& reply) {
  const auto span = parse_simulation_span(request.query_value("from"), request.query_value("to"));
  if (!span.has_value()) return error_reply(400, "invalid", span.error());
  const auto top = query_number(request, "top", simulation_top_default, simulation_top_max);
  if (!top) {
    return error_reply(400, "invalid", fmt::format("top is a number up to {}", simulation_top_max));
  }
  const bool wants_csv = !request.query_value("csv").empty();
  if (wants_csv && request.query_value("progress").empty()) {
    return error_reply(400, "invalid", "the lines of csv come with those of progress=1; add that");
  }
  TariffView loaded;
  const Visited seen = api.shard.visit([&](Shard& shard) { loaded = view_tariffs(shard); });
  if (!seen) return unavailable_reply(seen.why());
  auto given = given_tariff(api, request, loaded, request.query_value("version"));
  if (!given.has_value()) return given.error();
  const std::string archive(request.query_value("archive"));
  TariffSimulation simulation(
      api.store, archive_folder(api.store, archive.empty() ? api.archive_folder : archive), *span,
      std::move(given->tariff));
  const auto ran = simulation.run([&](std::string_view phase, Sequence at, Sequence of) {
    return reply.progress({{"phase", phase}, {"entries", at.value}, {"of", of.value}}) &&
           !api.shard.stopping();
  });
  if (api.shard.stopping()) return unavailable_reply("the server is stopping");
  if (!ran.has_value()) return error_reply(422, "refused", ran.error());
  if (wants_csv) {
    write_simulation_csv(simulation, [&](std::string_view text) {
      return reply.progress({{"csv", text}});
    });
  }
  return json_reply(simulation_json(simulation, *span, *top));
}

}  // namespace

Reply simulate_tariff(Api& api, const HttpRequest& request, Stream& stream) {
  return run_job(api.simulation_runs, "a simulation or a rerate is running; wait until it is done",
                 request, stream,
                 [&](JobReply& reply) { return run_simulation(api, request, reply); });
}

}  // namespace farthing::engine::admin
