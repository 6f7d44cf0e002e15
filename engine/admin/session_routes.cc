#include "engine/admin/routes.h"
#include "engine/admin/views.h"
#include "engine/utf8.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

constexpr std::size_t places_per_visit = 2000;
constexpr std::uint64_t sessions_default = 100;
constexpr std::uint64_t sessions_max = 100'000;

// What a session holds of one allowance.
struct HeldUnits {
  BucketNumber bucket;
  std::string offer;
  Unit unit = Unit::octets;
  std::int64_t units = 0;
};

std::vector<HeldUnits> units_held(const Session& session) {
  std::vector<HeldUnits> held;
  for (const BucketHold& hold : session.holds) {
    auto place = std::ranges::find(held, hold.bucket, &HeldUnits::bucket);
    if (place == held.end()) {
      const Bucket& bucket = *session.account->bucket(hold.bucket);
      place = held.insert(place, {hold.bucket, bucket.offer, bucket.unit, 0});
    }
    place->units += hold.units;
  }
  std::erase_if(held, [](const HeldUnits& one) { return one.units == 0; });
  return held;
}

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
  const std::string& id = request.arguments[0];
  const std::string reason(request.query_value("reason"));
  Operation done = Refusal{};
  SessionView view;
  TariffView tariffs;
  std::vector<HeldUnits> units;
  const Visited ran = api.shard.visit([&](Shard& shard) {
    const Book& book = shard.book();
    tariffs = view_tariffs(shard);
    if (const Session* const session = book.find_session(book.session_key(id))) {
      view = view_session(*session);
      units = units_held(*session);
    }
    done = engine::close_session(shard, id, Note{request.operator_name, reason, {}});
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!done.has_value()) return refusal_reply(done.error());
  Money charged;
  Money released;
  for (const Segment& segment : view.segments) {
    charged.micros += segment.charged_micros;
    released.micros += segment.reserved_micros;
  }
  json::array allowances;
  for (const HeldUnits& held : units) {
    allowances.push_back(
        {{"offer", held.offer}, {"units", held.units}, {"unit", tariffs::unit_name(held.unit)}});
  }
  return json_reply({{"sequence", done->sequence.value},
                     {"session", utf8_text(view.id)},
                     {"account", view.account},
                     {"currency", tariffs.currency()},
                     {"charged", charged.to_string()},
                     {"released", released.to_string()},
                     {"released_units", std::move(allowances)}});
}

}  // namespace farthing::engine::admin
