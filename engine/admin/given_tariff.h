// The tariff that a request wants usage of the past charged again by. Any thread but the shard's.
#pragma once

#include "engine/admin/routes.h"
#include "engine/admin/views.h"

#include <cstdint>
#include <memory>
#include <string_view>

namespace farthing::engine::admin {

struct GivenTariff {
  std::shared_ptr<const tariffs::Tariff> tariff;  // nullptr: the versions as they were in force
  std::uint64_t source_hash = 0;                  // likewise 0
};

// The one in the body, checked; without a body the version, as simulated_version() takes it.
base::Result<GivenTariff, Reply> given_tariff(Api& api, const HttpRequest& request,
                                              const TariffView& loaded, std::string_view version);

}  // namespace farthing::engine::admin
