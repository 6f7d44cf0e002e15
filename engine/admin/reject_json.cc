#include "engine/admin/reject_json.h"

#include "engine/admin/samples.h"
#include "engine/admin/time_text.h"
#include "engine/utf8.h"

#include <boost/json.hpp>

namespace farthing::engine::admin {

namespace json = boost::json;

json::object rejects_json(const Rejects& rejects, std::string_view zone, std::string_view missing) {
  json::array groups;
  for (const RejectGroup& group : rejects.groups) {
    groups.push_back({{"result_code", reject_code(group.outcome)},
                      {"result", outcome_name(group.outcome)},
                      {"context", utf8_text(group.service_context)},
                      {"rating_group", group.rating_group ? json::value(group.rating_group->value)
                                                          : json::value(nullptr)},
                      {"prefix", group.prefix},
                      {"peer", utf8_text(group.peer)},
                      {"count", group.count},
                      {"first", time_text(zone, group.first)},
                      {"last", time_text(zone, group.last)},
                      {"seq", group.newest.value}});
  }
  return {{"count", rejects.count},
          {"left_out", rejects.left_out},
          {"missing", missing},
          {"groups", std::move(groups)}};
}

}  // namespace farthing::engine::admin
