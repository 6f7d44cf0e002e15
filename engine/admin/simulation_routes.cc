// The route that charges the ledger's usage again by another tariff. It takes long, and one runs at
// a time.
#include "engine/admin/job_reply.h"
#include "engine/admin/places_json.h"
#include "engine/admin/routes.h"
#include "engine/admin/simulation_json.h"
#include "engine/admin/views.h"
#include "engine/tariff_tests.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

// The tariff in the body, or the version that is named; nullptr: the versions as they were in
// force.
base::Result<std::shared_ptr<const tariffs::Tariff>, Reply> simulated_tariff(
    Api& api, const HttpRequest& request) {
  if (request.body.empty()) {
    TariffView view;
    const Visited ran = api.shard.visit([&](Shard& shard) { view = view_tariffs(shard); });
    if (!ran) return unavailable_reply(ran.why());
    auto version = simulated_version(*view.history, request.query_value("version"));
    if (version.has_value()) return std::move(*version);
    return error_reply(404, "not_found", version.error());
  }
  const auto source = tariffs::parse_source(request.body);
  if (!source.has_value()) return error_reply(400, "invalid", source.error().message);
  const std::string_view file = request.query_value("file");
  auto checked = engine::check_tariff(file.empty() ? "tariff" : file, *source);
  if (checked.tariff != nullptr) return std::move(checked.tariff);
  return json_reply({{"error",
                      {{"code", "invalid_tariff"},
                       {"message", "the tariff is not in order; nothing was simulated"},
                       {"errors", places_json(checked.errors)}}}},
                    422);
}

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
  auto tariff = simulated_tariff(api, request);
  if (!tariff.has_value()) return tariff.error();
  const std::string archive(request.query_value("archive"));
  TariffSimulation simulation(
      api.store, archive_folder(api.store, archive.empty() ? api.archive_folder : archive), *span,
      std::move(*tariff));
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
  return run_job(api.simulation_runs, "a simulation is running; wait until it is done", request,
                 stream, [&](JobReply& reply) { return run_simulation(api, request, reply); });
}

}  // namespace farthing::engine::admin
