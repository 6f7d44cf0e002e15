// Numbers that a subscriber chose.
#include "engine/admin/routes.h"
#include "engine/admin/time_text.h"
#include "engine/admin/views.h"
#include "engine/chosen.h"
#include "engine/permission.h"

#include <boost/json.hpp>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

struct ChosenView {
  std::vector<std::string> numbers;
  tariffs::ChosenNumbers terms;
  std::uint32_t given_up = 0;  // this month
  Time month_end = never;
};

ChosenView view_chosen(const SubscriberRef& who, Shard& shard) {
  ChosenView view;
  const ChosenList* const list = who.account->subscriber(who.subscriber)->chosen.get();
  view.terms = chosen_terms(*who.account, who.subscriber, shard.tariffs(), shard.now());
  if (list != nullptr) view.numbers = list->numbers;
  const tariffs::VersionedTariff* const version =
      version_for(shard.tariffs(), *who.account, who.subscriber, shard.now());
  if (version == nullptr) return view;
  const tariffs::TimeSpan month = version->tariff->month_of(shard.now());
  view.given_up = given_up_in(list, month);
  view.month_end = month.to;
  return view;
}

json::object chosen_json(const ChosenView& view, const TariffView& tariffs) {
  json::array numbers;
  for (std::size_t i = 0; i < view.numbers.size(); ++i) {
    numbers.push_back({{"number", view.numbers[i]}, {"counts", i < view.terms.most}});
  }
  const json::value none(nullptr);
  return {{"chosen", numbers},
          {"most", view.terms.most},
          {"changes", view.terms.changes ? json::value(*view.terms.changes) : none},
          {"given_up", view.given_up},
          {"month_end", view.month_end == never
                            ? none
                            : json::value(time_text(tariffs.time_zone(), view.month_end))}};
}

// Looks at the list, after `change` where there is one.
template <class Change>
Reply answer(Api& api, const std::string& msisdn, Change&& change) {
  Operation done = Refusal{};
  ChosenView view;
  TariffView tariffs;
  const Visited ran = api.shard.visit(need_subscriber(msisdn), [&](Shard& shard) {
    done = change(shard);
    if (!done.has_value()) return;
    const auto who = find_subscriber(shard, msisdn);
    if (!who.has_value()) {
      done = who.error();
      return;
    }
    view = view_chosen(*who, shard);
    tariffs = view_tariffs(shard);
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!done.has_value()) return refusal_reply(done.error());
  json::object body = chosen_json(view, tariffs);
  if (done->sequence.value != 0) {
    body["sequence"] = done->sequence.value;
    body["repeated"] = done->repeated;
  }
  return json_reply(std::move(body));
}

}  // namespace

Reply list_chosen(Api& api, const HttpRequest& request, Stream&) {
  return answer(api, request.arguments[0], [](Shard&) -> Operation { return Done{}; });
}

Reply choose_number(Api& api, const HttpRequest& request, Stream&) {
  BodyFields fields(request.body);
  const std::string number = fields.required("number");
  const std::string reason = fields.optional("reason");
  if (auto wrong = fields.wrong()) return *wrong;
  const std::string& msisdn = request.arguments[0];
  return answer(api, msisdn, [&](Shard& shard) {
    return engine::choose_number(shard, msisdn, number, Note{request.operator_name, reason, {}});
  });
}

Reply give_up_number(Api& api, const HttpRequest& request, Stream&) {
  const std::string& msisdn = request.arguments[0];
  const std::string reason(request.query_value("reason"));
  return answer(api, msisdn, [&](Shard& shard) {
    return engine::give_up_number(shard, msisdn, request.arguments[1],
                                  Note{request.operator_name, reason, {}});
  });
}

}  // namespace farthing::engine::admin
