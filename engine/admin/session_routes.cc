#include "engine/admin/routes.h"
#include "engine/admin/views.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

constexpr std::uint64_t accounts_per_visit = 5000;  // looked at; few of them have sessions
constexpr std::uint64_t sessions_per_visit = 500;
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
  std::uint64_t next = 1;
  while (more && views.size() < *limit) {
    const std::size_t enough = std::min<std::size_t>(*limit, views.size() + sessions_per_visit);
    const bool ran = api.shard.visit([&](Shard& shard) {
      const Book& book = shard.book();
      tariffs = view_tariffs(shard);
      open = book.session_count();
      auto take = [&](const Account& account) {
        for (const Session* at = account.sessions; at != nullptr; at = at->account_next) {
          if (views.size() < *limit) views.push_back(view_session(*at));
        }
      };
      if (!name.empty()) {
        const Account* const account = book.find_account(name);
        found = account != nullptr;
        if (found) take(*account);
        more = false;
        return;
      }
      const std::uint64_t end = std::min(next + accounts_per_visit, book.account_count() + 1);
      while (next < end && views.size() < enough) take(*book.account(AccountNumber(next++)));
      more = next <= book.account_count();
    });
    if (!ran) return stopping_reply();
  }
  if (!found) return error_reply(404, "not_found", fmt::format("there is no account {}", name));
  json::array sessions;
  for (const SessionView& view : views) sessions.push_back(session_json(view, tariffs));
  return json_reply({{"sessions", std::move(sessions)}, {"open", open}});
}

Reply close_session(Api& api, const HttpRequest& request, Stream&) {
  Operation done = Refusal{};
  const bool ran = api.shard.visit(
      [&](Shard& shard) { done = engine::close_session(shard, request.arguments[0]); });
  if (!ran) return stopping_reply();
  if (!done.has_value()) return refusal_reply(done.error());
  return json_reply({{"sequence", done->sequence.value}});
}

}  // namespace farthing::engine::admin
