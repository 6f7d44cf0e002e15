// What was refused, as JSON: for the API and for whoever reads a folder without a server.
#pragma once

#include "engine/rejects.h"

#include <boost/json/object.hpp>

#include <string_view>

namespace farthing::engine::admin {

// Times in the zone; `missing` says what could not be read of the ledger, "" for nothing.
boost::json::object rejects_json(const Rejects& rejects, std::string_view zone,
                                 std::string_view missing);

}  // namespace farthing::engine::admin
