#include "engine/admin/given_tariff.h"

#include "engine/admin/places_json.h"
#include "engine/admin/simulation_json.h"
#include "engine/base/hash.h"
#include "engine/tariff_tests.h"
#include "engine/tariff_versions.h"

#include <boost/json.hpp>

#include <algorithm>

namespace farthing::engine::admin {

base::Result<GivenTariff, Reply> given_tariff(Api& api, const HttpRequest& request,
                                              const TariffView& loaded, std::string_view version) {
  if (request.body.empty()) {
    auto found = simulated_version(*loaded.history, version);
    if (!found.has_value()) return error_reply(404, "not_found", found.error());
    if (*found == nullptr) return GivenTariff();
    const auto number = parse_version(version);
    const std::string source = api.store.document(tariff_document_key(*number)).value_or("");
    return GivenTariff{std::move(*found), base::hash64(source)};
  }
  const auto source = tariffs::parse_source(request.body);
  if (!source.has_value()) return error_reply(400, "invalid", source.error().message);
  const std::string_view file = request.query_value("file");
  auto checked = engine::check_tariff(file.empty() ? "tariff" : file, *source);
  if (checked.tariff != nullptr) {
    return GivenTariff{std::move(checked.tariff), base::hash64(request.body)};
  }
  return json_reply({{"error",
                      {{"code", "invalid_tariff"},
                       {"message", "the tariff is not in order; nothing was charged again"},
                       {"errors", places_json(checked.errors)}}}},
                    422);
}

}  // namespace farthing::engine::admin
