#include "engine/admin/job_place.h"
#include "engine/admin/routes.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace farthing::engine::admin {

Reply create_backup(Api& api, const HttpRequest& request, Stream&) {
  BodyFields fields(request.body);
  const std::string folder = fields.required("folder");
  if (auto wrong = fields.wrong()) return *wrong;
  if (!folder.starts_with('/')) {
    return error_reply(400, "invalid",
                       "a backup's folder is an absolute path, as the server sees it");
  }
  JobPlace place(api.backup_runs);
  if (!place.mine()) {
    return error_reply(409, "busy", "a backup is running; wait until it is done");
  }
  const auto copied = api.store.copy_to(folder);
  if (!copied.has_value()) return error_reply(409, "backup", copied.error().message);
  return json_reply({{"folder", folder}, {"entries", copied->last.value}}, 201);
}

}  // namespace farthing::engine::admin
