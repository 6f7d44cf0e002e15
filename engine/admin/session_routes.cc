#include "engine/admin/routes.h"
#include "engine/admin/views.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

constexpr std::size_t places_per_visit = 2000;
constexpr std::uint64_t sessions_default = 100;
constexpr std::uint64_t sessions_max = 100'000;

}  // namespace

Reply list_sessions(Api& api, const HttpRequest& request, Stream&) {
  const auto limit = query_number(request, "limit", sessions_default, sessions_max);
  if (!limit) {
    return error_reply(400, "invalid", fmt::format("a limit is a number up to {}", sessions_max));
  }
  const std::string name(request.query_value("account"));
  std::vector<SessionView> views;
  TariffView tariffs;
  std::uint64_t open = 0;
  bool found = true;
  bool more = true;
  std::size_t next = 0;
  while (more && views.size() < *limit) {
    const Visited ran =
        api.shard.visit(name.empty() ? Needs() : need_account(name), [&](Shard& shard) {
          const Book& book = shard.book();
          tariffs = view_tariffs(shard);
          open = book.session_count();
          if (!name.empty()) {
            const Account* const account = book.find_account(name);
            found = account != nullptr;
            for (const Session* at = found ? account->sessions : nullptr; at != nullptr;
                 at = at->account_next) {
              if (views.size() < *limit) views.push_back(view_session(*at));
            }
            more = false;
            return;
          }
          const std::size_t end = std::min(next + places_per_visit, book.session_places());
          for (; next < end && views.size() < *limit; ++next) {
            if (const Session* const session = book.session_at(next)) {
              views.push_back(view_session(*session));
            }
          }
          more = next < book.session_places();
        });
    if (!ran) return unavailable_reply(ran.why());
  }
  if (!found) return error_reply(404, "not_found", fmt::format("there is no account {}", name));
  json::array sessions;
  for (const SessionView& view : views) sessions.push_back(session_json(view, tariffs));
  return json_reply({{"sessions", std::move(sessions)}, {"open", open}});
}

Reply close_session(Api& api, const HttpRequest& request, Stream&) {
  Operation done = Refusal{};
  const Visited ran = api.shard.visit(
      [&](Shard& shard) { done = engine::close_session(shard, request.arguments[0]); });
  if (!ran) return unavailable_reply(ran.why());
  if (!done.has_value()) return refusal_reply(done.error());
  return json_reply({{"sequence", done->sequence.value}});
}

}  // namespace farthing::engine::admin
