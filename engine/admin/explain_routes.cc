// The route that says what was charged or refused, and why. It reads an account's entries from the
// first on, beside the shard; one runs at a time.
#include "engine/admin/explanation_json.h"
#include "engine/admin/job_reply.h"
#include "engine/admin/routes.h"
#include "engine/admin/views.h"

#include <boost/json.hpp>

#include <utility>

namespace farthing::engine::admin {

namespace {

Reply failure_reply(const ExplainFailure& failure) {
  return failure.is_unknown ? error_reply(404, "not_found", failure.message)
                            : error_reply(500, "ledger", failure.message);
}

// ?of=: an entry's number, or a Session-Id.
Reply run_explanation(Api& api, const HttpRequest& request, JobReply& reply) {
  const std::string_view of = request.query_value("of");
  if (of.empty()) {
    return error_reply(400, "invalid", "of names a ledger entry by its number, or a Session-Id");
  }
  TariffView view;
  Sequence newest;  // of the session, where it is open
  const std::optional<Sequence> entry = parse_sequence(of);
  const Visited ran = api.shard.visit([&](Shard& shard) {
    view = view_tariffs(shard);
    const Session* const session = shard.book().find_session(shard.book().session_key(of));
    if (session != nullptr) newest = session->last;
  });
  if (!ran) return unavailable_reply(ran.why());
  const std::string archive(request.query_value("archive"));
  const Explainer explainer(
      api.store, archive_folder(api.store, archive.empty() ? api.archive_folder : archive),
      view.history, [&](std::string_view phase, std::uint64_t at, std::uint64_t of_all) {
        return reply.progress({{"phase", phase}, {"entries", at}, {"of", of_all}}) &&
               !api.shard.stopping();
      });
  if (!entry && newest.value == 0) {
    const auto found = explainer.find_session(of);
    if (!found.has_value()) return failure_reply(found.error());
    newest = *found;
  }
  const auto explanation = entry ? explainer.explain_entry(*entry)
                                 : explainer.explain_session(newest, explained_entries_max);
  if (api.shard.stopping()) return unavailable_reply("the server is stopping");
  if (!explanation.has_value()) return failure_reply(explanation.error());
  return json_reply(explanation_json(*explanation));
}

}  // namespace

Reply explain(Api& api, const HttpRequest& request, Stream& stream) {
  return run_job(api.explanation_runs, "something else is being explained; ask again in a moment",
                 request, stream,
                 [&](JobReply& reply) { return run_explanation(api, request, reply); });
}

}  // namespace farthing::engine::admin
