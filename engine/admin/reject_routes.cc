// What was refused, from the ledger.
#include "engine/admin/job_place.h"
#include "engine/admin/reject_json.h"
#include "engine/admin/routes.h"
#include "engine/admin/views.h"
#include "engine/records/export.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <utility>

namespace farthing::engine::admin {

Reply list_rejects(Api& api, const HttpRequest& request, Stream&) {
  RejectQuestion question;
  for (auto [name, time] :
       {std::pair("since", &question.since), std::pair("until", &question.until)}) {
    const std::string_view text = request.query_value(name);
    if (text.empty()) continue;
    *time = records::parse_time(text);
    if (*time) continue;
    return error_reply(400, "invalid",
                       fmt::format("{} is a time in UTC: 2026-06-01 or 2026-06-01T08:00", name));
  }
  const auto digits = query_number(request, "digits", question.prefix_digits, prefix_digits_max);
  if (!digits) {
    return error_reply(400, "invalid",
                       fmt::format("digits is a number from 0 to {}", prefix_digits_max));
  }
  question.prefix_digits = *digits;
  JobPlace place(api.records_run);
  if (!place.mine()) {
    return error_reply(409, "busy",
                       "the ledger is being read for another list; wait until it is done");
  }
  TariffView view;
  const Visited ran = api.shard.visit([&](Shard& shard) { view = view_tariffs(shard); });
  if (!ran) return unavailable_reply(ran.why());
  const std::string_view folder = request.query_value("archive");
  LedgerReader ledger(api.store,
                      archive_folder(api.store, folder.empty() ? api.archive_folder : folder));
  const auto beginning = ledger.beginning();
  if (!beginning.has_value()) return error_reply(500, "ledger", beginning.error().message);
  const auto rejects = find_rejects(ledger, beginning->first, question,
                                    [&api](Sequence) { return !api.shard.stopping(); });
  place.leave();
  if (!rejects.has_value()) return error_reply(500, "ledger", rejects.error());
  return json_reply(rejects_json(*rejects, view.time_zone(), beginning->missing));
}

}  // namespace farthing::engine::admin
