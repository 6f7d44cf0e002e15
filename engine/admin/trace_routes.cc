#include "engine/admin/log.h"
#include "engine/admin/mask.h"
#include "engine/admin/routes.h"
#include "engine/operations.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

constexpr int traces_max = 3;                // each takes one of the API's threads
constexpr std::size_t session_id_max = 255;  // of a wish; longer ones are followed by subscriber
constexpr std::chrono::milliseconds beat{500};

class Place {
 public:
  explicit Place(std::atomic<int>& taken) : taken_(taken), mine_(taken.fetch_add(1) < traces_max) {}
  ~Place() { --taken_; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  bool mine() const { return mine_; }

 private:
  std::atomic<int>& taken_;
  bool mine_;
};

// A subscriber by MSISDN or IMSI: all its identities, and the sessions that it has open. Who is
// nobody's is looked for all the same: why its requests are refused may be the question.
base::Result<TraceWish, Reply> wish_of_subscriber(Api& api, std::string_view text) {
  const std::string_view digits = text.substr(text.starts_with('+') ? 1 : 0);
  TraceWish wish;
  for (const auto kind : {Identity::Kind::e164, Identity::Kind::imsi}) {
    if (const auto identity = Identity::make(kind, digits)) wish.identities.push_back(*identity);
  }
  if (wish.identities.empty()) {
    return error_reply(400, "invalid",
                       "a subscriber is an MSISDN or an IMSI: up to 15 digits, as 8613800138000");
  }
  Needs needs;
  needs.identities = wish.identities;
  const Visited ran = api.shard.visit(std::move(needs), [&](Shard& shard) {
    for (const Identity named : std::vector(wish.identities)) {
      const auto who = shard.book().find_subscriber(named);
      if (!who) continue;
      const Subscriber& subscriber = *who->account->subscriber(who->subscriber);
      for (const Identity own : {subscriber.msisdn, subscriber.imsi}) {
        if (own.kind() != Identity::Kind::none) wish.identities.push_back(own);
      }
      for (const Session* session = who->account->sessions; session != nullptr;
           session = session->account_next) {
        if (session->subscriber == who->subscriber) wish.sessions.push_back(session->id);
      }
    }
  });
  if (!ran) return unavailable_reply(ran.why());
  return wish;
}

base::Result<TraceWish, Reply> wish_of(Api& api, const HttpRequest& request) {
  const std::string_view peer = request.query_value("peer");
  const std::string_view session = request.query_value("session");
  const std::string_view subscriber = request.query_value("subscriber");
  const bool is_one = int{!peer.empty()} + int{!session.empty()} + int{!subscriber.empty()} == 1;
  if (!is_one || std::max(peer.size(), session.size()) > session_id_max) {
    return error_reply(
        400, "invalid",
        "give one of subscriber (an MSISDN or an IMSI), peer (an Origin-Host) and session");
  }
  if (!subscriber.empty()) return wish_of_subscriber(api, subscriber);
  TraceWish wish;
  wish.peer = peer;
  if (!session.empty()) wish.sessions.emplace_back(session);
  return wish;
}

std::string hex(std::span<const std::uint8_t> octets) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * octets.size());
  for (const std::uint8_t octet : octets) {
    text += digits[octet >> 4];
    text += digits[octet & 15];
  }
  return text;
}

std::string line_of(const TracedMessage& message) {
  json::object line{{"time_us", message.at.time_since_epoch().count()},
                    {"connection", message.connection},
                    {"peer", message.peer},
                    {"address", message.address},
                    {"received", message.is_received},
                    {"frame", hex(message.frame)}};
  if (message.entry.value != 0) line["entry"] = message.entry.value;
  return json::serialize(line) + '\n';
}

}  // namespace

// Lines of JSON until the other side goes away: {} when it begins and while nothing happens.
Reply trace(Api& api, const HttpRequest& request, Stream& stream) {
  if (!api.begin_trace) return error_reply(404, "not_found", "this server has no messages to show");
  auto wish = wish_of(api, request);
  if (!wish.has_value()) return wish.error();
  const Place place(api.traces);
  if (!place.mine()) {
    return error_reply(409, "busy",
                       fmt::format("{} traces run already; end one of them", traces_max));
  }
  for (const char* name : {"subscriber", "peer", "session"}) {
    const std::string_view value = request.query_value(name);
    if (value.empty()) continue;
    log(LogLevel::info,
        fmt::format("{} traces {} {}", request.operator_name, name, mask_identities(value)));
  }
  const auto queue = std::make_shared<TraceQueue>();
  api.begin_trace(std::move(*wish), queue);
  // What comes after the first line is not missed.
  const Visited begun = api.shard.glance([](Shard&) {});
  if (!begun) return unavailable_reply(begun.why());
  stream.begin("application/x-ndjson");
  std::string lines = "{}\n";
  while (stream.write(lines) && !api.shard.stopping()) {
    const TraceQueue::Taken taken = queue->take(beat);
    lines.clear();
    for (const TracedMessage& message : taken.messages) lines += line_of(message);
    if (taken.lost > 0) lines += fmt::format("{{\"lost\":{}}}\n", taken.lost);
    if (lines.empty()) lines = "{}\n";
  }
  stream.finish();
  return {};
}

}  // namespace farthing::engine::admin
